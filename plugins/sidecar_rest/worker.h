// Worker: one worker process that speaks execution.v1 over REST: whether it is there, what it has in hand, how much more it takes, and what it is asked next. No I/O: what it wants done is
// done by Outside. Workers in the field may have no more than assign and status: what they leave out is made up for here.
#pragma once
#include <heddle/abi.h>
#include <heddle/sdk/value.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "message.h"

namespace sidecar_rest {

// What a worker is asked.
struct Ask {
  enum class Kind : uint8_t { kHealth, kAssign, kStatus, kCancel };
  Kind kind = Kind::kHealth;
  std::string path = {};
  std::shared_ptr<const std::string> body = {};  // null: none; then it is a GET, unless it is a cancel
};

// What came of it.
struct Answer {
  int status = 0;         // of HTTP; 0: none came, see `why`
  bool is_unsent = false; // none of the request has reached it
  std::string why = {};   // a sentence
  std::string text = {};  // the beginning of the body, fit for a message
  Said said = {};
};

// The host, the network and the time, as one worker needs them. Called one at a time, without a lock.
class Outside {
 public:
  virtual ~Outside() = default;
  // Worker::answered(number) follows, unless the worker is disconnected.
  virtual void ask(uint64_t number, Ask what) = 0;
  virtual void here(const heddle::sdk::Value& facts) = 0;
  virtual void grant(uint32_t assignments) = 0;
  virtual void gone(heddle_status status, const std::string& why) = 0;
  virtual void progress(heddle_id assignment, const heddle::sdk::Value& said) = 0;
  virtual void done(heddle_id assignment, heddle_status status, heddle::sdk::Value result) = 0;
  // Any thread, at any time; under the worker's lock, too.
  virtual uint64_t now_ns() const = 0;
  virtual void after(uint64_t delay_ns, std::function<void()> then) = 0;
};

struct WorkerOptions {
  std::string endpoint;
  std::string min_version, max_version;  // that the host speaks: over REST nobody asks
  uint32_t slots = 1;                    // where it does not say
  uint64_t connect_ns = 0, reattach_ns = 0;
};

struct Assignment {
  heddle_id id = 0;
  std::string activity, run;
  uint64_t deadline_ns = 0;  // 0: none
  std::shared_ptr<const std::string> body;
};

// Where a completion of a worker has been taken.
enum class Taken : uint8_t { kYes, kBefore, kOtherRun, kUnknown, kNotUnderstood };

// Any thread.
class Worker : public std::enable_shared_from_this<Worker> {
 public:
  static constexpr uint64_t kPollNs = 10'000'000, kMostPollNs = 1'000'000'000;            // between two questions about one task
  static constexpr uint64_t kSeldomNs = 1'000'000'000, kMostSeldomNs = 5'000'000'000;     // the same, of a worker that calls back
  static constexpr uint64_t kLookNs = 5'000'000'000;                                      // between two about its health, while it is there
  static constexpr uint64_t kFullNs = 500'000'000;                                        // so long nothing is granted to one that says it is full
  static constexpr uint64_t kProgressNs = 50'000'000;                                     // between two that the host hears of one assignment
  static constexpr uint64_t kAgainNs = 100'000'000, kMostAgainNs = 5'000'000'000;
  static constexpr uint64_t kQuarantineNs = 60'000'000'000;  // of a slot whose work was cut off and may still go on, where it has no deadline
  static constexpr uint32_t kMostSlots = 10'000;
  static constexpr size_t kRemembered = 1'000;  // runs that are done, so that a completion that comes twice is known

  using Probed = std::function<void(heddle_status status, heddle::sdk::Value facts, const std::string& why)>;

  Worker(std::shared_ptr<Outside> outside, WorkerOptions options) : outside_(std::move(outside)), options_(std::move(options)) {}

  void connect();
  void assign(Assignment a);
  // False: it is none of this worker's.
  bool cancel(heddle_id assignment, const std::string& reason, uint64_t grace_ns);
  void drain();
  void probe(Probed probed);
  // `gone` is called last of all.
  void disconnect(std::function<void()> gone);

  // By the network.
  void answered(uint64_t number, Answer answer);
  // A completion that came by itself, of `activity`.
  Taken completed(const std::string& activity, const Said& said);

 private:
  enum class State : uint8_t {
    kAssigning,  // no answer yet
    kUncertain,  // there was none: perhaps it has it
    kAttaching,  // it has one of that name
    kTaken,
  };
  struct Given {
    Assignment what;
    State state = State::kAssigning;
    bool cancelled = false;
    bool told_cancel = false;  // the worker was
    bool cut_off = false;    // it is done for the host, and its slot is not free
    bool asking = false;     // about its status
    bool is_due = false;     // a timer runs that asks
    uint64_t poll_ns = 0;
    uint64_t since_ns = 0;   // nothing certain was heard of it since; 0: the last answer was
    uint64_t told_ns = 0;
    std::string told = {};   // the last progress
    std::optional<heddle::sdk::Value> untold = {};
    std::string reason = {};
  };
  struct Asked {
    Ask::Kind kind;
    heddle_id assignment = 0;
    Probed probed = {};
  };
  using Deed = std::function<void(Outside&)>;
  using Lock = std::unique_lock<std::mutex>;

  // With the lock held:
  void ask(Ask::Kind kind, heddle_id assignment, Probed probed = nullptr);
  void ask_health();
  void take_health(const Answer& answer, const Probed& probed);
  void take_assigned(Given& given, const Answer& answer);
  void take_status(Given& given, const Answer& answer);
  void take_other_run(Given& given, const std::string& run);
  bool take_end(Given& given, const Said& said, std::string_view status);
  void take_progress(Given& given, const Said& said);
  void tell_progress(Given& given);
  void doubt(Given& given, const std::string& why);
  void ask_cancel(Given& given);
  void ask_later(Given& given);
  void ask_soon(Given& given);
  void say_here(const Said& said);
  void lose(heddle_status status, const std::string& why);
  void offer();
  void finish(heddle_id id, heddle_status status, heddle::sdk::Value result);
  void fail(heddle_id id, heddle_status status, const std::string& code, const std::string& message);
  void release(heddle_id id);
  std::string who() const { return "the worker at " + options_.endpoint; }
  heddle::sdk::Value facts() const;
  Given* find(heddle_id assignment);
  void later(uint64_t delay_ns, void (Worker::*then)(heddle_id), heddle_id of);
  // Without it:
  void carry_out();
  void on_health_due(heddle_id turn);
  void on_probe_late(heddle_id number);
  void on_not_attached(heddle_id lost);
  void on_status_due(heddle_id assignment);
  void on_grace_over(heddle_id assignment);
  void on_quarantine_over(heddle_id assignment);
  void on_progress_due(heddle_id assignment);
  void on_room(heddle_id);

  const std::shared_ptr<Outside> outside_;
  const WorkerOptions options_;

  mutable std::mutex mutex_;
  // Guarded by mutex_:
  std::deque<Deed> deeds_;
  bool acting_ = false;
  uint64_t last_ask_ = 0;
  std::map<uint64_t, Asked> asked_;
  bool asks_health_ = false;
  uint64_t health_turn_ = 0;  // only the last timer counts
  bool is_here_ = false, told_gone_ = false, draining_ = false, stopping_ = false;
  bool ends_ = false;     // it says that it takes nothing new
  bool is_full_ = false;  // it has said so, a moment ago
  bool calls_back_ = false;  // completions come by themselves: asking is the safety net
  std::string last_why_ = "it was not reached yet";
  std::optional<std::vector<std::string>> tags_;
  uint32_t slots_ = 0;
  std::map<heddle_id, Given> given_;
  std::map<std::pair<std::string, std::string>, heddle_id> runs_;  // by activity and run
  std::deque<std::pair<std::string, std::string>> done_;           // the last ones
  uint64_t credit_ = 0;  // that the host has
  uint64_t lost_ = 0;    // how often it was
  uint64_t again_ns_ = kAgainNs;
};

}  // namespace sidecar_rest
