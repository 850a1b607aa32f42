// PeerTable: heddle.peers/1 for one node: its groups and its open calls. See heddle/draft/peers.h.
#pragma once
#include <heddle/draft/peers.h>

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "plugin/peer_call.h"
#include "plugin/peers.h"

namespace heddle {

// What a node calls with.
struct PeerAccess {
  Peers* peers = nullptr;  // null: this host calls nobody
  bool idempotent = false;
  std::string idempotency_key = {};  // JSON Pointer into what is sent; empty: none
  Texts metadata = {};               // goes with every call
  std::string trace_state = {};      // with the trace that a call names
  Tracer* tracer = nullptr;          // null: nothing is recorded
};

class PeerTable {
 public:
  explicit PeerTable(PeerAccess access) : access_(std::move(access)) {}
  ~PeerTable() { close_all(); }
  PeerTable(const PeerTable&) = delete;
  PeerTable& operator=(const PeerTable&) = delete;

  // Cancels what is open, and waits until nothing is heard any more.
  void close_all();

  // Its context (HostTable::context) is a PeerTable.
  static const heddle_peers_service& service();

 private:
  friend struct PeersTable;
  struct Group {
    std::shared_ptr<PeerGroup> group;
    CallPolicy policy;
    const heddle_peer_hearing* hearing = nullptr;
    size_t open = 0;  // calls
    bool closing = false;
  };
  struct Open {
    heddle_id group = 0;
    std::shared_ptr<PeerCall> call = {};  // null: it has just begun
    uint32_t granted = 0;                 // meanwhile
    bool unwanted = false;                // meanwhile
  };
  Result<heddle_id> open(const Value& options, const heddle_peer_hearing* hearing);
  heddle_id call(heddle_id group, const heddle_peer_call& c, void* ctx);
  PeerRequest request_of(const heddle_peer_call& c) const;
  PeerHearing hearing_for(heddle_id call, const heddle_peer_hearing* told, uint32_t credit, void* ctx);
  void keep(heddle_id call, const std::shared_ptr<PeerCall>& handle);
  void grant(heddle_id call, uint32_t parts);
  void cancel(heddle_id call);
  void close(heddle_id group);
  void over(heddle_id call);

  const PeerAccess access_;
  std::mutex mutex_;
  std::condition_variable fewer_;
  // Guarded by mutex_:
  std::map<heddle_id, Group> groups_;
  std::unordered_map<heddle_id, Open> open_;
  heddle_id last_ = 0;
};

}  // namespace heddle
