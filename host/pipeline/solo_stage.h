// SoloStage: one node with a queue in front, for everything that a chain cannot do: answers that come later, several calls at once, timeouts, retries.
//
// Items are handed to the node in dispatches. A dispatch lives from the pull out of the queue until its results are delivered: through the attempts, the wait for an
// answer, and the wait for its place in the order.
#pragma once
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "clock.h"
#include "pipeline/stage.h"
#include "resilience/endpoint_pool.h"

namespace heddle {

class SoloStage final : public Stage {
 public:
  // Creates and activates a new object for the node, in place of one in which a call hangs, and gives it to `remade` once, here or on a worker.
  using Remade = std::function<void(Result<std::shared_ptr<NodeHandle>>)>;
  using Remake = std::function<void(Remade remade)>;

  SoloStage(RunCore& core, const PipelineStage& plan, RunNode node, std::vector<EdgeQueue*> inputs, Remake remake);
  ~SoloStage() override;
  void wake() noexcept override;
  std::string inside() const override;
  void give_up_inside() noexcept override;
  void count_inside(std::vector<uint64_t>& per_edge) const override;
  void preload(uint32_t, const RawItem& item) override { preloaded_.push_back(item); }
  void drop_objects() override;

  // Objects in which a call hangs may be made anew this many times in a run.
  static constexpr unsigned kMaxRemakes = 8;

 private:
  enum class State : uint8_t {
    kReady,    // to be handed to the node
    kInside,   // a thread is in the node
    kParked,   // answers are to come, or room for emits
    kBackoff,  // waits for its next attempt
    kDone      // no more answers; results to be delivered
  };

  struct Strand;
  struct Dispatch final : CallOwner {
    void wake(CallBatch&) noexcept override { stage->on_answer(*this); }
    void fault(std::string_view rule) noexcept override { stage->core_.fault(stage->nodes_[0].index, rule); }
    std::string_view trace() const noexcept override { return stage->core_.trace.of_node(stage->nodes_[0].index); }
    void progress(uint64_t sequence, const Value& said) noexcept override { stage->core_.tell_progress(stage->nodes_[0].index, sequence, said); }
    SoloStage* stage = nullptr;
    Strand* strand = nullptr;
    std::unique_ptr<CallBatch> batch;
    std::shared_ptr<NodeHandle> handle;
    State state = State::kReady;
    bool is_finish = false;
    bool delivered = false;        // something of it has left: no retry any more
    bool answering = false;        // holds the run's activity: an answer is to come by itself
    ItemList items;    // for the next attempt
    std::vector<Attempt> attempts;
    std::optional<EndpointPool::Pick> pick;  // of the attempt under way, where the node has a pool
    uint64_t bytes = 0;            // what its items weigh, where that is limited
    uint64_t first_ns = 0;         // when the first attempt started
    uint64_t started_ns = 0;
    uint64_t due_ns = 0;           // to be given up then; 0: never
    WorkerId worker = 0;           // while inside
    struct Backoff : Job { Dispatch* dispatch; } backoff;
    TimerId backoff_timer = 0;
    std::list<std::unique_ptr<Dispatch>>::iterator at;  // where it is listed
  };
  using Dispatches = std::list<std::unique_ptr<Dispatch>>;

  struct Lost {
    RawItem envelope;
    Value original;
    Error error;
    std::vector<Attempt> attempts;
    bool is_partial;
  };
  // What is on its way out of the stage.
  struct Leaving {
    std::vector<ItemList> outlets;  // by port
    std::vector<Lost> lost;
    std::vector<Dispatch*> parked;  // give more later
    bool done = false;              // some dispatch is
    uint64_t last = 0;              // the highest sequence of those that are
  };

  // A thread's way into the node.
  struct Strand {
    SoloStage* stage = nullptr;
    Turn turn;
    std::deque<RawItem> mine;      // by_key: the items of its keys
    Dispatch* held = nullptr;      // by_key: the one dispatch of its keys
  };
  using Lock = std::unique_lock<std::mutex>;

  void on_answer(Dispatch& dispatch) noexcept;
  void hand_on(uint32_t, const RawItem&) override { assert(false && "a solo stage has one node"); }

  static bool step(void* strand) noexcept;
  bool step(Strand& strand);
  void settle_mail();
  Dispatch* next(Strand& strand);
  Dispatch* pull(Strand& strand);
  void pull_items(Strand& strand, ItemList& items);
  void share_out();
  Dispatch& add_dispatch(Strand& strand);
  std::unique_ptr<CallBatch> make_batch(Dispatch& dispatch);
  bool call_node(Dispatch& dispatch, Lock& lock);
  void after_call(Dispatch& dispatch);
  void fail_calls(Dispatch& dispatch, const std::vector<uint32_t>& calls, const Error& error);
  void conclude(Dispatch& dispatch);
  bool retry(Dispatch& dispatch);
  bool admit(Dispatch& dispatch);
  void tell_pool(Dispatch& dispatch, CallOutcome outcome, std::string why = {});
  void commit(Lock& lock);
  bool may_leave(const Dispatch& dispatch) const;
  bool take_leaving();
  size_t take_out(Dispatch& dispatch);
  void deliver_leaving(Lock& lock);
  void book(Dispatch& dispatch, const std::vector<CallFailure>& failures);
  void remove(Dispatch& dispatch);
  void set_answering(Dispatch& dispatch, bool answering);
  void watch(uint64_t due_ns);
  void look_for_hung();
  bool give_up_hung(Dispatch& dispatch);
  void give_up_late(Lock& lock);
  void replace_object(Lock& lock);
  void on_remade(Result<std::shared_ptr<NodeHandle>> made);
  void discard(Lock& lock);
  bool maybe_end(Strand& strand);
  void end();
  void wake_later(uint64_t when);
  // When all attempts of a dispatch must be over; 0: never.
  uint64_t last_moment(const Dispatch& d) const { return node_.timeout_ms > 0 ? d.first_ns + node_.timeout_ms * kNsPerMs : 0; }
  bool retries() const { return nodes_[0].node->retry.max_attempts > 1; }

  const PipelineNode& node_;
  const Remake remake_;
  const bool asynchronous_, guarded_;
  size_t batch_size_ = 1;
  size_t window_ = 1;
  uint64_t most_bytes_ = UINT64_MAX;  // that items inside may weigh before more are taken in

  mutable std::mutex mutex_;
  // Guarded by mutex_:
  std::vector<std::unique_ptr<Strand>> strands_;
  std::deque<RawItem> preloaded_;
  Dispatches dispatches_;                               // in the order of their items
  std::deque<Dispatch*> ready_;                         // to be handed to the node: again, or to resume()
  Dispatches spare_;                                    // done, for reuse
  Leaving leaving_;                                     // of the thread that commits: it needs no lock for it
  std::vector<std::unique_ptr<CallBatch>> hung_;        // a thread is inside for good
  std::vector<std::shared_ptr<NodeHandle>> hung_objects_;
  std::shared_ptr<NodeHandle> object_;
  Error object_error_;
  bool object_lost_ = false;                            // object_ hangs: a new one is to be made
  bool object_gone_ = false;                            // and cannot be made: object_error_ says why
  bool replacing_ = false;
  unsigned remakes_ = 0;
  bool late_ = false;                                   // some answer is overdue
  bool committing_ = false;
  bool source_started_ = false, input_ended_ = false, finished_ = false, ended_ = false;
  uint64_t last_sequence_ = 0;
  uint64_t bytes_ = 0;                                  // of all dispatches
  uint64_t alarm_at_ = 0;                               // 0: not set
  TimerId alarm_ = 0;
  struct Alarm : Job { SoloStage* stage; } alarm_job_;
  bool later_armed_ = false;                            // looks again at a batch or a join that waits
  TimerId later_ = 0;
  Alarm later_job_;
  size_t shared_out_ = 0;                               // items in all strands' `mine`

  std::mutex mail_mutex_;
  std::vector<Dispatch*> mail_;  // guarded by mail_mutex_: dispatches with answers to settle
};

}  // namespace heddle
