#include <gtest/gtest.h>
#include <heddle/sdk.h>
#include <heddle/sdk/fake_host.h>

namespace node_jq {
namespace {

using namespace heddle::sdk;
using Texts = std::vector<std::string>;

class NodeJq : public testing::Test {
 protected:
  ~NodeJq() override { EXPECT_TRUE(host.faults().empty()) << host.faults().front(); }
  std::string create_failure(const std::string& type, const std::string& params) {
    try {
      host.create(type, params);
    } catch (const Error& failed) {
      EXPECT_EQ(failed.status(), HEDDLE_INVALID);
      return failed.what();
    }
    return "created";
  }
  FakeHost host;
};

TEST_F(NodeJq, FilterHandsTheOriginalOnOrNothing) {
  // The second is no simple comparison, so that libjq decides.
  for (const char* when : {".n > 1", "[.n > 1] | any"}) {
    FakeNode node = host.create("Filter", R"({"when":")" + std::string(when) + "\"}");
    EXPECT_EQ(node.send(R"({"n":2,"id":12345678901234567891,"x":0.10})")->outputs(),
              Texts{R"({"n":2,"id":12345678901234567891,"x":0.10})"});
    FakeCall* filtered = node.send(R"({"n":1})");
    EXPECT_EQ(filtered->status(), HEDDLE_OK);
    EXPECT_EQ(filtered->outputs(), Texts{});
    EXPECT_EQ(node.send("{}")->outputs(), Texts{});
  }
}

TEST_F(NodeJq, AFilterOfManyOutputsPassesOnceIfOneHolds) {
  FakeNode node = host.create("Filter", R"({"when":".[]"})");
  EXPECT_EQ(node.send("[false,null,0,1]")->outputs(), Texts{"[false,null,0,1]"});
  EXPECT_EQ(node.send("[false,null]")->outputs(), Texts{});
  EXPECT_EQ(node.send("[]")->outputs(), Texts{});
}

TEST_F(NodeJq, VarsAreSeenByEveryKindOfProgram) {
  EXPECT_EQ(host.create("Filter", R"({"when":".n >= $min","vars":{"min":3}})").send(R"({"n":3})")->outputs().size(), 1u);
  EXPECT_EQ(host.create("Filter", R"j({"when":".n | IN($set[])","vars":{"set":[3,4]}})j").send(R"({"n":4})")->outputs().size(), 1u);
  EXPECT_EQ(host.create("Jq", R"({"program":"$a + .","vars":{"a":"x"}})").send("\"y\"")->outputs(), Texts{"\"xy\""});
}

TEST_F(NodeJq, AFailedProgramIsAnErrorItemWithTheOriginalAndTheNextIsFine) {
  for (const char* when : {".a.b == 1", ".a.b == (1)"}) {
    FakeNode node = host.create("Filter", R"({"when":")" + std::string(when) + "\"}");
    FakeCall* failed = node.send(R"({"a":"x"})");
    EXPECT_EQ(failed->status(), HEDDLE_INVALID);
    EXPECT_EQ(failed->why(), "jq: Cannot index string with string \"b\"");
    EXPECT_FALSE(failed->taken());
    EXPECT_EQ(node.send(R"({"a":{"b":1}})")->outputs().size(), 1u);
  }
}

TEST_F(NodeJq, RouteTakesTheFirstCaseThatHolds) {
  FakeNode node = host.create("Route", R"({"cases":[{"port":"big","when":".n > 10"},{"port":"odd","when":".n % 2 == 1"},)"
                                       R"({"port":"big","when":".force"}],"default":"rest"})");
  EXPECT_EQ(node.send(R"({"n":11})")->outputs(0).size(), 1u);
  EXPECT_EQ(node.send(R"({"n":3})")->outputs(1).size(), 1u);
  EXPECT_EQ(node.send(R"({"n":2,"force":true})")->outputs(0).size(), 1u) << "one port, two cases";
  EXPECT_EQ(node.send(R"({"n":2,"id":12345678901234567891})")->outputs(2), Texts{R"({"n":2,"id":12345678901234567891})"});
}

TEST_F(NodeJq, RouteWithoutADefaultFiltersAndADefaultMayBeACasesPort) {
  FakeCall* none = host.create("Route", R"({"cases":[{"port":"a","when":".x"}]})").send("{}");
  EXPECT_EQ(none->status(), HEDDLE_OK);
  EXPECT_TRUE(none->emitted().empty());
  FakeNode node = host.create("Route", R"({"cases":[{"port":"a","when":".x"},{"port":"b","when":".y"}],"default":"a"})");
  EXPECT_EQ(node.send("{}")->outputs(0).size(), 1u);
}

TEST_F(NodeJq, JqEmitsEveryOutput) {
  FakeNode node = host.create("Jq", R"({"program":".items[] | {name, n: (.n + 1)}"})");
  EXPECT_EQ(node.send(R"({"items":[{"name":"a","n":1},{"name":"b","n":2.5}]})")->outputs(),
            (Texts{R"({"name":"a","n":2})", R"({"name":"b","n":3.5})"}));
  EXPECT_EQ(node.send(R"({"items":[]})")->status(), HEDDLE_OK);
  FakeCall* failed = node.send("5");
  EXPECT_EQ(failed->why(), "jq: Cannot index number with string \"items\"");
}

TEST_F(NodeJq, WhatWasEmittedBeforeAFailureStands) {
  FakeCall* call = host.create("Jq", R"j({"program":"1, error({code: 7})"})j").send("null");
  EXPECT_EQ(call->outputs(), Texts{"1"});
  EXPECT_EQ(call->status(), HEDDLE_INVALID);
  EXPECT_EQ(call->why(), "jq: {\"code\":7}");
}

TEST_F(NodeJq, HaltEndsOneItemOnly) {
  FakeNode node = host.create("Jq", R"({"program":"if . == 1 then halt elif . == 2 then (\"stop\" | halt_error) else . end"})");
  for (int round = 0; round < 20; ++round) {
    EXPECT_EQ(node.send("1")->status(), HEDDLE_OK);
    EXPECT_EQ(node.send("2")->why(), "jq: stop");
    EXPECT_EQ(node.send("3")->outputs(), Texts{"3"});
    EXPECT_EQ(node.send("4")->outputs(), Texts{"4"});
  }
}

TEST_F(NodeJq, AProgramThatDoesNotCompileIsRefusedWithJqsWords) {
  EXPECT_EQ(create_failure("Filter", R"({"when":".a =="})"),
            "the param \"when\" is no jq program: syntax error, unexpected $end, line 1:\n.a ==");
  EXPECT_EQ(create_failure("Jq", R"({"program":".a | nosuch"})"),
            "the param \"program\" is no jq program: nosuch/0 is not defined, line 1:\n.a | nosuch");
  EXPECT_EQ(create_failure("Filter", R"({"when":".a == $missing"})"),
            "the param \"when\" is no jq program: $missing is not defined, line 1:\n.a == $missing");
  EXPECT_NE(
      create_failure("Route", R"({"cases":[{"port":"a","when":".x"},{"port":"b","when":"["}]})").find("\"when\" of case 2 (port \"b\")"),
      std::string::npos);
  EXPECT_NE(create_failure("Jq", R"({"program":"import \"m\" as m; m::f"})").find("module not found"), std::string::npos);
  EXPECT_NE(create_failure("Jq", "{\"program\":\".\\u0000x\"}").find("NUL"), std::string::npos);
}

TEST_F(NodeJq, DeeplyNestedInputIsAnErrorItem) {
  FakeNode node = host.create("Jq", R"({"program":"1"})");
  FakeCall* deep = node.send(std::string(400, '[') + std::string(400, ']'));
  EXPECT_EQ(deep->status(), HEDDLE_INVALID);
  EXPECT_EQ(deep->why(), "jq cannot read the input: Exceeds depth limit for parsing at line 1, column 257");
}

TEST_F(NodeJq, TheDescriptorsNameTheRoutesPortsAndATimeLimit) {
  EXPECT_NE(host.descriptor("Route").find(R"("output_ports_from":["/cases/-/port","/default"])"), std::string::npos);
  for (const std::string& type : host.types()) EXPECT_NE(host.descriptor(type).find(R"("timeout_ms":1000)"), std::string::npos) << type;
}

TEST_F(NodeJq, NothingLeaks) {
  {
    FakeNode node = host.create("Jq", R"({"program":".[] | tojson","vars":{"x":[1]}})");
    node.send(R"([1,{"a":2}])");
    node.send("1");
  }
  EXPECT_EQ(FakeHost::live_values(), 0);
}

}  // namespace
}  // namespace node_jq
