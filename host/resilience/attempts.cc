#include "resilience/attempts.h"

#include <algorithm>
#include <utility>

namespace heddle {

std::string_view name_of(Attempts::Ending ending) {
  static constexpr std::string_view kNames[] = {"open", "answered", "refused", "timed-out", "breakers-open", "failed", "cancelled"};
  return kNames[static_cast<size_t>(ending)];
}

Attempts::Attempts(std::vector<EndpointPool*> pools, const CallPolicy& policy, bool repeatable, uint64_t key, uint64_t deadline_ns, Draw draw)
    : pools_(std::move(pools)), policy_(policy), repeatable_(repeatable), key_(key), callers_deadline_ns_(deadline_ns), draw_(std::move(draw)) {}

Attempts::Steps Attempts::begin(uint64_t now) {
  Steps steps;
  deadline_ns_ = now + policy_.timeout_ns;
  if (callers_deadline_ns_ != 0) deadline_ns_ = std::min(deadline_ns_, callers_deadline_ns_);
  if (now >= deadline_ns_) {
    error_ = Error("timeout", "its time was up before it was sent", ErrorClass::kRetryable);
    finish(Ending::kTimedOut, now, steps);
    return steps;
  }
  open_pool(now, steps);
  wake(now, steps);
  return steps;
}

void Attempts::open_pool(uint64_t now, Steps& steps) {
  tried_.clear();
  rounds_ = 0;
  pools_[pool_]->called(now);
  send(now, steps);
}

// The next attempt in this pool: the first one, a retry, or a hedge.
void Attempts::send(uint64_t now, Steps& steps) {
  EndpointPool& pool = *pools_[pool_];
  const bool is_hedge = !in_flight_.empty();
  if (tried_.size() >= pool.size() && !is_hedge) tried_ = {tried_.back()};  // all were: any but the last one
  const auto pick = pool.pick(key_, tried_, now, is_hedge ? AttemptKind::kHedge : rounds_ > 0 ? AttemptKind::kRetry : AttemptKind::kFirst);
  if (!pick) {
    if (is_hedge) return;
    if (rounds_ == 0) {
      error_ = Error("breaker-open", "the circuit breaker of " + (pool.size() == 1 ? pool.address(0) : "each of the " + std::to_string(pool.size()) + " endpoints") + " is open",
                     ErrorClass::kRetryable);
    }
    return next_pool(rounds_ == 0 ? Ending::kBreakersOpen : Ending::kFailed, now, steps);
  }
  if (is_hedge) {
    ++extra_;
  } else {
    ++rounds_;
    extra_ = 0;
  }
  tried_.push_back(pick->endpoint);
  const auto number = static_cast<uint32_t>(history_.size()) + 1;
  history_.push_back({number, pool.address(pick->endpoint), {}, 0});
  const uint64_t until_ns = policy_.attempt_timeout_ns > 0 ? std::min(deadline_ns_, now + policy_.attempt_timeout_ns) : deadline_ns_;
  in_flight_.push_back({number, pool_, *pick, now, until_ns});
  steps.push_back({.kind = Step::Kind::kSend, .number = number, .pool = pool_, .pick = *pick, .at_ns = until_ns});
  hedge_at_ns_ = 0;
  if (!policy_.hedge || !repeatable_ || extra_ >= policy_.hedge->most_extra) return;
  if (const uint64_t after_ns = policy_.hedge->after_ns > 0 ? policy_.hedge->after_ns : pool.latency_ns(policy_.hedge->percentile)) hedge_at_ns_ = now + after_ns;
}

// It is under way no more.
void Attempts::land(size_t flight, CallOutcome outcome, std::string why, uint64_t now) {
  const Flight f = in_flight_[flight];
  in_flight_.erase(in_flight_.begin() + static_cast<long>(flight));
  Attempt& attempt = history_[f.number - 1];
  attempt.took_ns = now - f.sent_ns;
  attempt.error = why;
  pools_[f.pool]->ended(f.pick, outcome, attempt.took_ns, std::move(why), now);
}

Attempts::Steps Attempts::answered(uint32_t number, Answer answer, uint64_t now) {
  Steps steps;
  const auto found = std::find_if(in_flight_.begin(), in_flight_.end(), [&](const Flight& f) { return f.number == number; });
  if (ending_ != Ending::kOpen || found == in_flight_.end()) return steps;
  const auto flight = static_cast<size_t>(found - in_flight_.begin());
  if (!answer.error) {
    land(flight, CallOutcome::kGood, {}, now);
    answered_by_ = number;
    finish(Ending::kAnswered, now, steps);
    return steps;
  }
  land(flight, answer.is_endpoints ? CallOutcome::kBad : CallOutcome::kGood, answer.error->text(), now);
  failed(answer, now, steps);
  wake(now, steps);
  return steps;
}

void Attempts::failed(const Answer& answer, uint64_t now, Steps& steps) {
  error_ = *answer.error;
  if (error_.error_class != ErrorClass::kRetryable) return finish(Ending::kRefused, now, steps);
  if (!in_flight_.empty()) return;  // another attempt may still be answered
  hedge_at_ns_ = 0;
  EndpointPool& pool = *pools_[pool_];
  const bool may = (repeatable_ || answer.never_sent) && rounds_ < policy_.retry.max_attempts;
  const uint64_t wait_ns = may ? std::max(answer.retry_after_ns, policy_.retry.wait_ns(rounds_ + 1, draw_)) : 0;
  if (!may || now + wait_ns >= deadline_ns_ || (!answer.never_sent && !answer.is_gone && !pool.may_retry(now))) {
    if (!repeatable_ && !answer.never_sent) return finish(Ending::kFailed, now, steps);  // it may have been done: nobody else gets it
    return next_pool(Ending::kFailed, now, steps);
  }
  retry_at_ns_ = std::max<uint64_t>(1, now + wait_ns);
}

void Attempts::next_pool(Ending otherwise, uint64_t now, Steps& steps) {
  if (pool_ + 1 == pools_.size()) return finish(otherwise, now, steps);
  ++pool_;
  open_pool(now, steps);
}

Attempts::Steps Attempts::woken(uint64_t now) {
  Steps steps;
  if (ending_ != Ending::kOpen) return steps;
  if (now >= deadline_ns_) {
    error_ = Error("timeout", "its time was up", ErrorClass::kRetryable);
    finish(Ending::kTimedOut, now, steps);
    return steps;
  }
  for (size_t i = 0; i < in_flight_.size() && ending_ == Ending::kOpen;) {
    if (now < in_flight_[i].until_ns) {
      ++i;
      continue;
    }
    steps.push_back({.kind = Step::Kind::kCancel, .number = in_flight_[i].number});
    Answer none = {.error = Error("timeout", "no answer within " + std::to_string((now - in_flight_[i].sent_ns) / kNsPerMs) + " ms", ErrorClass::kRetryable)};
    land(i, CallOutcome::kBad, none.error->message, now);
    failed(none, now, steps);
    i = 0;
  }
  if (ending_ == Ending::kOpen && retry_at_ns_ != 0 && now >= retry_at_ns_) {
    retry_at_ns_ = 0;
    send(now, steps);
  }
  if (ending_ == Ending::kOpen && hedge_at_ns_ != 0 && now >= hedge_at_ns_) {
    hedge_at_ns_ = 0;
    if (pools_[pool_]->may_retry(now)) send(now, steps);
  }
  wake(now, steps);
  return steps;
}

Attempts::Steps Attempts::cancel(uint64_t now) {
  Steps steps;
  if (ending_ != Ending::kOpen) return steps;
  error_ = Error("cancelled", "it was cancelled", ErrorClass::kCancelled);
  finish(Ending::kCancelled, now, steps);
  return steps;
}

// What is still under way was not the endpoint's fault, but where it had all the time that this call gives.
void Attempts::finish(Ending ending, uint64_t now, Steps& steps) {
  ending_ = ending;
  while (!in_flight_.empty()) {
    const Flight& f = in_flight_.back();
    steps.push_back({.kind = Step::Kind::kCancel, .number = f.number});
    const bool had_its_time = ending == Ending::kTimedOut && now - f.sent_ns >= policy_.timeout_ns;
    land(in_flight_.size() - 1, had_its_time ? CallOutcome::kBad : CallOutcome::kNothing, ending == Ending::kTimedOut ? "no answer in time" : "", now);
  }
  steps.push_back({.kind = Step::Kind::kDone});
}

void Attempts::wake(uint64_t now, Steps& steps) const {
  if (ending_ != Ending::kOpen) return;
  uint64_t at_ns = deadline_ns_;
  for (const Flight& f : in_flight_) at_ns = std::min(at_ns, f.until_ns);
  if (retry_at_ns_ != 0) at_ns = std::min(at_ns, retry_at_ns_);
  if (hedge_at_ns_ != 0) at_ns = std::min(at_ns, hedge_at_ns_);
  steps.push_back({.kind = Step::Kind::kWake, .at_ns = std::max(at_ns, now)});
}

std::string Attempts::history_text() const {
  std::string text;
  for (const Attempt& a : history_) {
    if (!text.empty()) text += "; ";
    text += "attempt " + std::to_string(a.number) + " to " + a.address + ": " + (a.error.empty() ? "given up" : a.error) + " (" + std::to_string(a.took_ns / kNsPerMs) + " ms)";
  }
  return text;
}

}  // namespace heddle
