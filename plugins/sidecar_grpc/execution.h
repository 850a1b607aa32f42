// Execution: the sidecar type "execution": workers that speak execution.v1 over gRPC.
#pragma once
#include <heddle/draft/sidecar.h>
#include <heddle/sdk.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "stream.h"
#include "worker.h"

namespace sidecar_grpc {

// Functions that the host runs on a lane after a time. Those that it has dropped when it destroys the object go with this.
class Timers {
 public:
  explicit Timers(const heddle_host* host) : host_(host) {}
  void after(uint64_t delay_ns, std::function<void()> then);

 private:
  struct One {
    Timers* all;
    std::function<void()> then;
    std::list<One>::iterator at;
  };
  std::function<void()> take(One& one);
  const heddle_host* const host_;
  std::mutex mutex_;
  std::list<One> waiting_;  // guarded by mutex_
};

// Any thread.
class Execution {
 public:
  explicit Execution(const heddle::sdk::Config& config);
  ~Execution();  // disconnects what is left, and waits
  Execution(const Execution&) = delete;
  Execution& operator=(const Execution&) = delete;

  // These throw heddle::sdk::Error.
  void connect(heddle_id worker, heddle::sdk::ValueRef options);
  void assign(heddle_id worker, const heddle_assignment& a);
  void cancel(heddle_id assignment, const std::string& reason, uint64_t grace_ns);
  void drain(heddle_id worker);
  heddle::sdk::Value facts(heddle_id worker);
  // `done`: on any thread, once nothing of it is left.
  void disconnect(heddle_id worker, std::function<void()> done);

 private:
  struct Library {  // gRPC, as long as something of it is used
    Library();
    ~Library();
  };
  struct Place;  // a worker and its connection

  std::shared_ptr<Worker> find(heddle_id worker);
  void close(heddle_id worker, std::function<void()> done);
  void close_all();

  const Library library_;
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

}  // namespace sidecar_grpc
