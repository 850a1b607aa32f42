// ChainStage: synchronous nodes of one lane, run inline, batch by batch, on one thread.
//
// It always goes on with the node furthest down that has something to do, so that little is ever held between two nodes.
#pragma once
#include <memory>
#include <vector>

#include "pipeline/stage.h"

namespace heddle {

class ChainStage final : public Stage {
 public:
  ChainStage(RunCore& core, const PipelineStage& plan, std::vector<RunNode> nodes, std::vector<EdgeQueue*> inputs);
  ~ChainStage() override;
  void wake() noexcept override { turn_.wake(); }
  std::string inside() const override;
  void give_up_inside() noexcept override;
  void count_inside(std::vector<uint64_t>& per_edge) const override;
  void preload(uint32_t position, const RawItem& item) override;

 private:
  // One node of the chain: what waits in front of it, and the calls it has.
  struct Link final : CallOwner {
    RunCore* core = nullptr;
    uint32_t node = 0;
    ItemList in;                 // unchanged while the batch has calls: they point into it
    size_t next = 0;                         // first of `in` not yet handed to the node
    std::unique_ptr<CallBatch> batch;
    bool open = false;                       // the batch has calls that await resume()
    bool mixed = false;                      // items may have come by several edges, or by none
    std::vector<const PortRoute*> only_ways;     // per output port: its one route, if that leads to a node of this stage
    void wake(CallBatch&) noexcept override {}  // answers that come after process() are late: close_batch says so
    void fault(std::string_view rule) noexcept override { core->fault(node, rule); }
    std::string_view trace() const noexcept override { return core->trace.of_node(node); }
    void progress(uint64_t sequence, const Value& said) noexcept override { core->tell_progress(node, sequence, said); }
    bool waiting() const { return open || next < in.size(); }
  };

  static bool step(void* self) noexcept { return static_cast<ChainStage*>(self)->step(); }
  bool step();
  void hand_on(uint32_t position, const RawItem& item) override;
  void run_link(uint32_t position);
  void fill(Link& link);
  void deliver_outlets(uint32_t position);
  void close_batch(uint32_t position);
  void count(uint32_t position);
  bool take_in();
  bool finish_next();
  void discard();
  void end();
  // The node furthest down that has something to do, or -1.
  int64_t furthest();
  void mark(uint32_t position) { busy_[position / 64] |= uint64_t{1} << (position % 64); }

  std::vector<Link> links_;
  std::vector<uint64_t> busy_;  // bit per link: waiting()
  Turn turn_;
  size_t take_ = 64;            // items taken in at once
  bool source_started_ = false;
  bool ended_ = false;
  bool input_ended_ = false;
  uint32_t finishing_ = 0;      // links before this one have finished
  uint64_t last_sequence_ = 0;
  TimerId linger_ = 0;                      // looks again at a batch or a join that waits
  std::atomic<bool> linger_armed_{false};
  struct Linger : Job { ChainStage* stage; } linger_job_;
  std::atomic<int64_t> inside_{-1};
  std::atomic<WorkerId> worker_{0};         // that runs, or ran, the turn
};

}  // namespace heddle
