#include "calls.h"

namespace transport_grpc {

using heddle::sdk::Error;
using heddle::sdk::Value;
using heddle::sdk::detail::services;
using heddle::sdk::detail::to_str;

Calls::Calls(const heddle_host* host) : host_(host), inbox_(heddle::sdk::detail::service<heddle_inbox_service>(host, HEDDLE_INBOX)) {}

void Calls::check_host() const {
  if (!HEDDLE_HAS(inbox_, answer) || !HEDDLE_HAS(inbox_, part) || !HEDDLE_HAS(inbox_, end))
    throw Error(HEDDLE_UNSUPPORTED, "the host has no " HEDDLE_INBOX " that takes answers");
}

void Calls::add(const std::shared_ptr<Call>& call) {
  if (call->asked().id == 0) return;
  std::lock_guard lock(mutex_);
  open_.emplace(call->asked().id, call);
}

std::shared_ptr<Call> Calls::find(heddle_id id) {
  std::lock_guard lock(mutex_);
  const auto found = open_.find(id);
  return found == open_.end() ? nullptr : found->second;
}

void Calls::over(const Asked& call, heddle_status status, std::string_view why) {
  if (call.id == 0) return services.op->complete(call.probe, status, nullptr, to_str(why));
  std::shared_ptr<Call> last;  // goes after the lock
  {
    std::lock_guard lock(mutex_);
    if (const auto found = open_.find(call.id); found != open_.end()) {
      last = std::move(found->second);
      open_.erase(found);
    }
  }
  inbox_->over(host_, call.id, status, to_str(why));
}

void Calls::finish(const Asked& call, Value body) {
  if (call.id != 0 && call.method->gives_stream) {
    inbox_->end(host_, call.id, HEDDLE_OK, {});
  } else if (call.id != 0) {
    heddle_answer a{};
    a.struct_size = sizeof a;
    a.content_type = to_str("application/json");
    a.body = body.release();
    answer(call, a);
  }
  over(call, HEDDLE_OK, {});
}

void Calls::fail(const Asked& call, const Failure& why, bool answered, bool unsent) {
  if (answered) {
    inbox_->end(host_, call.id, why.status, to_str(why.message));
  } else if (call.id != 0) {
    heddle_answer a{};
    a.struct_size = sizeof a;
    a.status = why.status;
    a.retry_after_ms = why.retry_after_ms;
    a.unsent = unsent;
    a.body = details_of(why).release();
    answer(call, a);
  }
  over(call, why.status, why.message);
}

}  // namespace transport_grpc
