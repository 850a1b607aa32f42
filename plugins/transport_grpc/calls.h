// Calls: those of the host that are open, by id, and the way of their answers to the host's inbox.
#pragma once
#include <heddle/inbox.h>
#include <heddle/sdk/host.h>

#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>

#include "call.h"
#include "failure.h"

namespace transport_grpc {

// Any thread; of one call, one at a time.
class Calls {
 public:
  explicit Calls(const heddle_host* host);
  // Throws heddle::sdk::Error where the host takes no answers.
  void check_host() const;

  void add(const std::shared_ptr<Call>& call);
  std::shared_ptr<Call> find(heddle_id id);

  // What the peer says.
  void answer(const Asked& call, heddle_answer& a) { inbox_->answer(host_, call.id, &a); }
  void part(const Asked& call, heddle::sdk::Value v) { inbox_->part(host_, call.id, v.release()); }
  // The last word on it, after which it is forgotten here: all is well, and `body` the answer, or the parts are at their end; or it fails, which is its
  // answer, or where it was `answered` the end of its parts.
  void finish(const Asked& call, heddle::sdk::Value body);
  void fail(const Asked& call, const Failure& why, bool answered, bool unsent);

 private:
  void over(const Asked& call, heddle_status status, std::string_view why);
  const heddle_host* const host_;
  const heddle_inbox_service* const inbox_;
  std::mutex mutex_;
  std::unordered_map<heddle_id, std::shared_ptr<Call>> open_;  // guarded by mutex_
};

}  // namespace transport_grpc
