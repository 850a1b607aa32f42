#include "lanes/lanes.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "clock.h"
#include "lanes/workers.h"

namespace heddle {

namespace {

constinit thread_local HeldPosts* t_held_posts = nullptr;

// Where threads that never returned are kept when their pool is gone: a std::thread can be neither joined while it hangs nor destroyed
// before that. Never destroyed itself: such a process ends by _exit.
void keep_for_ever(std::thread thread) {
  static std::mutex mutex;
  static auto* const kept = new std::vector<std::thread>;
  std::lock_guard lock(mutex);
  kept->push_back(std::move(thread));
}

unsigned slots_for(unsigned threads) { return threads ? threads : std::max(1u, std::thread::hardware_concurrency()); }

struct DefaultLane {
  std::string_view name;
  uint32_t priority, max_concurrency;
};
constexpr DefaultLane kDefaultLanes[] = {{kOwnLane, 0, 5}, {"control", 1, 3}, {"query", 2, 10}, {"session", 3, 5}, {"skill", 4, 3}, {"prompt", 5, 2},
                                         {"default", 3, LaneConfig::kNoLimit}};

}  // namespace

LaneConfig default_lane(std::string_view name) {
  LaneConfig out{.name = std::string(name)};
  for (const DefaultLane& lane : kDefaultLanes) {
    if (lane.name == name) out.priority = lane.priority, out.max_concurrency = lane.max_concurrency;
  }
  return out;
}

struct Lanes::Pool {
  explicit Pool(unsigned slots)
      : shared(std::make_shared<Workers>(slots)), reactor([s = shared.get()](LaneId lane, Job* job) { s->post(lane, job); }) {}

  const std::shared_ptr<Workers> shared;
  Reactor reactor;
};

Lanes::Lanes(unsigned threads) : pool_(std::make_unique<Pool>(slots_for(threads))) {
  Workers& shared = *pool_->shared;
  shared.reactor = &pool_->reactor;
  shared.time_up.owner = &shared;
  shared.time_up.run = [](Job* job) noexcept {
    Workers& mine = *static_cast<Workers::TimeUp*>(job)->owner;
    {
      std::lock_guard lock(mine.mutex);
      mine.armed_ns = 0;
    }
    mine.stir();
  };
  for (const DefaultLane& lane : kDefaultLanes) {
    [[maybe_unused]] const auto added = add({.name = std::string(lane.name), .priority = lane.priority, .max_concurrency = lane.max_concurrency});
    assert(added);
  }
  std::lock_guard lock(shared.mutex);
  for (unsigned i = 0; i < shared.slots; ++i) hire_locked(pool_->shared);
}

Lanes::~Lanes() {
  assert(t_current_worker == 0 && "a job must not destroy the scheduler that runs it");
  Workers& shared = *pool_->shared;
  {
    std::lock_guard lock(shared.mutex);
    shared.stopping = true;
    for (const auto& worker : shared.workers) worker->wake.notify_one();
  }
  // Nobody is hired or buried any more, so `workers` stands still; but a running job may still give another one up.
  for (const auto& worker : shared.workers) {
    std::unique_lock<std::mutex> lock(shared.mutex);
    shared.gone.wait(lock, [&] { return worker->ended || worker->given_up; });
    const bool ended = worker->ended;
    lock.unlock();
    if (ended)
      worker->thread.join();
    else
      keep_for_ever(std::move(worker->thread));
  }
  pool_->reactor.close();
}

Result<LaneId> Lanes::add(const LaneConfig& config) {
  Workers& shared = *pool_->shared;
  {
    std::lock_guard lock(shared.mutex);
    if (!shared.schedule.find(config.name) && shared.schedule.lanes() == kMaxLanes) {
      return Error("too-many-lanes", "there are " + std::to_string(kMaxLanes) + " lanes already: lane \"" + config.name + "\" is refused", ErrorClass::kConfig);
    }
    const uint64_t now = now_ns();
    shared.empty_inbox_locked(now);
    auto added = shared.schedule.add(config, now);
    if (!added) return added;
    Workers::Shown& shown = shared.shown[*added];
    shown.priority.store(static_cast<uint8_t>(config.priority), std::memory_order_relaxed);
    shown.preemptible.store(config.preemptible, std::memory_order_relaxed);
    shown.when_full.store(config.when_full, std::memory_order_relaxed);
    shown.depth.store(config.depth, std::memory_order_relaxed);
    shared.names.add(config.name, *added);
    if (*added == shared.run_ns.size()) {
      shared.run_ns.push_back(kBatchNs);
      shared.schedule.set_most(*added, 1);
    }
  }
  shared.stir();  // a limit may have been raised
  return find(config.name).value();
}

std::optional<LaneId> Lanes::find(std::string_view name) const {
  const auto* const found = pool_->shared->names.find(name);
  return found ? std::optional(found->value) : std::nullopt;
}

LaneConfig Lanes::config(LaneId lane) const {
  std::lock_guard lock(pool_->shared->mutex);
  return pool_->shared->schedule.config(lane);
}

std::string Lanes::name(LaneId lane) const {
  std::lock_guard lock(pool_->shared->mutex);
  return pool_->shared->schedule.config(lane).name;
}

uint64_t Lanes::oldest_ns(LaneId lane) const {
  std::lock_guard lock(pool_->shared->mutex);
  pool_->shared->empty_inbox_locked(now_ns());
  return pool_->shared->schedule.stats(lane).oldest_ns;
}

uint32_t Lanes::priority(LaneId lane) const { return pool_->shared->shown[lane].priority.load(std::memory_order_relaxed); }
bool Lanes::is_preemptible(LaneId lane) const { return pool_->shared->shown[lane].preemptible.load(std::memory_order_relaxed); }
uint64_t Lanes::depth(LaneId lane) const { return pool_->shared->shown[lane].depth.load(std::memory_order_relaxed); }
LaneFull Lanes::when_full(LaneId lane) const { return pool_->shared->shown[lane].when_full.load(std::memory_order_relaxed); }

std::vector<LaneStats> Lanes::stats() const {
  Workers& shared = *pool_->shared;
  std::lock_guard lock(shared.mutex);
  shared.empty_inbox_locked(now_ns());
  std::vector<LaneStats> all;
  for (LaneId lane = 0; lane < shared.schedule.lanes(); ++lane) all.push_back(shared.schedule.stats(lane));
  return all;
}

LaneTimes Lanes::times(LaneId lane) const {
  LaneTimes sum;
  const auto add = [&](const std::vector<std::unique_ptr<Times>>& times) {
    if (lane >= times.size() || !times[lane]) return;
    sum.waited.add(times[lane]->waited);
    sum.ran.add(times[lane]->ran);
  };
  std::lock_guard lock(pool_->shared->mutex);
  add(pool_->shared->earlier_times);
  for (const auto& worker : pool_->shared->workers) add(worker->times);
  return sum;
}

unsigned Lanes::threads() const { return pool_->shared->slots; }

void Lanes::post_at(uint64_t when_ns, LaneId lane, Job* job) {
  Workers& shared = *pool_->shared;
  job->lane = lane;
  job->submitted_ns = now_ns();
  uint64_t at_ns = 0;
  {
    std::lock_guard lock(shared.mutex);
    if (shared.stopping) return;
    shared.schedule.delay(job, when_ns);
    at_ns = shared.to_arm_locked();
  }
  shared.arm(at_ns);
}

bool Lanes::cancel(Job* job) {
  Workers& shared = *pool_->shared;
  bool cancelled = false, stirred = false;
  {
    std::lock_guard lock(shared.mutex);
    const uint64_t now = now_ns();
    shared.empty_inbox_locked(now);
    cancelled = shared.schedule.cancel(job);
    if (!cancelled && (stirred = shared.take_over_locked(nullptr, now))) cancelled = shared.schedule.cancel(job);
  }
  if (stirred) shared.stir();
  return cancelled;
}

Job* Lanes::take_oldest(LaneId lane) {
  Workers& shared = *pool_->shared;
  std::lock_guard lock(shared.mutex);
  shared.empty_inbox_locked(now_ns());
  Job* const oldest = shared.schedule.oldest(lane);
  return oldest && shared.schedule.cancel(oldest) ? oldest : nullptr;
}

void Lanes::hold(LaneId lane) {
  std::lock_guard lock(pool_->shared->mutex);
  pool_->shared->schedule.hold(lane);
}

void Lanes::release(LaneId lane) {
  pool_->shared->stir([&](Schedule& schedule) { schedule.release(lane); });
}

bool Lanes::has_free_worker() const { return pool_->shared->sleepers.load(std::memory_order_relaxed) > 0; }

void Lanes::on_notice(std::function<void(LaneId, LaneNotice)> told) {
  auto shared_told = std::make_shared<const std::function<void(LaneId, LaneNotice)>>(std::move(told));
  std::lock_guard lock(pool_->shared->mutex);
  pool_->shared->told = std::move(shared_told);
}

void Lanes::pause(LaneId lane) {
  Workers::News news;
  {
    std::lock_guard lock(pool_->shared->mutex);
    pool_->shared->schedule.pause(lane);
    if (pool_->shared->told) news = {{{lane, LaneNotice::kPaused}}, pool_->shared->told};
  }
  news.tell();
}

void Lanes::resume(LaneId lane) {
  Workers::News news;
  {
    std::lock_guard lock(pool_->shared->mutex);
    pool_->shared->schedule.resume(lane);
    if (pool_->shared->told) news = {{{lane, LaneNotice::kResumed}}, pool_->shared->told};
  }
  news.tell();
  pool_->shared->stir();
}

void Lanes::post(LaneId lane, Job* job) {
  Workers* const workers = pool_->shared.get();
  HeldPosts* const held = t_held_posts;
  if (!held || (held->to_ && held->to_ != workers)) return workers->post(lane, job);
  held->to_ = workers;
  job->lane = lane;
  job->next = nullptr;
  *std::exchange(held->last_, &job->next) = job;
}

HeldPosts::HeldPosts() : is_outer_(t_held_posts == nullptr) {
  if (is_outer_) t_held_posts = this;
}

HeldPosts::~HeldPosts() {
  if (!is_outer_) return;
  t_held_posts = nullptr;
  for (Job* job = first_; job;) {
    Job* const next = job->next;  // once it is posted it is not ours
    to_->post(job->lane, job);
    job = next;
  }
}

TimerId Lanes::at(uint64_t when_ns, LaneId lane, Job* job) { return pool_->reactor.at(when_ns, lane, job); }
TimerId Lanes::alarm(uint64_t when_ns, Job* job) { return pool_->reactor.at(when_ns, Reactor::kAlarm, job); }
bool Lanes::cancel(TimerId timer) { return pool_->reactor.cancel(timer); }
Result<void> Lanes::when_readable(int fd, LaneId lane, Job* job) { return pool_->reactor.when_readable(fd, lane, job); }

WorkerId Lanes::current_worker() { return t_current_worker; }

bool Lanes::abandon(WorkerId id) {
  const auto& shared = pool_->shared;
  {
    std::lock_guard lock(shared->mutex);
    const auto found = std::find_if(shared->workers.begin(), shared->workers.end(), [&](const auto& worker) { return worker->id == id; });
    if (id == 0 || id == kGivenUp || found == shared->workers.end()) return false;
    Worker& worker = **found;
    WorkerId expected = id;
    if (!worker.id.compare_exchange_strong(expected, kGivenUp, std::memory_order_acq_rel)) return false;
    worker.given_up = true;
    ++shared->hung;
    if (Job* const rest = worker.rest.exchange(nullptr)) shared->schedule.give_back({.lane = worker.lane, .first = rest}, now_ns());
    shared->schedule.done(worker.lane, worker.ran.load(std::memory_order_acquire));
    if (shared->stopping) {
      shared->gone.notify_all();
      return true;
    }
    bury_locked(*shared);
    hire_locked(shared);
  }
  shared->stir();
  return true;
}

unsigned Lanes::abandoned() const {
  std::lock_guard lock(pool_->shared->mutex);
  return pool_->shared->hung;
}

}  // namespace heddle
