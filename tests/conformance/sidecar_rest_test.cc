// sidecar_rest as the host has it, against worker processes in Python: one that has assign and status only, one of the SDK, some that are neither, and none.
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <set>

#include "calling.h"
#include "log.h"
#include "plugin/sidecar_handle.h"
#include "served.h"
#include "tls_files.h"

extern char** environ;

namespace heddle {
namespace {

class WorkerProcess {
 public:
  explicit WorkerProcess(const std::string& how, int port_ = 0, std::vector<std::string> more = {}) {
    int out[2];
    EXPECT_EQ(::pipe2(out, O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    std::vector<std::string> words = {"/usr/bin/python3", HEDDLE_TESTS "/conformance/sidecar_rest_worker.py", how, std::to_string(port_)};
    words.insert(words.end(), more.begin(), more.end());
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    std::string path = "PYTHONPATH=" HEDDLE_TESTS "/../sdk/python", clean = "PYTHONDONTWRITEBYTECODE=1";
    char* environment[] = {path.data(), clean.data(), nullptr};
    EXPECT_EQ(::posix_spawn(&pid_, arguments[0], &actions, nullptr, arguments.data(), environment), 0);
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
  void signal(int which) { ::kill(pid_, which); }
  int port = 0;

 private:
  pid_t pid_ = 0;
};

// A worker as the host has it: takes as many assignments as there is credit for.
class Place {
 public:
  explicit Place(SidecarHandle& sidecar) : sidecar_(sidecar) {}
  ~Place() {
    if (id != 0) disconnect();
  }
  void connect(int port, uint64_t slots = 4, uint64_t reattach_ms = 100'000) {
    connect({.endpoint = "127.0.0.1:" + std::to_string(port), .slots = slots, .connect_ms = 20'000, .reattach_ms = reattach_ms});
  }
  void connect(const WorkerPlace& where) {
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
    id = sidecar_.connect(where, std::move(hearing), [&](Result<void> outcome) {
      EXPECT_TRUE(outcome) << outcome.error().text();
      understood.set_value();
    });
    understood.get_future().wait();
  }
  // Waits for credit. What becomes of it, by its number: in `done`, "code: message", or the status and the size of what came.
  heddle_id assign(int n, const std::string& kind = "echo", Value item = {}) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return credit_ > 0; });
      --credit_;
    }
    AssignmentHearing hearing;
    hearing.progress = [this](const Value& said) { told.add(said); };
    hearing.done = [this, n](Result<Value> result) {
      if (!result) return done.add({n, result.error().code + ": " + result.error().message});
      done.add({n, std::string(*result->find("status").as_text()) + " " + std::to_string(result->find("value").size())});
    };
    return sidecar_.assign(id, {.activity = "a/" + std::to_string(n), .run = "1", .kind = kind, .inputs = {{.name = "item", .value = item ? item : Value::integer(n)}}}, std::move(hearing));
  }
  std::string end_of(int n) {
    auto [number, what] = done.next();
    EXPECT_EQ(number, n);
    return what;
  }
  void disconnect() {
    std::promise<void> over;
    sidecar_.disconnect(std::exchange(id, 0), [&](Result<void>) { over.set_value(); });
    over.get_future().wait();
  }

  heddle_id id = 0;
  Arrivals<Value> here, told;
  Arrivals<std::string> gone;
  Arrivals<std::pair<int, std::string>> done;

 private:
  SidecarHandle& sidecar_;
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t credit_ = 0;
};

class SidecarRestTest : public testing::Test {
 protected:
  void make(const std::string& params = R"({"answer_ms":60000})") {
    static const Catalog all = Catalog::scan({HEDDLE_OUR_PLUGINS});
    const CatalogEntry entry = all.find("sidecar", "execution_rest");
    ASSERT_TRUE(entry.type);
    auto made = SidecarHandle::create(entry, "test", *Value::parse(params), &lanes_, *lanes_.find("default"), [this](std::string_view rule) { faults_.push_back(std::string(rule)); });
    ASSERT_TRUE(made) << made.error().text();
    sidecar = *std::move(made);
  }
  void SetUp() override { make(); }
  void TearDown() override {
    sidecar.reset();
    EXPECT_EQ(faults_, std::vector<std::string>());
  }
  static int free_port() {
    const Scripted gone;
    return gone.port;
  }
  // 300 tasks over four slots, each answered once.
  static void fill(Place& place, const std::string& bad_kind) {
    constexpr int kAll = 300;
    for (int n = 0; n < kAll; ++n) EXPECT_NE(place.assign(n, n % 10 == 9 ? bad_kind : "echo"), 0u);
    std::set<int> seen;
    for (int i = 0; i < kAll; ++i) {
      const auto [n, what] = place.done.next();
      EXPECT_TRUE(seen.insert(n).second) << n;
      EXPECT_EQ(what.substr(0, 8), n % 10 == 9 ? "failed: " : "success ") << what;
    }
  }

  Lanes lanes_{2};
  std::vector<std::string> faults_;
  std::unique_ptr<SidecarHandle> sidecar;
};

TEST_F(SidecarRestTest, AWorkerThatHasAssignAndStatusOnlyDoesAllOfThem) {
  WorkerProcess worker("least");
  Place place(*sidecar);
  place.connect(worker.port, 4);
  EXPECT_EQ(place.here.next().find("slots").as_int(), 4);
  fill(place, "bad");
}

TEST_F(SidecarRestTest, AWorkerOfTheSdkDoesAllOfThem) {
  WorkerProcess worker("whole");
  Place place(*sidecar);
  place.connect(worker.port, 99);
  const Value facts = place.here.next();
  EXPECT_EQ(facts.find("slots").as_int(), 4);
  EXPECT_EQ(facts.find("tags").size(), 5u);
  fill(place, "fail");
}

TEST_F(SidecarRestTest, NobodyThereAndThenSomebodyWhoStartsLate) {
  const int port = free_port();
  Place place(*sidecar);
  place.connect(port);
  EXPECT_NE(place.gone.next().find("127.0.0.1:" + std::to_string(port)), std::string::npos);
  WorkerProcess worker("whole", port);
  place.here.next();
  place.assign(1);
  EXPECT_EQ(place.end_of(1), "success 1");
  EXPECT_TRUE(place.gone.empty());
}

TEST_F(SidecarRestTest, WhoDoesNotSpeakHttpIsNoWorker) {
  Repeating garbage("SSH-2.0-x\r\n\r\n\r\n"), silent("");
  Place one(*sidecar), other(*sidecar);
  one.connect({.endpoint = "127.0.0.1:" + std::to_string(garbage.port()), .connect_ms = 300});
  other.connect({.endpoint = "127.0.0.1:" + std::to_string(silent.port()), .connect_ms = 300});
  EXPECT_NE(one.gone.next().find("127.0.0.1"), std::string::npos);
  EXPECT_NE(other.gone.next().find("does not answer"), std::string::npos);
}

TEST_F(SidecarRestTest, WhatAKilledWorkerHadInHandIsLostOnceAndItIsFoundAgain) {
  auto worker = std::make_unique<WorkerProcess>("whole");
  const int port = worker->port;
  Place place(*sidecar);
  place.connect(port, 4, 200);
  place.here.next();
  for (int n = 0; n < 4; ++n) place.assign(n, "wait");
  for (int n = 0; n < 4; ++n) place.told.next();
  worker->kill();
  EXPECT_FALSE(place.gone.next().empty());
  std::set<int> lost;
  for (int i = 0; i < 4; ++i) {
    const auto [n, what] = place.done.next();
    EXPECT_TRUE(lost.insert(n).second);
    EXPECT_EQ(what.substr(0, 5), "lost:") << what;
  }
  worker = std::make_unique<WorkerProcess>("least", port);
  place.here.next();
  place.assign(9);
  EXPECT_EQ(place.end_of(9), "success 1");
}

TEST_F(SidecarRestTest, AWorkerThatHangsForAWhileLosesNothing) {
  WorkerProcess worker("whole");
  make(R"({"answer_ms":500})");
  Place place(*sidecar);
  place.connect({.endpoint = "127.0.0.1:" + std::to_string(worker.port), .connect_ms = 300, .reattach_ms = 100'000});
  place.here.next();
  const heddle_id waits = place.assign(1, "wait");
  while (!place.told.next().find("percent")) continue;
  worker.signal(SIGSTOP);
  EXPECT_FALSE(place.gone.next().empty());
  worker.signal(SIGCONT);
  place.here.next();
  sidecar->cancel(waits, "enough", 60 * kNsPerSecond);
  EXPECT_EQ(place.end_of(1), "cancelled: enough");
}

TEST_F(SidecarRestTest, TasksThatAreAnsweredBadlyHaveAnEnd) {
  WorkerProcess worker("least");
  make(R"({"answer_ms":2000})");
  Place place(*sidecar);
  place.connect(worker.port, 1);
  place.assign(1, "bad");
  EXPECT_NE(place.end_of(1).find("400: what is this?"), std::string::npos);
  place.assign(2, "forget");
  EXPECT_EQ(place.end_of(2).substr(0, 5), "lost:");
  place.assign(3, "garbage");
  EXPECT_EQ(place.end_of(3), "success 1");
  place.assign(4, "hang");
  EXPECT_EQ(place.end_of(4), "success 1");
  place.assign(5, "unanswered");
  EXPECT_EQ(place.end_of(5), "success 1");
}

TEST_F(SidecarRestTest, AKindThatTheWorkerDoesNotHaveIsRefusedInItsWords) {
  WorkerProcess worker("whole");
  Place place(*sidecar);
  place.connect(worker.port);
  place.assign(1, "paint");
  const std::string end = place.end_of(1);
  EXPECT_EQ(end.substr(0, 7), "failed:");
  EXPECT_NE(end.find("422"), std::string::npos) << end;
  EXPECT_NE(end.find("paint"), std::string::npos) << end;
}

TEST_F(SidecarRestTest, ATaskThatIsThereAlreadyIsGoneOnWithIfItIsOurs) {
  WorkerProcess worker("whole");
  Peer before(worker.port);
  const auto assign = [&](int n, const std::string& run, const std::string& kind) {
    before.ask("POST /tasks/a%2F" + std::to_string(n) + "/assign", "", R"({"run_id":")" + run + R"(","task_kind":")" + kind + R"(","inputs":[{"name":"item","inline_json":"777"}]})");
    EXPECT_EQ(before.reply().status, 202);
  };
  assign(1, "1", "echo");
  assign(2, "0", "wait");
  Place place(*sidecar);
  place.connect(worker.port);
  place.assign(1);
  EXPECT_EQ(place.end_of(1), "success 3");
  place.assign(2);
  const std::string end = place.end_of(2);
  EXPECT_EQ(end.substr(0, 7), "failed:");
  EXPECT_NE(end.find("another run"), std::string::npos) << end;
}

TEST_F(SidecarRestTest, ACancelIsObeyedOrItsSlotStaysTakenUntilItIsFree) {
  WorkerProcess worker("whole"), least("least");
  Place place(*sidecar), old(*sidecar);
  place.connect(worker.port);
  for (int n = 0; n < 3; ++n) place.assign(n, "wait");
  sidecar->cancel(place.assign(4, "stubborn"), "not wanted", 1);
  const std::string end = place.end_of(4);
  EXPECT_EQ(end, "cancelled: not wanted; the worker did not give it up");
  place.assign(5);  // once the stubborn one has ended
  EXPECT_EQ(place.end_of(5), "success 1");
  old.connect(least.port, 1);
  sidecar->cancel(old.assign(1, "wait"), "not wanted", 1);
  EXPECT_EQ(old.end_of(1), end);
}

TEST_F(SidecarRestTest, ALargeResultComesWhole) {
  WorkerProcess worker("whole");
  Place place(*sidecar);
  place.connect(worker.port);
  const int64_t most = (int64_t{64} << 20) - (int64_t{64} << 10);  // of a result of the SDK
  place.assign(1, "big", Value::integer(most));
  EXPECT_EQ(place.end_of(1), "success " + std::to_string(most));
}

TEST_F(SidecarRestTest, DisconnectingEndsWhatIsOpen) {
  WorkerProcess worker("whole");
  Place place(*sidecar);
  place.connect(worker.port);
  for (int n = 0; n < 4; ++n) place.assign(n, "wait");
  place.disconnect();
  for (int n = 0; n < 4; ++n) EXPECT_EQ(place.done.next().second.substr(0, 9), "cancelled");
}

TEST_F(SidecarRestTest, AProbeAsksTheWorker) {
  auto worker = std::make_unique<WorkerProcess>("whole");
  Place place(*sidecar);
  place.connect(worker->port);
  place.here.next();
  Arrivals<std::string> probed;
  const auto probe = [&] {
    sidecar->probe(place.id, [&](Result<Value> said) { probed.add(said ? said->json() : said.error().message); });
    return probed.next();
  };
  EXPECT_NE(probe().find(R"("slots":4)"), std::string::npos);
  worker->kill();
  EXPECT_NE(probe().find("cannot reach"), std::string::npos);
}

TEST_F(SidecarRestTest, WithTlsOnlyWhoIsTrustedIsAWorker) {
  TlsFiles files;
  files.make_authority("ca");
  files.make_authority("other");
  files.make("worker", "ca", "DNS:worker.example");
  files.make("host", "ca", "DNS:host.example");
  WorkerProcess worker("whole", 0, {"", files.path("worker.pem"), files.path("worker.key"), files.path("ca.pem")});
  ChannelTls tls{.ca = files.path("ca.pem"), .certificate = files.path("host.pem"), .key = files.path("host.key"), .server_name = "worker.example"};
  const std::string endpoint = "127.0.0.1:" + std::to_string(worker.port);
  Place trusted(*sidecar), named(*sidecar), unknown(*sidecar), without(*sidecar);
  trusted.connect({.endpoint = "https://" + endpoint, .tls = tls});
  trusted.assign(1);
  EXPECT_EQ(trusted.end_of(1), "success 1");
  tls.server_name.clear();
  named.connect({.endpoint = endpoint, .tls = tls});
  EXPECT_NE(named.gone.next().find("its certificate is not for \"127.0.0.1\""), std::string::npos);
  tls.ca = files.path("other.pem");
  unknown.connect({.endpoint = endpoint, .tls = tls});
  EXPECT_NE(unknown.gone.next().find("an authority that is not known here"), std::string::npos);
  without.connect({.endpoint = endpoint, .tls = ChannelTls{.ca = files.path("ca.pem"), .server_name = "worker.example"}});
  EXPECT_FALSE(without.gone.next().empty());
}

class SidecarRestWebhookTest : public SidecarRestTest {
 protected:
  void SetUp() override {
    log::set_level(log::Level::kInfo);
    log::set_sink([](void* context, const log::Line& line) { static_cast<Arrivals<std::string>*>(context)->add(std::string(line.message)); }, &lines);
  }
  void TearDown() override {
    SidecarRestTest::TearDown();
    log::set_sink(nullptr, nullptr);
    log::set_level(log::Level::kWarn);
  }
  // The port of a webhook with these further params.
  int open(const std::string& more = "") {
    make(R"({"webhook":{"listen":"127.0.0.1:0")" + more + "}}");
    for (std::string line = lines.next();; line = lines.next()) {
      const size_t at = line.find("http://127.0.0.1:");
      if (at != line.npos) return std::stoi(line.substr(at + 17));
    }
  }
  static int post(int port, const std::string& target, const std::string& body, const std::string& headers = "") {
    Peer peer(port);
    peer.ask("POST " + target, headers, body);
    return peer.reply().status;
  }
  Arrivals<std::string> lines;
};

TEST_F(SidecarRestWebhookTest, CompletionsThatComeByThemselvesEndTheirTasks) {
  const int port = open();
  WorkerProcess worker("whole", 0, {"http://127.0.0.1:" + std::to_string(port)});
  Place place(*sidecar);
  place.connect(worker.port);
  fill(place, "fail");
}

TEST_F(SidecarRestWebhookTest, WhatIsNoCompletionOfATaskInHandChangesNothing) {
  const int port = open();
  WorkerProcess worker("least");
  Place place(*sidecar);
  place.connect(worker.port);
  place.assign(1, "wait");
  const std::string task = "/tasks/a%2F1/complete", mine = R"({"run_id":"1","status":"SUCCESS","result_inline":"Zm9v"})";
  EXPECT_EQ(post(port, task, R"({"run_id":"2","status":"SUCCESS"})"), 409);
  EXPECT_EQ(post(port, "/tasks/a%2F2/complete", mine), 404);
  EXPECT_EQ(post(port, "/tasks/a/1/complete", mine), 404);
  for (const char* bad : {"{", "[]", "{}", R"({"run_id":"1"})", R"({"run_id":"1","status":"completed?"})", R"({"activity_id":"b","run_id":"1","status":"SUCCESS"})"}) EXPECT_EQ(post(port, task, bad), 400) << bad;
  EXPECT_EQ(post(port, task, mine, "Origin: http://example.org\r\n"), 403);
  EXPECT_EQ(post(port, task, "", "Content-Length: 200000000\r\n"), 413);
  EXPECT_TRUE(place.done.empty());
  EXPECT_EQ(post(port, task, mine), 200);
  EXPECT_EQ(place.end_of(1), "success 3");
  EXPECT_EQ(post(port, task, mine), 200);
  EXPECT_TRUE(place.done.empty());
  for (std::string line = lines.next(); line.find("it has ended already") == line.npos; line = lines.next()) continue;
}

TEST_F(SidecarRestWebhookTest, WithATokenOnlyWhoHasItIsHeard) {
  const int port = open(R"(,"token":"open sesame")");
  const std::string body = R"({"run_id":"1","status":"SUCCESS"})";
  EXPECT_EQ(post(port, "/tasks/a/complete", body), 401);
  EXPECT_EQ(post(port, "/tasks/a/complete", body, "Authorization: Bearer open sesam\r\n"), 401);
  EXPECT_EQ(post(port, "/tasks/a/complete", body, "Authorization: Bearer open sesame\r\n"), 404);
}

TEST_F(SidecarRestWebhookTest, WhoSaysNothingKeepsNobodyFromEnding) {
  const int port = open();
  std::vector<std::unique_ptr<Peer>> silent;
  for (int i = 0; i < 8; ++i) {
    silent.push_back(std::make_unique<Peer>(port));
    silent.back()->say("POST /tasks/");
  }
  sidecar.reset();
  EXPECT_EQ(silent.back()->hear_all(), "");
}

}  // namespace
}  // namespace heddle
