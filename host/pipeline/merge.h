// InputMerge: what a stage takes in next, from the queues in front of its first node.
#pragma once
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "manifest/manifest.h"
#include "pipeline/edge_queue.h"

namespace heddle {

class InputMerge {
 public:
  enum class State : uint8_t { kItems, kNothing, kEnded };
  // `edge` of an item that was made of several (zip, join).
  static constexpr uint32_t kNoEdge = UINT32_MAX;

  struct Unmatched {
    RawItem item;  // owned by the receiver
    Error error;
  };

  InputMerge(Merge settings, std::vector<EdgeQueue*> queues, std::vector<EdgeBooks>& books, std::vector<uint32_t> edges);
  ~InputMerge();

  // Appends at most `most` items to `out`; their edge and port are set. kNothing: not now; *wake_at (if not 0) says when to look again.
  State pull(size_t most, ItemList& out, uint64_t* wake_at);
  // Items that found no partner since the last look.
  std::vector<Unmatched> take_unmatched();
  // Drops everything in the queues and here; counted as dropped.
  void discard();
  bool all_ended() const;
  // What waits here, outside of the queues, per edge.
  void count_inside(std::vector<uint64_t>& per_edge) const;
  const std::vector<EdgeQueue*>& queues() const { return queues_; }

 private:
  struct Partner {
    std::vector<std::deque<RawItem>> items;  // per input, first come first
    uint64_t since = 0;
  };

  State pull_arrival(size_t most, ItemList& out, uint64_t* wake_at);
  State pull_round_robin(size_t most, ItemList& out);
  State pull_by_sequence(size_t most, ItemList& out);
  State pull_zip(size_t most, ItemList& out);
  State pull_join(size_t most, ItemList& out, uint64_t* wake_at);
  bool pop_one(size_t input, ItemList& out);
  void drop_waiting();
  RawItem combine(ItemList parts);
  void unmatched(size_t input, RawItem item, std::string why);
  void expire(uint64_t now, bool all, uint64_t* wake_at);

  Merge settings_;
  std::vector<EdgeQueue*> queues_;
  std::vector<EdgeBooks>& books_;
  std::vector<uint32_t> edges_;  // per queue
  size_t next_ = 0;
  std::map<std::string, Partner> partners_;
  size_t waiting_ = 0;           // items in partners_
  std::vector<Unmatched> unmatched_;
};

}  // namespace heddle
