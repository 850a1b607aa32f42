// JobTable: jobs by their id. Ids come in order, and those of neighbours lie together here, so that a table of a million costs little more to use than one of ten. Of lanes' own files.
#pragma once
#include <memory>
#include <utility>
#include <vector>

#include "lanes/jobs.h"

namespace heddle {

class JobTable {
 public:
  using RecordPtr = std::shared_ptr<JobRun::Record>;

  // Every id comes only once, and `stride` further than the one before or a multiple of that.
  explicit JobTable(size_t stride) : stride_(stride), heads_(kFirst, kNone) {}

  void insert(JobId id, RecordPtr record) {
    if (size_ == heads_.size()) grow(2 * heads_.size());
    uint32_t at = free_;
    if (at == kNone) {
      at = static_cast<uint32_t>(entries_.size());
      entries_.emplace_back();
    } else {
      free_ = entries_[at].next;
    }
    uint32_t& head = heads_[place(id)];
    entries_[at] = {id, std::move(record), head};
    head = at;
    ++size_;
  }
  // Null: it is not there.
  RecordPtr find(JobId id) const {
    for (uint32_t at = heads_[place(id)]; at != kNone; at = entries_[at].next) {
      if (entries_[at].id == id) return entries_[at].record;
    }
    return nullptr;
  }
  RecordPtr take(JobId id) {
    for (uint32_t* link = &heads_[place(id)]; *link != kNone; link = &entries_[*link].next) {
      const uint32_t at = *link;
      Entry& entry = entries_[at];
      if (entry.id != id) continue;
      *link = std::exchange(entry.next, free_);
      free_ = at;
      entry.id = 0;
      --size_;
      return std::move(entry.record);
    }
    return nullptr;
  }
  void reserve(size_t jobs) {
    entries_.reserve(jobs);
    size_t heads = heads_.size();
    while (heads < jobs) heads *= 2;
    grow(heads);
  }
  // In no order.
  template <class Each>
  void each(Each each) const {
    for (const Entry& entry : entries_) {
      if (entry.id != 0) each(entry.id, entry.record);
    }
  }
  // What was in it; it is empty afterwards.
  std::vector<RecordPtr> take_all() {
    std::vector<RecordPtr> all;
    for (Entry& entry : entries_) {
      if (entry.id != 0) all.push_back(std::move(entry.record));
    }
    entries_.clear();
    heads_.assign(kFirst, kNone);
    free_ = kNone;
    size_ = 0;
    return all;
  }

 private:
  struct Entry {
    JobId id = 0;  // 0: free
    RecordPtr record;
    uint32_t next = kNone;
  };
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr size_t kFirst = 64;

  size_t place(JobId id) const { return (id / stride_) & (heads_.size() - 1); }
  void grow(size_t heads) {
    heads_.assign(heads, kNone);
    for (uint32_t at = 0; at < entries_.size(); ++at) {
      if (entries_[at].id == 0) continue;
      uint32_t& head = heads_[place(entries_[at].id)];
      entries_[at].next = std::exchange(head, at);
    }
  }

  const size_t stride_;
  std::vector<uint32_t> heads_;  // a power of two of them
  std::vector<Entry> entries_;
  uint32_t free_ = kNone;
  size_t size_ = 0;
};

}  // namespace heddle
