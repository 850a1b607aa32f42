// Written: a value as the params have it, in which {"$": POINTER} stands for what the item has there.
#pragma once
#include <heddle/sdk.h>

namespace node_chain {

class Written {
 public:
  // `param` names it in messages. Throws Error where a pointer is none.
  Written(std::string_view param, heddle::sdk::ValueRef value);

  explicit operator bool() const { return static_cast<bool>(value_); }  // false: the param is absent
  // Throws Error where a pointer leads nowhere.
  heddle::sdk::Value of(heddle::sdk::ValueRef item) const;

 private:
  heddle::sdk::Value filled(heddle::sdk::ValueRef written, heddle::sdk::ValueRef item) const;

  std::string_view param_;
  heddle::sdk::Value value_;
  bool has_pointers_ = false;  // false: it is the same for all items
};

}  // namespace node_chain
