// Broker: from a grant that is asked for, over the API, to the URL.
#pragma once
#include <heddle/draft/broker.h>
#include <heddle/sdk.h>
#include <heddle/sdk/secret.h>

#include <functional>
#include <string>

#include "answer.h"
#include "api.h"

namespace broker_http {

class Broker {
 public:
  using Answered = std::function<void(const Reply& reply, const Question& asked)>;

  // Throws heddle::sdk::Error. What is open when it goes is answered, as cancelled.
  explicit Broker(const heddle::sdk::Config& config);
  // Reads the file of the token, and blocks for that. `answered`: once, on another thread. Throws Refusal; then it is not called.
  void grant(const heddle_grant& wanted, Answered answered);

 private:
  const bool insecure_;
  const std::string url_, where_;
  const heddle::sdk::Secret token_;
  const uint64_t lifetime_s_;
  Api api_;
};

}  // namespace broker_http
