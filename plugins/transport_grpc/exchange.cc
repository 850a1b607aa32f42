#include "exchange.h"

#include <algorithm>
#include <utility>

#include "caller.h"
#include "listener.h"

namespace transport_grpc {
namespace {

using heddle::sdk::Value;
using heddle::sdk::ValueRef;
using heddle::sdk::detail::guard;
using heddle::sdk::detail::to_str;
using heddle::sdk::detail::to_view;

std::string one_line(std::string json) {
  std::replace_if(json.begin(), json.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return json + "\n";
}

std::string code_of(heddle_status status) {
  return status == HEDDLE_NOT_FOUND ? "not-found" : status == HEDDLE_INVALID ? "invalid" : status == HEDDLE_EXHAUSTED ? "too-large" : "internal";
}

Failure ended_as(heddle_status status, std::string_view why) {
  Failure f = failure("internal", std::string(why));
  f.status = status;
  if (status == HEDDLE_UNAVAILABLE || status == HEDDLE_EXHAUSTED || status == HEDDLE_DEADLINE) f.error_class = "retryable";
  f.code = status == HEDDLE_DEADLINE ? "deadline" : status == HEDDLE_CANCELLED ? "cancelled" : "broken-off";
  return f;
}

}  // namespace

Exchange* Exchange::begin(Listener& listener, const Method& method, grpc::CallbackServerContext& context) {
  const auto made = std::make_shared<Exchange>(listener, method, context);
  made->self_ = made;
  made->start();
  return made.get();
}

void Exchange::start() {
  deadline_ns_ = deadline_of(context_.raw_deadline());
  std::optional<Failure> refused = listener_.enter(self_);
  auto said = read_metadata(context_.client_metadata());
  if (!refused) refused = std::move(said.refused);
  metadata_ = std::move(said.metadata);
  std::lock_guard lock(mutex_);
  if (refused) return finish(*refused);
  due_ns_ = in_ms(listener_.offer().request_ms);
  StartRead(&in_);
}

void Exchange::OnReadDone(bool ok) {
  {
    std::lock_guard lock(mutex_);
    if (state_ == State::kEnded) return;
    // Without its "end" a stream of items may have been cut short: gRPC does not tell that from a peer that has said all.
    if (!ok && (state_ == State::kReading || more_)) return finish(failure("invalid", std::string("the request did not come to its end: ") + method_.path));
    if (!ok) return;  // no credit comes any more
  }
  guard([&] { method_.takes_stream ? take_stream_message() : take_message(); },
        [&](heddle_status status, std::string_view why) {
          std::lock_guard lock(mutex_);
          if (state_ != State::kEnded) finish(failure(code_of(status), std::string(why)));
        });
}

void Exchange::take_message() {
  wanted_ = method_.read_request(in_);
  in_.Clear();
  ask();
}

void Exchange::take_stream_message() {
  using Said = StreamRequestSaid;
  Said said = read_stream_request(in_);
  const bool opens = said.kind == Said::kOpen;
  {
    std::lock_guard lock(mutex_);
    if (state_ == State::kEnded) return;
    const bool is_item = said.kind == Said::kItem || said.kind == Said::kEnd;
    if (opens == opened_ || said.kind == Said::kNothing || (is_item && !more_))
      return finish(failure("invalid", "a stream begins with one \"open\", then come items and \"end\", and \"credit\" at any time"));
    if (opens && said.text.empty()) return finish(failure("invalid", "the request names no pipeline, and brings no manifest"));
    const bool counts = said.kind == Said::kItem && ++items_said_ > items_granted_ && credit_.is_counted();
    if (counts) return finish(failure("invalid", "an item came without credit: a client that counts its results waits for credit for its items"));
    if (opens) open(std::move(said));
    else if (said.kind == Said::kItem) items_.push_back(std::move(said.text));
    else if (said.kind == Said::kEnd) more_ = false;
    else credit_.add(said.credit);
  }
  if (opens) ask();
  else settle();
  std::lock_guard lock(mutex_);
  if (state_ != State::kEnded) read_on();
}

void Exchange::open(StreamRequestSaid said) {
  opened_ = true;
  more_ = said.item.empty();
  told_end_ = !more_;
  wanted_.sent = said.sent;
  if (said.sent) lines_ = one_line("{\"manifest\":" + said.text + "}");  // the host says what is wrong with it
  else wanted_.parameters = {{"name", std::move(said.text)}};
  if (!more_) lines_ += one_line(std::move(said.item));
  credit_.open(said.credit);
}

// Nothing more is read before the host has taken what was: so the peer is held back, whether it counts its items or not.
void Exchange::read_on() {
  paused_ = !items_.empty();
  if (paused_) return;
  silent_ns_ = in_ms(listener_.offer().request_ms);
  StartRead(&in_);
}

// The host hears of the request: of a stream once it is open.
void Exchange::ask() {
  const std::string_view operation = wanted_.sent ? method_.sent_operation : method_.operation;
  if (!listener_.offer().operations.contains(operation)) {
    std::lock_guard lock(mutex_);
    if (state_ == State::kEnded) return;
    // Only health is served without the host: where it says nothing of itself, it is well as long as it is there.
    if (is_health()) return finish_with(health_reply(Health::kServing));
    return finish(failure("unsupported", "this host takes no manifest that comes along: it does not offer " + std::string(operation)));
  }
  const std::string lines = std::exchange(lines_, {});
  if (method_.takes_stream) wanted_.body = Value::bytes(std::as_bytes(std::span(lines)));
  const Value parameters = map_of(wanted_.parameters);
  const Value metadata = metadata_.texts.empty() ? Value() : map_of(metadata_.texts);
  const std::string peer = address_of(context_), identity = identity_of(context_);
  heddle_request r{};
  r.struct_size = sizeof r;
  r.operation = to_str(operation);
  r.peer = to_str(peer);
  r.identity = to_str(identity);
  r.token = to_str(metadata_.token);
  r.content_type = to_str(!wanted_.body ? "" : method_.takes_stream ? "application/x-ndjson" : "application/json");
  r.trace = to_str(metadata_.trace);
  r.trace_state = to_str(metadata_.trace_state);
  r.deadline_ns = deadline_ns_;
  r.parameters = parameters.get();
  r.metadata = metadata.get();
  {
    std::lock_guard lock(mutex_);
    if (state_ == State::kEnded) return;
    state_ = State::kAsked;
    due_ns_ = kNever;
    settling_ = true;
    r.credit = method_.gives_stream ? credit_.take() : 0;
    r.more = more_;
    r.exchange = id_ = listener_.exchanges().open(self_);
  }
  r.body = wanted_.body.release();
  listener_.exchanges().ask(listener_.id(), r);
  {
    std::lock_guard lock(mutex_);
    settling_ = false;
  }
  settle();
}

// Tells the host what is due: items, their end, credit. Whoever comes meanwhile leaves it to who does it already.
void Exchange::settle() {
  std::unique_lock lock(mutex_);
  if (std::exchange(settling_, true)) return;
  Exchanges& host = listener_.exchanges();
  while (state_ == State::kStreaming || state_ == State::kAsked) {
    if (!items_.empty() && item_credit_ > 0) {
      const std::string item = std::move(items_.front());
      items_.pop_front();
      --item_credit_;
      lock.unlock();
      host.part(id_, Value::bytes(std::as_bytes(std::span(item))));
      lock.lock();
    } else if (items_.empty() && opened_ && !more_ && !std::exchange(told_end_, true)) {
      lock.unlock();
      host.end(id_);
      lock.lock();
    } else if (const uint32_t due = method_.gives_stream ? credit_.take() : 0; due > 0) {
      lock.unlock();
      host.grant(id_, due);
      lock.lock();
    } else {
      break;
    }
  }
  settling_ = false;
  if (paused_ && items_.empty() && state_ != State::kEnded) read_on();
  const bool over = std::exchange(over_due_, false);
  lock.unlock();
  if (over) conclude();
}

void Exchange::grant(uint32_t parts) {
  {
    std::lock_guard lock(mutex_);
    if (state_ == State::kEnded) return;
    if (item_credit_ == 0) silent_ns_ = in_ms(listener_.offer().request_ms);
    item_credit_ += parts;
    items_granted_ += parts;
    items_owed_ += parts;
    go_on();
  }
  settle();
}

void Exchange::answer(const heddle_answer& a) {
  const Value body = Value::adopt(a.body);
  std::lock_guard lock(mutex_);
  if (state_ == State::kEnded) return;
  if (!is_owed()) return host_erred("answered twice");
  if (a.status == HEDDLE_UNAVAILABLE && is_health()) return finish_with(health_reply(Health::kNotServing));
  if (a.status < 0) return finish(failure_of(a.status, body, a.retry_after_ms));
  if (a.more && !method_.gives_stream) return host_erred("answered with a stream where none was asked for");
  if (!a.more && method_.gives_stream && !body) return host_erred("answered with no part of a stream");
  if (a.more) {
    state_ = State::kStreaming;
    return;
  }
  guard([&] { finish_with(method_.write_reply(body)); }, [&](heddle_status, std::string_view why) { host_erred("gave an answer that cannot be sent: " + std::string(why)); });
}

void Exchange::part(heddle_value* v) {
  const Value value = Value::adopt(v);
  std::lock_guard lock(mutex_);
  if (state_ == State::kEnded) return;
  if (state_ != State::kStreaming || end_) return host_erred("sent a part of no stream");
  if (parts_out_ > 2 * Credit::kWindow) return host_erred("sent a part without credit");
  guard([&] { send(method_.write_reply(value), true); }, [&](heddle_status, std::string_view why) { host_erred("sent a part that cannot be sent: " + std::string(why)); });
}

void Exchange::end(heddle_status status, std::string_view why) {
  std::lock_guard lock(mutex_);
  if (state_ == State::kEnded) return;
  if (state_ != State::kStreaming || end_) return host_erred("ended a stream twice, or none");
  end_ = status < 0 ? status_of(ended_as(status, why)) : grpc::Status::OK;
  go_on();
}

void Exchange::give_up() {
  std::lock_guard lock(mutex_);
  if (state_ == State::kEnded) return;
  given_up_ = true;
  finish(failure("given-up", "the host gave the request up"));
}

void Exchange::host_erred(std::string_view what) {
  listener_.exchanges().complain(id_, what);
  finish(failure("internal", "the host " + std::string(what)));
}

void Exchange::send(grpc::ByteBuffer message, bool counts) {
  parts_out_ += counts;
  out_.push_back({std::move(message), counts});
  go_on();
}

void Exchange::go_on() {
  if (writing_ || state_ == State::kEnded) return;
  if (items_owed_ > 0 && more_) out_.push_front({write_reply_credit(static_cast<uint32_t>(std::exchange(items_owed_, 0))), false});
  if (!out_.empty()) {
    writing_ = true;
    if (state_ != State::kReading) due_ns_ = in_ms(listener_.offer().stall_ms);
    if (!end_ || out_.size() > 1) return StartWrite(&out_.front().bytes);
    state_ = State::kEnded;
    StartWriteAndFinish(&out_.front().bytes, {}, *end_);  // both in one go
  } else if (end_) {
    state_ = State::kEnded;
    due_ns_ = in_ms(listener_.offer().stall_ms);
    Finish(*end_);
  }
}

void Exchange::finish_with(const grpc::ByteBuffer& reply) {
  state_ = State::kEnded;
  due_ns_ = in_ms(listener_.offer().stall_ms);
  out_.clear();
  out_.push_back({reply, false});
  StartWriteAndFinish(&out_.front().bytes, {}, grpc::Status::OK);
}

void Exchange::finish(const Failure& failure) {
  state_ = State::kEnded;
  due_ns_ = in_ms(listener_.offer().stall_ms);
  add_fields_of(failure, context_);
  Finish(status_of(failure));
}

void Exchange::OnWriteDone(bool ok) {
  {
    std::lock_guard lock(mutex_);
    if (state_ == State::kEnded) return;
    if (!ok) return finish(failure("cancelled", "the peer has gone"));
    writing_ = false;
    if (state_ != State::kReading) due_ns_ = kNever;
    if (out_.front().counts) {
      --parts_out_;
      credit_.sent();
      if (credit_.is_used_up()) silent_ns_ = in_ms(listener_.offer().request_ms);
    }
    out_.pop_front();
    go_on();
  }
  settle();
}

void Exchange::OnCancel() {
  std::lock_guard lock(mutex_);
  if (state_ != State::kEnded) finish(failure("cancelled", "the peer has gone, or gave the request up"));
}

void Exchange::look(uint64_t now) {
  std::lock_guard lock(mutex_);
  if (done_) return;
  const bool waits = (more_ && item_credit_ > 0) || credit_.is_used_up();
  if (state_ != State::kEnded && opened_ && waits && deadline_ns_ == 0 && now >= silent_ns_)
    return finish(failure("request-timeout", std::string(more_ && item_credit_ > 0 ? "no item" : "no credit") + " came for " + std::to_string(listener_.offer().request_ms) +
                                                 " ms, and the call has no deadline"));
  if (now < due_ns_) return;
  if (state_ == State::kReading) return finish(failure("request-timeout", "the request did not come to its end in time"));
  due_ns_ = kNever;
  context_.TryCancel();
}

void Exchange::OnDone() {
  {
    std::lock_guard lock(mutex_);
    done_ = true;
    cancelled_ = context_.IsCancelled();
    over_due_ = settling_;  // nothing may be said of it after the last word
    if (over_due_) return;
  }
  conclude();
}

void Exchange::conclude() {
  heddle_id id;
  bool given_up, cancelled;
  {
    std::lock_guard lock(mutex_);
    id = id_;
    given_up = given_up_;
    cancelled = cancelled_;
  }
  const bool late = cancelled && deadline_ns_ != 0 && now_ns() >= deadline_ns_;
  if (id != 0 && late) listener_.exchanges().over(id, HEDDLE_DEADLINE, "the caller's deadline has passed");
  else if (id != 0 && cancelled) listener_.exchanges().over(id, HEDDLE_CANCELLED, "the peer has gone, or gave the request up, or does not read");
  else if (id != 0 && given_up) listener_.exchanges().over(id, HEDDLE_CANCELLED, "given up by the host");
  else if (id != 0) listener_.exchanges().over(id, HEDDLE_OK, {});
  const auto last = std::move(self_);
  listener_.leave(last);
}

}  // namespace transport_grpc
