#include "pipeline/feeder.h"

#include <algorithm>

#include "clock.h"

namespace heddle {
namespace {
constexpr size_t kFirstPull = 16, kPull = 1024;  // items at once: a wake of another thread costs some 40 us, and is paid per pull
constexpr int kPullsPerTurn = 8;
}  // namespace

Feeder::Feeder(RunCore& core, std::vector<EdgeQueue*> queues) : core_(core) {
  for (EdgeQueue* queue : queues) {
    queue->producer = this;
    targets_.push_back({queue, {}, 0});
  }
  turn_.bind(core_.lanes, core_.lane("default"), core_, &Feeder::step, this);
  ready_.feeder = this;
  ready_.run = [](Job* job) noexcept {
    held_wakes::begin();
    Feeder& feeder = *static_cast<Ready*>(job)->feeder;
    feeder.waiting_.store(false, std::memory_order_release);
    feeder.turn_.wake();
    feeder.core_.done();
  };
}

Feeder::~Feeder() {
  for (Target& target : targets_) {
    for (size_t i = target.sent; i < target.items.size(); ++i) target.items[i].drop();
  }
}

bool Feeder::step() {
  for (int n = 0; n < kPullsPerTurn; ++n) {
    if (ended_) return true;
    if (core_.discarding()) {
      for (Target& target : targets_) {
        EdgeBooks::add_shared(target.queue->books().dropped, target.items.size() - target.sent);
        for (size_t i = target.sent; i < target.items.size(); ++i) target.items[i].drop();
        target.items.clear();
        target.sent = 0;
      }
      end();
      return true;
    }
    if (!push()) return true;  // woken when there is room
    if (input_ended_ || core_.stopping()) {
      end();
      return true;
    }
    if (core_.output_is_full()) return true;  // as are the items that fail here; woken when there is room
    if (!pull()) return true;  // woken when there is input
  }
  turn_.wake();
  return true;
}

// True: everything read so far is in the queues.
bool Feeder::push() {
  bool all = true;
  for (Target& target : targets_) {
    if (target.items.empty()) continue;
    target.sent += target.queue->push(target.items, target.sent);
    if (target.sent < target.items.size()) {
      all = false;
    } else {
      target.items.clear();
      target.sent = 0;
    }
  }
  return all;
}

bool Feeder::pull() {
  if (!core_.options.feed || targets_.empty()) {
    input_ended_ = true;
    return true;
  }
  if (waiting_.load(std::memory_order_acquire)) return false;
  if (batch_.size() == pulled_) batch_.resize(std::clamp(4 * pulled_, kFirstPull, kPull));  // the input fills it: it may be long
  auto got = core_.options.feed->pull(batch_);
  if (!got) {
    core_.fail(std::move(got).error());
    return true;
  }
  if (got->state == Feed::State::kEnd) {
    input_ended_ = true;
    return true;
  }
  if (got->state == Feed::State::kWait) {
    waiting_ = true;
    core_.begin();
    core_.options.feed->wait(core_.lanes, core_.lane("default"), &ready_);
    return false;
  }
  pulled_ = got->count;
  const uint64_t deadline_ms = core_.pipeline.run.item_deadline_ms;
  const uint64_t deadline = deadline_ms == 0 ? 0 : now_ns() + deadline_ms * kNsPerMs;
  uint64_t good = 0;
  for (size_t i = 0; i < got->count; ++i) {
    FeedItem& item = batch_[i];
    const uint64_t sequence = ++sequence_;
    if (!item.value) {
      core_.input_errors.fetch_add(1, std::memory_order_relaxed);
      DeadLetter letter;
      letter.node = "input";
      letter.error = std::move(item.error);
      letter.sequence = sequence;
      letter.line = item.line;
      letter.text = std::move(item.text);
      letter.text_bytes = item.text_bytes;
      core_.put_away(std::move(letter));
      continue;
    }
    ++good;
    for (size_t t = 0; t < targets_.size(); ++t) {
      const bool last = t + 1 == targets_.size();
      heddle_value* value = last ? item.value.release() : Value(item.value).release();
      targets_[t].items.push_back({.value = value, .id = sequence, .sequence = sequence, .deadline_ns = deadline});
    }
  }
  core_.input_items.fetch_add(got->count, std::memory_order_relaxed);
  for (Target& target : targets_) {
    EdgeBooks::add(target.queue->books().in, good);
  }
  return true;
}

void Feeder::end() {
  ended_ = true;
  // The run cannot end while the feed holds a job of ours.
  if (waiting_.load(std::memory_order_acquire)) core_.options.feed->interrupt();
  for (Target& target : targets_) target.queue->end();
}

}  // namespace heddle
