#include "pipeline/edge_queue.h"

#include "clock.h"

namespace heddle {

size_t weight_of(const RawItem& item) {
  Value value = Value::adopt(item.value);
  const size_t weight = value.weight();
  value.release();
  return weight;
}

EdgeQueue::~EdgeQueue() {
  for (RawItem& item : items_) item.drop();
}

size_t EdgeQueue::push(std::span<const RawItem> items) {
  size_t taken = 0;
  std::vector<RawItem> dropped;
  {
    std::lock_guard lock(mutex_);
    for (const RawItem& item : items) {
      const size_t weight = weight_of(item);
      // One item always fits into an empty queue, whatever its weight.
      const auto full = [&] { return !items_.empty() && (items_.size() >= edge_.queue_items || bytes_ + weight > edge_.queue_bytes); };
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
        bytes_ -= weight_of(items_.front());
        dropped.push_back(items_.front());
        items_.pop_front();
        if (!arrivals_.empty()) arrivals_.pop_front();
      }
      items_.push_back(item);
      bytes_ += weight;
      if (edge_.batch.items > 0) arrivals_.push_back(now_ns());
    }
  }
  EdgeBooks::add(books_.dropped, dropped.size());
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

size_t EdgeQueue::pop(size_t most, std::vector<RawItem>& out) {
  size_t n;
  bool wake;
  {
    std::lock_guard lock(mutex_);
    n = std::min(most, items_.size());
    for (size_t i = 0; i < n; ++i) {
      bytes_ -= weight_of(items_[i]);
      out.push_back(items_[i]);
    }
    items_.erase(items_.begin(), items_.begin() + static_cast<ptrdiff_t>(n));
    if (!arrivals_.empty()) arrivals_.erase(arrivals_.begin(), arrivals_.begin() + static_cast<ptrdiff_t>(n));
    // The producer is woken when half of the queue is free, so that it has something to do when it comes.
    wake = producer_waits_ && n > 0 && items_.size() <= edge_.queue_items / 2 && bytes_ <= edge_.queue_bytes / 2;
    if (wake) producer_waits_ = false;
  }
  if (wake && producer) producer->wake();
  return n;
}

EdgeQueue::Look EdgeQueue::look() const {
  std::lock_guard lock(mutex_);
  return {.items = items_.size(),
          .ended = ended_,
          .first_sequence = items_.empty() ? 0 : items_.front().sequence,
          .passed = passed_,
          .waiting_since = arrivals_.empty() ? 0 : arrivals_.front()};
}

void EdgeQueue::discard() {
  std::deque<RawItem> items;
  {
    std::lock_guard lock(mutex_);
    items.swap(items_);
    arrivals_.clear();
    bytes_ = 0;
  }
  EdgeBooks::add(books_.dropped, items.size());
  for (RawItem& item : items) item.drop();
  if (producer) producer->wake();
}

}  // namespace heddle
