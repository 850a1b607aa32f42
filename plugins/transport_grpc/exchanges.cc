#include "exchanges.h"

#include <string>

namespace transport_grpc {

using heddle::sdk::Error;
using heddle::sdk::detail::to_str;

Exchanges::Exchanges(const heddle_host* host) : host_(host), inbox_(heddle::sdk::detail::service<heddle_inbox_service>(host, HEDDLE_INBOX)) {
  if (!HEDDLE_HAS(inbox_, request) || !HEDDLE_HAS(inbox_, grant) || !HEDDLE_HAS(inbox_, over) || !HEDDLE_HAS(inbox_, part) || !HEDDLE_HAS(inbox_, end))
    throw Error(HEDDLE_UNSUPPORTED, "the host has no " HEDDLE_INBOX " for this object");
}

heddle_id Exchanges::open(const std::shared_ptr<Waiter>& waiter) {
  std::lock_guard lock(mutex_);
  last_ += 2;
  open_.emplace(last_, waiter);
  return last_;
}

void Exchanges::over(heddle_id id, heddle_status status, std::string_view why) {
  std::shared_ptr<Waiter> last;  // goes after the lock
  {
    std::lock_guard lock(mutex_);
    const auto found = open_.find(id);
    last = std::move(found->second);
    open_.erase(found);
  }
  inbox_->over(host_, id, status, to_str(why));
}

std::shared_ptr<Waiter> Exchanges::find(heddle_id id) {
  std::lock_guard lock(mutex_);
  const auto found = open_.find(id);
  return found == open_.end() ? nullptr : found->second;
}

void Exchanges::complain(heddle_id id, std::string_view what) {
  heddle::sdk::Log(host_).error("exchange " + std::to_string(id) + ": the host " + std::string(what));
}

}  // namespace transport_grpc
