#include "lanes/lane_queue.h"

namespace heddle {

// Into the ring, as the last to have its turn.
void LaneQueue::stand(Turn& turn) {
  if (!first_turn_) {
    first_turn_ = turn.next = turn.previous = &turn;
    return;
  }
  turn.next = first_turn_;
  turn.previous = first_turn_->previous;
  turn.previous->next = turn.next->previous = &turn;
}

void LaneQueue::leave(uint64_t key, Turn& turn) {
  if (first_turn_ == &turn) first_turn_ = turn.next == &turn ? nullptr : turn.next;
  turn.previous->next = turn.next;
  turn.next->previous = turn.previous;
  turns_.erase(key);
}

void LaneQueue::push(Job* job) {
  ++size_;
  switch (order_) {
    case LaneOrder::kFifo: return jobs_.push_back(job);
    case LaneOrder::kPriority: return by_priority_[job->priority].push_back(job);
    case LaneOrder::kFair: break;
  }
  Turn& turn = turns_[job->key];
  if (turn.jobs.empty()) stand(turn);
  turn.jobs.push_back(job);
}

void LaneQueue::put_back(Job* job) {
  assert(order_ == LaneOrder::kFifo);
  ++size_;
  jobs_.put_back(job);
}

Job* LaneQueue::pop() {
  --size_;
  if (order_ == LaneOrder::kFifo) return jobs_.pop_front();
  if (order_ == LaneOrder::kPriority) {
    const auto best = by_priority_.begin();
    Job* const job = best->second.pop_front();
    if (best->second.empty()) by_priority_.erase(best);
    return job;
  }
  Turn& turn = *first_turn_;
  first_turn_ = turn.next;
  Job* const job = turn.jobs.pop_front();
  if (turn.jobs.empty()) leave(job->key, turn);
  return job;
}

void LaneQueue::remove(Job* job) {
  --size_;
  if (order_ == LaneOrder::kFifo) return jobs_.remove(job);
  if (order_ == LaneOrder::kPriority) {
    const auto at = by_priority_.find(job->priority);
    at->second.remove(job);
    if (at->second.empty()) by_priority_.erase(at);
    return;
  }
  const auto at = turns_.find(job->key);
  at->second.jobs.remove(job);
  if (at->second.jobs.empty()) leave(job->key, at->second);
}

}  // namespace heddle
