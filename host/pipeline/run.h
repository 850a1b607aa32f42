// Run: one execution of a pipeline, until nothing of it is left.
//
// Every item that enters is accounted for: it leaves as output, is filtered, is dropped for a stated reason, or fails into an error port or the
// dead letters. `Run` keeps the counts per edge, and checks them at the end.
#pragma once
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lanes/lanes.h"
#include "pipeline/pipeline.h"
#include "plugin/activity_origin.h"
#include "plugin/outside.h"
#include "plugin/start_call.h"
#include "result.h"
#include "tracer.h"
#include "value/item.h"

namespace heddle {

// One input: a value, or (value empty) a piece of input that could not be read, with where and why.
struct FeedItem {
  Value value = {};
  Error error = {};
  uint64_t line = 0;
  std::string text = {};    // its beginning
  uint64_t text_bytes = 0;  // its whole length
};

// Where the input items come from. Called by one thread at a time, on a lane; must not block.
class Feed {
 public:
  enum class State : uint8_t { kItems, kWait, kEnd };
  struct Got { State state; size_t count; };
  virtual ~Feed() = default;
  // kItems: at least one was put into `out`. kWait: nothing now; `wait` is called next. An error ends the input and fails the run.
  virtual Result<Got> pull(std::span<FeedItem> out) = 0;
  // Posts `job` to `lane` once there may be more.
  virtual void wait(Lanes& lanes, LaneId lane, Job* job) = 0;
  // [any] Nothing more is wanted: a job that waits is posted now. A feed that never answers kWait has nothing to do.
  virtual void interrupt() {}
};

// Where results go. Called by one thread at a time.
class Output {
 public:
  virtual ~Output() = default;
  virtual Result<void> write(const PipelineNode& node, std::span<Item> items) = 0;
  virtual Result<void> close() = 0;  // flush; the last write
  // [any] While it is full, no node works whose results would come here.
  virtual bool is_full() const { return false; }
  // Once, before the first write: `room` is to be called whenever it was full and is no more; on any thread, one at a time, until close() is called.
  virtual void on_room(std::function<void()>) {}
  // After close: how many items of this node write() was given that did not get out.
  virtual uint64_t lost(const PipelineNode&) const { return 0; }
};

struct Attempt {
  uint32_t number = 1;
  std::string error;       // message
  uint64_t took_ns = 0;
};

// An item that failed and had no error port to go to.
struct DeadLetter {
  std::string node;        // id; "input" for input that could not be read
  Error error;
  uint64_t sequence = 0, line = 0;  // 0: not known
  std::vector<Attempt> attempts;
  bool is_partial = false; // results of the item had gone on before it failed
  Value item;              // the original; empty if it is gone (taken by the node, unreadable input)
  std::string text;        // of unreadable input: its beginning
  uint64_t text_bytes = 0; // of unreadable input: its whole length
};

// Called by one thread at a time.
class DeadLetters {
 public:
  virtual ~DeadLetters() = default;
  virtual Result<void> add(const DeadLetter& letter) = 0;
};

// How far a node says that it is with an item: what `said` has stands in heddle/call.h.
struct NodeProgress {
  const std::string& node;
  uint64_t sequence = 0;  // of the item; 0: not known
  const Value& said;
  // "40 %: step 2"; empty: it says neither.
  std::string text() const;
};

struct RunOptions {
  Lanes* lanes = nullptr;
  Outside* outside = nullptr;          // for nodes that have something done elsewhere; null: they cannot
  bool may_start_processes = true;     // nodes may, and use chains; false: the manifest is somebody else's
  std::shared_ptr<ActivityOrigin> activity;  // of a chain, that the run is made for; null: none
  std::string chain;                   // goes with such calls: the pipelines that have led to them; empty: none
  std::optional<TraceContext> trace;   // of which the run is a part; none: it begins one
  Tracer* tracer = nullptr;            // null: nothing is recorded
  Feed* feed = nullptr;                // null: no input items
  Output* output = nullptr;            // null: results are counted and dropped
  DeadLetters* dead_letters = nullptr; // null: counted and dropped
  std::function<void(const NodeProgress&)> on_progress;  // [any] must not block; null: nobody watches
  std::string state_dir;               // for "state": "keep"; empty: nothing is kept
  uint64_t start_ms = kStartMs;        // what an activate or deactivate may take
  std::vector<std::pair<std::string, std::vector<Value>>> node_input;  // for `heddle test`: items straight into a node
};

struct EdgeCounts {
  uint64_t in = 0, out = 0, filtered = 0, dropped = 0, failed = 0, in_flight = 0;
  uint64_t unaccounted() const { return in - std::min(in, out + filtered + dropped + failed); }
  bool balanced() const { return in == out + filtered + dropped + failed + in_flight; }
};

struct NodeCounts {
  uint64_t calls = 0, emitted = 0, completed = 0, filtered = 0, failed = 0, retried = 0, timed_out = 0, faults = 0;
};

struct RunReport {
  bool ok = false;               // ended by itself, nothing failed the run
  bool stopped = false;          // ended by stop()
  Error error;                   // why it failed, if not ok
  uint64_t duration_ns = 0;
  uint64_t input_items = 0, input_errors = 0, output_items = 0, dead_letters = 0;  // output_items: those that were really written
  uint64_t source_items = 0;     // what the sources among the nodes gave, failures included
  uint64_t sink_items = 0;       // what the sinks among the nodes took and completed
  std::vector<EdgeCounts> edges; // as in Pipeline::edges
  std::vector<EdgeCounts> exits; // as in Pipeline::exits; `out`: written; `dropped`: lost with the output, or left by a port that leads nowhere
  std::vector<NodeCounts> nodes; // as in Pipeline::nodes
  // Both are logged as they come.
  std::vector<std::string> faults;    // contract faults of plugins, one sentence each, at most 100
  std::vector<std::string> warnings;  // a failed deactivate, state that could not be saved, …
  bool balanced = false;         // every edge and exit conserves its items
};

struct RunProgress {
  uint64_t input_items = 0, output_items = 0, errors = 0;  // with what sources gave and sinks took; output_items may still be in a buffer
};

class Run {
 public:
  // Loads the plugins, creates and activates the nodes, and starts. On failure everything that was made is undone. Everything in `options`
  // and the pipeline must outlive the run. `culprit`, if given, gets the node whose object cannot be created, where that is the failure
  // ("create-failed"). Waits for the nodes: not on a worker.
  static Result<std::unique_ptr<Run>> start(const Pipeline& pipeline, const RunOptions& options, const PipelineNode** culprit = nullptr);
  // The same without waiting: `begun` is called once, here or on a worker.
  using Begun = std::function<void(Result<std::unique_ptr<Run>>)>;
  static void begin(const Pipeline& pipeline, const RunOptions& options, Begun begun, const PipelineNode** culprit = nullptr);
  ~Run();  // stop(true) and wait if still going

  // [any] false: take no more input, finish what is inside, within run.drain_ms. true: give up what is inside now; it is counted as dropped{stopped}.
  void stop(bool now);
  // Waits for the end, at most `timeout_ms`. True: it has ended. Not on a worker.
  bool wait(uint64_t timeout_ms);
  // [any, once] Instead of wait(): `ended` is called on a worker when it has ended, and may destroy the run.
  void on_end(std::function<void()> ended);
  // [any] A descriptor that becomes readable at the end.
  int end_fd() const;
  RunProgress progress() const;
  // [any] Until the end: the groups of workers that its nodes have open.
  std::vector<std::shared_ptr<const WorkerGroup>> worker_groups() const;
  // After the end.
  const RunReport& report() const;
  // After the end: whether a thread hangs in a node of this run, and may still come back. What the run was given must then stay for ever.
  bool leaves_threads() const;

 private:
  Run();
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace heddle
