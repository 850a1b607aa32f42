#include "plugin/worker_group.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "plugin/answer_of.h"
#include "value/json_value.h"

namespace heddle {
namespace {

constexpr uint64_t kRounds = 12;  // of probes after the last activity
constexpr uint64_t kUrlMarginNs = 60 * kNsPerSecond, kLongestUrlNs = 7 * 24 * 3'600 * kNsPerSecond;
constexpr size_t kMostAtOnce = 64;  // assignments in a row by one thread
constexpr size_t kMostRuns = 100;   // of an activity that are told
constexpr uint64_t kLeastAgainNs = 10 * kNsPerMs;
constexpr std::string_view kEndings[] = {"done", "refused", "failed", "lost", "timed-out", "no-worker", "cancelled"};

std::string milliseconds(uint64_t ns) { return std::to_string(ns / kNsPerMs) + " ms"; }

// Of a run that ended so.
ActivityAnswer::Ending ending_of(const Error& why) {
  if (why.code == "failed") return ActivityAnswer::Ending::kFailed;
  if (why.code == "unsent") return ActivityAnswer::Ending::kNoWorker;
  if (why.code == "cancelled") return ActivityAnswer::Ending::kCancelled;
  if (why.code == "deadline") return ActivityAnswer::Ending::kTimedOut;
  return why.code == "invalid" || why.code == "no-url" ? ActivityAnswer::Ending::kRefused : ActivityAnswer::Ending::kLost;
}

bool is_url(std::string_view ref) { return ref.starts_with("http://") || ref.starts_with("https://"); }

// A result that the worker has put where it was told to is called by the name of the object, not by a URL that expires.
Value with_object(const Value& result, const std::string& url, const std::string& object) {
  const Value ref = result.find("ref");
  if (object.empty() || !ref || ref.kind() != HEDDLE_STRING) return result;
  const std::string_view said = *ref.as_text();
  if (said != url && said != std::string_view(url).substr(0, url.find('?'))) return result;
  std::vector<std::pair<std::string, Value>> members = {{"ref", json_text(object)}};
  for (const char* name : {"status", "value"})
    if (const Value found = result.find(name)) members.emplace_back(name, found);
  return json_object(std::move(members));
}

Error told_with(const std::vector<ActivityRun>& runs, Error why) {
  if (runs.empty()) return why;
  std::string text;
  for (const ActivityRun& run : runs)
    if (!run.error.empty()) text += (text.empty() ? "" : "; ") + (runs.size() > 1 ? "run " + run.run + " at " : "at ") + run.address + ": " + run.error + " (" + milliseconds(run.took_ns) + ")";
  if (!text.empty()) why.message = why.message.empty() || why.message == runs.back().error ? text : why.message + ": " + text;
  return why;
}

}  // namespace

std::string_view name_of(ActivityAnswer::Ending ending) { return kEndings[static_cast<size_t>(ending)]; }

WorkerGroup::WorkerGroup(WorkerSettings settings, std::shared_ptr<SidecarHandle> sidecar, Errands& errands, std::vector<std::unique_ptr<WorkerProcess>> processes, std::unique_ptr<BrokerHandle> broker)
    : settings_(std::move(settings)), processes_(std::move(processes)), broker_(std::move(broker)), sidecar_(std::move(sidecar)), errands_(errands), pool_(settings_.endpoints, settings_.policy), last_used_ns_(now_ns()), workers_(settings_.endpoints.size()), absent_since_ns_(now_ns()) {}

Result<void> WorkerGroup::connect() {
  for (size_t i = 0; i < workers_.size(); ++i) {
    WorkerPlace place = settings_.place;
    place.endpoint = settings_.endpoints[i].address;
    const auto begun = answer_of<void>([&](auto done) {
      WorkerHearing hearing;
      hearing.here = [this, i](const Value& facts) { here(i, facts); };
      hearing.granted = [this, i](uint32_t assignments) { granted(i, assignments); };
      hearing.gone = [this, i](const Error& why) { gone(i, why); };
      const heddle_id id = sidecar_->connect(place, std::move(hearing), std::move(done));
      std::lock_guard lock(mutex_);
      workers_[i].id = id;
    });
    if (begun) continue;
    {
      std::lock_guard lock(mutex_);
      workers_[i].id = 0;
    }
    close();
    return Error("no-sidecar", "there is no way to " + place.endpoint, ErrorClass::kConfig).because(begun.error());
  }
  return {};
}

void WorkerGroup::close() {
  for (const Worker& worker : workers_)
    if (worker.id != 0) static_cast<void>(answer_of<void>([&](auto done) { sidecar_->disconnect(worker.id, std::move(done)); }));
  broker_.reset();
  for (const auto& process : processes_) process->ask_to_end();
  processes_.clear();
}

WorkerGroup::Id WorkerGroup::assign(const ActivityPolicy& policy, ActivityRequest request, ActivityHearing hearing) {
  keep_probing();
  After after;
  Id id = 0;
  {
    std::lock_guard lock(mutex_);
    const uint64_t now = now_ns();
    id = ++last_;
    Activity& a = *open_.emplace(id, std::make_unique<Activity>()).first->second;
    a.id = id;
    a.policy = policy;
    a.request = std::move(request);
    a.hearing = std::make_shared<const ActivityHearing>(std::move(hearing));
    a.begun_ns = now;
    a.until_ns = now + policy.timeout_ns;
    if (a.request.deadline_ns != 0) a.until_ns = std::min(a.until_ns, a.request.deadline_ns);
    const bool is_hopeless = absent_since_ns_ != 0 && now - absent_since_ns_ >= settings_.absent_ns;
    if (is_hopeless) finish(a, ActivityAnswer::Ending::kNoWorker, Error("no-worker", absent_text(now), ErrorClass::kRetryable), {}, now, after);
    else if (waiting_.size() >= kMostWaiting) finish(a, ActivityAnswer::Ending::kRefused, Error("exhausted", std::to_string(kMostWaiting) + " activities wait for these workers already", ErrorClass::kRetryable), {}, now, after);
    else wait_for_worker(a);
    pool_.called(now);
    arm();
  }
  carry_out(std::move(after));
  pump();
  return id;
}

void WorkerGroup::cancel(Id id, const std::string& reason) {
  After after;
  {
    std::lock_guard lock(mutex_);
    const auto found = open_.find(id);
    if (found == open_.end() || found->second->state == State::kOver) return;
    Activity& a = *found->second;
    const uint64_t now = now_ns();
    if (a.state == State::kAssigned) drop(a, reason, after);
    if (a.state == State::kAssigned || a.state == State::kEnding) end_run(a, CallOutcome::kNothing, "cancelled", now);
    finish(a, ActivityAnswer::Ending::kCancelled, Error("cancelled", reason.empty() ? "it was cancelled" : reason, ErrorClass::kCancelled), {}, now, after);
  }
  carry_out(std::move(after));
  pump();  // a breaker may let another one try now
}

void WorkerGroup::here(size_t worker, const Value& facts) {
  {
    std::lock_guard lock(mutex_);
    workers_[worker].here = true;
    workers_[worker].facts = facts;
    workers_[worker].gone.clear();
    absent_since_ns_ = 0;
  }
  pool_.probed(worker, true, "", now_ns());
}

void WorkerGroup::granted(size_t worker, uint32_t assignments) {
  {
    std::lock_guard lock(mutex_);
    workers_[worker].credit += assignments;
    making_room_ -= std::min<size_t>(making_room_, assignments);
  }
  pump();
}

void WorkerGroup::gone(size_t worker, const Error& why) {
  uint64_t now = 0;
  {
    std::lock_guard lock(mutex_);
    now = now_ns();
    workers_[worker].here = false;
    workers_[worker].credit = 0;
    making_room_ = 0;
    workers_[worker].gone = why.text();
    if (absent_since_ns_ == 0 && !is_anybody_here()) absent_since_ns_ = now;
    arm();
  }
  pool_.probed(worker, false, why.text(), now);
}

void WorkerGroup::progressed(Id id, size_t run, const Value& said) {
  std::shared_ptr<const ActivityHearing> hearing;
  ActivityRun of;
  {
    std::lock_guard lock(mutex_);
    Activity* const a = find(id, run);
    if (!a) return;
    if (const Value checkpoint = said.find("checkpoint")) a->request.order.checkpoint = checkpoint.as_text().value_or("");
    if (!a->hearing->progress) return;
    hearing = a->hearing;
    of = a->runs.back();
    a->telling = true;
  }
  hearing->progress(said, of);
  After after;
  {
    std::lock_guard lock(mutex_);
    const auto found = open_.find(id);
    found->second->telling = false;
    if (!found->second->over) return;
    after.told.push_back(*std::move(found->second->over));
    open_.erase(found);
  }
  carry_out(std::move(after));
}

void WorkerGroup::done(Id id, size_t run, Result<Value> result) {
  After after;
  {
    std::lock_guard lock(mutex_);
    if (Activity* const a = find(id, run)) settle(*a, std::move(result), now_ns(), after);
    arm();
  }
  carry_out(std::move(after));
  pump();
}

// One thread at a time assigns, however many have a reason to: an activity may be done before the call that assigns it returns.
void WorkerGroup::pump() {
  {
    std::lock_guard lock(mutex_);
    if (std::exchange(pumping_, true)) return;
  }
  for (size_t sent = 0; sent < kMostAtOnce; ++sent) {
    After after;
    auto sending = next(after);
    carry_out(std::move(after));
    if (!sending) return;
    send(*std::move(sending));
  }
  // Whose thread this is has something else to do.
  {
    std::lock_guard lock(mutex_);
    pumping_ = false;
  }
  errands_.run([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->pump();
  });
}

// None: nothing may be assigned now, and whoever comes next looks again.
std::optional<WorkerGroup::Sending> WorkerGroup::next(After& after) {
  std::lock_guard lock(mutex_);
  std::vector<size_t> able;
  if (!waiting_.empty())
    for (size_t i = 0; i < workers_.size(); ++i)
      if (workers_[i].credit > 0) able.push_back(i);
  if (able.empty()) {
    make_room(after);
    pumping_ = false;
    return std::nullopt;
  }
  const uint64_t now = now_ns();
  while (!waiting_.empty() && now >= open_.find(waiting_.begin()->second)->second->until_ns) come_due(*open_.find(waiting_.begin()->second)->second, now, after);
  if (waiting_.empty()) {
    pumping_ = false;
    return std::nullopt;
  }
  Activity& a = *open_.find(waiting_.begin()->second)->second;
  const auto pick = pool_.pick_of(able, now, a.runs.empty() ? AttemptKind::kFirst : AttemptKind::kRetry);
  if (!pick) {
    set_due(a, std::min(a.until_ns, pool_.closed_until(able, now)));
    arm();
    pumping_ = false;
    return std::nullopt;
  }
  begin_run(a, pick->endpoint, *pick, now);
  arm();
  return Sending{a.id, a.run, a.worker, a.request.order};
}

// Who waits and could go before something that is under way, and may be run again, takes its place: the youngest of the lowest priority makes room.
void WorkerGroup::make_room(After& after) {
  if (preemptible_ == 0 || making_room_ >= waiting_.size()) return;
  Activity* lowest = nullptr;
  for (const auto& [id, a] : open_)
    if (a->state == State::kAssigned && a->request.preemptible && a->assignment != 0 && (!lowest || a->request.priority >= lowest->request.priority)) lowest = a.get();
  if (!lowest) return;
  const auto higher = static_cast<size_t>(std::distance(waiting_.begin(), waiting_.lower_bound({lowest->request.priority, 0})));
  if (making_room_ >= higher) return;
  lowest->state = State::kEnding;
  lowest->makes_room = true;
  ++making_room_;
  set_due(*lowest, lowest->until_ns);
  drop(*lowest, "it makes room for a higher lane", after);
}

void WorkerGroup::send(Sending sending) {
  if (broker_) ask_broker(std::move(sending));
  else assign_to_worker(sending);
}

// A worker gets URLs that are good for as long as its run may take, and no name of an object.
void WorkerGroup::ask_broker(Sending sending) {
  const uint64_t now = now_ns(), until = sending.order.deadline_ns + kUrlMarginNs;
  const uint64_t lifetime = std::clamp(until > now ? until - now : 0, kNsPerSecond, kLongestUrlNs);
  const auto granting = std::make_shared<Granting>();
  granting->sending = std::move(sending);
  AssignmentOrder& order = granting->sending.order;
  std::vector<std::tuple<GrantMethod, std::string, std::string*>> wanted;
  for (AssignmentInput& input : order.inputs)
    if (!input.ref.empty() && !is_url(input.ref)) wanted.emplace_back(GrantMethod::kGet, input.ref, &input.ref);
  if (!settings_.broker->uploads.empty()) {
    granting->sending.upload_object = settings_.broker->uploads + order.activity + "/" + order.run;
    wanted.emplace_back(GrantMethod::kPut, granting->sending.upload_object, &order.upload_prefix);
  }
  granting->left = wanted.size();
  if (wanted.empty()) return assign_to_worker(granting->sending);
  for (const auto& [method, object, where] : wanted)
    broker_->grant(method, object, lifetime, [self = shared_from_this(), granting, name = object, to = where](Result<GrantedUrl> url) { self->put_url(granting, name, to, std::move(url)); });
}

void WorkerGroup::put_url(const std::shared_ptr<Granting>& granting, const std::string& object, std::string* where, Result<GrantedUrl> url) {
  {
    std::lock_guard lock(granting->mutex);
    if (url) *where = url->url;
    else if (!granting->failed) granting->failed = Error("no-url", "there is no URL for the object \"" + object + "\"", url.error().error_class).because(std::move(url).error());
    if (--granting->left > 0) return;
  }
  send_granted(*granting);
}

void WorkerGroup::send_granted(Granting& granting) {
  const Sending& sending = granting.sending;
  After after;
  bool is_ready = false;
  {
    std::lock_guard lock(mutex_);
    Activity* const a = find(sending.id, sending.run);
    is_ready = a && a->state == State::kAssigned && !granting.failed;
    if (is_ready) {
      a->upload_url = sending.order.upload_prefix;
      a->upload_object = sending.upload_object;
    } else {
      if (workers_[sending.worker].here) ++workers_[sending.worker].credit;  // it was not used
      if (a) settle(*a, a->state == State::kEnding ? Error("cancelled", "it was given up before it was sent", ErrorClass::kCancelled) : *granting.failed, now_ns(), after);
      arm();
    }
  }
  if (is_ready) return assign_to_worker(sending);
  carry_out(std::move(after));
  pump();
}

void WorkerGroup::assign_to_worker(const Sending& sending) {
  const Id id = sending.id;
  const size_t run = sending.run;
  const heddle_id assignment = sidecar_->assign(workers_[sending.worker].id, sending.order, {.progress = [this, id, run](const Value& said) { progressed(id, run, said); },
                                                                               .done = [this, id, run](Result<Value> result) { done(id, run, std::move(result)); }});
  if (assignment == 0) take_back(sending);
  else sent(sending, assignment);
}

// The worker's credit was void already.
void WorkerGroup::take_back(const Sending& sending) {
  std::lock_guard lock(mutex_);
  Activity* const a = find(sending.id, sending.run);
  if (!a) return;
  pool_.ended(a->pick, CallOutcome::kNothing, 0, "", now_ns());
  preemptible_ -= a->request.preemptible;
  a->runs.pop_back();
  --a->run;
  --a->attempts;
  wait_for_worker(*a);
  arm();
}

void WorkerGroup::sent(const Sending& sending, heddle_id assignment) {
  Dropped unwanted{assignment, "nobody waits for it any more", settings_.place.connect_ms * kNsPerMs};
  {
    std::lock_guard lock(mutex_);
    if (Activity* const a = find(sending.id, sending.run)) {
      a->assignment = assignment;
      if (a->state == State::kAssigned) return;
      unwanted.grace_ns = a->policy.grace_ns;
    }
  }
  sidecar_->cancel(unwanted.assignment, unwanted.reason, unwanted.grace_ns);  // of one that is done: nothing
}

// The activity, if that run of it is under way.
WorkerGroup::Activity* WorkerGroup::find(Id id, size_t run) {
  const auto found = open_.find(id);
  if (found == open_.end() || found->second->run != run) return nullptr;
  const State state = found->second->state;
  return state == State::kAssigned || state == State::kEnding ? found->second.get() : nullptr;
}

void WorkerGroup::wait_for_worker(Activity& a) {
  a.state = State::kWaiting;
  waiting_.emplace(a.request.priority, a.id);
  set_due(a, a.until_ns);
}

void WorkerGroup::begin_run(Activity& a, size_t worker, EndpointPool::Pick pick, uint64_t now) {
  waiting_.erase({a.request.priority, a.id});
  --workers_[worker].credit;
  a.state = State::kAssigned;
  a.worker = worker;
  a.pick = pick;
  a.assignment = 0;
  a.sent_ns = now;
  a.makes_room = false;
  ++a.attempts;
  preemptible_ += a.request.preemptible;
  if (a.runs.size() == kMostRuns) a.runs.erase(a.runs.begin());
  a.runs.push_back({.run = std::to_string(++a.run), .address = settings_.endpoints[worker].address});
  const uint64_t limit = a.policy.run_timeout_ns != 0 ? std::min(a.until_ns, now + a.policy.run_timeout_ns) : a.until_ns;
  a.request.order.run = a.runs.back().run;
  a.request.order.deadline_ns = limit;
  a.request.order.heartbeat_ms = a.policy.heartbeat_ms;
  set_due(a, limit);
}

void WorkerGroup::end_run(Activity& a, CallOutcome outcome, std::string error, uint64_t now) {
  preemptible_ -= a.request.preemptible;
  ActivityRun& run = a.runs.back();
  run.took_ns = now - a.sent_ns;
  run.error = error;
  pool_.ended(a.pick, outcome, run.took_ns, std::move(error), now);
}

void WorkerGroup::settle(Activity& a, Result<Value> result, uint64_t now, After& after) {
  if (result) {
    end_run(a, CallOutcome::kGood, "", now);
    return finish(a, ActivityAnswer::Ending::kDone, {}, with_object(*result, a.upload_url, a.upload_object), now, after);
  }
  Error why = std::move(result).error();
  if (a.makes_room && why.code == "cancelled") {
    end_run(a, CallOutcome::kNothing, "it made room for a higher lane", now);
    --a.attempts;
    return wait_for_worker(a);
  }
  if (a.state == State::kEnding && !a.makes_room) why = Error("deadline", "the run took longer than " + milliseconds(a.policy.run_timeout_ns), ErrorClass::kRetryable);
  const bool is_here = workers_[a.worker].here;
  const bool is_workers = why.code != "failed" && why.code != "cancelled" && why.code != "invalid" && why.code != "no-url" && is_here;
  end_run(a, why.code == "failed" ? CallOutcome::kGood : is_workers ? CallOutcome::kBad : CallOutcome::kNothing, why.text(), now);
  if (try_again(a, why, now)) return;
  const ActivityAnswer::Ending ending = ending_of(why);
  finish(a, ending, told_with(a.runs, std::move(why)), {}, now, after);
}

// True: there will be another run.
bool WorkerGroup::try_again(Activity& a, const Error& why, uint64_t now) {
  if (why.error_class != ErrorClass::kRetryable) return false;
  uint64_t wait_ns = 0;
  if (why.code == "unsent" || why.code == "no-url") {
    --a.attempts;
    if (++a.unsent > 1) wait_ns = std::max(kLeastAgainNs, a.policy.retry.wait_ns(a.unsent));
  } else {
    a.unsent = 0;
    if (!a.request.repeatable || a.attempts >= a.policy.retry.max_attempts) return false;
    if (workers_[a.worker].here && !pool_.may_retry(now)) return false;
    wait_ns = a.policy.retry.wait_ns(a.attempts + 1);
  }
  if (now + wait_ns >= a.until_ns) return false;
  if (wait_ns == 0) {
    wait_for_worker(a);
    return true;
  }
  a.state = State::kBackoff;
  set_due(a, now + wait_ns);
  return true;
}

void WorkerGroup::finish(Activity& a, ActivityAnswer::Ending ending, Error why, Value result, uint64_t now, After& after) {
  Told told{a.hearing, {.ending = ending, .why = std::move(why), .result = std::move(result), .runs = std::move(a.runs), .took_ns = now - a.begun_ns}};
  waiting_.erase({a.request.priority, a.id});
  set_due(a, 0);
  a.state = State::kOver;
  if (a.telling) {
    a.over = std::move(told);
    return;
  }
  after.told.push_back(std::move(told));
  open_.erase(a.id);
}

void WorkerGroup::drop(const Activity& a, const std::string& reason, After& after) const {
  if (a.assignment != 0) after.dropped.push_back({a.assignment, reason, a.policy.grace_ns});
}

// 0: never.
void WorkerGroup::set_due(Activity& a, uint64_t due_ns) {
  if (a.due_ns != 0) due_.erase({a.due_ns, a.id});
  a.due_ns = due_ns;
  if (due_ns != 0) due_.emplace(due_ns, a.id);
}

void WorkerGroup::arm() {
  uint64_t at = due_.empty() ? 0 : due_.begin()->first;
  if (absent_since_ns_ != 0 && !waiting_.empty()) at = std::min(at, absent_since_ns_ + settings_.absent_ns);
  if (at == 0 || (timer_ != 0 && timer_ns_ <= at)) return;
  if (timer_ != 0) errands_.take_back(timer_);
  timer_ns_ = at;
  timer_ = errands_.at(at, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->look();
  });
}

void WorkerGroup::look() {
  After after;
  {
    std::lock_guard lock(mutex_);
    const uint64_t now = now_ns();
    timer_ = 0;
    while (!due_.empty() && due_.begin()->first <= now) come_due(*open_.find(due_.begin()->second)->second, now, after);
    if (absent_since_ns_ != 0 && now - absent_since_ns_ >= settings_.absent_ns) {
      const std::set<Place> waiting = waiting_;
      for (const auto& [priority, id] : waiting) {
        Activity& a = *open_.find(id)->second;
        finish(a, ActivityAnswer::Ending::kNoWorker, told_with(a.runs, Error("no-worker", absent_text(now), ErrorClass::kRetryable)), {}, now, after);
      }
    }
    arm();
  }
  carry_out(std::move(after));
  pump();
}

void WorkerGroup::come_due(Activity& a, uint64_t now, After& after) {
  const bool is_out_of_time = now >= a.until_ns;
  if (!is_out_of_time && a.state == State::kWaiting) return set_due(a, a.until_ns);  // a breaker may let it through
  if (!is_out_of_time && a.state == State::kBackoff) return wait_for_worker(a);
  if (a.state == State::kAssigned) drop(a, is_out_of_time ? "its time is up" : "the run took longer than " + milliseconds(a.policy.run_timeout_ns), after);
  if (!is_out_of_time) {
    a.state = State::kEnding;
    return set_due(a, a.until_ns);
  }
  std::string why = "it took longer than " + milliseconds(now - a.begun_ns);
  if (a.state == State::kWaiting) why = "no worker was free for " + milliseconds(now - a.begun_ns) + (absent_since_ns_ != 0 ? ": " + absent_text(now) : "");
  if (a.state == State::kAssigned || a.state == State::kEnding) end_run(a, had_its_time(a, now) ? CallOutcome::kBad : CallOutcome::kNothing, "its time was up", now);
  finish(a, ActivityAnswer::Ending::kTimedOut, told_with(a.runs, Error("deadline", std::move(why), ErrorClass::kRetryable)), {}, now, after);
}

// Whether the worker is to blame, and not the wait before the run, or a caller who had no time.
bool WorkerGroup::had_its_time(const Activity& a, uint64_t now) const {
  if (a.state == State::kEnding) return !a.makes_room;
  return now - a.sent_ns >= (a.policy.run_timeout_ns != 0 ? a.policy.run_timeout_ns : a.policy.timeout_ns);
}

void WorkerGroup::carry_out(After after) {
  for (const Dropped& dropped : after.dropped) sidecar_->cancel(dropped.assignment, dropped.reason, dropped.grace_ns);
  for (Told& told : after.told) told.hearing->answered(std::move(told.answer));
}

bool WorkerGroup::is_anybody_here() const {
  return std::any_of(workers_.begin(), workers_.end(), [](const Worker& worker) { return worker.here; });
}

std::string WorkerGroup::absent_text(uint64_t now) const {
  std::string text = "no worker has been there for " + milliseconds(now - absent_since_ns_) + ": ";
  for (size_t i = 0; i < workers_.size(); ++i) text += (i > 0 ? "; " : "") + (workers_[i].gone.empty() ? settings_.endpoints[i].address + " has not been reached yet" : workers_[i].gone);
  return text;
}

std::vector<WorkerGroup::Standing> WorkerGroup::standing(uint64_t now) const {
  std::vector<Standing> all;
  for (EndpointPool::Endpoint& endpoint : pool_.endpoints(now)) all.push_back({.endpoint = std::move(endpoint)});
  std::lock_guard lock(mutex_);
  for (size_t i = 0; i < workers_.size(); ++i) {
    all[i].here = workers_[i].here;
    all[i].credit = workers_[i].credit;
    all[i].facts = workers_[i].facts;
    all[i].gone = workers_[i].gone;
  }
  return all;
}

size_t WorkerGroup::waiting() const {
  std::lock_guard lock(mutex_);
  return waiting_.size();
}

// As long as there are activities, and a while longer. One that was refused is tried again with the first of them.
void WorkerGroup::keep_probing() {
  last_used_ns_ = now_ns();
  {
    std::lock_guard lock(mutex_);
    if (settings_.probe_ns == 0 || std::exchange(probing_, true)) return;
  }
  errands_.run([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->probe_all();
  });
}

// Whether a worker is there the sidecar knows; what it says is whether one that is there is well, and one that was refused is looked at again.
void WorkerGroup::probe_all() {
  for (size_t i = 0; i < workers_.size(); ++i) {
    sidecar_->probe(workers_[i].id, [weak = weak_from_this(), i](const Result<Value>& outcome) {
      const auto self = weak.lock();
      if (!self) return;
      {
        std::lock_guard lock(self->mutex_);
        if (!self->workers_[i].here) return;
      }
      self->pool_.probed(i, outcome.has_value(), outcome ? "" : outcome.error().text(), now_ns());
    });
  }
  std::lock_guard lock(mutex_);
  probing_ = !open_.empty() || now_ns() - last_used_ns_ <= kRounds * settings_.probe_ns;
  if (!probing_) return;
  errands_.at(now_ns() + settings_.probe_ns, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->probe_all();
  });
}

}  // namespace heddle
