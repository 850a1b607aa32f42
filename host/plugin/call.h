// Calls: what the host hands to a node's process(), and what hears its answers.
//
// A CallBatch is up to `capacity` calls that are handed to one process() together. While a thread is inside process() on a batch it has entered, its answers
// cost a few plain stores. Answers from any other thread, and all answers on a guarded batch, go through the batch's mailbox, and are applied by
// the batch's owner when it looks: so everything but the mailbox belongs to one thread at a time. The items themselves are not copied: a call points at its own.
//
// Handles given to plugins carry a generation in their top 16 bits: a completion that comes twice, late or never is noticed and named, and
// touches nothing. A batch's memory lives as long as the plugin's object.
#pragma once
#include <heddle/call.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/item_list.h"
#include "result.h"
#include "value/value.h"

namespace heddle {
class CallBatch;

// The failure of one call.
struct CallFailure {
  uint32_t index = 0;  // of the call in its batch
  Error error;
};

// Who runs a batch.
class CallOwner {
 public:
  virtual ~CallOwner() = default;
  // [any] A batch that is not inside process() has new answers: call settle() on it, soon, on its own thread.
  virtual void wake(CallBatch& batch) noexcept = 0;
  // [any] The plugin broke a rule of the ABI; `rule` is a sentence without its subject ("completed a call twice").
  virtual void fault(std::string_view rule) noexcept = 0;
  // [any] W3C traceparent of what it runs for, alive as long as the owner; empty: none.
  virtual std::string_view trace() const noexcept { return {}; }
  // [any] A call on the item with that sequence says how far it is (heddle/call.h).
  virtual void progress(uint64_t /*sequence*/, const Value& /*said*/) noexcept {}
};

}  // namespace heddle

// One pending answer of any kind.
struct heddle_op {
  // kMailed: completed from elsewhere, and its batch has not applied that yet. kStart: a StartOp, which keeps its own state.
  enum State : uint32_t { kIdle, kOpen, kComplete, kStart, kMailed };
  explicit heddle_op(State state) : word(state) {}
  // Generation in the high half, state in the low: whether a handle may be answered is one comparison.
  static constexpr uint32_t word_of(uint16_t generation, State state) { return uint32_t{generation} << 16 | state; }
  bool is(uint32_t wanted) const { return word.load(std::memory_order_relaxed) == wanted; }
  uint16_t generation() const { return static_cast<uint16_t>(word.load(std::memory_order_relaxed) >> 16); }
  State state() const { return static_cast<State>(word.load(std::memory_order_relaxed) & 0xffff); }
  std::atomic<uint32_t> word;
};

struct heddle_call : heddle_op {
  heddle_call() : heddle_op(kIdle) {}
  uint32_t index = 0;
  heddle::CallBatch* batch = nullptr;
  heddle::RawItem* item = nullptr;  // its value is the input, until it is taken; valid while the batch is
  uint32_t emitted = 0;             // values so far
  int32_t awaiting = -1;            // the port whose emit was answered AGAIN
  heddle_value* kept = nullptr;     // a second reference to the input, where the batch keeps inputs
};

namespace heddle {

class CallBatch {
 public:
  // `outputs`: how many output ports the node has. `owner` outlives the batch.
  CallBatch(uint32_t capacity, uint32_t outputs, CallOwner& owner);
  ~CallBatch();
  CallBatch(const CallBatch&) = delete;
  CallBatch& operator=(const CallBatch&) = delete;

  // How many values a port takes in before emit answers AGAIN. A node that cannot be resumed is never told so: its batch has credit without end.
  static constexpr size_t kCredit = 256;
  void set_endless_credit() { credit_bytes_ = SIZE_MAX; }

  struct Start {
    bool guarded = false;      // every answer through the mailbox: the call may be given up while it runs
    bool keep_inputs = false;  // a second reference to each input: for error items and retries
  };
  // Opens one call per item; the references are the batch's from here on. The items stay where they are until close_inputs(), and nobody moves them. All earlier
  // calls are closed. A single item with a null value makes a call without input.
  void open(std::span<RawItem> items, Start start);
  // The same with items that the batch keeps, for a batch that may be given up.
  void open_own(const ItemList& items, Start start);
  // The handles for process(); count() of them.
  heddle_call* const* handles() const { return handles_.data(); }
  heddle_call* handle(uint32_t index) const { return handles_[index]; }
  uint32_t count() const { return count_; }
  uint32_t capacity() const { return static_cast<uint32_t>(handles_.size()); }

  // Around a call into the plugin with this batch: answers of this thread take the short way until leave(), which applies the mailbox. leave() is false
  // if the batch was given up meanwhile: then nothing of it may be touched any more.
  void enter();
  bool leave();
  // Applies what came in by the mailbox; between process() and the last answer. False: nothing had come.
  bool settle();

  uint32_t open_calls() const { return open_; }
  bool is_open(uint32_t index) const { return calls_[index].state() == heddle_op::kOpen; }
  bool has_input() const { return has_input_; }
  // The item of a call, and how many values it has emitted; until the next open().
  const RawItem& item(uint32_t index) const { return *calls_[index].item; }
  uint32_t emitted(uint32_t index) const { return calls_[index].emitted; }
  // Calls that have emitted something.
  uint32_t fruitful() const { return fruitful_; }
  // What was emitted on a port and not yet taken away; the taker owns the references.
  ItemList& outlet(uint32_t port) { return outlets_[port].items; }
  uint32_t outlets() const { return outlet_count_; }
  // The edge and input port that items of an outlet carry, where it leads to one place.
  void set_way(uint32_t port, uint32_t edge, uint32_t to_port) {
    outlets_[port].edge = edge;
    outlets_[port].to_port = to_port;
  }
  // The outlets were emptied: whoever emits from elsewhere has credit again.
  void drained();
  // Failures since they were last cleared, by their taker.
  std::vector<CallFailure>& failures() { return failures_; }
  // All calls are answered: those that emitted on a port that is not there fail for it, unless they have failed themselves.
  void fail_breaches();
  // Open calls whose emit was answered AGAIN. take_awaiting gives the port and forgets it, or -1.
  bool has_awaiting();
  int32_t take_awaiting(uint32_t index);

  // Closes every open call from outside. Its answer is still owed: one that comes later is dropped, a second one is a fault. Answers that came before are applied. Gives the
  // calls closed.
  std::vector<uint32_t> give_up();
  // The same while a thread hangs inside the plugin with this batch, from any other thread; nothing if it has just left. leave() will be false for the hanging
  // thread, its inputs stay alive for good, and the batch is never opened again.
  std::optional<std::vector<uint32_t>> give_up_hung();
  bool is_hung() const { return hung_; }
  // All calls are answered or given up: releases what is left of their inputs. After it, the items are no longer the batch's. open() does it, too.
  void close_inputs();
  // The original input of a call: kept, or not taken by the node; a new reference, or empty.
  Value original(uint32_t index) const;

  // Nobody wants the answers any more.
  void cancel();

 private:
  friend struct CallAnswers;
  struct Outlet {
    ItemList items;
    uint32_t edge = 0, to_port = 0;
  };
  struct Letter {  // an answer from elsewhere
    uint32_t index;
    uint16_t generation;
    int32_t port;  // -1: completion
    int32_t status;
    heddle_value* value;
    std::string why;
    bool is_stray = false;  // its call was completed while it was written
  };

  heddle_status emit_elsewhere(heddle_call& c, uint16_t generation, uint32_t port, heddle_value* v);
  void complete_elsewhere(heddle_call& c, uint16_t generation, heddle_status status, heddle_value* result, heddle_str why);
  void record(heddle_call& c, int32_t status, heddle_value* details, std::string_view why);
  void append(heddle_call& c, Outlet& outlet, heddle_value* v);
  void append_in_room(heddle_call& c, Outlet& outlet, heddle_value* v);
  bool drop_in(Letter letter);
  void breach(const heddle_call& c);
  std::vector<Letter> take_mail();
  void apply(std::vector<Letter> letters);
  void return_stray(Letter& letter);
  std::vector<uint32_t> close_open_calls();
  bool is_owed(const heddle_call& c, uint16_t generation, bool settled);
  bool is_owed_locked(const heddle_call& c, uint16_t generation, bool settled);
  void close_rest(std::vector<Letter> letters, size_t closed);

  CallOwner& owner_;
  const uint32_t outlet_count_;
  uint32_t count_ = 0;
  uint32_t open_ = 0;
  uint32_t fruitful_ = 0;
  std::unique_ptr<Outlet[]> outlets_;
  size_t credit_bytes_ = kCredit * sizeof(RawItem);  // of items in an outlet
  std::unique_ptr<heddle_call[]> calls_;
  std::vector<heddle_call*> handles_;
  ItemList own_;             // items of open_own(); its memory stays where it is
  std::vector<CallFailure> failures_;
  bool guarded_ = false;
  bool has_input_ = false;
  bool hung_ = false;
  bool leftovers_ = false;               // some closed call may still hold its input
  bool awaiting_here_ = false;           // the same as awaiting_, by the thread inside
  std::atomic<bool> cancelled_{false};
  std::atomic<bool> inside_{false};      // a thread is between enter() and leave()
  std::atomic<bool> has_breaches_{false};// breaches_ is not empty
  std::atomic<bool> has_mail_{false};    // set under mutex_ when mailbox_ gets its first letter

  std::mutex mutex_;
  // Guarded by mutex_:
  std::vector<Letter> mailbox_;
  std::vector<uint32_t> owed_;           // per port: values emitted from elsewhere since drained()
  struct Owed {
    uint32_t index;
    uint16_t generation;
  };
  std::vector<Owed> answers_owed_;       // of calls that were given up; the oldest are forgotten
  bool given_up_ = false;
  bool woken_ = false;
  bool awaiting_ = false;                // some call's `awaiting` is set
  std::vector<uint32_t> breaches_;       // calls that emitted on a port that is not there
};

// An op that is not a call: activate, deactivate, what is asked of a store. Its answer is handed to `done` once: the result (often empty), or the failure.
class StartOp : public heddle_op {
 public:
  using Done = std::function<void(Result<Value>)>;
  using Fault = std::function<void(std::string_view rule)>;
  explicit StartOp(Done done) : heddle_op(kStart), done_(std::move(done)) {}
  // Hears of a second or late completion; empty: nobody does. To be set before the first handle() is given away.
  void on_fault(Fault fault) { fault_ = std::move(fault); }
  // After its answer: the same memory for another answer. A completion by an earlier handle is noticed.
  void reopen(Done done);
  heddle_op* handle();
  // [any] Somebody asks of it what only a call can answer.
  void fault(std::string_view rule) const {
    if (fault_) fault_(rule);
  }
  // [any] `result` is consumed. False: this handle was answered before.
  bool complete(uint16_t generation, heddle_status status, heddle_value* result, heddle_str why);

 private:
  Fault fault_;
  std::mutex mutex_;
  Done done_;  // guarded by mutex_; empty once complete
};

const heddle_op_service& op_service();
const heddle_call_service& call_service();

}  // namespace heddle
