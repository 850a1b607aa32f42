// How activities get from those that wait to a worker that has room.
#include <algorithm>
#include <tuple>
#include <utility>

#include "plugin/worker_group.h"

namespace heddle {
namespace {

constexpr uint64_t kUrlMarginNs = 60 * kNsPerSecond, kLongestUrlNs = 7 * 24 * 3'600 * kNsPerSecond;
constexpr size_t kMostAtOnce = 64;  // assignments in a row by one thread
constexpr uint64_t kMakeRoomNs = 5 * kNsPerSecond;  // so long one is waited for that is to make room

bool is_url(std::string_view ref) { return ref.starts_with("http://") || ref.starts_with("https://"); }

}  // namespace

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
  if (preemptible_ == 0) return;
  const uint64_t now = now_ns();
  while (!making_room_.empty() && making_room_.front() <= now) making_room_.pop_front();
  if (making_room_.size() >= waiting_.size()) return look_again_for_room();
  Activity* lowest = nullptr;
  for (const auto& [id, a] : open_)
    if (a->state == State::kAssigned && a->request.preemptible && a->assignment != 0 && (!lowest || a->request.priority >= lowest->request.priority)) lowest = a.get();
  if (!lowest) return;
  const auto higher = static_cast<size_t>(std::distance(waiting_.begin(), waiting_.lower_bound({lowest->request.priority, 0})));
  if (making_room_.size() >= higher) return look_again_for_room();
  lowest->state = State::kEnding;
  lowest->makes_room = true;
  making_room_.push_back(now + kMakeRoomNs);
  set_due(*lowest, lowest->until_ns);
  // Who does not obey is not cut off for it: its slot would be no use to anybody.
  after.dropped.push_back({lowest->assignment, "it makes room for a higher lane", lowest->until_ns - std::min(now, lowest->until_ns)});
  look_again_for_room();
}

// Who was asked may be deaf: then another one is.
void WorkerGroup::look_again_for_room() {
  if (making_room_.empty() || waiting_.empty()) return;
  Activity& first = *open_.find(waiting_.begin()->second)->second;
  set_due(first, std::min(first.until_ns, making_room_.front()));
  arm();
}

void WorkerGroup::send(Sending sending) {
  std::shared_ptr<BrokerHandle> broker;
  {
    std::lock_guard lock(mutex_);
    broker = broker_;
  }
  if (broker) ask_broker(*broker, std::move(sending));
  else assign_to_worker(sending);
}

// A worker gets URLs that are good for as long as its run may take, and no name of an object.
void WorkerGroup::ask_broker(BrokerHandle& broker, Sending sending) {
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
  for (const auto& [method, object, where] : wanted) granting->names.emplace_back(where, object);
  if (wanted.empty()) return assign_to_worker(granting->sending);
  for (const auto& [method, object, where] : wanted)
    broker.grant(method, object, lifetime, [self = shared_from_this(), granting, name = object, to = where](Result<GrantedUrl> url) { self->put_url(granting, name, to, std::move(url)); });
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
      a->urls.clear();
      for (const auto& [where, object] : granting.names) a->urls.emplace_back(*where, object);
    } else {
      if (workers_[sending.worker].here) ++workers_[sending.worker].credit;  // it was not used
      if (a && !granting.failed) granting.failed = Error("no-url", "its URLs came too late", ErrorClass::kRetryable);
      if (a) a->state = State::kAssigned;  // no worker had it, whatever its time limit says
      if (a) settle(*a, *granting.failed, now_ns(), after);
      arm();
    }
  }
  if (is_ready) assign_to_worker(sending);
  carry_out(std::move(after));
  pump();  // meanwhile others may have come, or the worker may have gone
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

}  // namespace heddle
