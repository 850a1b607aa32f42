#include "lanes/job_events.h"

#include <chrono>

namespace heddle {

bool EventFilter::takes(const JobNews& news) const {
  return news.key.starts_with(prefix) && (lane.empty() || lane == news.lane) && (job == 0 || job == news.job);
}

void EventQueue::offer(uint64_t number, const JobNews& news) {
  {
    std::lock_guard lock(mutex_);
    if (waiting_.size() >= most_) {
      if (lost_++ == 0) lost_from_ = number;
      lost_to_ = number;
      return;
    }
    waiting_.push_back({std::exchange(lost_, 0), std::exchange(lost_from_, 0), std::exchange(lost_to_, 0),
                        {.number = number, .key = std::string(news.key), .lane = std::string(news.lane), .type = std::string(news.type), .job = news.job,
                         .attempt = news.attempt, .text = std::string(news.text), .percent = news.percent}});
    if (then_) errands_->run(std::exchange(then_, nullptr));
  }
  came_.notify_one();
}

std::optional<EventQueue::Taken> EventQueue::take(uint64_t timeout_ms) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (!came_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [&] { return !waiting_.empty(); })) return std::nullopt;
  Taken taken = std::move(waiting_.front());
  waiting_.pop_front();
  return taken;
}

std::optional<EventQueue::Gap> EventQueue::take_gap() {
  std::lock_guard lock(mutex_);
  if (!waiting_.empty() || lost_ == 0) return std::nullopt;
  return Gap{std::exchange(lost_, 0), std::exchange(lost_from_, 0), std::exchange(lost_to_, 0)};
}

void EventQueue::when_some(Errands& errands, std::function<void()> then) {
  std::lock_guard lock(mutex_);
  if (!waiting_.empty() || lost_ > 0) return errands.run(std::move(then));
  errands_ = &errands;
  then_ = std::move(then);
}

void EventQueue::forget_when_some() {
  std::function<void()> dropped;  // after the lock: what it holds may call us
  std::lock_guard lock(mutex_);
  dropped = std::exchange(then_, nullptr);
}

std::shared_ptr<EventQueue> JobEvents::subscribe(EventFilter filter, size_t most) {
  auto queue = std::make_shared<EventQueue>(std::move(filter), most);
  std::lock_guard lock(mutex_);
  queues_.push_back(queue);
  count_ = queues_.size();
  return queue;
}

void JobEvents::tell(const JobNews& news) {
  if (!wanted()) return;
  std::lock_guard lock(mutex_);
  const uint64_t number = ++last_number_;
  std::erase_if(queues_, [&](const std::weak_ptr<EventQueue>& weak) {
    const auto queue = weak.lock();
    if (queue && queue->filter_.takes(news)) queue->offer(number, news);
    return !queue;
  });
  count_ = queues_.size();
}

}  // namespace heddle
