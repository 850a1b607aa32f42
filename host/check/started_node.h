// StartedNode: a node object that a check has created and activated; NodeCalls: one thread's calls to it.
#pragma once
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "check/plugin_object.h"
#include "plugin/call.h"
#include "plugin/node_handle.h"
#include "result.h"

namespace heddle {

// Activates or deactivates, and waits for the answer.
Result<void> start_of(NodeHandle& node, void (NodeHandle::*start)(NodeHandle::Done));

// What became of some calls.
struct CallsOutcome {
  uint64_t calls = 0, failed = 0, emitted = 0;
  uint64_t missing = 0;  // were not completed when they had to be
  uint64_t again = 0;    // emits that found no room
  std::string first_failure = {};
  void add(const CallsOutcome& other);
};

// One thread at a time, but for wake and fault.
class NodeCalls : public CallOwner {
 public:
  struct Style {
    uint32_t batch = 0;        // 0: as the type says
    bool is_timed = true;      // a call that takes longer than the type's timeout is missing
    bool is_full = false;      // values are taken away only when there is no room for more
    bool is_cancelled = false; // every call that is not complete when process returns is cancelled
  };
  NodeCalls(NodeHandle& node, const TypeDescriptor& type, uint32_t outputs);

  // One call for each input, and their answers. Ends early where some are missing.
  CallsOutcome call(const std::vector<Value>& inputs, Style style);
  // The call of a source, cancelled after its first 1,000 values.
  CallsOutcome call_source();
  // The call of finish, if the type has it.
  CallsOutcome finish();
  std::vector<std::string> faults() const;

  void wake(CallBatch& batch) noexcept override;
  void fault(std::string_view rule) noexcept override;

 private:
  bool wait(uint64_t until_ns);
  void take_outputs(CallsOutcome& outcome);
  void resume_awaiting(CallsOutcome& outcome);
  void await(uint64_t until_ns, CallsOutcome& outcome);
  CallsOutcome settle(uint64_t until_ns);

  NodeHandle& node_;
  const TypeDescriptor& type_;
  Style style_;
  bool was_cancelled_ = false;
  uint64_t source_limit_ = 0;  // values; 0: none
  std::unique_ptr<CallBatch> batch_;
  mutable std::mutex mutex_;
  std::condition_variable told_;
  // Guarded by mutex_:
  bool woken_ = false;
  std::vector<std::string> faults_;
};

class StartedNode {
 public:
  StartedNode(const CheckSubject& subject, Lanes& lanes) : subject_(subject), lanes_(lanes) {}
  ~StartedNode();  // stop(), unless left behind
  StartedNode(const StartedNode&) = delete;
  StartedNode& operator=(const StartedNode&) = delete;

  // Each on any thread, one after the other.
  Result<void> create(const std::string& id, const Value& params);
  Result<void> activate();
  Result<void> deactivate();
  void destroy();

  // A new one for each thread that calls; they live as long as the object.
  NodeCalls& calls();
  NodeHandle& handle() { return *node_; }
  // Calls are missing: the object is neither deactivated nor destroyed.
  void leave_behind();
  // What it did against the rules whose sentence has `word` in it; empty: nothing.
  std::string fault_about(std::string_view word) const;

 private:
  const CheckSubject& subject_;
  Lanes& lanes_;
  std::unique_ptr<NodeHandle> node_;
  bool is_active_ = false;
  uint32_t outputs_ = 0;
  std::unique_ptr<std::deque<NodeCalls>> calls_ = std::make_unique<std::deque<NodeCalls>>();
};

}  // namespace heddle
