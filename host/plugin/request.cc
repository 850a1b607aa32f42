#include "plugin/request.h"

#include <algorithm>
#include <utility>

#include "plugin/host_table.h"
#include "plugin/inbox.h"
#include "plugin/peer_spans.h"

namespace heddle {
namespace {

constexpr std::string_view kJson = "application/json";

bool is_ours(heddle_status status) {
  switch (status) {
    case HEDDLE_INVALID: case HEDDLE_DENIED: case HEDDLE_NOT_FOUND: case HEDDLE_CONFLICT: case HEDDLE_UNSUPPORTED: case HEDDLE_CANCELLED: return false;
    default: return true;
  }
}

}  // namespace

Request::~Request() {
  if (!exchange_ || !exchange_->is_owed()) return;
  exchange_->fault("a request for " + operation() + " was dropped without an answer");
  fail(HEDDLE_INTERNAL, Error("internal", "the request was not answered"));
}

const std::string& Request::operation() const { return exchange_->asked().operation; }
const std::string& Request::peer() const { return exchange_->asked().peer; }
const std::string& Request::identity() const { return exchange_->asked().identity; }
const std::string& Request::token() const { return exchange_->asked().token; }
const std::string& Request::content_type() const { return exchange_->asked().content_type; }
bool Request::accepts(std::string_view content_type) const {
  std::string_view rest = exchange_->asked().accept;
  while (!rest.empty()) {
    std::string_view one = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(one.size() + 1, rest.size()));
    const std::string_view parameters = one.substr(std::min(one.find(';'), one.size()));
    if (const size_t q = parameters.find("q=0"); q != parameters.npos && parameters.find_first_of("123456789", q) == parameters.npos) continue;
    one = one.substr(0, one.find(';'));
    one.remove_prefix(std::min(one.find_first_not_of(" \t"), one.size()));
    one = one.substr(0, one.find_last_not_of(" \t") + 1);
    const auto same = [](char said, char wanted) { return (said >= 'A' && said <= 'Z' ? said | 0x20 : said) == wanted; };
    if (std::equal(one.begin(), one.end(), content_type.begin(), content_type.end(), same)) return true;
  }
  return false;
}
const std::optional<TraceContext>& Request::trace() const { return exchange_->trace(); }
uint64_t Request::deadline_ns() const { return exchange_->asked().deadline_ns; }
const Value& Request::parameters() const { return exchange_->asked().parameters; }
const Value& Request::metadata() const { return exchange_->asked().metadata; }
const Value& Request::body() const { return exchange_->asked().body; }

std::string_view Request::body_text() const {
  return body().as_bytes().value_or(std::string_view());
}

std::string_view Request::parameter(std::string_view name) const {
  const Value found = parameters() ? parameters().find(name) : Value();
  return found ? found.as_text().value_or(std::string_view()) : std::string_view();
}

Result<Value> Request::json_body() const {
  if (!content_type().empty() && content_type() != kJson)
    return Error("unsupported-media-type", operation() + " takes " + std::string(kJson) + ", not " + content_type());
  if (!body()) return Error("invalid", operation() + " needs a body");
  if (body().kind() != HEDDLE_BYTES) return body();
  auto parsed = Value::parse(body_text());
  if (!parsed) return Error("invalid", "the body is not JSON").because(std::move(parsed).error());
  return parsed;
}

bool Request::has_more() const { return exchange_->asked().more; }

void RequestParts::hear(RequestHearing hearing) { exchange_->hear(std::move(hearing)); }
void RequestParts::grant(uint32_t parts) { exchange_->grant_request(parts); }

void Request::record(Tracer& tracer, const Operation& operation) {
  const auto& parent = exchange_->asked().trace;
  TraceSpan span{.context = tracer.begin(parent), .parent = parent ? parent->span : 0, .kind = TraceSpan::Kind::kServer, .begin_ns = now_ns()};
  add_operation(span, exchange_->asked().transport, operation, "http.route");
  span.attributes.emplace_back("client.address", peer());
  if (const std::string_view name = parameter("name"); !name.empty()) span.attributes.emplace_back("heddle.pipeline", std::string(name));
  exchange_->record(tracer, std::move(span));
}

Sent Request::answer(Value body, std::string_view content_type) {
  return exchange_->answer(HEDDLE_OK, false, content_type, std::move(body), 0);
}

Sent Request::accept(Value body) { return exchange_->answer(HEDDLE_OK, false, kJson, std::move(body), 0, true); }

Sent Request::fail(heddle_status status, const Error& why, uint32_t retry_after_ms) {
  exchange_->note_failure(why, is_ours(status));
  const auto text = [](std::string_view said) {
    auto made = Value::string(said);
    return made ? *std::move(made) : Value::null();
  };
  auto body = Value::map({{"code", text(why.code)}, {"class", text(name_of(why.error_class))}, {"message", text(why.text())}});
  return exchange_->answer(status < 0 ? status : HEDDLE_INTERNAL, false, kJson, body ? *std::move(body) : Value(), retry_after_ms);
}

AnswerStream Request::stream(std::string_view content_type) {
  exchange_->answer(HEDDLE_OK, true, content_type, Value(), 0);
  return AnswerStream(exchange_);
}

void Request::on_gone(std::function<void()> fn) { exchange_->on_gone(std::move(fn)); }
bool Request::is_gone() const { return exchange_->is_gone(); }

AnswerStream::~AnswerStream() {
  if (!exchange_ || !exchange_->is_streaming()) return;
  exchange_->fault("a stream of " + exchange_->asked().operation + " was dropped without an end");
  break_off(HEDDLE_INTERNAL, "the stream was not ended");
}

Sent AnswerStream::send(Value part) { return exchange_->part(std::move(part)); }
Sent AnswerStream::end() { return exchange_->end(HEDDLE_OK, {}); }
Sent AnswerStream::break_off(heddle_status status, std::string_view why) {
  exchange_->note_failure(error_of_status(status, std::string(why)), is_ours(status));
  return exchange_->end(status < 0 ? status : HEDDLE_INTERNAL, why);
}
void AnswerStream::on_room(std::function<void()> fn) { exchange_->on_room(std::move(fn)); }
void AnswerStream::on_gone(std::function<void()> fn) { exchange_->on_gone(std::move(fn)); }
bool AnswerStream::is_gone() const { return exchange_->is_gone(); }

}  // namespace heddle
