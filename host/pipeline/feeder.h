// Feeder: brings the run's input items to the entry nodes.
#pragma once
#include <vector>

#include "pipeline/run_core.h"
#include "pipeline/turn.h"

namespace heddle {

class Feeder final : public Wakeable {
 public:
  // `queues`: those of the entry edges.
  Feeder(RunCore& core, std::vector<EdgeQueue*> queues);
  ~Feeder() override;
  void wake() noexcept override { turn_.wake(); }

 private:
  static bool step(void* self) noexcept { return static_cast<Feeder*>(self)->step(); }
  bool step();
  bool push();
  bool pull();
  void end();

  struct Target {
    EdgeQueue* queue;
    ItemList items;
    size_t sent = 0;
  };
  RunCore& core_;
  std::vector<Target> targets_;
  Turn turn_;
  std::vector<FeedItem> batch_;
  size_t pulled_ = 0;  // by the last pull that gave items
  uint64_t sequence_ = 0;
  bool input_ended_ = false, ended_ = false;
  std::atomic<bool> waiting_{false};  // for the feed: `ready_` comes
  struct Ready : Job { Feeder* feeder; } ready_;
};

}  // namespace heddle
