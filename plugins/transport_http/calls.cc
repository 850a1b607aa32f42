#include "calls.h"

namespace transport_http {

using heddle::sdk::Error;
using heddle::sdk::Value;
using heddle::sdk::detail::to_str;

Calls::Calls(const heddle_host* host) : host_(host), inbox_(heddle::sdk::detail::service<heddle_inbox_service>(host, HEDDLE_INBOX)) {}

void Calls::check_host() const {
  if (!HEDDLE_HAS(inbox_, answer) || !HEDDLE_HAS(inbox_, part) || !HEDDLE_HAS(inbox_, end))
    throw Error(HEDDLE_UNSUPPORTED, "the host has no " HEDDLE_INBOX " that takes answers");
}

void Calls::add(const std::shared_ptr<Call>& call) {
  std::lock_guard lock(mutex_);
  open_.emplace(call->asked().id, call);
}

std::shared_ptr<Call> Calls::find(heddle_id id) {
  std::lock_guard lock(mutex_);
  const auto found = open_.find(id);
  return found == open_.end() ? nullptr : found->second;
}

void Calls::answer(const Call& call, heddle_answer& a) {
  if (call.asked().id != 0) inbox_->answer(host_, call.asked().id, &a);
  else Value::adopt(a.body);
}

void Calls::part(const Call& call, Value v) { inbox_->part(host_, call.asked().id, v.release()); }

void Calls::over(const Call& call, heddle_status status, std::string_view why) {
  if (call.asked().id == 0) return heddle::sdk::detail::services.op->complete(call.asked().probe, status, nullptr, to_str(why));
  {
    std::lock_guard lock(mutex_);
    open_.erase(call.asked().id);
  }
  inbox_->over(host_, call.asked().id, status, to_str(why));
}

void Calls::finish(const Call& call) {
  if (call.asked().streams) inbox_->end(host_, call.asked().id, HEDDLE_OK, {});
  over(call, HEDDLE_OK, {});
}

void Calls::fail(const Call& call, const Failure& why, bool answered, bool unsent) {
  if (answered) {
    inbox_->end(host_, call.asked().id, why.status, to_str(why.message));
  } else if (call.asked().id != 0) {
    heddle_answer a{};
    a.struct_size = sizeof a;
    a.status = why.status;
    a.retry_after_ms = why.retry_after_ms;
    a.unsent = unsent;
    a.body = details_of(why).release();
    inbox_->answer(host_, call.asked().id, &a);
  }
  over(call, why.status, why.message);
}

}  // namespace transport_http
