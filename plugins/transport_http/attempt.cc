#include "attempt.h"

#include <time.h>

#include <algorithm>
#include <charconv>

#include "ascii.h"
#include "metadata.h"
#include "written.h"

namespace transport_http {
namespace {

using heddle::sdk::Value;
using heddle::sdk::detail::to_str;

constexpr size_t kMostFailureBody = size_t{64} << 10;

std::string media_type(const httplib::Response& response) {
  std::string type = lower(response.get_header_value("Content-Type"));
  type.erase(std::min(type.find_first_of("; \t"), type.size()));
  return type.empty() || !is_printable(type) ? "application/octet-stream" : type;
}

// Seconds, or a date; 0: not said, or not understood.
uint32_t retry_after_ms(const httplib::Response& response) {
  const std::string text = response.get_header_value("Retry-After");
  uint64_t seconds = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (failed != std::errc() || end != text.data() + text.size()) {
    tm date{};
    const char* const read = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date);
    const int64_t left = read && *read == '\0' ? ::timegm(&date) - ::time(nullptr) : 0;
    seconds = left > 0 ? static_cast<uint64_t>(left) : 0;
  }
  return static_cast<uint32_t>(std::min<uint64_t>(seconds, UINT32_MAX / 1000) * 1000);
}

bool says_close(const httplib::Response& response) { return lower(response.get_header_value("Connection")).find("close") != std::string::npos; }

// What can be read in two ways is refused: what follows on the connection would be taken for the wrong answer.
bool has_clear_end(const httplib::Response& response) {
  const size_t lengths = response.get_header_value_count("Content-Length"), encodings = response.get_header_value_count("Transfer-Encoding");
  const std::string length = response.get_header_value("Content-Length");
  if (lengths + encodings > 1 || (lengths == 1 && (length.empty() || length.find_first_not_of("0123456789") != length.npos))) return false;
  return encodings == 0 || lower(response.get_header_value("Transfer-Encoding")) == "chunked";
}

bool has_end(const httplib::Response& response) {
  return response.status == 204 || response.has_header("Content-Length") || response.has_header("Transfer-Encoding");
}

}  // namespace

Attempt::Attempt(Calls& calls, Call& call, const Peer& peer, Link& link, const Patience& patience)
    : calls_(calls), call_(call), peer_(peer), link_(link), patience_(patience) {}

httplib::Request Attempt::request() {
  const Asked& asked = call_.asked();
  httplib::Request request;
  request.method = asked.method;
  request.path = asked.target;
  request.headers = {{"Host", peer_.origin.authority()}, {"Accept-Encoding", "identity"}};
  for (const auto& [name, text] : asked.headers) request.headers.emplace(name, text);
  if (!request.has_header("User-Agent")) request.headers.emplace("User-Agent", "heddle");
  if (asked.id != 0 && asked.deadline_ns != kNever) {
    const uint64_t now = now_ns();
    const uint64_t left = asked.deadline_ns > now ? (asked.deadline_ns - now) / kNsPerMs : 0;
    request.headers.emplace(kTimeoutHeader, std::to_string(std::clamp<uint64_t>(left, 1, kMostTimeoutMs)));
  }
  if (asked.body) {
    append_written(asked.content_type, asked.body, request.body);
    request.headers.emplace("Content-Type", asked.content_type);
  }
  request.response_handler = [this](const httplib::Response& response) { return on_head(response); };
  request.content_receiver = [this](const char* data, size_t size, uint64_t, uint64_t) { return on_body(data, size); };
  return request;
}

void Attempt::run() {
  httplib::Request request = this->request();
  httplib::Response response;
  bool whole = link_.speak(request, response, patience_) && !failure_;
  link_heard_ = link_.has_heard();
  link_sent_ = link_.has_sent();
  if (whole && response.status == 204) whole = on_head(response);  // the library does not ask
  if (whole && parts_) whole = parts_->end();
  if (!whole && !failure_) failure_ = why_broken();
  if (failure_) return;
  keeps_link_ = link_.is_whole() && has_end(response) && response.version == "HTTP/1.1" && !says_close(response);
  if (!is_failure_) return;
  failure_ = failure_said(response.status, response.reason, body_);
  failure_->retry_after_ms = retry_after_ms(response);
}

void Attempt::report() {
  if (failure_) return calls_.fail(call_, *failure_, answered_, is_unsent());
  if (!parts_) give_answer(false);
  calls_.finish(call_);
}

bool Attempt::stop(Failure failure) {
  failure_ = std::move(failure);
  return false;
}

bool Attempt::on_head(const httplib::Response& response) {
  link_.end_head();
  const std::string who = peer_.origin.endpoint();
  const int status = response.status;
  if (status < 200) return stop(trouble("not-understood", who + " answers " + std::to_string(status) + ", which is no final answer"));
  if (status >= 300 && status < 400)
    return stop(trouble("unsupported", who + " answers " + std::to_string(status) + ", see \"" + quotable(response.get_header_value("Location")) +
                                             "\": redirects are not followed"));
  if (!has_clear_end(response)) return stop(trouble("not-understood", "where the answer of " + who + " ends cannot be told from its head"));
  const std::string packed = lower(response.get_header_value("Content-Encoding"));
  if (!packed.empty() && packed != "identity")
    return stop(trouble("unsupported", "the answer of " + who + " is packed (" + quotable(packed) + "), which was not asked for"));
  content_type_ = media_type(response);
  is_accepted_ = status == 202;
  is_failure_ = status >= 400;
  if (is_failure_) return true;
  if (call_.asked().streams) {
    give_answer(true);
    parts_.emplace(content_type_, peer_.most_body_bytes, [this](Value part) { return deliver(std::move(part)); });
  }
  return true;
}

bool Attempt::on_body(const char* data, size_t size) {
  link_.taken();
  if (is_failure_) {
    body_.append(data, std::min(size, kMostFailureBody - std::min(body_.size(), kMostFailureBody)));
    return true;
  }
  const auto too_large = [this] {
    const std::string what = call_.asked().streams ? "a part of the answer of " : "the answer of ";
    return stop(trouble("too-large", what + peer_.origin.endpoint() + " has more than the " + std::to_string(peer_.most_body_bytes) + " bytes that are taken"));
  };
  if (!parts_) {
    if (body_.size() + size > peer_.most_body_bytes) return too_large();
    body_.append(data, size);
    return true;
  }
  bool fine = false;
  // The library would let an exception through, and lose the connection's state with it.
  heddle::sdk::detail::guard([&] { fine = parts_->take({data, size}); },
                             [&](heddle_status, std::string_view why) { stop(trouble("not-understood", "a part of the answer is no text: " + std::string(why))); });
  if (!fine && parts_->is_too_large()) return too_large();
  return fine;
}

// Reading stops until there is credit: so the peer is held back, too.
bool Attempt::deliver(Value part) {
  switch (patience_.wait_for([this] { return call_.take_credit(); })) {
    case Patience::News::kReady:
      calls_.part(call_, std::move(part));
      return true;
    case Patience::News::kGivenUp:
      return stop(trouble("cancelled", "the call was given up"));
    case Patience::News::kLate:
      break;
  }
  return stop(trouble("deadline", "the deadline passed while the answer of " + peer_.origin.endpoint() + " was still coming"));
}

void Attempt::give_answer(bool more) {
  heddle_answer a{};
  a.struct_size = sizeof a;
  a.more = more;
  a.accepted = is_accepted_;
  a.content_type = to_str(content_type_);
  if (!more && !body_.empty()) a.body = Value::bytes(std::as_bytes(std::span(body_))).release();
  answered_ = true;
  calls_.answer(call_, a);
}

Failure Attempt::why_broken() const {
  const std::string who = peer_.origin.endpoint();
  switch (link_.broken()) {
    case Broken::kLate:
      return trouble("deadline", who + (answered_ ? " has not ended its answer" : link_.has_sent() ? " has not answered" : " has not taken the request") +
                                     " when the deadline passed");
    case Broken::kGivenUp:
      return trouble("cancelled", "the call was given up");
    case Broken::kNotHttp:
      return trouble("not-understood", who + " does not speak HTTP/1.1: it says \"" + quotable(link_.begin()) + "\"");
    case Broken::kHeadTooLarge:
      return trouble("not-understood", "the head of the answer of " + who + " is too large");
    case Broken::kTooMuch:
      return trouble("not-understood", "the answer of " + who + " goes on without anything in it");
    case Broken::kNo:
      return trouble("not-understood", "the answer of " + who + " is not well-formed");
    case Broken::kLost:
      break;
  }
  if (!link_.tls_fault().empty()) return trouble("untrusted", who + " ended the TLS connection: " + link_.tls_fault());
  return trouble("connection-lost", who + " ended the connection " + (link_.has_heard() ? "in the middle of its answer" : "before it answered"));
}

}  // namespace transport_http
