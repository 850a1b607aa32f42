// Secret: a param that nobody may see: given as it is, or as {"file": path} of which only its owner may know what is in it.
#pragma once
#include <heddle/sdk.h>

#include <string>
#include <string_view>

namespace broker_http {

// Immutable.
class Secret {
 public:
  // `value`: the param; empty where it is absent. Throws heddle::sdk::Error.
  Secret(std::string_view param, heddle::sdk::ValueRef value);
  // The file is read again each time, so that what is in it can be replaced; blocks. Empty: the param is absent. Throws heddle::sdk::Error (DENIED), which names the file and nothing that is in it.
  std::string read() const;

 private:
  std::string param_, text_, path_;  // one of the last two, or none
};

}  // namespace broker_http
