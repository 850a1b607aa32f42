// Request: what a peer asks of this host through a transport, and the one answer that is owed to it.
#pragma once
#include <heddle/abi.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "plugin/operation.h"
#include "result.h"
#include "tracer.h"
#include "value/value.h"

namespace heddle {

class Exchange;

// What became of something that was sent.
enum class Sent : uint8_t {
  kSent,
  kFull,   // no credit: on_room will be called
  kGone,   // the peer has gone, or was cut off: nobody hears anything of this exchange any more
  kTwice,  // against the rules: the answer was given, or the stream ended, before; it is logged
};

// The parts of an answer, one after the other. Move-only; any thread, one at a time. Left without an end, it breaks off by itself.
class AnswerStream {
 public:
  explicit AnswerStream(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
  AnswerStream(AnswerStream&&) = default;
  AnswerStream& operator=(AnswerStream&&) = delete;
  ~AnswerStream();

  Sent send(Value part);
  Sent end();
  Sent break_off(heddle_status status, std::string_view why);
  // Called after a send that was kFull, once there is room: on any thread, at once if there is room already. It must not block, and not destroy
  // this object.
  void on_room(std::function<void()> fn);
  // Called once, when nobody listens any more: on any thread, at once if that is so already. Not called after end().
  void on_gone(std::function<void()> fn);
  bool is_gone() const;

 private:
  std::shared_ptr<Exchange> exchange_;
};

// What is heard of the parts of a request. Called one at a time, on any thread; it must not block. After `ended`, after the end of the answer, and when the peer has gone (on_gone says
// that), nothing more is heard.
struct RequestHearing {
  std::function<void(Value)> part;
  std::function<void(Result<void>)> ended;
};

// The parts of a request that follow its head. Any thread. It may be kept longer than the request and the answer.
class RequestParts {
 public:
  explicit RequestParts(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}

  // Once, before the first grant.
  void hear(RequestHearing hearing);
  // So many more may come. Before the first grant none does.
  void grant(uint32_t parts);

 private:
  std::shared_ptr<Exchange> exchange_;
};

// Move-only; any thread, one at a time. Dropped without an answer, it answers "internal" by itself, and that is logged.
class Request {
 public:
  explicit Request(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
  Request(Request&&) = default;
  Request& operator=(Request&&) = delete;
  ~Request();

  const std::string& operation() const;
  const std::string& peer() const;
  const std::string& identity() const;  // what the connection proves; empty: nothing
  const std::string& token() const;     // a secret; empty: none
  const std::string& content_type() const;
  // Whether the peer says that it takes answers of this type, in lower case: by its name, not with a "*".
  bool accepts(std::string_view content_type) const;
  const std::optional<TraceContext>& trace() const;  // of which this is a part: what the peer said, or, once it is recorded, its span
  uint64_t deadline_ns() const;         // 0: none
  const Value& parameters() const;      // a map of texts
  const Value& metadata() const;        // a map of texts, or empty; what the peer says, and no more than that
  // A parameter's text, or empty where it is absent.
  std::string_view parameter(std::string_view name) const;
  const Value& body() const;            // empty: none
  std::string_view body_text() const;   // its bytes as they came; empty: none, or the transport gave a value
  // The body as JSON. Errors: "unsupported-media-type" (content type neither application/json nor unsaid), "invalid" (no body; not JSON: where).
  Result<Value> json_body() const;
  // The body is only its beginning: parts() follow.
  bool has_more() const;
  RequestParts parts() const { return RequestParts(exchange_); }

  // From here on this is a piece of work of its own, and `tracer`, which outlives the exchange, gets its span when the answer is complete, or the peer has gone. At most once.
  void record(Tracer& tracer, const Operation& operation);

  Sent answer(Value body, std::string_view content_type = "application/json");
  // The same where the body tells of work that was taken on and is not done yet.
  Sent accept(Value body);
  // `status` decides what kind of failure the peer sees; code, class and text of `why` are its body.
  Sent fail(heddle_status status, const Error& why, uint32_t retry_after_ms = 0);
  // The answer begins, and its parts follow. Where the peer has gone, the stream is_gone().
  AnswerStream stream(std::string_view content_type);

  void on_gone(std::function<void()> fn);  // as AnswerStream's; passes on to the stream
  bool is_gone() const;

 private:
  std::shared_ptr<Exchange> exchange_;
};

}  // namespace heddle
