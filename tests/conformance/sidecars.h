// For tests of sidecar_grpc: worker processes in Python, and workers as the host has them.
#pragma once
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "plugin/sidecar_handle.h"
#include "served.h"

extern char** environ;

namespace heddle {

// `script` of this folder, with `how`, a port and perhaps more as arguments; what it says on stdout begins with its port.
class WorkerProcess {
 public:
  WorkerProcess(const std::string& script_name, const std::string& how, int port_ = 0, std::string more = "") {
    int out[2];
    EXPECT_EQ(::pipe2(out, O_CLOEXEC), 0);
    out_ = out[0];
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    std::string said_port = std::to_string(port_), mode = how, program = "/usr/bin/python3", script = HEDDLE_TESTS "/conformance/" + script_name, path = "PYTHONPATH=" HEDDLE_PYTHON, clean = "PYTHONDONTWRITEBYTECODE=1";
    char* arguments[] = {program.data(), script.data(), mode.data(), said_port.data(), more.empty() ? nullptr : more.data(), nullptr};
    char* environment[] = {path.data(), clean.data(), nullptr};
    EXPECT_EQ(::posix_spawn(&pid_, program.c_str(), &actions, nullptr, arguments, environment), 0);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(out[1]);
    const std::string line = next();
    port = line.empty() ? 0 : std::stoi(line);
    EXPECT_GT(port, 0) << "the worker did not start";
  }
  ~WorkerProcess() {
    kill();
    ::close(out_);
  }
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(std::exchange(pid_, 0), nullptr, 0);
  }
  // The next line that it says; empty: none in two minutes.
  std::string next() {
    std::string line;
    for (char c = 0;; line += c) {
      pollfd ready{out_, POLLIN, 0};
      if (::poll(&ready, 1, 120'000) != 1 || ::read(out_, &c, 1) != 1 || c == '\n') return line;
    }
  }
  int port = 0;

 private:
  pid_t pid_ = 0;
  int out_ = -1;
};

// A worker as the host has it: takes as many assignments as there is credit for.
class Place {
 public:
  explicit Place(SidecarHandle& sidecar) : sidecar_(sidecar) {}
  void connect(int port, uint64_t slots = 4) { connect({.endpoint = "127.0.0.1:" + std::to_string(port), .slots = slots, .reattach_ms = 200}); }
  void connect(const WorkerPlace& place) {
    std::promise<void> understood;
    WorkerHearing hearing;
    hearing.here = [this](const Value& facts) { here.add(facts); };
    hearing.granted = [this](uint32_t n) {
      std::lock_guard lock(mutex_);
      credit_ += n;
      changed_.notify_all();
    };
    hearing.gone = [this](Error why) {
      {
        std::lock_guard lock(mutex_);
        credit_ = 0;
      }
      gone.add(why.message);
    };
    id = sidecar_.connect(place, std::move(hearing), [&](Result<void> outcome) {
      EXPECT_TRUE(outcome) << outcome.error().text();
      understood.set_value();
    });
    understood.get_future().wait();
  }
  // Waits for credit. What becomes of it, by its number: in `done`, "code" or the result.
  heddle_id assign(int n, const std::string& kind = "echo") {
    return assign(n, AssignmentOrder{.activity = "a" + std::to_string(n), .run = "1", .kind = kind, .inputs = {{.name = "item", .value = Value::integer(n)}}});
  }
  heddle_id assign(int n, const AssignmentOrder& order) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return credit_ > 0; });
      --credit_;
    }
    AssignmentHearing hearing;
    hearing.progress = [this](const Value& said) {
      ++told;
      progress.add(said.json());
    };
    hearing.done = [this, n](Result<Value> result) { done.add({n, result ? result->json() : result.error().code + ": " + result.error().message}); };
    return sidecar_.assign(id, order, std::move(hearing));
  }
  void disconnect() {
    std::promise<void> over;
    sidecar_.disconnect(id, [&](Result<void>) { over.set_value(); });
    over.get_future().wait();
  }

  heddle_id id = 0;
  Arrivals<Value> here;
  Arrivals<std::string> gone;
  Arrivals<std::string> progress;
  Arrivals<std::pair<int, std::string>> done;
  std::atomic<int> told{0};

 private:
  SidecarHandle& sidecar_;
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t credit_ = 0;
};

class SidecarsTest : public testing::Test {
 protected:
  void make(const std::string& type, const std::string& params = "{}") {
    static const Catalog all = Catalog::scan({HEDDLE_OUR_PLUGINS});
    const CatalogEntry entry = all.find("sidecar", type);
    ASSERT_TRUE(entry.type);
    auto made = SidecarHandle::create(entry, "test", *Value::parse(params), &lanes_, *lanes_.find("default"), [this](std::string_view rule) { faults_.push_back(std::string(rule)); });
    ASSERT_TRUE(made) << made.error().text();
    sidecar = *std::move(made);
  }
  void TearDown() override { EXPECT_EQ(faults_, std::vector<std::string>()); }

  Lanes lanes_{2};
  std::vector<std::string> faults_;
  std::unique_ptr<SidecarHandle> sidecar;
};

}  // namespace heddle
