// Asking: the items of a node that wait for what a chain answers.
#pragma once
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "link.h"

namespace node_chain {

// Any thread.
class Asking {
 public:
  // `result`: what the answer is called beside the item, in {"item", …}; empty: it comes out alone.
  Asking(Link& link, std::string_view result) : link_(link), result_(result) {}

  void read(heddle::sdk::Call call, const heddle::sdk::Value& question);
  void submit(heddle::sdk::Call call, const std::string& key, const heddle::sdk::Value& intent);
  // Nobody waits for it any more: the chain is not asked further.
  void cancel(heddle::sdk::CallId id);

 private:
  // An item that the chain has heard of.
  struct Open {
    Asking* asking;
    heddle::sdk::Call call;
    heddle_id asked = 0;  // 0: not known yet
    bool is_unwanted = false;
  };

  Open* add(heddle::sdk::Call call);
  std::unique_ptr<Open> take(const Open& open, heddle::sdk::CallId id);
  void begun(Open* open, heddle::sdk::CallId id, heddle_id asked);
  static void answered(void* ctx, heddle_status status, heddle_value* result, heddle_str why) noexcept;
  void answer(heddle::sdk::Call& call, heddle_status status, heddle::sdk::Value result, std::string_view why) const;

  Link& link_;
  const std::string result_;
  std::mutex mutex_;
  std::unordered_map<heddle::sdk::CallId, std::unique_ptr<Open>> open_;  // guarded by mutex_
};

}  // namespace node_chain
