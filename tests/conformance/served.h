// For tests of served transports: a server on loopback with a free port, and a peer that speaks to it byte by byte.
#pragma once
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "clock.h"
#include "plugin/transport_handle.h"

namespace heddle {

// What happened on other threads, one after the other.
template <class T>
class Arrivals {
 public:
  void add(T thing) {
    std::lock_guard lock(mutex_);
    things_.push_back(std::move(thing));
    came_.notify_all();
  }
  T next() {
    std::unique_lock lock(mutex_);
    came_.wait(lock, [this] { return !things_.empty(); });
    T thing = std::move(things_.front());
    things_.pop_front();
    return thing;
  }
  bool empty() {
    std::lock_guard lock(mutex_);
    return things_.empty();
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::deque<T> things_;
};

struct Reply {
  int status = 0;
  std::multimap<std::string, std::string> headers;  // names in lower case
  std::string body;
  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

class Peer {
 public:
  explicit Peer(int port, int receive_buffer = 0) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_buffer > 0) ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    const timeval most{120, 0};  // a test that would hang fails
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  }
  ~Peer() { hang_up(); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  bool is_connected() const { return connected_; }
  int socket() const { return fd_; }
  void hang_up() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

  void say(std::string_view text) {
    while (!text.empty()) {
      const ssize_t n = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (n <= 0) return;
      text.remove_prefix(static_cast<size_t>(n));
    }
  }
  // A request with Host and, if there is a body, Content-Length.
  void ask(const std::string& line, const std::string& headers = "", const std::string& body = "") {
    const std::string length = body.empty() ? "" : "Content-Length: " + std::to_string(body.size()) + "\r\n";
    say(line + " HTTP/1.1\r\nHost: localhost\r\n" + headers + length + "\r\n" + body);
  }
  // Up to and with `end`; whatever came if the connection ends before.
  std::string hear(std::string_view end) {
    size_t at;
    while ((at = heard_.find(end)) == heard_.npos && more()) continue;
    const size_t size = at == heard_.npos ? heard_.size() : at + end.size();
    std::string text = heard_.substr(0, size);
    heard_.erase(0, size);
    return text;
  }
  std::string hear_bytes(size_t n) {
    while (heard_.size() < n && more()) continue;
    std::string text = heard_.substr(0, n);
    heard_.erase(0, text.size());
    return text;
  }
  std::string hear_all() {
    while (more()) continue;
    return std::exchange(heard_, {});
  }
  // True once the other side has closed, and nothing is left to hear.
  bool is_over() { return heard_.empty() && !more(); }

  Reply head() {
    Reply reply;
    const std::string text = hear("\r\n\r\n");
    if (text.size() > 12) reply.status = std::atoi(text.c_str() + 9);
    for (size_t at = text.find("\r\n"); at != text.npos && at + 2 < text.size();) {
      at += 2;
      const size_t colon = text.find(": ", at), end = text.find("\r\n", at);
      if (colon == text.npos || colon > end) break;
      std::string name = text.substr(at, colon - at);
      std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      reply.headers.emplace(std::move(name), text.substr(colon + 2, end - colon - 2));
      at = end;
    }
    return reply;
  }
  std::string chunk() {
    const size_t size = std::stoul("0" + hear("\r\n"), nullptr, 16);
    std::string data = hear_bytes(size);
    hear("\r\n");
    return data;
  }
  Reply reply(bool with_body = true) {
    Reply r = head();
    if (!with_body) return r;
    if (r.header("transfer-encoding") == "chunked") {
      for (std::string part = chunk(); !part.empty(); part = chunk()) r.body += part;
    } else if (!r.header("content-length").empty()) {
      r.body = hear_bytes(std::stoul(r.header("content-length")));
    } else if (r.status != 204) {
      r.body = hear_all();
    }
    return r;
  }

 private:
  bool more() {
    char buffer[16384];
    const ssize_t n = ::recv(fd_, buffer, sizeof buffer, 0);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) ADD_FAILURE() << "nothing came in two minutes";
    if (n <= 0) return false;
    heard_.append(buffer, static_cast<size_t>(n));
    return true;
  }
  int fd_;
  bool connected_ = false;
  std::string heard_;
};

// A transport of our own plugins that serves a list of operations until it goes out of scope.
class Served {
 public:
  static inline const std::vector<Operation> kOperations = {
      {"things.list", "GET", "/v1/things"},          {"things.add", "POST", "/v1/things"},
      {"things.get", "GET", "/v1/things/{id}"},      {"things.put", "PUT", "/v1/things/{id}"},
      {"things.drop", "DELETE", "/v1/things/{id}"},  {"things.newest", "GET", "/v1/things/newest"},
      {"events.watch", "GET", "/v1/events", true},
  };

  explicit Served(Receive receive, ListenLimits limits = {}, const std::string& params = "{}", std::vector<Operation> operations = kOperations,
                  std::string otherwise = {}, const std::string& transport = "http") {
    const Catalog catalog = Catalog::scan({HEDDLE_OUR_PLUGINS});
    auto made = TransportHandle::create(catalog.find("transport", transport), "api", *Value::parse(params), nullptr, LaneId{0},
                                        [this](std::string_view rule) { faults.add(std::string(rule)); });
    EXPECT_TRUE(made) << (made ? "" : made.error().text());
    if (!made) return;
    handle = std::move(*made);
    listener = handle->listen({"127.0.0.1:0", limits, std::move(operations), std::move(otherwise)}, std::move(receive), [this](Result<std::string> endpoint) {
      EXPECT_TRUE(endpoint) << (endpoint ? "" : endpoint.error().text());
      if (endpoint) port = std::stoi(endpoint->substr(endpoint->rfind(':') + 1));
    });
  }
  ~Served() {
    if (handle) close(0);
  }
  // Waits until nothing of the listener is left.
  void close(uint64_t until_ns) {
    if (std::exchange(closed_, true)) return;
    std::promise<void> done;
    handle->close(listener, until_ns, [&](Result<void> result) {
      EXPECT_TRUE(result);
      done.set_value();
    });
    done.get_future().wait();
  }
  // The test has closed it by itself.
  void dismiss() { closed_ = true; }

  Arrivals<std::string> faults;
  std::unique_ptr<TransportHandle> handle;
  heddle_id listener = 0;
  int port = 0;

 private:
  bool closed_ = false;
};

// Answers every request with its operation, parameters and the size of its body; a stream with three parts.
inline void answer_as_asked(Request request) {
  if (request.operation() == "events.watch") {
    AnswerStream stream = request.stream("application/x-ndjson");
    for (int i = 0; i < 3; ++i) stream.send(Value::integer(i));
    stream.end();
    return;
  }
  const auto bytes = static_cast<int64_t>(request.body() ? request.body().size() : 0);
  request.answer(*Value::map({{"operation", *Value::string(request.operation())}, {"parameters", request.parameters()}, {"bytes", Value::integer(bytes)}}));
}

}  // namespace heddle
