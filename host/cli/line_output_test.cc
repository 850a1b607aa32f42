#include "cli/line_output.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <csignal>
#include <thread>

namespace heddle {
namespace {

class LineOutputTest : public ::testing::Test {
 protected:
  LineOutputTest() {
    std::signal(SIGPIPE, SIG_IGN);
    EXPECT_EQ(::pipe2(ends_, O_NONBLOCK), 0);
    node_.settings.id = "n\"1";
  }
  ~LineOutputTest() override {
    for (int fd : ends_) {
      if (fd >= 0) ::close(fd);
    }
  }

  Result<void> write(LineOutput& out, int64_t number) {
    Item item;
    item.value = Value::integer(number);
    return out.write(node_, std::span(&item, 1));
  }

  // What lies in the pipe now.
  std::string arrived() {
    char text[4096];
    ssize_t n = ::read(ends_[0], text, sizeof text);
    return std::string(text, n > 0 ? static_cast<size_t>(n) : 0);
  }

  void close_reader() {
    ::close(ends_[0]);
    ends_[0] = -1;
  }

  int ends_[2];
  PipelineNode node_;
};

TEST_F(LineOutputTest, OneLinePerItemInOrder) {
  LineOutput out(ends_[1], "the pipe", false);
  ASSERT_TRUE(write(out, 1));
  ASSERT_TRUE(write(out, 2));
  ASSERT_TRUE(out.close());
  EXPECT_EQ(arrived(), "1\n2\n");
}

TEST_F(LineOutputTest, SeveralOutputNodesAreToldApart) {
  LineOutput out(ends_[1], "the pipe", true);
  ASSERT_TRUE(write(out, 7));
  ASSERT_TRUE(out.close());
  EXPECT_EQ(arrived(), "{\"node\":\"n\\\"1\",\"value\":7}\n");
}

TEST_F(LineOutputTest, WhileTheFeedWaitsResultsAppearAtOnce) {
  LineOutput out(ends_[1], "the pipe", false);
  out.set_idle(true);
  ASSERT_TRUE(write(out, 1));
  EXPECT_EQ(arrived(), "1\n");
  ASSERT_TRUE(write(out, 2));
  EXPECT_EQ(arrived(), "2\n");
}

TEST_F(LineOutputTest, WhatLiesInTheBufferAppearsWhenTheFeedBeginsToWait) {
  LineOutput out(ends_[1], "the pipe", false);
  ASSERT_TRUE(write(out, 1));
  ASSERT_TRUE(write(out, 2));
  out.set_idle(true);
  std::string all = arrived();
  EXPECT_TRUE(all.ends_with("2\n")) << all;
}

TEST_F(LineOutputTest, AClosedPipeIsAnErrorThatStays) {
  LineOutput out(ends_[1], "the pipe", false);
  close_reader();
  out.set_idle(true);
  Result<void> first = write(out, 1);
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().code, "closed-pipe");
  EXPECT_NE(first.error().message.find("the pipe"), std::string::npos);
  EXPECT_FALSE(write(out, 2));
  EXPECT_FALSE(out.close());
}

TEST_F(LineOutputTest, WhatDidNotGetOutIsCountedByItsNode) {
  LineOutput out(ends_[1], "the pipe", true);
  PipelineNode other;
  other.settings.id = "other";
  ASSERT_TRUE(write(out, 1));
  out.set_idle(true);  // written
  out.set_idle(false);
  close_reader();
  std::vector<Item> three(3);
  for (Item& item : three) item.value = Value::integer(2);
  (void)out.write(other, three).has_value();
  (void)write(out, 3).has_value();
  EXPECT_FALSE(out.close());
  (void)write(out, 4).has_value();
  EXPECT_EQ(out.lost(node_), 2u);
  EXPECT_EQ(out.lost(other), 3u);
}

TEST_F(LineOutputTest, OfAWriteThatBreaksOffTheWholeLinesAreOut) {
  LineOutput out(ends_[1], "the pipe", false);
  std::vector<Item> items(5);
  for (Item& item : items) item.value = Value::string(std::string(30'000, 'x')).value();
  // A pipe holds 64 KiB: two lines and a part of the third; then the reader goes.
  std::thread reader([this] {
    pollfd p{ends_[0], POLLIN, 0};
    ::poll(&p, 1, -1);
    int waiting = 0;
    while (::ioctl(ends_[0], FIONREAD, &waiting) == 0 && waiting < 60'006) std::this_thread::yield();
    close_reader();
  });
  (void)out.write(node_, items).has_value();
  EXPECT_FALSE(out.close());
  reader.join();
  EXPECT_EQ(out.lost(node_), 3u);
}

TEST_F(LineOutputTest, AFullDiskIsToldWithTheReason) {
  int full = ::open("/dev/full", O_WRONLY);
  if (full < 0) GTEST_SKIP() << "no /dev/full here";
  LineOutput out(full, "out.jsonl", false);
  (void)write(out, 1).has_value();
  Result<void> closed = out.close();
  ASSERT_FALSE(closed);
  EXPECT_EQ(closed.error().code, "io");
  EXPECT_NE(closed.error().message.find("No space left on device"), std::string::npos);
  ::close(full);
}

}  // namespace
}  // namespace heddle
