// WorkerProcess: a worker that this host starts itself, at a port of its own on loopback, and starts again, ever less often, when it ends.
//
// Each has a thread that watches it, and goes with it: the kernel ends the process when that thread ends, however the host does. What it says on stdout and stderr goes into the host's log, line by line.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "clock.h"
#include "plugin/channel.h"
#include "result.h"

namespace heddle {

struct ProcessSpec {
  std::vector<std::string> command;  // {port} in a word is where it is to listen; the environment has it as HEDDLE_WORKER_PORT
  Texts environment = {};            // besides the host's, but for what has a known secret in it
  std::string folder = {};           // to run in; empty: the host's
  uint64_t memory_bytes = 0;         // resident: one that has more is ended; 0: no limit
  uint64_t stop_ns = 5 * kNsPerSecond;  // between SIGTERM and SIGKILL
};

class WorkerProcess {
 public:
  // Begins to start so many. Errors: there is no port, no descriptor, no thread.
  static Result<std::vector<std::unique_ptr<WorkerProcess>>> start(const ProcessSpec& spec, size_t count);
  // SIGTERM, and SIGKILL after stop_ns; waits for the end of it.
  ~WorkerProcess();
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  const std::string& endpoint() const { return endpoint_; }
  // [any] It is asked to end, and not started again; nobody waits.
  void ask_to_end();

 private:
  struct Child {
    int pid = 0, pid_fd = -1, log_fd = -1;
    uint64_t begun_ns = 0;
  };
  WorkerProcess() = default;
  static Result<std::unique_ptr<WorkerProcess>> start_at(const ProcessSpec& spec, uint16_t port);
  void watch();
  Result<Child> spawn() const;
  void follow(Child& child);
  void end(Child& child);
  void read_log(Child& child);
  void take_line(std::string line);
  bool uses_too_much(const Child& child) const;
  bool is_asked_to_end(uint64_t within_ns) const;

  ProcessSpec spec_;
  uint16_t port_ = 0;
  std::string endpoint_, who_;
  int end_fd_ = -1;  // readable: it is to end
  // Of the thread:
  std::string unread_, last_said_;
  uint64_t second_ns_ = 0, lines_ = 0, left_out_ = 0;
  std::thread thread_;
};

}  // namespace heddle
