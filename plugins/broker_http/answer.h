// What the API answered, as the URL that it gives or the reason why it gives none.
#pragma once
#include <heddle/sdk.h>

#include <cstdint>
#include <string>

#include "api.h"

namespace broker_http {

// Why there is no URL; the code is one of those of heddle/draft/broker.h.
class Refusal : public heddle::sdk::Error {
 public:
  Refusal(heddle_status status, const char* code, std::string why) : Error(status, std::move(why)), code_(code) {}
  const char* code() const { return code_; }

 private:
  const char* code_;
};

struct Url {
  std::string text;
  int64_t expires_unix = 0;
};

struct Question {
  std::string where;  // the API's origin, for messages
  std::string token = {};  // is repeated in none
  bool insecure = false;
  int64_t now_unix = 0;  // when it was asked
  uint64_t lifetime_s = 0;
};

// Throws Refusal.
Url url_in(const Reply& reply, const Question& asked);

}  // namespace broker_http
