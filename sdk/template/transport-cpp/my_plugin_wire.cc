#include "my_plugin_wire.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

namespace plugin {
namespace {

using heddle::sdk::Answer;
using heddle::sdk::Error;
using heddle::sdk::Request;
using heddle::sdk::Value;
using heddle::sdk::ValueRef;

constexpr size_t kBeforeHead = 9;  // kind and sizes
constexpr uint64_t kNsPerMs = 1'000'000, kMostTimeoutMs = uint64_t{366} * 24 * 3'600'000;
constexpr std::string_view kEvents = "text/event-stream", kLines = "application/x-ndjson", kJson = "application/json";

[[noreturn]] void fail(const std::string& what) { throw Error(HEDDLE_UNAVAILABLE, what + ": " + std::strerror(errno)); }

void set_on(int fd, int level, int option) {
  const int on = 1;
  ::setsockopt(fd, level, option, &on, sizeof on);
}

void append_size(std::string& out, size_t size) {
  for (int i = 0; i < 4; ++i) out += static_cast<char>(size >> 8 * i & 0xff);
}
size_t size_at(std::string_view bytes, size_t at) {
  size_t size = 0;
  for (size_t i = 0; i < 4; ++i) size |= static_cast<size_t>(static_cast<unsigned char>(bytes[at + i])) << 8 * i;
  return size;
}

std::string frame(Kind kind, std::string_view head, std::string_view body) {
  if (head.size() > kMostHead) throw Error(HEDDLE_INVALID, "the head of a message has at most 64 KiB, this one has " + std::to_string(head.size()) + " bytes");
  if (body.size() > UINT32_MAX) throw Error(HEDDLE_INVALID, "a body has at most 4 GiB");
  std::string out(1, static_cast<char>(kind));
  append_size(out, head.size());
  append_size(out, body.size());
  return out.append(head).append(body);
}

// How a value is written under a content type: see heddle/transport.h. Events are JSON here.
std::string bytes_of(std::string_view content_type, ValueRef v) {
  if (!v) return {};
  if (const auto bytes = v.as_bytes()) return {reinterpret_cast<const char*>(bytes->data()), bytes->size()};
  if (content_type.empty() || content_type == kJson || content_type == kLines || content_type == kEvents) return std::string(v.json());
  return std::string(v.is(HEDDLE_STRING) ? *v.as_text() : v.json());
}

// What is not said is not written.
void add(std::vector<Value::Entry>& head, std::string_view name, std::string_view text) {
  if (!text.empty()) head.push_back({name, Value::string(text)});
}

std::string_view text(ValueRef head, std::string_view name) { return head.find(name).is(HEDDLE_STRING) ? *head.find(name).as_text() : std::string_view(); }
int64_t number(ValueRef head, std::string_view name) { return head.find(name).as_int().value_or(0); }
bool truth(ValueRef head, std::string_view name) { return head.find(name).as_bool().value_or(false); }

ValueRef texts_of(ValueRef head, std::string_view name) {
  const ValueRef map = head.find(name);
  if (map && !map.is(HEDDLE_MAP)) throw Error(HEDDLE_UNSUPPORTED, "\"" + std::string(name) + "\" of a request is no object");
  for (size_t i = 0; i < map.size(); ++i)
    if (!map.at(i).is(HEDDLE_STRING)) throw Error(HEDDLE_UNSUPPORTED, "\"" + std::string(name) + "\" of a request has what is no text");
  return map;
}

// The rules of heddle/transport.h: whoever hands metadata on checks them.
void check_metadata(ValueRef metadata) {
  const auto fits_name = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  const auto fits_text = [](char c) { return c >= ' ' && c <= '~'; };
  size_t bytes = 0;
  for (size_t i = 0; i < metadata.size(); ++i) {
    std::string_view name;
    const std::string_view said = *metadata.at(i, &name).as_text();
    bytes += name.size() + said.size();
    if (name.empty() || name.size() > 64 || name == "timeout-ms" || !std::all_of(name.begin(), name.end(), fits_name) || !std::all_of(said.begin(), said.end(), fits_text) || said.starts_with(' ') ||
        said.ends_with(' '))
      throw Error(HEDDLE_UNSUPPORTED, "metadata has names of 1 to 64 of a-z, 0-9 and '-', and printable ASCII");
  }
  if (metadata.size() > HEDDLE_METADATA_MOST || bytes > HEDDLE_METADATA_BYTES) throw Error(HEDDLE_UNSUPPORTED, "there is too much metadata");
}

}  // namespace

// Where bytes travel --------------------------------------------------------------------------------------------------------------------------------

void Socket::reset() noexcept {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

std::vector<Address> find_addresses(const std::string& endpoint) {
  const size_t colon = endpoint.rfind(':');
  if (colon == endpoint.npos || endpoint.find('/') != endpoint.npos) throw Error(HEDDLE_INVALID, "\"" + endpoint + "\" is no endpoint: it is to be host:port");
  std::string host = endpoint.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int why = ::getaddrinfo(host.c_str(), endpoint.c_str() + colon + 1, &hints, &found); why != 0)
    throw Error(why == EAI_NONAME || why == EAI_SERVICE ? HEDDLE_INVALID : HEDDLE_UNAVAILABLE, "\"" + endpoint + "\": " + ::gai_strerror(why));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> all(found, &::freeaddrinfo);
  std::vector<Address> out;
  for (const addrinfo* one = found; one; one = one->ai_next) {
    std::memcpy(&out.emplace_back().bytes, one->ai_addr, one->ai_addrlen);
    out.back().size = one->ai_addrlen;
  }
  return out;
}

std::string text_of(const Address& address) {
  char host[NI_MAXHOST], port[NI_MAXSERV];
  const auto* const bytes = reinterpret_cast<const sockaddr*>(&address.bytes);
  if (::getnameinfo(bytes, address.size, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0) return "somewhere";
  return (std::strchr(host, ':') ? "[" + std::string(host) + "]" : std::string(host)) + ":" + port;
}

Socket listen_at(const std::string& wanted, std::string& endpoint) {
  Address address = find_addresses(wanted).front();
  Socket socket(::socket(address.bytes.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) fail("no socket to listen at " + wanted);
  set_on(socket.fd(), SOL_SOCKET, SO_REUSEADDR);
  auto* const bytes = reinterpret_cast<sockaddr*>(&address.bytes);
  if (::bind(socket.fd(), bytes, address.size) != 0 || ::listen(socket.fd(), SOMAXCONN) != 0) fail("cannot listen at " + wanted);
  address.size = sizeof address.bytes;
  ::getsockname(socket.fd(), bytes, &address.size);
  endpoint = text_of(address);
  return socket;
}

Accepted accept_from(const Socket& listener, Socket& socket, std::string& peer) {
  Address address;
  address.size = sizeof address.bytes;
  socket = Socket(::accept4(listener.fd(), reinterpret_cast<sockaddr*>(&address.bytes), &address.size, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!socket) return errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM ? Accepted::kNoRoom : Accepted::kNobody;
  set_on(socket.fd(), IPPROTO_TCP, TCP_NODELAY);
  peer = text_of(address);
  return Accepted::kOne;
}

Socket connect_to(const Address& address) {
  Socket socket(::socket(address.bytes.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return socket;
  set_on(socket.fd(), IPPROTO_TCP, TCP_NODELAY);
  if (::connect(socket.fd(), reinterpret_cast<const sockaddr*>(&address.bytes), address.size) != 0 && errno != EINPROGRESS) socket.reset();
  return socket;
}

int fault_of(const Socket& socket) {
  int fault = 0;
  socklen_t size = sizeof fault;
  return ::getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &fault, &size) == 0 ? fault : errno;
}

// How requests and answers are written ---------------------------------------------------------------------------------------------------------------

std::optional<Frame> take_frame(Arrived& arrived, size_t most_body) {
  const std::string_view bytes = arrived.view();
  if (bytes.empty()) return std::nullopt;
  if (std::string_view("QWAPE").find(bytes[0]) == std::string_view::npos) throw Error(HEDDLE_UNSUPPORTED, "what comes is none of its messages");
  if (bytes.size() < kBeforeHead) return std::nullopt;
  const size_t head = size_at(bytes, 1), body = size_at(bytes, 5);
  if (head > kMostHead) throw Error(HEDDLE_UNSUPPORTED, "the head of a message is larger than 64 KiB");
  if (body > most_body) throw Error(HEDDLE_INVALID, "there are " + std::to_string(body) + " bytes, and " + std::to_string(most_body) + " are taken");
  if (bytes.size() - kBeforeHead < head + body) return std::nullopt;
  Frame out;
  out.kind = static_cast<Kind>(bytes[0]);
  heddle::sdk::detail::guard([&] { out.head = Value::parse(bytes.substr(kBeforeHead, head)); }, [](heddle_status, std::string_view) {});
  if (!out.head.is(HEDDLE_MAP)) throw Error(HEDDLE_UNSUPPORTED, "the head of a message is no JSON object");
  out.body = bytes.substr(kBeforeHead + head, body);
  arrived.drop(kBeforeHead + head + body);
  return out;
}

bool has_head(std::string_view bytes) { return bytes.size() >= kBeforeHead && bytes.size() - kBeforeHead >= size_at(bytes, 1); }

std::optional<Kind> next_kind(std::string_view bytes) {
  if (bytes.size() < kBeforeHead || bytes.size() - kBeforeHead < size_at(bytes, 1) + size_at(bytes, 5)) return std::nullopt;
  return static_cast<Kind>(bytes[0]);
}

std::string written(const Request& r, uint64_t now_ns) {
  std::vector<Value::Entry> head = {{"operation", Value::string(r.operation)}};
  for (const auto& [name, said] : {std::pair("content_type", r.content_type), {"accept", r.accept}, {"token", r.token}, {"trace", r.trace}, {"trace_state", r.trace_state}}) add(head, name, said);
  // What is left of less than a millisecond is one.
  if (r.deadline_ns != 0) head.push_back({"timeout_ms", Value::integer(static_cast<int64_t>(r.deadline_ns > now_ns ? (r.deadline_ns - now_ns) / kNsPerMs + 1 : 1))});
  if (r.parameters) head.push_back({"parameters", Value::share(r.parameters)});
  if (r.metadata) head.push_back({"metadata", Value::share(r.metadata)});
  return frame(Kind::kRequest, Value::map(head).json(), bytes_of(r.content_type, r.body));
}

std::string written(const Answer& a) {
  std::vector<Value::Entry> head = {{"status", Value::integer(a.status)}};
  if (a.retry_after_ms > 0) head.push_back({"retry_after_ms", Value::integer(a.retry_after_ms)});
  if (a.status < 0) {
    head.push_back({"failure", a.body.is(HEDDLE_MAP) ? a.body : Value::map(std::span<Value::Entry>())});
    return frame(Kind::kAnswer, Value::map(head).json(), {});
  }
  if (a.more) head.push_back({"more", Value::boolean(true)});
  if (a.accepted) head.push_back({"accepted", Value::boolean(true)});
  add(head, "content_type", a.content_type);
  return frame(Kind::kAnswer, Value::map(head).json(), bytes_of(a.content_type, a.body));
}

std::string written_probe() { return frame(Kind::kProbe, "{}", {}); }

// The bytes of an event stream are text between its events, as a comment that keeps a connection awake: this wire has none.
std::optional<std::string> written_part(std::string_view content_type, ValueRef v) {
  if (content_type == kEvents && !v.is(HEDDLE_MAP)) return std::nullopt;
  return frame(Kind::kPart, "{}", bytes_of(content_type, v));
}

std::string written_only_part(std::string_view body) { return (body.empty() ? std::string() : frame(Kind::kPart, "{}", body)) + written_end(HEDDLE_OK, {}); }

std::string written_end(heddle_status status, std::string_view why) {
  std::vector<Value::Entry> head = {{"status", Value::integer(status)}};
  add(head, "why", why);
  return frame(Kind::kEnd, Value::map(head).json(), {});
}

Request request_of(const Frame& frame, uint64_t now_ns) {
  const ValueRef head = frame.head;
  Request r;
  r.operation = text(head, "operation");
  if (r.operation.empty()) throw Error(HEDDLE_UNSUPPORTED, "a request has no \"operation\"");
  r.content_type = text(head, "content_type");
  r.accept = text(head, "accept");
  r.token = text(head, "token");
  r.trace = text(head, "trace");
  r.trace_state = text(head, "trace_state");
  const int64_t timeout_ms = number(head, "timeout_ms");
  if (timeout_ms > 0) r.deadline_ns = now_ns + std::min<uint64_t>(static_cast<uint64_t>(timeout_ms), kMostTimeoutMs) * kNsPerMs;
  r.parameters = texts_of(head, "parameters");
  r.metadata = texts_of(head, "metadata");
  check_metadata(r.metadata);
  if (!frame.body.empty()) r.body = Value::bytes(std::as_bytes(std::span(frame.body)));
  return r;
}

Answer answer_of(const Frame& frame) {
  const ValueRef head = frame.head;
  Answer a;
  if (frame.kind != Kind::kAnswer || !head.find("status").as_int()) throw Error(HEDDLE_UNSUPPORTED, "what comes is no answer");
  a.status = static_cast<heddle_status>(std::clamp<int64_t>(number(head, "status"), INT32_MIN, 0));
  a.retry_after_ms = static_cast<uint32_t>(std::clamp<int64_t>(number(head, "retry_after_ms"), 0, UINT32_MAX));
  if (a.status < 0) {
    const auto said = [&](std::string_view name, std::string_view otherwise) {
      const std::string_view found = text(head.find("failure"), name);
      return Value::string(found.empty() ? otherwise : found);
    };
    a.body = Value::map({{"code", said("code", "internal")}, {"class", said("class", "permanent")}, {"message", said("message", "the peer gave no reason")}});
    return a;
  }
  a.more = truth(head, "more");
  a.accepted = truth(head, "accepted");
  a.content_type = text(head, "content_type");
  if (!frame.body.empty()) a.body = Value::bytes(std::as_bytes(std::span(frame.body)));
  return a;
}

Value part_of(const Frame& frame, std::string_view content_type) {
  if (content_type != kEvents) return Value::bytes(std::as_bytes(std::span(frame.body)));
  const Value event = Value::parse(frame.body);
  std::vector<Value::Entry> members;
  for (const char* name : {"event", "id", "data"}) {
    const ValueRef said = event.find(name);
    if (said) members.push_back({name, said.is(HEDDLE_STRING) ? Value::share(said) : Value::string(said.json())});
  }
  return Value::map(members);
}

std::pair<heddle_status, std::string> end_of(const Frame& frame) {
  const auto status = static_cast<heddle_status>(std::clamp<int64_t>(number(frame.head, "status"), INT32_MIN, 0));
  return {status, std::string(text(frame.head, "why"))};
}

}  // namespace plugin
