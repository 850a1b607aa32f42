// LaneQueue: the waiting jobs of one lane at one level, in the lane's order.
#pragma once
#include <map>
#include <unordered_map>

#include "lanes/lane.h"

namespace heddle {

class LaneQueue {
 public:
  explicit LaneQueue(LaneOrder order) : order_(order) {}
  bool empty() const { return size_ == 0; }
  uint64_t size() const { return size_; }
  void push(Job* job);
  void put_back(Job* job);  // into a FIFO, where it came from
  Job* pop();  // not empty
  Job* first() const { return jobs_.first(); }  // of a FIFO
  void remove(Job* job);

 private:
  // The jobs of one key; keys with jobs stand in a ring and take turns.
  struct Turn {
    JobList jobs;
    Turn* next = nullptr;
    Turn* previous = nullptr;
  };
  void stand(Turn& turn);
  void leave(uint64_t key, Turn& turn);

  const LaneOrder order_;
  uint64_t size_ = 0;
  JobList jobs_;                              // FIFO
  std::map<uint8_t, JobList> by_priority_;    // no list is empty
  std::unordered_map<uint64_t, Turn> turns_;  // by key; no list is empty
  Turn* first_turn_ = nullptr;
};

}  // namespace heddle
