#include "my_plugin_worker.h"

#include <signal.h>

#include <algorithm>

namespace plugin {

using heddle::sdk::Assignment;
using heddle::sdk::Error;
using heddle::sdk::Op;
using heddle::sdk::PollThread;
using heddle::sdk::Value;
using heddle::sdk::ValueRef;

namespace {
constexpr int kTryLater = 75;  // EX_TEMPFAIL of sysexits.h
}

Worker::~Worker() {
  thread_.forget(looks_);
  for (const auto& [id, run] : runs_) thread_.forget(run.timer);
}

Value Worker::facts() const { return Value::map({{"slots", Value::integer(static_cast<int64_t>(slots_))}, {"full", Value::boolean(false)}}); }

// Says once that it is here, and once that it is gone.
bool Worker::see() {
  const bool was_here = is_here_;
  is_here_ = !find_program(command_[0]).empty();
  if (is_here_ && !was_here) {
    told_gone_ = false;
    again_ns_ = kAgainNs;
    host_.here(id_, facts());
    offer();
  }
  if (!is_here_ && !std::exchange(told_gone_, true)) {
    credit_ = 0;
    host_.gone(id_, HEDDLE_UNAVAILABLE, "there is no program " + command_[0] + " that can be run here");
  }
  return is_here_;
}

void Worker::look() {
  thread_.forget(looks_);
  if (see() || draining_) return;
  looks_ = thread_.at(PollThread::now_ns() + again_ns_, [this] { look(); });
  again_ns_ = std::min(again_ns_ * 2, kMostAgainNs);
}

// Grants what is free and not granted yet.
void Worker::offer() {
  const uint64_t taken = credit_ + runs_.size();
  if (!is_here_ || draining_ || taken >= slots_) return;
  credit_ += slots_ - taken;
  host_.grant(id_, static_cast<uint32_t>(slots_ - taken));
}

void Worker::assign(heddle_id assignment, uint64_t deadline_ns, Order order) {
  if (credit_ == 0 || leaving_) return host_.failed(assignment, HEDDLE_UNAVAILABLE, "unsent", "retryable", "there was no credit for it");
  --credit_;
  Run& run = runs_[assignment];
  heddle::sdk::detail::guard(
      [&] { run.program = Program::start(thread_, command_, std::move(order), most_bytes_, [this, assignment](Ending ending) { ended(assignment, std::move(ending)); }); },
      [&](heddle_status status, std::string_view why) {
        runs_.erase(assignment);
        host_.failed(assignment, status, "unsent", "retryable", why);
      });
  if (!runs_.contains(assignment)) {
    look();  // perhaps the program is gone
    return offer();
  }
  host_.progress(assignment, Value::map(std::span<Value::Entry>()));  // it was taken up
  if (deadline_ns != 0) run.timer = thread_.at(deadline_ns, [this, assignment] { stop(assignment, HEDDLE_DEADLINE, "the deadline has passed", 0); });
}

bool Worker::cancel(heddle_id assignment, const std::string& reason, uint64_t grace_ns) {
  const auto found = runs_.find(assignment);
  if (found == runs_.end()) return false;
  if (found->second.stopped == HEDDLE_OK) stop(assignment, HEDDLE_CANCELLED, reason, grace_ns);
  return true;
}

// It is asked to end, and after the grace time it is not asked any more.
void Worker::stop(heddle_id assignment, heddle_status status, const std::string& reason, uint64_t grace_ns) {
  Run& run = runs_.at(assignment);
  run.stopped = status;
  run.reason = reason;
  thread_.forget(run.timer);
  run.timer = thread_.at(PollThread::now_ns() + grace_ns, [program = run.program] { program->signal(SIGKILL); });
  run.program->signal(SIGTERM);
}

void Worker::ended(heddle_id assignment, Ending ending) {
  const Run run = std::move(runs_.at(assignment));
  thread_.forget(run.timer);
  runs_.erase(assignment);
  tell(assignment, run, std::move(ending));
  offer();
  if (leaving_ && runs_.empty()) leave();
}

void Worker::tell(heddle_id assignment, const Run& run, Ending ending) const {
  const auto because = [&](const std::string& what) { return command_[0] + " " + what + (ending.complaint.empty() ? "" : ": " + ending.complaint); };
  const auto fail = [&](const char* error_class, const std::string& what) { host_.failed(assignment, HEDDLE_INTERNAL, "failed", error_class, because(what)); };
  if (run.stopped == HEDDLE_CANCELLED) return host_.failed(assignment, HEDDLE_CANCELLED, "cancelled", "cancelled", run.reason);
  if (run.stopped == HEDDLE_DEADLINE) return host_.failed(assignment, HEDDLE_DEADLINE, "deadline", "retryable", run.reason);
  if (ending.too_much) return fail("permanent", "wrote more than the " + std::to_string(most_bytes_) + " bytes that are taken");
  if (ending.by_signal != 0) return fail("retryable", "was ended by signal " + std::to_string(ending.by_signal));
  if (ending.exit_code != 0) return fail(ending.exit_code == kTryLater ? "retryable" : "permanent", "exited with " + std::to_string(ending.exit_code));
  // Who has nothing to say has nothing to do.
  if (ending.output.empty()) return host_.done(assignment, Value::map({{"status", Value::string("skipped")}}));
  host_.done(assignment, Value::map({{"status", Value::string("success")}, {"value", Value::bytes(std::as_bytes(std::span(ending.output)))}}));
}

void Worker::probe(Op op) {
  if (see()) return op.complete(facts());
  op.fail(HEDDLE_UNAVAILABLE, "there is no program " + command_[0] + " that can be run here");
  look();
}

void Worker::disconnect(Op op, std::function<void()> left) {
  draining_ = true;
  thread_.forget(looks_);
  leaving_ = std::move(op);
  left_ = std::move(left);
  std::vector<heddle_id> open;
  for (const auto& [id, run] : runs_) open.push_back(id);
  for (const heddle_id id : open) cancel(id, "the worker is being disconnected", kGraceNs);
  if (runs_.empty()) leave();
}

void Worker::cut_off() {
  for (const auto& [id, run] : runs_) {
    run.program->signal(SIGKILL);
    host_.failed(id, HEDDLE_CANCELLED, "cancelled", "cancelled", "the sidecar ends");
  }
  runs_.clear();
}

void Worker::leave() {
  const auto left = std::move(left_);
  Op op = std::move(leaving_);
  left();  // this is gone
  op.complete();
}

// Sidecar -------------------------------------------------------------------------------------------------------------------------------------------

Sidecar::Sidecar(const heddle::sdk::Config& config) : host_(config.host()), thread_(config.log()) {
  const ValueRef words = config.find("command");
  for (size_t i = 0; i < words.size(); ++i) command_.emplace_back(words.at(i).as_text().value_or(""));
  const auto fits = [](const std::string& word) { return word.find('\0') == word.npos; };
  if (command_.empty() || command_[0].empty() || !std::all_of(command_.begin(), command_.end(), fits)) throw Error(HEDDLE_INVALID, "\"command\" must name a program, and has texts without NUL");
}

// The host has disconnected every worker by now; what it has not is cut off.
void Sidecar::deactivate() {
  thread_.stop();
  for (const auto& [id, worker] : workers_) worker->cut_off();
  workers_.clear();
}

void Sidecar::connect(heddle_id id, ValueRef options, Op& op) {
  if (options.find("tls")) throw Error(HEDDLE_UNSUPPORTED, "MyType runs programs on this machine: it has no TLS");
  const auto number = [&](std::string_view name) { return static_cast<uint64_t>(std::max<int64_t>(options.find(name).as_int().value_or(1), 1)); };
  auto worker = std::make_unique<Worker>(thread_, host_, id, command_, number("slots"), number("most_bytes"));
  thread_.post([this, id, worker = std::move(worker), op = std::move(op)]() mutable {
    Worker& added = *workers_.insert_or_assign(id, std::move(worker)).first->second;
    op.complete();
    added.look();
  });
}

void Sidecar::assign(heddle_id worker, const Assignment& a) {
  thread_.post([this, worker, id = a.id, deadline_ns = a.deadline_ns, order = Order(a)]() mutable {
    const auto found = workers_.find(worker);
    if (found != workers_.end()) return found->second->assign(id, deadline_ns, std::move(order));
    host_.failed(id, HEDDLE_UNAVAILABLE, "unsent", "retryable", "there is no such worker");
  });
}

void Sidecar::cancel(heddle_id assignment, std::string_view reason, uint64_t grace_ns) {
  thread_.post([this, assignment, reason = std::string(reason), grace_ns] {
    for (const auto& [id, worker] : workers_)
      if (worker->cancel(assignment, reason, grace_ns)) return;
  });
}

void Sidecar::drain(heddle_id worker) {
  thread_.post([this, worker] {
    if (const auto found = workers_.find(worker); found != workers_.end()) found->second->drain();
  });
}

void Sidecar::probe(heddle_id worker, Op& op) {
  thread_.post([this, worker, op = std::move(op)]() mutable {
    const auto found = workers_.find(worker);
    if (found != workers_.end()) found->second->probe(std::move(op));
    else op.fail(HEDDLE_NOT_FOUND, "there is no such worker");
  });
}

void Sidecar::disconnect(heddle_id worker, Op& op) {
  thread_.post([this, worker, op = std::move(op)]() mutable {
    const auto found = workers_.find(worker);
    if (found != workers_.end()) found->second->disconnect(std::move(op), [this, worker] { workers_.erase(worker); });
    else op.fail(HEDDLE_NOT_FOUND, "there is no such worker");
  });
}

}  // namespace plugin
