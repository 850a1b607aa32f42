#include "lanes/workers.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "clock.h"
#include "lanes/held_wakes.h"
#include "log.h"

namespace heddle {

namespace held_wakes {
namespace {
constinit thread_local Workers* t_mine = nullptr;  // whose jobs this thread runs
constinit thread_local bool t_owed = false;
}  // namespace

constinit thread_local bool t_holds = false;

void begin() noexcept { t_holds = t_mine != nullptr; }
void tell() noexcept {
  if (std::exchange(t_owed, false)) t_mine->stir();
}
void stop() noexcept {
  t_holds = false;
  tell();
}
}  // namespace held_wakes


// The worker to notify, if there is work and a worker without any. One wake is under way at a time, and who arrives wakes the next: the
// posts of a burst do not each pay for a wake.
Worker* Workers::to_wake_locked(uint64_t now) {
  if (parked.empty() || waking.load() > 0 || !schedule.can_take(now)) return nullptr;
  Worker* const worker = parked.back();
  parked.pop_back();
  sleepers = parked.size();
  worker->woken = true;
  ++waking;
  return worker;
}

void Workers::empty_inbox_locked(uint64_t now) {
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
uint64_t Workers::to_arm_locked() {
  const uint64_t at = schedule.next_ns();
  if (at == 0 || parked.empty() || stopping || (armed_ns != 0 && armed_ns <= at)) return 0;
  return armed_ns = at;
}

void Workers::arm(uint64_t at_ns) {
  if (at_ns != 0 && reactor) reactor->at(at_ns, Reactor::kAlarm, &time_up);
}

void Workers::stir(const std::function<void(Schedule&)>& before) {
  Worker* worker = nullptr;
  uint64_t at_ns = 0;
  News news;
  {
    std::lock_guard lock(mutex);
    if (before) before(schedule);
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

Workers::News Workers::news_locked() {
  if (!told) return {};
  return {schedule.take_notices(), told};
}

void Workers::post(LaneId lane, Job* job) {
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
  if (sleepers.load() == 0 || waking.load() > 0) return;
  if (held_wakes::t_holds && held_wakes::t_mine == this) held_wakes::t_owed = true;
  else stir();
}

// Brings what other workers have taken and not begun back into the schedule.
bool Workers::take_over_locked(const Worker* thief, uint64_t now) {
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

void Workers::run_batch(Worker& me, uint8_t level, uint64_t now, Times& times) {
  while (Job* const job = me.rest.exchange(nullptr, std::memory_order_acquire)) {
    Job* const next = job->next;
    me.rest.store(next);
    // As with a post: either a worker that goes to sleep sees this rest, or this one sees that it sleeps, and shares.
    if (next && sleepers.load() > 0 && waking.load() == 0) share(me);
    times.waited.record(now > job->submitted_ns ? now - job->submitted_ns : 0);
    const WorkerId id = t_current_worker = me.number << kJobBits | (++me.jobs & ((uint64_t{1} << kJobBits) - 1));
    me.id.store(id, std::memory_order_release);
    job->run(job);
    held_wakes::t_holds = false;
    if (std::exchange(held_wakes::t_owed, false) && next) stir();  // else this worker looks right now
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
void Workers::share(Worker& me) {
  {
    std::lock_guard lock(mutex);
    if (Job* const rest = me.rest.exchange(nullptr)) schedule.give_back({.lane = me.lane, .first = rest}, now_ns());
  }
  stir();
}

// [mutex held]
void Workers::sleep(Worker& me, std::unique_lock<std::mutex>& lock) {
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
void Workers::end_batch_locked(Worker& me, uint64_t took_ns, uint64_t now) {
  if (Job* const rest = me.rest.exchange(nullptr)) schedule.give_back({.lane = me.lane, .first = rest}, now);
  const uint64_t ran = me.ran.load(std::memory_order_acquire);
  schedule.done(me.lane, ran);
  if (ran == 0) return;
  uint64_t& average = run_ns[me.lane];
  average = (average * 3 + took_ns / ran) / 4;
  schedule.set_most(me.lane, static_cast<uint32_t>(std::clamp<uint64_t>(kBatchNs / std::max<uint64_t>(average, 1), 1, kBatchMost)));
}

void Workers::work(Worker& me) {
  held_wakes::t_mine = this;
  std::unique_lock<std::mutex> lock(mutex);
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
    t_current_worker = 0;

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

void Workers::keep_times_locked(const std::vector<std::unique_ptr<Times>>& times) {
  if (earlier_times.size() < times.size()) earlier_times.resize(times.size());
  for (size_t lane = 0; lane < times.size(); ++lane) {
    if (!times[lane]) continue;
    if (!earlier_times[lane]) earlier_times[lane] = std::make_unique<Times>();
    earlier_times[lane]->waited.add(times[lane]->waited);
    earlier_times[lane]->ran.add(times[lane]->ran);
  }
}

void hire_locked(const std::shared_ptr<Workers>& shared) {
  auto worker = std::make_shared<Worker>();
  worker->number = ++shared->hired;
  try {
    worker->thread = std::thread([shared, worker] { shared->work(*worker); });
    pthread_setname_np(worker->thread.native_handle(), "heddle-worker");  // for who looks at the process
  } catch (const std::system_error& refused) {
    log::write(log::Level::kError, "", std::string("cannot start a worker thread: ") + refused.what());
    return;
  }
  shared->workers.push_back(std::move(worker));
}

void bury_locked(Workers& shared) {
  std::erase_if(shared.workers, [&](const std::shared_ptr<Worker>& worker) {
    if (!worker->given_up || !worker->ended) return false;
    worker->thread.join();
    shared.keep_times_locked(worker->times);
    return true;
  });
}

}  // namespace heddle
