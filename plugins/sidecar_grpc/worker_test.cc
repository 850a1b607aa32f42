#include "worker.h"

#include <gtest/gtest.h>
#include <heddle/sdk/fake_host.h>

#include "fake_outside.h"

namespace sidecar_grpc {
namespace {

using heddle::sdk::Value;

class FakeLine : public Line {
 public:
  explicit FakeLine(std::vector<Envelope>& said) : said_(said) {}
  void send(const Envelope& said) override { said_.push_back(said); }
  void finish() override { is_finished = true; }
  void reset() override { is_reset = true; }
  bool is_finished = false, is_reset = false;

 private:
  std::vector<Envelope>& said_;
};

class FakeLines : public FakeOutside<LineOutside> {
 public:
  std::shared_ptr<Line> open(uint64_t line) override {
    log.push_back("open " + std::to_string(line));
    return lines[line] = std::make_shared<FakeLine>(said[line]);
  }

  std::map<uint64_t, std::shared_ptr<FakeLine>> lines;
  std::map<uint64_t, std::vector<Envelope>> said;
};

class WorkerTest : public testing::Test {
 protected:
  void begin(uint32_t slots = 1) {
    worker = std::make_shared<Worker>(outside, WorkerOptions{.endpoint = "here:1", .versions = {"1.0.0", "1.2.0"}, .slots = slots, .reattach_ns = 1000 * kMs});
    worker->connect();
  }
  void hear(uint64_t line, const std::function<void(Envelope&)>& fill) {
    Envelope said;
    fill(said);
    worker->heard(line, said);
  }
  void hello(uint64_t line, const std::string& min = "1.0.0", const std::string& max = "1.0.0") {
    hear(line, [&](Envelope& e) {
      e.mutable_hello_ack()->set_min(min);
      e.mutable_hello_ack()->set_max(max);
    });
  }
  void capabilities(uint64_t line, uint32_t most, const std::string& instance = "") {
    hear(line, [&](Envelope& e) {
      e.mutable_capabilities()->set_max_concurrency(most);
      e.mutable_capabilities()->add_tags("gpu");
      if (!instance.empty()) e.mutable_capabilities()->add_tags(instance);
    });
  }
  void complete(uint64_t line, const std::string& activity, const std::string& run, const std::string& status = "SUCCESS") {
    hear(line, [&](Envelope& e) {
      e.mutable_completion()->set_activity_id(activity);
      e.mutable_completion()->set_run_id(run);
      e.mutable_completion()->set_status(status);
    });
  }
  void progress(uint64_t line, const std::string& activity, const std::string& run, uint32_t percent) {
    hear(line, [&](Envelope& e) {
      e.mutable_progress()->set_activity_id(activity);
      e.mutable_progress()->set_run_id(run);
      e.mutable_progress()->set_percent(percent);
    });
  }
  void assign(heddle_id id, const std::string& activity, const std::string& run = "1") {
    Assignment a{.id = id, .activity = activity, .run = run, .deadline_ns = 0, .said = {}};
    a.said.mutable_assign()->set_activity_id(activity);
    a.said.mutable_assign()->set_run_id(run);
    worker->assign(std::move(a));
  }
  // A worker of the full protocol with so many slots.
  void begin_full(uint32_t slots) {
    begin();
    hello(1);
    capabilities(1, slots);
    outside->take();
  }
  size_t assigned(uint64_t line) {
    size_t n = 0;
    for (const Envelope& e : outside->said[line]) n += e.has_assign();
    return n;
  }

  heddle::sdk::FakeHost host;
  const std::shared_ptr<FakeLines> outside = std::make_shared<FakeLines>();
  std::shared_ptr<Worker> worker;
};

TEST_F(WorkerTest, OneThatSaysNothingOfItselfGetsALineForEachSlot) {
  begin(2);
  EXPECT_EQ(outside->take(), Log{"open 1"});
  ASSERT_TRUE(outside->said[1].at(0).has_hello());
  EXPECT_EQ(outside->said[1][0].hello().max(), "1.2.0");
  hello(1);
  EXPECT_EQ(outside->take(), Log{});
  outside->pass(Worker::kSayNs);
  EXPECT_EQ(outside->take(), (Log{R"(here {"version":{"min":"1.0.0","max":"1.0.0"},"slots":2,"full":false})", "grant 1", "open 2"}));
  hello(2);
  EXPECT_EQ(outside->take(), Log{"grant 1"});
  assign(7, "a");
  assign(8, "b");
  EXPECT_EQ(assigned(1) + assigned(2), 2u);
  EXPECT_EQ(assigned(1), 1u);
  complete(1, "a", "1");
  EXPECT_EQ(outside->take(), (Log{R"(done 7 {"status":"success"})", "grant 1"}));
}

TEST_F(WorkerTest, OneOfTheFullProtocolTakesAllOnOneLine) {
  begin();
  hello(1);
  capabilities(1, 3);
  EXPECT_EQ(outside->take(), (Log{"open 1", R"(here {"version":{"min":"1.0.0","max":"1.0.0"},"slots":3,"full":true,"tags":["gpu"]})", "grant 3"}));
  for (heddle_id id = 1; id <= 3; ++id) assign(id, "a" + std::to_string(id));
  EXPECT_EQ(assigned(1), 3u);
  hear(1, [](Envelope& e) {
    e.mutable_ack()->set_activity_id("a1");
    e.mutable_ack()->set_run_id("1");
  });
  complete(1, "a2", "1", "SKIPPED");
  complete(1, "a3", "1", "ERROR");
  complete(1, "a1", "1", "DONE");
  EXPECT_EQ(outside->take(), (Log{"progress 1 {}", R"(done 2 {"status":"skipped"})", "grant 1", "done 3 failed", "grant 1", "done 1 not-understood", "grant 1"}));
}

TEST_F(WorkerTest, WhatIsLargerThanAnybodyTakesIsNotAskedForAgain) {
  begin_full(2);
  assign(1, "a");
  worker->ended(1, "too large", true);
  EXPECT_EQ(outside->take(), (Log{"done 1 not-understood", "gone: too large"}));
  outside->pass(kAgainNs);
  hello(2);
  capabilities(2, 2);
  EXPECT_EQ(assigned(2), 0u);
}

TEST_F(WorkerTest, WhatIsNotInHandIsDroppedAndCounted) {
  begin_full(2);
  assign(1, "a", "2");
  complete(1, "a", "1");
  complete(1, "b", "2");
  complete(1, "a", "2");
  complete(1, "a", "2");
  EXPECT_EQ(outside->take(), (Log{R"(done 1 {"status":"success"})", "grant 1"}));
  EXPECT_EQ(worker->dropped(), 3u);
}

TEST_F(WorkerTest, ProgressIsToldAtMostTwentyTimesASecond) {
  begin_full(1);
  assign(1, "a");
  for (uint32_t percent = 0; percent <= 100; ++percent) progress(1, "a", "1", percent);
  EXPECT_EQ(outside->take(), Log{R"(progress 1 {"percent":0})"});
  outside->pass(Worker::kProgressNs);
  EXPECT_EQ(outside->take(), Log{R"(progress 1 {"percent":100})"});
  outside->pass(Worker::kProgressNs);
  EXPECT_EQ(outside->take(), Log{});
  progress(1, "a", "1", 101);
  progress(1, "a", "1", 102);
  complete(1, "a", "1");
  EXPECT_EQ(outside->take(), (Log{R"(progress 1 {"percent":100})", R"(progress 1 {"percent":100})", R"(done 1 {"status":"success"})", "grant 1"}));
}

TEST_F(WorkerTest, VersionsThatDoNotMeetAreRefusedAndTriedWhenAskedFor) {
  begin();
  hello(1, "2.0", "3.1");
  EXPECT_TRUE(outside->lines[1]->is_reset);
  worker->ended(1, "cancelled");
  EXPECT_EQ(outside->take(), (Log{"open 1", "gone: the worker at here:1 speaks versions 2.0 to 3.1 of execution.v1, and this host 1.0.0 to 1.2.0"}));
  outside->pass(100'000 * kMs);
  EXPECT_EQ(outside->take(), Log{});
  std::string why;
  EXPECT_FALSE(worker->facts(why));
  EXPECT_NE(why.find("speaks versions 2.0"), why.npos);
  EXPECT_EQ(outside->take(), Log{"open 2"});
  hello(2, "", "");  // says nothing, as workers do that check none
  outside->pass(Worker::kSayNs);
  EXPECT_EQ(outside->take().at(0).substr(0, 4), "here");
  EXPECT_TRUE(worker->facts(why));
}

TEST_F(WorkerTest, ASerialWorkersAssignmentIsLostWithItsLine) {
  begin(2);
  hello(1);
  outside->pass(Worker::kSayNs);
  hello(2);
  assign(1, "a");
  outside->take();
  worker->ended(1, "reset");
  EXPECT_EQ(outside->take(), Log{"done 1 lost"});
  outside->pass(kAgainNs);
  EXPECT_EQ(outside->take(), Log{"open 3"});
  hello(3);
  EXPECT_EQ(outside->take(), Log{"grant 1"});
}

TEST_F(WorkerTest, OneOfTheFullProtocolGoesOnWithWhatItHasAfterALostLine) {
  begin_full(2);
  assign(1, "a");
  worker->ended(1, "reset");
  EXPECT_EQ(outside->take(), Log{"gone: reset"});
  outside->pass(kAgainNs);
  hello(2);
  capabilities(2, 2);
  EXPECT_EQ(assigned(2), 1u);
  EXPECT_EQ(outside->take(), (Log{"open 2", R"(here {"version":{"min":"1.0.0","max":"1.0.0"},"slots":2,"full":true,"tags":["gpu"]})", "grant 1"}));
  complete(2, "a", "1");
  EXPECT_EQ(outside->take(), (Log{R"(done 1 {"status":"success"})", "grant 1"}));
}

TEST_F(WorkerTest, AnotherProcessOfTheFullProtocolIsNotAssignedWhatTheFirstOneHad) {
  begin();
  hello(1);
  capabilities(1, 2, "instance/1");
  assign(1, "a");
  outside->take();
  worker->ended(1, "reset");
  outside->pass(kAgainNs);
  hello(2);
  capabilities(2, 2, "instance/2");
  EXPECT_EQ(assigned(2), 0u);
  EXPECT_EQ(outside->take(), (Log{"gone: reset", "open 2", R"(here {"version":{"min":"1.0.0","max":"1.0.0"},"slots":2,"full":true,"tags":["gpu"]})", "grant 1", "done 1 lost", "grant 1"}));
}

TEST_F(WorkerTest, WhatNobodyComesBackForIsLost) {
  begin_full(2);
  assign(1, "a");
  worker->ended(1, "reset");
  for (uint64_t line = 2; line < 9; ++line) {
    outside->pass(200 * kMs);
    worker->ended(line, "refused");
  }
  const Log log = outside->take();
  EXPECT_EQ(std::count(log.begin(), log.end(), "gone: reset"), 1);
  EXPECT_EQ(std::count(log.begin(), log.end(), "done 1 lost"), 1);
}

TEST_F(WorkerTest, AnotherProcessAtTheEndpointKnowsNothingOfWhatWasInHand) {
  begin_full(2);
  assign(1, "a");
  worker->ended(1, "reset");
  outside->pass(kAgainNs);
  hello(2);
  outside->take();
  outside->pass(Worker::kSayNs);  // it says nothing of itself
  const Log log = outside->take();
  EXPECT_EQ(log.at(0), "done 1 lost");
}

TEST_F(WorkerTest, CreditIsVoidWhereTheWorkerIsGone) {
  begin_full(2);
  worker->ended(1, "reset");
  assign(1, "a");
  EXPECT_EQ(outside->take(), (Log{"gone: reset", "done 1 unsent"}));
}

TEST_F(WorkerTest, CapacityHoldsBackWhatWasGranted) {
  begin_full(3);
  const auto capacity = [&](uint32_t slots) {
    hear(1, [&](Envelope& e) { e.mutable_capacity()->set_available_slots(slots); });
  };
  capacity(1);
  assign(1, "a");
  assign(2, "b");
  EXPECT_EQ(assigned(1), 1u);
  capacity(1);  // it does not know of the first one yet
  EXPECT_EQ(assigned(1), 1u);
  progress(1, "a", "1", 1);
  capacity(1);
  EXPECT_EQ(assigned(1), 2u);
}

TEST_F(WorkerTest, ACancelIsSaidAndObeyed) {
  begin_full(2);
  assign(1, "a");
  outside->take();
  EXPECT_TRUE(worker->cancel(1, "nobody wants it", 100 * kMs));
  EXPECT_EQ(outside->said[1].back().cancel().reason(), "nobody wants it");
  complete(1, "a", "1", "ERROR");
  EXPECT_EQ(outside->take(), (Log{"done 1 cancelled", "grant 1"}));
  outside->pass(1000 * kMs);
  EXPECT_EQ(outside->take(), Log{});
  EXPECT_FALSE(worker->cancel(1, "again", 0));
}

TEST_F(WorkerTest, ACancelThatIsIgnoredKeepsTheSlotTaken) {
  begin_full(1);
  assign(1, "a");
  outside->take();
  worker->cancel(1, "enough", 100 * kMs);
  outside->pass(100 * kMs);
  EXPECT_EQ(outside->take(), Log{"done 1 cancelled"});
  complete(1, "a", "1");
  EXPECT_EQ(outside->take(), Log{"grant 1"});
}

TEST_F(WorkerTest, ASerialWorkerThatIgnoresACancelLosesItsLineAndTheSlotForAWhile) {
  begin(1);
  hello(1);
  outside->pass(Worker::kSayNs);
  assign(1, "a");
  outside->take();
  worker->cancel(1, "enough", 100 * kMs);
  outside->pass(100 * kMs);
  EXPECT_EQ(outside->take(), Log{"done 1 cancelled"});
  EXPECT_TRUE(outside->lines[1]->is_reset);
  worker->ended(1, "reset");
  EXPECT_EQ(outside->take(), Log{"gone: reset"});
  outside->pass(kQuarantineNs - 200 * kMs);
  EXPECT_EQ(outside->take(), Log{}) << "it may still be at it";
  outside->pass(200 * kMs + kMostAgainNs);
  EXPECT_EQ(outside->take(), Log{"open 2"});
}

TEST_F(WorkerTest, ADrainTakesNothingMore) {
  begin_full(2);
  assign(1, "a");
  outside->take();
  worker->drain();
  EXPECT_TRUE(outside->said[1].back().has_drain());
  complete(1, "a", "1");
  EXPECT_EQ(outside->take(), Log{R"(done 1 {"status":"success"})"});
}

TEST_F(WorkerTest, ADisconnectEndsEverything) {
  begin_full(2);
  assign(1, "a");
  outside->take();
  worker->disconnect([&] { outside->log.push_back("over"); });
  EXPECT_EQ(outside->said[1].back().cancel().activity_id(), "a");
  EXPECT_TRUE(outside->lines[1]->is_finished);
  EXPECT_FALSE(outside->lines[1]->is_reset) << "it might overtake the cancel";
  EXPECT_EQ(outside->take(), Log{"done 1 cancelled"});
  outside->pass(Worker::kLeaveNs);
  EXPECT_TRUE(outside->lines[1]->is_reset);
  worker->ended(1, "cancelled");
  EXPECT_EQ(outside->take(), Log{"over"});
}

TEST_F(WorkerTest, ADisconnectOfAnIdleWorkerWaitsForNothing) {
  begin_full(2);
  worker->disconnect([&] { outside->log.push_back("over"); });
  EXPECT_TRUE(outside->lines[1]->is_reset);
}

TEST(Versions, Meet) {
  EXPECT_EQ((Versions{"1.0.0", "1.9.9"}.meets({"1.2", "2.0"})), true);
  EXPECT_EQ((Versions{"1.0.0", "1.9.9"}.meets({"1.10", "2.0"})), false);
  EXPECT_EQ((Versions{"1.10.0", "1.10.0"}.meets({"1.9", "1.10"})), true);
  EXPECT_EQ((Versions{"1.0", "1.0"}.meets({"", ""})), true);
  EXPECT_EQ((Versions{"1.0", "1.0"}.meets({"one", "2"})), std::nullopt);
  EXPECT_EQ((Versions{"1.0.0-rc1", "1"}.meets({"1", "1"})), true);
}

}  // namespace
}  // namespace sidecar_grpc
