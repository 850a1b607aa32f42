#include "worker.h"

#include <algorithm>

namespace sidecar_grpc {
namespace {

using heddle::sdk::Value;

constexpr std::string_view kInstance = "instance/";  // a tag that begins so names the process

Value text(const std::string& s) { return Value::string(s); }

}  // namespace

// Lines ---------------------------------------------------------------------------------------------------------------------------------------

void Worker::connect() {
  {
    std::lock_guard lock(mutex_);
    open_line();
  }
  carry_out();
}

void Worker::open_line() {
  const uint64_t number = ++last_line_;
  lines_[number];
  deeds_.push_back([this, number](LineOutside& outside) {
    std::shared_ptr<Line> line = outside.open(number);
    std::lock_guard lock(mutex_);
    const auto known = lines_.find(number);
    if (known == lines_.end()) return;  // it ended at once
    known->second.line = line;
    Envelope hello;
    hello.mutable_hello()->set_min(options_.versions.min);
    hello.mutable_hello()->set_max(options_.versions.max);
    send(number, std::move(hello));
    if (stopping_) deeds_.push_back([line](Outside&) { line->reset(); });
  });
}

void Worker::send(uint64_t line, Envelope said) {
  deeds_.push_back([to = lines_.at(line).line, said = std::move(said)](Outside&) { to->send(said); });
}

void Worker::heard(uint64_t line, const Envelope& said) {
  {
    std::lock_guard lock(mutex_);
    const auto known = lines_.find(line);
    if (known == lines_.end() || !known->second.line || stopping_) return;  // nothing counts before our hello
    switch (said.msg_case()) {
      case Envelope::kHelloAck: greet(line, said.hello_ack()); break;
      case Envelope::kCapabilities: take_capabilities(said.capabilities()); break;
      case Envelope::kCapacity: {
        if (mode_ == Mode::kSerial) break;
        uint64_t unheard = 0;  // what it did not know of when it said so
        for (const auto& [id, given] : given_) unheard += given.line != 0 && !given.taken;
        const uint64_t slots = said.capacity().available_slots();
        room_ = slots > unheard ? slots - unheard : 0;
        send_waiting();
        break;
      }
      case Envelope::kAck:
        if (Given* const given = in_hand(said.ack().activity_id(), said.ack().run_id()); given && !std::exchange(given->taken, true))
          deeds_.push_back([id = given->what.id](Outside& o) { o.progress(id, Value::map({})); });
        break;
      case Envelope::kProgress: take_progress(said.progress()); break;
      case Envelope::kCompletion: complete(said.completion()); break;
      default: break;  // of a later version, or what only a host says
    }
  }
  carry_out();
}

void Worker::greet(uint64_t line, const execution::v1::Version& theirs) {
  Known& known = lines_.at(line);
  if (known.ready) return;
  const Versions range{theirs.min(), theirs.max()};
  const auto meets = options_.versions.meets(range);
  if (!meets) return refuse("the worker at " + options_.endpoint + " says that it speaks the versions \"" + range.text() + "\", which are none");
  if (!*meets) return refuse("the worker at " + options_.endpoint + " speaks versions " + range.text() + " of execution.v1, and this host " + options_.versions.text());
  known.ready = true;
  theirs_ = range;
  again_ns_ = kAgainNs;
  if (mode_ == Mode::kSerial) return say_here();
  later(kSayNs, &Worker::on_said_nothing, line);
}

// Every line ends, and no other one is opened before somebody asks.
void Worker::refuse(const std::string& why) {
  refused_ = true;
  last_why_ = why;
  for (auto& [number, known] : lines_)
    if (known.line) deeds_.push_back([line = known.line](Outside&) { line->reset(); });
}

void Worker::take_capabilities(const execution::v1::Capabilities& said) {
  if (mode_ == Mode::kSerial) return;  // it came too late: its lines are taken one by one
  mode_ = Mode::kFull;
  slots_ = std::clamp<uint32_t>(said.max_concurrency(), 1, kMostSlots);
  const std::string before = std::exchange(instance_, "");
  tags_.clear();
  for (const std::string& tag : said.tags()) (tag.starts_with(kInstance) ? instance_ : tags_.emplace_back()) = tag;
  if (!before.empty() && !instance_.empty() && before != instance_) {
    say_here();
    return forget_all();
  }
  // What it had in hand on a line that was lost, it goes on with on this one.
  const uint64_t line = lines_.rbegin()->first;
  for (const heddle_id id : sent_elsewhere(line)) {
    Given& given = given_.at(id);
    given.line = line;
    send(line, given.what.said);
  }
  say_here();
}

// Another process is there now: it has nothing of what the earlier one had.
void Worker::forget_all() {
  const std::vector<heddle_id> lost = sent_elsewhere(lines_.rbegin()->first);
  std::vector<heddle_id> cut_off;
  for (const auto& [id, given] : given_)
    if (given.cut_off) cut_off.push_back(id);
  for (const heddle_id id : cut_off) release(id);
  for (const heddle_id id : lost) fail(id, HEDDLE_UNAVAILABLE, "lost", "the worker at " + options_.endpoint + " ended while it worked on it: " + last_why_);
}

// What was sent on other lines than this one, and is not over.
std::vector<heddle_id> Worker::sent_elsewhere(uint64_t line) const {
  std::vector<heddle_id> ids;
  for (const auto& [id, given] : given_)
    if (given.line != 0 && given.line != line && !given.cut_off) ids.push_back(id);
  return ids;
}

void Worker::on_said_nothing(heddle_id line) {
  std::lock_guard lock(mutex_);
  if (stopping_ || mode_ != Mode::kUnknown || !lines_.contains(line)) return;
  mode_ = Mode::kSerial;
  slots_ = std::clamp<uint32_t>(options_.slots, 1, kMostSlots);
  std::vector<heddle_id> lost;
  for (const auto& [id, given] : given_)
    if (given.line != 0 && !given.cut_off && !lines_.contains(given.line)) lost.push_back(id);
  for (const heddle_id id : lost) fail(id, HEDDLE_UNAVAILABLE, "lost", "the worker at " + options_.endpoint + " was lost, and the one that is there now knows nothing of it");
  say_here();
  while (lines_.size() < serial_lines()) open_line();
}

void Worker::say_here() {
  told_gone_ = false;
  if (!std::exchange(told_here_, true)) {
    std::vector<Value> tags;
    for (const std::string& tag : tags_) tags.push_back(text(tag));
    Value version = Value::map({{"min", text(theirs_.min)}, {"max", text(theirs_.max)}});
    Value facts = mode_ == Mode::kFull ? Value::map({{"version", version}, {"slots", Value::integer(slots_)}, {"full", Value::boolean(true)}, {"tags", Value::list(std::move(tags))}})
                                       : Value::map({{"version", version}, {"slots", Value::integer(slots_)}, {"full", Value::boolean(false)}});
    deeds_.push_back([facts = std::move(facts)](Outside& o) { o.here(facts); });
  }
  send_waiting();
  offer();
}

size_t Worker::ready_lines() const {
  return static_cast<size_t>(std::count_if(lines_.begin(), lines_.end(), [](const auto& one) { return one.second.ready; }));
}
// A serial worker's: as many as it has slots in which nothing cut off may still go on.
size_t Worker::serial_lines() const {
  const auto cut_off = static_cast<size_t>(std::count_if(given_.begin(), given_.end(), [](const auto& one) { return one.second.cut_off; }));
  return slots_ - std::min<size_t>(cut_off, slots_);
}
size_t Worker::free_lines() const {
  return static_cast<size_t>(std::count_if(lines_.begin(), lines_.end(), [](const auto& one) { return one.second.ready && one.second.busy == 0; }));
}

// Grants what is free and not granted yet.
void Worker::offer() {
  if (draining_ || stopping_ || !is_here() || mode_ == Mode::kUnknown) return;
  const uint64_t taken = credit_ + (mode_ == Mode::kFull ? given_.size() : waiting_.size());
  const uint64_t all = mode_ == Mode::kFull ? slots_ : free_lines();
  if (all <= taken) return;
  credit_ += all - taken;
  deeds_.push_back([n = static_cast<uint32_t>(all - taken)](Outside& o) { o.grant(n); });
}

void Worker::ended(uint64_t line, const std::string& why, bool is_too_large) {
  {
    std::lock_guard lock(mutex_);
    const auto known = lines_.find(line);
    if (known == lines_.end()) return;
    const heddle_id busy = known->second.busy;
    lines_.erase(known);
    if (!refused_) last_why_ = why;
    if (is_too_large && !stopping_) give_up_on(line, why);
    if (stopping_) {
      if (lines_.empty() && when_gone_) deeds_.push_back([gone = std::exchange(when_gone_, nullptr)](Outside&) { gone(); });
    } else {
      if (busy != 0 && given_.contains(busy)) fail(busy, HEDDLE_UNAVAILABLE, "lost", "the worker at " + options_.endpoint + " was lost while it worked on it: " + why);
      lose(last_why_);
    }
  }
  carry_out();
}

// Whose message it was nobody can tell; asked for again, it would only come again.
void Worker::give_up_on(uint64_t line, const std::string& why) {
  std::vector<heddle_id> ids;
  for (const auto& [id, given] : given_)
    if (given.line == line && !given.cut_off) ids.push_back(id);
  for (const heddle_id id : ids) fail(id, HEDDLE_INVALID, "not-understood", why + ": it, or what was done beside it, is larger than twice the " + std::to_string(options_.most_bytes) + " bytes that are taken");
}

void Worker::lose(const std::string& why) {
  if (!is_here() && !std::exchange(told_gone_, true)) {
    told_here_ = false;
    credit_ = 0;
    room_.reset();
    ++lost_;
    deeds_.push_back([why, status = refused_ ? HEDDLE_UNSUPPORTED : HEDDLE_UNAVAILABLE](Outside& o) { o.gone(status, why); });
    for (const heddle_id id : std::exchange(waiting_, {})) fail(id, HEDDLE_UNAVAILABLE, "unsent", "it was not sent, for the worker is gone: " + why);
    if (!given_.empty()) later(options_.reattach_ns, &Worker::on_not_attached, lost_);
  }
  try_again();
}

void Worker::try_again() {
  if (refused_ || draining_ || stopping_ || std::exchange(waits_to_try_, true)) return;
  later(again_ns_, &Worker::on_again, 0);
  again_ns_ = std::min(again_ns_ * 2, kMostAgainNs);
}

void Worker::on_again(heddle_id) {
  std::lock_guard lock(mutex_);
  waits_to_try_ = false;
  if (refused_ || draining_ || stopping_) return;
  size_t wanted = mode_ == Mode::kSerial ? serial_lines() : 1;
  if (wanted == 0) {  // every slot of it is taken by what does not end; on_quarantine_over comes back to it
    last_why_ = "the worker at " + options_.endpoint + " does not end what was cancelled, and takes nothing more before it must be over";
    return;
  }
  if (!is_here()) {  // another process may be there now
    mode_ = Mode::kUnknown;
    wanted = 1;
  }
  while (lines_.size() < wanted) open_line();
}

void Worker::on_not_attached(heddle_id lost) {
  std::lock_guard lock(mutex_);
  if (lost != lost_ || is_here()) return;
  std::vector<heddle_id> ids;
  for (const auto& [id, given] : given_)
    if (!given.cut_off) ids.push_back(id);
  for (const heddle_id id : ids) fail(id, HEDDLE_UNAVAILABLE, "lost", "the worker at " + options_.endpoint + " was lost, and is not back: " + last_why_);
}

// Assignments ---------------------------------------------------------------------------------------------------------------------------------

void Worker::assign(Assignment a) {
  {
    std::lock_guard lock(mutex_);
    const heddle_id id = a.id;
    const bool has_credit = credit_ > 0;
    if (has_credit) --credit_;
    Given& given = given_[id];
    given.what = std::move(a);
    if (stopping_) fail(id, HEDDLE_CANCELLED, "cancelled", "the worker is being disconnected");
    else if (!has_credit) fail(id, HEDDLE_UNAVAILABLE, "unsent", is_here() ? "there was no credit for it" : "the worker is gone: " + last_why_);
    else waiting_.push_back(id);
    send_waiting();
  }
  carry_out();
}

void Worker::send_waiting() {
  while (!waiting_.empty() && !stopping_ && is_here() && mode_ != Mode::kUnknown) {
    const auto free = std::find_if(lines_.begin(), lines_.end(), [&](const auto& one) { return one.second.ready && (mode_ == Mode::kFull || one.second.busy == 0); });
    if (free == lines_.end() || (room_ && *room_ == 0)) return;
    Given& given = given_.at(waiting_.front());
    waiting_.pop_front();
    if (room_) --*room_;
    put_on(free->first, given);
  }
}

void Worker::put_on(uint64_t line, Given& given) {
  given.line = line;
  runs_[{given.what.activity, given.what.run}] = given.what.id;
  if (mode_ == Mode::kSerial) lines_.at(line).busy = given.what.id;
  send(line, given.what.said);
}

Worker::Given* Worker::in_hand(const std::string& activity, const std::string& run) {
  const auto found = runs_.find({activity, run});
  return found == runs_.end() ? nullptr : &given_.at(found->second);
}

void Worker::take_progress(const execution::v1::Progress& said) {
  Given* const given = in_hand(said.activity_id(), said.run_id());
  if (!given || given->cut_off) return;
  given->taken = true;
  std::vector<Value::Entry> members = {{"percent", Value::integer(std::min<uint32_t>(said.percent(), 100))}};
  if (!said.message().empty()) members.push_back({"message", text(said.message())});
  if (!said.checkpoint_ref().empty()) members.push_back({"checkpoint", text(said.checkpoint_ref())});
  const bool waits = given->untold.has_value();
  given->untold = Value::map(std::span(members));
  const uint64_t now = outside_->now_ns(), due = given->told_ns + kProgressNs;
  if (now >= due) tell_progress(*given);
  else if (!waits) later(due - now, &Worker::on_progress_due, given->what.id);
}

void Worker::tell_progress(Given& given) {
  given.told_ns = outside_->now_ns();
  deeds_.push_back([id = given.what.id, said = *std::exchange(given.untold, std::nullopt)](Outside& o) { o.progress(id, said); });
}

void Worker::on_progress_due(heddle_id assignment) {
  std::lock_guard lock(mutex_);
  const auto found = given_.find(assignment);
  if (found != given_.end() && found->second.untold && !found->second.cut_off) tell_progress(found->second);
}

void Worker::complete(const execution::v1::Completion& said) {
  Given* const given = in_hand(said.activity_id(), said.run_id());
  if (!given) {
    ++dropped_;
    return;
  }
  const heddle_id id = given->what.id;
  if (given->cut_off) return release(id);
  if (given->untold) tell_progress(*given);
  if (const size_t bytes = said.ByteSizeLong(); bytes > options_.most_bytes)
    return fail(id, HEDDLE_INVALID, "not-understood", "its result is larger than is taken: " + std::to_string(bytes) + " bytes of at most " + std::to_string(options_.most_bytes));
  if (given->cancelled && said.status() != "SUCCESS") return fail(id, HEDDLE_CANCELLED, "cancelled", given->reason);
  if (said.status() == "SUCCESS" || said.status() == "SKIPPED") {
    std::vector<Value::Entry> members = {{"status", Value::string(said.status() == "SUCCESS" ? "success" : "skipped")}};
    if (!said.result_ref().empty()) members.push_back({"ref", text(said.result_ref())});
    else if (!said.result_inline().empty()) members.push_back({"value", Value::bytes(std::as_bytes(std::span(said.result_inline())))});
    return finish(id, HEDDLE_OK, Value::map(std::span(members)));
  }
  if (said.status() == "ERROR") return fail(id, HEDDLE_INTERNAL, "failed", said.error().empty() ? "the worker gave no reason" : said.error());
  fail(id, HEDDLE_INTERNAL, "not-understood", "the worker ends it with the status \"" + said.status().substr(0, 100) + "\", which is none of SUCCESS, ERROR, SKIPPED");
}

void Worker::fail(heddle_id id, heddle_status status, const std::string& code, const std::string& message) {
  finish(id, status, why_not(code, status == HEDDLE_CANCELLED ? "cancelled" : code == "not-understood" ? "permanent" : "retryable", message));
}

void Worker::finish(heddle_id id, heddle_status status, Value result) {
  deeds_.push_back([id, status, result = std::move(result)](Outside& o) mutable { o.done(id, status, std::move(result)); });
  release(id);
}

// Its slot is free.
void Worker::release(heddle_id id) {
  std::erase(waiting_, id);
  const auto found = given_.find(id);
  if (found == given_.end()) return;
  if (const auto line = lines_.find(found->second.line); line != lines_.end() && line->second.busy == id) line->second.busy = 0;
  if (const auto run = runs_.find({found->second.what.activity, found->second.what.run}); run != runs_.end() && run->second == id) runs_.erase(run);
  given_.erase(found);
  send_waiting();
  offer();
}

bool Worker::cancel(heddle_id assignment, const std::string& reason, uint64_t grace_ns) {
  {
    std::lock_guard lock(mutex_);
    const auto found = given_.find(assignment);
    if (found == given_.end()) return false;
    Given& given = found->second;
    if (given.line == 0) {
      fail(assignment, HEDDLE_CANCELLED, "cancelled", reason);
    } else if (!std::exchange(given.cancelled, true)) {
      given.reason = reason;
      send_cancel(given, reason);
      later(grace_ns, &Worker::on_grace_over, assignment);
    }
  }
  carry_out();
  return true;
}

// It goes on although it was cancelled: the host waits no longer, and its slot stays taken as long as it may still be at it.
void Worker::on_grace_over(heddle_id assignment) {
  std::lock_guard lock(mutex_);
  const auto found = given_.find(assignment);
  if (found == given_.end() || found->second.cut_off) return;
  Given& given = found->second;
  given.cut_off = true;
  deeds_.push_back([assignment, why = why_not("cancelled", "cancelled", given.reason + "; the worker did not give it up")](Outside& o) { o.done(assignment, HEDDLE_CANCELLED, why); });
  const uint64_t now = outside_->now_ns();
  later(given.what.deadline_ns > now ? given.what.deadline_ns - now : kQuarantineNs, &Worker::on_quarantine_over, assignment);
  if (mode_ != Mode::kSerial) return;
  const auto line = lines_.find(given.line);
  if (line == lines_.end()) return;
  line->second.busy = 0;
  line->second.ready = false;
  deeds_.push_back([line = line->second.line](Outside&) { line->reset(); });
}

void Worker::on_quarantine_over(heddle_id assignment) {
  std::lock_guard lock(mutex_);
  if (!given_.contains(assignment)) return;
  release(assignment);
  if (mode_ != Mode::kFull) try_again();
}

void Worker::drain() {
  {
    std::lock_guard lock(mutex_);
    if (std::exchange(draining_, true)) return;
    Envelope drain;
    drain.mutable_drain();
    for (const auto& [number, known] : lines_)
      if (known.ready) send(number, drain);
  }
  carry_out();
}

Value Worker::facts(std::string& why) {
  Value facts;
  {
    std::lock_guard lock(mutex_);
    why = last_why_;
    if (is_here()) facts = Value::map({{"slots", Value::integer(slots_)}, {"in_hand", Value::integer(static_cast<int64_t>(given_.size()))}});
    if (refused_ && lines_.empty() && !stopping_) {
      refused_ = false;
      open_line();
    }
  }
  carry_out();
  return facts;
}

void Worker::send_cancel(const Given& given, const std::string& reason) {
  if (!lines_.contains(given.line)) return;
  Envelope cancel;
  cancel.mutable_cancel()->set_activity_id(given.what.activity);
  cancel.mutable_cancel()->set_reason(reason);
  send(given.line, std::move(cancel));
}

void Worker::disconnect(std::function<void()> gone) {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    std::vector<heddle_id> ids;
    for (const auto& [id, given] : given_)
      if (!given.cut_off) ids.push_back(id);
    const bool has_work = !given_.empty();
    for (const heddle_id id : ids) {
      if (const Given& given = given_.at(id); !given.cancelled) send_cancel(given, "the host leaves");
      fail(id, HEDDLE_CANCELLED, "cancelled", "the worker is being disconnected");
    }
    // What was said last is to reach the worker: a reset may overtake it.
    for (const auto& [number, known] : lines_)
      if (known.line) deeds_.push_back([line = known.line, has_work](Outside&) { has_work ? line->finish() : line->reset(); });
    if (has_work) later(kLeaveNs, &Worker::on_leave_over, 0);
    if (lines_.empty()) deeds_.push_back([gone](Outside&) { gone(); });
    else when_gone_ = std::move(gone);
  }
  carry_out();
}

void Worker::on_leave_over(heddle_id) {
  std::lock_guard lock(mutex_);
  for (const auto& [number, known] : lines_)
    if (known.line) deeds_.push_back([line = known.line](Outside&) { line->reset(); });
}

uint64_t Worker::dropped() const {
  std::lock_guard lock(mutex_);
  return dropped_;
}

}  // namespace sidecar_grpc
