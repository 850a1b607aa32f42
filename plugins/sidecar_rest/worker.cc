#include "worker.h"

#include <algorithm>

#include "coding.h"

namespace sidecar_rest {
namespace {

using heddle::sdk::Value;

Value text(const std::string& s) { return Value::string(s); }

Value why_not(const std::string& code, const char* error_class, const std::string& message) {
  return Value::map({{"code", text(code)}, {"class", Value::string(error_class)}, {"message", text(message)}});
}

// Of a worker that has not got what is asked for.
bool has_not(int status) { return status == 404 || status == 405 || status == 501; }

std::string path_of(Ask::Kind kind, const std::string& activity) {
  const std::string task = "/tasks/" + to_segment(activity);
  switch (kind) {
    case Ask::Kind::kAssign: return task + "/assign";
    case Ask::Kind::kStatus: return task + "/status";
    case Ask::Kind::kCancel: return task + "/cancel";
    case Ask::Kind::kHealth: break;
  }
  return "/health";
}

// "answers 503: no slot is free"
std::string words_of(const Answer& answer) {
  if (answer.status == 0) return answer.why;
  const std::string said = answer.said.is_object && !answer.said.error.empty() ? answer.said.error : answer.text;
  return "answers " + std::to_string(answer.status) + (said.empty() ? "" : ": " + said);
}

}  // namespace

void Worker::carry_out() {
  Lock lock(mutex_);
  if (std::exchange(acting_, true)) return;
  while (!deeds_.empty()) {
    const Deed deed = std::move(deeds_.front());
    deeds_.pop_front();
    lock.unlock();
    deed(*outside_);
    lock.lock();
  }
  acting_ = false;
}

void Worker::later(uint64_t delay_ns, void (Worker::*then)(heddle_id), heddle_id of) {
  outside_->after(delay_ns, [weak = weak_from_this(), then, of] {
    const auto self = weak.lock();
    if (!self) return;
    (self.get()->*then)(of);
    self->carry_out();
  });
}

Worker::Given* Worker::find(heddle_id assignment) {
  const auto found = given_.find(assignment);
  return found == given_.end() ? nullptr : &found->second;
}

void Worker::ask(Ask::Kind kind, heddle_id assignment, Probed probed) {
  const uint64_t number = ++last_ask_;
  asked_[number] = {kind, assignment, std::move(probed)};
  Ask what{.kind = kind};
  if (const Given* const given = find(assignment)) {
    what.path = path_of(kind, given->what.activity);
    if (kind == Ask::Kind::kAssign) what.body = given->what.body;
    if (kind == Ask::Kind::kCancel) what.body = std::make_shared<std::string>(Value::map({{"activity_id", text(given->what.activity)}, {"reason", text(given->reason)}}).json());
  } else {
    what.path = path_of(kind, {});
  }
  deeds_.push_back([number, what = std::move(what)](Outside& outside) { outside.ask(number, what); });
}

void Worker::answered(uint64_t number, Answer answer) {
  {
    std::lock_guard lock(mutex_);
    const auto found = asked_.find(number);
    if (found == asked_.end()) return;
    const Asked asked = std::move(found->second);
    asked_.erase(found);
    if (asked.kind == Ask::Kind::kHealth) {
      take_health(answer, asked.probed);
    } else {
      // Who cannot be reached is gone, whatever it was asked; who has not answered is asked whether it is well.
      if (answer.is_unsent) lose(HEDDLE_UNAVAILABLE, answer.why);
      if (answer.status == 0) ask_health();
      Given* const given = find(asked.assignment);
      if (given && asked.kind == Ask::Kind::kAssign) take_assigned(*given, answer);
      if (given && asked.kind == Ask::Kind::kStatus) take_status(*given, answer);
      if (given && asked.kind == Ask::Kind::kCancel && answer.status == 0) given->told_cancel = false;
    }
  }
  carry_out();
}

// Whether it is there ------------------------------------------------------------------------------------------------------------------------

void Worker::connect() {
  {
    std::lock_guard lock(mutex_);
    ask_health();
  }
  carry_out();
}

void Worker::ask_health() {
  if (stopping_ || std::exchange(asks_health_, true)) return;
  ask(Ask::Kind::kHealth, 0);
}

void Worker::on_health_due(heddle_id turn) {
  std::lock_guard lock(mutex_);
  if (turn == health_turn_) ask_health();
}

void Worker::take_health(const Answer& answer, const Probed& probed) {
  if (!probed) asks_health_ = false;
  // One that has no /health says nothing of itself, and is there.
  if (answer.status == 200 || has_not(answer.status)) say_here(answer.said);
  else lose(answer.status == 401 || answer.status == 403 ? HEDDLE_DENIED : HEDDLE_UNAVAILABLE, answer.status == 0 ? answer.why : who() + " is not well: it " + words_of(answer));
  if (probed) {
    if (is_here_) deeds_.push_back([probed, facts = facts()](Outside&) { probed(HEDDLE_OK, facts, {}); });
    else deeds_.push_back([probed, why = last_why_](Outside&) { probed(HEDDLE_UNAVAILABLE, {}, why); });
  }
  later(is_here_ ? kLookNs : again_ns_, &Worker::on_health_due, ++health_turn_);
  if (!is_here_ && !probed) again_ns_ = std::min(again_ns_ * 2, kMostAgainNs);
}

Value Worker::facts() const {
  std::vector<Value::Entry> members = {{"version", Value::map({{"min", text(options_.min_version)}, {"max", text(options_.max_version)}})}, {"slots", Value::integer(slots_)}};
  // It goes on with what it has, whatever becomes of a connection.
  members.push_back({"full", Value::boolean(true)});
  if (tags_) {
    std::vector<Value> tags;
    for (const std::string& tag : *tags_) tags.push_back(text(tag));
    members.push_back({"tags", Value::list(std::move(tags))});
  }
  return Value::map(std::span(members));
}

void Worker::say_here(const Said& said) {
  const auto slots = static_cast<uint32_t>(std::clamp<int64_t>(said.slots.value_or(options_.slots), 1, kMostSlots));
  const bool is_new = !std::exchange(is_here_, true) || slots != slots_ || tags_ != said.tags;
  ends_ = said.status == "draining";
  told_gone_ = false;
  again_ns_ = kAgainNs;
  slots_ = slots;
  tags_ = said.tags;
  if (is_new) deeds_.push_back([facts = facts()](Outside& o) { o.here(facts); });
  offer();
}

void Worker::lose(heddle_status status, const std::string& why) {
  last_why_ = why;
  if (stopping_ || std::exchange(told_gone_, true)) return;
  is_here_ = false;
  credit_ = 0;
  ++lost_;
  deeds_.push_back([status, why](Outside& o) { o.gone(status, why); });
  calls_back_ = false;  // another process may be there next
  if (!given_.empty()) later(options_.reattach_ns, &Worker::on_not_attached, lost_);
}

void Worker::on_not_attached(heddle_id lost) {
  std::lock_guard lock(mutex_);
  if (lost != lost_ || is_here_ || stopping_) return;
  std::vector<heddle_id> ids;
  for (const auto& [id, given] : given_)
    if (given.state != State::kAssigning) ids.push_back(id);
  for (const heddle_id id : ids) {
    if (given_.at(id).cut_off) release(id);
    else fail(id, HEDDLE_UNAVAILABLE, "lost", who() + " was lost, and is not back: " + last_why_);
  }
}

// Grants what is free and not granted yet.
void Worker::offer() {
  if (draining_ || stopping_ || !is_here_ || ends_ || is_full_) return;
  const uint64_t taken = credit_ + given_.size();
  if (slots_ <= taken) return;
  credit_ += slots_ - taken;
  deeds_.push_back([n = static_cast<uint32_t>(slots_ - taken)](Outside& o) { o.grant(n); });
}

void Worker::on_room(heddle_id) {
  std::lock_guard lock(mutex_);
  is_full_ = false;
  offer();
}

void Worker::probe(Probed probed) {
  {
    std::lock_guard lock(mutex_);
    if (stopping_) deeds_.push_back([probed = std::move(probed)](Outside&) { probed(HEDDLE_CANCELLED, {}, "the worker is being disconnected"); });
    else ask(Ask::Kind::kHealth, 0, std::move(probed));
    if (!stopping_) later(options_.connect_ns, &Worker::on_probe_late, last_ask_);
  }
  carry_out();
}

void Worker::on_probe_late(heddle_id number) {
  std::lock_guard lock(mutex_);
  const auto found = asked_.find(number);
  if (found == asked_.end()) return;
  deeds_.push_back([this, probed = std::move(found->second.probed)](Outside&) { probed(HEDDLE_UNAVAILABLE, {}, who() + " has not said in time whether it is well"); });
  asked_.erase(found);
}

void Worker::drain() {
  std::lock_guard lock(mutex_);
  draining_ = true;
}

void Worker::disconnect(std::function<void()> gone) {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    std::vector<heddle_id> ids;
    for (const auto& [id, given] : given_)
      if (!given.cut_off) ids.push_back(id);
    for (const heddle_id id : ids) fail(id, HEDDLE_CANCELLED, "cancelled", "the worker is being disconnected");
    given_.clear();
    for (auto& [number, asked] : std::exchange(asked_, {}))
      if (asked.probed) deeds_.push_back([probed = asked.probed](Outside&) { probed(HEDDLE_CANCELLED, {}, "the worker is being disconnected"); });
    deeds_.push_back([gone = std::move(gone)](Outside&) { gone(); });
  }
  carry_out();
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
    else if (!has_credit) fail(id, HEDDLE_UNAVAILABLE, "unsent", is_here_ ? "there was no credit for it" : "the worker is gone: " + last_why_);
    else if (!runs_.emplace(std::pair(given.what.activity, given.what.run), id).second) fail(id, HEDDLE_CONFLICT, "unsent", who() + " has this run in hand already");
    else ask(Ask::Kind::kAssign, id);
  }
  carry_out();
}

void Worker::take_assigned(Given& given, const Answer& answer) {
  const heddle_id id = given.what.id;
  given.what.body.reset();
  const bool is_no_room = answer.status == 503 || answer.status == 429;
  const bool is_refused = answer.status >= 300 && answer.status < 500 && answer.status != 408 && answer.status != 409 && answer.status != 429;
  if (given.cut_off && (answer.is_unsent || is_no_room || is_refused)) return release(id);
  if (given.cancelled && (answer.is_unsent || is_no_room)) return fail(id, HEDDLE_CANCELLED, "cancelled", given.reason);
  if (answer.is_unsent) return fail(id, HEDDLE_UNAVAILABLE, "unsent", "it was not sent: " + answer.why);
  if (is_no_room) {
    if (!std::exchange(is_full_, true)) later(kFullNs, &Worker::on_room, 0);
    return fail(id, HEDDLE_UNAVAILABLE, "unsent", who() + " does not take it: it " + words_of(answer));
  }
  if (is_refused) return finish(id, HEDDLE_INVALID, why_not("failed", "config", who() + " refuses it: it " + words_of(answer)));
  if (answer.status >= 200 && answer.status < 300) {
    given.state = State::kTaken;
    if (!given.cut_off) deeds_.push_back([id](Outside& o) { o.progress(id, Value::map({})); });
  } else if (answer.status == 409) {
    given.state = State::kAttaching;
  } else {
    given.state = State::kUncertain;
    given.since_ns = outside_->now_ns();
  }
  given.poll_ns = calls_back_ && given.state == State::kTaken && !given.cancelled ? kSeldomNs : kPollNs;
  ask_cancel(given);
  // Attaching: at once, for it may have ended long ago.
  if (given.state == State::kAttaching) ask_soon(given);
  else ask_later(given);
}

// Only of what it certainly has: of what is on its way it knows nothing yet, and what has the name of the task may be another run of it, which somebody else waits for.
void Worker::ask_cancel(Given& given) {
  if (!given.cancelled || given.state != State::kTaken || std::exchange(given.told_cancel, true)) return;
  ask(Ask::Kind::kCancel, given.what.id);
}

void Worker::ask_later(Given& given) {
  if (given.asking || std::exchange(given.is_due, true)) return;
  const bool is_seldom = calls_back_ && given.state == State::kTaken && !given.cancelled;
  later(given.poll_ns, &Worker::on_status_due, given.what.id);
  given.poll_ns = std::min(given.poll_ns * 2, is_seldom ? kMostSeldomNs : kMostPollNs);
}

void Worker::ask_soon(Given& given) {
  if (std::exchange(given.asking, true)) return;
  ask(Ask::Kind::kStatus, given.what.id);
}

void Worker::on_status_due(heddle_id assignment) {
  std::lock_guard lock(mutex_);
  Given* const given = find(assignment);
  if (!given || stopping_) return;
  given->is_due = false;
  if (is_here_) ask_soon(*given);
  else doubt(*given, last_why_);
}

void Worker::take_status(Given& given, const Answer& answer) {
  const heddle_id id = given.what.id;
  given.asking = false;
  if (answer.status == 404) {
    // Its assignment may still be on its way.
    const bool is_certain = given.state != State::kUncertain || outside_->now_ns() - given.since_ns >= options_.reattach_ns;
    if (given.cut_off && is_certain) return release(id);
    if (given.cancelled && is_certain) return fail(id, HEDDLE_CANCELLED, "cancelled", given.reason);
    if (given.state == State::kTaken) return fail(id, HEDDLE_UNAVAILABLE, "lost", who() + " had taken it, and knows nothing of it any more: it " + words_of(answer));
    if (given.state == State::kAttaching) return fail(id, HEDDLE_UNAVAILABLE, "unsent", who() + " did not take it, for it had one of that name, which is gone by now");
    return doubt(given, "its assignment was not answered, and it " + words_of(answer));
  }
  if (answer.status == 0) return doubt(given, answer.why);
  if (answer.status != 200) return doubt(given, "it " + words_of(answer));
  if (!answer.said.is_object) return doubt(given, "what it answers is no JSON object: \"" + answer.text + "\"");
  if (!answer.said.status) return doubt(given, "what it answers has no \"status\"");
  if (answer.said.run.value_or(given.what.run) != given.what.run) return take_other_run(given, *answer.said.run);
  given.state = State::kTaken;
  given.since_ns = 0;
  if (take_end(given, answer.said, *answer.said.status)) return;
  if (!given.cut_off) take_progress(given, answer.said);
  ask_cancel(given);
  ask_later(given);
}

// The task of this name is not ours.
void Worker::take_other_run(Given& given, const std::string& run) {
  const heddle_id id = given.what.id;
  if (given.cut_off) return release(id);
  if (given.cancelled) return fail(id, HEDDLE_CANCELLED, "cancelled", given.reason);
  if (given.state == State::kTaken) return fail(id, HEDDLE_UNAVAILABLE, "lost", who() + " had taken it, and has another run of it now: \"" + quotable(run.substr(0, 100)) + "\"");
  finish(id, HEDDLE_CONFLICT, why_not("failed", "retryable", who() + " does not take it, for it has another run of this task: \"" + quotable(run.substr(0, 100)) + "\", not \"" + given.what.run + "\""));
}

// Nothing certain is known of it. That has an end, too.
void Worker::doubt(Given& given, const std::string& why) {
  const uint64_t now = outside_->now_ns();
  if (given.since_ns == 0) given.since_ns = now;
  if (now - given.since_ns < options_.reattach_ns) return ask_later(given);
  if (given.cut_off) return ask_later(given);  // until its quarantine is over
  fail(given.what.id, HEDDLE_UNAVAILABLE, "lost", "what became of it at " + options_.endpoint + " is not known: " + why);
}

// True: that is its end.
bool Worker::take_end(Given& given, const Said& said, std::string_view status) {
  const heddle_id id = given.what.id;
  const bool is_success = status == "completed" || status == "SUCCESS", is_skipped = status == "SKIPPED" || (is_success && said.skipped);
  const bool is_failure = status == "failed" || status == "ERROR" || status == "cancelled";
  if (status == "pending" || status == "running") return false;
  if (given.cut_off) return release(id), true;
  if (given.untold) tell_progress(given);
  if (given.cancelled && is_failure) return fail(id, HEDDLE_CANCELLED, "cancelled", given.reason), true;
  if (is_failure) return fail(id, HEDDLE_INTERNAL, "failed", said.error.empty() ? "the worker gave no reason" : said.error), true;
  if (!is_success && !is_skipped) return fail(id, HEDDLE_INTERNAL, "not-understood", who() + " says that its status is \"" + quotable(status.substr(0, 100)) + "\", which is none of pending, running, completed, failed"), true;
  if (said.is_garbled) return fail(id, HEDDLE_INTERNAL, "not-understood", "the result_inline of " + who() + " is not base64"), true;
  std::vector<Value::Entry> members = {{"status", Value::string(is_skipped ? "skipped" : "success")}};
  if (!said.ref.empty()) members.push_back({"ref", text(said.ref)});
  else if (said.result) members.push_back({"value", said.result});
  finish(id, HEDDLE_OK, Value::map(std::span(members)));
  return true;
}

Taken Worker::completed(const std::string& activity, const Said& said) {
  Taken taken = Taken::kYes;
  {
    std::lock_guard lock(mutex_);
    if (!said.run || !said.status || (*said.status != "SUCCESS" && *said.status != "SKIPPED" && *said.status != "ERROR")) return Taken::kNotUnderstood;
    const auto found = runs_.find({activity, *said.run});
    const auto other = runs_.lower_bound({activity, {}});
    if (stopping_) taken = Taken::kUnknown;
    else if (found != runs_.end()) calls_back_ = take_end(given_.at(found->second), said, *said.status);
    else if (std::find(done_.begin(), done_.end(), std::pair(activity, *said.run)) != done_.end()) taken = Taken::kBefore;
    else taken = other != runs_.end() && other->first.first == activity ? Taken::kOtherRun : Taken::kUnknown;
  }
  carry_out();
  return taken;
}

void Worker::take_progress(Given& given, const Said& said) {
  std::vector<Value::Entry> members;
  if (said.percent) members.push_back({"percent", Value::integer(*said.percent)});
  if (!said.message.empty()) members.push_back({"message", text(said.message)});
  if (!said.checkpoint.empty()) members.push_back({"checkpoint", text(said.checkpoint)});
  if (members.empty()) return;
  Value progress = Value::map(std::span(members));
  std::string words(progress.json());
  if (words == given.told) return;
  given.told = std::move(words);
  const bool waits = given.untold.has_value();
  given.untold = std::move(progress);
  const uint64_t now = outside_->now_ns(), due = given.told_ns + kProgressNs;
  if (now >= due) tell_progress(given);
  else if (!waits) later(due - now, &Worker::on_progress_due, given.what.id);
}

void Worker::tell_progress(Given& given) {
  given.told_ns = outside_->now_ns();
  deeds_.push_back([id = given.what.id, said = *std::exchange(given.untold, std::nullopt)](Outside& o) { o.progress(id, said); });
}

void Worker::on_progress_due(heddle_id assignment) {
  std::lock_guard lock(mutex_);
  Given* const given = find(assignment);
  if (given && given->untold && !given->cut_off) tell_progress(*given);
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
  const auto found = given_.find(id);
  if (found == given_.end()) return;
  std::pair<std::string, std::string> key(found->second.what.activity, found->second.what.run);
  if (const auto run = runs_.find(key); run != runs_.end() && run->second == id) {
    runs_.erase(run);
    done_.push_back(std::move(key));
    if (done_.size() > kRemembered) done_.pop_front();
  }
  given_.erase(found);
  offer();
}

bool Worker::cancel(heddle_id assignment, const std::string& reason, uint64_t grace_ns) {
  {
    std::lock_guard lock(mutex_);
    Given* const given = find(assignment);
    if (!given || given->cut_off) return given != nullptr;
    if (!std::exchange(given->cancelled, true)) {
      given->reason = reason;
      given->poll_ns = kPollNs;
      ask_cancel(*given);
      if (given->state != State::kAssigning) ask_soon(*given);
      later(grace_ns, &Worker::on_grace_over, assignment);
    }
  }
  carry_out();
  return true;
}

// It goes on although it was cancelled: the host waits no longer, and its slot stays taken as long as it may still be at it.
void Worker::on_grace_over(heddle_id assignment) {
  std::lock_guard lock(mutex_);
  Given* const given = find(assignment);
  if (!given || given->cut_off) return;
  given->cut_off = true;
  deeds_.push_back([assignment, why = why_not("cancelled", "cancelled", given->reason + "; the worker did not give it up")](Outside& o) { o.done(assignment, HEDDLE_CANCELLED, why); });
  const uint64_t now = outside_->now_ns();
  later(given->what.deadline_ns > now ? given->what.deadline_ns - now : kQuarantineNs, &Worker::on_quarantine_over, assignment);
}

void Worker::on_quarantine_over(heddle_id assignment) {
  std::lock_guard lock(mutex_);
  release(assignment);
}

}  // namespace sidecar_rest
