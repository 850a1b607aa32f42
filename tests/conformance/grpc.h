// For tests of the transport "grpc": both of its sides in one process, with the operations that heddle.v1 has methods for.
#pragma once
#include <array>

#include "calling.h"

namespace heddle {

inline const std::vector<Operation> kHostOperations = {
    {"pipelines.execute", "POST", "/v1/pipelines/{name}/execute", true},
    {"manifests.execute", "POST", "/v1/execute", true},
    {"pipelines.each", "POST", "/v1/pipelines/{name}/each", true},
    {"manifests.each", "POST", "/v1/each", true},
    {"pipelines.list", "GET", "/v1/pipelines"},
    {"types.list", "GET", "/v1/types"},
    {"host", "GET", "/v1/host"},
    {"ready", "GET", "/ready"},
};

class GrpcServed : public Served {
 public:
  explicit GrpcServed(Receive receive, ListenLimits limits = {}, const std::string& params = "{}", std::vector<Operation> operations = kHostOperations)
      : Served(std::move(receive), limits, params, std::move(operations), {}, "grpc") {}
};

class GrpcCalling : public Calling {
 public:
  static ChannelOptions options(int port) { return {.endpoint = "127.0.0.1:" + std::to_string(port), .operations = kHostOperations}; }
  explicit GrpcCalling(int port) : Calling(options(port), "{}", "grpc") {}
  explicit GrpcCalling(ChannelOptions options) : Calling(std::move(options), "{}", "grpc") {}
};

// Hands on one connection, both ways, until the test cuts it.
class Relay {
 public:
  explicit Relay(int to_port) : to_port_(to_port), thread_([this] { run(); }) {}
  ~Relay() { cut(); }
  int port() const { return scripted_.port; }
  // With a reset.
  void cut() {
    if (!thread_.joinable()) return;
    ::shutdown(stop_[1], SHUT_RDWR);
    scripted_.shut();
    thread_.join();
    for (const int fd : stop_) ::close(fd);
  }

 private:
  void run() {
    Played from = scripted_.take();
    if (!from.is_there()) return;
    Peer to(to_port_);
    pollfd both[] = {{from.socket(), POLLIN, 0}, {to.socket(), POLLIN, 0}, {stop_[0], POLLIN, 0}};
    char buffer[16384];
    while (::poll(both, 3, -1) > 0 && both[2].revents == 0) {
      for (const int i : {0, 1}) {
        if (both[i].revents == 0) continue;
        const ssize_t n = ::recv(both[i].fd, buffer, sizeof buffer, 0);
        if (n <= 0) return;
        const std::string_view said(buffer, static_cast<size_t>(n));
        if (i == 0) to.say(said);
        else from.say(said);
      }
    }
    from.reset();
  }
  static std::array<int, 2> pair() {
    std::array<int, 2> fds{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()), 0);
    return fds;
  }
  const int to_port_;
  Scripted scripted_;
  const std::array<int, 2> stop_ = pair();
  std::thread thread_;
};

inline Value bytes_of(std::string_view text) { return Value::bytes(text); }

inline RemoteCall execute(std::string_view json, std::string pipeline = "p") {
  return {.operation = "pipelines.execute", .parameters = {{"name", std::move(pipeline)}}, .body = bytes_of(json)};
}
inline RemoteCall execute_lines(std::string_view lines) {
  RemoteCall call = execute(lines);
  call.content_type = "application/x-ndjson";
  return call;
}

// The items of a request that follow its head, granted one at a time.
class Items {
 public:
  explicit Items(const Request& request) : parts_(request.parts()) {
    parts_.hear({[this](Value item) { items_.add(std::string(item.as_bytes().value_or("no bytes"))); },
                 [this](Result<void> end) { ends_.add(end ? "" : end.error().text()); }});
  }
  std::string next() {
    parts_.grant(1);
    return items_.next();
  }
  std::string end() { return ends_.next(); }
  void grant(uint32_t items) { parts_.grant(items); }
  bool none() { return items_.empty(); }

 private:
  RequestParts parts_;
  Arrivals<std::string> items_, ends_;
};

inline Value executed(int64_t output) {
  std::vector<Value> outputs, failed;
  outputs.push_back(Value::integer(output));
  return *Value::map({{"outputs", Value::list(std::move(outputs))}, {"failed", Value::list(std::move(failed))}});
}
inline Value output(int64_t n) { return *Value::map({{"output", Value::integer(n)}}); }

}  // namespace heddle
