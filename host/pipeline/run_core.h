// What the stages of one run share: counts, the ways out (results, dead letters, faults), and how the run ends.
#pragma once
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/edge_queue.h"
#include "pipeline/pipeline.h"
#include "pipeline/run.h"
#include "pipeline/run_trace.h"
#include "pipeline/turn.h"
#include "plugin/call.h"

namespace heddle {

// The books of one node.
struct NodeBooks {
  std::atomic<uint64_t> calls{0}, emitted{0}, completed{0}, filtered{0}, failed{0}, retried{0}, timed_out{0}, faults{0};
  std::atomic<uint64_t> failures{0};  // of `failed`: emitted on a port for failures
};

// The books of one exit. A node's are written by the one thread that runs its stage.
struct ExitBooks {
  std::atomic<uint64_t> in{0}, dropped{0};
};

class RunCore : public Activity {
 public:
  RunCore(const Pipeline& p, const RunOptions& o);
  ~RunCore() override;

  const Pipeline& pipeline;
  const RunOptions& options;
  Lanes& lanes;
  RunTrace trace;
  std::vector<EdgeBooks> edges;  // as in the pipeline
  std::vector<ExitBooks> exits;
  std::vector<NodeBooks> nodes;
  std::atomic<uint64_t> input_items{0}, input_errors{0}, output_items{0}, dead_letters{0};

  LaneId lane(const std::string& name) const;

  // [any] Results of a node leave the run by an exit of it. The references move in.
  void put_out(uint32_t exit, std::span<RawItem> items) noexcept;
  // [a turn] Whether results would have to wait. Everybody is woken once they do not.
  bool output_is_full() noexcept;
  // [any] There is room for them again.
  void on_room() noexcept;
  // What the sources among the nodes gave, and what the sinks among them took and completed, so far.
  uint64_t source_items() const;
  uint64_t sink_items() const;
  // [any] A failure that no error port takes. With on_error "fail" it also fails the run.
  void put_away(DeadLetter letter) noexcept;
  // [any] A plugin broke the contract; counted, kept (the first ones), logged.
  void fault(uint32_t node, std::string_view rule) noexcept;
  void warn(std::string text) noexcept;
  // [any] A node says how far it is with an item.
  void tell_progress(uint32_t node, uint64_t sequence, const Value& said) const noexcept;

  // [any] Ends the run with an error: nothing is taken in any more, and what is inside is dropped and counted. The first error counts.
  void fail(Error error) noexcept;
  // [any] `now`: as with fail, but the run was stopped, not failed.
  void stop(bool now) noexcept;
  bool stopping() const { return stopping_.load(std::memory_order_acquire); }      // take no more input
  bool discarding() const { return discarding_.load(std::memory_order_acquire); }  // drop what is inside

  // [any] A thread hangs in a node of this run: its worker is given up, and it may come back to what it knew at any time.
  void abandon(WorkerId worker) noexcept;
  // [any] Whether such a thread may still be out there.
  bool is_awaited() const { return gave_up_threads_.load(std::memory_order_acquire) && lanes.abandoned() > 0; }

  // A stage has ended: everything that came in has left it.
  void stage_ended() noexcept;
  bool wait(uint64_t timeout_ms);
  // [any] A descriptor that becomes readable at the end; made when it is first asked for.
  int end_fd();
  // [any, once] Posts `job` to the lane "default" when the run has ended. What it runs begins with wait(0).
  void post_at_end(Job* job);
  // The run is over although something is left (a thread that hangs in a node).
  void end_by_force() noexcept;
  // Fills the report with everything known here.
  void write(RunReport& report) const;

  std::vector<Wakeable*> everyone;  // all stages and the feeder: woken at stop

 private:
  void none_left() noexcept override;
  void end(bool by_force) noexcept;
  void wake_all() noexcept;
  bool stop_waiting_for_room_locked() { return std::exchange(waits_for_room_, false); }

  std::atomic<bool> stopping_{false}, discarding_{false}, gave_up_threads_{false};
  std::atomic<uint32_t> stages_left_;

  std::mutex output_mutex_;
  bool output_failed_ = false;       // guarded by output_mutex_
  std::vector<Item> output_buffer_;  // guarded by output_mutex_

  std::mutex letters_mutex_;
  bool letters_failed_ = false;      // guarded by letters_mutex_

  mutable std::mutex mutex_;
  std::condition_variable ended_changed_;
  // Guarded by mutex_:
  bool ended_ = false;
  bool failed_ = false;
  bool stopped_ = false;
  bool waits_for_room_ = false;  // for results: an activity of its own
  int end_fd_ = -1;        // none yet
  Job* end_job_ = nullptr; // null: nobody asked for it
  Error error_;
  std::vector<std::string> faults_;
  std::vector<std::string> warnings_;
};

}  // namespace heddle
