#include "pipeline/edge_queue.h"

#include <algorithm>
#include <utility>

#include "clock.h"

namespace heddle {

size_t weight_of(const RawItem& item) {
  Value value = Value::adopt(item.value);
  const size_t weight = value.weight();
  value.release();
  return weight;
}

EdgeQueue::~EdgeQueue() {
  for (; waiting() > 0; pop_front()) entries_[first_].item.drop();
}

// [mutex_ held]
void EdgeQueue::pop_front() {
  bytes_ -= front().weight;
  if (++first_ < entries_.size()) return;
  entries_.clear();
  first_ = 0;
}

size_t EdgeQueue::push(std::span<const RawItem> items) {
  size_t taken = 0;
  ItemList dropped;
  {
    std::lock_guard lock(mutex_);
    if (discarding_) {
      dropped.append(items);
      taken = items.size();
      items = {};
    }
    if (first_ > edge_.queue_items / 2) {
      entries_.erase(entries_.begin(), entries_.begin() + static_cast<ptrdiff_t>(first_));
      first_ = 0;
    }
    for (const RawItem& item : items) {
      const size_t weight = weight_of(item);
      // One item always fits into an empty queue, whatever its weight.
      const auto full = [&] { return waiting() > 0 && (waiting() >= edge_.queue_items || bytes_ + weight > edge_.queue_bytes); };
      if (full() && edge_.on_full == OnFull::kBlock) {
        producer_waits_ = true;
        break;
      }
      ++taken;
      if (full() && edge_.on_full == OnFull::kDropNewest) {
        dropped.push_back(item);
        continue;
      }
      while (full()) {
        dropped.push_back(front().item);
        pop_front();
      }
      entries_.push_back({item, weight, edge_.batch.items > 0 ? now_ns() : 0});
      bytes_ += weight;
    }
  }
  EdgeBooks::add_shared(books_.dropped, dropped.size());
  for (RawItem& item : dropped) item.drop();
  if (taken > 0 && consumer) consumer->wake();
  return taken;
}

void EdgeQueue::end() {
  {
    std::lock_guard lock(mutex_);
    ended_ = true;
  }
  if (consumer) consumer->wake();
}

void EdgeQueue::advance(uint64_t sequence) {
  {
    std::lock_guard lock(mutex_);
    if (sequence <= passed_) return;
    passed_ = sequence;
  }
  if (consumer) consumer->wake();
}

size_t EdgeQueue::pop(size_t most, ItemList& out) {
  size_t n;
  bool wake;
  {
    std::lock_guard lock(mutex_);
    n = std::min(most, waiting());
    for (size_t i = 0; i < n; ++i) {
      out.push_back(front().item);
      pop_front();
    }
    // The producer is woken when half of the queue is free, so that it has something to do when it comes.
    wake = producer_waits_ && n > 0 && waiting() <= edge_.queue_items / 2 && bytes_ <= edge_.queue_bytes / 2;
    if (wake) producer_waits_ = false;
  }
  if (wake && producer) producer->wake();
  return n;
}

EdgeQueue::Look EdgeQueue::look() const {
  std::lock_guard lock(mutex_);
  const bool any = waiting() > 0;
  return {.items = waiting(),
          .ended = ended_,
          .first_sequence = any ? front().item.sequence : 0,
          .passed = passed_,
          .waiting_since = any ? front().arrival : 0};
}

void EdgeQueue::discard() {
  std::vector<Entry> entries;
  size_t first;
  {
    std::lock_guard lock(mutex_);
    discarding_ = true;
    entries.swap(entries_);
    first = std::exchange(first_, 0);
    bytes_ = 0;
  }
  EdgeBooks::add_shared(books_.dropped, entries.size() - first);
  for (; first < entries.size(); ++first) entries[first].item.drop();
  if (producer) producer->wake();
}

}  // namespace heddle
