#include "plugin/policy.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "plugin/catalog.h"
#include "plugin/elf_for_test.h"
#include "plugin/file_digest.h"
#include "plugin/library.h"

namespace heddle {
namespace {

namespace fs = std::filesystem;

class PolicyTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "policyXXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    offer("good", "Good");
    offer("other", "Other");
  }
  void TearDown() override { fs::remove_all(root_); }

  std::string path(const std::string& plugin) const { return root_ + "/" + plugin + ".so"; }
  void offer(const std::string& plugin, const std::string& type) {
    std::ofstream(path(plugin), std::ios::binary) << elf_with_notes({{HEDDLE_NOTE_PLUGIN, plugin_note(plugin)},
                                                                     {HEDDLE_NOTE_TYPE, R"({"node":")" + type + R"(","params":{}})"}});
    ASSERT_EQ(::chmod(path(plugin).c_str(), 0644), 0);
  }
  std::string digest(const std::string& plugin) const { return *sha256_of_file(path(plugin)); }
  // "" for a plugin that is taken.
  std::string why_not(const std::string& plugin) const {
    const Catalog catalog = Catalog::scan({root_}, &policy_);
    for (const RefusedPlugin& one : catalog.refused())
      if (one.plugin.name == plugin || one.path == root_) return one.why.code == "not-trusted" ? one.why.message : "refused for another reason: " + one.why.text();
    return "";
  }

  std::string root_;
  PluginPolicy policy_{.user = ::geteuid()};
};

TEST_F(PolicyTest, WhatOnlyItsUserWroteIsTaken) {
  EXPECT_EQ(why_not("good"), "");
  EXPECT_EQ(why_not("other"), "");
}

TEST_F(PolicyTest, AnIdThatIsNotAllowedIsRefused) {
  policy_.allow = {"good"};
  EXPECT_EQ(why_not("good"), "");
  EXPECT_EQ(why_not("other"), path("other") + ": plugin \"other\" is not trusted: \"plugins\".\"allow\" of the configuration does not name it");
}

TEST_F(PolicyTest, ADirectoryThatIsNotNamedIsRefused) {
  policy_.directories = {"/usr/lib/heddle"};
  EXPECT_EQ(why_not("good"), root_ + " is not trusted: \"plugins\".\"directories\" of the configuration does not have it");
  policy_.directories->push_back(root_ + "/../" + fs::path(root_).filename().string() + "/");
  EXPECT_EQ(why_not("good"), "");
}

TEST_F(PolicyTest, AFileThatIsNotThePinnedOneIsRefused) {
  policy_.pins["good"] = {std::string(64, '0'), digest("good")};
  EXPECT_EQ(why_not("good"), "");
  policy_.pins["good"] = {digest("other")};
  EXPECT_EQ(why_not("good"), path("good") + ": plugin \"good\" is not trusted: its SHA-256 is " + digest("good") + ", and its pin says another: if this is the file that is wanted, pin this one");
  EXPECT_EQ(why_not("other"), "");
  policy_.pinned_only = true;
  EXPECT_EQ(why_not("other"), path("other") + ": plugin \"other\" is not trusted: it has no pin, and \"plugins\".\"pinned_only\" is true");
}

TEST_F(PolicyTest, AFileThatOthersCanWriteIsRefused) {
  ASSERT_EQ(::chmod(path("good").c_str(), 0646), 0);
  EXPECT_NE(why_not("good").find("can be written by everybody (mode 0646)"), std::string::npos) << why_not("good");
  EXPECT_EQ(why_not("other"), "");
}

TEST_F(PolicyTest, ADirectoryThatOthersCanWriteIsRefusedAsAWhole) {
  ASSERT_EQ(::chmod(root_.c_str(), 0707), 0);
  EXPECT_NE(why_not("good").find("can be written by everybody (mode 0707)"), std::string::npos) << why_not("good");
  EXPECT_EQ(Catalog::scan({root_}, &policy_).refused().size(), 1u);
}

TEST_F(PolicyTest, ALinkToAFileThatOthersCanWriteIsRefused) {
  fs::create_directory(root_ + "/open");
  fs::rename(path("good"), root_ + "/open/good.so");
  ASSERT_EQ(::chmod((root_ + "/open").c_str(), 0777), 0);
  fs::create_symlink("open/good.so", path("good"));
  EXPECT_NE(why_not("good").find(root_ + "/open can be written by everybody"), std::string::npos) << why_not("good");
}

TEST_F(PolicyTest, TheHintForATypeSaysWhyItsPluginIsRefused) {
  policy_.allow = {"good"};
  const Catalog catalog = Catalog::scan({root_}, &policy_);
  EXPECT_EQ(catalog.hint_for("node", "Other"),
            "a plugin that has it was refused: " + path("other") + ": plugin \"other\" is not trusted: \"plugins\".\"allow\" of the configuration does not name it");
  ASSERT_NE(catalog.refused_with("node", "Other"), nullptr);
  EXPECT_EQ(catalog.refused_with("node", "Good"), nullptr);
}

TEST_F(PolicyTest, AFileThatWasExchangedSinceItWasFoundIsNotLoaded) {
  policy_.pins["good"] = {digest("good")};
  const Catalog catalog = Catalog::scan({root_}, &policy_);
  const CatalogEntry good = catalog.find("node", "Good");
  ASSERT_NE(good.plugin, nullptr);
  fs::rename(path("other"), path("good"));
  const auto loaded = Library::load(*good.plugin);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, "not-trusted");
  EXPECT_NE(loaded.error().text().find("is not the file that was found any more: its SHA-256 is " + digest("good")), std::string::npos) << loaded.error().text();
}

TEST(FileDigestTest, IsThatOfSha256sum) {
  const std::string file = testing::TempDir() + "heddle_digest_abc";
  std::ofstream(file) << "abc";
  EXPECT_EQ(*sha256_of_file(file), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");  // FIPS 180-4, example of one block
  fs::remove(file);
  const auto none = sha256_of_file(file);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, "cannot-read");
}

}  // namespace
}  // namespace heddle
