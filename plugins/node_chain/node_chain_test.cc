#include <gtest/gtest.h>

#include "fake_chains.h"
#include "written.h"

namespace node_chain {
namespace {

using namespace heddle::sdk;

class NodeChain : public testing::Test {
 protected:
  void TearDown() override { EXPECT_TRUE(host_.faults().empty()) << host_.faults()[0]; }
  // Why a node is refused; "" where it is not.
  std::string refusal(std::string_view type, std::string_view params) {
    try {
      host_.create(type, params);
    } catch (const Error& failed) {
      return failed.what();
    }
    return "";
  }
  FakeChains chains_;
  FakeHost& host_ = chains_.host();
};

constexpr const char* kTransfer = R"({"to":"token","function":"transfer","key_pointer":"/id","args":[{"$":"/to"},{"$":"/amount"}],"value":5,"until":"included"})";

TEST_F(NodeChain, PointersAreFilledFromTheItemWhereverTheyStand) {
  const Value item = Value::parse(R"({"a":{"b":[1,"x"]}})");
  const auto of = [&](std::string_view written) {
    const Value value = Value::parse(written);
    return std::string(Written("args", value).of(item).json());
  };
  EXPECT_EQ(of(R"([{"$":"/a/b/0"},{"n":[{"$":"/a/b"}],"c":true},"$"])"), R"([1,{"n":[[1,"x"]],"c":true},"$"])");
  EXPECT_EQ(of(R"({"$":""})"), R"({"a":{"b":[1,"x"]}})");
  EXPECT_EQ(of(R"({"$":"/a","more":1})"), R"({"$":"/a","more":1})");
  try {
    of(R"([{"$":"/nowhere"}])");
    FAIL() << "what is not there was found";
  } catch (const Error& failed) {
    EXPECT_STREQ(failed.what(), "the item has nothing at \"/nowhere\", which is for \"args\"");
  }
  EXPECT_EQ(refusal("ChainCall", R"({"to":{"$":"x"},"function":"f"})"), "\"to\": the text \"x\" is no JSON Pointer: it begins with /, or is empty");
}

TEST_F(NodeChain, AnItemIsATransactionNamedByItsKey) {
  FakeNode node = host_.create("ChainSubmit", kTransfer);
  EXPECT_EQ(chains_.opened(), R"({"chain":"evm"})");
  FakeCall* const call = node.send(R"({"id":"order-7","to":"0xab","amount":12})");
  EXPECT_EQ(chains_.last(), R"(submit order-7 {"do":"call","to":"token","function":"transfer","args":["0xab",12],"value":5,"until":"included"})");
  EXPECT_FALSE(call->done());
  chains_.answer(HEDDLE_OK, R"({"key":"order-7","stage":"included","block":9})");
  ASSERT_TRUE(call->done());
  EXPECT_EQ(call->outputs(), std::vector<std::string>{R"({"key":"order-7","stage":"included","block":9})"});
}

TEST_F(NodeChain, AnItemCanGoOnWithItsTransaction) {
  FakeNode node = host_.create("ChainSubmit", R"({"to":"t","function":"f","key_pointer":"/id","with_item":true})");
  FakeCall* const call = node.send(R"({"id":3})");
  EXPECT_EQ(chains_.last(), R"(submit 3 {"do":"call","to":"t","function":"f","args":[],"until":"final"})");
  chains_.answer(HEDDLE_OK, R"({"stage":"final"})");
  EXPECT_EQ(call->outputs(), std::vector<std::string>{R"({"item":{"id":3},"transaction":{"stage":"final"}})"});
}

TEST_F(NodeChain, TheKeyIsWhereTheManifestOrTheParamSays) {
  constexpr const char* kBare = R"({"to":"t","function":"f"})";
  EXPECT_EQ(refusal("ChainSubmit", kBare), "\"idempotency_key\" of the node is missing: a JSON Pointer to what each item's transaction is named by, so that no item has two");
  chains_.set_idempotency_key("/tx_id");
  {
    FakeNode node = host_.create("ChainSubmit", kBare);
    node.send(R"({"tx_id":"a"})");
    EXPECT_EQ(chains_.last().substr(0, 9), "submit a ");
  }
  EXPECT_EQ(refusal("ChainSubmit", kTransfer), "\"key_pointer\" and the node's \"idempotency_key\" are not the same: say one of them");
}

TEST_F(NodeChain, AnItemWithoutAKeyIsNotSent) {
  FakeNode node = host_.create("ChainSubmit", R"({"to":"t","function":"f","key_pointer":"/id"})");
  const std::string too_long = R"({"id":")" + std::string(201, 'x') + R"("})";
  for (const std::string& item : {std::string("{}"), std::string(R"({"id":""})"), std::string(R"({"id":1.5})"), std::string(R"({"id":null})"), too_long}) {
    FakeCall* const call = node.send(item);
    EXPECT_EQ(call->status(), HEDDLE_INVALID) << item;
    EXPECT_EQ(call->details(), R"({"code":"ChainInvalid"})") << item;
    EXPECT_FALSE(call->taken());
  }
  EXPECT_TRUE(chains_.asked().empty());
}

TEST_F(NodeChain, FailuresAreNamedAndKeepWhatTheChainSays) {
  FakeNode node = host_.create("ChainSubmit", R"({"to":"t","function":"f","key_pointer":""})");
  const auto failed = [&](heddle_status status, std::string_view result) {
    FakeCall* const call = node.send("\"k\"");
    chains_.answer(status, result, "because");
    EXPECT_EQ(call->status(), status);
    EXPECT_EQ(call->why(), "because");
    return call->details();
  };
  EXPECT_EQ(failed(HEDDLE_INVALID, R"({"code":"refused","reason":{"name":"NotYours","args":{"worker":"0x1"}},"class":"permanent"})"),
            R"({"code":"ChainRefused","reason":{"name":"NotYours","args":{"worker":"0x1"}}})");
  EXPECT_EQ(failed(HEDDLE_INVALID, R"({"code":"reverted","reason":"no"})"), R"({"code":"ChainReverted","reason":"no"})");
  EXPECT_EQ(failed(HEDDLE_UNAVAILABLE, R"({"code":"balance","needs":9,"has":1})"), R"({"code":"ChainBalance","needs":9,"has":1})");
  EXPECT_EQ(failed(HEDDLE_UNAVAILABLE, R"({"code":"unavailable"})"), R"({"code":"ChainUnavailable"})");
  EXPECT_EQ(failed(HEDDLE_DEADLINE, R"({"code":"too-late"})"), R"({"code":"ChainTooLate"})");
  EXPECT_EQ(failed(HEDDLE_EXHAUSTED, R"({"code":"full"})"), R"({"code":"ChainFull"})");
  EXPECT_EQ(failed(HEDDLE_INVALID, R"({"code":"something-new"})"), R"({"code":"ChainFailed"})");
  EXPECT_EQ(failed(HEDDLE_INTERNAL, ""), R"({"code":"ChainFailed"})");
}

TEST_F(NodeChain, ACancelledItemIsNotWaitedFor) {
  FakeNode node = host_.create("ChainSubmit", R"({"to":"t","function":"f","key_pointer":""})");
  FakeCall* const first = node.send("\"a\"");
  FakeCall* const second = node.send("\"b\"");
  node.cancel(first);
  EXPECT_EQ(first->status(), HEDDLE_CANCELLED);
  EXPECT_FALSE(second->done());
  chains_.answer(HEDDLE_OK, "{}");
  EXPECT_EQ(second->status(), HEDDLE_OK);
}

TEST_F(NodeChain, WhatIsOpenIsAnsweredWhenTheNodeStops) {
  FakeNode node = host_.create("ChainSubmit", R"({"to":"t","function":"f","key_pointer":""})");
  FakeCall* const call = node.send("\"a\"");
  node.deactivate();
  EXPECT_EQ(call->status(), HEDDLE_CANCELLED);
  EXPECT_TRUE(chains_.is_closed());
}

TEST_F(NodeChain, AnAnswerMayComeBeforeTheQuestionHasReturned) {
  chains_.answer_at_once("[1]");
  FakeNode node = host_.create("ChainCall", R"({"to":"t","function":"f"})");
  for (FakeCall* const call : node.send_batch({"1", "2"})) EXPECT_EQ(call->outputs(), std::vector<std::string>{"[1]"});
}

TEST_F(NodeChain, ACallGivesWhatTheFunctionGives) {
  FakeNode node = host_.create("ChainCall", R"json({"chain":"other","chain_params":{"a":1},"to":{"$":"/token"},"function":"function balanceOf(address) view returns (uint256)","args":[{"$":"/who"}],"block":4,"with_item":true})json");
  EXPECT_EQ(chains_.opened(), R"({"chain":"other","params":{"a":1}})");
  FakeCall* const call = node.send(R"({"token":"0x1","who":"0x2"})");
  EXPECT_EQ(chains_.last(), R"json(read {"ask":"call","to":"0x1","function":"function balanceOf(address) view returns (uint256)","args":["0x2"],"block":4})json");
  chains_.answer(HEDDLE_OK, "70");
  EXPECT_EQ(call->outputs(), std::vector<std::string>{R"({"item":{"token":"0x1","who":"0x2"},"result":70})"});
  FakeCall* const failed = node.send(R"({"token":"0x1","who":"0x2"})");
  chains_.answer(HEDDLE_INVALID, R"({"code":"reverted","reason":"no"})", "it reverted");
  EXPECT_EQ(failed->details(), R"({"code":"ChainReverted","reason":"no"})");
}

TEST_F(NodeChain, AFunctionThatGivesNothingGivesNull) {
  FakeNode node = host_.create("ChainCall", R"({"to":"t","function":"f"})");
  FakeCall* const call = node.send("1");
  chains_.answer(HEDDLE_OK, "");
  EXPECT_EQ(call->outputs(), std::vector<std::string>{"null"});
}

TEST_F(NodeChain, TheReasonOfTheChainIsThatOfTheNode) {
  chains_.refuse_to_open("the password is wrong");
  for (const char* type : {"ChainSubmit", "ChainCall", "ChainEvents"}) EXPECT_EQ(refusal(type, type == std::string("ChainEvents") ? "{}" : kTransfer), "the password is wrong");
}

}  // namespace
}  // namespace node_chain
