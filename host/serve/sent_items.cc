#include "serve/sent_items.h"

#include <algorithm>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace heddle {
namespace {

constexpr uint64_t kFirst = 4, kMost = 64;       // items that lie here or may come
constexpr size_t kMuch = size_t{4} << 20;        // that they weigh together, going by the largest one that came, but for a single one
constexpr size_t kTooMuch = size_t{64} << 20;    // what lies here, where later ones are larger than those before had said
constexpr size_t kMostQuoted = 256;              // of a text that is no JSON

class GivenItems : public Feed {
 public:
  explicit GivenItems(std::vector<Value> items) : items_(std::move(items)) {}
  Result<Got> pull(std::span<FeedItem> out) override {
    const size_t count = std::min(out.size(), items_.size() - next_);
    for (size_t i = 0; i < count; ++i) out[i].value = std::move(items_[next_++]);
    return Got{count ? State::kItems : State::kEnd, count};
  }
  void wait(Lanes& lanes, LaneId lane, Job* job) override { lanes.post(lane, job); }  // it never has to

 private:
  std::vector<Value> items_;
  size_t next_ = 0;
};

class SentItems : public Feed {
 public:
  SentItems(std::vector<Value> first, RequestParts parts) : parts_(std::move(parts)) {
    for (Value& item : first) put({.value = std::move(item), .line = ++last_});
  }

  Result<Got> pull(std::span<FeedItem> out) override {
    uint64_t wanted = 0;
    size_t count = 0;
    {
      std::lock_guard lock(mutex_);
      for (; count < out.size() && !waiting_.empty(); ++count, waiting_.pop_front()) {
        weight_ -= weight_of(waiting_.front());
        out[count] = std::move(waiting_.front());
      }
      wanted = wanted_locked();
      if (count == 0 && end_) {
        if (*end_) return Got{State::kEnd, 0};
        return end_->error();
      }
    }
    if (wanted > 0) parts_.grant(static_cast<uint32_t>(wanted));
    return Got{count > 0 ? State::kItems : State::kWait, count};
  }

  void wait(Lanes& lanes, LaneId lane, Job* job) override {
    {
      std::lock_guard lock(mutex_);
      if (waiting_.empty() && !end_ && !interrupted_) {
        sleeper_ = {&lanes, lane, job};
        return;
      }
    }
    lanes.post(lane, job);
  }
  void interrupt() override {
    std::unique_lock lock(mutex_);
    interrupted_ = true;
    wake(lock);
  }

  void add(const Value& said) {
    FeedItem item = item_of(said);
    std::unique_lock lock(mutex_);
    if (end_) return;
    item.line = ++last_;
    if (!item.value) item.error = Error("invalid", "item " + std::to_string(last_) + " is not JSON").because(std::move(item.error));
    --coming_;
    largest_ = std::max({largest_, said.weight(), weight_of(item)});
    put(std::move(item));
    if (weight_ > kTooMuch && waiting_.size() > 1) end_ = Error("exhausted", "many large items came where small ones had come before: send fewer at a time", ErrorClass::kRetryable);
    wake(lock);
  }
  void end(Result<void> outcome) {
    std::unique_lock lock(mutex_);
    if (!end_) end_ = std::move(outcome);
    wake(lock);
  }

 private:
  struct Sleeper {
    Lanes* lanes = nullptr;  // null: nobody waits
    LaneId lane = 0;
    Job* job = nullptr;
  };

  static size_t weight_of(const FeedItem& item) { return item.value ? item.value.weight() : item.text.size(); }
  void put(FeedItem item) {
    weight_ += weight_of(item);
    waiting_.push_back(std::move(item));
  }
  static FeedItem item_of(const Value& said) {
    const auto text = said.as_bytes();
    if (!text) return {.value = said};
    auto parsed = Value::parse(*text);
    if (parsed) return {.value = *std::move(parsed)};
    return {.error = std::move(parsed).error(), .text = std::string(text->substr(0, kMostQuoted)), .text_bytes = text->size()};
  }
  // How many more may come now: not one by one, where some are on their way.
  uint64_t wanted_locked() {
    if (end_) return 0;
    const uint64_t most = largest_ == 0 ? kFirst : std::clamp<uint64_t>(kMuch / largest_, 1, kMost), have = waiting_.size() + coming_;
    if (have > most / 2) return 0;
    coming_ += most - have;
    return most - have;
  }
  void wake(std::unique_lock<std::mutex>& lock) {
    const Sleeper sleeper = std::exchange(sleeper_, {});
    lock.unlock();
    if (sleeper.lanes) sleeper.lanes->post(sleeper.lane, sleeper.job);
  }

  RequestParts parts_;
  std::mutex mutex_;
  // Guarded by mutex_:
  std::deque<FeedItem> waiting_;
  std::optional<Result<void>> end_;
  bool interrupted_ = false;
  uint64_t last_ = 0;     // the number of the last item that came
  uint64_t coming_ = 0;   // granted, and not here yet
  size_t largest_ = 0;    // that came
  size_t weight_ = 0;     // of what waits
  Sleeper sleeper_;
};

}  // namespace

std::shared_ptr<Feed> given_items(std::vector<Value> items) { return std::make_shared<GivenItems>(std::move(items)); }

std::shared_ptr<Feed> sent_items(std::vector<Value> first, RequestParts parts) {
  const auto items = std::make_shared<SentItems>(std::move(first), parts);
  parts.hear({[items](Value part) { items->add(part); }, [items](Result<void> outcome) { items->end(std::move(outcome)); }});
  return items;
}

}  // namespace heddle
