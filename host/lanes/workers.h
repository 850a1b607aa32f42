// Workers: the pool of threads behind Lanes, and what they share. Of lanes' own files.
#pragma once
#include <array>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "histogram.h"
#include "lanes/adaptive.h"
#include "lanes/lanes.h"
#include "lanes/name_table.h"
#include "lanes/reactor.h"
#include "lanes/schedule.h"

namespace heddle {

// A worker's id is its number and the count of its jobs, so that an id names one job's stay on one thread.
inline constexpr unsigned kJobBits = 40;
inline constexpr WorkerId kGivenUp = UINT64_MAX;
inline constinit thread_local WorkerId t_current_worker = 0;

// A worker takes so many jobs at once that they last about this long, going by the lane's last ones.
inline constexpr uint64_t kBatchNs = 8'000;
inline constexpr uint32_t kBatchMost = 32;

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
  // Guarded by Workers::mutex:
  LaneId lane = 0;                    // of its batch
  std::vector<std::unique_ptr<Times>> times;  // by lane; recorded by the worker without the mutex
  bool woken = false;
  bool given_up = false;
  bool ended = false;                 // its thread will touch nothing any more
};

// What the threads share. A given-up thread may outlive the Lanes: it holds this alive, and touches nothing else when its job returns.
struct Workers {
  explicit Workers(unsigned slots_) : slots(slots_), schedule(slots_) {}

  const unsigned slots;
  std::atomic<Job*> inbox{nullptr};            // posted and not yet in the schedule, last come first
  std::atomic<uint32_t> urgent{256};           // the highest lane that was posted to since the inbox was emptied
  std::atomic<size_t> sleepers{0};             // size of `parked`
  std::atomic<unsigned> waking{0};             // woken and not yet here
  Reactor* reactor = nullptr;                  // the pool's; set before the first worker is hired

  mutable AdaptiveMutex mutex;
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
  struct TimeUp : Job { Workers* owner = nullptr; } time_up;

  // By lane, for those who post: what they need of it without the mutex.
  struct Shown {
    std::atomic<uint8_t> priority{0};
    std::atomic<bool> preemptible{false};
    std::atomic<LaneFull> when_full{LaneFull::kReject};
    std::atomic<uint64_t> depth{0};
  };
  std::array<Shown, kMaxLanes> shown{};
  NameTable<LaneId> names;  // added to under mutex
  std::shared_ptr<const std::function<void(LaneId, LaneNotice)>> told;  // guarded by mutex

  Worker* to_wake_locked(uint64_t now);
  void empty_inbox_locked(uint64_t now);
  uint64_t to_arm_locked();
  void arm(uint64_t at_ns);
  // Something may be able to start: wakes a worker for it. `before` is called with the mutex held.
  void stir(const std::function<void(Schedule&)>& before = nullptr);
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

// Starts a worker. [Workers::mutex held]
void hire_locked(const std::shared_ptr<Workers>& workers);
// Forgets the given-up workers whose job has returned after all. [Workers::mutex held; an ended thread does not need it]
void bury_locked(Workers& workers);

}  // namespace heddle
