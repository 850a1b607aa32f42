#include "plugin/worker_group.h"

#include <algorithm>
#include <utility>

#include "plugin/answer_of.h"

namespace heddle {
namespace {

constexpr uint64_t kRounds = 12;  // of probes after the last activity
constexpr std::string_view kEndings[] = {"done", "refused", "failed", "lost", "timed-out", "no-worker", "cancelled"};

}  // namespace

std::string_view name_of(ActivityAnswer::Ending ending) { return kEndings[static_cast<size_t>(ending)]; }

WorkerGroup::WorkerGroup(WorkerSettings settings, std::shared_ptr<SidecarHandle> sidecar, Errands& errands, std::vector<std::unique_ptr<WorkerProcess>> processes, std::unique_ptr<BrokerHandle> broker)
    : settings_(std::move(settings)), processes_(std::move(processes)), sidecar_(std::move(sidecar)), errands_(errands), pool_(settings_.endpoints, settings_.policy), last_used_ns_(now_ns()), broker_(std::move(broker)), workers_(settings_.endpoints.size()), absent_since_ns_(now_ns()) {}

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
  std::shared_ptr<BrokerHandle> broker;
  {
    std::lock_guard lock(mutex_);
    broker.swap(broker_);
  }
  broker.reset();  // what it has not answered is answered now
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
    making_room_.erase(making_room_.begin(), making_room_.begin() + static_cast<long>(std::min<size_t>(making_room_.size(), assignments)));
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
    workers_[worker].gone = why.text();
    workers_[worker].refused = why.code == "unsupported";
    if (absent_since_ns_ == 0 && !is_anybody_here()) absent_since_ns_ = now;
    arm();
  }
  pool_.probed(worker, false, why.text(), now);
}

void WorkerGroup::progressed(Id id, size_t run, const Value& said) {
  std::shared_ptr<const ActivityHearing> hearing;
  ActivityRun of;
  Value named;
  {
    std::lock_guard lock(mutex_);
    Activity* const a = find(id, run);
    if (!a) return;
    if (const Value checkpoint = said.find("checkpoint")) a->request.order.checkpoint = checkpoint.as_text().value_or("");
    if (!a->hearing->progress) return;
    hearing = a->hearing;
    of = a->runs.back();
    named = with_names(said, a->urls);
    a->telling = true;
  }
  hearing->progress(named, of);
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

bool WorkerGroup::is_anybody_here() const {
  return std::any_of(workers_.begin(), workers_.end(), [](const Worker& worker) { return worker.here; });
}

std::string WorkerGroup::absent_text(uint64_t now) const {
  std::string text = "no worker has been there for " + std::to_string((now - absent_since_ns_) / kNsPerMs) + " ms: ";
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
    all[i].refused = !workers_[i].here && workers_[i].refused;
  }
  return all;
}

size_t WorkerGroup::waiting() const {
  std::lock_guard lock(mutex_);
  return waiting_.size();
}

uint64_t WorkerGroup::slots() const {
  std::lock_guard lock(mutex_);
  uint64_t slots = 0;
  for (const Worker& worker : workers_) {
    const Value said = worker.here ? worker.facts.find("slots") : Value();
    if (said) slots += static_cast<uint64_t>(std::max<int64_t>(said.as_int().value_or(0), 0));
  }
  return slots;
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
