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
#include "plugin/start_call.h"
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

  // [start] Opens the data; waits for the answer. With lanes, it is a worker that is inside of the plugin meanwhile; without, one that does not return cannot be given up. After a
  // "timeout" nothing may be asked, and the plugin's object is never touched again.
  Result<void> activate(uint64_t limit_ms = kStartMs);
  // [start] Waits for the answer in the same way, but is inside of the plugin itself. What was asked and is still not answered then is answered here, as the plugin's fault. Nothing is
  // asked during or after it.
  Result<void> deactivate(uint64_t limit_ms = kStartMs);

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
  uint64_t faults() const { return faults_->count.load(std::memory_order_relaxed); }
  const std::string& plugin_name() const { return library_->descriptor().name; }

 private:
  // An answer that is awaited. Reused after it, under its op's next generation, and kept until the object is destroyed: a second completion finds it.
  struct Asked {
    Asked() : op({}) {}
    StartOp op;
    Done done;
    bool open = false;  // guarded by mutex_
  };
  // Rules that the plugin has broken. Outlives the handle where the plugin was left behind.
  struct Faults {
    std::string id, plugin;
    std::atomic<uint64_t> count{0};
    void add(std::string_view rule);
  };
  using Slot = void (*)(void*, heddle_op*) HEDDLE_FN;
  StoreHandle() = default;
  heddle_op* ask(Done done);
  void answer(Asked& asked, Result<Value> outcome);
  heddle_op* start_op(StartCall::Done done);
  Result<void> start(const char* name, Slot slot, uint64_t limit_ms, Lanes* lanes);

  std::string subject_;  // for messages: `store "jobs" (Sqlite of plugin store_sqlite)`
  Library* library_ = nullptr;
  Lanes* lanes_ = nullptr;
  std::shared_ptr<HostTable> host_;
  void* self_ = nullptr;
  const heddle_store* table_ = nullptr;
  const heddle_queue* queue_ = nullptr;
  std::shared_ptr<Faults> faults_ = std::make_shared<Faults>();
  std::vector<std::shared_ptr<StartOp>> starts_;  // kept, so that a second completion finds them
  std::atomic<bool> abandoned_{false};            // a thread may be inside of the object for good, or an answer may still come

  std::mutex mutex_;
  // Guarded by mutex_:
  std::shared_ptr<std::deque<Asked>> asked_ = std::make_shared<std::deque<Asked>>();  // all there ever were
  std::vector<Asked*> free_;
};

}  // namespace heddle
