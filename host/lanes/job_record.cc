#include "lanes/job_record.h"

#include <algorithm>
#include <charconv>

#include "value/json_text.h"
#include "value/json_value.h"

namespace heddle {
namespace {

constexpr std::string_view kDurabilities[] = {"memory", "written", "durable"};
constexpr ErrorClass kClasses[] = {ErrorClass::kPermanent, ErrorClass::kRetryable, ErrorClass::kConfig, ErrorClass::kCancelled};

// Appends members, each but the first after a comma.
class Writing {
 public:
  explicit Writing(std::string& out) : out_(out) { out_ += '{'; }
  void text(std::string_view key, std::string_view s) {
    if (s.empty()) return;
    begin(key);
    append_quoted(out_, s);
  }
  void number(std::string_view key, uint64_t n) {
    if (n == 0) return;
    begin(key);
    out_ += std::to_string(n);
  }
  void value(std::string_view key, const Value& v) {
    if (!v) return;
    begin(key);
    v.append_json(out_);
  }
  std::string& begin(std::string_view key) {
    if (out_.back() != '{') out_ += ',';
    out_ += '"';
    out_ += key;
    out_ += "\":";
    return out_;
  }

 private:
  std::string& out_;
};

uint64_t to_wall(uint64_t monotonic_ns, uint64_t now_wall_ms) {
  if (monotonic_ns == 0) return 0;
  const uint64_t now = now_ns();
  return monotonic_ns > now ? now_wall_ms + (monotonic_ns - now + kNsPerMs - 1) / kNsPerMs : now_wall_ms;
}

// How long until then, and never longer than it was when the record was written.
uint64_t to_monotonic(uint64_t then_ms, uint64_t written_ms) {
  const uint64_t now_wall = wall_ms();
  if (then_ms <= now_wall) return 1;  // long past
  return now_ns() + std::min(then_ms - now_wall, then_ms > written_ms ? then_ms - written_ms : 0) * kNsPerMs;
}

std::string text_of(const Value& v) { return std::string(v ? v.as_text().value_or("") : std::string_view()); }

// Takes whole numbers, and remembers the first that is none or cannot be meant.
class Numbers {
 public:
  explicit Numbers(const Value& record) : record_(record) {}
  uint64_t get(std::string_view key, uint64_t most = kMost) { return check(key, record_.find(key), most); }
  uint64_t check(std::string_view what, const Value& v, uint64_t most = kMost) {
    if (!v) return 0;
    const auto number = v.as_int();
    if (number && *number >= 0 && static_cast<uint64_t>(*number) <= most) return static_cast<uint64_t>(*number);
    if (wrong_.empty()) wrong_ = what;
    return 0;
  }
  const std::string& wrong() const { return wrong_; }
  static constexpr uint64_t kMost = static_cast<uint64_t>(INT64_MAX) / kNsPerMs;  // so that milliseconds can be counted in nanoseconds

 private:
  const Value& record_;
  std::string wrong_;
};

// A value that does not hold the record it stands in: a million of them may wait.
Value alone(const Value& member) {
  if (!member) return {};
  Result<Value> copy = Value::parse(member.json());
  return copy ? *std::move(copy) : member;
}

}  // namespace

std::string job_record(const JobRun::Record& r) {
  std::string out;
  out.reserve(192);
  Writing w(out);
  const bool ends = r.now == JobState::kEnding;
  const uint64_t now = wall_ms();
  w.text("type", *r.type);
  w.text("lane", *r.lane_name);
  w.text("durability", kDurabilities[static_cast<size_t>(r.durability)]);
  w.text("state", name_of(ends ? r.ends_as : is_over(r.now) ? r.now : JobState::kWaiting));
  w.number("written_ms", now);
  w.number("submitted_ms", r.submitted_ms);
  w.number("not_before_ms", r.not_before_ms);
  w.number("due_ms", to_wall(r.due_ns, now));
  w.number("priority", r.priority);
  if (r.key != 0) w.text("key", std::to_string(r.key));  // it has all of its 64 bits, which a JSON number need not keep
  w.text("idempotency_key", r.idempotency_key());
  if (r.rare && !r.rare->after.empty()) {
    char separator = '[';
    w.begin("after");
    for (const JobId id : r.rare->after) {
      out += std::exchange(separator, ',');
      out += std::to_string(id);
    }
    out += ']';
  }
  if (r.rare && r.rare->trace) {
    w.text("traceparent", r.rare->trace->traceparent());
    w.text("tracestate", r.rare->trace->state);
  }
  w.value("payload", r.payload);
  if (r.rare) w.value("checkpoint", r.rare->progress.checkpoint);
  w.number("attempt", r.attempt - (r.now == JobState::kRunning ? 1 : 0));  // one that is broken off is not counted
  if (r.rare && !r.rare->failed.empty()) {
    char separator = '[';
    w.begin("failed");
    for (const JobAttempt& attempt : r.rare->failed) {
      out += std::exchange(separator, ',');
      out += '[' + std::to_string(attempt.number) + ',';
      append_quoted(out, repaired_utf8(attempt.error));
      out += ',' + std::to_string(attempt.took_ns / kNsPerMs) + ']';
    }
    out += ']';
  }
  w.number("started_ms", r.started_ms);
  w.number("ended_ms", ends ? now : r.ended_ms);
  w.value("result", r.result);
  if (const Error* error = r.error.get()) {
    w.begin("error") += '[';
    append_quoted(out, error->code);
    out += ",\"" + std::string(name_of(error->error_class)) + "\",";
    append_quoted(out, repaired_utf8(error->text()));
    out += ']';
  }
  out += '}';
  return out;
}

Result<JobNames> read_job_record(std::string_view text, JobRun::Record& r) {
  const auto bad = [](std::string what) { return Error("bad-record", std::move(what)); };
  Result<Value> parsed = Value::parse(text);
  if (!parsed) return bad("it is not JSON: " + parsed.error().message);
  const Value& v = *parsed;
  JobNames names = {text_of(v.find("type")), text_of(v.find("lane"))};
  if (names.type.empty() || names.lane.empty()) return bad("it names no type or no lane");
  const std::string durability = text_of(v.find("durability")), state = text_of(v.find("state"));
  r.durability = durability == kDurabilities[2] ? Durability::kDurable : Durability::kWritten;
  r.now = JobState::kWaiting;
  for (const JobState s : {JobState::kDone, JobState::kDead, JobState::kCancelled}) {
    if (state == name_of(s)) r.now = s;
  }
  r.ends_as = r.now;
  if (r.now == JobState::kWaiting && state != name_of(r.now)) return bad("its state is \"" + state + "\"");
  Numbers n(v);
  const uint64_t written_ms = n.get("written_ms");
  r.submitted_ms = n.get("submitted_ms");
  r.not_before_ms = n.get("not_before_ms");
  if (r.not_before_ms > 0) r.not_before_ns = to_monotonic(r.not_before_ms, written_ms);
  if (const uint64_t due_ms = n.get("due_ms")) r.due_ns = to_monotonic(due_ms, written_ms);
  r.priority = static_cast<uint8_t>(n.get("priority", UINT8_MAX));
  const std::string key = text_of(v.find("key"));
  if (std::from_chars(key.data(), key.data() + key.size(), r.key).ptr != key.data() + key.size()) return bad("its \"key\" is no number");
  if (const Value idempotency_key = v.find("idempotency_key")) r.make_rare().idempotency_key = text_of(idempotency_key);
  if (const Value after = v.find("after")) {
    for (size_t i = 0; i < after.size(); ++i) r.make_rare().after.push_back(n.check("after", after.at(i), UINT64_MAX));
  }
  if (auto trace = read_trace(text_of(v.find("traceparent")), text_of(v.find("tracestate")))) r.make_rare().trace = std::move(trace);
  r.payload = alone(v.find("payload"));
  if (const Value checkpoint = v.find("checkpoint")) r.make_rare().progress.checkpoint = alone(checkpoint);
  r.attempt = static_cast<uint32_t>(n.get("attempt", UINT32_MAX));
  if (const Value failed = v.find("failed")) {
    for (size_t i = 0; i < failed.size(); ++i) {
      const Value attempt = failed.at(i);
      r.make_rare().failed.push_back({static_cast<uint32_t>(n.check("failed", attempt.at(0), UINT32_MAX)), text_of(attempt.at(1)), n.check("failed", attempt.at(2)) * kNsPerMs});
    }
  }
  r.started_ms = n.get("started_ms");
  r.ended_ms = n.get("ended_ms");
  if (!n.wrong().empty()) return bad("its \"" + n.wrong() + "\" is no number that can be meant");
  r.result = alone(v.find("result"));
  if (const Value error = v.find("error")) {
    ErrorClass error_class = ErrorClass::kPermanent;
    for (const ErrorClass c : kClasses) {
      if (text_of(error.at(1)) == name_of(c)) error_class = c;
    }
    r.error = std::make_unique<const Error>(text_of(error.at(0)), text_of(error.at(2)), error_class);
  }
  return names;
}

}  // namespace heddle
