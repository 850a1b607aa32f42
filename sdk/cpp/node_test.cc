// What the SDK promises the author of a node, and the host.
#include <gtest/gtest.h>
#include <heddle/sdk.h>
#include <heddle/sdk/fake_host.h>

HEDDLE_PLUGIN("node_test", "1.0.0", "Apache-2.0", "Nodes of every shape");

namespace {

using namespace heddle::sdk;
using Texts = std::vector<std::string>;
using std::chrono::milliseconds;

struct TakesRef {
  Value process(ValueRef in) { return Value::share(in); }
};
HEDDLE_NODE(TakesRef, "TakesRef", HEDDLE_NO_PARAMS);

struct TakesMoved {
  Value process(Value in) noexcept { return in; }
};
HEDDLE_NODE(TakesMoved, "TakesMoved", HEDDLE_NO_PARAMS);

struct TakesShared {
  Value process(Value in) {
    if (in.is_null()) throw Error(HEDDLE_INVALID, "null");
    return in;
  }
};
HEDDLE_NODE(TakesShared, "TakesShared", HEDDLE_NO_PARAMS);

HEDDLE_LAMBDA_NODE("Truths", HEDDLE_NO_PARAMS, [](ValueRef in) -> std::optional<Value> {
  if (in.as_bool().value_or(false)) return Value::share(in);
  return std::nullopt;
});

HEDDLE_LAMBDA_NODE("Plus", R"("params":{"type":"object"})", [](const Config& config) {
  return [by = config.get<int64_t>("by", 1)](ValueRef in) { return Value::integer(in.as_int().value() + by); };
});

struct Throws {
  Value process(ValueRef in) {
    std::string what(in.as_text().value_or(""));
    if (what == "error") throw Error(HEDDLE_UNAVAILABLE, "away");
    if (what == "status") throw Error(HEDDLE_OK, "no status");
    if (what == "argument") throw std::invalid_argument("bad argument");
    if (what == "memory") throw std::bad_alloc();
    if (what == "logic") throw std::logic_error("a bug");
    if (what == "number") throw 7;
    return Value();
  }
};
HEDDLE_NODE(Throws, "Throws", HEDDLE_NO_PARAMS);

// Gives each call of a batch the size of the batch; throws at the text "throw", and forgets those that are null.
struct AtOnce {
  void process(std::span<Call> calls) {
    for (Call& call : calls) {
      if (call.input().as_text() == "throw") throw Error(HEDDLE_UNAVAILABLE, "away");
      if (call.input().is_null()) continue;
      call.emit(Value::integer(static_cast<int64_t>(calls.size())));
      call.complete();
    }
  }
};
HEDDLE_NODE(AtOnce, "AtOnce", HEDDLE_NO_PARAMS);

struct ByHand {
  void process(Call& call) {
    if (call.input().is_null()) return;  // forgets to answer
    call.emit(1, call.take());
    call.emit(Value::integer(static_cast<int64_t>(call.item().sequence)));
    call.complete();
  }
  void finish(Call& call) {
    call.emit(Value::string(call.input() ? "an input" : "no input"));
    call.complete();
  }
};
HEDDLE_NODE(ByHand, "ByHand", R"("outputs":[{"name":"a"},{"name":"b"}],)" HEDDLE_NO_PARAMS);

// Keeps what finds no room.
class Keeper {
 public:
  void process(Call& call) {
    Value v = Value::share(call.input());
    if (call.try_emit(0, v)) return call.complete();
    kept_ = std::move(call);
    value_ = std::move(v);
  }
  void resume(CallId id, uint32_t port) {
    if (id != kept_.id() || !kept_.try_emit(port, value_)) return;
    kept_.complete();
  }
  void cancel(CallId id) {
    if (id == kept_.id()) kept_.fail(HEDDLE_CANCELLED, "given up");
  }

 private:
  Value value_;
  Call kept_{nullptr};
};
HEDDLE_NODE(Keeper, "Keeper", R"("max_in_flight":1,)" HEDDLE_NO_PARAMS);

class Lives {
 public:
  explicit Lives(const Config& config) : refuse_(config.get<std::string>("refuse", "")) {
    if (refuse_ == "create") throw Error(HEDDLE_INVALID, "will not be made");
  }
  void activate() {
    if (refuse_ == "activate") throw std::runtime_error("will not start");
  }
  void deactivate() {
    if (refuse_ == "deactivate") throw Error(HEDDLE_UNAVAILABLE, "will not stop");
  }
  Value process(ValueRef) { return Value::integer(++count_); }
  Value save() { return Value::integer(count_); }
  void restore(ValueRef saved) {
    if (!saved.as_int()) throw Error(HEDDLE_INVALID, "no count");
    count_ = *saved.as_int();
  }

 private:
  std::string refuse_;
  int64_t count_ = 0;
};
HEDDLE_NODE(Lives, "Lives", R"("params":{"type":"object"})");

HEDDLE_LAMBDA_NODE("Sleeper", R"("max_in_flight":4,)" HEDDLE_NO_PARAMS, [](Call call) -> Async {
  co_await heddle::sdk::sleep(milliseconds(10));
  co_await next_job();
  if (call.input().is_null()) throw Error(HEDDLE_DENIED, "no nulls");
  co_await emit(call, Value::share(call.input()));
  co_await emit(call, call.take());
  call.complete();
});

HEDDLE_LAMBDA_NODE("Stubborn", R"("max_in_flight":4,)" HEDDLE_NO_PARAMS, [](Call call) -> Async {
  try {
    co_await heddle::sdk::sleep(std::chrono::hours(1));
  } catch (const Error& e) {
    call.emit(Value::string(e.what()));
  }
  call.complete();
});

HEDDLE_LAMBDA_NODE("Forgetful", R"("max_in_flight":4,)" HEDDLE_NO_PARAMS, [](Call call) -> Async {
  co_await next_job();
  if (call.input().is_null()) call.complete();
});

class Sdk : public testing::Test {
 protected:
  void TearDown() override {
    EXPECT_EQ(host_->faults(), Texts{});
    host_.reset();
    EXPECT_EQ(FakeHost::live_values(), 0);
  }
  FakeNode create(std::string_view type, std::string_view params = "{}") { return host_->create(type, params); }
  std::unique_ptr<FakeHost> host_ = std::make_unique<FakeHost>();
};

template <class Fn>
std::string error_of(Fn&& fn) {
  try {
    fn();
    return "";
  } catch (const Error& e) {
    return std::to_string(e.status()) + " " + e.what();
  }
}

TEST_F(Sdk, AnInputIsTakenOnlyFromANodeThatCannotFail) {
  EXPECT_TRUE(create("TakesMoved").send("1")->taken());
  EXPECT_FALSE(create("TakesRef").send("1")->taken());
  FakeNode shared = create("TakesShared");
  EXPECT_EQ(shared.send("1")->outputs(), Texts{"1"});
  FakeCall* failed = shared.send("null");
  EXPECT_EQ(failed->status(), HEDDLE_INVALID);
  EXPECT_FALSE(failed->taken());
}

TEST_F(Sdk, ABatchIsAnsweredCallByCall) {
  auto calls = create("Truths").send_batch({"true", "false", "1", "true"});
  Texts outputs;
  for (FakeCall* call : calls) {
    EXPECT_EQ(call->status(), HEDDLE_OK);
    outputs.push_back(call->emitted().empty() ? "-" : call->outputs()[0]);
  }
  EXPECT_EQ(outputs, (Texts{"true", "-", "-", "true"}));
}

TEST_F(Sdk, ABatchMayBeProcessedAsAWhole) {
  auto node = create("AtOnce");
  for (FakeCall* call : node.send_batch({"1", "2", "3"})) EXPECT_EQ(call->outputs(), Texts{"3"});
  auto calls = node.send_batch({"1", "null", "\"throw\"", "4"});
  EXPECT_EQ(calls[0]->status(), HEDDLE_OK);
  for (size_t i : {1u, 2u, 3u}) EXPECT_EQ(calls[i]->why(), "away") << "what is thrown answers all that have no answer";
  EXPECT_EQ(node.send("null")->status(), HEDDLE_INTERNAL) << "a forgotten call answers for itself";
}

TEST_F(Sdk, ALambdaMayBeMadeFromParams) {
  EXPECT_EQ(create("Plus").send("1")->outputs(), Texts{"2"});
  EXPECT_EQ(create("Plus", R"({"by":5})").send("1")->outputs(), Texts{"6"});
  EXPECT_EQ(error_of([&] { create("Plus", R"({"by":"5"})"); }), "-2 the param \"by\" has a value of the wrong type");
}

TEST_F(Sdk, WhatIsThrownBecomesTheAnswer) {
  FakeNode node = create("Throws");
  auto answer = [&](const char* text) {
    FakeCall* call = node.send(text);
    return std::to_string(call->status()) + " " + call->why();
  };
  EXPECT_EQ(answer("\"error\""), "-6 away");
  EXPECT_EQ(answer("\"status\""), "-10 no status");
  EXPECT_EQ(answer("\"argument\""), "-2 bad argument");
  EXPECT_EQ(answer("\"memory\""), "-7 out of memory");
  EXPECT_EQ(answer("\"logic\""), "-10 a bug");
  EXPECT_EQ(answer("\"number\""), "-10 something was thrown that is not a std::exception");
  EXPECT_EQ(answer("1"), "-10 emit of an empty value");
}

TEST_F(Sdk, ACallIsEmittedFromAndAnsweredByHand) {
  FakeNode node = create("ByHand");
  node.send("\"first\"");
  FakeCall* call = node.send("\"second\"");
  EXPECT_EQ(call->outputs(0), Texts{"2"});
  EXPECT_EQ(call->outputs(1), Texts{"\"second\""});
  FakeCall* forgotten = node.send("null");
  EXPECT_EQ(forgotten->status(), HEDDLE_INTERNAL);
  EXPECT_EQ(forgotten->why(), "process returned without an answer");
  EXPECT_EQ(node.finish()->outputs(), Texts{"\"no input\""});
}

TEST_F(Sdk, ANodeThatKnowsNoResumeFailsWhereThereIsNoRoom) {
  FakeNode node = create("TakesRef");
  node.set_room(0, 0);
  EXPECT_EQ(node.send("1")->why(), "no room on output port 0");
}

TEST_F(Sdk, AKeptCallGoesOnWhenThereIsRoom) {
  FakeNode node = create("Keeper");
  node.set_room(0, 1);
  EXPECT_TRUE(node.send("1")->done());
  FakeCall* kept = node.send("2");
  EXPECT_FALSE(kept->done());
  node.set_room(0, 1);
  EXPECT_EQ(kept->outputs(), Texts{"2"});
  EXPECT_TRUE(kept->done());
  FakeCall* cancelled = node.send("3");
  node.cancel(cancelled);
  EXPECT_EQ(cancelled->status(), HEDDLE_CANCELLED);
}

TEST_F(Sdk, AKeptCallAnswersForItselfWhenItsNodeDies) {
  FakeCall* kept;
  {
    FakeNode node = create("Keeper");
    node.set_room(0, 0);
    kept = node.send("1");
  }
  EXPECT_EQ(kept->status(), HEDDLE_INTERNAL);
}

TEST_F(Sdk, FailuresOfALifeReachTheHost) {
  EXPECT_EQ(error_of([&] { create("Lives", R"({"refuse":"create"})"); }), "-2 will not be made");
  EXPECT_EQ(error_of([&] { create("Lives", R"({"refuse":"activate"})"); }), "-10 will not start");
  FakeNode node = create("Lives", R"({"refuse":"deactivate"})");
  EXPECT_EQ(error_of([&] { node.deactivate(); }), "-6 will not stop");
  EXPECT_EQ(error_of([&] { create("Nobody"); }), "-3 the plugin has no such node type");
}

TEST_F(Sdk, StateGoesFromOneNodeToTheNext) {
  FakeNode first = create("Lives");
  first.send("null");
  first.send("null");
  EXPECT_EQ(first.save(), "2");
  FakeNode second = host_->create("Lives", "{}", "2");
  EXPECT_EQ(second.send("null")->outputs(), Texts{"3"});
  EXPECT_EQ(error_of([&] { host_->create("Lives", "{}", "\"x\""); }), "-2 no count");
  EXPECT_EQ(create("TakesRef").save(), std::nullopt);
}

TEST_F(Sdk, ACoroutineWaitsForTimeAndForRoom) {
  FakeNode node = create("Sleeper");
  node.set_room(0, 1);
  FakeCall* call = node.send("7");
  host_->advance(milliseconds(9));
  EXPECT_EQ(call->outputs(), Texts{});
  host_->advance(milliseconds(1));
  EXPECT_EQ(call->outputs(), Texts{"7"});
  EXPECT_FALSE(call->done());
  node.set_room(0, 5);
  EXPECT_EQ(call->outputs(), (Texts{"7", "7"}));
  EXPECT_TRUE(call->done());
}

TEST_F(Sdk, WhatACoroutineThrowsBecomesTheAnswer) {
  FakeNode node = create("Sleeper");
  FakeCall* call = node.send("null");
  host_->advance(milliseconds(10));
  EXPECT_EQ(call->status(), HEDDLE_DENIED);
  EXPECT_EQ(call->why(), "no nulls");
}

TEST_F(Sdk, ACancelCutsAWaitShort) {
  FakeNode sleeper = create("Sleeper"), stubborn = create("Stubborn");
  FakeCall *unwound = sleeper.send("1"), *caught = stubborn.send("1");
  sleeper.cancel(unwound);
  stubborn.cancel(caught);
  EXPECT_FALSE(unwound->done());  // not on the thread that cancels
  host_->run_posted();
  EXPECT_EQ(unwound->status(), HEDDLE_CANCELLED);
  EXPECT_EQ(caught->status(), HEDDLE_OK);
  EXPECT_EQ(caught->outputs(), Texts{"\"cancelled\""});

  FakeCall* roomless = sleeper.send("1");
  sleeper.set_room(0, 0);
  host_->advance(milliseconds(10));
  sleeper.cancel(roomless);
  host_->run_posted();
  EXPECT_EQ(roomless->status(), HEDDLE_CANCELLED);
}

TEST_F(Sdk, ACoroutineThatForgetsToAnswerIsAnsweredFor) {
  FakeCall* call = create("Forgetful").send("1");
  host_->run_posted();
  EXPECT_EQ(call->status(), HEDDLE_INTERNAL);
}

TEST_F(Sdk, CoroutinesEndWithTheirNode) {
  FakeCall *call, *roomless;
  {
    FakeNode node = create("Sleeper");
    node.set_room(0, 0);
    roomless = node.send("1");
    host_->advance(milliseconds(10));
    call = node.send("1");
  }
  EXPECT_TRUE(call->done());
  EXPECT_TRUE(roomless->done());
  EXPECT_EQ(call->status(), HEDDLE_INTERNAL);
  host_->advance(milliseconds(100));  // no timer is left that would touch a dead frame
}

TEST_F(Sdk, ThePluginSaysOfATypeWhatItsNoteSays) {
  EXPECT_EQ(host_->types().size(), 13u);
  EXPECT_EQ(host_->descriptor("TakesRef"), R"({"node":"TakesRef","params":{"type":"object","additionalProperties":false}})");
}

}  // namespace
