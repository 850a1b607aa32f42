// JobAlarms: jobs by the time at which something is to happen to them. A binary heap that knows the place of each job, so that any can be taken out.
#pragma once
#include <cstdint>
#include <utility>
#include <vector>

#include "lanes/job.h"

namespace heddle {

class JobAlarms {
 public:
  bool empty() const { return heap_.empty(); }
  uint64_t first_ns() const { return heap_.front().at; }
  Job* first() const { return heap_.front().job; }

  void set(Job* job, uint64_t at_ns) {
    clear(job);
    job->alarm_ns = at_ns;
    heap_.push_back({at_ns, job});
    rise(heap_.size() - 1);
  }
  void clear(Job* job) {
    const size_t hole = std::exchange(job->alarm_place, kNone);
    if (hole == kNone) return;
    const Entry last = heap_.back();
    heap_.pop_back();
    if (hole == heap_.size()) return;
    heap_[hole] = last;
    last.job->alarm_place = hole;
    rise(hole);
    sink(last.job->alarm_place);
  }

 private:
  static constexpr size_t kNone = SIZE_MAX;
  struct Entry {
    uint64_t at;
    Job* job;
  };
  void put(size_t place, Entry entry) {
    heap_[place] = entry;
    entry.job->alarm_place = place;
  }
  void rise(size_t place) {
    const Entry moving = heap_[place];
    for (; place > 0 && moving.at < heap_[(place - 1) / 2].at; place = (place - 1) / 2) put(place, heap_[(place - 1) / 2]);
    put(place, moving);
  }
  void sink(size_t place) {
    const Entry moving = heap_[place];
    for (size_t child; (child = 2 * place + 1) < heap_.size(); place = child) {
      if (child + 1 < heap_.size() && heap_[child + 1].at < heap_[child].at) ++child;
      if (heap_[child].at >= moving.at) break;
      put(place, heap_[child]);
    }
    put(place, moving);
  }
  std::vector<Entry> heap_;
};

}  // namespace heddle
