#include "plugin/guarded_path.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace heddle {
namespace {

namespace fs = std::filesystem;

class GuardedPathTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "guardedXXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    ASSERT_EQ(way_in_for_others(root_, me_), std::nullopt) << "the folder for temporary files is no place for this test";
    fs::create_directories(root_ + "/a/b");
    for (const char* const folder : {"/a", "/a/b"}) ASSERT_EQ(::chmod((root_ + folder).c_str(), 0755), 0);
    write("/a/b/x.so");
  }
  void TearDown() override { fs::remove_all(root_); }

  void write(const std::string& path) {
    std::ofstream(root_ + path) << "x";
    ASSERT_EQ(::chmod((root_ + path).c_str(), 0644), 0);
  }
  void set_mode(const std::string& path, mode_t mode) { ASSERT_EQ(::chmod((root_ + path).c_str(), mode), 0); }
  std::string fault(const std::string& path = "/a/b/x.so") { return way_in_for_others(root_ + path, me_).value_or("none"); }

  const uid_t me_ = ::geteuid();
  std::string root_;
};

TEST_F(GuardedPathTest, NobodyElseCanWrite) { EXPECT_EQ(fault(), "none"); }

TEST_F(GuardedPathTest, EveryDirectoryOnTheWayCounts) {
  set_mode("/a", 0777);
  EXPECT_EQ(fault(), "the directory " + root_ + "/a can be written by everybody (mode 0777): chmod o-w " + root_ + "/a");
  set_mode("/a", 0757);
  EXPECT_NE(fault(), "none");
  set_mode("/a", 01777);
  EXPECT_EQ(fault(), "none") << "what others own in a sticky directory they cannot exchange";
  EXPECT_NE(fault("/a"), "none") << "but they can add to it";
}

TEST_F(GuardedPathTest, TheFileCounts) {
  set_mode("/a/b/x.so", 0666);
  EXPECT_EQ(fault(), "the file " + root_ + "/a/b/x.so can be written by everybody (mode 0666): chmod o-w " + root_ + "/a/b/x.so");
  EXPECT_EQ(own_way_in_for_others(root_ + "/a/b/x.so", me_).value_or("none"), fault());
}

TEST_F(GuardedPathTest, ALinkIsWhatItLeadsTo) {
  fs::create_directories(root_ + "/open");
  set_mode("/open", 0777);
  write("/open/y.so");
  fs::create_symlink(root_ + "/open/y.so", root_ + "/a/b/absolute.so");
  fs::create_symlink("../../open/y.so", root_ + "/a/b/relative.so");
  fs::create_symlink("../a/b/x.so", root_ + "/open/back.so");
  for (const char* const path : {"/a/b/absolute.so", "/a/b/relative.so", "/open/back.so"})
    EXPECT_EQ(fault(path), "the directory " + root_ + "/open can be written by everybody (mode 0777): chmod o-w " + root_ + "/open") << path;
  set_mode("/open", 0755);
  for (const char* const path : {"/a/b/absolute.so", "/a/b/relative.so", "/open/back.so"}) EXPECT_EQ(fault(path), "none") << path;
}

TEST_F(GuardedPathTest, LinksInACircleAndFilesThatAreNotThereAreFaults) {
  fs::create_symlink("two.so", root_ + "/a/one.so");
  fs::create_symlink("one.so", root_ + "/a/two.so");
  EXPECT_NE(fault("/a/one.so").find("more than 40 symbolic links"), std::string::npos) << fault("/a/one.so");
  EXPECT_NE(fault("/a/none.so").find("No such file"), std::string::npos) << fault("/a/none.so");
}

TEST_F(GuardedPathTest, AnotherOwnerIsAFault) {
  const auto other = way_in_for_others(root_ + "/a/b/x.so", me_ + 1);
  if (me_ == 0) {
    EXPECT_EQ(other, std::nullopt) << "everybody has to trust root";
    ASSERT_EQ(::chown((root_ + "/a").c_str(), 4321, 0), 0);
    EXPECT_NE(fault().find("the directory " + root_ + "/a belongs to 4321"), std::string::npos) << fault();
  } else {
    EXPECT_NE(other.value_or("none").find(" belongs to "), std::string::npos) << *other;
  }
}

TEST_F(GuardedPathTest, AGroupThatOthersAreInIsAFault) {
  if (me_ != 0) GTEST_SKIP() << "only root can give a file to any group";
  ASSERT_EQ(::chown((root_ + "/a").c_str(), 0, 4321), 0);
  set_mode("/a", 0775);
  EXPECT_EQ(fault(), "the directory " + root_ + "/a can be written by the group 4321 (mode 0775): chmod g-w " + root_ + "/a");
}

}  // namespace
}  // namespace heddle
