// Exchanges: the peers' requests that the host was asked, by id, and their way to its inbox.
#pragma once
#include <heddle/inbox.h>
#include <heddle/sdk/host.h>
#include <heddle/sdk/value.h>

#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>

#include "waiter.h"

namespace transport_grpc {

// Any thread.
class Exchanges {
 public:
  explicit Exchanges(const heddle_host* host);

  // The id under which the host may speak of it.
  heddle_id open(const std::shared_ptr<Waiter>& waiter);
  // The host hears of it; r.body is consumed.
  void ask(heddle_id listener, const heddle_request& r) { inbox_->request(host_, listener, &r); }
  void grant(heddle_id id, uint32_t parts) { inbox_->grant(host_, id, parts); }
  void part(heddle_id id, heddle::sdk::Value v) { inbox_->part(host_, id, v.release()); }
  void end(heddle_id id) { inbox_->end(host_, id, HEDDLE_OK, {}); }
  // The last word on it: it is forgotten here.
  void over(heddle_id id, heddle_status status, std::string_view why);

  // Of one that is over: null.
  std::shared_ptr<Waiter> find(heddle_id id);
  // The host has done what it must not.
  void complain(heddle_id id, std::string_view what);

 private:
  const heddle_host* const host_;
  const heddle_inbox_service* const inbox_;
  std::mutex mutex_;
  // Guarded by mutex_:
  std::unordered_map<heddle_id, std::shared_ptr<Waiter>> open_;
  heddle_id last_ = 0;
};

}  // namespace transport_grpc
