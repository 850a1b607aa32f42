#include "plugin/call.h"

#include <gtest/gtest.h>

#include <cstring>

#include <thread>

namespace heddle {
namespace {

struct Owner : CallOwner {
  void wake(CallBatch&) noexcept override { ++wakes; }
  void fault(std::string_view rule) noexcept override { faults.emplace_back(rule); }
  std::string_view trace() const noexcept override { return traceparent; }
  std::atomic<int> wakes{0};
  std::vector<std::string> faults;
  std::string traceparent;
};

const heddle_call_service& call() { return call_service(); }
heddle_op* op_of(CallBatch& batch, uint32_t i) { return call().op(batch.handle(i)); }
void complete(heddle_op* op, heddle_status status = HEDDLE_OK, const char* why = "") { op_service().complete(op, status, nullptr, {why, strlen(why)}); }

ItemList items(size_t n) {
  ItemList out;
  for (size_t i = 0; i < n; ++i) {
    out.push_back({.value = Value::integer(static_cast<int64_t>(1000 + i)).release(), .id = i + 1, .sequence = i + 1});
  }
  return out;
}

std::vector<int64_t> drain(ItemList& outlet) {
  std::vector<int64_t> out;
  for (RawItem& item : outlet) out.push_back(*Value::adopt(item.value).as_int());
  outlet.clear();
  return out;
}

void in_thread(const std::function<void()>& f) { std::thread(f).join(); }

TEST(CallBatch, MovesAnInputThrough) {
  Owner owner;
  CallBatch batch(4, 1, owner);
  batch.open_own(items(2), {});
  batch.enter();
  for (uint32_t i = 0; i < 2; ++i) {
    EXPECT_EQ(call().emit(batch.handle(i), 0, call().take(batch.handle(i))), HEDDLE_OK);
    complete(op_of(batch, i));
  }
  EXPECT_TRUE(batch.leave());
  EXPECT_EQ(batch.open_calls(), 0u);
  EXPECT_EQ(batch.outlet(0)[1].sequence, 2u);
  EXPECT_EQ(drain(batch.outlet(0)), (std::vector<int64_t>{1000, 1001}));
  EXPECT_TRUE(owner.faults.empty());
}

TEST(CallBatch, HasTheTraceOfItsOwner) {
  Owner owner, other;
  owner.traceparent = "00-1-1-01";
  CallBatch batch(1, 1, owner), elsewhere(1, 1, other);
  const auto trace_of = [](CallBatch& b) {
    b.open_own(items(1), {});
    b.enter();
    const heddle_str trace = op_service().trace(op_of(b, 0));
    complete(op_of(b, 0));
    b.leave();
    return std::string(trace.ptr ? trace.ptr : "", trace.len);
  };
  EXPECT_EQ(trace_of(batch), "00-1-1-01");
  EXPECT_EQ(trace_of(elsewhere), "");
}

TEST(CallBatch, AnInputCanBeTakenOnce) {
  Owner owner;
  CallBatch batch(1, 1, owner);
  batch.open_own(items(1), {});
  batch.enter();
  const Value taken = Value::adopt(call().take(batch.handle(0)));
  EXPECT_TRUE(taken);
  EXPECT_EQ(call().take(batch.handle(0)), nullptr);
  EXPECT_EQ(call().input(batch.handle(0)), nullptr);
  complete(op_of(batch, 0));
  batch.leave();
}

TEST(CallBatch, ASecondCompletionIsAFaultAndChangesNothing) {
  Owner owner;
  CallBatch batch(2, 1, owner);
  batch.open_own(items(2), {});
  batch.enter();
  complete(op_of(batch, 0));
  complete(op_of(batch, 0), HEDDLE_INVALID, "again");
  complete(op_of(batch, 1));
  batch.leave();
  EXPECT_EQ(owner.faults, std::vector<std::string>{"completed a call twice"});
  EXPECT_TRUE(batch.failures().empty());
}

TEST(CallBatch, AnAnswerToAnEarlierGenerationDoesNotTouchTheCallOfNow) {
  Owner owner;
  CallBatch batch(1, 1, owner);
  batch.open_own(items(1), {});
  heddle_call* old = batch.handle(0);
  batch.enter();
  complete(call().op(old));
  batch.leave();
  batch.open_own(items(1), {});
  batch.enter();
  complete(call().op(old));
  EXPECT_EQ(call().take(old), nullptr);
  Value value = Value::integer(1);
  EXPECT_EQ(call().emit(old, 0, value.get()), HEDDLE_INVALID);
  in_thread([&] { complete(call().op(old)); });
  EXPECT_EQ(batch.open_calls(), 1u);
  EXPECT_EQ(owner.faults.size(), 3u);
  complete(op_of(batch, 0));
  batch.leave();
  EXPECT_EQ(batch.open_calls(), 0u);
}

TEST(CallBatch, AFailureCarriesClassReasonDetailsAndTheOriginal) {
  Owner owner;
  CallBatch batch(1, 1, owner);
  batch.open_own(items(1), {});
  batch.enter();
  const std::string why = "the other side is down";
  op_service().complete(op_of(batch, 0), HEDDLE_UNAVAILABLE, Value::integer(503).release(), {why.data(), why.size()});
  batch.leave();
  ASSERT_EQ(batch.failures().size(), 1u);
  const Error& error = batch.failures()[0].error;
  EXPECT_EQ(error.error_class, ErrorClass::kRetryable);
  EXPECT_EQ(error.message, why);
  EXPECT_EQ(error.details, "503");
  EXPECT_EQ(batch.original(0).as_int(), 1000);
}

TEST(CallBatch, AKeptInputSurvivesTheNodesTake) {
  Owner owner;
  CallBatch batch(1, 1, owner);
  batch.open_own(items(1), {.keep_inputs = true});
  batch.enter();
  Value::adopt(call().take(batch.handle(0)));
  complete(op_of(batch, 0), HEDDLE_INTERNAL, "after the take");
  batch.leave();
  EXPECT_EQ(batch.original(0).as_int(), 1000);
}

TEST(CallBatch, EmitIsAgainWithoutCreditAndTheValueStaysWithTheCaller) {
  Owner owner;
  CallBatch batch(1, 2, owner);
  batch.open_own(items(1), {});
  batch.enter();
  for (size_t i = 0; i < CallBatch::kCredit; ++i) ASSERT_EQ(call().emit(batch.handle(0), 1, Value::integer(1).release()), HEDDLE_OK);
  const Value mine = Value::integer(7);
  EXPECT_EQ(call().emit(batch.handle(0), 1, mine.get()), HEDDLE_AGAIN);
  EXPECT_EQ(mine.as_int(), 7);
  batch.leave();
  EXPECT_TRUE(batch.has_awaiting());
  EXPECT_EQ(drain(batch.outlet(1)).size(), CallBatch::kCredit);
  batch.drained();
  batch.enter();
  EXPECT_EQ(batch.take_awaiting(0), 1);
  EXPECT_EQ(call().emit(batch.handle(0), 1, Value(mine).release()), HEDDLE_OK);
  complete(op_of(batch, 0));
  batch.leave();
  EXPECT_FALSE(batch.has_awaiting());
  EXPECT_EQ(drain(batch.outlet(1)), std::vector<int64_t>{7});
}

TEST(CallBatch, APortThatIsNotThereIsAFaultFromAnyThread) {
  Owner owner;
  CallBatch batch(1, 1, owner);
  batch.open_own(items(1), {});
  const Value value = Value::integer(1);
  batch.enter();
  EXPECT_EQ(call().emit(batch.handle(0), 1, value.get()), HEDDLE_INVALID);
  in_thread([&] { EXPECT_EQ(call().emit(batch.handle(0), 9, value.get()), HEDDLE_INVALID); });
  complete(op_of(batch, 0));
  batch.leave();
  EXPECT_EQ(owner.faults.size(), 2u);
}

TEST(CallBatch, ACallThatEmittedOnNoPortFailsForItOnceUnlessItFailedItself) {
  Owner owner;
  CallBatch batch(4, 1, owner);
  batch.open_own(items(4), {});
  batch.enter();
  const auto breach = [&](uint32_t i) {
    Value v = Value::integer(1);
    EXPECT_EQ(call().emit(batch.handle(i), 7, const_cast<heddle_value*>(v.get())), HEDDLE_INVALID);
  };
  breach(0);
  breach(0);
  complete(op_of(batch, 0));
  breach(1);
  complete(op_of(batch, 1), HEDDLE_DENIED, "no");
  in_thread([&] { breach(2); });
  for (uint32_t i : {2u, 3u}) complete(op_of(batch, i));
  batch.leave();
  batch.fail_breaches();
  batch.fail_breaches();
  std::vector<std::pair<uint32_t, std::string>> failed;
  for (const CallFailure& f : batch.failures()) failed.emplace_back(f.index, f.error.code);
  EXPECT_EQ(failed, (std::vector<std::pair<uint32_t, std::string>>{{1, "denied"}, {0, "broken-contract"}, {2, "broken-contract"}}));
  EXPECT_NE(batch.failures()[1].error.message.find("output port"), std::string::npos);
}

TEST(CallBatch, AnswersFromOtherThreadsAreAppliedWhenTheThreadInsideLeaves) {
  Owner owner;
  CallBatch batch(2, 1, owner);
  batch.open_own(items(2), {});
  batch.enter();
  in_thread([&] {
    EXPECT_EQ(call().emit(batch.handle(1), 0, call().take(batch.handle(1))), HEDDLE_OK);
    complete(op_of(batch, 1));
  });
  complete(op_of(batch, 0));
  EXPECT_EQ(batch.open_calls(), 1u);
  EXPECT_TRUE(batch.leave());
  EXPECT_EQ(batch.open_calls(), 0u);
  EXPECT_EQ(drain(batch.outlet(0)), std::vector<int64_t>{1001});
  EXPECT_EQ(owner.wakes, 0);
}

TEST(CallBatch, OfTwoThreadsThatCompleteACallAtTheSameMomentOneIsFirst) {
  struct CountingOwner : CallOwner {
    void wake(CallBatch&) noexcept override {}
    void fault(std::string_view rule) noexcept override { faults += rule == "completed a call twice"; }
    std::atomic<int> faults{0};
  } owner;
  constexpr int kRounds = 20'000;
  CallBatch batch(1, 1, owner);
  std::atomic<heddle_op*> contested{nullptr};
  std::atomic<int> done{0};
  std::thread other([&] {
    for (int round = 0; round < kRounds; ++round) {
      heddle_op* op;
      while (!(op = contested.exchange(nullptr))) std::this_thread::yield();
      complete(op, HEDDLE_INVALID, "elsewhere");
      ++done;
    }
  });
  for (int round = 0; round < kRounds; ++round) {
    batch.open_own(items(1), {});
    batch.enter();
    contested = op_of(batch, 0);
    while (contested.load()) std::this_thread::yield();  // it is about to
    complete(op_of(batch, 0));
    while (done.load() <= round) std::this_thread::yield();
    ASSERT_TRUE(batch.leave());
    ASSERT_EQ(batch.open_calls(), 0u) << "in round " << round;
    ASSERT_EQ(owner.faults.load(), round + 1);
  }
  other.join();
}

TEST(CallBatch, AnEmitWithoutAValueIsAFaultFromAnyThread) {
  Owner owner;
  CallBatch batch(1, 1, owner);
  batch.open_own(items(1), {});
  batch.enter();
  EXPECT_EQ(call().emit(batch.handle(0), 0, nullptr), HEDDLE_INVALID);
  in_thread([&] { EXPECT_EQ(call().emit(batch.handle(0), 0, nullptr), HEDDLE_INVALID); });
  complete(op_of(batch, 0));
  batch.leave();
  EXPECT_TRUE(batch.outlet(0).empty());
  EXPECT_EQ(owner.faults, (std::vector<std::string>{"emitted no value", "emitted no value"}));
}

TEST(CallBatch, AReasonThatLiesNowhereIsNone) {
  Owner owner;
  CallBatch batch(1, 1, owner);
  batch.open_own(items(1), {});
  batch.enter();
  op_service().complete(op_of(batch, 0), HEDDLE_INVALID, nullptr, {nullptr, 4711});
  batch.leave();
  ASSERT_EQ(batch.failures().size(), 1u);
  EXPECT_EQ(batch.failures()[0].error.message, "");
}

TEST(CallBatch, CreditForOtherThreadsIsNewWithEveryBatch) {
  Owner owner;
  CallBatch batch(1, 1, owner);
  for (int round = 0; round < 3; ++round) {
    batch.open_own(items(1), {.guarded = true});
    batch.enter();
    for (size_t i = 0; i < CallBatch::kCredit; ++i) ASSERT_EQ(call().emit(batch.handle(0), 0, Value::integer(1).release()), HEDDLE_OK);
    complete(op_of(batch, 0));
    batch.leave();
    drain(batch.outlet(0));
  }
}

TEST(CallBatch, AnAnswerAfterProcessReturnedWakesTheOwnerOnce) {
  Owner owner;
  CallBatch batch(2, 1, owner);
  batch.open_own(items(2), {.guarded = true});
  batch.enter();
  ASSERT_TRUE(batch.leave());
  in_thread([&] {
    complete(op_of(batch, 0));
    complete(op_of(batch, 1), HEDDLE_EXHAUSTED, "full");
  });
  EXPECT_EQ(owner.wakes, 1);
  batch.settle();
  EXPECT_EQ(batch.open_calls(), 0u);
  EXPECT_EQ(batch.failures().size(), 1u);
}

TEST(CallBatch, TheAnswerOfACallThatWasGivenUpIsOwedOnce) {
  Owner owner;
  CallBatch batch(2, 1, owner);
  batch.open_own(items(2), {.guarded = true});
  batch.enter();
  complete(op_of(batch, 0));
  ASSERT_TRUE(batch.leave());
  EXPECT_EQ(batch.give_up(), std::vector<uint32_t>{1});
  EXPECT_EQ(batch.open_calls(), 0u);
  const heddle_call* const late = batch.handle(1);
  in_thread([&] {
    Value more = Value::integer(1);
    EXPECT_EQ(call().emit(const_cast<heddle_call*>(late), 0, more.get()), HEDDLE_INVALID);
    complete(op_of(batch, 1));
  });
  EXPECT_TRUE(owner.faults.empty());
  in_thread([&] { complete(op_of(batch, 1)); });
  EXPECT_EQ(owner.faults, std::vector<std::string>{"completed a call twice"});
  batch.open_own(items(2), {.guarded = true});
  in_thread([&] { complete(call().op(const_cast<heddle_call*>(late))); });
  EXPECT_EQ(owner.faults.size(), 2u) << "and does not touch the call that has its place now";
  EXPECT_EQ(batch.open_calls(), 2u);
  batch.give_up();
}

TEST(CallBatch, AHungThreadIsToldThatItWasGivenUp) {
  Owner owner;
  auto batch = std::make_unique<CallBatch>(1, 1, owner);
  const ItemList input = items(1);
  batch->open_own(input, {.guarded = true, .keep_inputs = true});
  batch->enter();
  std::optional<std::vector<uint32_t>> closed;
  in_thread([&] { closed = batch->give_up_hung(); });
  ASSERT_TRUE(closed);
  EXPECT_EQ(*closed, std::vector<uint32_t>{0});
  EXPECT_EQ(batch->original(0).as_int(), 1000);
  EXPECT_EQ(call().take(batch->handle(0)), nullptr);
  complete(op_of(*batch, 0));
  EXPECT_TRUE(owner.faults.empty());
  complete(op_of(*batch, 0));
  EXPECT_EQ(owner.faults.size(), 1u);
  EXPECT_FALSE(batch->leave());
  for (int i = 0; i < 2; ++i) Value::adopt(input[0].value);  // what a hung batch keeps for good: the input, and the second reference to it
}

TEST(CallBatch, AThreadThatHasLeftIsNotHung) {
  Owner owner;
  CallBatch batch(1, 1, owner);
  batch.open_own(items(1), {.guarded = true});
  batch.enter();
  complete(op_of(batch, 0));
  EXPECT_TRUE(batch.leave());
  EXPECT_FALSE(batch.give_up_hung());
}

TEST(CallBatch, TheFirstEmitKeepsTheItemsIdAndOthersGetTheSameOnesAtEveryAttempt) {
  Owner owner;
  CallBatch batch(1, 1, owner);
  std::vector<uint64_t> ids[2];
  for (auto& seen : ids) {
    batch.open_own(items(1), {});
    batch.enter();
    for (int i = 0; i < 3; ++i) call().emit(batch.handle(0), 0, Value::integer(i).release());
    complete(op_of(batch, 0));
    batch.leave();
    for (const RawItem& item : batch.outlet(0)) seen.push_back(item.id);
    drain(batch.outlet(0));
  }
  EXPECT_EQ(ids[0][0], 1u);
  EXPECT_NE(ids[0][1], ids[0][2]);
  EXPECT_EQ(ids[0], ids[1]);
}

TEST(StartOp, AnswersOnce) {
  int answers = 0;
  StartOp op([&](Result<Value> outcome) {
    ++answers;
    EXPECT_FALSE(outcome);
  });
  EXPECT_TRUE(op.complete(0, HEDDLE_INVALID, nullptr, {"no", 2}));
  EXPECT_FALSE(op.complete(0, HEDDLE_OK, nullptr, {nullptr, 0}));
  EXPECT_EQ(answers, 1);
}

TEST(StartOp, CarriesAResultAndKnowsAnEarlierHandle) {
  int64_t answer = 0;
  std::vector<std::string> faults;
  StartOp op([&](Result<Value> outcome) { answer = outcome->as_int().value_or(-1); });
  op.on_fault([&](std::string_view rule) { faults.emplace_back(rule); });
  heddle_op* const first = op.handle();
  op_service().complete(first, HEDDLE_OK, Value::integer(7).release(), {});
  EXPECT_EQ(answer, 7);
  op.reopen([&](Result<Value> outcome) { answer = outcome->as_int().value_or(-1); });
  op_service().complete(first, HEDDLE_OK, Value::integer(8).release(), {});
  EXPECT_EQ(answer, 7);
  EXPECT_EQ(faults, std::vector<std::string>{"completed an operation twice"});
  op_service().complete(op.handle(), HEDDLE_OK, Value::integer(9).release(), {});
  EXPECT_EQ(answer, 9);
}

TEST(StartOp, IsNoCall) {
  std::vector<std::string> faults;
  StartOp op([](Result<Value>) {});
  op.on_fault([&](std::string_view rule) { faults.emplace_back(rule); });
  auto* const c = reinterpret_cast<heddle_call*>(op.handle());
  const Value v = Value::integer(7);
  heddle_item item{};
  item.struct_size = sizeof item;
  EXPECT_EQ(call().input(c), nullptr);
  EXPECT_FALSE(call().item(c, &item));
  EXPECT_EQ(call().take(c), nullptr);
  EXPECT_EQ(call().emit(c, 0, v.get()), HEDDLE_INVALID);
  call().progress(c, v.get());
  EXPECT_EQ(faults, std::vector<std::string>(3, "took an operation for a call"));
  EXPECT_TRUE(op.complete(0, HEDDLE_OK, nullptr, {}));
}

}  // namespace
}  // namespace heddle
