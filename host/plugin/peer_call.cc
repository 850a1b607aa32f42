#include "plugin/peer_call.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace heddle {
namespace {

constexpr uint64_t kClocksDifferNs = 10 * kNsPerMs;

uint64_t deadline_of(const PeerRequest& request, const CallPolicy& policy, uint64_t now) {
  const uint64_t ours = now + policy.timeout_ns;
  return request.call.deadline_ns == 0 ? ours : std::min(ours, request.call.deadline_ns);
}

// What goes wrong between us and one endpoint says nothing of the others: another one is worth a try.
bool is_of_the_way(std::string_view code) {
  static constexpr std::array<std::string_view, 4> kCodes = {"unreachable", "untrusted", "connection-lost", "not-understood"};
  return std::find(kCodes.begin(), kCodes.end(), code) != kCodes.end();
}

bool is_endpoints_fault(const RemoteAnswer& answer) {
  switch (answer.status) {
    case HEDDLE_UNAVAILABLE:
    case HEDDLE_DEADLINE:
    case HEDDLE_INTERNAL:
    case HEDDLE_IO:
      return true;
    case HEDDLE_EXHAUSTED:
      return !answer.unsent;  // else it is our own queue that is full
    default:
      return is_of_the_way(answer.why.code);
  }
}

Attempts::Answer outcome_of(const RemoteAnswer& answer) {
  if (answer.is_ok()) return {};
  // Who says that it is full has done nothing of it.
  const bool nothing_done = answer.unsent || answer.why.code == "full";
  Attempts::Answer out{.error = answer.why, .is_endpoints = is_endpoints_fault(answer), .never_sent = nothing_done, .retry_after_ns = answer.retry_after_ms * kNsPerMs};
  out.is_gone = answer.why.code == "unreachable" || answer.why.code == "connection-lost";
  if (is_of_the_way(answer.why.code)) out.error->error_class = ErrorClass::kRetryable;
  return out;
}

// Of an answer that began and gave nothing: whether the peer ended it or the connection did cannot be told.
RemoteAnswer broken_off(Error why) {
  if (why.error_class == ErrorClass::kRetryable) why.code = "connection-lost";
  return {.status = why.error_class == ErrorClass::kRetryable ? HEDDLE_UNAVAILABLE : HEDDLE_INTERNAL, .why = std::move(why)};
}

heddle_status status_of(Attempts::Ending ending, const std::optional<RemoteAnswer>& last) {
  switch (ending) {
    case Attempts::Ending::kTimedOut:
      return HEDDLE_DEADLINE;
    case Attempts::Ending::kCancelled:
      return HEDDLE_CANCELLED;
    case Attempts::Ending::kBreakersOpen:
      return HEDDLE_UNAVAILABLE;
    default:
      return last && last->status < 0 ? last->status : HEDDLE_UNAVAILABLE;
  }
}

}  // namespace

PeerCall::PeerCall(std::shared_ptr<PeerGroup> group, const CallPolicy& policy, PeerRequest request, PeerHearing hearing)
    : group_(std::move(group)), request_(std::move(request)), hearing_(std::move(hearing)), begun_ns_(now_ns()), deadline_ns_(deadline_of(request_, policy, begun_ns_)),
      attempts_(group_->pools(), policy, request_.repeatable, request_.key, deadline_ns_), spans_(group_->settings(), request_) {}

void PeerCall::begin() {
  Attempts::Steps steps;
  {
    std::lock_guard lock(mutex_);
    steps = attempts_.begin(now_ns());
  }
  carry_out(steps);
}

void PeerCall::carry_out(const Attempts::Steps& steps) {
  for (const Attempts::Step& step : steps) {
    switch (step.kind) {
      case Attempts::Step::Kind::kSend: send(step); break;
      case Attempts::Step::Kind::kCancel: give_up(step.number); break;
      case Attempts::Step::Kind::kWake: wake_at(step.at_ns); break;
      case Attempts::Step::Kind::kDone: tell(); break;
    }
  }
}

// Another thread may end the call while this one is still on its way to the channel: whoever comes second undoes it.
void PeerCall::send(const Attempts::Step& step) {
  Channel& channel = group_->channel(step.pool, step.pick.endpoint);
  RemoteCall call = request_.call;
  {
    std::lock_guard lock(mutex_);
    Flight& flight = flights_[step.number];
    if (flight.unwanted) return;
    flight.channel = &channel;
    call.trace = spans_.begin_attempt(step.number, channel.endpoint());
  }
  call.deadline_ns = deadline_ns_;
  call.metadata.emplace_back("attempt", std::to_string(step.number));
  if (request_.repeatable && !request_.idempotency_key.empty()) call.metadata.emplace_back("idempotency-key", request_.idempotency_key);
  Hearing hearing;
  hearing.credit = hearing_.credit;
  hearing.answered = [self = shared_from_this(), n = step.number](RemoteAnswer answer) { self->heard(n, std::move(answer)); };
  if (hearing_.part) {
    hearing.part = [self = shared_from_this(), n = step.number](Value part) { self->heard_part(n, std::move(part)); };
    hearing.ended = [self = shared_from_this(), n = step.number](Result<void> end) { self->heard_end(n, std::move(end)); };
  }
  const heddle_id id = channel.call(std::move(call), std::move(hearing));
  bool unwanted = false;
  uint32_t granted = 0;
  {
    std::lock_guard lock(mutex_);
    Flight& flight = flights_[step.number];
    flight.id = id;
    unwanted = flight.unwanted;
    granted = std::exchange(flight.granted, 0);
  }
  if (id == 0) return;
  if (granted > 0) channel.grant(id, granted);
  if (unwanted) channel.cancel(id);
}

void PeerCall::give_up(uint32_t number) {
  Channel* channel = nullptr;
  heddle_id id = 0;
  {
    std::lock_guard lock(mutex_);
    Flight& flight = flights_[number];
    flight.unwanted = true;
    flight.head.reset();
    channel = flight.channel;
    id = flight.id;
  }
  if (id != 0) channel->cancel(id);
}

void PeerCall::wake_at(uint64_t at_ns) {
  Errands::Id late = 0;
  {
    std::lock_guard lock(mutex_);
    if (attempts_.ending() != Attempts::Ending::kOpen) return;
    if (timer_ != 0 && timer_ns_ <= at_ns) return;  // it asks again when it comes
    late = timer_;
    timer_ns_ = at_ns;
    timer_ = group_->errands_.at(at_ns, [self = shared_from_this()] { self->woken(); });
  }
  if (late != 0) group_->errands_.take_back(late);
}

void PeerCall::woken() {
  Attempts::Steps steps;
  {
    std::lock_guard lock(mutex_);
    timer_ = 0;
    steps = attempts_.woken(now_ns());
  }
  carry_out(steps);
}

void PeerCall::heard(uint32_t number, RemoteAnswer answer) {
  const bool is_over = !answer.is_ok() || !answer.more;
  if (is_over) end_span(number, answer.is_ok() ? nullptr : &answer.why);
  if (is_over) return settle(number, std::move(answer));
  std::lock_guard lock(mutex_);
  Flight& flight = flights_[number];
  if (!flight.unwanted) flight.head = std::move(answer);
}

void PeerCall::end_span(uint32_t number, const Error* failure) {
  std::lock_guard lock(mutex_);
  spans_.end_attempt(number, failure);
}

void PeerCall::settle(uint32_t number, RemoteAnswer answer) {
  Attempts::Steps steps;
  {
    std::lock_guard lock(mutex_);
    if (attempts_.ending() != Attempts::Ending::kOpen) return;
    const uint64_t now = now_ns();
    // The transport and the peer keep the deadline of the call, too, each by its own clock: who says that it has passed says no more than the time does.
    const bool is_late = now >= deadline_ns_ || (answer.status == HEDDLE_DEADLINE && now + kClocksDifferNs >= deadline_ns_);
    if (!answer.is_ok() && is_late) steps = attempts_.woken(std::max(now, deadline_ns_));
    else steps = attempts_.answered(number, outcome_of(answer), now);
    if (attempts_.ending() != Attempts::Ending::kAnswered || attempts_.answered_by() == number) answer_ = std::move(answer);
  }
  carry_out(steps);
}

// The head of this attempt, where this is the first that is heard after it.
bool PeerCall::take_head(uint32_t number, RemoteAnswer& head) {
  std::lock_guard lock(mutex_);
  Flight& flight = flights_[number];
  if (!flight.head) return false;
  head = *std::exchange(flight.head, std::nullopt);
  return true;
}

bool PeerCall::is_winner(uint32_t number) {
  std::lock_guard lock(mutex_);
  return attempts_.ending() == Attempts::Ending::kAnswered && attempts_.answered_by() == number;
}

void PeerCall::heard_part(uint32_t number, Value part) {
  RemoteAnswer head;
  if (take_head(number, head)) settle(number, std::move(head));
  if (is_winner(number)) hearing_.part(std::move(part));
}

void PeerCall::heard_end(uint32_t number, Result<void> end) {
  RemoteAnswer head;
  end_span(number, end ? nullptr : &end.error());
  if (take_head(number, head)) {
    if (!end) return settle(number, broken_off(std::move(end).error()));
    settle(number, std::move(head));
  }
  if (!is_winner(number)) return;
  {
    std::lock_guard lock(mutex_);
    spans_.end_call(attempts_.history()[number - 1].address, name_of(attempts_.ending()), end ? nullptr : &end.error());
  }
  hearing_.ended(std::move(end));
}

void PeerCall::tell() {
  PeerAnswer out;
  Errands::Id timer = 0;
  {
    std::lock_guard lock(mutex_);
    out.ending = attempts_.ending();
    out.history = attempts_.history();
    out.took_ns = now_ns() - begun_ns_;
    if (out.ending == Attempts::Ending::kAnswered) {
      out.answer = *std::exchange(answer_, std::nullopt);
      out.endpoint = out.history[attempts_.answered_by() - 1].address;
    } else {
      out.answer = failure();
    }
    timer = std::exchange(timer_, 0);
    if (!out.answer.more) spans_.end_call(out.endpoint, name_of(out.ending), out.answer.is_ok() ? nullptr : &out.answer.why);
  }
  if (timer != 0) group_->errands_.take_back(timer);
  hearing_.answered(std::move(out));
}

// [mutex_ held]
RemoteAnswer PeerCall::failure() const {
  RemoteAnswer out{.status = status_of(attempts_.ending(), answer_), .why = attempts_.error()};
  if (answer_) out.retry_after_ms = answer_->retry_after_ms;
  if (attempts_.ending() == Attempts::Ending::kBreakersOpen) {
    for (const auto& pool : group_->standing(now_ns()))
      for (const auto& endpoint : pool) out.why.message += "; " + endpoint.address + ": " + (endpoint.last_error.empty() ? "no reason is known" : endpoint.last_error);
  } else if (const std::string history = attempts_.history_text(); !history.empty()) {
    out.why.cause = nullptr;  // the history says it, too
    out.why.message = history;
  }
  return out;
}

void PeerCall::grant(uint32_t parts) {
  Channel* channel = nullptr;
  heddle_id id = 0;
  {
    std::lock_guard lock(mutex_);
    if (attempts_.ending() != Attempts::Ending::kAnswered) return;
    Flight& flight = flights_[attempts_.answered_by()];
    channel = flight.channel;
    id = flight.id;
    if (id == 0) flight.granted += parts;
  }
  if (id != 0) channel->grant(id, parts);
}

void PeerCall::cancel() {
  Attempts::Steps steps;
  uint32_t winner = 0;
  {
    std::lock_guard lock(mutex_);
    if (attempts_.ending() == Attempts::Ending::kAnswered) winner = attempts_.answered_by();
    else steps = attempts_.cancel(now_ns());
  }
  if (winner != 0) give_up(winner);
  carry_out(steps);
}

}  // namespace heddle
