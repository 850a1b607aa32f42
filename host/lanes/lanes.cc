#include "lanes/lanes.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <condition_variable>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "clock.h"
#include "lanes/reactor.h"
#include "lanes/schedule.h"
#include "log.h"

namespace heddle {

namespace {

// A worker's id is its number and the count of its jobs, so that an id names one job's stay on one thread.
constexpr unsigned kJobBits = 40;
constexpr WorkerId kGivenUp = UINT64_MAX;
thread_local WorkerId current_id = 0;

// A worker takes so many jobs at once that they last about this long, going by the lane's last ones.
constexpr uint64_t kBatchNs = 8'000;
constexpr uint32_t kBatchMost = 32;

constexpr size_t kMaxLanes = 4'096;

struct Times {
  Histogram waited, ran;
};

struct Worker {
  uint64_t number = 0;  // from 1
  std::thread thread;
  std::condition_variable wake;
  std::atomic<WorkerId> id{0};        // of the job it is in; 0: between jobs. Who sets it to kGivenUp has taken the worker off
  std::atomic<Job*> rest{nullptr};    // of its batch: taken, not begun. Whoever swaps it out has it
  std::atomic<uint64_t> ran{0};       // jobs of the batch that have ended
  uint64_t jobs = 0;                  // the thread's own: jobs begun in all
  // Guarded by Shared::mutex:
  LaneId lane = 0;                    // of its batch
  std::vector<std::unique_ptr<Times>> times;  // by lane; recorded by the worker without the mutex
  bool woken = false;
  bool given_up = false;
  bool ended = false;                 // its thread will touch nothing any more
};

// What the threads share. A given-up thread may outlive the Lanes: it holds this alive, and touches nothing else when its job returns.
struct Shared {
  explicit Shared(unsigned slots_) : slots(slots_), schedule(slots_) {}

  const unsigned slots;
  std::atomic<Job*> inbox{nullptr};            // posted and not yet in the schedule, last come first
  std::atomic<uint32_t> urgent{256};           // the highest lane that was posted to since the inbox was emptied
  std::atomic<size_t> sleepers{0};             // size of `parked`
  std::atomic<unsigned> waking{0};             // woken and not yet here
  Reactor* reactor = nullptr;                  // the pool's; set before the first worker is hired

  mutable std::mutex mutex;
  // Guarded by mutex:
  Schedule schedule;
  std::vector<uint64_t> run_ns;                // by lane: how long a job runs, a moving average
  std::vector<std::shared_ptr<Worker>> workers;  // the pool's, and those given up
  std::vector<Worker*> parked;                 // the last to park is woken first: its cache is warm
  uint64_t armed_ns = 0;                       // when `time_up` comes; 0: it is not asked for
  std::vector<std::unique_ptr<Times>> earlier_times;  // of workers that are gone
  uint64_t hired = 0;
  unsigned hung = 0;
  bool stopping = false;
  std::condition_variable gone;                // while stopping: a worker has ended, or was given up
  struct TimeUp : Job { Shared* shared = nullptr; } time_up;

  // By lane, for those who post: what they need of it without the mutex.
  struct Shown {
    std::atomic<uint8_t> priority{0};
    std::atomic<bool> preemptible{false};
    std::atomic<LaneFull> when_full{LaneFull::kReject};
    std::atomic<uint64_t> depth{0};
  };
  std::array<Shown, kMaxLanes> shown{};
  std::shared_mutex names_mutex;
  std::map<std::string, LaneId, std::less<>> names;  // guarded by names_mutex
  std::shared_ptr<const std::function<void(LaneId, LaneNotice)>> told;  // guarded by mutex

  Worker* to_wake_locked(uint64_t now);
  void empty_inbox_locked(uint64_t now);
  uint64_t to_arm_locked();
  void arm(uint64_t at_ns);
  void stir();
  // What is to be told once the mutex is let go.
  struct News {
    std::vector<Schedule::Notice> notices = {};
    std::shared_ptr<const std::function<void(LaneId, LaneNotice)>> told = {};
    void tell() const {
      for (const Schedule::Notice& notice : notices) (*told)(notice.lane, notice.kind);
    }
  };
  News news_locked();
  void post(LaneId lane, Job* job);
  bool take_over_locked(const Worker* thief, uint64_t now);
  void run_batch(Worker& me, uint8_t level, uint64_t now, Times& times);
  void share(Worker& me);
  void sleep(Worker& me, std::unique_lock<std::mutex>& lock);
  void end_batch_locked(Worker& me, uint64_t took_ns, uint64_t now);
  void work(Worker& me);
  void keep_times_locked(const std::vector<std::unique_ptr<Times>>& times);
};

// Where threads that never returned are kept when their pool is gone: a std::thread can be neither joined while it hangs nor destroyed
// before that. Never destroyed itself: such a process ends by _exit.
void keep_for_ever(std::thread thread) {
  static std::mutex mutex;
  static auto* const kept = new std::vector<std::thread>;
  std::lock_guard lock(mutex);
  kept->push_back(std::move(thread));
}

// The worker to notify, if there is work and a worker without any. One wake is under way at a time, and who arrives wakes the next: the
// posts of a burst do not each pay for a wake.
Worker* Shared::to_wake_locked(uint64_t now) {
  if (parked.empty() || waking.load() > 0 || !schedule.can_take(now)) return nullptr;
  Worker* const worker = parked.back();
  parked.pop_back();
  sleepers = parked.size();
  worker->woken = true;
  ++waking;
  return worker;
}

void Shared::empty_inbox_locked(uint64_t now) {
  urgent.store(256, std::memory_order_relaxed);
  Job* posted = inbox.exchange(nullptr, std::memory_order_acq_rel);
  Job* in_order = nullptr;
  while (posted) {
    Job* const next = posted->next;
    posted->next = in_order;
    in_order = posted;
    posted = next;
  }
  while (in_order) {
    Job* const next = in_order->next;
    schedule.push(in_order, now);
    in_order = next;
  }
}

// When somebody must look again although nothing was posted, if nobody will; 0: that is seen to.
uint64_t Shared::to_arm_locked() {
  const uint64_t at = schedule.next_ns();
  if (at == 0 || parked.empty() || stopping || (armed_ns != 0 && armed_ns <= at)) return 0;
  return armed_ns = at;
}

void Shared::arm(uint64_t at_ns) {
  if (at_ns != 0 && reactor) reactor->at(at_ns, Reactor::kAlarm, &time_up);
}

// Something may be able to start: wakes a worker for it.
void Shared::stir() {
  Worker* worker = nullptr;
  uint64_t at_ns = 0;
  News news;
  {
    std::lock_guard lock(mutex);
    if (stopping) return;
    const uint64_t now = now_ns();
    empty_inbox_locked(now);
    worker = to_wake_locked(now);
    at_ns = to_arm_locked();
    news = news_locked();
  }
  if (worker) worker->wake.notify_one();
  arm(at_ns);
  news.tell();
}

Shared::News Shared::news_locked() {
  if (!told) return {};
  return {schedule.take_notices(), told};
}

void Shared::post(LaneId lane, Job* job) {
  job->lane = lane;
  job->submitted_ns = now_ns();
  const uint32_t priority = shown[lane].priority.load(std::memory_order_relaxed);
  uint32_t seen = urgent.load(std::memory_order_relaxed);
  job->next = inbox.load(std::memory_order_relaxed);
  // Sequentially consistent against a worker that goes to sleep: either it sees this job, or this thread sees that it sleeps.
  while (!inbox.compare_exchange_weak(job->next, job)) {
  }
  while (priority < seen && !urgent.compare_exchange_weak(seen, priority, std::memory_order_relaxed)) {
  }
  if (sleepers.load() > 0 && waking.load() == 0) stir();
}

// Brings what other workers have taken and not begun back into the schedule.
bool Shared::take_over_locked(const Worker* thief, uint64_t now) {
  bool any = false;
  for (const auto& worker : workers) {
    if (worker.get() == thief) continue;
    Job* const rest = worker->rest.exchange(nullptr);
    if (!rest) continue;
    schedule.give_back({.lane = worker->lane, .first = rest}, now);
    any = true;
  }
  return any;
}

void Shared::run_batch(Worker& me, uint8_t level, uint64_t now, Times& times) {
  while (Job* const job = me.rest.exchange(nullptr, std::memory_order_acquire)) {
    Job* const next = job->next;
    me.rest.store(next);
    // As with a post: either a worker that goes to sleep sees this rest, or this one sees that it sleeps, and shares.
    if (next && sleepers.load() > 0 && waking.load() == 0) share(me);
    times.waited.record(now > job->submitted_ns ? now - job->submitted_ns : 0);
    const WorkerId id = current_id = me.number << kJobBits | (++me.jobs & ((uint64_t{1} << kJobBits) - 1));
    me.id.store(id, std::memory_order_release);
    job->run(job);
    WorkerId mine = id;
    if (!me.id.compare_exchange_strong(mine, 0, std::memory_order_acq_rel)) return;  // given up
    const uint64_t ended = now_ns();
    times.ran.record(ended - now);
    now = ended;
    me.ran.store(me.ran.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    if (urgent.load(std::memory_order_relaxed) < level) return;
  }
}

// Gives what a worker has not begun back, for one that sleeps.
void Shared::share(Worker& me) {
  {
    std::lock_guard lock(mutex);
    if (Job* const rest = me.rest.exchange(nullptr)) schedule.give_back({.lane = me.lane, .first = rest}, now_ns());
  }
  stir();
}

// [mutex held]
void Shared::sleep(Worker& me, std::unique_lock<std::mutex>& lock) {
  parked.push_back(&me);
  sleepers = parked.size();
  const auto rise = [&] {
    std::erase(parked, &me);
    sleepers = parked.size();
  };
  if (inbox.load() || take_over_locked(&me, now_ns())) return rise();
  if (const uint64_t at_ns = to_arm_locked()) {
    lock.unlock();
    arm(at_ns);
    lock.lock();
  }
  me.wake.wait(lock, [&] { return me.woken || stopping; });
  if (std::exchange(me.woken, false)) --waking;
  else rise();
}

// [mutex held]
void Shared::end_batch_locked(Worker& me, uint64_t took_ns, uint64_t now) {
  if (Job* const rest = me.rest.exchange(nullptr)) schedule.give_back({.lane = me.lane, .first = rest}, now);
  const uint64_t ran = me.ran.load(std::memory_order_acquire);
  schedule.done(me.lane, ran);
  if (ran == 0) return;
  uint64_t& average = run_ns[me.lane];
  average = (average * 3 + took_ns / ran) / 4;
  schedule.set_most(me.lane, static_cast<uint32_t>(std::clamp<uint64_t>(kBatchNs / std::max<uint64_t>(average, 1), 1, kBatchMost)));
}

void Shared::work(Worker& me) {
  std::unique_lock lock(mutex);
  while (!stopping) {
    const uint64_t now = now_ns();
    empty_inbox_locked(now);
    const Schedule::Batch batch = schedule.take(now, kBatchMost);
    if (batch.count == 0) {
      sleep(me, lock);
      continue;
    }
    me.lane = batch.lane;
    if (me.times.size() <= batch.lane) me.times.resize(schedule.lanes());
    if (!me.times[batch.lane]) me.times[batch.lane] = std::make_unique<Times>();
    Times& times = *me.times[batch.lane];
    me.ran.store(0, std::memory_order_relaxed);
    me.rest.store(batch.first, std::memory_order_release);
    Worker* const next = to_wake_locked(now);
    const uint64_t at_ns = to_arm_locked();
    const News news = news_locked();
    lock.unlock();
    if (next) next->wake.notify_one();
    arm(at_ns);
    news.tell();

    run_batch(me, batch.level, now, times);
    current_id = 0;

    const uint64_t ended = now_ns();
    lock.lock();
    if (me.given_up) {
      --hung;
      break;
    }
    end_batch_locked(me, ended - now, ended);
  }
  me.ended = true;
  gone.notify_all();
}

void Shared::keep_times_locked(const std::vector<std::unique_ptr<Times>>& times) {
  if (earlier_times.size() < times.size()) earlier_times.resize(times.size());
  for (size_t lane = 0; lane < times.size(); ++lane) {
    if (!times[lane]) continue;
    if (!earlier_times[lane]) earlier_times[lane] = std::make_unique<Times>();
    earlier_times[lane]->waited.add(times[lane]->waited);
    earlier_times[lane]->ran.add(times[lane]->ran);
  }
}

// Starts a worker. [Shared::mutex held]
void hire_locked(const std::shared_ptr<Shared>& shared) {
  auto worker = std::make_shared<Worker>();
  worker->number = ++shared->hired;
  try {
    worker->thread = std::thread([shared, worker] { shared->work(*worker); });
  } catch (const std::system_error& refused) {
    log::write(log::Level::kError, "", std::string("cannot start a worker thread: ") + refused.what());
    return;
  }
  shared->workers.push_back(std::move(worker));
}

// Forgets the given-up workers whose job has returned after all. [Shared::mutex held; an ended thread does not need it]
void bury_locked(Shared& shared) {
  std::erase_if(shared.workers, [&](const std::shared_ptr<Worker>& worker) {
    if (!worker->given_up || !worker->ended) return false;
    worker->thread.join();
    shared.keep_times_locked(worker->times);
    return true;
  });
}

unsigned slots_for(unsigned threads) { return threads ? threads : std::max(1u, std::thread::hardware_concurrency()); }

struct DefaultLane {
  const char* name;
  uint32_t priority, max_concurrency;
};
constexpr DefaultLane kDefaultLanes[] = {{"system", 0, 5}, {"control", 1, 3}, {"query", 2, 10}, {"session", 3, 5}, {"skill", 4, 3}, {"prompt", 5, 2},
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
      : shared(std::make_shared<Shared>(slots)), reactor([s = shared.get()](LaneId lane, Job* job) { s->post(lane, job); }) {}

  const std::shared_ptr<Shared> shared;
  Reactor reactor;
};

Lanes::Lanes(unsigned threads) : pool_(std::make_unique<Pool>(slots_for(threads))) {
  Shared& shared = *pool_->shared;
  shared.reactor = &pool_->reactor;
  shared.time_up.shared = &shared;
  shared.time_up.run = [](Job* job) noexcept {
    Shared& mine = *static_cast<Shared::TimeUp*>(job)->shared;
    {
      std::lock_guard lock(mine.mutex);
      mine.armed_ns = 0;
    }
    mine.stir();
  };
  for (const DefaultLane& lane : kDefaultLanes) {
    [[maybe_unused]] const auto added = add({.name = lane.name, .priority = lane.priority, .max_concurrency = lane.max_concurrency});
    assert(added);
  }
  std::lock_guard lock(shared.mutex);
  for (unsigned i = 0; i < shared.slots; ++i) hire_locked(pool_->shared);
}

Lanes::~Lanes() {
  assert(current_id == 0 && "a job must not destroy the scheduler that runs it");
  Shared& shared = *pool_->shared;
  {
    std::lock_guard lock(shared.mutex);
    shared.stopping = true;
    for (const auto& worker : shared.workers) worker->wake.notify_one();
  }
  // Nobody is hired or buried any more, so `workers` stands still; but a running job may still give another one up.
  for (const auto& worker : shared.workers) {
    std::unique_lock lock(shared.mutex);
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
  Shared& shared = *pool_->shared;
  {
    std::lock_guard lock(shared.mutex);
    if (!shared.schedule.find(config.name) && shared.schedule.lanes() == kMaxLanes) {
      return Error("too-many-lanes", "there are " + std::to_string(kMaxLanes) + " lanes already: lane \"" + config.name + "\" is refused", ErrorClass::kConfig);
    }
    const uint64_t now = now_ns();
    shared.empty_inbox_locked(now);
    auto added = shared.schedule.add(config, now);
    if (!added) return added;
    Shared::Shown& shown = shared.shown[*added];
    shown.priority.store(static_cast<uint8_t>(config.priority), std::memory_order_relaxed);
    shown.preemptible.store(config.preemptible, std::memory_order_relaxed);
    shown.when_full.store(config.when_full, std::memory_order_relaxed);
    shown.depth.store(config.depth, std::memory_order_relaxed);
    std::lock_guard names(shared.names_mutex);
    shared.names.emplace(config.name, *added);
    if (*added == shared.run_ns.size()) {
      shared.run_ns.push_back(kBatchNs);
      shared.schedule.set_most(*added, 1);
    }
  }
  shared.stir();  // a limit may have been raised
  return find(config.name).value();
}

std::optional<LaneId> Lanes::find(std::string_view name) const {
  std::shared_lock lock(pool_->shared->names_mutex);
  const auto found = pool_->shared->names.find(name);
  return found == pool_->shared->names.end() ? std::nullopt : std::optional(found->second);
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
  Shared& shared = *pool_->shared;
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
  Shared& shared = *pool_->shared;
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
  Shared& shared = *pool_->shared;
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
  Shared& shared = *pool_->shared;
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
  {
    std::lock_guard lock(pool_->shared->mutex);
    pool_->shared->schedule.release(lane);
  }
  pool_->shared->stir();
}

bool Lanes::has_free_worker() const { return pool_->shared->sleepers.load(std::memory_order_relaxed) > 0; }

void Lanes::on_notice(std::function<void(LaneId, LaneNotice)> told) {
  auto shared_told = std::make_shared<const std::function<void(LaneId, LaneNotice)>>(std::move(told));
  std::lock_guard lock(pool_->shared->mutex);
  pool_->shared->told = std::move(shared_told);
}

void Lanes::pause(LaneId lane) {
  Shared::News news;
  {
    std::lock_guard lock(pool_->shared->mutex);
    pool_->shared->schedule.pause(lane);
    if (pool_->shared->told) news = {{{lane, LaneNotice::kPaused}}, pool_->shared->told};
  }
  news.tell();
}

void Lanes::resume(LaneId lane) {
  Shared::News news;
  {
    std::lock_guard lock(pool_->shared->mutex);
    pool_->shared->schedule.resume(lane);
    if (pool_->shared->told) news = {{{lane, LaneNotice::kResumed}}, pool_->shared->told};
  }
  news.tell();
  pool_->shared->stir();
}

void Lanes::post(LaneId lane, Job* job) { pool_->shared->post(lane, job); }

TimerId Lanes::at(uint64_t when_ns, LaneId lane, Job* job) { return pool_->reactor.at(when_ns, lane, job); }
TimerId Lanes::alarm(uint64_t when_ns, Job* job) { return pool_->reactor.at(when_ns, Reactor::kAlarm, job); }
bool Lanes::cancel(TimerId timer) { return pool_->reactor.cancel(timer); }
Result<void> Lanes::when_readable(int fd, LaneId lane, Job* job) { return pool_->reactor.when_readable(fd, lane, job); }

WorkerId Lanes::current_worker() { return current_id; }

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
