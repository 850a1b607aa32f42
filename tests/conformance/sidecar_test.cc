// sidecar_grpc as the host has it, against worker processes in Python: one that does the least, one that speaks the whole protocol, and none.
#include <set>

#include "calling.h"
#include "sidecars.h"
#include "threads_gone.h"

namespace heddle {
namespace {

constexpr const char* kScript = "sidecar_worker.py";

class SidecarTest : public SidecarsTest {
 protected:
  void SetUp() override { make("execution"); }
};

TEST_F(SidecarTest, AWorkerThatDoesTheLeastWorksAtFullConcurrency) {
  WorkerProcess worker(kScript, "least");
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
  WorkerProcess worker(kScript, "whole");
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
  WorkerProcess worker(kScript, "whole");
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
  auto worker = std::make_unique<WorkerProcess>(kScript, "whole");
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
  worker = std::make_unique<WorkerProcess>(kScript, "least", port);
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
  WorkerProcess worker(kScript, "whole");
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
