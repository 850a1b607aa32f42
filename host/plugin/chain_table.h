// ChainTable: heddle.chains/1 for one node: the chains that it has open, and what it has asked them. See heddle/draft/chains.h.
#pragma once
#include <heddle/draft/chains.h>

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "plugin/chains.h"

namespace heddle {

// What a node reaches chains with.
struct ChainAccess {
  Chains* chains = nullptr;  // null: this host has none
  bool may_open = true;      // false: the manifest is somebody else's, and may not use accounts of this host
  std::string idempotency_key = {};  // JSON Pointer to the key of an item's transaction, as the manifest has it; empty: none
};

class ChainTable {
 public:
  explicit ChainTable(ChainAccess access) : access_(std::move(access)) {}
  ~ChainTable() { close_all(); }
  ChainTable(const ChainTable&) = delete;
  ChainTable& operator=(const ChainTable&) = delete;

  // Cancels what is open, and waits until nothing is heard any more.
  void close_all();

  // Its context (HostTable::context) is a ChainTable.
  static const heddle_chains_service& service();

 private:
  friend struct ChainsTable;
  struct Asked {
    heddle_id chain = 0;
    heddle_chain_answered answered = nullptr;
    void* ctx = nullptr;
  };
  struct Chain {
    std::shared_ptr<ChainHandle> handle;
    size_t telling = 0;  // answers on their way to the node
    bool closing = false;
  };
  // What answers find that come when the table is gone.
  struct State {
    std::mutex mutex;
    std::condition_variable fewer;
    // Guarded by mutex:
    std::map<heddle_id, Chain> chains;
    std::map<heddle_id, Asked> asked;
    heddle_id last = 0;
  };
  using Ask = std::function<void(ChainHandle& chain, ChainHandle::Done done)>;

  Result<heddle_id> open(const Value& options);
  heddle_id ask(heddle_id chain, Asked who, const Ask& ask);
  void cancel(heddle_id asked);
  void close(heddle_id chain);
  static void answer(State& state, heddle_id asked, Result<Value> outcome);

  const ChainAccess access_;
  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace heddle
