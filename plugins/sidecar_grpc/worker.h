// Worker: one worker process that speaks execution.v1, as the protocol has it: which lines there are to it, what it has in hand, how much more it takes. No I/O: what it wants done is
// done by LineOutside. What workers in the field leave out (capabilities, acks, capacity) is made up for here.
#pragma once
#include <execution/v1/execution.pb.h>
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

#include "deeds.h"
#include "outside.h"
#include "versions.h"

namespace sidecar_grpc {

using Envelope = execution::v1::Envelope;

// A stream to the worker.
class Line {
 public:
  virtual ~Line() = default;
  virtual void send(const Envelope& said) = 0;  // [any]
  virtual void finish() = 0;                    // [any] nothing more is sent after what was; the worker is to end it
  virtual void reset() = 0;                     // [any] Worker::ended follows
};

// What a worker of execution.v1 wants besides.
class LineOutside : public Outside {
 public:
  virtual std::shared_ptr<Line> open(uint64_t line) = 0;
};

struct WorkerOptions {
  std::string endpoint;
  Versions versions;
  uint32_t slots = 1;  // where it does not say
  uint64_t reattach_ns = 0;
  uint64_t most_bytes = UINT64_MAX;  // of a message
};

// What is to be sent, and what it is known by.
struct Assignment {
  heddle_id id = 0;
  std::string activity, run;
  uint64_t deadline_ns = 0;  // 0: none
  Envelope said;
};

// Any thread.
class Worker : public Deeds<Worker, LineOutside>, public std::enable_shared_from_this<Worker> {
 public:
  static constexpr uint64_t kSayNs = 200'000'000;      // so long a worker has, after its hello, to say what it can
  static constexpr uint64_t kLeaveNs = 500'000'000;           // so long a worker has to hear of the last cancels, and to end its streams
  static constexpr uint64_t kProgressNs = 50'000'000;  // between two that the host hears of one assignment

  Worker(std::shared_ptr<LineOutside> outside, WorkerOptions options) : Deeds(std::move(outside)), options_(std::move(options)) {}

  void connect();
  void assign(Assignment a);
  // False: it is none of this worker's.
  bool cancel(heddle_id assignment, const std::string& reason, uint64_t grace_ns);
  void drain();
  // What it says of itself; empty: it is not here, and `why` says the reason. Somebody wants to know: it is tried again at once.
  heddle::sdk::Value facts(std::string& why);
  // `gone` is called once nothing of it is left.
  void disconnect(std::function<void()> gone);

  // By the lines.
  void heard(uint64_t line, const Envelope& said);
  // `is_too_large`: for the sake of a message that was not taken at all.
  void ended(uint64_t line, const std::string& why, bool is_too_large = false);

  uint64_t dropped() const;  // completions of runs that are not in hand

 private:
  enum class Mode : uint8_t { kUnknown, kSerial, kFull };  // of a worker that says nothing of itself, each line carries one assignment at a time
  struct Known {
    std::shared_ptr<Line> line;
    bool ready = false;  // it has said hello
    heddle_id busy = 0;
  };
  struct Given {
    Assignment what;
    uint64_t line = 0;   // 0: not sent
    bool taken = false, cancelled = false;
    bool cut_off = false;  // it is done for the host, and its slot is not free
    uint64_t told_ns = 0;
    std::optional<heddle::sdk::Value> untold = {};  // the last progress
    std::string reason = {};
  };

  // With the lock held:
  void open_line();
  void send(uint64_t line, Envelope said);
  void greet(uint64_t line, const execution::v1::Version& theirs);
  void take_capabilities(const execution::v1::Capabilities& said);
  std::vector<heddle_id> sent_elsewhere(uint64_t line) const;
  void forget_all();
  void send_cancel(const Given& given, const std::string& reason);
  void say_here();
  void offer();
  void send_waiting();
  void put_on(uint64_t line, Given& given);
  Given* in_hand(const std::string& activity, const std::string& run);
  void take_progress(const execution::v1::Progress& said);
  void tell_progress(Given& given);
  void complete(const execution::v1::Completion& said);
  void finish(heddle_id id, heddle_status status, heddle::sdk::Value result);
  void fail(heddle_id id, heddle_status status, const std::string& code, const std::string& message);
  void release(heddle_id id);
  void give_up_on(uint64_t line, const std::string& why);
  void lose(const std::string& why);
  void refuse(const std::string& why);
  void try_again();
  size_t ready_lines() const;
  size_t free_lines() const;
  size_t serial_lines() const;
  bool is_here() const { return ready_lines() > 0; }
  // Without it:
  void on_said_nothing(heddle_id);
  void on_again(heddle_id);
  void on_not_attached(heddle_id lost);
  void on_grace_over(heddle_id assignment);
  void on_quarantine_over(heddle_id assignment);
  void on_leave_over(heddle_id);
  void on_progress_due(heddle_id assignment);

  const WorkerOptions options_;

  // Guarded by mutex_:
  std::map<uint64_t, Known> lines_;
  uint64_t last_line_ = 0;
  Mode mode_ = Mode::kUnknown;
  bool told_here_ = false, told_gone_ = false, draining_ = false, stopping_ = false, refused_ = false, waits_to_try_ = false;
  std::string last_why_ = "it was not reached yet";
  Versions theirs_;
  std::vector<std::string> tags_;
  std::string instance_;  // of the process, where it says so
  uint32_t slots_ = 0;
  std::optional<uint64_t> room_;  // of a worker that says its capacity: so many more it takes now
  std::map<heddle_id, Given> given_;
  std::map<std::pair<std::string, std::string>, heddle_id> runs_;  // those that were sent, by activity and run
  std::deque<heddle_id> waiting_;  // not sent yet
  uint64_t credit_ = 0;            // that the host has
  uint64_t lost_ = 0;              // how often it was
  uint64_t again_ns_ = kAgainNs;
  uint64_t dropped_ = 0;
  std::function<void()> when_gone_;
};

}  // namespace sidecar_grpc
