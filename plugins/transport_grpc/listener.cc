#include "listener.h"

#include <heddle/sdk/quiet.h>

#include <algorithm>

#include "clock.h"

namespace transport_grpc {
namespace {

constexpr uint64_t kLookMs = 1'000;  // who watches the health of the host hears of a change within this

}  // namespace

Listener::Listener(Exchanges& exchanges, heddle_id id, Offer offer, const ListenerParams& params) : exchanges_(exchanges), id_(id), offer_(std::move(offer)) {
  server_ = std::make_unique<Server>(offer_, params, *this);
  const heddle::sdk::BlockSignals blocked;
  keeper_ = std::thread([this] { keep(); });
}

Listener::~Listener() {
  close(0, [] {});
  keeper_.join();
}

std::optional<Failure> Listener::enter(const std::shared_ptr<Waiter>& waiter) {
  std::optional<Failure> refused;
  {
    std::lock_guard lock(mutex_);
    if (closing_) refused = failure("unreachable", "this host takes no more requests");
    else if (taken_ >= offer_.requests) refused = failure("full", "too many requests are being answered");
    if (refused) refused->retry_after_ms = 1000;
    else ++taken_;
    open_.emplace(waiter, !refused);
  }
  news_.notify_one();
  return refused;
}

void Listener::leave(const std::shared_ptr<Waiter>& waiter) {
  std::lock_guard lock(mutex_);
  const auto found = open_.find(waiter);
  if (found->second) --taken_;
  open_.erase(found);
  if (open_.empty()) gone_.notify_all();  // under the lock: the listener may go as soon as nothing is open
}

bool Listener::close(uint64_t until_ns, std::function<void()> done) {
  {
    std::lock_guard lock(mutex_);
    if (closing_) return false;
    closing_ = true;
    until_ns_ = until_ns;
    done_ = std::move(done);
  }
  news_.notify_one();
  return true;
}

std::vector<std::shared_ptr<Waiter>> Listener::open() {
  std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Waiter>> all;
  for (const auto& [waiter, taken] : open_) all.push_back(waiter);
  return all;
}

// As long as requests are open, looks now and then after each; then closes.
void Listener::keep() {
  const uint64_t period = std::clamp<uint64_t>(std::min(offer_.request_ms, offer_.stall_ms) / 4, 1, kLookMs) * kNsPerMs;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      news_.wait(lock, [this] { return closing_ || !open_.empty(); });
      if (news_.wait_until(lock, point(now_ns() + period), [this] { return closing_; })) break;
    }
    for (const auto& waiter : open()) waiter->look(now_ns());
  }
  for (const auto& waiter : open()) waiter->close();
  server_->shut_down(until_ns_);
  std::unique_lock lock(mutex_);
  gone_.wait(lock, [this] { return open_.empty(); });
  const auto done = std::move(done_);
  lock.unlock();
  done();
}

}  // namespace transport_grpc
