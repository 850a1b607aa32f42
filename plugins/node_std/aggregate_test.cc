#include <gtest/gtest.h>
#include <heddle/sdk/fake_host.h>

namespace {

using heddle::sdk::Error;
using heddle::sdk::FakeCall;
using heddle::sdk::FakeHost;
using heddle::sdk::FakeNode;
using std::chrono::milliseconds;
using Texts = std::vector<std::string>;

class Aggregate : public testing::Test {
 protected:
  void TearDown() override {
    EXPECT_EQ(host_->faults(), Texts{});
    host_.reset();
    EXPECT_EQ(FakeHost::live_values(), 0);
  }
  // What a node gives at the end of these items.
  Texts at_end(std::string_view params, std::vector<std::string_view> items) {
    FakeNode node = host_->create("Aggregate", params);
    node.send_batch(items);
    return node.finish()->outputs();
  }
  std::unique_ptr<FakeHost> host_ = std::make_unique<FakeHost>();
};

TEST_F(Aggregate, ReducesEverythingAtTheEndOfTheInput) {
  EXPECT_EQ(at_end(R"({"op":"count"})", {"1", "null", "\"x\""}), Texts{R"({"value":3,"count":3})"});
  EXPECT_EQ(at_end(R"({"op":"sum"})", {"1", "2", "39"}), Texts{R"({"value":42,"count":3})"});
  EXPECT_EQ(at_end(R"({"op":"min"})", {"3", "-1.5", "2"}), Texts{R"({"value":-1.5,"count":3})"});
  EXPECT_EQ(at_end(R"({"op":"max"})", {"3", "12345678901234567890123", "2"}), Texts{R"({"value":12345678901234567890123,"count":3})"});
  EXPECT_EQ(at_end(R"({"op":"mean"})", {"1", "2"}), Texts{R"({"value":1.5,"count":2})"});
}

TEST_F(Aggregate, HasAResultWithoutItems) {
  EXPECT_EQ(at_end(R"({"op":"sum"})", {}), Texts{R"({"value":0,"count":0})"});
  EXPECT_EQ(at_end(R"({"op":"mean"})", {}), Texts{R"({"value":null,"count":0})"});
  EXPECT_EQ(at_end(R"({"op":"sum","key":""})", {}), Texts{});
}

TEST_F(Aggregate, GroupsByKeyInTheOrderInWhichKeysCame) {
  const char* kParams = R"({"op":"sum","value":"/n","key":"/k"})";
  EXPECT_EQ(at_end(kParams, {R"({"k":"b","n":1})", R"({"k":"a","n":2})", R"({"k":"b","n":3})"}),
            (Texts{R"({"key":"b","value":4,"count":2})", R"({"key":"a","value":2,"count":1})"}));
  EXPECT_EQ(at_end(R"({"op":"count","key":["/k","/l"]})", {R"({"k":1,"l":null})", R"({"k":1,"l":null})"}),
            Texts{R"({"key":[1,null],"value":2,"count":2})"});
}

TEST_F(Aggregate, AnItemThatFailsLeavesNoTrace) {
  FakeNode node = host_->create("Aggregate", R"({"op":"sum","value":"/n","key":"/k"})");
  EXPECT_EQ(node.send(R"({"k":1})")->why(), "Aggregate found nothing at \"/n\" in an object");
  EXPECT_EQ(node.send(R"({"n":1})")->why(), "Aggregate found no key at \"/k\" in an object");
  EXPECT_EQ(node.send(R"({"k":1,"n":"x"})")->why(), "Aggregate takes a number, got the text \"x\"");
  node.send(R"({"k":2,"n":9223372036854775807})");
  FakeCall* overflow = node.send(R"({"k":2,"n":1})");
  EXPECT_EQ(overflow->why(), "the result of 9223372036854775807 + 1 does not fit a 64-bit integer");
  EXPECT_FALSE(overflow->taken());
  EXPECT_EQ(node.finish()->outputs(), Texts{R"({"key":2,"value":9223372036854775807,"count":1})"});
}

TEST_F(Aggregate, AWindowOfItemsEndsWithItsLast) {
  FakeNode node = host_->create("Aggregate", R"({"op":"sum","window":{"items":2}})");
  EXPECT_EQ(node.send("1")->outputs(), Texts{});
  EXPECT_EQ(node.send("2")->outputs(), Texts{R"({"value":3,"count":2})"});
  EXPECT_EQ(node.send("5")->outputs(), Texts{});
  EXPECT_EQ(node.finish()->outputs(), Texts{R"({"value":5,"count":1})"});
}

TEST_F(Aggregate, AWindowOfTimeEndsWithTheFirstItemAfterIt) {
  FakeNode node = host_->create("Aggregate", R"({"op":"sum","window":{"ms":100}})");
  node.send("1");
  host_->advance(milliseconds(99));
  EXPECT_EQ(node.send("2")->outputs(), Texts{});
  host_->advance(milliseconds(1));
  EXPECT_EQ(node.send("4")->outputs(), Texts{R"({"value":3,"count":2})"});
  EXPECT_EQ(node.finish()->outputs(), Texts{R"({"value":4,"count":1})"});
}

TEST_F(Aggregate, TotalsGoOnInTheNextRunWhereTheStateIsKept) {
  const char* kParams = R"({"op":"sum","value":"/n","key":"/k"})";
  FakeNode first = host_->create("Aggregate", kParams);
  first.send(R"({"k":"a","n":40})");
  first.finish();
  auto state = first.save();
  ASSERT_TRUE(state);
  FakeNode second = host_->create("Aggregate", kParams, *state);
  second.send(R"({"k":"a","n":2})");
  EXPECT_EQ(second.finish()->outputs(), Texts{R"({"key":"a","value":42,"count":2})"});
  EXPECT_THROW(host_->create("Aggregate", R"({"op":"mean","value":"/n","key":"/k"})", *state), Error);
  EXPECT_EQ(host_->create("Aggregate", R"({"op":"sum","window":{"items":2}})").save(), std::nullopt);
}

TEST_F(Aggregate, ANewRunBeginsFromNothing) {
  FakeNode node = host_->create("Aggregate", R"({"op":"count"})");
  node.send("1");
  node.deactivate();
  node.activate();
  EXPECT_EQ(node.finish()->outputs(), Texts{R"({"value":0,"count":0})"});
}

}  // namespace
