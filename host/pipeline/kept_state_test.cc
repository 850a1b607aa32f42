#include "pipeline/kept_state.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace heddle {
namespace {

class KeptState : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/heddle-state-XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string folder_;
};

TEST_F(KeptState, ComesBackAsItWasSaved) {
  const std::string path = kept_state_path(folder_ + "/deep/er", "pipe", "node");
  ASSERT_TRUE(save_kept_state(path, *Value::parse(R"({"sum":12.50})")));
  ASSERT_TRUE(save_kept_state(path, *Value::parse(R"({"sum":13})")));
  const auto loaded = load_kept_state(path);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->json(), R"({"sum":13})");
  EXPECT_FALSE(std::filesystem::exists(path + ".new"));
}

TEST_F(KeptState, IsEmptyBeforeTheFirstSave) {
  const auto loaded = load_kept_state(kept_state_path(folder_, "p", "n"));
  ASSERT_TRUE(loaded);
  EXPECT_FALSE(*loaded);
}

TEST_F(KeptState, ADamagedFileIsAnErrorThatNamesIt) {
  const std::string path = folder_ + "/x.json";
  std::ofstream(path) << "{\"sum\":";
  const auto loaded = load_kept_state(path);
  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().text().find(path), std::string::npos);
}

TEST_F(KeptState, NamesCannotLeaveTheDirectory) {
  EXPECT_EQ(kept_state_path("/s", "../../etc", "a/b"), "/s/%2E%2E%2F%2E%2E%2Fetc/a%2Fb.json");
}

}  // namespace
}  // namespace heddle
