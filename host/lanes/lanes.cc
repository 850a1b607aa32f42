#include "lanes/lanes.h"

#include <algorithm>
#include <cassert>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "lanes/reactor.h"
#include "lanes/schedule.h"
#include "log.h"

namespace heddle {

namespace {

// A worker's id is its number and the count of its jobs, so that an id names one job's stay on one thread.
constexpr unsigned kJobBits = 40;
thread_local WorkerId current_id = 0;

struct Worker {
  uint64_t number = 0;  // from 1
  std::thread thread;
  std::condition_variable wake;
  // Guarded by Shared::mutex.
  WorkerId id = 0;  // 0: between jobs
  LaneId lane = 0;  // while in a job
  bool woken = false;
  bool given_up = false;
  bool ended = false;  // its thread will touch nothing any more
};

// What the threads share. A given-up thread may outlive the Lanes: it holds this alive, and touches nothing else when its job returns.
struct Shared {
  explicit Shared(unsigned slots) : schedule(slots) {}

  mutable std::mutex mutex;
  Schedule schedule;
  std::vector<std::shared_ptr<Worker>> workers;  // the pool's, and those given up
  std::vector<Worker*> parked;                   // the last to park is woken first: its cache is warm
  uint64_t hired = 0;
  unsigned waking = 0;  // woken and not yet here
  unsigned hung = 0;
  bool stopping = false;
  std::condition_variable gone;  // while stopping: a worker has ended, or was given up

  Worker* to_wake_locked();
  void post(LaneId lane, Job* job);
  void work(Worker& me);
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
Worker* Shared::to_wake_locked() {
  if (parked.empty() || waking > 0 || !schedule.can_take()) return nullptr;
  Worker* const worker = parked.back();
  parked.pop_back();
  worker->woken = true;
  ++waking;
  return worker;
}

void Shared::post(LaneId lane, Job* job) {
  Worker* worker = nullptr;
  {
    std::lock_guard lock(mutex);
    if (stopping) return;
    schedule.push(lane, job);
    worker = to_wake_locked();
  }
  if (worker) worker->wake.notify_one();
}

void Shared::work(Worker& me) {
  uint64_t jobs = 0;
  std::unique_lock lock(mutex);
  while (!stopping) {
    const Schedule::Taken taken = schedule.take();
    if (!taken.job) {
      parked.push_back(&me);
      me.wake.wait(lock, [&] { return me.woken || stopping; });
      if (std::exchange(me.woken, false)) --waking;
      continue;
    }
    me.id = current_id = me.number << kJobBits | (++jobs & ((uint64_t{1} << kJobBits) - 1));
    me.lane = taken.lane;
    Worker* const next = to_wake_locked();
    lock.unlock();
    if (next) next->wake.notify_one();
    taken.job->run(taken.job);
    lock.lock();
    me.id = current_id = 0;
    if (me.given_up) {
      --hung;
      break;
    }
    schedule.done(taken.lane, true);
  }
  me.ended = true;
  gone.notify_all();
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
  std::erase_if(shared.workers, [](const std::shared_ptr<Worker>& worker) {
    if (!worker->given_up || !worker->ended) return false;
    worker->thread.join();
    return true;
  });
}

unsigned slots_for(unsigned threads) { return threads ? threads : std::max(1u, std::thread::hardware_concurrency()); }

const LaneConfig kDefaultLanes[] = {{"system", 0, 0, 5}, {"control", 1, 0, 3}, {"query", 2, 0, 10}, {"session", 3, 0, 5},
                                    {"skill", 4, 0, 3},  {"prompt", 5, 0, 2},  {"default", 3, 0, 0}};

}  // namespace

struct Lanes::Pool {
  explicit Pool(unsigned slots_)
      : slots(slots_),
        shared(std::make_shared<Shared>(slots)),
        reactor([s = shared.get()](LaneId lane, Job* job) { s->post(lane, job); }) {}

  const unsigned slots;
  const std::shared_ptr<Shared> shared;
  Reactor reactor;
};

Lanes::Lanes(unsigned threads) : pool_(std::make_unique<Pool>(slots_for(threads))) {
  for (const LaneConfig& lane : kDefaultLanes) {
    [[maybe_unused]] const auto added = pool_->shared->schedule.add(lane);
    assert(added);
  }
  std::lock_guard lock(pool_->shared->mutex);
  for (unsigned i = 0; i < pool_->slots; ++i) hire_locked(pool_->shared);
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
  Worker* worker = nullptr;
  Result<LaneId> id = [&] {
    std::lock_guard lock(pool_->shared->mutex);
    auto added = pool_->shared->schedule.add(config);
    worker = pool_->shared->to_wake_locked();  // a limit may have been raised
    return added;
  }();
  if (worker) worker->wake.notify_one();
  return id;
}

std::optional<LaneId> Lanes::find(std::string_view name) const {
  std::lock_guard lock(pool_->shared->mutex);
  return pool_->shared->schedule.find(name);
}

std::vector<LaneStats> Lanes::stats() const {
  std::lock_guard lock(pool_->shared->mutex);
  return pool_->shared->schedule.stats();
}

unsigned Lanes::threads() const { return pool_->slots; }

void Lanes::post(LaneId lane, Job* job) { pool_->shared->post(lane, job); }

TimerId Lanes::at(uint64_t when_ns, LaneId lane, Job* job) { return pool_->reactor.at(when_ns, lane, job); }
TimerId Lanes::alarm(uint64_t when_ns, Job* job) { return pool_->reactor.at(when_ns, Reactor::kAlarm, job); }
bool Lanes::cancel(TimerId timer) { return pool_->reactor.cancel(timer); }
Result<void> Lanes::when_readable(int fd, LaneId lane, Job* job) { return pool_->reactor.when_readable(fd, lane, job); }

WorkerId Lanes::current_worker() { return current_id; }

bool Lanes::abandon(WorkerId id) {
  const auto& shared = pool_->shared;
  std::lock_guard lock(shared->mutex);
  const auto found = std::find_if(shared->workers.begin(), shared->workers.end(), [&](const auto& worker) { return worker->id == id; });
  if (id == 0 || found == shared->workers.end() || (*found)->given_up) return false;
  Worker& worker = **found;
  worker.given_up = true;
  ++shared->hung;
  shared->schedule.done(worker.lane, false);
  if (shared->stopping) {
    shared->gone.notify_all();
    return true;
  }
  bury_locked(*shared);
  hire_locked(shared);
  return true;
}

unsigned Lanes::abandoned() const {
  std::lock_guard lock(pool_->shared->mutex);
  return pool_->shared->hung;
}

}  // namespace heddle
