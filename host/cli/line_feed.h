// Where a run's items come from: JSON lines of a descriptor, or a list that the manifest brought along.
#pragma once
#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "pipeline/run.h"
#include "value/json_lines.h"

namespace heddle {

// Called with true when the feed has nothing to give now or has ended, with false when it goes on.
using IdleNotice = std::function<void(bool idle)>;

class LineFeed : public Feed {
 public:
  // `fd` stays the caller's. Reads block if it is in blocking mode: right for regular files.
  LineFeed(int fd, std::string name, IdleNotice notice);
  ~LineFeed() override;
  LineFeed(const LineFeed&) = delete;
  LineFeed& operator=(const LineFeed&) = delete;

  Result<Got> pull(std::span<FeedItem> out) override;
  void wait(Lanes& lanes, LaneId lane, Job* job) override;
  void interrupt() override;

  // [any]
  uint64_t bytes_read() const { return bytes_read_.load(std::memory_order_relaxed); }

 private:
  void tell(bool idle);

  const int fd_;
  // What is waited for: an epoll set of `fd_` and an event that interrupt() raises. -1 where `fd_` is always readable, as regular files
  // are.
  int event_fd_ = -1, waited_fd_ = -1;
  const std::string name_;
  const IdleNotice notice_;
  JsonLines lines_;
  std::vector<JsonLine> got_;
  bool idle_ = false;
  std::atomic<uint64_t> bytes_read_{0};
};

class ListFeed : public Feed {
 public:
  explicit ListFeed(const std::vector<std::string>& json_texts) : texts_(json_texts) {}

  Result<Got> pull(std::span<FeedItem> out) override;
  void wait(Lanes& lanes, LaneId lane, Job* job) override { lanes.post(lane, job); }

 private:
  const std::vector<std::string>& texts_;
  size_t next_ = 0;
};

}  // namespace heddle
