#include "batch.h"

#include <algorithm>
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

Batch::Batch(std::vector<Call> calls, const Settings& settings, const Errand& errand, LastGood& last_good, const Host& host, const heddle_peers_service& peers)
    : settings_(settings), errand_(errand), last_good_(last_good), host_(host), peers_(peers), begun_ns_(host_.now_ns()), wanted_(calls.size()), left_(calls.size()) {
  slots_.reserve(calls.size());
  for (Call& call : calls) slots_.push_back(Slot{.call = std::move(call)});
}

std::optional<heddle_peer_call> Batch::request(std::string& key) {
  std::lock_guard lock(mutex_);
  std::erase_if(slots_, [](const Slot& slot) { return !slot.call.input(); });
  left_ = slots_.size();
  wanted_ = static_cast<size_t>(std::count_if(slots_.begin(), slots_.end(), [](const Slot& slot) { return !slot.unwanted; }));
  over_ = slots_.empty();
  if (over_) return std::nullopt;
  std::vector<Value> items;
  items.reserve(slots_.size());
  uint64_t deadline = slots_.front().call.deadline_ns();
  for (const Slot& slot : slots_) {
    const ValueRef input = slot.call.input();
    items.push_back(input ? Value::share(input) : Value::null());  // given up right now: it is run for nobody
    const uint64_t one = slot.call.deadline_ns();  // the last one holds for all: of an item whose own has passed, nobody waits for the answer
    deadline = deadline == 0 || one == 0 ? 0 : std::max(deadline, one);
  }
  items_ = Value::list(std::move(items));
  if (settings_.hash_key)
    if (const ValueRef found = items_.at(0).pointer(*settings_.hash_key)) key = std::string(found.json());
  heddle_peer_call c{};
  c.struct_size = sizeof c;
  c.credit = kCredit;
  c.operation = heddle::sdk::detail::to_str(errand_.manifest ? "manifests.each" : "pipelines.each");
  c.parameters = errand_.parameters.get();
  c.body = (errand_.manifest ? Value::map({{"manifest", Value::share(errand_.manifest)}, {"items", Value::share(items_)}}) : Value::map({{"items", Value::share(items_)}})).release();
  c.items = items_.get();
  c.token = heddle::sdk::detail::to_str(settings_.token);
  c.trace = heddle::sdk::detail::to_str(slots_.front().call.trace());
  c.key = heddle::sdk::detail::to_str(key);
  c.deadline_ns = deadline;
  c.idempotent = settings_.idempotent;
  return c;
}

void Batch::begun(heddle_id request) {
  bool is_wanted = true;
  {
    std::lock_guard lock(mutex_);
    id_ = request;
    is_wanted = wanted_ > 0;
  }
  if (!is_wanted) peers_.cancel(host_.get(), request);
}

bool Batch::cancel(CallId id) {
  heddle_id unwanted = 0;
  {
    std::lock_guard lock(mutex_);
    Slot* const slot = find(id);
    if (!slot) return false;
    if (!std::exchange(slot->unwanted, true) && --wanted_ == 0) unwanted = id_;
  }
  if (unwanted != 0) peers_.cancel(host_.get(), unwanted);
  return true;
}

void Batch::refused(heddle_status status, std::string_view why, Value details) {
  std::lock_guard lock(mutex_);
  over_ = true;
  fail_the_rest({status, std::string(why), std::move(details)});
}

void Batch::answered(const heddle_peer_answer& answer) {
  const Value body = Value::adopt(answer.body);
  std::lock_guard lock(mutex_);
  report_ = Value::share(ValueRef(answer.report));
  over_ = answer.status < 0 || !answer.more;
  if (answer.status < 0) fail_the_rest(failure_of(answer));
  else if (over_) fail_the_rest({HEDDLE_UNSUPPORTED, named() + " did not answer line by line", details_of("RemoteExecutionFailed", report_)});
}

void Batch::part(heddle_id request, Value part) {
  uint32_t taken = 0;
  bool is_wrong = false;
  {
    std::lock_guard lock(mutex_);
    const ValueRef results = part.find("results");
    is_wrong = !results.is(HEDDLE_LIST);
    for (size_t i = 0; i < results.size() && !is_wrong; ++i) is_wrong = !take(results.at(i));
    if (is_wrong) fail_the_rest(not_understood(part));
    ++owed_;
    if (waiting_ == 0) taken = std::exchange(owed_, 0);
  }
  if (is_wrong) peers_.cancel(host_.get(), request);
  else if (taken > 0) peers_.grant(host_.get(), request, taken);
}

void Batch::ended(heddle_status status, std::string_view why) {
  std::lock_guard lock(mutex_);
  over_ = true;
  if (left_ == 0) {
    for (Slot& slot : slots_) settle(slot);
    return;
  }
  if (status >= 0) return fail_the_rest({HEDDLE_UNSUPPORTED, named() + " ended its answer without a word on this item", details_of("RemoteExecutionFailed", report_)});
  const std::string_view code = status == HEDDLE_DEADLINE ? "RemoteTimeout" : "RemoteExecutionFailed";
  const auto took_ms = static_cast<int64_t>((host_.now_ns() - begun_ns_) / 1'000'000);
  fail_the_rest({status, named() + " broke off after " + std::to_string(took_ms) + " ms: " + std::string(why), details_of(code, report_, why, took_ms)});
}

bool Batch::resume(CallId id) {
  uint32_t taken = 0;
  heddle_id request = 0;
  {
    std::lock_guard lock(mutex_);
    Slot* const slot = find(id);
    if (!slot) return false;
    emit_waiting(*slot);
    settle(*slot);
    if (waiting_ == 0) taken = std::exchange(owed_, 0);
    request = over_ ? 0 : id_;
  }
  if (taken > 0 && request != 0) peers_.grant(host_.get(), request, taken);
  return true;
}

bool Batch::is_over() {
  std::lock_guard lock(mutex_);
  return over_ && std::none_of(slots_.begin(), slots_.end(), [](const Slot& slot) { return bool(slot.call); });
}

Batch::Slot* Batch::find(CallId id) {
  const auto found = std::find_if(slots_.begin(), slots_.end(), [id](const Slot& slot) { return slot.call && slot.call.id() == id; });
  return found == slots_.end() ? nullptr : &*found;
}

// What came of one item. False: it is none of ours, or was over.
bool Batch::take(ValueRef result) {
  const int64_t item = result.find("item").as_int().value_or(0);
  if (item < 1 || static_cast<size_t>(item) > slots_.size()) return false;
  Slot& slot = slots_[static_cast<size_t>(item) - 1];
  if (slot.is_over) return false;
  const ValueRef outputs = result.find("outputs"), failed = result.find("failed");
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (settings_.fallback_last_good && slot.results.size() <= LastGood::kMost) slot.results.push_back(Value::share(outputs.at(i)));
    emit(slot, Value::share(outputs.at(i)));
  }
  for (size_t i = 0; i < failed.size(); ++i)
    if (!slot.failure) slot.failure = failure_of(failed.at(i));
  slot.is_over = !result.find("more").as_bool().value_or(false);
  if (slot.is_over) --left_;
  if (slot.is_over && !slot.failure && settings_.fallback_last_good) last_good_.keep(std::move(slot.results));
  settle(slot);
  return true;
}

// False: there is no room. Of an item that the host has given up, whatever comes is dropped.
bool Batch::leaves(Slot& slot, Value& output) {
  try {
    if (!slot.call.try_emit(0, output)) return false;
    slot.emitted = true;
  } catch (const Error&) {
    output = Value();
  }
  return true;
}

void Batch::emit(Slot& slot, Value output) {
  if (!slot.has_waiting() && leaves(slot, output)) return;
  slot.waiting.push_back(std::move(output));
  ++waiting_;
}

void Batch::emit_waiting(Slot& slot) {
  while (slot.has_waiting() && leaves(slot, slot.waiting[slot.left])) {
    ++slot.left;
    --waiting_;
  }
  if (slot.has_waiting()) return;
  slot.waiting.clear();
  slot.left = 0;
}

// Answers the item once everything that came of it has left. The last one waits for the end of the request, which nobody should have to cut off.
void Batch::settle(Slot& slot) {
  if (!slot.is_over || slot.has_waiting() || !slot.call || (left_ == 0 && !over_)) return;
  if (slot.failure && slot.failure->status != HEDDLE_CANCELLED && !slot.emitted) fall_back(slot);
  if (slot.has_waiting()) return;  // resume() follows
  if (slot.failure) slot.call.fail(slot.failure->status, slot.failure->why, std::move(slot.failure->details));
  else slot.call.complete();
}

// Puts results in the place of the failure, where the settings have any.
void Batch::fall_back(Slot& slot) {
  std::optional<LastGood::Results> results;
  if (settings_.fallback_last_good) results = last_good_.results();
  if (!results && settings_.fallback_value) results = {settings_.fallback_value};
  if (!results) return;
  slot.failure.reset();
  for (Value& result : *results) emit(slot, std::move(result));
}

void Batch::fail_the_rest(const Failure& failure) {
  for (Slot& slot : slots_) {
    if (slot.is_over) continue;
    slot.is_over = true;
    if (!slot.failure) slot.failure = failure;
  }
  left_ = 0;
  for (Slot& slot : slots_) settle(slot);
}

Batch::Failure Batch::failure_of(const heddle_peer_answer& answer) const {
  const std::string_view ending = heddle::sdk::detail::to_view(answer.ending), why = heddle::sdk::detail::to_view(answer.why);
  if (ending == "cancelled") return {HEDDLE_CANCELLED, "it was cancelled", {}};
  return {answer.status, "pipeline \"" + errand_.pipeline + "\" was not run: " + std::string(why), details_of(code_of(ending), ValueRef(answer.report))};
}

// What the other host says of an item that failed there.
Batch::Failure Batch::failure_of(ValueRef failed) const {
  if (failed.kind() != HEDDLE_MAP) return not_understood(failed);
  const std::string node = text_of(failed.find("node"));
  const heddle_status status = text_of(failed.find("class")) == "retryable" ? HEDDLE_UNAVAILABLE : HEDDLE_INVALID;
  return {status, named() + " failed" + (node.empty() ? "" : " in node " + node) + ": " + text_of(failed.find("message")) + " (" + text_of(failed.find("code")) + ")",
          details_of("RemoteExecutionFailed", report_)};
}

Batch::Failure Batch::not_understood(ValueRef said) const {
  return {HEDDLE_UNSUPPORTED, named() + " answered what is neither a result nor a failure: " + quoted(said), details_of("RemoteExecutionFailed", report_)};
}

std::string Batch::named() const { return "pipeline \"" + errand_.pipeline + "\" at " + text_of(report_.find("endpoint")); }

}  // namespace node_remote
