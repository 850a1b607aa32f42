// SPDX-License-Identifier: Apache-2.0
//
// PollThread: one thread that waits for descriptors, for times and for what others post to it, and does one thing at a time: what only it touches needs no lock. For plugins that speak a
// protocol. Not in sdk.h: include it where it is wanted.
#pragma once
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "host.h"
#include "quiet.h"

namespace heddle::sdk {

// What is run here may throw: that is logged, and the thread goes on.
class PollThread {
 public:
  using Id = uint64_t;  // never 0
  explicit PollThread(Log log) noexcept : log_(log) {}
  ~PollThread() { stop(); }
  PollThread(const PollThread&) = delete;
  PollThread& operator=(const PollThread&) = delete;

  static uint64_t now_ns() noexcept { return static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()); }  // CLOCK_MONOTONIC

  // [start] Throws Error, or std::system_error.
  void start(const char* name) {
    bell_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (bell_ < 0) throw Error(HEDDLE_EXHAUSTED, "no descriptor is left for a thread to wait with");
    {
      std::lock_guard lock(mutex_);
      running_ = true;
    }
    try {
      thread_ = quiet_thread([this] { run(); });
    } catch (...) {
      end();
      throw;
    }
    ::pthread_setname_np(thread_.native_handle(), name);
  }
  // [start] What was posted is run before it ends; nothing is watched any more, and no time comes.
  void stop() noexcept {
    {
      std::lock_guard lock(mutex_);
      running_ = false;
      if (bell_ >= 0) ring();
    }
    if (!thread_.joinable()) return;
    thread_.join();
    end();
  }

  // [any] `fn()` runs on the thread, after what was posted before it. False: there is no thread, and fn is gone.
  template <class Fn>
  bool post(Fn fn) {
    auto task = std::make_unique<TaskOf<Fn>>(std::move(fn));
    std::lock_guard lock(mutex_);
    if (!running_) return false;
    posted_.push_back(std::move(task));
    if (posted_.size() == 1) ring();
    return true;
  }

  // On the thread: ----------------------------------------------------------------------------------------------------------------------------

  // Calls ready(revents) whenever poll(2) says so of fd, until forget(). `events` 0: it is not asked of at all. fd is the caller's, and stays open until forget().
  Id watch(int fd, short events, std::function<void(short)> ready) {
    watched_.emplace(++last_, Watched{fd, events, std::make_shared<const std::function<void(short)>>(std::move(ready))});
    return last_;
  }
  void change(Id watch, short events) {
    const auto found = watched_.find(watch);
    if (found != watched_.end()) found->second.events = events;
  }
  // Calls fn() once, not before now_ns() is `due_ns`.
  Id at(uint64_t due_ns, std::function<void()> fn) {
    due_.emplace(std::pair(due_ns, ++last_), std::move(fn));
    dues_.emplace(last_, due_ns);
    return last_;
  }
  // A watch or a time; of one that is gone: nothing.
  void forget(Id id) noexcept {
    watched_.erase(id);
    const auto found = dues_.find(id);
    if (found == dues_.end()) return;
    due_.erase({found->second, id});
    dues_.erase(found);
  }

 private:
  struct Task {
    virtual ~Task() = default;
    virtual void run() = 0;
  };
  template <class Fn>
  struct TaskOf final : Task {
    explicit TaskOf(Fn f) : fn(std::move(f)) {}
    void run() override { fn(); }
    Fn fn;
  };
  struct Watched {
    int fd;
    short events;
    std::shared_ptr<const std::function<void(short)>> ready;
  };

  void ring() noexcept {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(bell_, &one, sizeof one);  // fails only where it rings already
  }
  void end() noexcept {
    std::lock_guard lock(mutex_);
    running_ = false;
    ::close(std::exchange(bell_, -1));
    watched_.clear();
    due_.clear();
    dues_.clear();
  }

  template <class Fn>
  void guarded(Fn&& fn) noexcept {
    detail::guard(std::forward<Fn>(fn), [this](heddle_status, std::string_view why) { log_.error(why); });
  }

  void run() noexcept {
    while (run_posted()) {
      guarded([this] { wait(); });
      run_due();
    }
  }
  bool run_posted() noexcept {
    std::vector<std::unique_ptr<Task>> tasks;
    bool goes_on;
    {
      std::lock_guard lock(mutex_);
      tasks.swap(posted_);
      goes_on = running_;
    }
    for (auto& task : tasks) {
      guarded([&] { task->run(); });
      task.reset();
    }
    return goes_on;
  }
  void wait() {
    std::vector<pollfd> polled = {{bell_, POLLIN, 0}};
    std::vector<Id> ids = {0};
    for (const auto& [id, watched] : watched_) {
      if (watched.events == 0) continue;
      polled.push_back({watched.fd, watched.events, 0});
      ids.push_back(id);
    }
    timespec left{};
    if (!due_.empty()) {
      const uint64_t due = due_.begin()->first.first, now = now_ns(), ns = due > now ? due - now : 0;
      left = {static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
    }
    if (::ppoll(polled.data(), polled.size(), due_.empty() ? nullptr : &left, nullptr) <= 0) return;
    if (polled[0].revents != 0) {
      uint64_t rings;
      [[maybe_unused]] const ssize_t got = ::read(bell_, &rings, sizeof rings);
    }
    for (size_t i = 1; i < polled.size(); ++i) {
      const auto found = polled[i].revents ? watched_.find(ids[i]) : watched_.end();
      if (found == watched_.end()) continue;  // forgotten by one of those before it
      guarded([ready = found->second.ready, revents = polled[i].revents] { (*ready)(revents); });
    }
  }
  void run_due() noexcept {
    const uint64_t now = now_ns();
    while (!due_.empty() && due_.begin()->first.first <= now) {
      const auto fn = std::move(due_.begin()->second);
      dues_.erase(due_.begin()->first.second);
      due_.erase(due_.begin());
      guarded(fn);
    }
  }

  Log log_;
  std::thread thread_;
  std::mutex mutex_;
  // Guarded by mutex_:
  std::vector<std::unique_ptr<Task>> posted_;
  int bell_ = -1;
  bool running_ = false;
  // The thread's own:
  std::map<Id, Watched> watched_;
  std::map<std::pair<uint64_t, Id>, std::function<void()>> due_;  // by time
  std::map<Id, uint64_t> dues_;
  Id last_ = 0;
};

}  // namespace heddle::sdk
