// Execution: the sidecar type "execution_rest": workers that speak execution.v1 over REST.
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

#include "connections.h"
#include "timers.h"
#include "webhook.h"
#include "worker.h"

namespace sidecar_rest {

// Any thread.
class Execution {
 public:
  explicit Execution(const heddle::sdk::Config& config);
  ~Execution();  // disconnects what is left, and waits
  Execution(const Execution&) = delete;
  Execution& operator=(const Execution&) = delete;

  // These throw heddle::sdk::Error.
  void connect(heddle_id worker, heddle::sdk::ValueRef options);
  void drain(heddle_id worker);
  void probe(heddle_id worker, Worker::Probed probed);
  // `done`: on any thread, once nothing of it is left.
  void disconnect(heddle_id worker, std::function<void()> done);

  // What is wrong with it, the inbox hears.
  void assign(heddle_id worker, const heddle_assignment& a);
  void cancel(heddle_id assignment, const std::string& reason, uint64_t grace_ns);

 private:
  struct Place;  // a worker and the connections to it

  std::shared_ptr<Worker> find(heddle_id worker);
  std::vector<std::shared_ptr<Worker>> all();
  Taken completed(const std::string& activity, const Said& said);
  void close(heddle_id worker, std::function<void()> done);
  void close_all();

  const heddle_host* const host_;
  Timers timers_;
  const heddle_assignments_service* const inbox_;
  const Patience patience_;
  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_:
  std::map<heddle_id, std::unique_ptr<Place>> places_;  // null: its last moment
  std::deque<std::pair<heddle_id, std::function<void()>>> closing_;  // of which nothing is left but the connections
  bool ending_ = false;
  std::thread closer_;  // a thread of a connection cannot wait for itself
  std::unique_ptr<Webhook> webhook_;  // null: none is wanted
};

}  // namespace sidecar_rest
