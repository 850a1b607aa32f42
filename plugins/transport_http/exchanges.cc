#include "exchanges.h"

#include <string>

namespace transport_http {

using heddle::sdk::Error;
using heddle::sdk::Value;
using heddle::sdk::detail::to_str;

Exchanges::Exchanges(const heddle_host* host) : host_(host), inbox_(heddle::sdk::detail::service<heddle_inbox_service>(host, HEDDLE_INBOX)) {
  if (!HEDDLE_HAS(inbox_, request) || !HEDDLE_HAS(inbox_, grant) || !HEDDLE_HAS(inbox_, over) || !HEDDLE_HAS(inbox_, lost))
    throw Error(HEDDLE_UNSUPPORTED, "the host has no " HEDDLE_INBOX " for this object");
}

std::shared_ptr<Exchange> Exchanges::ask(heddle_id listener, heddle_request& r, std::shared_ptr<Bell> bell) {
  std::shared_ptr<Exchange> exchange;
  {
    std::lock_guard lock(mutex_);
    last_ += 2;
    exchange = std::make_shared<Exchange>(last_, std::move(bell));
    open_.emplace(last_, exchange);
  }
  r.exchange = exchange->id();
  inbox_->request(host_, listener, &r);
  return exchange;
}

void Exchanges::over(const Exchange& e, heddle_status status, std::string_view why) {
  {
    std::lock_guard lock(mutex_);
    open_.erase(e.id());
  }
  inbox_->over(host_, e.id(), status, to_str(why));
}

void Exchanges::lost(heddle_id listener, heddle_status status, std::string_view why) { inbox_->lost(host_, listener, status, to_str(why)); }

std::shared_ptr<Exchange> Exchanges::find(heddle_id id) {
  std::lock_guard lock(mutex_);
  const auto found = open_.find(id);
  return found == open_.end() ? nullptr : found->second;
}

void Exchanges::complain(heddle_id id, std::string_view what) {
  log().error("exchange " + std::to_string(id) + ": the host " + std::string(what));
}

void Exchanges::answer(heddle_id id, const heddle_answer& a) {
  if (const auto exchange = find(id)) {
    if (!exchange->answer(a)) complain(id, "answered twice");
  } else {
    Value::adopt(a.body);
  }
}

void Exchanges::part(heddle_id id, heddle_value* v) {
  if (const auto exchange = find(id)) {
    if (!exchange->part(v)) complain(id, "sent a part without credit, or of no stream");
  } else {
    Value::adopt(v);
  }
}

void Exchanges::end(heddle_id id, heddle_status status, heddle_str why) {
  const auto exchange = find(id);
  if (exchange && !exchange->end(status, why)) complain(id, "ended a stream twice, or none");
}

void Exchanges::cancel(heddle_id id) {
  if (const auto exchange = find(id)) exchange->cancel();
}

}  // namespace transport_http
