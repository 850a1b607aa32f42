// What the SDK promises the author of a sidecar, and the host; and that the fake host of sidecars sees what breaks the rules.
#include <gtest/gtest.h>
#include <heddle/sdk/fake_sidecar.h>
#include <heddle/sdk/sidecar.h>

HEDDLE_PLUGIN("sidecar_test", "1.0.0", "Apache-2.0", "Sidecars without workers");

namespace {

using namespace heddle::sdk;

// Does at once what it is given: its result is what it got.
class Echo {
 public:
  explicit Echo(const Config& config) : host_(config.host()), rude_(config.get<bool>("rude", false)) {}
  void activate() { active_ = true; }
  void deactivate() { active_ = false; }
  void connect(heddle_id worker, ValueRef options, Op& op) {
    if (options.find("endpoint").as_text() == "nowhere") throw Error(HEDDLE_INVALID, "nowhere is no place");
    op.complete();
    host_.here(worker, Value::map({{"slots", Value::share(options.find("slots"))}}));
    host_.grant(worker, active_ ? 8 : 0);
  }
  void assign(heddle_id, const Assignment& a) {
    if (a.kind == "heavy") throw Error(HEDDLE_UNAVAILABLE, "it is too heavy");
    if (a.kind == "forgotten") return;
    host_.progress(a.id, Value::map({{"message", Value::string(a.activity)}}));
    if (a.kind == "failed") return host_.failed(a.id, HEDDLE_INTERNAL, "failed", "permanent", a.run);
    host_.done(a.id, Value::map({{"status", Value::string("success")}, {"value", Value::share(a.inputs)}}));
    if (rude_) host_.done(a.id, {});
  }
  void cancel(heddle_id assignment, std::string_view reason, uint64_t) { host_.failed(assignment, HEDDLE_CANCELLED, "cancelled", "cancelled", reason); }
  void drain(heddle_id worker) { host_.gone(worker, rude_ ? HEDDLE_OK : HEDDLE_UNAVAILABLE, "drained"); }
  void probe(heddle_id, Op& op) { op.complete(Value::map({{"slots", Value::integer(1)}})); }
  void disconnect(heddle_id, Op& op) { op.complete(); }

 private:
  const Assignments host_;
  const bool rude_;
  bool active_ = false;
};
HEDDLE_SIDECAR(Echo, "Echo", R"("params":{"type":"object"})");

struct SidecarTest : testing::Test {
  ~SidecarTest() override { EXPECT_EQ(FakeHost::live_values(), 0); }
  FakeHost host;
};

TEST_F(SidecarTest, AnAssignmentGoesThereAndItsResultComesBack) {
  FakeSidecar echo(host, "Echo");
  const auto worker = echo.connect("here");
  EXPECT_EQ(echo.wait_here(worker).facts, R"({"slots":4})");
  const auto done = echo.wait_done(echo.assign(worker, {.inputs = R"([{"name":"item","value":7}])", .activity = "a7"}));
  EXPECT_EQ(done.outcome + done.value, R"(success[{"name":"item","value":7}])");
  EXPECT_EQ(done.progress, std::vector<std::string>{R"({"message":"a7"})"});
  const auto failed = echo.wait_done(echo.assign(worker, {.run = "r2", .kind = "failed"}));
  EXPECT_EQ(failed.result, R"({"code":"failed","class":"permanent","message":"r2"})");
  EXPECT_EQ(echo.credit(worker), 6u);
  EXPECT_EQ(echo.probe(worker), R"({"slots":1})");
  EXPECT_EQ(host.faults(), std::vector<std::string>());
}

TEST_F(SidecarTest, WhatAssignThrowsIsItsEnd) {
  FakeSidecar echo(host, "Echo");
  const auto done = echo.wait_done(echo.assign(echo.connect("here"), {.kind = "heavy"}));
  EXPECT_EQ(done.status, HEDDLE_UNAVAILABLE);
  EXPECT_EQ(done.result, R"({"code":"unsent","class":"retryable","message":"it is too heavy"})");
}

TEST_F(SidecarTest, WhatIsInHandCanBeCancelledAndWorkersDrained) {
  FakeSidecar echo(host, "Echo");
  const auto worker = echo.connect("here");
  const auto open = echo.assign(worker, {.kind = "forgotten"});
  echo.cancel(open, "nobody wants it", std::chrono::milliseconds(1));
  EXPECT_EQ(echo.wait_done(open).message, "nobody wants it");
  echo.drain(worker);
  EXPECT_EQ(echo.wait_gone(worker).gone, "drained");
}

TEST_F(SidecarTest, WhatConnectThrowsIsItsAnswer) {
  FakeSidecar echo(host, "Echo");
  try {
    echo.connect("nowhere");
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "nowhere is no place");
  }
}

TEST_F(SidecarTest, TheFakeHostSeesWhatBreaksTheRules) {
  {
    FakeSidecar echo(host, "Echo", R"({"rude":true})");
    const auto worker = echo.connect("here");
    echo.assign(worker, {});
    echo.assign(worker, {.kind = "forgotten"});
    echo.drain(worker);
    echo.disconnect(worker);
  }
  EXPECT_EQ(host.faults(), (std::vector<std::string>{"it ended the assignment 2, which is not open", "it said that a worker is gone, and that all is well",
                                                     "it disconnected a worker, and never said that assignment 3 is done", "it never said that assignment 3 is done"}));
}

}  // namespace
