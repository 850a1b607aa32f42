#include "watch.h"

#include <heddle/sdk/value.h>

#include <utility>

#include "caller.h"
#include "listener.h"

namespace transport_grpc {

using heddle::sdk::Value;
using heddle::sdk::detail::guard;
using heddle::sdk::detail::to_str;

Watch* Watch::begin(Listener& listener, grpc::CallbackServerContext& context) {
  const auto made = std::make_shared<Watch>(listener, context);
  made->self_ = made;
  made->start();
  return made.get();
}

void Watch::start() {
  std::optional<Failure> refused = listener_.enter(self_);
  auto said = read_metadata(context_.client_metadata());
  if (!refused) refused = std::move(said.refused);
  metadata_ = std::move(said.metadata);
  address_ = address_of(context_);
  identity_ = identity_of(context_);
  std::lock_guard lock(mutex_);
  if (refused) return finish(*refused);
  due_ns_ = in_ms(listener_.offer().request_ms);
  StartRead(&in_);
}

void Watch::OnReadDone(bool ok) {
  bool asks = false;
  const auto take = [&] {
    const bool known = knows_health_of(in_);
    in_.Clear();
    std::lock_guard lock(mutex_);
    if (end_) return;
    due_ns_ = kNever;
    if (!known) return tell(Health::kUnknownService);
    asks = asks_ = listener_.offer().operations.contains(kHealthOperation);
    if (!asks) tell(Health::kServing);  // where the host says nothing of itself, it is well as long as it is there
  };
  const auto refuse = [&](std::string_view why) {
    std::lock_guard lock(mutex_);
    finish(failure("invalid", std::string(why)));
  };
  if (ok) guard(take, [&](heddle_status, std::string_view why) { refuse(why); });
  else refuse("the request did not come to its end");
  if (asks) ask();
}

void Watch::ask() {
  const Value parameters = map_of({});
  const Value metadata = metadata_.texts.empty() ? Value() : map_of(metadata_.texts);
  heddle_request r{};
  r.struct_size = sizeof r;
  r.operation = to_str(kHealthOperation);
  r.peer = to_str(address_);
  r.identity = to_str(identity_);
  r.token = to_str(metadata_.token);
  r.trace = to_str(metadata_.trace);
  r.parameters = parameters.get();
  r.metadata = metadata.get();
  {
    std::lock_guard lock(mutex_);
    if (!asks_ || end_ || id_ != 0) return;
    asking_ = true;
    answered_ = false;
    r.exchange = id_ = listener_.exchanges().open(shared_from_this());
  }
  listener_.exchanges().ask(listener_.id(), r);
  {
    std::lock_guard lock(mutex_);
    asking_ = false;
  }
  release();
}

// Says the last word on what the host was asked, once it knows of it, and has answered or need not any more.
void Watch::release() {
  heddle_id id = 0;
  bool answered = false;
  {
    std::lock_guard lock(mutex_);
    if (asking_ || !(answered_ || end_)) return;
    id = std::exchange(id_, 0);
    answered = answered_;
  }
  if (id != 0) listener_.exchanges().over(id, answered ? HEDDLE_OK : HEDDLE_CANCELLED, answered ? "" : "nobody watches any more");
}

void Watch::answer(const heddle_answer& a) {
  const Value body = Value::adopt(a.body);
  {
    std::lock_guard lock(mutex_);
    answered_ = true;
    if (a.status >= 0) tell(Health::kServing);
    else if (a.status == HEDDLE_UNAVAILABLE) tell(Health::kNotServing);
    else if (a.status != HEDDLE_EXHAUSTED) finish(failure_of(a.status, body, a.retry_after_ms));  // a host that is full says nothing of its health
  }
  release();
}

void Watch::part(heddle_value* v) { Value::adopt(v); }
void Watch::end(heddle_status, std::string_view) {}

void Watch::give_up() {
  {
    std::lock_guard lock(mutex_);
    finish(failure("given-up", "the host gave the request up"));
  }
  release();
}

void Watch::close() {
  {
    std::lock_guard lock(mutex_);
    if (!end_ && told_) tell(Health::kNotServing);
    finish(failure("unreachable", "this host takes no more requests"));
  }
  release();
}

void Watch::look(uint64_t now) {
  bool asks;
  {
    std::lock_guard lock(mutex_);
    if (done_) return;
    asks = asks_ && id_ == 0 && !end_;
    if (now >= due_ns_) {
      due_ns_ = kNever;
      context_.TryCancel();
    }
  }
  if (asks) ask();
}

void Watch::tell(Health health) {
  if (end_ || told_ == health) return;
  told_ = to_tell_ = health;
  go_on();
}

void Watch::go_on() {
  if (writing_ || ended_) return;
  if (to_tell_) {
    writing_ = true;
    due_ns_ = in_ms(listener_.offer().stall_ms);
    out_ = health_reply(*std::exchange(to_tell_, std::nullopt));
    StartWrite(&out_);
  } else if (end_) {
    ended_ = true;
    due_ns_ = in_ms(listener_.offer().stall_ms);
    Finish(*end_);
  }
}

void Watch::finish(const Failure& failure) {
  if (end_) return;
  add_fields_of(failure, context_);
  end_ = status_of(failure);
  go_on();
}

void Watch::OnWriteDone(bool ok) {
  std::lock_guard lock(mutex_);
  writing_ = false;
  due_ns_ = kNever;
  if (!ok) {
    to_tell_.reset();
    finish(failure("cancelled", "the peer has gone"));
  }
  go_on();
}

void Watch::OnCancel() {
  {
    std::lock_guard lock(mutex_);
    to_tell_.reset();
    finish(failure("cancelled", "the peer has gone, or gave the request up"));
  }
  release();
}

void Watch::OnDone() {
  {
    std::lock_guard lock(mutex_);
    done_ = true;
  }
  release();
  const auto last = std::move(self_);
  listener_.leave(last);
}

}  // namespace transport_grpc
