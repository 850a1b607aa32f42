#include "cli/run_files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace heddle {
namespace {

class RunFiles : public ::testing::Test {
 protected:
  RunFiles() {
    std::string folder = (std::filesystem::temp_directory_path() / "heddle-run-files-XXXXXX").string();
    folder_ = ::mkdtemp(folder.data());
  }
  ~RunFiles() override { std::filesystem::remove_all(folder_); }

  std::string file(const char* name, const char* content) {
    std::string path = folder_ / name;
    std::ofstream(path) << content;
    return path;
  }

  std::filesystem::path folder_;
};

TEST_F(RunFiles, AMissingFileAndAFolderAreErrorsThatNameThem) {
  Result<OpenFile> missing = open_input(folder_ / "none");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, "io");
  EXPECT_NE(missing.error().message.find("none: No such file"), std::string::npos);
  Result<OpenFile> folder = open_input(folder_);
  ASSERT_FALSE(folder);
  EXPECT_NE(folder.error().message.find("Is a directory"), std::string::npos);
}

TEST_F(RunFiles, TheOutputIsEmptiedOnlyWhenToldSo) {
  std::string path = file("out", "old");
  Result<OpenFile> out = open_output(path);
  ASSERT_TRUE(out);
  EXPECT_EQ(std::filesystem::file_size(path), 3u);
  ASSERT_TRUE(truncate(*out));
  EXPECT_EQ(std::filesystem::file_size(path), 0u);
}

TEST_F(RunFiles, InputAndOutputOfTheSameFileAreFoundAlsoThroughALink) {
  std::string path = file("data", "{}\n"), link = folder_ / "link";
  std::filesystem::create_symlink(path, link);
  Result<OpenFile> in = open_input(path), out = open_output(link), other = open_output(folder_ / "other");
  ASSERT_TRUE(in && out && other);
  EXPECT_TRUE(in->same_file(*out));
  EXPECT_FALSE(in->same_file(*other));
}

TEST_F(RunFiles, TheSizeIsWhatIsLeftToRead) {
  Result<OpenFile> in = open_input(file("data", "12345678"));
  ASSERT_TRUE(in);
  EXPECT_EQ(in->size(), 8u);
  ::lseek(in->fd(), 3, SEEK_SET);
  EXPECT_EQ(in->size(), 5u);
}

TEST_F(RunFiles, ANamedPipeIsReadWithoutBlocking) {
  std::string path = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  int writer = ::open(path.c_str(), O_RDWR);
  Result<OpenFile> in = open_input(path);
  ASSERT_TRUE(in);
  EXPECT_TRUE(::fcntl(in->fd(), F_GETFL) & O_NONBLOCK);
  EXPECT_FALSE(in->size().has_value());
  ::close(writer);
}

TEST_F(RunFiles, WhatWasMadeNonBlockingForUsIsGivenBackAsItWas) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  {
    OpenFile shared(ends[0], "a pipe", false);
    shared.set_nonblocking();
    EXPECT_TRUE(::fcntl(ends[0], F_GETFL) & O_NONBLOCK);
  }
  EXPECT_FALSE(::fcntl(ends[0], F_GETFL) & O_NONBLOCK);
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace
}  // namespace heddle
