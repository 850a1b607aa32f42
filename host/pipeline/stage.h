// Stage: nodes that run inline on one thread, what comes in to the first of them, and what goes out of all.
//
// The base knows the ways in and out; ChainStage and SoloStage know how the nodes are called.
#pragma once
#include <string>
#include <vector>

#include "pipeline/merge.h"
#include "pipeline/run_core.h"
#include "pipeline/run_node.h"
#include "pipeline/turn.h"

namespace heddle {

class Stage : public Wakeable {
 public:
  Stage(RunCore& core, const PipelineStage& plan, std::vector<RunNode> nodes, std::vector<EdgeQueue*> inputs);
  // Before the first wake: an item that comes from nowhere, for a node of this stage.
  virtual void preload(uint32_t position, const RawItem& item) = 0;
  // After the end: lets go of the plugins' objects.
  virtual void drop_objects();
  // The id of the node whose process() has not returned, or empty.
  virtual std::string inside() const { return {}; }
  // [any] The run is over and does not end: gives up the threads that are inside a node.
  virtual void give_up_inside() noexcept = 0;
  // Items that are inside this stage, per edge; only while nothing runs.
  virtual void count_inside(std::vector<uint64_t>& per_edge) const = 0;

 protected:
  // An item handed to a node of this stage.
  virtual void hand_on(uint32_t position, const RawItem& item) = 0;

  // Sends what node `position` emitted on `port` down its routes, or out of the run. Takes the references and empties `items`. Items whose queue is full wait
  // in the backlog, and so do those that are collected to be handed over together.
  void deliver(uint32_t position, uint32_t port, ItemList& items);
  // Hands the backlog over: all of it, or only what is worth waking another thread for. False if a queue is full: the stage is woken when there is room.
  bool flush();
  bool flush_much();
  bool has_backlog() const { return backlog_size_ > 0; }
  // A call failed for good: an error item, a dead letter, or the end of the run. Only counts the node, not the edge.
  void fail_item(uint32_t position, const RawItem& envelope, Value original, Error error, std::vector<Attempt> attempts = {}, bool is_partial = false);
  // A source that answers "cancelled" because the run takes no more input has ended in order.
  void forgive_cancelled(std::vector<CallFailure>& failures) const;
  // All queues that this stage feeds.
  void end_outputs();
  void advance_outputs(uint64_t sequence);
  bool gives_results() const { return gives_results_; }
  void discard_backlog();

  RunCore& core_;
  const PipelineStage& plan_;
  std::vector<RunNode> nodes_;
  InputMerge merge_;

 private:
  void route(const PortRoute& route, ItemList& items, bool last);
  void fail_emitted(uint32_t position, ItemList& items);
  void fail_to(uint32_t position, const RawItem& envelope, DeadLetter letter);

  struct Backlog {
    EdgeQueue* queue;
    bool ordered;  // its consumer merges by sequence
    ItemList items;
    size_t sent = 0;
  };
  std::vector<Backlog> backlogs_;  // one per queue that this stage feeds
  size_t backlog_size_ = 0;
  bool blocked_ = false;           // a queue is full
  bool gives_results_ = false;     // some node's leave the run
  bool feeds_ordered_ = false;
  void tell_passed();
  uint64_t passed_ = 0, told_passed_ = 0;  // up to where everything has left, for queues whose consumer merges by sequence
  // To wake another thread costs this one some 5 us, and the other one some 40: so many items are collected first, but no more than the smallest queue takes.
  size_t hand_over_ = 512;
  uint64_t collecting_since_ = 0;  // now_ns of the oldest item in the backlog; 0: not yet known
};

}  // namespace heddle
