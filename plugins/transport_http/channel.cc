#include "channel.h"

#include <heddle/sdk/quiet.h>

#include <algorithm>
#include <chrono>
#include <system_error>

#include "attempt.h"

namespace transport_http {

using heddle::sdk::detail::guard;

namespace {

// steady_clock is CLOCK_MONOTONIC.
std::chrono::steady_clock::time_point point(uint64_t ns) { return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(ns)); }

}  // namespace

Channel::Channel(Calls& calls, heddle_id id, heddle::sdk::ValueRef options, ChannelParams params)
    : calls_(calls), id_(id), peer_(options), params_(params), dialer_(std::make_unique<Dialer>(peer_)) {
  keeper_ = heddle::sdk::quiet_thread([this] { keep(); });
}

Channel::~Channel() {
  disconnect([] {});
  keeper_.join();
}

void Channel::call(const heddle_request& r) {
  std::shared_ptr<Call> call;
  guard(
        [&] {
          Asked asked = peer_.asked(r);
          asked.channel = id_;
          call = std::make_shared<Call>(std::move(asked));
        },
        [&](heddle_status status, std::string_view why) {
          Asked refused;
          refused.id = r.exchange;
          const char* const code = status == HEDDLE_UNSUPPORTED ? "unsupported" : status == HEDDLE_INVALID ? "invalid" : "internal";
          calls_.fail(Call(std::move(refused)), trouble(code, std::string(why)), false, true);
        });
  if (!call) return;
  calls_.add(call);
  admit(call);
}

void Channel::probe(heddle_op* op) {
  Asked asked = peer_.health();
  asked.probe = op;
  admit(std::make_shared<Call>(std::move(asked)));
}

// A probe finds a thread also where all calls are taken: it asks about the peer, not about us.
void Channel::admit(const std::shared_ptr<Call>& call) {
  const bool is_probe = call->asked().id == 0;
  std::optional<Failure> refused;
  {
    std::lock_guard lock(mutex_);
    Waiting& queue = is_probe ? probes_ : waiting_;
    if (stopping_) refused = trouble("cancelled", "the channel to " + peer_.origin.endpoint() + " is disconnected");
    else if (waiting_.size() >= params_.waiting && !is_probe)
      refused = trouble("full", std::to_string(params_.waiting) + " calls to " + peer_.origin.endpoint() + " wait already");
    if (!refused) queue.push_back(call);
    const bool wants_thread = !refused && idle_ < waiting_.size() + probes_.size() && threads_.size() <= params_.calls;
    if (wants_thread && (is_probe || threads_.size() < params_.calls)) {
      try {
        threads_.push_back(heddle::sdk::quiet_thread([this] { work(); }));
        ++idle_;
        ++living_;
      } catch (const std::system_error&) {
        // No thread to be had: as full as with all of them busy.
        if (threads_.empty()) refused = trouble("full", "no thread is to be had");
        if (threads_.empty()) queue.pop_back();
      }
    }
    if (!refused && call->asked().deadline_ns < look_ns_) {
      look_ns_ = call->asked().deadline_ns;
      look_.notify_one();
    }
  }
  came_.notify_one();
  if (refused) calls_.fail(*call, *refused, false, true);
}

Failure Channel::late() const { return trouble("deadline", "the deadline passed while the call waited for others to " + peer_.origin.endpoint()); }

bool Channel::can_take() const { return !probes_.empty() || (!waiting_.empty() && carried_.size() - probing_ < params_.calls); }

void Channel::work() {
  const auto bell = std::make_shared<Bell>();
  std::unique_lock lock(mutex_);
  for (;;) {
    const bool came = came_.wait_until(lock, point(in_ms(params_.keep_ms)), [this] { return stopping_ || can_take(); });
    if (!came) retire();
    if (!came || stopping_) break;
    const bool is_probe = !probes_.empty();
    Waiting& queue = is_probe ? probes_ : waiting_;
    const std::shared_ptr<Call> call = std::move(queue.front());
    queue.pop_front();
    --idle_;
    probing_ += is_probe;
    carried_.push_back(call);
    lock.unlock();
    carry(*call, bell);
    lock.lock();
    carried_.erase(std::find(carried_.begin(), carried_.end(), call));
    probing_ -= is_probe;
    ++idle_;
  }
  if (--living_ == 0) ended_.notify_all();
}

// This thread has had nothing to do for long: the keeper joins it.
void Channel::retire() {
  const auto own = std::find_if(threads_.begin(), threads_.end(), [](const std::thread& t) { return t.get_id() == std::this_thread::get_id(); });
  retired_.push_back(std::move(*own));
  threads_.erase(own);
  --idle_;
  look_ns_ = 0;
  look_.notify_one();
}

void Channel::carry(Call& call, const std::shared_ptr<Bell>& bell) {
  const Asked& asked = call.asked();
  call.begin(bell);
  const Patience patience{*bell, call.given_up(), asked.deadline_ns};
  std::optional<Failure> failure;
  if (!*bell) failure = trouble("unreachable", "no file descriptor is left");
  else if (call.given_up()) failure = trouble("cancelled", "the call was given up");
  else if (asked.deadline_ns <= now_ns()) failure = late();
  for (bool again = false; !failure;) {
    std::unique_ptr<Link> link = again ? nullptr : take_link();
    const bool was_kept = link != nullptr;
    const auto stumble = [](heddle_status status, std::string_view why) { return Failure{status, "internal", "permanent", std::string(why)}; };
    if (!was_kept)
      guard(
          [&] {
            Dialled dialled = dialer_->dial(patience);
            link = std::move(dialled.link);
            failure = std::move(dialled.failure);
          },
          [&](heddle_status status, std::string_view why) { failure = stumble(status, why); });
    if (failure) break;
    Attempt attempt(calls_, call, peer_, *link, patience);
    guard([&] { attempt.run(); }, [&](heddle_status status, std::string_view why) { attempt.refuse(stumble(status, why)); });
    if (attempt.keeps_link()) keep_link(std::move(link));
    // A peer may end a connection that was kept while a request is on its way to it.
    again = was_kept && attempt.is_unheard() && (asked.can_repeat || attempt.is_unsent());
    if (!again) return attempt.report();
  }
  calls_.fail(call, *failure, false, true);
}

// One that was kept and is alive; null: there is none.
std::unique_ptr<Link> Channel::take_link() {
  for (;;) {
    std::unique_ptr<Link> link;
    {
      std::lock_guard lock(mutex_);
      if (kept_.empty()) return nullptr;
      link = std::move(kept_.back().link);
      kept_.pop_back();
    }
    if (link->is_alive()) return link;
  }
}

void Channel::keep_link(std::unique_ptr<Link> link) {
  const uint64_t until = in_ms(params_.keep_ms);
  std::lock_guard lock(mutex_);
  kept_.push_back({std::move(link), until});
  if (until >= look_ns_) return;
  look_ns_ = until;
  look_.notify_one();
}

void Channel::look() {
  std::lock_guard lock(mutex_);
  look_ns_ = 0;
  look_.notify_one();
}

// Those that wait and need not any more.
Channel::Waiting Channel::take_ended(uint64_t now) {
  Waiting ended;
  for (Waiting* queue : {&waiting_, &probes_}) {
    const auto is_over = [&](const auto& call) { return call->given_up() || call->asked().deadline_ns <= now; };
    std::copy_if(queue->begin(), queue->end(), std::back_inserter(ended), is_over);
    std::erase_if(*queue, is_over);
    for (const auto& call : *queue) look_ns_ = std::min(look_ns_, call->asked().deadline_ns);
  }
  return ended;
}

std::vector<Channel::Kept> Channel::take_unused(uint64_t now) {
  std::vector<Kept> unused;
  const auto end = std::find_if(kept_.begin(), kept_.end(), [&](const Kept& kept) { return kept.until_ns > now; });
  std::move(kept_.begin(), end, std::back_inserter(unused));
  kept_.erase(kept_.begin(), end);
  if (!kept_.empty()) look_ns_ = std::min(look_ns_, kept_.front().until_ns);
  return unused;
}

// The keeper's thread: what has to happen although nobody else does anything.
void Channel::keep() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto due = [this] { return stopping_ || look_ns_ <= now_ns(); };
    if (look_ns_ == kNever) look_.wait(lock, [this] { return stopping_ || look_ns_ != kNever; });
    else look_.wait_until(lock, point(look_ns_));
    if (!due()) continue;
    const uint64_t now = now_ns();
    look_ns_ = kNever;
    const Waiting ended = take_ended(now);
    const std::vector<Kept> unused = take_unused(now);
    std::vector<std::thread> retired;
    retired.swap(retired_);
    lock.unlock();
    for (std::thread& thread : retired) thread.join();
    for (const auto& call : ended) {
      const bool given_up = call->given_up();
      calls_.fail(*call, given_up ? trouble("cancelled", "the call was given up") : late(), false, true);
    }
    lock.lock();
  }
  lock.unlock();
  close_down();
}

void Channel::close_down() {
  Waiting left;
  std::vector<std::shared_ptr<Call>> carried;
  {
    std::lock_guard lock(mutex_);
    left.swap(waiting_);
    left.insert(left.end(), probes_.begin(), probes_.end());
    probes_.clear();
    carried = carried_;
  }
  came_.notify_all();
  for (const auto& call : carried) call->give_up();
  for (const auto& call : left) calls_.fail(*call, trouble("cancelled", "the channel to " + peer_.origin.endpoint() + " is disconnected"), false, true);
  std::vector<std::thread> threads;
  std::function<void()> done;
  {
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [this] { return living_ == 0; });
    threads.swap(threads_);
    std::move(retired_.begin(), retired_.end(), std::back_inserter(threads));
    retired_.clear();
    kept_.clear();
    done.swap(done_);
  }
  for (std::thread& thread : threads) thread.join();
  dialer_.reset();
  done();
  gone_ = true;
}

bool Channel::disconnect(std::function<void()> done) {
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return false;
    stopping_ = true;
    done_ = std::move(done);
  }
  look_.notify_one();
  return true;
}

}  // namespace transport_http
