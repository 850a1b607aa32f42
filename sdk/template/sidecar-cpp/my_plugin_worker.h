// Worker: whether there is a program to be run, how many more runs may be assigned, and those that are under way. Sidecar: the workers, on one thread.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "my_plugin_program.h"

namespace plugin {

// All of it on the thread.
class Worker {
 public:
  Worker(heddle::sdk::PollThread& thread, const heddle::sdk::Assignments& host, heddle_id id, std::vector<std::string> command, uint64_t slots, size_t most_bytes)
      : thread_(thread), host_(host), id_(id), command_(std::move(command)), slots_(slots), most_bytes_(most_bytes) {}
  ~Worker();
  Worker(const Worker&) = delete;

  void look();  // whether it is there; as long as it is not, again and again
  void assign(heddle_id assignment, uint64_t deadline_ns, Order order);
  bool cancel(heddle_id assignment, const std::string& reason, uint64_t grace_ns);  // false: it has no such thing
  void drain() { draining_ = true; }
  void probe(heddle::sdk::Op op);
  // `op` is completed when nothing of it is left; then `left` is called.
  void disconnect(heddle::sdk::Op op, std::function<void()> left);
  void cut_off();  // what is left, when the thread has ended

 private:
  using Id = heddle::sdk::PollThread::Id;
  static constexpr uint64_t kAgainNs = 100'000'000, kMostAgainNs = 5'000'000'000, kGraceNs = 1'000'000'000;
  struct Run {
    std::shared_ptr<Program> program = {};
    Id timer = 0;     // of its deadline, then of its grace time
    heddle_status stopped = HEDDLE_OK;  // why it was told to end: CANCELLED, DEADLINE
    std::string reason = {};
  };

  bool see();
  heddle::sdk::Value facts() const;
  void offer();
  void stop(heddle_id assignment, heddle_status status, const std::string& reason, uint64_t grace_ns);
  void ended(heddle_id assignment, Ending ending);
  void tell(heddle_id assignment, const Run& run, Ending ending) const;
  void leave();

  heddle::sdk::PollThread& thread_;
  const heddle::sdk::Assignments& host_;
  const heddle_id id_;
  const std::vector<std::string> command_;
  const uint64_t slots_;
  const size_t most_bytes_;
  std::map<heddle_id, Run> runs_;
  uint64_t credit_ = 0;  // that the host has
  uint64_t again_ns_ = kAgainNs;
  Id looks_ = 0;
  bool is_here_ = false, told_gone_ = false, draining_ = false;
  heddle::sdk::Op leaving_;
  std::function<void()> left_;
};

class Sidecar {
 public:
  explicit Sidecar(const heddle::sdk::Config& config);
  ~Sidecar() { deactivate(); }

  // As heddle/sdk/sidecar.h has them.
  void activate() { thread_.start("my_plugin"); }
  void deactivate();
  void connect(heddle_id worker, heddle::sdk::ValueRef options, heddle::sdk::Op& op);
  void assign(heddle_id worker, const heddle::sdk::Assignment& a);
  void cancel(heddle_id assignment, std::string_view reason, uint64_t grace_ns);
  void drain(heddle_id worker);
  void probe(heddle_id worker, heddle::sdk::Op& op);
  void disconnect(heddle_id worker, heddle::sdk::Op& op);

 private:
  const heddle::sdk::Assignments host_;
  std::vector<std::string> command_;
  heddle::sdk::PollThread thread_;
  std::map<heddle_id, std::unique_ptr<Worker>> workers_;  // the thread's own
};

}  // namespace plugin
