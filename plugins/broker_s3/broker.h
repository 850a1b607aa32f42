// Broker: from a grant that is asked for to the URL.
#pragma once
#include <heddle/draft/broker.h>
#include <heddle/sdk.h>
#include <heddle/sdk/secret.h>

#include <cstdint>
#include <functional>
#include <string>

#include "place.h"

namespace broker_s3 {

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

// Immutable: any thread.
class Broker {
 public:
  static constexpr uint64_t kMostLifetime = uint64_t{7} * 24 * 3600;  // seconds; what S3 takes
  using Clock = std::function<int64_t()>;                             // the second since 1970

  // Throws heddle::sdk::Error.
  Broker(const heddle::sdk::Config& config, Clock clock);
  // Reads the files of the credentials, and blocks for that. Throws Refusal.
  Url grant(const heddle_grant& wanted) const;

 private:
  const Place place_;
  const heddle::sdk::Secret access_key_, secret_key_, session_token_;
  const std::string region_;
  const uint64_t lifetime_s_;
  const Clock clock_;
};

}  // namespace broker_s3
