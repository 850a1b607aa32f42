// Attempts: what is done about one call to a service that may fail, step by step: when and where it is sent, sent again, sent a second time meanwhile, and when it is given up.
//
// The strategies lie in each other like this: deadline, fallback (one pool after the other), hedge, retry, breaker, limit of one attempt. It does nothing itself: it is told what happens and says what to do.
// It has no clock, no thread and no lock; the pools have theirs.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "resilience/endpoint_pool.h"
#include "result.h"
#include "retry.h"

namespace heddle {

struct HedgePolicy {
  uint64_t after_ns = 0;      // 0: as long as `percentile` % of the last calls took; without enough of those there is none
  uint32_t percentile = 95;
  uint32_t most_extra = 1;
};

struct CallPolicy {
  uint64_t timeout_ns = 30 * kNsPerSecond;  // of the whole call
  uint64_t attempt_timeout_ns = 0;          // 0: what the call has left
  RetryPolicy retry = {.max_attempts = 3, .first_ns = kNsPerSecond};
  std::optional<HedgePolicy> hedge = {};
};

class Attempts {
 public:
  struct Step {
    enum class Kind : uint8_t {
      kSend,    // attempt `number` to `pick` of pool `pool`, to end by `at_ns`
      kCancel,  // the answer of `number` is not wanted any more
      kWake,    // call woken() at `at_ns`; a later one of these replaces this one
      kDone     // the last one: see ending()
    };
    Kind kind = Kind::kDone;
    uint32_t number = 0;
    size_t pool = 0;
    EndpointPool::Pick pick = {};
    uint64_t at_ns = 0;
  };
  using Steps = std::vector<Step>;

  // What an attempt came to.
  struct Answer {
    std::optional<Error> error = {};  // none: it is answered
    bool is_endpoints = true;         // the endpoint's fault; otherwise it answered that the request is wrong
    bool never_sent = false;          // nothing reached the peer: it may be sent again whatever it does
    bool is_gone = false;             // the endpoint cannot be reached, or has gone: another attempt is no burden to it, and the budget of retries does not count it
    uint64_t retry_after_ns = 0;      // not before; 0: not said
  };

  enum class Ending : uint8_t { kOpen, kAnswered, kRefused, kTimedOut, kBreakersOpen, kFailed, kCancelled };

  struct Attempt {
    uint32_t number = 0;
    std::string address;
    std::string error;      // empty: it is under way, was answered, or was not wanted any more
    uint64_t took_ns = 0;
  };

  // `pools`, not empty, in the order in which they are tried; they outlive this. `deadline_ns`: of the caller, 0: none. `repeatable`: the call may be done twice.
  Attempts(std::vector<EndpointPool*> pools, const CallPolicy& policy, bool repeatable, uint64_t key, uint64_t deadline_ns, Draw draw = draw_randomly);

  Steps begin(uint64_t now);
  // One that is over, or was cancelled, is ignored.
  Steps answered(uint32_t number, Answer answer, uint64_t now);
  Steps woken(uint64_t now);
  Steps cancel(uint64_t now);

  Ending ending() const { return ending_; }
  uint32_t answered_by() const { return answered_by_; }  // the number of the attempt; kAnswered
  const Error& error() const { return error_; }          // the last attempt's; not with kAnswered
  const std::vector<Attempt>& history() const { return history_; }
  // "attempt 1 to 127.0.0.1:7: refused (1 ms); attempt 2 to …"
  std::string history_text() const;

 private:
  struct Flight {
    uint32_t number = 0;
    size_t pool = 0;
    EndpointPool::Pick pick;
    uint64_t sent_ns = 0, until_ns = 0;
  };

  void open_pool(uint64_t now, Steps& steps);
  void send(uint64_t now, Steps& steps);
  void failed(const Answer& answer, uint64_t now, Steps& steps);
  void next_pool(Ending otherwise, uint64_t now, Steps& steps);
  void land(size_t flight, CallOutcome outcome, std::string why, uint64_t now);
  void finish(Ending ending, uint64_t now, Steps& steps);
  void wake(uint64_t now, Steps& steps) const;

  const std::vector<EndpointPool*> pools_;
  const CallPolicy policy_;
  const bool repeatable_;
  const uint64_t key_;
  const uint64_t callers_deadline_ns_;
  const Draw draw_;

  Ending ending_ = Ending::kOpen;
  Error error_;
  uint32_t answered_by_ = 0;
  uint64_t deadline_ns_ = 0;
  std::vector<Attempt> history_;
  std::vector<Flight> in_flight_;
  size_t pool_ = 0;
  // In this pool:
  std::vector<size_t> tried_;
  uint32_t rounds_ = 0, extra_ = 0;  // sent as the first try or a retry; as a hedge since then
  uint64_t retry_at_ns_ = 0, hedge_at_ns_ = 0;  // 0: neither
};

std::string_view name_of(Attempts::Ending ending);

}  // namespace heddle
