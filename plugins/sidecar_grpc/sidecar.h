// Sidecar: the object behind the table of heddle/sidecar.h: its workers, whatever protocol they speak.
#pragma once
#include <heddle/sidecar.h>
#include <heddle/sdk.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "connection.h"
#include "timers.h"

namespace sidecar_grpc {

// Where a worker is, and whom it is heard by. All of it outlives the worker's calls.
struct Site {
  const heddle_host* host;
  const heddle_assignments_service* inbox;
  heddle_id worker;
  const Connection& connection;
  Timers& timers;
};

// One worker, in its protocol. Any thread; the calls mean what those of heddle_sidecar mean.
class Peer {
 public:
  using Said = std::function<void(heddle::sdk::Value facts, const std::string& why)>;  // facts, or why there are none
  virtual ~Peer() = default;
  virtual void connect() = 0;
  virtual void assign(const heddle_assignment& a, uint64_t now_ns) = 0;
  // False: it is none of this worker's.
  virtual bool cancel(heddle_id assignment, const std::string& reason, uint64_t grace_ns) = 0;
  virtual void drain() = 0;
  virtual void probe(Said said) = 0;
  // `gone` is called once nothing of it is left.
  virtual void disconnect(std::function<void()> gone) = 0;
};

// `options`: as in heddle_sidecar::connect. Throws heddle::sdk::Error.
using PeerMaker = std::function<std::shared_ptr<Peer>(const Site& site, heddle::sdk::ValueRef options)>;

// Any thread.
class Sidecar {
 public:
  Sidecar(const heddle::sdk::Config& config, PeerMaker maker);
  ~Sidecar();  // disconnects what is left, and waits
  Sidecar(const Sidecar&) = delete;
  Sidecar& operator=(const Sidecar&) = delete;

  // These throw heddle::sdk::Error.
  void connect(heddle_id worker, heddle::sdk::ValueRef options);
  void assign(heddle_id worker, const heddle_assignment& a);
  void cancel(heddle_id assignment, const std::string& reason, uint64_t grace_ns);
  void drain(heddle_id worker);
  void probe(heddle_id worker, Peer::Said said);
  // `done`: on any thread, once nothing of it is left.
  void disconnect(heddle_id worker, std::function<void()> done);

 private:
  struct Library {  // gRPC, as long as something of it is used
    Library();
    ~Library();
  };
  struct Place;  // a worker and its connection

  std::shared_ptr<Peer> find(heddle_id worker);
  void close(heddle_id worker, std::function<void()> done);
  void close_all();

  const Library library_;
  const PeerMaker maker_;
  const heddle_host* const host_;
  Timers timers_;
  const heddle_assignments_service* const inbox_;
  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_:
  std::map<heddle_id, std::unique_ptr<Place>> places_;  // null: its last moment
  std::deque<std::pair<heddle_id, std::function<void()>>> closing_;  // of which nothing is left but the connection
  bool ending_ = false;
  std::thread closer_;  // gRPC's channels must not go on one of gRPC's threads
};

// How many assignments at a time the options allow.
uint32_t slots_of(heddle::sdk::ValueRef options);

}  // namespace sidecar_grpc
