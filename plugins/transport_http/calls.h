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

namespace transport_http {

// Any thread; of one call, one at a time.
class Calls {
 public:
  explicit Calls(const heddle_host* host);
  // Throws heddle::sdk::Error where the host takes no answers.
  void check_host() const;

  void add(const std::shared_ptr<Call>& call);
  std::shared_ptr<Call> find(heddle_id id);

  // What the peer says.
  void answer(const Call& call, heddle_answer& a);  // a.body is consumed
  void part(const Call& call, heddle::sdk::Value v);
  // The last word on it, after which it is forgotten here: all is well; or it fails, which is its answer, or where it was `answered` the end of its parts.
  void finish(const Call& call);
  void fail(const Call& call, const Failure& why, bool answered, bool unsent);

 private:
  void over(const Call& call, heddle_status status, std::string_view why);
  const heddle_host* const host_;
  const heddle_inbox_service* const inbox_;
  std::mutex mutex_;
  std::unordered_map<heddle_id, std::shared_ptr<Call>> open_;  // guarded by mutex_
};

}  // namespace transport_http
