#include "flight.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace node_remote {
namespace {

using namespace heddle::sdk;

constexpr size_t kMostQuoted = 200;

std::string text_of(ValueRef value) { return std::string(value.as_text().value_or("")); }

// The beginning of what was said, whatever it is.
std::string quoted(ValueRef said) {
  const auto bytes = said.as_bytes();
  std::string text(bytes ? std::string_view(reinterpret_cast<const char*>(bytes->data()), bytes->size()).substr(0, kMostQuoted) : std::string_view(said.json()).substr(0, kMostQuoted));
  for (char& c : text)
    if (c < ' ' || c > '~') c = '.';
  return text;
}

// The names that manifests and programs know these failures by.
std::string_view code_of(std::string_view ending) {
  if (ending == "timed-out") return "RemoteTimeout";
  if (ending == "breakers-open") return "CircuitBreakerOpen";
  if (ending == "refused") return "RemoteExecutionFailed";
  return "AllEndpointsFailed";
}

// Two lines: the manifest, and the item that it is for.
Value with_manifest(std::string_view first_line, ValueRef item) {
  std::string lines(first_line);
  const size_t at = lines.size();
  lines += item.json();
  std::replace_if(lines.begin() + static_cast<std::ptrdiff_t>(at), lines.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  lines += '\n';
  return Value::bytes(std::as_bytes(std::span(lines)));
}

// `report` with a code of ours.
Value details_of(std::string_view code, ValueRef report) {
  std::vector<Value::Entry> members = {{"code", Value::string(code)}};
  for (const char* name : {"endpoint", "took_ms", "attempts"})
    if (const ValueRef found = report.find(name)) members.push_back({name, Value::share(found)});
  return Value::map(std::span(members));
}

// The same of an answer that broke off after so long: its attempt, the last one, says why.
Value details_of(std::string_view code, ValueRef report, std::string_view why, int64_t took_ms) {
  const auto ms = [](ValueRef map) { return map.find("took_ms").as_int().value_or(0); };
  const ValueRef before = report.find("attempts"), endpoint = report.find("endpoint");
  std::vector<Value> attempts;
  for (size_t i = 0; i < before.size(); ++i) {
    if (i + 1 < before.size()) attempts.push_back(Value::share(before.at(i)));
    else attempts.push_back(Value::map({{"number", Value::integer(static_cast<int64_t>(i) + 1)}, {"endpoint", Value::share(endpoint)}, {"error", Value::string(why)},
                                        {"took_ms", Value::integer(took_ms - ms(report) + ms(before.at(i)))}}));
  }
  return Value::map({{"code", Value::string(code)}, {"endpoint", Value::share(endpoint)}, {"took_ms", Value::integer(took_ms)}, {"attempts", Value::list(std::move(attempts))}});
}

}  // namespace

heddle_peer_call Flight::request(std::string& key) {
  std::lock_guard lock(mutex_);
  if (settings_.hash_key)
    if (const ValueRef found = call_.input().pointer(*settings_.hash_key)) key = std::string(found.json());
  heddle_peer_call c{};
  c.struct_size = sizeof c;
  c.credit = kCredit;
  c.operation = heddle::sdk::detail::to_str(errand_.parameters ? "pipelines.execute" : "manifests.execute");
  c.parameters = errand_.parameters.get();
  c.body = (errand_.parameters ? Value::share(call_.input()) : with_manifest(errand_.first_line, call_.input())).release();
  c.item = call_.input().get();
  c.content_type = heddle::sdk::detail::to_str("application/x-ndjson");
  c.token = heddle::sdk::detail::to_str(settings_.token);
  c.trace = heddle::sdk::detail::to_str(call_.trace());
  c.key = heddle::sdk::detail::to_str(key);
  c.deadline_ns = call_.deadline_ns();
  c.idempotent = settings_.idempotent;
  return c;
}

void Flight::begun(heddle_id call) {
  bool unwanted = false;
  {
    std::lock_guard lock(mutex_);
    id_ = call;
    unwanted = unwanted_;
  }
  if (unwanted) peers_.cancel(host_.get(), call);
}

void Flight::cancel() {
  heddle_id id = 0;
  {
    std::lock_guard lock(mutex_);
    unwanted_ = true;
    id = id_;
  }
  if (id != 0) peers_.cancel(host_.get(), id);
}

void Flight::answered(heddle_id, const heddle_peer_answer& answer) {
  const Value body = Value::adopt(answer.body);
  std::lock_guard lock(mutex_);
  report_ = Value::share(ValueRef(answer.report));
  if (answer.status < 0) failure_ = failure_of(answer);
  else if (!answer.more && body) failure_ = {HEDDLE_UNSUPPORTED, named() + " did not answer line by line", details_of("RemoteExecutionFailed", report_)};
  over_ = answer.status < 0 || !answer.more;
  settle();
}

void Flight::part(heddle_id call, Value part) {
  uint32_t taken = 0;
  {
    std::lock_guard lock(mutex_);
    if (const ValueRef output = part.find("output")) {
      waiting_.push_back(Value::share(output));
      taken = waiting_.size() == 1 ? emit_waiting() : 0;
    } else {
      taken = 1;
      if (!failure_) failure_ = failure_of(part);
    }
  }
  if (taken > 0) peers_.grant(host_.get(), call, taken);
}

void Flight::ended(heddle_status status, std::string_view why) {
  std::lock_guard lock(mutex_);
  over_ = true;
  if (status < 0 && !failure_) {
    const std::string_view code = status == HEDDLE_DEADLINE ? "RemoteTimeout" : "RemoteExecutionFailed";
    const auto took_ms = static_cast<int64_t>((host_.now_ns() - begun_ns_) / 1'000'000);
    failure_ = {status, named() + " broke off after " + std::to_string(took_ms) + " ms: " + std::string(why), details_of(code, report_, why, took_ms)};
  }
  settle();
}

void Flight::resume() {
  uint32_t taken = 0;
  heddle_id id = 0;
  {
    std::lock_guard lock(mutex_);
    if (!call_) return;
    taken = emit_waiting();
    id = over_ ? 0 : id_;
    settle();
  }
  if (taken > 0 && id != 0) peers_.grant(host_.get(), id, taken);
}

bool Flight::is_over() {
  std::lock_guard lock(mutex_);
  return over_ && !call_;
}

// [mutex_ held] How many found room.
uint32_t Flight::emit_waiting() {
  uint32_t taken = 0;
  while (!waiting_.empty() && call_.try_emit(0, waiting_.front())) {
    waiting_.pop_front();
    emitted_ = true;
    ++taken;
  }
  return taken;
}

// [mutex_ held] Answers the item once everything that came has left.
void Flight::settle() {
  if (!over_ || !waiting_.empty() || !call_) return;
  if (failure_ && failure_->status != HEDDLE_CANCELLED && !emitted_ && settings_.fallback_value) {
    waiting_.push_back(settings_.fallback_value);
    failure_.reset();
    emit_waiting();
    if (!waiting_.empty()) return;  // resume() follows
  }
  if (failure_) call_.fail(failure_->status, failure_->why, std::move(failure_->details));
  else call_.complete();
}

Flight::Failure Flight::failure_of(const heddle_peer_answer& answer) const {
  const std::string_view ending = heddle::sdk::detail::to_view(answer.ending), why = heddle::sdk::detail::to_view(answer.why);
  if (ending == "cancelled") return {HEDDLE_CANCELLED, "it was cancelled", {}};
  return {answer.status, "pipeline \"" + errand_.pipeline + "\" was not run: " + std::string(why), details_of(code_of(ending), ValueRef(answer.report))};
}

// What the other host says of an item that failed there; or it says what nobody has asked for.
Flight::Failure Flight::failure_of(ValueRef part) const {
  const ValueRef failed = part.find("failed");
  if (failed.kind() != HEDDLE_MAP) {
    return {HEDDLE_UNSUPPORTED, named() + " answered what is neither a result nor a failure: " + quoted(part), details_of("RemoteExecutionFailed", report_)};
  }
  const std::string node = text_of(failed.find("node"));
  const heddle_status status = text_of(failed.find("class")) == "retryable" ? HEDDLE_UNAVAILABLE : HEDDLE_INVALID;
  return {status, named() + " failed" + (node.empty() ? "" : " in node " + node) + ": " + text_of(failed.find("message")) + " (" + text_of(failed.find("code")) + ")",
          details_of("RemoteExecutionFailed", report_)};
}

std::string Flight::named() const { return "pipeline \"" + errand_.pipeline + "\" at " + text_of(report_.find("endpoint")); }

}  // namespace node_remote
