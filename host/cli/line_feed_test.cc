#include "cli/line_feed.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <future>

namespace heddle {
namespace {

struct Told : Job {
  Told() {
    run = [](Job* job) noexcept { static_cast<Told*>(job)->done.set_value(); };
  }
  std::promise<void> done;
};

class LineFeedTest : public ::testing::Test {
 protected:
  LineFeedTest() { EXPECT_EQ(::pipe2(ends_, O_NONBLOCK), 0); }
  ~LineFeedTest() override {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  void put(std::string_view text) { ASSERT_EQ(::write(ends_[1], text.data(), text.size()), static_cast<ssize_t>(text.size())); }

  int ends_[2];
  std::array<FeedItem, 8> items_;
  Lanes lanes_{1};
  Told told_;
};

TEST_F(LineFeedTest, GivesWhatIsThereThenWaitsUntilThereIsMore) {
  std::vector<bool> idle;
  LineFeed feed(ends_[0], "the pipe", [&](bool now) { idle.push_back(now); });
  put("1\n{broken\n");
  Result<Feed::Got> got = feed.pull(items_);
  ASSERT_TRUE(got);
  ASSERT_EQ(got->count, 2u);
  EXPECT_EQ(items_[0].value.as_int(), 1);
  EXPECT_FALSE(items_[1].value);
  EXPECT_EQ(items_[1].line, 2u);
  EXPECT_EQ(items_[1].text, "{broken");
  got = feed.pull(items_);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->state, Feed::State::kWait);
  feed.wait(lanes_, *lanes_.find("default"), &told_);
  put("3\n");
  told_.done.get_future().wait();
  got = feed.pull(items_);
  ASSERT_TRUE(got);
  EXPECT_EQ(items_[0].value.as_int(), 3);
  EXPECT_EQ(idle, (std::vector<bool>{true, false}));
  EXPECT_EQ(feed.bytes_read(), 12u);
}

TEST_F(LineFeedTest, AnInterruptEndsTheWaitWithoutInput) {
  LineFeed feed(ends_[0], "the pipe", nullptr);
  ASSERT_EQ(feed.pull(items_)->state, Feed::State::kWait);
  feed.wait(lanes_, *lanes_.find("default"), &told_);
  feed.interrupt();
  told_.done.get_future().wait();
}

TEST_F(LineFeedTest, AReadErrorNamesTheInput) {
  LineFeed feed(-1, "nowhere.jsonl", nullptr);
  Result<Feed::Got> got = feed.pull(items_);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, "io");
  EXPECT_NE(got.error().text().find("nowhere.jsonl"), std::string::npos);
}

TEST(ListFeedTest, GivesEveryTextOnce) {
  std::vector<std::string> texts{"1", "{", "\"x\""};
  ListFeed feed(texts);
  std::array<FeedItem, 2> items;
  ASSERT_EQ(feed.pull(items)->count, 2u);
  EXPECT_EQ(items[0].value.as_int(), 1);
  EXPECT_EQ(items[1].text, "{");
  std::array<FeedItem, 2> rest;
  ASSERT_EQ(feed.pull(rest)->count, 1u);
  EXPECT_EQ(rest[0].line, 3u);
  EXPECT_EQ(feed.pull(rest)->state, Feed::State::kEnd);
}

}  // namespace
}  // namespace heddle
