// For tests of a transport's client side: a channel of one of our plugins to an endpoint, and a peer that answers byte by byte as the test says.
#pragma once
#include <poll.h>

#include <atomic>
#include <thread>

#include "served.h"

namespace heddle {

// What a call has heard. It may go before the call is over.
class Heard {
 private:
  struct Kept {
    Arrivals<RemoteAnswer> answers;
    Arrivals<Value> parts;
    Arrivals<std::string> ends;
    std::atomic<int> answered{0}, ended{0};
  };
  const std::shared_ptr<Kept> kept_ = std::make_shared<Kept>();

 public:
  Hearing hearing(uint32_t credit = 64) {
    Hearing h;
    h.answered = [kept = kept_](RemoteAnswer answer) {
      ++kept->answered;
      kept->answers.add(std::move(answer));
    };
    h.part = [kept = kept_](Value part) { kept->parts.add(std::move(part)); };
    h.ended = [kept = kept_](Result<void> end) {
      ++kept->ended;
      kept->ends.add(end ? "" : end.error().code + ": " + end.error().text());
    };
    h.credit = credit;
    return h;
  }
  Arrivals<RemoteAnswer>& answers = kept_->answers;
  Arrivals<Value>& parts = kept_->parts;
  Arrivals<std::string>& ends = kept_->ends;  // "" of a good one, else the error's code and text
  std::atomic<int>&answered = kept_->answered, &ended = kept_->ended;
};

class Calling {
 public:
  explicit Calling(ChannelOptions options, const std::string& params = "{}", const std::string& transport = "http") {
    const Catalog catalog = Catalog::scan({HEDDLE_OUR_PLUGINS});
    auto made = TransportHandle::create(catalog.find("transport", transport), "calls", *Value::parse(params), nullptr, LaneId{0},
                                        [this](std::string_view rule) { faults.add(std::string(rule)); });
    EXPECT_TRUE(made) << (made ? "" : made.error().text());
    if (!made) return;
    handle = std::move(*made);
    if (options.operations.empty()) options.operations = Served::kOperations;
    handle->connect(options, [this](Result<std::unique_ptr<Channel>> connected) {
      if (connected) channel = *std::move(connected);
      else refused = connected.error().text();
    });
  }
  explicit Calling(int port, const std::string& params = "{}") : Calling(ChannelOptions{.endpoint = "127.0.0.1:" + std::to_string(port), .operations = {}}, params) {}
  ~Calling() {
    if (channel) disconnect();
    EXPECT_TRUE(faults.empty()) << faults.next();
  }
  void disconnect() {
    std::promise<void> done;
    channel->disconnect([&](const Result<void>& result) {
      EXPECT_TRUE(result);
      done.set_value();
    });
    done.get_future().wait();
    channel.reset();
  }

  RemoteAnswer ask(RemoteCall call) {
    Heard heard;
    channel->call(std::move(call), heard.hearing());
    RemoteAnswer answer = heard.answers.next();
    if (answer.more) heard.ends.next();
    return answer;
  }
  RemoteAnswer ask(const std::string& operation) { return ask(RemoteCall{.operation = operation}); }
  // "" where the peer is well, else why not.
  std::string probe() {
    std::promise<std::string> said;
    channel->probe([&](const Result<void>& result) { said.set_value(result ? "" : result.error().text()); });
    return said.get_future().get();
  }

  Arrivals<std::string> faults;
  std::unique_ptr<TransportHandle> handle;
  std::unique_ptr<Channel> channel;
  std::string refused;  // why there is no channel
};

// One connection that was made to a Scripted, as the test plays it.
class Played {
 public:
  explicit Played(int fd) : fd_(fd) {}
  Played(Played&& other) noexcept : fd_(std::exchange(other.fd_, -1)), heard_(std::move(other.heard_)) {}
  Played& operator=(Played&&) = delete;
  ~Played() { hang_up(); }
  void hang_up() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  // At once, with a reset instead of an end.
  void reset() {
    const linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    hang_up();
  }
  void say(std::string_view text) {
    while (!text.empty()) {
      const ssize_t n = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (n <= 0) return;
      text.remove_prefix(static_cast<size_t>(n));
    }
  }
  bool is_there() const { return fd_ >= 0; }
  int socket() const { return fd_; }
  // The head of the next request.
  std::string head() {
    size_t at;
    while ((at = heard_.find("\r\n\r\n")) == heard_.npos)
      if (!more()) return std::exchange(heard_, {});
    std::string head = heard_.substr(0, at + 4);
    heard_.erase(0, at + 4);
    return head;
  }
  // Waits until the client has closed.
  bool is_over() {
    while (more()) continue;
    return true;
  }

 private:
  bool more() {
    char buffer[16384];
    const ssize_t n = ::recv(fd_, buffer, sizeof buffer, 0);
    if (n <= 0) return false;
    heard_.append(buffer, static_cast<size_t>(n));
    return true;
  }
  int fd_;
  std::string heard_;
};

// A socket that listens; connections are taken when the test wants one.
class Scripted {
 public:
  explicit Scripted(int backlog = 64) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
    EXPECT_EQ(::listen(fd_, backlog), 0);
    EXPECT_EQ(::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size), 0);
    port = ntohs(at.sin_port);
  }
  ~Scripted() { stop(); }
  void stop() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  Played take() { return Played(::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC)); }
  // [any] Whoever waits in take() gets nothing, then and later.
  void shut() { ::shutdown(fd_, SHUT_RDWR); }
  bool has_waiting() {
    pollfd p{fd_, POLLIN, 0};
    return ::poll(&p, 1, 0) > 0;
  }
  int port = 0;

 private:
  int fd_;
};

// Says the same to everybody who asks, and then nothing more.
class Repeating {
 public:
  explicit Repeating(std::string text)
      : thread_([this, text = std::move(text)] {
          for (;;) {
            Played& peer = peers_.emplace_back(scripted_.take());
            if (!peer.is_there()) return;
            peer.head();
            peer.say(text);
          }
        }) {}
  ~Repeating() {
    scripted_.shut();
    thread_.join();
  }
  int port() const { return scripted_.port; }

 private:
  Scripted scripted_;
  std::deque<Played> peers_;  // of the thread
  std::thread thread_;
};

}  // namespace heddle
