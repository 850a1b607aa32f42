// ChainHandle: one chain object of a plugin, from create to destroy: an account on a chain, its transactions, and what happens there (heddle/chain.h).
#pragma once
#include <heddle/chain.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "lanes/lanes.h"
#include "plugin/catalog.h"
#include "plugin/host_table.h"
#include "plugin/journal_table.h"
#include "plugin/library.h"
#include "plugin/pool_table.h"
#include "plugin/start_call.h"
#include "plugin/start_ops.h"
#include "result.h"
#include "value/value.h"

namespace heddle {

// Where a chain writes what it must not forget.
struct ChainJournal {
  StoreHandle* store = nullptr;  // active, for as long as the chain is there; null: none
  bool is_durable = false;
  std::string prefix = {};
};

class ChainHandle {
 public:
  // A sentence without its subject, of what the plugin does against the rules.
  using Fault = std::function<void(std::string_view rule)>;
  // The answer, once, on any thread, perhaps before the call has returned; it must not block, and not end the chain. What values hold is said in heddle/chain.h.
  using Done = std::function<void(Result<Value>)>;

  // [setup] Loads the plugin if need be and creates the object; `owner` names it in messages. What the type's schema marks as "writeOnly" is redacted in the log from here on.
  static Result<std::unique_ptr<ChainHandle>> create(const CatalogEntry& entry, const std::string& owner, const Value& params, const ChainJournal& journal, Lanes* lanes, LaneId lane,
                                                     Fault fault = nullptr);
  // [setup] destroy. Not while active. What is still open is answered, as cancelled.
  ~ChainHandle();
  ChainHandle(const ChainHandle&) = delete;
  ChainHandle& operator=(const ChainHandle&) = delete;

  // [start] Both wait for the answer, `limit_ms` at most: after a "timeout" nothing may be asked, and the plugin's object is never touched again.
  Result<void> activate(uint64_t limit_ms = kStartMs);
  Result<void> deactivate(uint64_t limit_ms = kStartMs);

  // [any] While active. Arguments are borrowed until return.
  void read(const Value& question, Done done);
  void submit(std::string_view key, const Value& intent, Done done);
  void events(const Value& filter, Done done);
  void transactions(const Value& filter, Done done);

  // [any] Who takes work for its account. False: somebody does already, and two would take each other's.
  bool begin_work() { return !has_worker_.exchange(true); }
  void end_work() { has_worker_ = false; }

  const std::string& owner() const { return owner_; }

 private:
  using Slot = void (*)(void*, heddle_op*) HEDDLE_FN;
  // Called back by the plugin, and so kept where it was given up.
  struct Services {
    explicit Services(const std::string& owner, Lanes* lanes, LaneId lane) : host(owner, lanes, lane) {}
    std::unique_ptr<JournalTable> journal;  // null: there is none
    PoolTable pools;
    HostTable host;
  };
  ChainHandle() = default;
  Result<void> start(const char* name, Slot slot, uint64_t limit_ms);
  heddle_op* ask(Done done);

  std::string owner_;
  Fault fault_;
  Library* library_ = nullptr;
  std::unique_ptr<Services> services_;
  void* self_ = nullptr;
  const heddle_chain* table_ = nullptr;
  std::atomic<bool> has_worker_{false};
  bool is_abandoned_ = false;  // a thread may be inside of the object for good
  // What waits for an answer. One that comes after the chain was given up finds it.
  struct Open {
    std::mutex mutex;
    // Guarded by mutex:
    std::map<uint64_t, Done> all;
    uint64_t last = 0;
  };
  const std::shared_ptr<Open> open_ = std::make_shared<Open>();
  std::unique_ptr<StartOps> ops_;
};

}  // namespace heddle
