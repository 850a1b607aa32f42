// The data were made by ethers 6.13.5 (Interface).
#include "interface.h"

#include <gtest/gtest.h>

#include "hex.h"
#include "test_values.h"

namespace chain_evm {
namespace {

using heddle::sdk::Value;

const std::string kId = "0x" + std::string(32, '0') + std::string(32, '1'), kWorker = "0x" + std::string(40, '7');

class InterfaceTest : public testing::Test, protected TestValues {
 protected:
  const Interface known_;
};

std::string selector_of(const Interface& known, std::string_view function) { return to_hex(known.function(function).selector); }
std::string word(std::string hex) { return std::string(64 - hex.size(), '0') + hex; }
std::string refused(std::string_view overrides) {
  return why_not([&] { Interface(json(overrides)); });
}

TEST_F(InterfaceTest, TheFunctionsOfDeployedContractsHaveTheirSelectors) {
  EXPECT_EQ(selector_of(known_, "pollActivity"), "0x490d753e");
  EXPECT_EQ(selector_of(known_, "claimActivity"), "0xd2d2d8a0");
  EXPECT_EQ(selector_of(known_, "isWorkerActive"), "0xc5689dbf");
  EXPECT_EQ(selector_of(known_, "getProtocolVersion"), "0x33ce93fe");
  EXPECT_EQ(selector_of(known_, "completeActivity"), "0xc37ba49c");
  EXPECT_EQ(to_hex(known_.event("ActivityClaimed")->topic0), "0x18b1369a9a1f518309c567fe39ba05a32f766465fec949e43424d484d34b04bf");
}

TEST_F(InterfaceTest, ACallIsEncodedByPlaceOrByName) {
  const std::string expected =
      "0x490d753e" + word("40") + word("3") + word("16") + "766964656f2f312e312e302f70726f63657373696e6700000000000000000000";
  const Function poll = known_.function("pollActivity");
  EXPECT_EQ(to_hex(poll.encode_call(json(R"(["video/1.1.0/processing",3])"))), expected);
  EXPECT_EQ(to_hex(poll.encode_call(json(R"({"partitionId":3,"queueName":"video/1.1.0/processing"})"))), expected);
  const std::string why = why_not([&] { poll.encode_call(json(R"(["x",70000])")); });
  EXPECT_NE(why.find("pollActivity(string,uint16)"), std::string::npos) << why;
  EXPECT_NE(why.find("partitionId"), std::string::npos) << why;
}

TEST_F(InterfaceTest, AnActivityIsReadByItsNames) {
  const std::string id = word(std::string(64, '1')), worker = word(std::string(40, '7'));
  const std::string data = "0x" + word("40") + word("1") + id + id + word(std::string(40, '3')) + word("200") + word("240") + word("260") +
                           word("6553f100") + word("6553ff10") + worker + word("0") + word("0") + word("0") + word("0") + word("0") +
                           word("0") + word("0") + word("2") + "0405" + std::string(60, '0') + word("0") + word("1") + "06" +
                           std::string(62, '0');
  const Value found = known_.function("pollActivity").decode_result(*parse_hex(data));
  EXPECT_EQ(found.find("hasActivity").as_bool(), true);
  const auto activity = found.find("activity");
  EXPECT_EQ(*activity.find("activityId").as_text(), "0x" + id);
  EXPECT_EQ(activity.find("inputData").size(), 2u);
  EXPECT_EQ(activity.find("expiresAt").as_int(), 1700003600);
  EXPECT_EQ(*activity.find("requester").as_text(), kWorker);
  EXPECT_EQ(activity.find("success").as_bool(), false);
  EXPECT_EQ(activity.size(), 16u);
}

TEST_F(InterfaceTest, OneOutputIsItselfAndNoneIsNull) {
  EXPECT_EQ(known_.function("claimActivity").decode_result(*parse_hex("0x" + word("1"))).as_bool(), true);
  EXPECT_TRUE(known_.function("resumeWorkflow").decode_result("").is_null());
  const std::string why = why_not([&] { known_.function("claimActivity").decode_result(""); });
  EXPECT_NE(why.find("claimActivity(bytes32)"), std::string::npos) << why;
}

TEST_F(InterfaceTest, AFunctionThatIsNotKnownIsDeclaredInFull) {
  const Function made = known_.function("function transfer(address to, uint256 amount) returns (bool)");
  EXPECT_EQ(to_hex(made.selector), "0xa9059cbb");
  EXPECT_EQ(made.decode_result(*parse_hex("0x" + word("1"))).as_bool(), true);
  // By its signature a known function is itself, with its outputs.
  EXPECT_EQ(known_.function("claimActivity(bytes32)").outputs.size(), 1u);
  EXPECT_EQ(known_.function("claimActivity(uint256)").outputs.size(), 0u);
  EXPECT_NE(why_not([&] { known_.function("transfer"); }), "");
  EXPECT_NE(why_not([&] { known_.function("event E(bool)"); }), "");
}

TEST_F(InterfaceTest, AnEventIsReadFromTopicsAndData) {
  const Event& failed = *known_.event("ActivityFailed");
  ASSERT_EQ(to_hex(failed.topic0), "0x546d6dae998644405cddda9e1fd2d6f640de9663c83de484bafbd76c7dd95ebd");
  EXPECT_EQ(known_.event_of(failed.topic0), &failed);
  EXPECT_EQ(known_.event_of(std::string(32, 'x')), nullptr);
  const std::vector<std::string> topics = {failed.topic0, *parse_hex(kId), *parse_hex("0x" + word(std::string(40, '7')))};
  const std::string data = *parse_hex("0x" + word("20") + word("4") + "626f6f6d" + std::string(56, '0'));
  EXPECT_EQ(json_of(failed.decode(topics, data)), R"({"activityId":")" + kId + R"(","worker":")" + kWorker + R"(","reason":"boom"})");
  const std::vector<std::string> few = {topics[0], topics[1]}, other = {topics[1], topics[1], topics[2]};
  EXPECT_NE(why_not([&] { failed.decode(few, data); }), "");
  EXPECT_NE(why_not([&] { failed.decode(other, data); }), "");
  EXPECT_NE(why_not([&] { failed.decode({}, data); }), "");
  EXPECT_NE(why_not([&] { failed.decode(topics, ""); }), "");
}

TEST_F(InterfaceTest, AnIndexedTextIsItsHash) {
  const Interface more(json(R"j({"more":["event Named(string indexed name, uint8[2] indexed, uint8)"]})j"));
  const Event& named = *more.event("Named");
  const std::vector<std::string> topics = {named.topic0, std::string(32, '\x11'), std::string(32, '\x22')};
  const std::string expected = R"({"name":"0x)" + std::string(64, '1') + R"(","1":"0x)" + std::string(64, '2') + R"(","2":5})";
  EXPECT_EQ(json_of(named.decode(topics, *parse_hex("0x" + word("5")))), expected);
}

TEST_F(InterfaceTest, WhatAContractCallsOtherwiseIsOverriddenByName) {
  const Interface other(json(R"j({"completeActivity":"function finish(bytes32 id, bytes result)",
    "ActivityClaimed":"event Taken(bytes32 indexed id, address indexed who)","more":["error Busy(uint8 n)","function extra()"]})j"));
  EXPECT_EQ(other.function("completeActivity").signature, "finish(bytes32,bytes)");
  EXPECT_EQ(other.event("ActivityClaimed")->signature, "Taken(bytes32,address)");
  EXPECT_EQ(other.event("ActivityClaimed")->name, "ActivityClaimed");
  EXPECT_EQ(other.event("ActivityClaimed")->inputs[1].name, "worker");
  EXPECT_EQ(other.function("completeActivity").inputs[1].name, "resultData");
  EXPECT_EQ(other.event_of(known_.event("ActivityClaimed")->topic0), nullptr);
  EXPECT_EQ(other.function("extra").signature, "extra()");
  EXPECT_EQ(selector_of(other, "claimActivity"), "0xd2d2d8a0");
}

TEST_F(InterfaceTest, OverridesThatCannotBeAreRefused) {
  for (const char* const text : {
           "[]",
           "7",
           R"j({"completeActivity":7})j",
           R"j({"completeActivity":"nonsense"})j",
           R"j({"finishActivity":"f()"})j",
           R"j({"completeActivity":"event E(bool a, bool b)"})j",
           R"j({"completeActivity":"function finish(bytes32)"})j",
           R"j({"completeActivity":"error E()"})j",
           R"j({"more":"f()"})j",
           R"j({"more":[7]})j",
           R"j({"more":["claimActivity(bytes32)"]})j",
           R"j({"more":["event ActivityClaimed()"]})j",
           R"j({"more":["event E() anonymous"]})j",
           R"j({"more":["event E(bool indexed,bool indexed,bool indexed,bool indexed)"]})j",
       })
    EXPECT_NE(refused(text), "") << text;
  EXPECT_EQ(refused("{}"), "");
  EXPECT_EQ(refused("null"), "");
}

TEST_F(InterfaceTest, ARevertIsSaidInWords) {
  const auto say = [&](const std::string& hex) { return json_of(known_.describe_revert(*parse_hex(hex))); };
  EXPECT_EQ(say("0xeb954d90" + kId.substr(2) + word(std::string(40, '7'))),
            R"({"name":"NotYours","args":{"activityId":")" + kId + R"(","assignedWorker":")" + kWorker + R"("}})");
  EXPECT_EQ(say("0x08c379a0" + word("20") + word("a") + "6e6f7420656e6f756768" + std::string(44, '0')), "\"not enough\"");
  EXPECT_NE(say("0x4e487b71" + word("11")).find("(panic 0x11)"), std::string::npos);
  EXPECT_NE(say("0x4e487b71" + word("99")).find("0x99"), std::string::npos);
  EXPECT_EQ(say("0x"), "\"the contract reverted without a reason\"");
  EXPECT_EQ(say("0x12345678"), "\"the contract reverted with 0x12345678\"");
  // What does not hold what its first bytes say is shown as it is.
  EXPECT_EQ(say("0xeb954d90"), "\"the contract reverted with 0xeb954d90\"");
  EXPECT_EQ(say("0x08c379a0" + word("20") + word("1") + "ff"), "\"the contract reverted with 0x08c379a0" + word("20") + word("1") + "ff\"");
  EXPECT_LT(say("0x" + std::string(100000, '1')).size(), 3000u);
}

}  // namespace
}  // namespace chain_evm
