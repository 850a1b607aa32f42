#include "lanes/reactor.h"

// One thread runs all handlers, and they come to it through a mutex: Asio's fences around them order nothing, and the thread sanitizer
// cannot see them.
#define BOOST_ASIO_DISABLE_FENCED_BLOCK

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

// Asio 1.74 uses std::exchange and does not include <utility>: it comes after it.
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "clock.h"

namespace heddle {
namespace asio = boost::asio;

namespace {
struct Wanted {
  LaneId lane = 0;
  Job* job = nullptr;
};

std::chrono::steady_clock::time_point time_point(uint64_t when_ns) {
  // steady_clock is CLOCK_MONOTONIC; its counter is signed.
  return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(static_cast<int64_t>(std::min<uint64_t>(when_ns, INT64_MAX))));
}
}  // namespace

// Jobs are posted under the mutex: what cancel() no longer finds was posted, not "is about to be".
struct Reactor::Loop {
  explicit Loop(const Post& post_) : post(post_), timer(io), watched_ready(io) {}

  const Post& post;
  asio::io_context io{1};
  // Only the loop's thread touches the two. Asio makes every descriptor it waits for non-blocking, for all who share the open file: a
  // caller's stdin must not be changed, so the callers' descriptors are in an epoll set of ours, and Asio waits for that.
  asio::steady_timer timer;
  asio::posix::stream_descriptor watched_ready;

  std::mutex mutex;
  bool closed = false;
  bool started = false;
  TimerId last_id = 0;
  std::map<std::pair<uint64_t, TimerId>, Wanted> timers;  // by time, equal times by order of asking
  std::unordered_map<TimerId, uint64_t> when;
  uint64_t armed_for = UINT64_MAX;        // when `timer` will go off
  int watched = -1;                       // the epoll set
  std::unordered_map<int, Wanted> waits;  // by descriptor
  std::thread thread;

  Result<void> start_locked();
  void arm_locked();
  void expire();
  void collect_due(std::vector<Job*>& alarms);
  void watch();
  void collect();
};

Reactor::Reactor(Post post) : post_(std::move(post)), loop_(std::make_unique<Loop>(post_)) {}
Reactor::~Reactor() { close(); }

Result<void> Reactor::Loop::start_locked() {
  if (closed) return Error("closed", "the scheduler is being closed", ErrorClass::kCancelled);
  if (started) return {};
  watched = ::epoll_create1(EPOLL_CLOEXEC);
  if (watched < 0) return Error("no-reactor", std::string("cannot make an epoll set: ") + std::strerror(errno), ErrorClass::kRetryable);
  boost::system::error_code failed;
  watched_ready.assign(watched, failed);
  if (failed) {
    ::close(std::exchange(watched, -1));
    return Error("no-reactor", "cannot wait for descriptors: " + failed.message(), ErrorClass::kRetryable);
  }
  watch();
  thread = std::thread([this] { io.run(); });
  pthread_setname_np(thread.native_handle(), "heddle-timers");
  started = true;
  return {};
}

// Sets the timer for the earliest entry if it is not set for that or an earlier time. A cancelled entry leaves it set: one look for
// nothing, at most.
void Reactor::Loop::arm_locked() {
  if (timers.empty() || timers.begin()->first.first >= armed_for) return;
  armed_for = timers.begin()->first.first;
  // Not the time of now: what the loop's own thread posts may be overtaken by what others post later.
  asio::post(io, [this] {
    uint64_t when_ns = 0;
    {
      std::lock_guard lock(mutex);
      when_ns = armed_for;
    }
    if (when_ns == UINT64_MAX) return;
    timer.expires_at(time_point(when_ns));
    timer.async_wait([this](boost::system::error_code stopped) {
      if (!stopped) expire();
    });
  });
}

void Reactor::Loop::expire() {
  std::vector<Job*> alarms;
  collect_due(alarms);
  for (Job* alarm : alarms) alarm->run(alarm);
}

void Reactor::Loop::collect_due(std::vector<Job*>& alarms) {
  std::lock_guard lock(mutex);
  armed_for = UINT64_MAX;
  const uint64_t now = now_ns();
  while (!timers.empty() && timers.begin()->first.first <= now) {
    const auto due = timers.begin();
    const Wanted wanted = due->second;
    when.erase(due->first.second);
    timers.erase(due);
    if (wanted.lane == kAlarm) alarms.push_back(wanted.job);
    else post(wanted.lane, wanted.job);
  }
  arm_locked();
}

void Reactor::Loop::watch() {
  watched_ready.async_wait(asio::posix::stream_descriptor::wait_read, [this](boost::system::error_code stopped) {
    if (stopped) return;
    collect();
    watch();
  });
}

void Reactor::Loop::collect() {
  std::array<epoll_event, 64> events;
  int n = 0;
  do {
    n = ::epoll_wait(watched, events.data(), static_cast<int>(events.size()), 0);
    std::lock_guard lock(mutex);
    for (int i = 0; i < n; ++i) {
      const auto wait = waits.find(events[static_cast<size_t>(i)].data.fd);
      if (wait == waits.end()) continue;
      const Wanted wanted = wait->second;
      ::epoll_ctl(watched, EPOLL_CTL_DEL, wait->first, nullptr);
      waits.erase(wait);
      post(wanted.lane, wanted.job);
    }
  } while (n == static_cast<int>(events.size()));
}

TimerId Reactor::at(uint64_t when_ns, LaneId lane, Job* job) {
  std::lock_guard lock(loop_->mutex);
  if (!loop_->start_locked()) return 0;
  const TimerId id = ++loop_->last_id;
  loop_->timers.emplace(std::pair(when_ns, id), Wanted{lane, job});
  loop_->when.emplace(id, when_ns);
  loop_->arm_locked();
  return id;
}

bool Reactor::cancel(TimerId timer) {
  std::lock_guard lock(loop_->mutex);
  const auto known = loop_->when.find(timer);
  if (known == loop_->when.end()) return false;
  loop_->timers.erase(std::pair(known->second, timer));
  loop_->when.erase(known);
  return true;
}

Result<void> Reactor::when_readable(int fd, LaneId lane, Job* job) {
  std::lock_guard lock(loop_->mutex);
  if (auto ready = loop_->start_locked(); !ready) return ready;
  if (!loop_->waits.emplace(fd, Wanted{lane, job}).second)
    return Error("busy-descriptor", "descriptor " + std::to_string(fd) + " is waited for already");
  epoll_event event{};
  event.events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT;
  event.data.fd = fd;
  if (::epoll_ctl(loop_->watched, EPOLL_CTL_ADD, fd, &event) == 0) return {};
  const int why = errno;
  loop_->waits.erase(fd);
  if (why == EPERM) return Error("always-readable", "descriptor " + std::to_string(fd) + " is always readable");
  return Error("bad-descriptor", "cannot wait for descriptor " + std::to_string(fd) + ": " + std::strerror(why));
}

void Reactor::close() {
  {
    std::lock_guard lock(loop_->mutex);
    loop_->closed = true;
    loop_->timers.clear();
    loop_->when.clear();
    loop_->waits.clear();
  }
  loop_->io.stop();
  if (loop_->thread.joinable()) loop_->thread.join();
}

}  // namespace heddle
