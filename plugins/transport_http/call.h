// Call: one call of the host to a peer, between whoever asks for it and the thread that carries it.
#pragma once
#include <heddle/transport.h>
#include <heddle/sdk/value.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "clock.h"
#include "descriptor.h"
#include "target.h"

namespace transport_http {

// What is asked for. Immutable once it is a Call's.
struct Asked {
  heddle_id id = 0;         // 0: whether the peer is well; then `probe` is answered
  heddle_op* probe = nullptr;
  heddle_id channel = 0;
  std::string operation, method;
  std::string target;       // path and query, as in a request line
  Parameters headers;       // but those of the body
  heddle::sdk::Value body;  // empty: none
  std::string content_type;
  uint64_t deadline_ns = kNever;
  uint32_t credit = 0;
  bool streams = false;     // the answer is handed on in parts
  bool can_repeat = false;  // may reach the peer twice
};

class Call {
 public:
  explicit Call(Asked asked) : asked_(std::move(asked)), credit_(asked_.credit) {}
  const Asked& asked() const { return asked_; }
  const std::atomic<bool>& given_up() const { return given_up_; }

  // [any]
  void give_up();
  void grant(uint32_t parts);

  // The thread that carries it. `bell` rings from here on.
  void begin(std::shared_ptr<Bell> bell);
  bool take_credit();  // false: the bell will ring

 private:
  const Asked asked_;
  std::atomic<bool> given_up_{false};
  std::mutex mutex_;
  // Guarded by mutex_:
  std::shared_ptr<Bell> bell_;
  uint64_t credit_;
  bool waits_for_credit_ = false;
};

}  // namespace transport_http
