#include "cli/line_feed.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>

namespace heddle {

LineFeed::LineFeed(int fd, std::string name, IdleNotice notice) : fd_(fd), name_(std::move(name)), notice_(std::move(notice)) {
  event_fd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  waited_fd_ = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event readable{};
  readable.events = EPOLLIN;
  bool can_wait =
      ::epoll_ctl(waited_fd_, EPOLL_CTL_ADD, fd_, &readable) == 0 && ::epoll_ctl(waited_fd_, EPOLL_CTL_ADD, event_fd_, &readable) == 0;
  if (can_wait || waited_fd_ < 0) return;
  ::close(waited_fd_);
  waited_fd_ = -1;
}

LineFeed::~LineFeed() {
  for (int fd : {event_fd_, waited_fd_}) {
    if (fd >= 0) ::close(fd);
  }
}

void LineFeed::tell(bool idle) {
  if (idle_ == idle) return;
  idle_ = idle;
  if (notice_) notice_(idle);
}

Result<Feed::Got> LineFeed::pull(std::span<FeedItem> out) {
  if (got_.size() < out.size()) got_.resize(out.size());
  Result<JsonLines::Got> got = lines_.read(fd_, std::span(got_).first(out.size()));
  bytes_read_.store(lines_.bytes_read(), std::memory_order_relaxed);
  if (!got) return Error("io", "cannot read " + name_).because(std::move(got).error());
  if (got->state != JsonLines::State::kLines) {
    tell(true);
    return Got{got->state == JsonLines::State::kWait ? State::kWait : State::kEnd, 0};
  }
  tell(false);
  for (size_t i = 0; i < got->count; ++i) {
    JsonLine& line = got_[i];
    FeedItem& item = out[i];
    item.line = line.line;
    item.value = std::move(line.value);
    if (item.value) continue;
    item.error = std::move(line.error);
    item.text = std::move(line.text);
    item.text_bytes = line.text_bytes;
  }
  return Got{State::kItems, got->count};
}

void LineFeed::wait(Lanes& lanes, LaneId lane, Job* job) {
  if (waited_fd_ < 0 || !lanes.when_readable(waited_fd_, lane, job)) lanes.post(lane, job);
}

void LineFeed::interrupt() { ::eventfd_write(event_fd_, 1); }

Result<Feed::Got> ListFeed::pull(std::span<FeedItem> out) {
  size_t count = std::min(out.size(), texts_.size() - next_);
  if (count == 0) return Got{State::kEnd, 0};
  for (size_t i = 0; i < count; ++i, ++next_) {
    FeedItem& item = out[i];
    item.line = next_ + 1;
    Result<Value> value = Value::parse(texts_[next_]);
    if (value) {
      item.value = std::move(value).value();
    } else {
      item.error = std::move(value).error();
      item.text = texts_[next_];
      item.text_bytes = item.text.size();
    }
  }
  return Got{State::kItems, count};
}

}  // namespace heddle
