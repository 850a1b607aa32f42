#include <gtest/gtest.h>
#include <heddle/sdk.h>
#include <heddle/sdk/fake_host.h>

#include "inputs.h"
#include "settings.h"

namespace node_sidecar {
namespace {

using namespace heddle::sdk;

class NodeSidecar : public testing::Test {
 protected:
  // Why such params are refused; "" where they are not: then the node gets as far as to miss what the fake host does not have.
  std::string refusal(const std::string& params) {
    try {
      host_.create("Sidecar", params);
    } catch (const Error& failed) {
      if (failed.status() == HEDDLE_INVALID) return failed.what();
      EXPECT_EQ(failed.status(), HEDDLE_UNSUPPORTED);
      EXPECT_STREQ(failed.what(), "this host has no workers: it has no heddle.sidecars/1");
    }
    return "";
  }
  std::string inputs(const std::string& named, const std::string& item) {
    EXPECT_EQ(refusal(R"({"endpoint":"127.0.0.1:1"})"), "");  // which also makes the host known to the SDK
    const Value names = Value::parse(named), of = Value::parse(item);
    return std::string(Inputs(names).of(of).json());
  }
  FakeHost host_;
};

TEST_F(NodeSidecar, AnItemIsItsMembers) {
  EXPECT_EQ(inputs("{}", R"({"a":1,"b":{"$ref":"https://x"}})"), R"([{"name":"a","value":1},{"name":"b","ref":"https://x"}])");
  EXPECT_EQ(inputs("{}", "[1]"), R"([{"name":"item","value":[1]}])");
  EXPECT_EQ(inputs("{}", R"({"a":{"$ref":7},"b":{"$ref":"x","y":1}})"), R"([{"name":"a","value":{"$ref":7}},{"name":"b","value":{"$ref":"x","y":1}}])");
}

TEST_F(NodeSidecar, InputsArePickedByName) {
  EXPECT_EQ(inputs(R"({"text":"/a/0","all":""})", R"({"a":["x"]})"), R"([{"name":"text","value":"x"},{"name":"all","value":{"a":["x"]}}])");
  try {
    inputs(R"({"text":"/b"})", R"({"a":1})");
    FAIL() << "what is not there was found";
  } catch (const Error& failed) {
    EXPECT_STREQ(failed.what(), "the item has nothing at \"/b\", which is the input \"text\"");
  }
}

TEST_F(NodeSidecar, WorkersAreNamedOnce) {
  EXPECT_EQ(refusal("{}"), "\"endpoints\" is missing: where the workers are, or \"process\": how they are started");
  EXPECT_EQ(refusal(R"({"endpoint":"a:1","endpoints":["b:1"]})"), "say \"endpoint\" or \"endpoints\", not both");
}

TEST_F(NodeSidecar, ParamsBecomeOptions) {
  EXPECT_EQ(refusal(R"({"endpoint":"127.0.0.1:1"})"), "");
  const Settings s = read_settings(Value::parse(R"({"endpoints":["a:1",{"address":"b:2","weight":3}],"kind":"k","health_check":{"interval_ms":500},"retry":{"max_attempts":2}})"));
  EXPECT_EQ(s.options.json(), R"({"endpoints":[{"address":"a:1"},{"address":"b:2","weight":3}],"sidecar":"execution","kind":"k","retry":{"max_attempts":2},"probe_ms":500})");
  EXPECT_EQ(s.kind, "k");
}

}  // namespace
}  // namespace node_sidecar
