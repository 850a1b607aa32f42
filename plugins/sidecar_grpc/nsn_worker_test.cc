#include "nsn_worker.h"

#include <gtest/gtest.h>
#include <heddle/sdk/fake_host.h>

#include <algorithm>
#include <set>
#include <stdexcept>

#include "fake_outside.h"

namespace sidecar_grpc {
namespace {

using heddle::sdk::Value;
using namespace nsn::sidecar;

class FakeOngoing : public Ongoing {
 public:
  void cut() override { is_cut = true; }
  bool is_cut = false;
};

// The calls that were begun and not ended yet lie here; each is written down as its method.
class FakeCalls : public FakeOutside<CallOutside> {
 public:
  struct One {
    Call call;
    std::shared_ptr<FakeOngoing> ongoing;
  };
  std::shared_ptr<Ongoing> call(Call call) override {
    log.push_back(call.method);
    calls.push_back({std::move(call), std::make_shared<FakeOngoing>()});
    return calls.back().ongoing;
  }
  std::vector<One> calls;
};

CallSaid fault(CallEnd end, const std::string& why = "so it was", bool permanent = false) { return {end, why, permanent}; }

class NsnWorkerTest : public testing::Test {
 protected:
  void begin(uint32_t slots = 1) {
    options.endpoint = "here:1";
    options.slots = slots;
    options.connect_ns = 2000 * kMs;
    options.reattach_ns = 3000 * kMs;
    worker = std::make_shared<NsnWorker>(outside, options);
    worker->connect();
  }
  FakeCalls::One take(const std::string& method) {
    const auto found = std::find_if(outside->calls.begin(), outside->calls.end(), [&](const auto& one) { return one.call.method == method; });
    if (found == outside->calls.end()) throw std::logic_error("no call of " + method);
    FakeCalls::One one = *found;
    outside->calls.erase(found);
    return one;
  }
  bool is_on_its_way(const std::string& method) {
    return std::any_of(outside->calls.begin(), outside->calls.end(), [&](const auto& one) { return one.call.method == method; });
  }
  template <class Answer>
  void answer(const std::string& method, const std::function<void(Answer&)>& fill) {
    const FakeCalls::One one = take(method);
    fill(static_cast<Answer&>(*one.call.answer));
    one.call.ended({});
  }
  void fail(const std::string& method, const CallSaid& said) { take(method).call.ended(said); }
  template <class Request>
  const Request& asked(const std::string& method) {
    for (const auto& one : outside->calls)
      if (one.call.method == method) return static_cast<const Request&>(*one.call.asked);
    throw std::logic_error("no call of " + method);
  }
  void well() {
    answer<HealthCheckResponse>("HealthCheck", [](auto& a) { a.set_healthy(true); });
  }
  void plugins() {
    answer<ListPluginsResponse>("ListPlugins", [](auto& a) { a.add_plugins()->set_name("upscale"); });
  }
  void begin_here(uint32_t slots = 1) {
    begin(slots);
    well();
    plugins();
    outside->take();
  }
  void assign(heddle_id id, const std::string& task, uint64_t deadline_ns = 0) {
    NsnTask one{.id = id, .deadline_ns = deadline_ns};
    one.asked.set_task_id(task);
    worker->assign(std::move(one));
  }
  void status(const std::string& state, float progress = 0, const std::string& stage = "") {
    answer<GetTaskStatusResponse>("GetTaskStatus", [&](auto& a) {
      a.set_status(state);
      a.set_progress(progress);
      a.set_current_stage(stage);
    });
  }
  void executed(bool success, const std::string& cid = "", const std::string& metadata = "") {
    answer<ExecuteTaskResponse>("ExecuteTask", [&](auto& a) {
      a.set_success(success);
      a.set_output_cid(cid);
      a.set_result_metadata(metadata);
    });
  }

  heddle::sdk::FakeHost host;
  const std::shared_ptr<FakeCalls> outside = std::make_shared<FakeCalls>();
  NsnOptions options;
  std::shared_ptr<NsnWorker> worker;
};

TEST_F(NsnWorkerTest, OneThatIsWellIsHereWithItsPluginsAndTheSlotsOfTheConfiguration) {
  begin(3);
  EXPECT_EQ(outside->take(), Log{"HealthCheck"});
  well();
  plugins();
  EXPECT_EQ(outside->take(), (Log{"ListPlugins", R"(here {"slots":3,"full":true,"tags":["upscale"]})", "grant 3"}));
}

TEST_F(NsnWorkerTest, OneThatHasOnlyExecuteTaskWorks) {
  begin();
  fail("HealthCheck", fault(CallEnd::kUnimplemented));
  fail("ListPlugins", fault(CallEnd::kUnimplemented));
  EXPECT_EQ(outside->take(), (Log{"HealthCheck", "ListPlugins", R"(here {"slots":1,"full":true})", "grant 1"}));
  assign(1, "a#1");
  outside->pass(1000 * kMs);
  fail("GetTaskStatus", fault(CallEnd::kUnimplemented));
  outside->pass(3000 * kMs);
  EXPECT_EQ(outside->take(), (Log{"ExecuteTask", "GetTaskStatus"}));
  executed(true, "Qm1");
  EXPECT_EQ(outside->take(), (Log{R"(done 1 {"status":"success","ref":"Qm1"})", "grant 1"}));
}

TEST_F(NsnWorkerTest, OneThatIsAbsentOrNotWellYetIsTriedEverLessOftenAndSaidToBeGoneOnce) {
  begin();
  fail("HealthCheck", fault(CallEnd::kUnsent, "nobody there"));
  EXPECT_EQ(outside->take(), (Log{"HealthCheck", "gone: the sidecar at here:1: HealthCheck: nobody there"}));
  for (const uint64_t wait : {100, 200, 400, 800, 1600, 3200, 5000, 5000}) {
    outside->pass(wait * kMs - 1);
    EXPECT_EQ(outside->take(), Log{});
    outside->pass(1);
    EXPECT_EQ(outside->take(), Log{"HealthCheck"});
    answer<HealthCheckResponse>("HealthCheck", [](auto& a) { a.set_status("starting"); });
  }
  EXPECT_EQ(outside->take(), Log{});
  outside->pass(5000 * kMs);
  well();
  plugins();
  EXPECT_EQ(outside->take().back(), "grant 1");
  outside->pass(NsnWorker::kPollNs * NsnWorker::kWatchPolls);
  fail("HealthCheck", fault(CallEnd::kBroken, "reset"));
  EXPECT_EQ(outside->take(), (Log{"HealthCheck", "gone: the sidecar at here:1: HealthCheck: reset"}));
  outside->pass(kAgainNs);  // as soon as the first time
  EXPECT_EQ(outside->take(), Log{"HealthCheck"});
}

TEST_F(NsnWorkerTest, TheContainerIsStartedAndTheModelsThatAreMissingAreLoadedAndAllIsUndoneAtTheEnd) {
  options.container.emplace().set_container_id("c");
  options.stop.set_container_id("c");
  for (const char* model : {"there", "one", "two"}) options.models.emplace_back().set_model_id(model);
  begin();
  well();
  EXPECT_EQ(asked<StartContainerRequest>("StartContainer").container_id(), "c");
  answer<StartContainerResponse>("StartContainer", [](auto& a) { a.set_success(true); });
  answer<GetLoadedModelsResponse>("GetLoadedModels", [](auto& a) {
    for (const auto& [model, state] : {std::pair{"there", "hot"}, {"one", "unloading"}}) {
      a.add_models()->set_model_id(model);
      a.mutable_models()->rbegin()->set_state(state);
    }
  });
  EXPECT_EQ(asked<LoadModelRequest>("LoadModel").model_id(), "one");
  answer<LoadModelResponse>("LoadModel", [](auto& a) { a.set_success(true); });
  EXPECT_EQ(asked<LoadModelRequest>("LoadModel").model_id(), "two");
  fail("LoadModel", fault(CallEnd::kExists));  // somebody else was faster: it stays
  plugins();
  EXPECT_EQ(outside->take().back(), "grant 1");
  worker->disconnect([&] { outside->log.push_back("over"); });
  EXPECT_EQ(asked<UnloadModelRequest>("UnloadModel").model_id(), "one");
  answer<UnloadModelResponse>("UnloadModel", [](auto& a) { a.set_success(true); });
  EXPECT_EQ(asked<StopContainerRequest>("StopContainer").container_id(), "c");
  EXPECT_EQ(outside->take(), (Log{"UnloadModel", "StopContainer"}));
  fail("StopContainer", fault(CallEnd::kLate));
  EXPECT_EQ(outside->take(), Log{"over"});
}

TEST_F(NsnWorkerTest, AModelThatIsRefusedIsTheReasonAndTriedAgain) {
  options.models.emplace_back().set_model_id("big");
  begin();
  well();
  fail("GetLoadedModels", fault(CallEnd::kUnimplemented));
  answer<LoadModelResponse>("LoadModel", [](auto& a) { a.set_error_message("no room"); });
  EXPECT_EQ(outside->take().back(), "gone: the sidecar at here:1: it does not load the model big: no room");
  outside->pass(kAgainNs);
  well();
  EXPECT_TRUE(is_on_its_way("GetLoadedModels"));
  worker->disconnect([&] { outside->log.push_back("over"); });
  EXPECT_TRUE(take("GetLoadedModels").ongoing->is_cut);
}

TEST_F(NsnWorkerTest, AContainerThatWeHaveStartedMayRunStillAfterALostConnection) {
  options.container.emplace().set_container_id("c");
  begin();
  well();
  answer<StartContainerResponse>("StartContainer", [](auto& a) { a.set_success(true); });
  plugins();
  outside->pass(NsnWorker::kPollNs * NsnWorker::kWatchPolls);
  fail("HealthCheck", fault(CallEnd::kBroken, "reset"));
  EXPECT_EQ(outside->take().back(), "gone: the sidecar at here:1: HealthCheck: reset");
  outside->pass(kAgainNs);
  well();
  answer<StartContainerResponse>("StartContainer", [](auto& a) { a.set_error_message("it runs"); });
  EXPECT_EQ(asked<HealthCheckRequest>("HealthCheck").container_id(), "c");
  well();
  plugins();
  EXPECT_EQ(outside->take().back(), "grant 1");
}

TEST_F(NsnWorkerTest, TheTimeIsAlwaysSaidAndTheCallEndsALittleLater) {
  begin_here(2);
  assign(1, "a#1", outside->now + 7000 * kMs);
  EXPECT_EQ(asked<ExecuteTaskRequest>("ExecuteTask").timeout_ms(), 7000u);
  EXPECT_EQ(take("ExecuteTask").call.timeout_ns, 7000 * kMs + NsnWorker::kMarginNs);
  assign(2, "b#1");
  EXPECT_EQ(asked<ExecuteTaskRequest>("ExecuteTask").timeout_ms(), 600'000u);
  outside->take();
  assign(3, "c#1");
  EXPECT_EQ(outside->take(), Log{"done 3 unsent"});
}

TEST_F(NsnWorkerTest, WhatIsPastItsDeadlineOrCannotBeSaidIsNotSent) {
  begin_here();
  assign(1, "a#1", outside->now);
  EXPECT_EQ(outside->take(), (Log{"done 1 deadline", "grant 1"}));
  worker->assign({.id = 2, .unfit = "two refs"});
  EXPECT_EQ(outside->take(), (Log{"done 2 unsent", "grant 1"}));
  EXPECT_EQ(outside->last_why, "two refs");
}

TEST_F(NsnWorkerTest, BothPartsOfAResultArrive) {
  begin_here();
  assign(1, "a#1");
  executed(true, "Qm1", "{}");
  EXPECT_EQ(outside->take(), (Log{"ExecuteTask", R"(done 1 {"status":"success","ref":"Qm1","value":"e30="})", "grant 1"}));
}

TEST_F(NsnWorkerTest, AFailureIsTheSidecarsWord) {
  begin_here(4);
  for (heddle_id id = 1; id <= 4; ++id) assign(id, "a#" + std::to_string(id));
  outside->take();
  answer<ExecuteTaskResponse>("ExecuteTask", [](auto& a) { a.set_error_message("no such file"); });
  EXPECT_EQ(outside->last_why, "no such file");
  fail("ExecuteTask", fault(CallEnd::kNotFound, "no model m"));
  fail("ExecuteTask", fault(CallEnd::kNotUnderstood));
  fail("ExecuteTask", fault(CallEnd::kUnsent));
  EXPECT_EQ(outside->take(), (Log{"done 1 failed", "grant 1", "done 2 failed", "grant 1", "done 3 not-understood", "grant 1", "done 4 unsent", "grant 1", "HealthCheck"}));
}

TEST_F(NsnWorkerTest, PollsTellTheProgressOncePerSecond) {
  begin_here();
  assign(1, "a#1");
  outside->pass(1000 * kMs);
  EXPECT_EQ(asked<GetTaskStatusRequest>("GetTaskStatus").task_id(), "a#1");
  status("running", 0.426f, "decode");
  EXPECT_EQ(outside->take(), (Log{"ExecuteTask", "GetTaskStatus", R"(progress 1 {"percent":43,"message":"decode"})"}));
  outside->pass(1000 * kMs);
  outside->pass(1000 * kMs);  // the second one is not answered yet
  EXPECT_EQ(outside->take(), Log{"GetTaskStatus"});
  status("completed", 1);  // its call says more
  EXPECT_EQ(outside->take(), Log{});
}

TEST_F(NsnWorkerTest, ManyOpenTasksArePolledInTurnsAndNeverTooManyAtATime) {
  constexpr size_t kAll = NsnWorker::kMostPolls * 2;
  begin_here(kAll);
  for (heddle_id id = 1; id <= kAll; ++id) assign(id, "a#" + std::to_string(id));
  outside->take();
  std::map<std::string, int> polled;
  for (int second = 0; second < 2; ++second) {
    outside->pass(1000 * kMs);
    for (size_t n = 0; n < NsnWorker::kMostPolls; ++n) {
      ++polled[asked<GetTaskStatusRequest>("GetTaskStatus").task_id()];
      status("running");
    }
    EXPECT_FALSE(is_on_its_way("GetTaskStatus"));
  }
  EXPECT_EQ(polled.size(), kAll);
}

TEST_F(NsnWorkerTest, OfManyBrokenCallsEachIsAskedForAsSoonAsItsTurnComes) {
  constexpr size_t kAll = NsnWorker::kMostPolls + 6;
  begin_here(kAll);
  for (heddle_id id = 1; id <= kAll; ++id) assign(id, "a#" + std::to_string(id));
  for (size_t n = 0; n < kAll; ++n) fail("ExecuteTask", fault(CallEnd::kBroken));
  EXPECT_EQ(std::count(outside->log.begin(), outside->log.end(), "GetTaskStatus"), NsnWorker::kMostPolls);
  std::set<std::string> polled;
  for (size_t n = 0; n < kAll; ++n) {
    EXPECT_TRUE(polled.insert(asked<GetTaskStatusRequest>("GetTaskStatus").task_id()).second);
    status("running");
  }
  EXPECT_FALSE(is_on_its_way("GetTaskStatus"));
}

TEST_F(NsnWorkerTest, ATaskThatWasThereBeforeIsAttachedTo) {
  begin_here();
  assign(1, "a#1");
  fail("ExecuteTask", fault(CallEnd::kExists));
  status("running", 0.5f);
  outside->pass(1000 * kMs);
  answer<GetTaskStatusResponse>("GetTaskStatus", [](auto& a) {
    a.set_status("failed");
    a.set_error_message("out of memory");
  });
  EXPECT_EQ(outside->take(), (Log{"ExecuteTask", "GetTaskStatus", R"(progress 1 {"percent":50})", "GetTaskStatus", "done 1 failed", "grant 1"}));
  EXPECT_EQ(outside->last_why, "out of memory");
}

TEST_F(NsnWorkerTest, OfABrokenCallPollsTellWhatBecame) {
  begin_here(4);
  for (heddle_id id = 1; id <= 4; ++id) assign(id, "a#" + std::to_string(id));
  outside->take();
  for (int n = 0; n < 4; ++n) fail("ExecuteTask", fault(CallEnd::kBroken, "reset"));
  EXPECT_EQ(outside->take(), (Log{"GetTaskStatus", "HealthCheck", "GetTaskStatus", "GetTaskStatus", "GetTaskStatus"}));
  status("completed");
  EXPECT_NE(outside->last_why.find("completed it"), std::string::npos) << outside->last_why;
  status("cancelled");
  EXPECT_NE(outside->last_why.find("by itself"), std::string::npos) << outside->last_why;
  fail("GetTaskStatus", fault(CallEnd::kNotFound));
  status("done");
  EXPECT_EQ(outside->take(), (Log{"done 1 lost", "grant 1", "done 2 failed", "grant 1", "done 3 lost", "grant 1", "done 4 not-understood", "grant 1"}));
}

TEST_F(NsnWorkerTest, OfABrokenCallThatNobodyTellsOfItIsLostAfterAWhile) {
  begin_here();
  assign(1, "a#1");
  fail("ExecuteTask", fault(CallEnd::kBroken, "reset"));
  fail("HealthCheck", fault(CallEnd::kUnsent, "refused"));
  outside->take();
  for (int second = 0; second < 3; ++second) {
    fail("GetTaskStatus", fault(CallEnd::kUnsent, "refused"));
    EXPECT_EQ(std::count(outside->log.begin(), outside->log.end(), "done 1 lost"), 0);
    outside->pass(1000 * kMs);
  }
  EXPECT_EQ(std::count(outside->log.begin(), outside->log.end(), "done 1 lost"), 1);
}

TEST_F(NsnWorkerTest, OneThatComesBackInTimeGoesOn) {
  begin_here();
  assign(1, "a#1");
  fail("ExecuteTask", fault(CallEnd::kBroken, "reset"));
  outside->take();
  for (int second = 0; second < 5; ++second) {  // longer than it would be waited for, had nothing been heard
    status("running");
    outside->pass(1000 * kMs);
  }
  EXPECT_EQ(std::count(outside->log.begin(), outside->log.end(), "done 1 lost"), 0);
}

TEST_F(NsnWorkerTest, ABrokenCallOfOneWithoutGetTaskStatusIsLost) {
  begin_here(2);
  assign(1, "a#1");
  assign(2, "b#1");
  fail("ExecuteTask", fault(CallEnd::kBroken));
  outside->take();
  fail("GetTaskStatus", fault(CallEnd::kUnimplemented));
  EXPECT_EQ(outside->take(), (Log{"done 1 lost", "grant 1"}));
  fail("ExecuteTask", fault(CallEnd::kBroken));
  EXPECT_EQ(outside->take(), (Log{"done 2 lost", "grant 1"}));
}

TEST_F(NsnWorkerTest, ACancelIsSaidAndObeyed) {
  begin_here();
  assign(1, "a#1");
  worker->cancel(1, "nobody wants it", 100 * kMs);
  EXPECT_EQ(asked<CancelTaskRequest>("CancelTask").reason(), "nobody wants it");
  answer<CancelTaskResponse>("CancelTask", [](auto& a) { a.set_success(true); });
  executed(false);
  EXPECT_EQ(outside->take(), (Log{"ExecuteTask", "CancelTask", "done 1 cancelled", "grant 1"}));
  outside->pass(500 * kMs);
  EXPECT_EQ(outside->take(), Log{});
  EXPECT_FALSE(worker->cancel(1, "again", 0));
}

TEST_F(NsnWorkerTest, ACancelThatIsIgnoredCutsTheCallAndKeepsTheSlotUntilItIsSurelyFree) {
  begin_here();
  assign(1, "a#1");
  worker->cancel(1, "enough", 100 * kMs);
  outside->pass(100 * kMs);
  EXPECT_EQ(outside->take(), (Log{"ExecuteTask", "CancelTask", "done 1 cancelled"}));
  const FakeCalls::One call = take("ExecuteTask");
  EXPECT_TRUE(call.ongoing->is_cut);
  call.call.ended(fault(CallEnd::kCut));
  outside->pass(900 * kMs);
  status("running");
  EXPECT_EQ(outside->take(), Log{"GetTaskStatus"});
  outside->pass(1000 * kMs);
  status("cancelled");
  EXPECT_EQ(outside->take(), (Log{"GetTaskStatus", "grant 1"}));
}

TEST_F(NsnWorkerTest, OfOneThatCannotBeAskedTheSlotIsFreeAgainAfterItsDeadline) {
  begin_here();
  assign(1, "a#1", outside->now + 10'000 * kMs);
  outside->pass(1000 * kMs);
  fail("GetTaskStatus", fault(CallEnd::kUnimplemented));
  worker->cancel(1, "enough", 0);
  outside->pass(1);
  outside->take();
  outside->pass(8'000 * kMs);
  EXPECT_EQ(std::count(outside->log.begin(), outside->log.end(), "grant 1"), 0);
  outside->pass(1'000 * kMs);
  EXPECT_EQ(std::count(outside->log.begin(), outside->log.end(), "grant 1"), 1);
}

TEST_F(NsnWorkerTest, WhatHangsPastItsDeadlineIsCancelledAndItsSlotStaysTaken) {
  begin_here();
  assign(1, "a#1", outside->now + 1000 * kMs);
  fail("ExecuteTask", fault(CallEnd::kLate));
  EXPECT_EQ(outside->take(), (Log{"ExecuteTask", "CancelTask", "done 1 deadline"}));
  fail("CancelTask", fault(CallEnd::kUnimplemented));
  EXPECT_EQ(outside->take(), Log{"GetTaskStatus"});
  fail("GetTaskStatus", fault(CallEnd::kNotFound));
  EXPECT_EQ(outside->take(), Log{"grant 1"});
}

TEST_F(NsnWorkerTest, WhatWasAttachedToEndsAtItsDeadlineToo) {
  begin_here();
  assign(1, "a#1", outside->now + 1000 * kMs);
  fail("ExecuteTask", fault(CallEnd::kExists));
  status("running");
  outside->pass(1000 * kMs);
  status("running");
  outside->pass(NsnWorker::kMarginNs);
  EXPECT_EQ(std::count(outside->log.begin(), outside->log.end(), "done 1 deadline"), 1);
  EXPECT_TRUE(is_on_its_way("CancelTask"));
}

TEST_F(NsnWorkerTest, OneThatIsBusyWithTasksNeedNotAnswerAndOneThatIsIdleMust) {
  begin_here();
  assign(1, "a#1");
  outside->pass(NsnWorker::kPollNs * NsnWorker::kWatchPolls);
  fail("HealthCheck", fault(CallEnd::kLate));
  executed(true);
  const Log log = outside->take();
  EXPECT_EQ(log.back(), "grant 1");
  outside->pass(NsnWorker::kPollNs * NsnWorker::kWatchPolls);
  fail("HealthCheck", fault(CallEnd::kLate, "no answer"));
  EXPECT_EQ(outside->take().back(), "gone: the sidecar at here:1: HealthCheck: no answer");
}

TEST_F(NsnWorkerTest, ADrainTakesNothingMore) {
  begin_here();
  assign(1, "a#1");
  worker->drain();
  executed(true);
  EXPECT_EQ(outside->take(), (Log{"ExecuteTask", R"(done 1 {"status":"success"})"}));
}

TEST_F(NsnWorkerTest, AProbeTellsWhatItSaysOfItself) {
  begin_here();
  const auto probe = [&] { worker->probe([&](Value facts, const std::string& why) { outside->log.push_back(facts ? std::string(facts.json()) : why); }); };
  probe();
  answer<HealthCheckResponse>("HealthCheck", [](auto& a) {
    a.set_healthy(true);
    a.set_status("idle");
    a.mutable_metrics()->set_memory_used_bytes(5);
  });
  answer<GetVramStatusResponse>("GetVramStatus", [](auto& a) { a.set_total_vram_gb(24); });
  const std::string said = outside->take().back();
  for (const char* part : {R"("status":"idle")", R"("memory_used_bytes":5)", R"("total_vram_gb":24)", R"("slots":1,"in_hand":0)"}) EXPECT_NE(said.find(part), said.npos) << said;
  probe();
  fail("GetVramStatus", fault(CallEnd::kUnimplemented));
  fail("HealthCheck", fault(CallEnd::kLate, "no answer"));
  EXPECT_EQ(outside->take().back(), "the sidecar at here:1: HealthCheck: no answer");
  probe();
  worker->disconnect([] {});
  for (const char* method : {"GetVramStatus", "HealthCheck"}) fail(method, fault(CallEnd::kCut, "given up"));
  EXPECT_EQ(outside->take().back(), "the sidecar at here:1: HealthCheck: given up");
}

TEST_F(NsnWorkerTest, ADisconnectCancelsWhatIsOpenAndWaitsForItsCalls) {
  begin_here(2);
  assign(1, "a#1");
  outside->take();
  worker->disconnect([&] { outside->log.push_back("over"); });
  EXPECT_EQ(outside->take(), (Log{"CancelTask", "done 1 cancelled"}));
  const FakeCalls::One call = take("ExecuteTask");
  EXPECT_TRUE(call.ongoing->is_cut);
  call.call.ended(fault(CallEnd::kCut));
  EXPECT_EQ(outside->take(), Log{});
  fail("CancelTask", fault(CallEnd::kLate));
  EXPECT_EQ(outside->take(), Log{"over"});
}

}  // namespace
}  // namespace sidecar_grpc
