// Job: one piece of work waiting in or running on a lane, as the scheduler sees it; and a list of them.
#pragma once
#include <cassert>
#include <cstddef>
#include <cstdint>

namespace heddle {

using LaneId = uint32_t;

// The poster keeps it alive from post until `run` is entered; `run` may post it again, or free it. The first five members are the poster's, the rest is the
// scheduler's while the job is posted.
struct Job {
  void (*run)(Job*) noexcept = nullptr;
  uint64_t key = 0;        // of a lane that is fair by key
  uint64_t due_ns = 0;     // CLOCK_MONOTONIC; for the lane's boost. 0: as the lane says
  uint8_t priority = 0;    // of a lane that is ordered by priority; 0 is the highest
  bool may_be_shed = false;

  enum class Place : uint8_t { kElsewhere, kDelayed, kWaiting };
  Place place = Place::kElsewhere;
  uint8_t level = 0;            // while waiting: the priority it waits at, after boosts
  LaneId lane = 0;
  Job* next = nullptr;          // in the inbox, a queue, or a batch
  Job* previous = nullptr;      // in a queue
  Job* older = nullptr;         // in the lane's list by age, where it keeps one
  Job* younger = nullptr;
  uint64_t submitted_ns = 0;
  uint64_t number = 0;          // its place in the order of arrival, from when it first waited
  uint64_t alarm_ns = 0;        // when delayed: its time; when waiting: the next boost
  size_t alarm_place = SIZE_MAX;
};

// A doubly linked list through two of a job's members. It owns nothing.
template <Job* Job::*Next, Job* Job::*Previous>
class LinkedJobs {
 public:
  bool empty() const { return !first_; }
  Job* first() const { return first_; }
  void push_back(Job* job) {
    job->*Next = nullptr;
    job->*Previous = last_;
    (last_ ? last_->*Next : first_) = job;
    last_ = job;
  }
  // Before the first that arrived later; from the front, for those that have been at the front before.
  void put_back(Job* job) {
    Job* after = first_;
    while (after && after->number < job->number) after = after->*Next;
    Job* const before = after ? after->*Previous : last_;
    job->*Previous = before;
    job->*Next = after;
    (before ? before->*Next : first_) = job;
    (after ? after->*Previous : last_) = job;
  }
  Job* pop_front() {
    Job* const job = first_;
    remove(job);
    return job;
  }
  void remove(Job* job) {
    (job->*Previous ? job->*Previous->*Next : first_) = job->*Next;
    (job->*Next ? job->*Next->*Previous : last_) = job->*Previous;
    job->*Next = job->*Previous = nullptr;
  }

 private:
  Job* first_ = nullptr;
  Job* last_ = nullptr;
};
using JobList = LinkedJobs<&Job::next, &Job::previous>;
using AgeList = LinkedJobs<&Job::younger, &Job::older>;

}  // namespace heddle
