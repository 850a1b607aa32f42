#include "call.h"

#include <algorithm>
#include <utility>

#include "calls.h"
#include "clock.h"
#include "stream_messages.h"
#include "trouble.h"

namespace transport_grpc {

using heddle::sdk::Value;
using heddle::sdk::detail::guard;
using heddle::sdk::detail::to_str;

Call::Call(Calls& calls, Asked asked, std::string endpoint)
    : calls_(calls), asked_(std::move(asked)), endpoint_(std::move(endpoint)), context_(std::make_unique<grpc::ClientContext>()), credit_(asked_.credit) {
  context_->set_initial_metadata_corked(true);  // it leaves together with the first message
  for (const auto& [name, text] : asked_.fields) context_->AddMetadata(name, text);
  if (asked_.deadline_ns != 0) context_->set_deadline(timespec_of(asked_.deadline_ns));
}

void Call::begin(const std::shared_ptr<Call>& self, grpc::GenericStub& stub, std::function<void()> ended) {
  self_ = self;
  ended_ = std::move(ended);
  stub.PrepareBidiStreamingCall(context_.get(), asked_.path, {}, this);
  AddHold();  // until nothing more is read: so long the host may grant credit
  StartRead(&in_);
  {
    std::lock_guard lock(mutex_);
    reading_ = true;
    out_.push_front(std::move(asked_.message));
    if (takes_stream()) queue_items();
    else go_on();
  }
  StartCall();
}

void Call::go_on() {
  if (writing_ || out_.empty() || !reading_) return;
  writing_ = true;
  if (takes_stream()) StartWrite(&out_.front());
  else StartWriteLast(&out_.front(), {});
}

// As many items as the peer takes, and what ends them.
void Call::queue_items() {
  if (asked_.is_whole) return go_on();
  while (at_ < asked_.lines.size() && item_credit_ > 0) {
    const size_t end = std::min(asked_.lines.find('\n', at_), asked_.lines.size());
    std::string_view line = std::string_view(asked_.lines).substr(at_, end - at_);
    if (line.ends_with('\r')) line.remove_suffix(1);
    at_ = std::min(end + 1, asked_.lines.size());
    if (line.find_first_not_of(" \t") == line.npos) continue;
    out_.push_back(write_item(line));
    --item_credit_;
  }
  if (at_ == asked_.lines.size() && !std::exchange(items_ended_, true)) out_.push_back(write_end());
  go_on();
}

void Call::OnWriteDone(bool ok) {
  std::lock_guard lock(mutex_);
  writing_ = false;
  out_.pop_front();
  if (ok) go_on();  // else the status says why
}

void Call::stop_reading() {
  if (std::exchange(reading_, false)) RemoveHold();
}

void Call::OnReadDone(bool ok) {
  bool goes_on = true;
  if (ok && !wrong_) {
    guard([&] { goes_on = take_message(); }, [&](heddle_status, std::string_view why) { wrong_ = failure("not-understood", "the peer's answer: " + std::string(why)); });
    if (wrong_) {
      std::lock_guard lock(mutex_);
      break_off();
    }
  }
  if (!goes_on) return;
  if (ok) return StartRead(&in_);
  std::lock_guard lock(mutex_);
  stop_reading();
}

bool Call::take_message() {
  if (!gives_stream()) {
    if (reply_) wrong_ = failure("not-understood", "the peer answered twice");
    else reply_ = std::exchange(in_, {});
    return true;
  }
  if (!takes_stream()) return take_part(asked_.method->read_reply(in_));
  StreamReplySaid said = read_stream_reply(in_);
  if (said.kind == StreamReplySaid::kPart) return take_part(std::move(said.part));
  if (said.kind == StreamReplySaid::kNothing) return true;  // of a later version
  std::lock_guard lock(mutex_);
  item_credit_ += said.credit;
  queue_items();
  return true;
}

bool Call::take_part(Value part) {
  {
    std::lock_guard lock(mutex_);
    if (takes_stream() && parts_ >= credit_) wrong_ = failure("not-understood", "the peer sent results that were not asked for");
  }
  if (wrong_) return true;
  begin_answer();
  {
    std::lock_guard lock(mutex_);
    if (parts_ >= credit_ && !given_up_) return held_ = std::move(part), false;
    ++parts_;
  }
  if (!given_up_) calls_.part(asked_, std::move(part));
  return true;
}

void Call::begin_answer() {
  if (std::exchange(answered_, true)) return;
  heddle_answer a{};
  a.struct_size = sizeof a;
  a.more = true;
  a.content_type = to_str("application/x-ndjson");
  calls_.answer(asked_, a);
}

void Call::grant(uint32_t parts) {
  Value held;
  {
    std::lock_guard lock(mutex_);
    credit_ += parts;
    if (takes_stream()) return guard([&] { out_.push_back(write_request_credit(parts)), go_on(); }, [&](heddle_status, std::string_view) { break_off(); });
    if (held_ && credit_ > parts_) {
      held = std::move(held_);
      ++parts_;
    }
  }
  if (!held) return;
  if (!given_up_) calls_.part(asked_, std::move(held));
  StartRead(&in_);
}

void Call::give_up() {
  given_up_ = true;
  Value held;
  {
    std::lock_guard lock(mutex_);
    held = std::move(held_);
    break_off();
  }
  if (held) StartRead(&in_);  // it says that there is nothing more
}

void Call::break_off() {
  if (context_) context_->TryCancel();
}

// Everything was read, and nothing is written any more.
void Call::OnDone(const grpc::Status& status) {
  std::optional<Failure> failed = wrong_;
  bool unsent = false;
  if (!failed && !status.ok()) {
    Trouble trouble = trouble_of(status, context_->GetServerTrailingMetadata(), endpoint_, given_up_);
    failed = std::move(trouble.failure);
    unsent = trouble.unsent;
  }
  Value body;
  if (!failed && !gives_stream()) {
    guard(
        [&] {
          if (!reply_) failed = failure("not-understood", "the peer's answer is empty");
          else if (!asked_.method && !is_serving(*reply_)) failed = failure("unreachable", endpoint_ + " says that it does not serve");
          else if (asked_.method) body = asked_.method->read_reply(*reply_);
        },
        [&](heddle_status, std::string_view why) { failed = failure("not-understood", "the peer's answer: " + std::string(why)); });
  }
  if (failed) {
    calls_.fail(asked_, *failed, answered_, unsent);
  } else {
    if (gives_stream()) begin_answer();
    calls_.finish(asked_, std::move(body));
  }
  {
    std::lock_guard lock(mutex_);
    context_.reset();
  }
  const auto last = std::move(self_);
  ended_();
}

}  // namespace transport_grpc
