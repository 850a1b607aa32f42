#include "my_plugin_call.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace plugin {

using heddle::sdk::Answer;
using heddle::sdk::Error;
using heddle::sdk::PollThread;
using heddle::sdk::ValueRef;

Channel::Channel(ValueRef options) : endpoint(options.find("endpoint").as_text().value_or("")), addresses(find_addresses(endpoint)) {
  if (options.find("tls")) throw Error(HEDDLE_UNSUPPORTED, "MyType has no TLS");
  const ValueRef all = options.find("operations");
  for (size_t i = 0; i < all.size(); ++i) operations.emplace(all.at(i).find("name").as_text().value_or(""), all.at(i).find("answer").as_text() == "stream");
  connect_ns = static_cast<uint64_t>(options.find("connect_ms").as_int().value_or(0)) * kNsPerMs;
  most_body_bytes = static_cast<size_t>(options.find("most_body_bytes").as_int().value_or(0));
}

Call::Call(PollThread& thread, std::shared_ptr<const Channel> channel, const heddle::sdk::Inbox& inbox, Asked asked, std::function<void()> forget)
    : Link(thread, Socket()), channel_(std::move(channel)), inbox_(inbox), asked_(std::move(asked)), forget_(std::move(forget)), reached_by_ns_(PollThread::now_ns() + channel_->connect_ns) {}

void Call::dial() {
  begin();
  doing([this] { try_next(0); });
}

// The addresses of a name, one after the other.
void Call::try_next(int fault) {
  while (tried_ < channel_->addresses.size()) {
    reconnect(connect_to(channel_->addresses[tried_++]));
    if (socket_) return;
    fault = errno;
  }
  fail("unreachable", channel_->endpoint + ": " + std::strerror(fault));
}

void Call::connected() {
  if (const int fault = fault_of(socket_); fault != 0) return try_next(fault);
  phase_ = Phase::kAsked;
  send(asked_.bytes);
}

uint64_t Call::due() const { return phase_ == Phase::kDialling || asked_.id == 0 ? std::min(reached_by_ns_, asked_.deadline_ns) : asked_.deadline_ns; }

void Call::late() {
  if (PollThread::now_ns() >= asked_.deadline_ns) return fail("deadline", "the deadline has passed");
  fail("unreachable", channel_->endpoint + (phase_ == Phase::kDialling ? " takes no connection" : " does not say that it is well") + " in the time that there is for it");
}

void Call::came() {
  for (;;) {
    // What ends the parts needs no credit.
    waits_for_credit_ = asked_.credit == 0 && next_kind(in_.view()) == Kind::kPart;
    if (waits_for_credit_) return;
    const auto frame = take_frame(in_, channel_->most_body_bytes);
    if (!frame) break;
    if (!take(*frame)) return;
  }
  if (is_closed_) fail("connection-lost", channel_->endpoint + " has closed the connection before its answer had come to an end");
}

// False: it is over.
bool Call::take(const Frame& frame) {
  if (phase_ == Phase::kStreaming && frame.kind == Kind::kPart) {
    --asked_.credit;
    inbox_.part(asked_.id, part_of(frame, content_type_));
    return true;
  }
  if (phase_ == Phase::kStreaming && frame.kind == Kind::kEnd) {
    const auto [status, why] = end_of(frame);
    inbox_.end(asked_.id, status, why);
    finish(status, why);
    return false;
  }
  if (phase_ != Phase::kAsked) throw Error(HEDDLE_UNSUPPORTED, "what comes is no part of an answer");
  Answer a = answer_of(frame);
  if (asked_.id == 0) {
    finish(a.status, "it says that it is not well");
    return false;
  }
  const heddle_status status = a.status;
  content_type_ = a.content_type;
  if (status >= 0 && asked_.streams && !a.more) {
    a.more = true;
    a.body = {};
    in_.put_first(written_only_part(frame.body));
  }
  const std::string why(status < 0 ? a.body.find("message").as_text().value_or("") : "");
  const bool more = a.more;
  if (more) phase_ = Phase::kStreaming;
  inbox_.answer(asked_.id, std::move(a));
  if (!more) finish(status, why);
  return more;
}

void Call::grant(uint32_t parts) {
  doing([&] {
    asked_.credit += parts;
    if (waits_for_credit_) came();
  });
}

void Call::give_up(std::string_view why) {
  if (phase_ == Phase::kStreaming) inbox_.end(asked_.id, HEDDLE_CANCELLED, why);
  finish(HEDDLE_CANCELLED, why);
}

void Call::broke(heddle_status status, std::string_view why) { fail(status == HEDDLE_INVALID ? "too-large" : "not-understood", channel_->endpoint + ": " + std::string(why)); }

void Call::fail(std::string_view code, const std::string& why) {
  if (phase_ == Phase::kOver) return;
  Answer a = heddle::sdk::failure(code, why);
  a.unsent = has_sent_nothing();
  const heddle_status status = a.status;
  if (phase_ == Phase::kStreaming) inbox_.end(asked_.id, status, why);
  else if (asked_.id != 0) inbox_.answer(asked_.id, std::move(a));
  finish(status, why);
}

void Call::finish(heddle_status status, std::string_view why) {
  if (phase_ == Phase::kOver) return;
  phase_ = Phase::kOver;
  close();
  if (asked_.id != 0) inbox_.over(asked_.id, status, why);
  else if (status < 0) asked_.probe.fail(status, why);
  else asked_.probe.complete();
  forget_();
}

}  // namespace plugin
