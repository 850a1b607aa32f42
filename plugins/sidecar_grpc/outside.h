// Outside: what every worker wants of the host and of the time, whatever its protocol.
#pragma once
#include <heddle/abi.h>
#include <heddle/sdk/value.h>

#include <cstdint>
#include <functional>
#include <string>

namespace sidecar_grpc {

// Called one at a time, without a lock.
class Outside {
 public:
  virtual ~Outside() = default;
  virtual void here(const heddle::sdk::Value& facts) = 0;
  virtual void grant(uint32_t assignments) = 0;
  virtual void gone(heddle_status status, const std::string& why) = 0;
  virtual void progress(heddle_id assignment, const heddle::sdk::Value& said) = 0;
  virtual void done(heddle_id assignment, heddle_status status, heddle::sdk::Value result) = 0;
  // Any thread, at any time; under the worker's lock, too.
  virtual uint64_t now_ns() const = 0;
  virtual void after(uint64_t delay_ns, std::function<void()> then) = 0;
};

constexpr uint64_t kAgainNs = 100'000'000, kMostAgainNs = 5'000'000'000;  // between two attempts to reach a worker
constexpr uint64_t kQuarantineNs = 60'000'000'000;  // of a slot whose work was cut off and may still go on, where it has no deadline
constexpr uint32_t kMostSlots = 10'000;

// The result of what failed.
inline heddle::sdk::Value why_not(const std::string& code, const char* error_class, const std::string& message) {
  using heddle::sdk::Value;
  return Value::map({{"code", Value::string(code)}, {"class", Value::string(error_class)}, {"message", Value::string(message)}});
}

}  // namespace sidecar_grpc
