// JobEvents: what happens to jobs and lanes, told to whoever subscribes.
//
// Each subscriber has a bounded queue of its own. One that does not keep up loses events, is told which, and slows nobody. Without subscribers an event costs one look at a count.
#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lanes/adaptive.h"
#include "lanes/errands.h"
#include "lanes/job_spec.h"

namespace heddle {

// Keys: queue.job.submitted, .started, .completed, .retry, .failed, .dead_lettered, .timeout, .cancelled, .preempted, .progress; queue.lane.pressure, .idle, .paused,
// .resumed, .alert; queue.shutdown.started, .drained.
struct JobEvent {
  uint64_t number = 0;  // of all events, from 1
  std::string key = {};
  std::string lane = {}, type = {};
  JobId job = 0;
  uint32_t attempt = 0;
  std::string text = {};     // error, or the message of a progress or an alert; an alert's kind is its type
  double percent = 0;
};

// An event as it is told: its texts are borrowed, and copied only for a subscriber that takes it.
struct JobNews {
  std::string_view key;
  std::string_view lane = {}, type = {};
  JobId job = 0;
  uint32_t attempt = 0;
  std::string_view text = {};
  double percent = 0;
};

struct EventFilter {
  std::string prefix = {};  // of the key
  std::string lane = {};    // empty: any
  JobId job = 0;            // 0: any
  bool takes(const JobNews& news) const;
};

class EventQueue {
 public:
  EventQueue(EventFilter filter, size_t most) : filter_(std::move(filter)), most_(most) {}
  // Before `event`, so many were lost; the numbers of the first and the last of them.
  struct Taken {
    uint64_t lost = 0, gap_from = 0, gap_to = 0;
    JobEvent event;
  };
  // [any] The next one, at most after `timeout_ms`; empty: none came.
  std::optional<Taken> take(uint64_t timeout_ms);
  // [any] What was lost after the last one that is queued; it is told once. Empty: nothing.
  struct Gap {
    uint64_t lost = 0, from = 0, to = 0;
  };
  std::optional<Gap> take_gap();
  // [any] Runs `then` once, as an errand, when there is something to take: soon, if there is already. The last one asked for counts.
  void when_some(Errands& errands, std::function<void()> then);
  // [any] Takes when_some() back: from its return on nothing of here touches the errands.
  void forget_when_some();

 private:
  friend class JobEvents;
  void offer(uint64_t number, const JobNews& news);

  const EventFilter filter_;
  const size_t most_;
  AdaptiveMutex mutex_;
  std::condition_variable came_;
  std::deque<Taken> waiting_;              // guarded by mutex_
  uint64_t lost_ = 0, lost_from_ = 0, lost_to_ = 0;  // guarded by mutex_: since the last one that was queued
  Errands* errands_ = nullptr;             // guarded by mutex_
  std::function<void()> then_;             // guarded by mutex_
};

class JobEvents {
 public:
  // [any] Ends when the last reference is gone.
  std::shared_ptr<EventQueue> subscribe(EventFilter filter, size_t most = 1'000);
  bool wanted() const { return count_.load(std::memory_order_relaxed) > 0; }
  // [any] Numbers it and hands it on.
  void tell(const JobNews& news);

 private:
  std::atomic<size_t> count_{0};
  AdaptiveMutex mutex_;
  // Guarded by mutex_:
  uint64_t last_number_ = 0;
  std::vector<std::weak_ptr<EventQueue>> queues_;
};

}  // namespace heddle
