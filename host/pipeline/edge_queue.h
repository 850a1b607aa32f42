// EdgeQueue: the bounded queue of one edge, with its books.
//
// One stage pushes, one stage pops. What enters is counted, and so is each item's fate: the books balance at every moment at which nobody is inside.
#pragma once
#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <span>
#include <vector>

#include "pipeline/pipeline.h"
#include "pipeline/run.h"
#include "pipeline/turn.h"
#include "plugin/call.h"

namespace heddle {

// The books of one edge, queued or inline. Written once per batch.
struct EdgeBooks {
  std::atomic<uint64_t> in{0}, out{0}, filtered{0}, dropped{0}, failed{0};
  // For a count that one thread at a time adds to: any count of the stage that the caller runs. Anybody may read it.
  static void add(std::atomic<uint64_t>& count, uint64_t n) {
    if (n) count.store(count.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  // For a count that both ends of a queue add to: `dropped`.
  static void add_shared(std::atomic<uint64_t>& count, uint64_t n) {
    if (n) count.fetch_add(n, std::memory_order_relaxed);
  }
};

class EdgeQueue {
 public:
  EdgeQueue(const PipelineEdge& edge, EdgeBooks& books) : edge_(edge), books_(books) {}
  ~EdgeQueue();

  Wakeable* producer = nullptr;  // woken when there is room again
  Wakeable* consumer = nullptr;  // woken when there are items, and at the end

  // By the producer. Takes `items` from index `from` on, as many as fit; with a drop policy all of them. Gives how many; the rest stays with the producer, who is
  // woken when there is room. A long list that fits is taken as it is, without a copy: then `items` is empty afterwards. The items have been counted as `in`.
  size_t push(ItemList& items, size_t from = 0);
  // No more items will come.
  void end();
  // Everything up to this sequence has passed, whether or not it came out of this edge.
  void advance(uint64_t sequence);

  // By the consumer. Appends at most `most` items to `out`; a list that was taken as it is, is given as it is if `out` is empty.
  size_t pop(size_t most, ItemList& out);

  struct Look {
    size_t items = 0;
    bool ended = false;
    uint64_t first_sequence = 0;  // of the first item
    uint64_t passed = 0;          // see advance
    uint64_t waiting_since = 0;   // when the first item came, now_ns; only with a batch
  };
  Look look() const;

  // [any] Drops all items, and all that come from here on; they are counted as dropped.
  void discard();
  const PipelineEdge& edge() const { return edge_; }
  EdgeBooks& books() { return books_; }

 private:
  // Items that came together.
  struct Box {
    ItemList items;
    size_t first = 0;      // those before are gone already
    uint64_t bytes = 0;    // weight of the others
    uint64_t arrival = 0;  // now_ns; only with a batch
    size_t left() const { return items.size() - first; }
  };
  size_t push_some(std::span<const RawItem> items, ItemList& dropped);
  void put(std::span<const RawItem> items, uint64_t bytes);
  Box& new_box(uint64_t bytes);
  void take_from_front(size_t n, ItemList& out);
  void front_is_empty();

  const PipelineEdge& edge_;
  EdgeBooks& books_;
  mutable std::mutex mutex_;
  // Guarded by mutex_:
  std::deque<Box> boxes_;        // none is empty
  std::vector<ItemList> spare_;  // memory for boxes
  size_t waiting_ = 0;           // items
  uint64_t bytes_ = 0;
  uint64_t passed_ = 0;
  bool ended_ = false;
  bool producer_waits_ = false;
  bool discarding_ = false;
};

// What an item weighs against a queue's bytes.
size_t weight_of(const RawItem& item);

}  // namespace heddle
