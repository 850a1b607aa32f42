// Exchanges: those that are open, by id, and the way from a connection to the host's inbox.
#pragma once
#include <heddle/inbox.h>
#include <heddle/sdk/host.h>

#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>

#include "exchange.h"

namespace transport_http {

// Any thread.
class Exchanges {
 public:
  explicit Exchanges(const heddle_host* host);

  // Opens an exchange and gives `r` its id; the host hears of it. r.body is consumed.
  std::shared_ptr<Exchange> ask(heddle_id listener, heddle_request& r, std::shared_ptr<Bell> bell);
  void grant(const Exchange& e, uint32_t parts) { inbox_->grant(host_, e.id(), parts); }
  // The last word on it: it is forgotten here.
  void over(const Exchange& e, heddle_status status, std::string_view why);
  void lost(heddle_id listener, heddle_status status, std::string_view why);

  // What the host says of an exchange. Of one that is over: nothing happens.
  void answer(heddle_id id, const heddle_answer& a);
  void part(heddle_id id, heddle_value* v);
  void end(heddle_id id, heddle_status status, heddle_str why);
  void cancel(heddle_id id);

  heddle::sdk::Log log() const { return heddle::sdk::Log(host_); }

 private:
  std::shared_ptr<Exchange> find(heddle_id id);
  void complain(heddle_id id, std::string_view what);

  const heddle_host* const host_;
  const heddle_inbox_service* const inbox_;
  std::mutex mutex_;
  // Guarded by mutex_:
  std::unordered_map<heddle_id, std::shared_ptr<Exchange>> open_;
  heddle_id last_ = 0;
};

}  // namespace transport_http
