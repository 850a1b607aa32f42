#include "connections.h"

#include <heddle/sdk.h>
#include <heddle/sdk/quiet.h>
#include <httplib.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <system_error>

#include "coding.h"

namespace sidecar_rest {
namespace {

using heddle::sdk::Error;
using Clock = std::chrono::steady_clock;

constexpr size_t kMostFailureBody = size_t{64} << 10;
constexpr auto kIdle = std::chrono::seconds(1);         // after which servers may end a connection that nothing comes on
constexpr auto kLook = std::chrono::milliseconds(100);  // so often the keeper looks while something is asked

bool is_get(Ask::Kind kind) { return kind == Ask::Kind::kHealth || kind == Ask::Kind::kStatus; }
bool is_urgent(Ask::Kind kind) { return kind == Ask::Kind::kHealth || kind == Ask::Kind::kCancel; }

// The name that the certificate must have is the client's host; where that is not where the worker is, this says where.
std::string address_of(const std::string& host) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (::getaddrinfo(host.c_str(), nullptr, &wanted, &list) != 0) return {};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> found(list, &::freeaddrinfo);
  char text[NI_MAXHOST];
  return ::getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) == 0 ? text : "";
}

std::unique_ptr<httplib::ClientImpl> client_for(const Target& target) {
  std::unique_ptr<httplib::ClientImpl> client;
  if (target.has_tls) {
    const std::string& name = target.server_name.empty() ? target.host : target.server_name;
    client = std::make_unique<httplib::SSLClient>(name, target.port, target.certificate, target.key);
    if (!target.ca.empty()) client->set_ca_cert_path(target.ca);
  } else {
    client = std::make_unique<httplib::ClientImpl>(target.host, target.port);
  }
  if (!client->is_valid()) throw Error(HEDDLE_INVALID, "the certificate " + target.certificate + " and the key " + target.key + " cannot be used, or do not belong together");
  client->set_keep_alive(true);
  client->set_url_encode(false);
  client->set_decompress(false);
  client->set_tcp_nodelay(true);
  client->set_connection_timeout(std::chrono::milliseconds(target.connect_ms));
  return client;
}

// As OpenSSL counts them.
std::string objection(long result, const std::string& name) {
  switch (result) {
    case 0: case 62: case 64: return "its certificate is not for \"" + name + "\": set \"server_name\" if that is right";
    case 9: return "its certificate, or that of its authority, is not valid yet";
    case 10: return "its certificate, or that of its authority, has expired";
    case 2: case 18: case 19: case 20: case 21: return "its certificate comes from an authority that is not known here: name it in \"ca\" if it is to be trusted";
    default: return "its certificate is refused, for the reason " + std::to_string(result) + " of OpenSSL";
  }
}

}  // namespace

class Connections::Line {
 public:
  Line(const Target& target, const Patience& patience) : target_(target), patience_(patience), client_(client_for(target)) {}

  Answer ask(const Ask& what);
  // [any] The keeper: what has lasted too long is broken off; or whatever there is.
  void look(Clock::time_point now) {
    if (now.time_since_epoch() > Clock::duration(until_.load())) cut();
  }
  void cut() { client_->stop(); }

  std::thread thread;

 private:
  httplib::Request request(const Ask& what);
  Answer why_not(httplib::Error error, bool is_late) const;

  const Target& target_;
  const Patience& patience_;
  const std::unique_ptr<httplib::ClientImpl> client_;
  std::atomic<Clock::rep> until_{Clock::duration::max().count()};
  Clock::time_point used_ = Clock::now();
  bool is_addressed_ = false;
  // Of the answer that comes:
  int status_ = 0;
  std::string body_;
  bool is_too_large_ = false;
};

httplib::Request Connections::Line::request(const Ask& what) {
  httplib::Request request;
  request.method = is_get(what.kind) ? "GET" : "POST";
  request.path = target_.prefix + what.path;
  request.headers = {{"Host", target_.endpoint}, {"Accept", "application/json"}, {"Accept-Encoding", "identity"}, {"User-Agent", "heddle"}};
  if (what.body) request.body = *what.body;
  if (what.body) request.headers.emplace("Content-Type", "application/json");
  status_ = 0;
  is_too_large_ = false;
  body_.clear();
  request.response_handler = [this](const httplib::Response& response) {
    status_ = response.status;
    // Servers that send the head by itself wait for our word that it came before they send the body: it would be held back for 40 ms.
    const int yes = 1;
    ::setsockopt(client_->socket(), IPPROTO_TCP, TCP_QUICKACK, &yes, sizeof yes);
    return true;
  };
  // Base64 takes four bytes for three, and the names take some.
  const size_t most = target_.most_bytes / 3 * 4 + kMostFailureBody;
  request.content_receiver = [this, most](const char* data, size_t size, uint64_t, uint64_t) {
    if (status_ >= 300) size = std::min(size, kMostFailureBody - body_.size());
    is_too_large_ = body_.size() + size > most;
    if (is_too_large_) return false;
    bool fine = false;
    heddle::sdk::detail::guard([&] { fine = (body_.append(data, size), true); }, [](heddle_status, std::string_view) {});
    return fine;
  };
  return request;
}

Answer Connections::Line::ask(const Ask& what) {
  const uint64_t wait_ms = what.kind == Ask::Kind::kHealth ? target_.connect_ms : patience_.answer_ms;
  client_->set_read_timeout(std::chrono::milliseconds(wait_ms));
  client_->set_write_timeout(std::chrono::milliseconds(wait_ms));
  if (!target_.server_name.empty() && !std::exchange(is_addressed_, true)) {
    const std::string address = address_of(target_.host);
    if (!address.empty()) client_->set_hostname_addr_map({{target_.server_name, address}});
    is_addressed_ = !address.empty();
    if (address.empty()) return {.is_unsent = true, .why = "cannot reach the worker at " + target_.endpoint + ": its name leads nowhere"};
  }
  // A worker may end a connection that was kept while a request is on its way to it: what changes nothing is asked again, and the rest is not sent over one that has long been idle.
  if (!is_get(what.kind) && Clock::now() - used_ > kIdle) client_->stop();
  for (bool was_kept = client_->is_socket_open() != 0;; was_kept = false) {
    const Clock::time_point begin = Clock::now();
    until_ = (begin + std::chrono::milliseconds(target_.connect_ms + wait_ms * 10)).time_since_epoch().count();
    httplib::Request asked = request(what);
    httplib::Response response;
    httplib::Error error = httplib::Error::Success;
    const bool whole = client_->send(asked, response, error);
    until_ = Clock::duration::max().count();
    used_ = Clock::now();
    if (whole) {
      Answer answer{.status = response.status, .text = quotable(body_)};
      answer.said = said_in(body_);
      body_ = {};
      return answer;
    }
    const bool is_late = used_ - begin >= std::chrono::milliseconds(wait_ms);
    if (was_kept && is_get(what.kind) && status_ == 0 && !is_late) continue;
    return why_not(error, is_late);
  }
}

Answer Connections::Line::why_not(httplib::Error error, bool is_late) const {
  const std::string cannot = "cannot reach the worker at " + target_.endpoint + ": ", it = "the worker at " + target_.endpoint + " ";
  switch (error) {
    case httplib::Error::Connection:
    case httplib::Error::BindIPAddress:
      return {.is_unsent = true, .why = cannot + "nobody is there who takes a connection"};
    case httplib::Error::ConnectionTimeout:
      return {.is_unsent = true, .why = cannot + "there is no connection within " + std::to_string(target_.connect_ms) + " ms"};
    case httplib::Error::SSLConnection:
      return {.is_unsent = true, .why = cannot + "there is no TLS with it"};
    case httplib::Error::SSLLoadingCerts:
      return {.is_unsent = true, .why = cannot + "the file of authorities " + target_.ca + " cannot be used"};
    case httplib::Error::SSLServerVerification: {
      const auto* const client = static_cast<const httplib::SSLClient*>(client_.get());
      return {.is_unsent = true, .why = cannot + objection(client->get_openssl_verify_result(), target_.server_name.empty() ? target_.host : target_.server_name)};
    }
    default:
      break;
  }
  if (is_too_large_) return {.why = it + "answers with more than the " + std::to_string(target_.most_bytes) + " bytes that are taken"};
  if (is_late) return {.why = it + (status_ == 0 ? "does not answer" : "does not end its answer")};
  return {.why = it + (status_ == 0 ? "ended the connection before it answered, or does not speak HTTP" : "ended the connection in the middle of its answer")};
}

Connections::Connections(Target target, Patience patience, Answered answered) : target_(std::move(target)), patience_(patience), answered_(std::move(answered)) {
  client_for(target_);  // throws what is wrong with the certificates while somebody hears it
  keeper_ = heddle::sdk::quiet_thread([this] { keep(); });
}

Connections::~Connections() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    waiting_.clear();
    urgent_.clear();
  }
  came_.notify_all();
  look_.notify_all();
  keeper_.join();
  for (const auto& line : lines_) line->thread.join();
}

void Connections::ask(uint64_t number, Ask what) {
  bool is_without = false;
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    const bool urgent = is_urgent(what.kind);
    if (urgent && !has_urgent_line_) begin_line(true);
    else if (!urgent && working_ < patience_.connections && working_ < waiting_.size() + 1 + busy_) begin_line(false);
    is_without = urgent ? !has_urgent_line_ : working_ == 0;
    if (!is_without) (urgent ? urgent_ : waiting_).push_back({number, std::move(what)});
  }
  came_.notify_all();
  if (is_without) answered_(number, {.is_unsent = true, .why = "no thread is to be had to ask the worker at " + target_.endpoint});
}

// Where no thread is to be had, those that are there do the work.
void Connections::begin_line(bool is_urgent) {
  heddle::sdk::detail::guard(
      [&] {
        auto line = std::make_unique<Line>(target_, patience_);
        Line& one = *line;
        lines_.push_back(std::move(line));
        try {
          one.thread = heddle::sdk::quiet_thread([this, &one, is_urgent] { work(one, is_urgent); });
        } catch (const std::system_error&) {
          lines_.pop_back();
          return;
        }
        ++living_;
        if (is_urgent) has_urgent_line_ = true;
        else ++working_;
      },
      [](heddle_status, std::string_view) {});
}

void Connections::work(Line& line, bool is_urgent) {
  std::unique_lock lock(mutex_);
  Queue& queue = is_urgent ? urgent_ : waiting_;
  for (;;) {
    came_.wait(lock, [&] { return stopping_ || !queue.empty(); });
    if (stopping_) break;
    Waiting next = std::move(queue.front());
    queue.pop_front();
    ++busy_;
    lock.unlock();
    look_.notify_all();
    Answer answer;
    heddle::sdk::detail::guard([&] { answer = line.ask(next.what); }, [&](heddle_status, std::string_view why) { answer = {.why = std::string(why)}; });
    next.what = {};
    lock.lock();
    --busy_;
    if (stopping_) break;
    lock.unlock();
    answered_(next.number, std::move(answer));
    lock.lock();
  }
  --living_;
  look_.notify_all();
}

// The keeper's thread.
void Connections::keep() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    look_.wait(lock, [this] { return stopping_ || busy_ > 0; });
    look_.wait_for(lock, kLook, [this] { return stopping_; });
    std::vector<Line*> lines;
    for (const auto& line : lines_) lines.push_back(line.get());
    lock.unlock();
    for (Line* const line : lines) line->look(Clock::now());
    lock.lock();
  }
  // One that has just begun does not hear the first time.
  while (living_ > 0) {
    std::vector<Line*> lines;
    for (const auto& line : lines_) lines.push_back(line.get());
    lock.unlock();
    for (Line* const line : lines) line->cut();
    lock.lock();
    look_.wait_for(lock, kLook, [this] { return living_ == 0; });
  }
}

}  // namespace sidecar_rest
