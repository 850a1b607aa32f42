#include <gtest/gtest.h>
#include <heddle/sdk/fake_host.h>

namespace {

using heddle::sdk::Error;
using heddle::sdk::FakeCall;
using heddle::sdk::FakeHost;
using heddle::sdk::FakeNode;
using std::chrono::milliseconds;
using Texts = std::vector<std::string>;

// Every test ends without a fault and without a leaked value.
class NodeStd : public testing::Test {
 protected:
  void TearDown() override {
    EXPECT_EQ(host_->faults(), Texts{});
    host_.reset();
    EXPECT_EQ(FakeHost::live_values(), 0);
  }
  FakeNode create(std::string_view type, std::string_view params = "{}") { return host_->create(type, params); }
  std::string error_of_create(std::string_view type, std::string_view params) {
    try {
      create(type, params);
      return "";
    } catch (const Error& e) {
      return e.what();
    }
  }
  std::unique_ptr<FakeHost> host_ = std::make_unique<FakeHost>();
};

TEST_F(NodeStd, PassThroughGivesWhatItGot) {
  for (const char* type : {"PassThrough", "Merge"}) {
    FakeNode node = create(type);
    FakeCall* call = node.send(R"({"a":[1,2.50]})");
    EXPECT_EQ(call->outputs(), Texts{R"({"a":[1,2.50]})"});
    EXPECT_TRUE(call->taken());
  }
}

TEST_F(NodeStd, EchoWrapsItsInputAndCountsFromOneInEachRun) {
  FakeNode node = create("Echo");
  EXPECT_EQ(node.send("5")->outputs(), Texts{R"({"input":5,"counter":1,"node":"Echo"})"});
  EXPECT_EQ(node.send("\"x\"")->outputs(), Texts{R"({"input":"x","counter":2,"node":"Echo"})"});
  node.deactivate();
  node.activate();
  EXPECT_EQ(node.send("null")->outputs(), Texts{R"({"input":null,"counter":1,"node":"Echo"})"});
}

TEST_F(NodeStd, MultiplyAndAddKeepIntegersAndRefuseWhatIsNoNumber) {
  FakeNode twice = create("Multiply", R"({"multiplier":2})");
  EXPECT_EQ(twice.send("21")->outputs(), Texts{"42"});
  EXPECT_EQ(twice.send("1.25")->outputs(), Texts{"2.5"});
  FakeNode more = create("Add", R"({"addend":0.5})");
  EXPECT_EQ(more.send("2")->outputs(), Texts{"2.5"});

  FakeCall* text = twice.send("\"abc\"");
  EXPECT_EQ(text->status(), HEDDLE_INVALID);
  EXPECT_EQ(text->why(), "Multiply takes a number, got the text \"abc\"");
  EXPECT_FALSE(text->taken());
  EXPECT_EQ(more.send("{}")->why(), "Add takes a number, got an object");
  EXPECT_EQ(twice.send("9223372036854775807")->why(), "the result of 9223372036854775807 * 2 does not fit a 64-bit integer");
  EXPECT_EQ(twice.send("1e308")->why(), "the result of 1e+308 * 2 does not fit a 64-bit float");
}

TEST_F(NodeStd, DecimalsAreMultipliedAndAddedExactly) {
  FakeNode thrice = create("Multiply", R"({"multiplier":3})");
  EXPECT_EQ(thrice.send("123456789012345678901234567890")->outputs(), Texts{"370370367037037036703703703670"});
  FakeNode less = create("Add", R"({"addend":-123456789012345678901234567889})");
  EXPECT_EQ(less.send("123456789012345678901234567890")->outputs(), Texts{"1"});
}

TEST_F(NodeStd, CalculatorWithParamsWorksOnNumbersAndPassesTheRest) {
  auto one = [&](const char* params, const char* in) { return create("Calculator", params).send(in)->outputs().at(0); };
  EXPECT_EQ(one(R"({"operation":"add","operand":2})", "40"), "42");
  EXPECT_EQ(one(R"({"operation":"subtract","operand":2})", "40"), "38");
  EXPECT_EQ(one(R"({"operation":"multiply","operand":2.0})", "40"), "80.0");
  EXPECT_EQ(one(R"({"operation":"divide","operand":2})", "-7"), "-3");
  EXPECT_EQ(one(R"({"operation":"divide","operand":2})", "\"x\""), "\"x\"");
  EXPECT_EQ(create("Calculator", R"({"operation":"divide","operand":0})").send("1")->why(), "cannot divide 1 by zero");
}

TEST_F(NodeStd, CalculatorWithoutParamsTakesTheOperationFromTheItem) {
  FakeNode node = create("Calculator");
  EXPECT_EQ(node.send(R"({"operation":"multiply","operands":[6,7]})")->outputs(),
            Texts{R"({"result":42,"operation":"multiply","operands":[6,7]})"});
  EXPECT_EQ(node.send(R"({"operation":"power","operands":[6,7]})")->why(),
            "Calculator knows the operations add, subtract, multiply and divide, got the text \"power\"");
  EXPECT_EQ(node.send(R"({"operation":"add","operands":[6]})")->status(), HEDDLE_INVALID);
  EXPECT_EQ(node.send(R"({"operation":"add","operands":[6,"x"]})")->why(), "Calculator takes a number, got the text \"x\"");
  EXPECT_EQ(node.send("5")->why(), R"(Calculator takes {"operation": …, "operands": [a, b]}, got the number 5)");
}

TEST_F(NodeStd, DelayHoldsItemsForItsTimeAndNoLonger) {
  FakeNode node = create("Delay", R"({"delay_ms":100})");
  FakeCall* first = node.send("1");
  host_->advance(milliseconds(60));
  FakeCall* second = node.send("2");
  EXPECT_FALSE(first->done());
  host_->advance(milliseconds(40));
  EXPECT_EQ(first->outputs(), Texts{"1"});
  EXPECT_TRUE(first->done());
  EXPECT_FALSE(second->done());
  host_->advance(milliseconds(60));
  EXPECT_EQ(second->outputs(), Texts{"2"});
}

TEST_F(NodeStd, DelayLetsGoOfACancelledItem) {
  FakeNode node = create("Delay", R"({"delay_ms":100000})");
  FakeCall* call = node.send("1");
  node.cancel(call);
  host_->run_posted();
  EXPECT_EQ(call->status(), HEDDLE_CANCELLED);
  EXPECT_EQ(call->outputs(), Texts{});
  EXPECT_FALSE(call->taken());
}

TEST_F(NodeStd, SplitGivesTheElementsOfAList) {
  EXPECT_EQ(create("Split").send("[1,\"b\",[3]]")->outputs(), (Texts{"1", "\"b\"", "[3]"}));
  EXPECT_EQ(create("Split").send("[]")->outputs(), Texts{});
  FakeNode inner = create("Split", R"({"path":"/a/b"})");
  EXPECT_EQ(inner.send(R"({"a":{"b":[1]}})")->outputs(), Texts{"1"});
  EXPECT_EQ(inner.send(R"({"a":1})")->why(), "Split found nothing at \"/a/b\" in an object");
}

TEST_F(NodeStd, SplitTakesAnObjectOnlyForItsEntries) {
  EXPECT_EQ(create("Split").send(R"({"a":1})")->why(), "Split takes a list, got an object");
  FakeNode entries = create("Split", R"({"entries":true})");
  EXPECT_EQ(entries.send(R"({"a":1,"b":[]})")->outputs(), (Texts{R"({"key":"a","value":1})", R"({"key":"b","value":[]})"}));
  EXPECT_EQ(entries.send("7")->why(), "Split takes a list or an object, got the number 7");
}

TEST_F(NodeStd, SampleLetsPassWhatItsParamsSay) {
  auto passed = [&](const char* params, int items) {
    FakeNode node = create("Sample", params);
    Texts out;
    for (int i = 1; i <= items; ++i) {
      for (const std::string& text : node.send(std::to_string(i))->outputs()) out.push_back(text);
    }
    return out;
  };
  EXPECT_EQ(passed(R"({"every":3})", 7), (Texts{"3", "6"}));
  EXPECT_EQ(passed(R"({"first":2})", 7), (Texts{"1", "2"}));
  EXPECT_EQ(passed(R"({"fraction":0})", 50), Texts{});
  EXPECT_EQ(passed(R"({"fraction":1})", 50).size(), 50u);
  Texts some = passed(R"({"fraction":0.5,"seed":7})", 200);
  EXPECT_GT(some.size(), 50u);
  EXPECT_LT(some.size(), 150u);
  EXPECT_EQ(passed(R"({"fraction":0.5,"seed":7})", 200), some);
  EXPECT_NE(passed(R"({"fraction":0.5,"seed":8})", 200), some);
}

TEST_F(NodeStd, SampleRefusesTwoWaysAtOnce) {
  const char* kWhy = "Sample needs exactly one of \"every\", \"first\" and \"fraction\"";
  EXPECT_EQ(error_of_create("Sample", R"({"every":3,"first":1})"), kWhy);
  EXPECT_EQ(error_of_create("Sample", "{}"), kWhy);
}

TEST_F(NodeStd, LogWritesALineAndLetsTheItemPass) {
  FakeNode node = create("Log", R"({"level":"warn","message":"saw","value":"/a","max_bytes":5})");
  EXPECT_EQ(node.send(R"({"a":12})")->outputs(), Texts{R"({"a":12})"});
  node.send(R"({"a":"ääää"})");
  node.send("1");
  EXPECT_EQ(host_->lines(), (Texts{"warn: saw: 12", "warn: saw: \"ää…", "warn: saw: (noth…"}));
}

TEST_F(NodeStd, AssertLetsPassWhatIsAsStated) {
  FakeNode node = create("Assert", R"({"value":"/n","type":"number","min":1,"max":2.5})");
  FakeCall* good = node.send(R"({"n":2})");
  EXPECT_EQ(good->outputs(), Texts{R"({"n":2})"});
  EXPECT_EQ(node.send(R"({"n":0})")->why(), "expected at least 1 at \"/n\", got the number 0");
  EXPECT_EQ(node.send(R"({"n":3})")->why(), "expected at most 2.5 at \"/n\", got the number 3");
  EXPECT_EQ(node.send(R"({"n":"2"})")->why(), "expected a value of type number at \"/n\", got the text \"2\"");
  FakeCall* missing = node.send("{}");
  EXPECT_EQ(missing->status(), HEDDLE_INVALID);
  EXPECT_EQ(missing->why(), "expected a value at \"/n\", got nothing");
  EXPECT_FALSE(missing->taken());
}

TEST_F(NodeStd, AssertComparesByValue) {
  FakeNode node = create("Assert", R"({"equals":{"a":1,"b":[true,null]},"message":"odd item"})");
  EXPECT_EQ(node.send(R"({"b":[true,null],"a":1.0})")->status(), HEDDLE_OK);
  EXPECT_EQ(node.send(R"({"b":[true],"a":1})")->why(), R"(odd item: expected {"a":1,"b":[true,null]}, got an object)");
}

TEST_F(NodeStd, EveryDescriptorIsOneJsonObjectThatAllowsNoUnknownParam) {
  EXPECT_EQ(host_->types().size(), 12u);
  for (const std::string& type : host_->types()) {
    std::string text = host_->descriptor(type);
    auto described = heddle::sdk::fake::JsonReader(text).read();
    ASSERT_TRUE(described) << type;
    EXPECT_EQ((*described)->keys.at(0), "node");
    EXPECT_NE(text.find("\"additionalProperties\""), std::string::npos) << type;
  }
}

}  // namespace
