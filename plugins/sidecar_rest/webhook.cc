#include "webhook.h"

#include <heddle/sdk.h>
#include <heddle/sdk/quiet.h>
#include <httplib.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <limits>
#include <optional>

#include "coding.h"

namespace sidecar_rest {
namespace {

using heddle::sdk::Error;
using Clock = std::chrono::steady_clock;

// The constructor of httplib::Server ignores SIGPIPE for the whole process; our threads block it, and the host's disposition is its own.
struct KeepSigpipe {
  KeepSigpipe() { ::sigaction(SIGPIPE, nullptr, &before); }
  ~KeepSigpipe() { ::sigaction(SIGPIPE, &before, nullptr); }
  struct sigaction before {};
};

bool is_loopback(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) return ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr) >> 24 == 127;
  const in6_addr& six = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  return address.ss_family == AF_INET6 && (IN6_IS_ADDR_LOOPBACK(&six) || (IN6_IS_ADDR_V4MAPPED(&six) && six.s6_addr[12] == 127));
}

std::string text_of(const sockaddr_storage& address, socklen_t size) {
  char host[NI_MAXHOST], port[NI_MAXSERV];
  if (::getnameinfo(reinterpret_cast<const sockaddr*>(&address), size, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0) return "unknown";
  const bool six = address.ss_family == AF_INET6;
  return (six ? "[" : "") + std::string(host) + (six ? "]:" : ":") + port;
}

// In the same time wherever they differ.
bool is_same(std::string_view a, std::string_view b) {
  unsigned differs = a.size() != b.size();
  for (size_t i = 0; i < a.size(); ++i) differs |= static_cast<unsigned char>(a[i] ^ b[b.empty() ? 0 : i % b.size()]);
  return differs == 0;
}

// The id in "/tasks/{id}/complete".
std::optional<std::string> task_in(const std::string& target) {
  constexpr std::string_view kBegin = "/tasks/", kEnd = "/complete";
  const std::string_view path = std::string_view(target).substr(0, target.find('?'));
  if (path.size() <= kBegin.size() + kEnd.size() || !path.starts_with(kBegin) || !path.ends_with(kEnd)) return std::nullopt;
  const std::string_view id = path.substr(kBegin.size(), path.size() - kBegin.size() - kEnd.size());
  return id.find('/') == id.npos ? from_segment(id) : std::nullopt;
}

}  // namespace

// One connection, with an end: in time, and in bytes.
class Webhook::Wire final : public httplib::Stream {
 public:
  Wire(int socket, int bell) : socket_(socket), bell_(bell) {}
  ~Wire() override { ::close(socket_); }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  void end_head() { left_ = kMostBody + kMostHead; }
  // What was not read would destroy the answer on its way.
  void hang_up() {
    ::shutdown(socket_, SHUT_WR);
    char unread[4096];
    for (left_ = kMostBody; left_ > 0 && read(unread, sizeof unread) > 0;) continue;
  }

  bool is_readable() const override { return true; }
  bool is_writable() const override { return true; }
  ssize_t read(char* to, size_t size) override {
    if (at_ == end_) {
      if (left_ == 0 || !wait(POLLIN)) return -1;
      const ssize_t came = ::recv(socket_, in_, std::min(sizeof in_, left_), 0);
      if (came <= 0) return came;
      at_ = 0;
      end_ = static_cast<size_t>(came);
      left_ -= end_;
    }
    const size_t n = std::min(size, end_ - at_);
    std::memcpy(to, in_ + at_, n);
    at_ += n;
    return static_cast<ssize_t>(n);
  }
  ssize_t write(const char* from, size_t size) override {
    return wait(POLLOUT) ? ::send(socket_, from, size, MSG_NOSIGNAL) : -1;
  }
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return socket_; }

 private:
  bool wait(short events) {
    for (;;) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until_ - Clock::now()).count();
      if (left <= 0) return false;
      pollfd polled[] = {{socket_, events, 0}, {bell_, POLLIN, 0}};
      const int ready = ::poll(polled, 2, static_cast<int>(left));
      if (ready < 0 && errno == EINTR) continue;
      return ready > 0 && polled[1].revents == 0;
    }
  }

  const int socket_, bell_;
  const Clock::time_point until_ = Clock::now() + std::chrono::milliseconds(kMostMs);
  size_t left_ = kMostHead;
  char in_[16 << 10];
  size_t at_ = 0, end_ = 0;
};

// HTTP/1.1 as cpp-httplib reads and writes it; its own sockets and threads are not used.
class Webhook::Server : public httplib::Server {
 public:
  Server(int listening, const WebhookParams& params, heddle::sdk::Log log, std::function<Taken(const std::string&, const Said&)> completed)
      : params_(params), log_(log), completed_(std::move(completed)) {
    svr_sock_ = listening;  // the library ends streams of a server without one
    set_payload_max_length(std::numeric_limits<size_t>::max());
    set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
      return refuse(request, response) ? HandlerResponse::Handled : HandlerResponse::Unhandled;
    });
    Post("/", [this](const httplib::Request& request, httplib::Response& response, const httplib::ContentReader& reader) { take(request, response, reader); });
    set_exception_handler([](const httplib::Request&, httplib::Response& response, std::exception_ptr) { response.status = 500; });
  }

  void speak(Wire& wire) {
    bool closed = false;
    const bool is_whole = process_request(wire, true, closed, [&](httplib::Request& request) {
      wire.end_head();
      request.path = "/";  // which task it is, its target says
    });
    if (is_whole) wire.hang_up();
  }

 private:
  static inline const std::string kTooLarge = "a body has at most " + std::to_string(kMostBody) + " bytes";

  static void say(httplib::Response& response, int status, const std::string& error = {}) {
    response.status = status;
    response.set_content(error.empty() ? "{}" : "{\"error\":\"" + error + "\"}", "application/json");
  }
  // Before the body is read.
  bool refuse(const httplib::Request& request, httplib::Response& response) const {
    if (!task_in(request.target)) return say(response, 404, "there is only /tasks/{id}/complete"), true;
    if (request.method != "POST") return say(response, 405, "only POST"), true;
    if (request.has_header("Origin")) return say(response, 403, "no web page speaks to this"), true;
    if (!params_.token.empty() && !is_same(request.get_header_value("Authorization"), "Bearer " + params_.token)) {
      count("*", "a completion came without the token");
      return say(response, 401, "the token is not right"), true;
    }
    if (request.get_header_value<uint64_t>("Content-Length") > kMostBody) return say(response, 413, kTooLarge), true;
    return false;
  }
  void take(const httplib::Request& request, httplib::Response& response, const httplib::ContentReader& reader) {
    std::string body;
    bool is_too_large = false;
    const bool is_whole = reader([&](const char* data, size_t size) {
      is_too_large = body.size() + size > kMostBody;
      if (!is_too_large) body.append(data, size);
      return !is_too_large;
    });
    if (is_too_large) return say(response, 413, kTooLarge);
    if (!is_whole) return say(response, 400, "the body is cut short");
    const std::string task = *task_in(request.target);
    const Said said = said_in(body);
    body = {};
    const bool is_named = said.activity.value_or("").empty() || said.activity == task;
    switch (said.is_object && is_named ? completed_(task, said) : Taken::kNotUnderstood) {
      case Taken::kYes: return say(response, 200);
      case Taken::kBefore: count(task, "it has ended already"); return say(response, 200);
      case Taken::kOtherRun: count(task, "another run of it is in hand"); return say(response, 409, "another run of this task is in hand");
      case Taken::kUnknown: count(task, "no such task is in hand"); return say(response, 404, "no such task is in hand");
      case Taken::kNotUnderstood: break;
    }
    count(task, "it is no completion");
    say(response, 400, "a completion is an object with run_id and a status of SUCCESS, ERROR or SKIPPED");
  }
  void count(const std::string& task, const std::string& why) const {
    const uint64_t n = ++dropped_;
    if (n <= 10 || n % 1000 == 0) log_.warn("the webhook drops what is said of task \"" + quotable(task.substr(0, 100)) + "\": " + why + "; dropped so far: " + std::to_string(n));
  }

  const WebhookParams& params_;
  const heddle::sdk::Log log_;
  const std::function<Taken(const std::string&, const Said&)> completed_;
  mutable std::atomic<uint64_t> dropped_{0};
};

Webhook::Webhook(WebhookParams params, heddle::sdk::Log log, std::function<Taken(const std::string&, const Said&)> completed) : params_(std::move(params)), log_(log) {
  listen_on(params_.listen);
  const KeepSigpipe keep;
  server_ = std::make_unique<Server>(socket_, params_, log_, std::move(completed));
  // With fewer threads than wanted it is slower, and no worse.
  for (size_t i = 0; i < kThreads; ++i)
    heddle::sdk::detail::guard([&] { threads_.push_back(heddle::sdk::quiet_thread([this] { serve_all(); })); }, [](heddle_status, std::string_view) {});
  if (threads_.empty()) {
    ::close(socket_);
    ::close(bell_);
    throw Error(HEDDLE_EXHAUSTED, "the webhook has no thread to be had");
  }
  log_.info("completions are taken at http://" + endpoint_ + "/tasks/{id}/complete");
}

Webhook::~Webhook() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(bell_, &one, sizeof one);
  for (std::thread& thread : threads_) thread.join();
  ::close(socket_);
  ::close(bell_);
}

void Webhook::listen_on(const std::string& endpoint) {
  const auto fail = [&](heddle_status status, const std::string& why) {
    const int failed = errno;
    if (socket_ >= 0) ::close(socket_);
    if (bell_ >= 0) ::close(bell_);
    throw Error(status, "the webhook cannot listen on " + endpoint + ": " + (why.empty() ? std::strerror(failed) : why));
  };
  const size_t colon = std::min(endpoint.rfind(':'), endpoint.size());
  std::string host = endpoint.substr(0, colon);
  const std::string port = endpoint.substr(std::min(colon + 1, endpoint.size()));
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  if (host.empty() || port.empty() || port.find_first_not_of("0123456789") != port.npos) fail(HEDDLE_INVALID, "it must be HOST:PORT, as in 127.0.0.1:0");
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_PASSIVE;
  addrinfo* list = nullptr;
  if (const int failed = ::getaddrinfo(host.c_str(), port.c_str(), &wanted, &list); failed != 0) fail(HEDDLE_INVALID, ::gai_strerror(failed));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> found(list, &::freeaddrinfo);
  socket_ = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  bell_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  const int yes = 1;
  if (socket_ < 0 || bell_ < 0 || ::setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0) fail(HEDDLE_EXHAUSTED, "");
  if (::bind(socket_, found->ai_addr, found->ai_addrlen) != 0 || ::listen(socket_, 128) != 0) fail(errno == EADDRINUSE ? HEDDLE_CONFLICT : HEDDLE_INVALID, "");
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (::getsockname(socket_, reinterpret_cast<sockaddr*>(&bound), &size) != 0) fail(HEDDLE_INTERNAL, "");
  if (!is_loopback(bound) && !params_.is_insecure)
    fail(HEDDLE_INVALID, "it has no TLS, and others could read what comes there: listen on 127.0.0.1 behind something that has, or say \"insecure\": true");
  endpoint_ = text_of(bound, size);
}

void Webhook::serve_all() {
  for (;;) {
    pollfd polled[] = {{socket_, POLLIN, 0}, {bell_, POLLIN, 0}};
    if (::poll(polled, 2, -1) < 0 && errno != EINTR) return;
    if (polled[1].revents != 0) return;
    const int came = ::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
    if (came < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)) {
      // It waits, and would wake us for ever: until others have closed some.
      pollfd bell{bell_, POLLIN, 0};
      if (::poll(&bell, 1, 100) > 0) return;
    }
    if (came < 0) continue;
    Wire wire(came, bell_);
    heddle::sdk::detail::guard([&] { server_->speak(wire); }, [](heddle_status, std::string_view) {});
  }
}

}  // namespace sidecar_rest
