#include "worker.h"

#include <gtest/gtest.h>
#include <heddle/sdk/fake_host.h>

namespace sidecar_rest {
namespace {

using heddle::sdk::Value;

constexpr uint64_t kMs = 1'000'000;
using Log = std::vector<std::string>;

// Writes down what happens, in words, and lets time pass where the test says so.
class FakeOutside : public Outside {
 public:
  void ask(uint64_t number, Ask what) override {
    log.push_back((what.kind == Ask::Kind::kAssign || what.kind == Ask::Kind::kCancel ? "POST " : "GET ") + what.path);
    asked.push_back(number);
    last = number;
  }
  void here(const Value& facts) override { log.push_back("here " + std::string(facts.json())); }
  void grant(uint32_t n) override { log.push_back("grant " + std::to_string(n)); }
  void gone(heddle_status, const std::string& because) override { log.push_back("gone: " + because); }
  void progress(heddle_id id, const Value& said) override { log.push_back("progress " + std::to_string(id) + " " + std::string(said.json())); }
  void done(heddle_id id, heddle_status status, Value result) override {
    log.push_back("done " + std::to_string(id) + " " + (status == HEDDLE_OK ? std::string(result.json()) : std::string(*result.find("code").as_text()) + "/" + std::string(*result.find("class").as_text())));
    if (status != HEDDLE_OK) why = std::string(*result.find("message").as_text());
  }
  uint64_t now_ns() const override { return now; }
  void after(uint64_t delay_ns, std::function<void()> then) override { timers.emplace(now + delay_ns, std::move(then)); }

  void pass(uint64_t ns) {
    const uint64_t until = now + ns;
    while (!timers.empty() && timers.begin()->first <= until) {
      now = timers.begin()->first;
      const auto then = std::move(timers.begin()->second);
      timers.erase(timers.begin());
      then();
    }
    now = until;
  }
  Log take() { return std::exchange(log, {}); }

  Log log;
  std::string why;
  std::deque<uint64_t> asked;  // not answered yet
  uint64_t last = 0;
  std::multimap<uint64_t, std::function<void()>> timers;
  uint64_t now = 1'000'000'000;
};

class RestWorkerTest : public testing::Test {
 protected:
  void connect(uint32_t slots = 1) {
    worker = std::make_shared<Worker>(outside, WorkerOptions{.endpoint = "here:1", .min_version = "1.0.0", .max_version = "1.0.0", .slots = slots, .connect_ns = 2000 * kMs, .reattach_ns = 3000 * kMs});
    worker->connect();
  }
  // One that is there, and says nothing of itself.
  void begin(uint32_t slots = 1) {
    connect(slots);
    answer(404);
    outside->take();
  }
  // The oldest question.
  void answer(int status, const std::string& body = "") {
    ASSERT_FALSE(outside->asked.empty());
    Answer a{.status = status, .text = body};
    a.said = said_in(body);
    take_number(std::move(a));
  }
  void no_answer(bool is_unsent) { take_number({.is_unsent = is_unsent, .why = is_unsent ? "nobody is there" : "it does not answer"}); }
  void take_number(Answer a) {
    const uint64_t number = outside->asked.front();
    outside->asked.pop_front();
    worker->answered(number, std::move(a));
  }
  void assign(heddle_id id, const std::string& activity, const std::string& run = "1", uint64_t deadline_ns = 0) {
    worker->assign({.id = id, .activity = activity, .run = run, .deadline_ns = deadline_ns, .body = std::make_shared<const std::string>("{}")});
  }
  // An assignment that the worker has taken.
  void give(heddle_id id, const std::string& activity) {
    assign(id, activity);
    answer(202, "{}");
    outside->take();
  }
  Taken complete(const std::string& activity, const std::string& run, const std::string& status = "SUCCESS") {
    return worker->completed(activity, said_in(R"({"run_id":")" + run + R"(","status":")" + status + R"("})"));
  }

  heddle::sdk::FakeHost host;
  const std::shared_ptr<FakeOutside> outside = std::make_shared<FakeOutside>();
  std::shared_ptr<Worker> worker;
};

TEST_F(RestWorkerTest, WhatItSaysOfItselfIsBelievedAndWhatItLeavesOutIsConfigured) {
  connect(3);
  EXPECT_EQ(outside->take(), Log{"GET /health"});
  answer(200, R"({"status":"ok","slots":2,"tags":["gpu"]})");
  EXPECT_EQ(outside->take(), (Log{R"(here {"version":{"min":"1.0.0","max":"1.0.0"},"slots":2,"full":true,"tags":["gpu"]})", "grant 2"}));
  outside->pass(Worker::kLookNs);
  answer(200, R"({"status":"draining","slots":4,"tags":["gpu"]})");
  EXPECT_EQ(outside->take(), (Log{"GET /health", R"(here {"version":{"min":"1.0.0","max":"1.0.0"},"slots":4,"full":true,"tags":["gpu"]})"}));
  connect(3);
  answer(404, "no such page");
  EXPECT_EQ(outside->take(), (Log{"GET /health", R"(here {"version":{"min":"1.0.0","max":"1.0.0"},"slots":3,"full":true})", "grant 3"}));
}

TEST_F(RestWorkerTest, OneThatIsNotThereIsAskedEverLessOften) {
  connect();
  no_answer(true);
  EXPECT_EQ(outside->take(), (Log{"GET /health", "gone: nobody is there"}));
  for (uint64_t wait = Worker::kAgainNs; wait < Worker::kMostAgainNs; wait *= 2) {
    outside->pass(wait - 1);
    EXPECT_EQ(outside->take(), Log{});
    outside->pass(1);
    EXPECT_EQ(outside->take(), Log{"GET /health"});
    no_answer(true);
  }
  outside->pass(Worker::kMostAgainNs);
  answer(503, "starting");
  outside->pass(Worker::kMostAgainNs);
  answer(200, "{}");
  EXPECT_EQ(outside->take().back(), "grant 1");
}

TEST_F(RestWorkerTest, ATaskIsAssignedAskedAfterAndDone) {
  begin();
  assign(7, "a/b");
  EXPECT_EQ(outside->take(), Log{"POST /tasks/a%2Fb/assign"});
  answer(202);
  EXPECT_EQ(outside->take(), Log{"progress 7 {}"});
  outside->pass(Worker::kPollNs);
  answer(200, R"({"status":"running","progress":30,"message":"so far"})");
  EXPECT_EQ(outside->take(), (Log{"GET /tasks/a%2Fb/status", R"(progress 7 {"percent":30,"message":"so far"})"}));
  outside->pass(2 * Worker::kPollNs);
  answer(200, R"({"status":"running","progress":30,"message":"so far"})");
  EXPECT_EQ(outside->take(), Log{"GET /tasks/a%2Fb/status"});
  outside->pass(4 * Worker::kPollNs);
  answer(200, R"({"status":"completed","result_ref":"s3://x"})");
  EXPECT_EQ(outside->take(), (Log{"GET /tasks/a%2Fb/status", R"(done 7 {"status":"success","ref":"s3://x"})", "grant 1"}));
}

TEST_F(RestWorkerTest, HowATaskEnds) {
  begin(6);
  const std::pair<const char*, const char*> ends[] = {
      {R"({"status":"completed","result_inline":"Zm9v"})", R"(done 1 {"status":"success","value":)"},
      {R"({"status":"completed","skipped":true})", R"(done 2 {"status":"skipped"})"},
      {R"({"status":"failed","error":"no"})", "done 3 failed/retryable"},
      {R"({"status":"finished"})", "done 4 not-understood/permanent"},
      {R"({"status":"completed","result_inline":"?"})", "done 5 not-understood/permanent"},
      {R"({"status":"running","run_id":"2"})", "done 6 lost/retryable"},
  };
  heddle_id id = 0;
  for (const auto& [said, end] : ends) {
    give(++id, "a");
    outside->pass(Worker::kPollNs);
    answer(200, said);
    const Log log = outside->take();
    ASSERT_EQ(log.size(), 3u) << said;
    EXPECT_EQ(log[1].substr(0, std::string_view(end).size()), end);
  }
}

TEST_F(RestWorkerTest, WhatIsRefusedFailsAndWhatFindsNoRoomMayGoElsewhere) {
  begin();
  for (const int refused : {400, 413, 422}) {
    assign(1, "a");
    answer(refused, R"({"error":"the input is missing"})");
    EXPECT_EQ(outside->take(), (Log{"POST /tasks/a/assign", "done 1 failed/config", "grant 1"}));
    EXPECT_NE(outside->why.find(std::to_string(refused) + ": the input is missing"), std::string::npos) << outside->why;
  }
  assign(2, "a");
  answer(503);
  EXPECT_EQ(outside->take(), (Log{"POST /tasks/a/assign", "done 2 unsent/retryable"}));
  outside->pass(Worker::kFullNs);
  EXPECT_EQ(outside->take(), Log{"grant 1"});
  assign(3, "a");
  no_answer(true);
  EXPECT_EQ(outside->take(), (Log{"POST /tasks/a/assign", "gone: nobody is there", "GET /health", "done 3 unsent/retryable"}));
}

TEST_F(RestWorkerTest, WhatIsThereAlreadyIsGoneOnWithIfItIsOurs) {
  begin();
  assign(1, "a", "2");
  answer(409);
  EXPECT_EQ(outside->take(), (Log{"POST /tasks/a/assign", "GET /tasks/a/status"}));
  answer(200, R"({"run_id":"2","status":"completed"})");
  EXPECT_EQ(outside->take(), (Log{R"(done 1 {"status":"success"})", "grant 1"}));
  assign(2, "a", "3");
  answer(409);
  answer(200, R"({"run_id":"2","status":"running"})");
  EXPECT_EQ(outside->take().at(2), "done 2 failed/retryable");
  EXPECT_NE(outside->why.find("another run of this task: \"2\", not \"3\""), std::string::npos) << outside->why;
  assign(3, "a", "4");
  answer(409);
  answer(404);
  EXPECT_EQ(outside->take().at(2), "done 3 unsent/retryable");
}

TEST_F(RestWorkerTest, AnAssignmentThatWasNotAnsweredIsAskedAfterUntilItIsLost) {
  begin();
  assign(1, "a");
  no_answer(false);
  EXPECT_EQ(outside->take(), (Log{"POST /tasks/a/assign", "GET /health"}));
  answer(200, "{}");
  uint64_t asked = 0;
  for (; outside->log.empty() || outside->log.back().substr(0, 4) != "done"; ++asked) {
    ASSERT_LT(asked, 100u);
    outside->take();
    while (outside->asked.empty()) outside->pass(Worker::kPollNs);
    answer(outside->log.back() == "GET /health" ? 200 : 404);
    if (!outside->log.empty() && outside->log.back().substr(0, 5) == "grant") outside->log.pop_back();
  }
  EXPECT_EQ(outside->take().back(), "done 1 lost/retryable");
  EXPECT_GE(outside->now, 4'000 * kMs);
  EXPECT_LE(outside->now, 6'000 * kMs);
}

TEST_F(RestWorkerTest, OneThatWasTakenAndIsNotKnownAnyMoreIsLost) {
  begin();
  give(1, "a");
  outside->pass(Worker::kPollNs);
  answer(404);
  EXPECT_EQ(outside->take(), (Log{"GET /tasks/a/status", "done 1 lost/retryable", "grant 1"}));
}

TEST_F(RestWorkerTest, AWorkerThatIsLostGoesOnIfItIsBackInTime) {
  begin(2);
  give(1, "a");
  outside->pass(Worker::kPollNs);
  no_answer(true);
  EXPECT_EQ(outside->take(), (Log{"GET /tasks/a/status", "gone: nobody is there", "GET /health"}));
  no_answer(true);
  outside->pass(Worker::kAgainNs);
  answer(200, "{}");
  EXPECT_EQ(outside->take(), (Log{"GET /health", R"(here {"version":{"min":"1.0.0","max":"1.0.0"},"slots":2,"full":true})", "grant 1"}));
  outside->pass(Worker::kMostPollNs);
  answer(200, R"({"status":"completed"})");
  EXPECT_EQ(outside->take().at(1), R"(done 1 {"status":"success"})");
}

TEST_F(RestWorkerTest, AWorkerThatDoesNotComeBackHasLostWhatItHad) {
  begin(2);
  give(1, "a");
  outside->pass(Worker::kPollNs);
  no_answer(true);
  no_answer(true);
  outside->take();
  outside->pass(2999 * kMs - 1);
  for (const std::string& line : outside->take()) EXPECT_EQ(line, "GET /health");
  outside->pass(kMs + 1);
  EXPECT_EQ(outside->take().back(), "done 1 lost/retryable");
}

TEST_F(RestWorkerTest, WhatIsNoAnswerIsAskedForAgain) {
  begin();
  give(1, "a");
  for (const char* garbage : {"", "<html>", "[]", "{}", "{\"status\":7}", "\xff\xfe"}) {
    while (outside->asked.empty()) outside->pass(Worker::kPollNs);
    answer(200, garbage);
  }
  EXPECT_EQ(outside->take().back(), "GET /tasks/a/status");
  while (outside->asked.empty()) outside->pass(Worker::kPollNs);
  answer(200, R"({"status":"completed"})");
  EXPECT_EQ(outside->take().back(), "grant 1");
}

TEST_F(RestWorkerTest, ACompletionEndsTheTaskAtOnceAndAskingIsSeldomThen) {
  begin(2);
  give(1, "a");
  EXPECT_EQ(complete("a", "0"), Taken::kOtherRun);
  EXPECT_EQ(complete("b", "1"), Taken::kUnknown);
  EXPECT_EQ(complete("a", "1", "DONE"), Taken::kNotUnderstood);
  EXPECT_EQ(worker->completed("a", said_in(R"({"status":"SUCCESS"})")), Taken::kNotUnderstood);
  EXPECT_EQ(outside->take(), Log{});
  EXPECT_EQ(complete("a", "1"), Taken::kYes);
  EXPECT_EQ(complete("a", "1", "ERROR"), Taken::kBefore);
  EXPECT_EQ(outside->take(), (Log{R"(done 1 {"status":"success"})", "grant 1"}));
  give(2, "b");
  outside->pass(Worker::kSeldomNs - 1);
  EXPECT_EQ(outside->take(), Log{});
  outside->pass(1);
  EXPECT_EQ(outside->take(), Log{"GET /tasks/b/status"});
  // It may come before the assignment is answered, and before the status.
  assign(3, "c");
  EXPECT_EQ(complete("c", "1", "SKIPPED"), Taken::kYes);
  EXPECT_EQ(complete("b", "1", "ERROR"), Taken::kYes);
  answer(200, R"({"status":"completed"})");
  answer(202);
  EXPECT_EQ(outside->take(), (Log{"POST /tasks/c/assign", R"(done 3 {"status":"skipped"})", "grant 1", "done 2 failed/retryable", "grant 1"}));
}

TEST_F(RestWorkerTest, ACancelIsAskedForAndItsEndIsSeen) {
  begin();
  give(1, "a");
  EXPECT_TRUE(worker->cancel(1, "not wanted", 1000 * kMs));
  EXPECT_EQ(outside->take(), (Log{"POST /tasks/a/cancel", "GET /tasks/a/status"}));
  answer(202);
  answer(200, R"({"status":"failed","error":"cancelled"})");
  EXPECT_EQ(outside->take(), (Log{"done 1 cancelled/cancelled", "grant 1"}));
  EXPECT_EQ(outside->why, "not wanted");
  EXPECT_FALSE(worker->cancel(1, "not wanted", 0));
}

TEST_F(RestWorkerTest, WhoDoesNotKnowCancelKeepsTheSlotUntilItIsFree) {
  begin();
  give(1, "a");
  worker->cancel(1, "not wanted", 100 * kMs);
  answer(405);
  answer(200, R"({"status":"running"})");
  outside->take();
  outside->pass(100 * kMs);
  EXPECT_EQ(outside->take().back(), "done 1 cancelled/cancelled");
  for (int i = 0; i < 3; ++i) {
    if (!outside->asked.empty()) answer(200, R"({"status":"running"})");
    outside->pass(Worker::kMostPollNs);
  }
  for (const std::string& line : outside->take()) EXPECT_NE(line, "grant 1");
  answer(200, R"({"status":"completed"})");
  EXPECT_EQ(outside->take(), Log{"grant 1"});
}

TEST_F(RestWorkerTest, ASlotThatNothingIsHeardOfIsFreeAfterTheDeadline) {
  begin();
  assign(1, "a", "1", outside->now + 2000 * kMs);
  answer(202);
  worker->cancel(1, "not wanted", 100 * kMs);
  outside->take();
  outside->pass(1999 * kMs);
  EXPECT_EQ(outside->take(), Log{"done 1 cancelled/cancelled"});
  outside->pass(kMs);
  EXPECT_EQ(outside->take(), Log{"grant 1"});
}

TEST_F(RestWorkerTest, ACancelOfWhatIsNotAnsweredYetIsSentAfterwards) {
  begin();
  assign(1, "a");
  worker->cancel(1, "not wanted", 1000 * kMs);
  EXPECT_EQ(outside->take(), Log{"POST /tasks/a/assign"});
  answer(202);
  EXPECT_EQ(outside->take(), (Log{"progress 1 {}", "POST /tasks/a/cancel"}));
  outside->pass(Worker::kPollNs);
  EXPECT_EQ(outside->take(), Log{"GET /tasks/a/status"});
}

TEST_F(RestWorkerTest, ACancelDoesNotEndTheRunOfSomebodyElse) {
  begin(2);
  assign(1, "a");
  assign(2, "b");
  worker->cancel(1, "not wanted", 1000 * kMs);
  worker->cancel(2, "not wanted", 1000 * kMs);
  outside->take();
  answer(409);
  answer(409);
  answer(200, R"({"run_id":"other","status":"running"})");
  answer(200, R"({"run_id":"1","status":"running"})");
  EXPECT_EQ(outside->take(), (Log{"GET /tasks/a/status", "GET /tasks/b/status", "done 1 cancelled/cancelled", "grant 1", "POST /tasks/b/cancel"}));
}

TEST_F(RestWorkerTest, ACancelWaitsForAnAssignmentThatIsStillOnItsWay) {
  begin();
  assign(1, "a");
  worker->cancel(1, "not wanted", 1);
  outside->pass(1);
  no_answer(false);
  EXPECT_EQ(outside->take(), (Log{"POST /tasks/a/assign", "done 1 cancelled/cancelled", "GET /health"}));
  answer(200, "{}");
  outside->pass(Worker::kPollNs);
  answer(404);
  EXPECT_EQ(outside->take().back(), "GET /tasks/a/status");
  outside->pass(2 * Worker::kPollNs);
  answer(200, R"({"status":"running"})");
  EXPECT_EQ(outside->take(), (Log{"GET /tasks/a/status", "POST /tasks/a/cancel"}));
}

TEST_F(RestWorkerTest, ACancelThatDidNotGetThroughIsSentAgain) {
  begin();
  give(1, "a");
  worker->cancel(1, "not wanted", 100'000 * kMs);
  no_answer(false);
  outside->take();
  answer(200, R"({"status":"running"})");
  EXPECT_EQ(outside->take(), Log{"POST /tasks/a/cancel"});
}

TEST_F(RestWorkerTest, AProbeAsksAndHasAnEnd) {
  begin();
  Log heard;
  const auto probed = [&](heddle_status status, const Value& facts, const std::string& why) { heard.push_back(status == HEDDLE_OK ? std::string(facts.json()) : why); };
  worker->probe(probed);
  answer(200, R"({"slots":2})");
  worker->probe(probed);
  no_answer(true);
  worker->probe(probed);
  outside->pass(2000 * kMs);
  worker->probe(probed);
  worker->disconnect([] {});
  worker->probe(probed);
  EXPECT_EQ(heard, (Log{R"({"version":{"min":"1.0.0","max":"1.0.0"},"slots":2,"full":true})", "nobody is there", "the worker at here:1 has not said in time whether it is well",
                        "the worker is being disconnected", "the worker is being disconnected"}));
}

TEST_F(RestWorkerTest, NothingIsGrantedAfterDrainAndNothingIsSaidAfterDisconnect) {
  begin(2);
  give(1, "a");
  give(2, "b");
  worker->drain();
  EXPECT_EQ(complete("a", "1"), Taken::kYes);
  EXPECT_EQ(outside->take(), Log{R"(done 1 {"status":"success"})"});
  bool is_gone = false;
  worker->disconnect([&] { is_gone = true; });
  EXPECT_TRUE(is_gone);
  EXPECT_EQ(outside->take(), Log{"done 2 cancelled/cancelled"});
  EXPECT_EQ(complete("b", "1"), Taken::kUnknown);
  outside->pass(100'000 * kMs);
  while (!outside->asked.empty()) answer(200, "{}");
  EXPECT_EQ(outside->take(), Log{});
}

}  // namespace
}  // namespace sidecar_rest
