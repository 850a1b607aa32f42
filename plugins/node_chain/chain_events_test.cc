#include <gtest/gtest.h>

#include "fake_chains.h"

namespace node_chain {
namespace {

using namespace heddle::sdk;
using namespace std::chrono_literals;

class ChainEventsTest : public testing::Test {
 protected:
  void TearDown() override { EXPECT_TRUE(host_.faults().empty()) << host_.faults()[0]; }
  // A page of events of block 5 by their indices, and the cursor after it.
  static std::string page(std::initializer_list<int> indices, int cursor) {
    std::string events;
    for (const int i : indices) events += (events.empty() ? "" : ",") + event(i);
    return R"({"events":[)" + events + R"(],"cursor":)" + std::to_string(cursor) + R"(,"head":9})";
  }
  static std::string event(int index) { return R"({"event":"Paid","block":5,"block_hash":"0xb","index":)" + std::to_string(index) + "}"; }
  FakeChains chains_;
  FakeHost& host_ = chains_.host();
};

TEST_F(ChainEventsTest, PagesFollowEachOther) {
  FakeNode node = host_.create("ChainEvents", R"({"events":["Paid"],"from":3,"final":true,"page":50})");
  FakeCall* const call = node.start_source();
  EXPECT_EQ(chains_.last(), R"(events {"events":["Paid"],"final":true,"most":50,"from_block":3,"wait_ms":0})");
  chains_.answer(HEDDLE_OK, page({0, 1}, 11));
  EXPECT_EQ(call->outputs(), (std::vector{event(0), event(1)}));
  EXPECT_EQ(chains_.last(), R"(events {"events":["Paid"],"final":true,"most":50,"after":11,"wait_ms":10000})");
  chains_.answer(HEDDLE_OK, page({}, 12));
  EXPECT_EQ(chains_.last(), R"(events {"events":["Paid"],"final":true,"most":50,"after":12,"wait_ms":10000})");
  chains_.answer(HEDDLE_OK, R"({"events":[{"event":"removed","block":5,"block_hash":"0xb"}],"cursor":13,"head":9})");
  EXPECT_EQ(call->outputs().back(), R"({"event":"removed","block":5,"block_hash":"0xb"})");
  EXPECT_FALSE(call->done());
  node.cancel(call);
  EXPECT_EQ(call->status(), HEDDLE_CANCELLED);
  EXPECT_EQ(chains_.open(), 0u);
}

TEST_F(ChainEventsTest, ItBeginsWhereItIsTold) {
  const auto first = [&](std::string_view params) {
    FakeNode node = host_.create("ChainEvents", params);
    FakeCall* const call = node.start_source();
    const std::string asked = chains_.last();
    node.cancel(call);
    return asked;
  };
  EXPECT_EQ(first("{}"), R"(events {"most":1000,"wait_ms":0})");
  EXPECT_EQ(first(R"({"from":"latest"})"), R"(events {"most":1000,"wait_ms":0})");
  EXPECT_EQ(first(R"({"from":{"unix":1700000000}})"), R"(events {"most":1000,"from_unix":1700000000,"wait_ms":0})");
}

TEST_F(ChainEventsTest, WithoutFollowItEndsWhereNothingMoreIs) {
  FakeNode node = host_.create("ChainEvents", R"({"from":0,"follow":false})");
  FakeCall* const call = node.start_source();
  chains_.answer(HEDDLE_OK, page({0}, 1));
  EXPECT_FALSE(call->done());
  EXPECT_EQ(chains_.last(), R"(events {"most":1000,"after":1,"wait_ms":0})");
  chains_.answer(HEDDLE_OK, page({}, 2));
  EXPECT_EQ(call->status(), HEDDLE_OK);
  EXPECT_EQ(node.save(), R"({"cursor":2,"given":[]})");
}

TEST_F(ChainEventsTest, ItGoesOnWhereTheLastRunEnded) {
  FakeNode node = host_.create("ChainEvents", R"({"from":0})", R"({"cursor":{"n":2},"given":[]})");
  FakeCall* const call = node.start_source();
  EXPECT_EQ(chains_.last(), R"(events {"most":1000,"after":{"n":2},"wait_ms":10000})");
  node.cancel(call);
  EXPECT_THROW(host_.create("ChainEvents", "{}", R"({"cursor":1})"), Error);
}

TEST_F(ChainEventsTest, WhatHasGoneOutOfAPageIsNotGivenAgainInTheNextRun) {
  std::string kept;
  {
    FakeNode node = host_.create("ChainEvents", R"({"from":0})");
    node.set_room(0, 2);
    FakeCall* const call = node.start_source();
    chains_.answer(HEDDLE_OK, page({0, 1, 2}, 1));
    EXPECT_EQ(call->outputs().size(), 2u);
    EXPECT_EQ(chains_.asked().size(), 1u);  // nothing more is asked for while there is no room
    node.cancel(call);
    EXPECT_EQ(call->status(), HEDDLE_CANCELLED);
    kept = *node.save();
    EXPECT_EQ(kept, R"({"given":["0xb/0","0xb/1"]})");
  }
  FakeNode node = host_.create("ChainEvents", R"({"from":0})", kept);
  FakeCall* const call = node.start_source();
  chains_.answer(HEDDLE_OK, page({0, 1, 2, 3}, 1));
  EXPECT_EQ(call->outputs(), (std::vector{event(2), event(3)}));
  chains_.answer(HEDDLE_OK, page({0}, 2));  // only of that page
  EXPECT_EQ(call->outputs().back(), event(0));
  node.cancel(call);
}

TEST_F(ChainEventsTest, WithRoomItGoesOn) {
  FakeNode node = host_.create("ChainEvents", R"({"from":0})");
  node.set_room(0, 1);
  FakeCall* const call = node.start_source();
  chains_.answer(HEDDLE_OK, page({0, 1, 2}, 1));
  EXPECT_EQ(call->outputs().size(), 1u);
  node.set_room(0, 1);
  EXPECT_EQ(call->outputs().size(), 2u);
  node.set_room(0, 1);
  EXPECT_EQ(call->outputs(), (std::vector{event(0), event(1), event(2)}));
  EXPECT_EQ(chains_.asked().size(), 2u);
  node.cancel(call);
}

TEST_F(ChainEventsTest, AFollowerAsksAgainWhenNobodyAnswers) {
  FakeNode node = host_.create("ChainEvents", R"({"from":0})");
  FakeCall* const call = node.start_source();
  chains_.answer(HEDDLE_UNAVAILABLE, R"({"code":"unavailable"})", "no endpoint answers");
  EXPECT_EQ(chains_.asked().size(), 1u);
  host_.advance(500ms);
  ASSERT_EQ(chains_.asked().size(), 2u);
  chains_.answer(HEDDLE_UNAVAILABLE, R"({"code":"unavailable"})", "no endpoint answers");
  host_.advance(500ms);
  EXPECT_EQ(chains_.asked().size(), 2u);  // the second wait is longer
  host_.advance(500ms);
  ASSERT_EQ(chains_.asked().size(), 3u);
  EXPECT_EQ(host_.lines(), std::vector<std::string>{"warn: the chain cannot be asked for events, and is asked again: no endpoint answers"});
  chains_.answer(HEDDLE_OK, page({0}, 1));
  EXPECT_EQ(call->outputs(), std::vector{event(0)});
  chains_.answer(HEDDLE_UNAVAILABLE, R"({"code":"unavailable"})", "no endpoint answers");
  node.cancel(call);
  EXPECT_EQ(call->status(), HEDDLE_CANCELLED);
  host_.advance(60s);  // nothing is left to go off
  EXPECT_EQ(chains_.asked().size(), 4u);
}

TEST_F(ChainEventsTest, WhatIsWrongForGoodFailsTheSource) {
  FakeNode node = host_.create("ChainEvents", R"({"events":["Nope"]})");
  FakeCall* const call = node.start_source();
  chains_.answer(HEDDLE_INVALID, R"({"code":"invalid"})", "no such event");
  EXPECT_EQ(call->status(), HEDDLE_INVALID);
  EXPECT_EQ(call->why(), "no such event");
  EXPECT_EQ(call->details(), R"({"code":"ChainInvalid"})");
  FakeNode ending = host_.create("ChainEvents", R"({"follow":false})");
  FakeCall* const ended = ending.start_source();
  chains_.answer(HEDDLE_UNAVAILABLE, R"({"code":"unavailable"})", "no endpoint answers");
  EXPECT_EQ(ended->details(), R"({"code":"ChainUnavailable"})");
}

TEST_F(ChainEventsTest, APageWithoutACursorIsAFault) {
  FakeNode node = host_.create("ChainEvents", "{}");
  FakeCall* const call = node.start_source();
  chains_.answer(HEDDLE_OK, R"({"events":[]})");
  EXPECT_EQ(call->status(), HEDDLE_INTERNAL);
}

}  // namespace
}  // namespace node_chain
