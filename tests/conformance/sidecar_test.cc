// sidecar_grpc as the host has it, against worker processes in Python: one that does the least, one that speaks the whole protocol, and none.
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <set>

#include "calling.h"
#include "plugin/sidecar_handle.h"
#include "served.h"
#include "threads_gone.h"

extern char** environ;

namespace heddle {
namespace {

class WorkerProcess {
 public:
  explicit WorkerProcess(const std::string& how, int port_ = 0) {
    int out[2];
    EXPECT_EQ(::pipe2(out, O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    std::string said_port = std::to_string(port_), mode = how, program = "/usr/bin/python3", script = HEDDLE_TESTS "/conformance/sidecar_worker.py", path = "PYTHONPATH=" HEDDLE_TESTS "/../sdk/python", clean = "PYTHONDONTWRITEBYTECODE=1";
    char* arguments[] = {program.data(), script.data(), mode.data(), said_port.data(), nullptr};
    char* environment[] = {path.data(), clean.data(), nullptr};
    EXPECT_EQ(::posix_spawn(&pid_, program.c_str(), &actions, nullptr, arguments, environment), 0);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(out[1]);
    std::string line;
    for (char c = 0; ::read(out[0], &c, 1) == 1 && c != '\n';) line += c;
    ::close(out[0]);
    port = line.empty() ? 0 : std::stoi(line);
    EXPECT_GT(port, 0) << "the worker did not start";
  }
  ~WorkerProcess() { kill(); }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(std::exchange(pid_, 0), nullptr, 0);
  }
  int port = 0;

 private:
  pid_t pid_ = 0;
};

// A worker as the host has it: takes as many assignments as there is credit for.
class Place {
 public:
  explicit Place(SidecarHandle& sidecar) : sidecar_(sidecar) {}
  void connect(int port, uint64_t slots = 4) {
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
    id = sidecar_.connect({.endpoint = "127.0.0.1:" + std::to_string(port), .slots = slots, .reattach_ms = 200}, std::move(hearing), [&](Result<void> outcome) {
      EXPECT_TRUE(outcome) << outcome.error().text();
      understood.set_value();
    });
    understood.get_future().wait();
  }
  // Waits for credit. What becomes of it, by its number: in `done`, "code" or the result.
  heddle_id assign(int n, const std::string& kind = "echo") {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return credit_ > 0; });
      --credit_;
    }
    AssignmentHearing hearing;
    hearing.progress = [this](const Value&) { ++told; };
    hearing.done = [this, n](Result<Value> result) { done.add({n, result ? result->json() : result.error().code + ": " + result.error().message}); };
    return sidecar_.assign(id, {.activity = "a" + std::to_string(n), .run = "1", .kind = kind, .inputs = {{.name = "item", .value = Value::integer(n)}}}, std::move(hearing));
  }
  void disconnect() {
    std::promise<void> over;
    sidecar_.disconnect(id, [&](Result<void>) { over.set_value(); });
    over.get_future().wait();
  }

  heddle_id id = 0;
  Arrivals<Value> here;
  Arrivals<std::string> gone;
  Arrivals<std::pair<int, std::string>> done;
  std::atomic<int> told{0};

 private:
  SidecarHandle& sidecar_;
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t credit_ = 0;
};

class SidecarTest : public testing::Test {
 protected:
  void SetUp() override {
    const CatalogEntry entry = catalog().find("sidecar", "execution");
    ASSERT_TRUE(entry.type);
    auto made = SidecarHandle::create(entry, "test", *Value::map({}), &lanes_, *lanes_.find("default"), [this](std::string_view rule) { faults_.push_back(std::string(rule)); });
    ASSERT_TRUE(made) << made.error().text();
    sidecar = *std::move(made);
  }
  void TearDown() override { EXPECT_EQ(faults_, std::vector<std::string>()); }
  static const Catalog& catalog() {
    static const Catalog all = Catalog::scan({HEDDLE_OUR_PLUGINS});
    return all;
  }
  static std::string bytes_of(int n) { return "\"" + std::to_string(n) + "\""; }

  Lanes lanes_{2};
  std::vector<std::string> faults_;
  std::unique_ptr<SidecarHandle> sidecar;
};

TEST_F(SidecarTest, AWorkerThatDoesTheLeastWorksAtFullConcurrency) {
  WorkerProcess worker("least");
  Place place(*sidecar);
  place.connect(worker.port, 4);
  const Value facts = place.here.next();
  EXPECT_EQ(facts.find("full").as_bool(), false);
  EXPECT_EQ(facts.find("slots").as_int(), 4);
  constexpr int kAll = 300;
  for (int n = 0; n < kAll; ++n) EXPECT_NE(place.assign(n), 0u);
  std::set<int> seen;
  for (int i = 0; i < kAll; ++i) {
    const auto [n, what] = place.done.next();
    EXPECT_TRUE(seen.insert(n).second) << n;
    EXPECT_NE(what.find("success"), what.npos) << what;
  }
  place.disconnect();
}

TEST_F(SidecarTest, AWorkerOfTheWholeProtocolAnswersEachOnce) {
  WorkerProcess worker("whole");
  Place place(*sidecar);
  place.connect(worker.port);
  const Value facts = place.here.next();
  EXPECT_EQ(facts.find("full").as_bool(), true);
  EXPECT_EQ(facts.find("slots").as_int(), 16);
  constexpr int kAll = 500;
  for (int n = 0; n < kAll; ++n) EXPECT_NE(place.assign(n, n % 5 == 0 ? "fail" : "echo"), 0u);
  std::set<int> seen;
  for (int i = 0; i < kAll; ++i) {
    const auto [n, what] = place.done.next();
    EXPECT_TRUE(seen.insert(n).second) << n;
    EXPECT_NE(what.find(n % 5 == 0 ? "failed: " : "success"), what.npos) << what;
  }
  place.disconnect();
}

TEST_F(SidecarTest, AFloodOfProgressIsThinnedAndACancelObeyed) {
  WorkerProcess worker("whole");
  Place place(*sidecar);
  place.connect(worker.port);
  place.assign(1, "flood");
  EXPECT_NE(place.done.next().second.find("success"), std::string::npos);
  EXPECT_LT(place.told, 1000);
  const heddle_id waits = place.assign(2, "wait");
  sidecar->cancel(waits, "nobody wants it", 60 * kNsPerSecond);
  EXPECT_EQ(place.done.next().second, "cancelled: nobody wants it");
  place.disconnect();
}

TEST_F(SidecarTest, WhatAKilledWorkerHadInHandIsLostOnceAndItIsFoundAgain) {
  auto worker = std::make_unique<WorkerProcess>("whole");
  const int port = worker->port;
  Place place(*sidecar);
  place.connect(port);
  place.here.next();
  for (int n = 0; n < 8; ++n) place.assign(n, "wait");
  worker->kill();
  EXPECT_FALSE(place.gone.next().empty());
  std::set<int> lost;
  for (int i = 0; i < 8; ++i) {
    const auto [n, what] = place.done.next();
    EXPECT_TRUE(lost.insert(n).second);
    EXPECT_EQ(what.substr(0, 5), "lost:") << what;
  }
  worker = std::make_unique<WorkerProcess>("least", port);
  EXPECT_EQ(place.here.next().find("full").as_bool(), false);
  place.assign(9);
  EXPECT_NE(place.done.next().second.find("success"), std::string::npos);
  place.disconnect();
}

TEST_F(SidecarTest, NobodyThereAndNoWorkerThere) {
  Scripted other;  // takes connections, and says nothing
  Place nobody(*sidecar), silent(*sidecar);
  int port = 0;
  {
    Scripted gone;
    port = gone.port;
  }
  nobody.connect(port);
  EXPECT_NE(nobody.gone.next().find("127.0.0.1:" + std::to_string(port)), std::string::npos);
  silent.connect(other.port);
  silent.disconnect();
  nobody.disconnect();
}

TEST_F(SidecarTest, DisconnectingEndsWhatIsOpen) {
  WorkerProcess worker("whole");
  Place place(*sidecar);
  place.connect(worker.port);
  for (int n = 0; n < 4; ++n) place.assign(n, "wait");
  place.disconnect();
  for (int n = 0; n < 4; ++n) EXPECT_EQ(place.done.next().second.substr(0, 9), "cancelled");
  sidecar.reset();
}

const auto* const kUntilTheThreadsHaveGone = ::testing::AddGlobalTestEnvironment(new UntilTheThreadsHaveGone);

}  // namespace
}  // namespace heddle
