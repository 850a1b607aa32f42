#include "cli/configuration.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace heddle {
namespace {

class ConfigurationTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(::testing::TempDir()) / ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_ / "here");
    before_ = std::filesystem::current_path();
    std::filesystem::current_path(folder_ / "here");
    for (const char* const name : kVariables) ::unsetenv(name);
    ::setenv("XDG_CONFIG_HOME", (folder_ / "home").c_str(), 1);
  }
  void TearDown() override {
    for (const char* const name : kVariables) ::unsetenv(name);
    std::filesystem::current_path(before_);
    std::filesystem::remove_all(folder_);
  }
  std::string write(const std::string& name, const std::string& text) {
    const std::filesystem::path path = folder_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return path.string();
  }
  std::string system() const { return (folder_ / "etc").string(); }
  Configuration read(const ServeArguments& flags = {}, const std::vector<std::string>& plugin_dirs = {}) { return read_configuration(config_files(flags.config, system()), flags, plugin_dirs); }

  static constexpr const char* kVariables[] = {"XDG_CONFIG_HOME", "HEDDLE_CONFIG", "HEDDLE_THREADS", "HEDDLE_PIPELINES", "HEDDLE_STATE_DIR", "HEDDLE_DRAIN_MS"};
  std::filesystem::path folder_, before_;
};

TEST_F(ConfigurationTest, FilesOfTheUsualPlacesAreReadTheWeakestFirst) {
  EXPECT_EQ(config_files({}, system()), std::vector<std::string>());
  std::vector<std::string> files = {write("etc/heddle.json", "{}"), write("etc/plugins.d/a.json", "{}"), write("etc/conf.d/10-a.json", "{}"), write("etc/conf.d/9-b.json", "{}"), write("home/heddle/heddle.json", "{}")};
  write("etc/conf.d/notes.txt", "");
  write("etc/conf.d/.hidden.json", "");
  write("here/heddle.json", "{}");
  files.push_back(kConfigHere);
  EXPECT_EQ(config_files({}, system()), files);
  EXPECT_EQ(config_files("other.json", system()), std::vector<std::string>{"other.json"});
  ::setenv("HEDDLE_CONFIG", "named.json", 1);
  EXPECT_EQ(config_files({}, system()), std::vector<std::string>{"named.json"});
  const std::string named = write("named/other.json", "{}"), policy = write("named/plugins.d/x.json", "{}");
  EXPECT_EQ(config_files(named, system()), (std::vector<std::string>{policy, named})) << "what is beside the file that was named counts";
  EXPECT_EQ(config_files("other.json", system()), std::vector<std::string>{"other.json"});
}

TEST_F(ConfigurationTest, AFlagIsStrongerThanAVariableAndThatThanAnyFile) {
  write("etc/heddle.json", R"({"threads": 2, "drain_ms": 3, "pipelines": "p", "state_dir": "s", "plugin_dirs": ["/d"]})");
  EXPECT_EQ(read().config->threads, 2u);
  ::setenv("HEDDLE_THREADS", "4", 1);
  ::setenv("HEDDLE_DRAIN_MS", "5", 1);
  ::setenv("HEDDLE_PIPELINES", "mine", 1);
  ::setenv("HEDDLE_STATE_DIR", "", 1);  // as if it were not set
  Configuration said = read();
  ASSERT_TRUE(said.config);
  EXPECT_EQ(said.config->threads, 4u);
  EXPECT_EQ(said.config->drain_ms, 5u);
  EXPECT_EQ(said.config->pipelines, "mine");
  EXPECT_EQ(said.config->state_dir, system() + "/s");
  EXPECT_EQ(to_string(said.config->origins["threads"].at(0)), "HEDDLE_THREADS");
  EXPECT_EQ(to_string(said.config->origins["state_dir"].at(0)), system() + "/heddle.json:1");
  said = read({.threads = 6}, {"/flagged"});
  EXPECT_EQ(said.config->threads, 6u);
  EXPECT_EQ(to_string(said.config->origins["threads"].at(0)), "--threads");
  EXPECT_EQ(said.config->plugin_dirs, (std::vector<std::string>{"/flagged", "/d"}));
  ASSERT_EQ(said.config->origins["plugin_dirs"].size(), 2u);
  EXPECT_EQ(to_string(said.config->origins["plugin_dirs"][0]), "--plugin-dir");
}

TEST_F(ConfigurationTest, AVariableIsAsStrictAsAFile) {
  for (const char* const wrong : {"x", "0", "1025", "-1", "4 "}) {
    ::setenv("HEDDLE_THREADS", wrong, 1);
    const Configuration said = read();
    ASSERT_TRUE(said.error) << wrong;
    EXPECT_EQ(said.error->message, "HEDDLE_THREADS must be a whole number from 1 to 1024, but is \"" + std::string(wrong) + "\"");
    EXPECT_FALSE(said.config);
  }
}

TEST_F(ConfigurationTest, EveryFileIsShownThatIsWrong) {
  write("etc/heddle.json", R"({"threds": 2})");
  write("here/heddle.json", R"({"drain_ms": -1})");
  const Configuration said = read();
  EXPECT_FALSE(said.config);
  const std::string faults = config_faults(said, false);
  EXPECT_NE(faults.find("etc/heddle.json:1:2: error[unknown-key]"), std::string::npos) << faults;
  EXPECT_NE(faults.find("did you mean \"threads\"?"), std::string::npos) << faults;
  EXPECT_NE(faults.find("heddle.json:1:14: error[out-of-range]"), std::string::npos) << faults;
  EXPECT_EQ(read({.config = "nowhere.json"}).error->code, "io");
}

}  // namespace
}  // namespace heddle
