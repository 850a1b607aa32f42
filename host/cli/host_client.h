// HostClient: asks a running host for something and gives what it answers.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "cli/exit_codes.h"
#include "cli/host_address.h"
#include "result.h"
#include "value/value.h"

namespace heddle {

struct HostAnswer {
  ExitCode code = ExitCode::kOk;  // what a verb ends with that cannot go on without this
  Error error = {};               // if `code` is not kOk: the host's own words, or why it was not reached
  int status = 0;                 // of HTTP; 0: there was no answer
  Value body = {};                // JSON
  std::string text = {};          // as it came
  explicit operator bool() const { return code == ExitCode::kOk; }
};

// One thread. Keeps its connection from one request to the next.
class HostClient {
 public:
  // A request that runs ends early when `stop_fd` can be read (-1: nothing stops it): its code is kInterrupted then.
  explicit HostClient(HostAddress address, int stop_fd = -1);
  ~HostClient();
  HostClient(const HostClient&) = delete;
  HostClient& operator=(const HostClient&) = delete;

  static constexpr uint64_t kTimeoutMs = 30'000;
  // `path` with its query: "/v1/jobs?limit=10".
  HostAnswer get(const std::string& path, uint64_t timeout_ms = kTimeoutMs);
  // Without a body where `body` is empty.
  HostAnswer post(const std::string& path, const Value& body = {}, uint64_t timeout_ms = kTimeoutMs);
  HostAnswer patch(const std::string& path, const Value& body);
  HostAnswer remove(const std::string& path);
  // A stream that lasts: `bytes` gets it as it comes, and answers whether it wants more. The answer says how it ended: kOk only where `bytes` wanted no more.
  using Bytes = std::function<bool(std::string_view)>;
  HostAnswer stream(const std::string& path, Bytes bytes);

  const HostAddress& address() const;

 private:
  struct Connection;
  std::unique_ptr<Connection> connection_;
};

}  // namespace heddle
