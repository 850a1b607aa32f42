// StoreHandle: one store object of a plugin, from create to destroy.
#pragma once
#include <heddle/queue.h>
#include <heddle/store.h>

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

#include "plugin/call.h"
#include "plugin/catalog.h"
#include "plugin/host_table.h"
#include "plugin/library.h"
#include "result.h"
#include "value/value.h"

namespace heddle {

struct StoreRange {
  std::string_view from = {}, until = {};  // empty: from the beginning, to the end
  uint32_t limit = 0;                      // 0, here and below: the store's own
  uint64_t max_bytes = 0;
};

struct QueueLease {
  std::string_view queue;
  heddle_id id = 0;
  uint32_t attempt = 0;
};

class StoreHandle {
 public:
  // Gets the answer once, on any thread, perhaps before the call has returned; it must not block, and may ask the store again, but not end it. What
  // the values hold is said in heddle/store.h and heddle/queue.h.
  using Done = std::function<void(Result<Value>)>;

  // [setup] Loads the plugin if need be and creates the object; `id` names it in messages. `lanes` may be null.
  static Result<std::unique_ptr<StoreHandle>> create(const CatalogEntry& entry, const std::string& id, const Value& params, Lanes* lanes, LaneId lane);
  // Destroys. Not while active.
  ~StoreHandle();
  StoreHandle(const StoreHandle&) = delete;
  StoreHandle& operator=(const StoreHandle&) = delete;

  // [start] Opens the data; waits for the answer.
  Result<void> activate();
  // [start] Waits for the answer. What was asked and is still not answered then is answered here, as the plugin's fault. Nothing is asked during or after it.
  Result<void> deactivate();

  // [any] While active. Arguments are borrowed until return.
  void commit(std::span<const heddle_write> writes, Done done);
  void get(std::string_view key, Done done);
  void scan(const StoreRange& range, Done done);

  // heddle.queue/1, if the type has it.
  bool has_queue() const { return queue_ != nullptr; }
  void enqueue(std::string_view queue, std::string_view payload, std::string_view dedupe, uint64_t run_at_ms, Done done);
  void lease(std::string_view queue, std::string_view owner, uint32_t limit, uint64_t lease_ms, Done done);
  void extend(const QueueLease& lease, uint64_t lease_ms, Done done);
  void ack(const QueueLease& lease, Done done);
  void nack(const QueueLease& lease, uint64_t delay_ms, Done done);

  // [any] How often the plugin has broken a rule; each is logged.
  uint64_t faults() const { return faults_.load(std::memory_order_relaxed); }
  const std::string& plugin_name() const { return library_->descriptor().name; }

 private:
  // An answer that is awaited. Reused after it, under its op's next generation, and kept until the object is destroyed: a second completion finds it.
  struct Asked {
    Asked() : op({}) {}
    StartOp op;
    Done done;
    bool open = false;  // guarded by mutex_
  };
  StoreHandle() = default;
  heddle_op* ask(Done done);
  void answer(Asked& asked, Result<Value> outcome);
  void fault(std::string_view rule);
  Result<void> start(void (*slot)(void*, heddle_op*) HEDDLE_FN);

  std::string id_;
  Library* library_ = nullptr;
  std::unique_ptr<HostTable> host_;
  void* self_ = nullptr;
  const heddle_store* table_ = nullptr;
  const heddle_queue* queue_ = nullptr;
  std::atomic<uint64_t> faults_{0};

  std::mutex mutex_;
  // Guarded by mutex_:
  std::deque<Asked> asked_;  // all there ever were
  std::vector<Asked*> free_;
};

}  // namespace heddle
