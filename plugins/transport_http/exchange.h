// Exchange: one request of a peer and its answer, between the connection's thread and whichever thread of the host answers.
#pragma once
#include <heddle/transport.h>
#include <heddle/sdk/value.h>

#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "descriptor.h"

namespace transport_http {

struct Answer {
  heddle_status status = HEDDLE_OK;
  bool more = false;
  std::string content_type;
  uint32_t retry_after_ms = 0;
  heddle::sdk::Value body;
  bool accepted = false;
};

// A part, or what ends the parts.
struct Step {
  enum Kind { kNothing, kPart, kEnd, kBreak };
  Kind kind = kNothing;
  heddle::sdk::Value part;
  std::string why;  // of a break
};

class Exchange {
 public:
  Exchange(heddle_id id, std::shared_ptr<Bell> bell) : id_(id), bell_(std::move(bell)) {}
  heddle_id id() const { return id_; }

  // How many parts of an answer may lie here.
  static constexpr uint32_t kWindow = 64;

  // [any] From the host. False: it is against the rules (a second answer, parts of no stream, beyond the credit); then the exchange breaks off.
  bool answer(const heddle_answer& a);
  bool part(heddle_value* v);
  bool end(heddle_status status, heddle_str why);
  void cancel();  // by the host, or by the listener that is cut

  // The connection's thread. Nothing is given twice.
  enum class State { kWaiting, kAnswered, kCancelled };
  State take_answer(Answer& out);  // kWaiting: the bell will ring
  Step take_step();                // kNothing: the bell will ring

 private:
  bool waits_for_company() const;  // with the lock held

  const heddle_id id_;
  const std::shared_ptr<Bell> bell_;
  std::mutex mutex_;
  // Guarded by mutex_:
  Answer answer_;
  std::deque<heddle::sdk::Value> parts_;
  std::string why_;
  bool answered_ = false, open_ = false, ended_ = false, broken_ = false, cancelled_ = false;
  bool waited_for_ = false;  // the connection's thread is about to poll the bell
};

}  // namespace transport_http
