#include "exchange.h"

namespace transport_http {

using heddle::sdk::Value;
using heddle::sdk::detail::to_view;

bool Exchange::answer(const heddle_answer& a) {
  Value body = Value::adopt(a.body);
  bool ring, accepted;
  {
    std::lock_guard lock(mutex_);
    accepted = !answered_;
    if (accepted) {
      answered_ = true;
      open_ = a.more && a.status == HEDDLE_OK;
      answer_ = {a.status, open_, std::string(to_view(a.content_type)), a.retry_after_ms, std::move(body), a.accepted};
      if (answer_.content_type.empty()) answer_.content_type = "application/json";
    }
    ring = !waits_for_company() && std::exchange(waited_for_, false);
  }
  if (ring) bell_->ring();
  return accepted;
}

bool Exchange::part(heddle_value* v) {
  Value part = Value::adopt(v);
  bool ring, accepted;
  {
    std::lock_guard lock(mutex_);
    accepted = open_ && !ended_ && parts_.size() < kWindow;
    if (accepted) parts_.push_back(std::move(part));
    else broken_ = ended_ = true;
    ring = std::exchange(waited_for_, false);
  }
  if (ring) bell_->ring();
  return accepted;
}

bool Exchange::end(heddle_status status, heddle_str why) {
  bool ring, accepted;
  {
    std::lock_guard lock(mutex_);
    accepted = open_ && !ended_;
    if (accepted) {
      ended_ = true;
      broken_ = status < 0;
      why_ = to_view(why);
    }
    ring = std::exchange(waited_for_, false);
  }
  if (ring) bell_->ring();
  return accepted;
}

void Exchange::cancel() {
  {
    std::lock_guard lock(mutex_);
    cancelled_ = true;
    waited_for_ = false;
  }
  bell_->ring();
}

// A head that goes with the first part is no message of its own, neither here nor for the peer. Whoever asks for events wants to know at once that they will come.
bool Exchange::waits_for_company() const { return open_ && parts_.empty() && !ended_ && answer_.content_type != "text/event-stream"; }

Exchange::State Exchange::take_answer(Answer& out) {
  std::lock_guard lock(mutex_);
  if (cancelled_) return State::kCancelled;
  if (answered_ && !waits_for_company()) {
    out = std::move(answer_);
    return State::kAnswered;
  }
  waited_for_ = true;
  return State::kWaiting;
}

Step Exchange::take_step() {
  std::lock_guard lock(mutex_);
  if (cancelled_) return {Step::kBreak, {}, "cancelled"};
  if (!parts_.empty()) {
    Step step{Step::kPart, std::move(parts_.front()), {}};
    parts_.pop_front();
    return step;
  }
  if (broken_) return {Step::kBreak, {}, why_};
  if (ended_) return {Step::kEnd, {}, {}};
  waited_for_ = true;
  return {};
}

}  // namespace transport_http
