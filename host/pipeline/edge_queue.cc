#include "pipeline/edge_queue.h"

#include <algorithm>
#include <utility>

#include "clock.h"

namespace heddle {
namespace {
constexpr size_t kLong = 64;    // a list of so many items is worth handing over without a copy
constexpr size_t kBox = 256;    // shorter lists share a box up to so many
constexpr size_t kSpare = 4;
}  // namespace

size_t weight_of(const RawItem& item) {
  Value value = Value::adopt(item.value);
  const size_t weight = value.weight();
  value.release();
  return weight;
}

EdgeQueue::~EdgeQueue() {
  for (Box& box : boxes_) {
    for (size_t i = box.first; i < box.items.size(); ++i) box.items[i].drop();
  }
}

// [mutex_ held] A box at the end, for its maker to fill.
EdgeQueue::Box& EdgeQueue::new_box(uint64_t bytes) {
  Box& box = boxes_.emplace_back();
  if (!spare_.empty()) {
    box.items.swap(spare_.back());
    spare_.pop_back();
  }
  box.bytes = bytes;
  box.arrival = edge_.batch.items > 0 ? now_ns() : 0;
  return box;
}

// [mutex_ held]
void EdgeQueue::put(std::span<const RawItem> items, uint64_t bytes) {
  if (items.empty()) return;
  // Few items go into a box with others, but where each item's arrival counts.
  const bool join = !boxes_.empty() && edge_.batch.items == 0 && boxes_.back().items.size() + items.size() <= kBox;
  Box& box = join ? boxes_.back() : new_box(0);
  box.items.append(items);
  box.bytes += bytes;
  bytes_ += bytes;
  waiting_ += items.size();
}

// [mutex_ held]
void EdgeQueue::front_is_empty() {
  ItemList memory = std::move(boxes_.front().items);
  boxes_.pop_front();
  memory.clear();
  if (spare_.size() < kSpare) spare_.push_back(std::move(memory));
}

// [mutex_ held] Of a box that is given in parts, each part weighs the same for each of its items.
void EdgeQueue::take_from_front(size_t n, ItemList& out) {
  Box& box = boxes_.front();
  const uint64_t bytes = n == box.left() ? box.bytes : box.bytes * n / box.left();
  out.append({box.items.data() + box.first, n});
  box.first += n;
  box.bytes -= bytes;
  bytes_ -= bytes;
  waiting_ -= n;
  if (box.left() == 0) front_is_empty();
}

// [mutex_ held] One by one, where not all fit.
size_t EdgeQueue::push_some(std::span<const RawItem> items, ItemList& dropped) {
  size_t taken = 0;
  for (const RawItem& item : items) {
    const size_t weight = weight_of(item);
    // One item always fits into an empty queue, whatever its weight.
    const auto full = [&] { return waiting_ > 0 && (waiting_ >= edge_.queue_items || bytes_ + weight > edge_.queue_bytes); };
    if (full() && edge_.on_full == OnFull::kBlock) {
      producer_waits_ = true;
      break;
    }
    ++taken;
    if (full() && edge_.on_full == OnFull::kDropNewest) {
      dropped.push_back(item);
      continue;
    }
    while (full()) take_from_front(1, dropped);
    put({&item, 1}, weight);
  }
  return taken;
}

size_t EdgeQueue::push(ItemList& items, size_t from) {
  const std::span<const RawItem> all = std::span<const RawItem>(items).subspan(from);
  uint64_t bytes = 0;
  for (const RawItem& item : all) bytes += weight_of(item);
  size_t taken = all.size();
  ItemList dropped;
  {
    std::lock_guard lock(mutex_);
    if (discarding_) {
      dropped.append(all);
    } else if (waiting_ + all.size() > edge_.queue_items || bytes_ + bytes > edge_.queue_bytes) {
      taken = push_some(all, dropped);
    } else if (from > 0 || all.size() < kLong) {
      put(all, bytes);
    } else {
      new_box(bytes).items.swap(items);
      waiting_ += taken;
      bytes_ += bytes;
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
  size_t n = 0;
  bool wake;
  {
    std::lock_guard lock(mutex_);
    while (n < most && !boxes_.empty()) {
      Box& box = boxes_.front();
      const size_t part = std::min(most - n, box.left());
      n += part;
      if (out.empty() && box.first == 0 && part == box.items.size()) {
        waiting_ -= part;
        bytes_ -= box.bytes;
        out.swap(box.items);
        front_is_empty();
      } else {
        take_from_front(part, out);
      }
    }
    // The producer is woken when half of the queue is free, so that it has something to do when it comes.
    wake = producer_waits_ && n > 0 && waiting_ <= edge_.queue_items / 2 && bytes_ <= edge_.queue_bytes / 2;
    if (wake) producer_waits_ = false;
  }
  if (wake && producer) producer->wake();
  return n;
}

EdgeQueue::Look EdgeQueue::look() const {
  std::lock_guard lock(mutex_);
  Look look{.items = waiting_, .ended = ended_, .passed = passed_};
  if (waiting_ > 0) {
    const Box& box = boxes_.front();
    look.first_sequence = box.items[box.first].sequence;
    look.waiting_since = box.arrival;
  }
  return look;
}

void EdgeQueue::discard() {
  std::deque<Box> boxes;
  {
    std::lock_guard lock(mutex_);
    discarding_ = true;
    boxes.swap(boxes_);
    EdgeBooks::add_shared(books_.dropped, std::exchange(waiting_, 0));
    bytes_ = 0;
  }
  for (Box& box : boxes) {
    for (size_t i = box.first; i < box.items.size(); ++i) box.items[i].drop();
  }
  if (producer) producer->wake();
}

}  // namespace heddle
