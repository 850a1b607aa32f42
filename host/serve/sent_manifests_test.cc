#include "serve/sent_manifests.h"

#include <gtest/gtest.h>

namespace heddle {
namespace {

std::string times(size_t factor, const std::string& more = "") {
  return R"({"version":"heddle/1","metadata":{"name":"times"},"nodes":[{"id":"m","node_type":"Multiply","params":{"multiplier":)" + std::to_string(factor) + R"(}}])" + more + "}";
}

class Sent : public testing::Test {
 protected:
  void allow(std::vector<std::string> types) {
    ExecuteSettings settings{.inline_manifests = true};
    for (std::string& type : types) settings.node_types.push_back({.name = std::move(type)});
    manifests_.use(settings, catalog_);
  }
  std::string refusal(const std::string& text) {
    const auto planned = manifests_.plan(text);
    return planned ? "" : planned.error().text();
  }
  const std::shared_ptr<const Catalog> catalog_ = std::make_shared<const Catalog>(Catalog::scan({HEDDLE_PLUGINS}));
  Lanes lanes_{1};
  ServedPipelines pipelines_;
  SentManifests manifests_{pipelines_, lanes_};
};

TEST_F(Sent, NobodyMaySendAnyUnlessThatIsSaid) {
  EXPECT_EQ(manifests_.allowed().error().code, "denied");
  allow({"Multiply"});
  EXPECT_TRUE(manifests_.allowed());
  manifests_.use({}, catalog_);
  EXPECT_EQ(manifests_.allowed().error().code, "denied");
}

TEST_F(Sent, AManifestIsPlannedOnceUntilTheRulesChange) {
  allow({"Multiply"});
  EXPECT_EQ(manifests_.find(times(2)), nullptr);
  const auto planned = manifests_.plan(times(2));
  ASSERT_TRUE(planned) << planned.error().text();
  EXPECT_EQ(manifests_.find(times(2)), *planned);
  EXPECT_EQ(manifests_.find(times(3)), nullptr);
  EXPECT_EQ((*planned)->name, "times");
  allow({"Multiply"});
  EXPECT_EQ(manifests_.find(times(2)), nullptr);
}

TEST_F(Sent, TheOnesUsedLastAreKept) {
  allow({"Multiply"});
  for (size_t i = 0; i < SentManifests::kMostKept; ++i) ASSERT_TRUE(manifests_.plan(times(i)));
  EXPECT_NE(manifests_.find(times(0)), nullptr);  // and used
  ASSERT_TRUE(manifests_.plan(times(1000)));
  EXPECT_NE(manifests_.find(times(0)), nullptr);
  EXPECT_EQ(manifests_.find(times(1)), nullptr);
  EXPECT_NE(manifests_.find(times(2)), nullptr);
  EXPECT_NE(manifests_.find(times(1000)), nullptr);
}

TEST_F(Sent, LargeOnesAreKeptOnlyAsFarAsThereIsRoom) {
  allow({"Multiply"});
  const auto large = [](size_t i) { return times(i, R"(,"x-note":")" + std::string(SentManifests::kMostKeptBytes / 5, 'x') + "\""); };
  for (size_t i = 0; i < 5; ++i) ASSERT_TRUE(manifests_.plan(large(i)));
  EXPECT_EQ(manifests_.find(large(0)), nullptr);
  for (size_t i = 1; i < 5; ++i) EXPECT_NE(manifests_.find(large(i)), nullptr) << i;
}

TEST_F(Sent, WhatIsNotAllowedIsRefusedAtItsPlace) {
  allow({"PassThroughNode"});  // an alias is the type that it stands for
  EXPECT_EQ(refusal(R"({"nodes":[{"id":"p","node_type":"PassThrough"}]})"), "");
  EXPECT_NE(refusal(times(2)).find("/nodes/0/node_type: a manifest that is sent to this host may not use the node type \"Multiply\" (its configuration allows, in \"execute.node_types\": PassThrough)"),
            std::string::npos)
      << refusal(times(2));
  EXPECT_NE(refusal(R"({"version":"heddle/1","nodes":[{"id":"p","node_type":"PassThrough","state":"keep"}]})").find("/nodes/0/state: "), std::string::npos);
  EXPECT_NE(refusal(R"({"version":"heddle/1","lanes":{"mine":{}},"nodes":[{"id":"p","node_type":"PassThrough","lane":"mine"}]})").find("this host has no lane \"mine\""), std::string::npos);
  EXPECT_NE(refusal(R"({"manifest":{"nodes":[{"id":"p","node_type":"PassThrough"}]},"input_data":[1]})").find("the input stands beside the manifest"), std::string::npos);
  EXPECT_NE(refusal("{").find("the manifest cannot be run: "), std::string::npos);
  EXPECT_EQ(manifests_.find(times(2)), nullptr);
}

}  // namespace
}  // namespace heddle
