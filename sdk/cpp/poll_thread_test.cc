// What PollThread promises who works on it.
#include <gtest/gtest.h>
#include <heddle/sdk/fake_host.h>
#include <heddle/sdk/poll_thread.h>
#include <heddle/sdk/plugin.h>
#include <unistd.h>

#include <future>

HEDDLE_PLUGIN("poll_thread_test", "1.0.0", "Apache-2.0", "Nothing but a thread");

namespace {

using namespace heddle::sdk;

struct Pipe {
  Pipe() { EXPECT_EQ(::pipe(ends), 0); }
  ~Pipe() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
  int ends[2];
};

struct PollThreadTest : testing::Test {
  FakeHost host;
  PollThread thread{Log(host.table())};
  // What fn() answers, on the thread.
  template <class Fn>
  auto there(Fn fn) {
    std::promise<decltype(fn())> answer;
    EXPECT_TRUE(thread.post([&] { answer.set_value(fn()); }));
    return answer.get_future().get();
  }
};

TEST_F(PollThreadTest, WhatIsPostedRunsInItsOrderOnTheThread) {
  thread.start("test");
  std::vector<int> order;
  for (int i = 0; i < 1000; ++i) thread.post([&order, alone = std::make_unique<int>(i)] { order.push_back(*alone); });
  EXPECT_EQ(there([&] { return order.size(); }), 1000u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  EXPECT_NE(there([] { return std::this_thread::get_id(); }), std::this_thread::get_id());
}

TEST_F(PollThreadTest, WhatWasPostedIsRunBeforeItEnds) {
  thread.start("test");
  int ran = 0;
  for (int i = 0; i < 100; ++i) thread.post([&] { ++ran; });
  thread.stop();
  EXPECT_EQ(ran, 100);
  EXPECT_FALSE(thread.post([&] { ++ran; }));
  thread.start("test");  // and it can begin again
  EXPECT_EQ(there([&] { return ran; }), 100);
}

TEST_F(PollThreadTest, ADescriptorIsWatchedUntilItIsForgotten) {
  thread.start("test");
  Pipe pipe;
  std::promise<short> said;
  PollThread::Id watch = 0;
  there([&] {
    watch = thread.watch(pipe.ends[0], POLLIN, [&](short events) {
      thread.forget(watch);
      said.set_value(events);  // twice would throw
    });
    return 0;
  });
  ASSERT_EQ(::write(pipe.ends[1], "x", 1), 1);
  EXPECT_EQ(said.get_future().get(), POLLIN);
  there([] { return 0; });
  EXPECT_EQ(host.lines(), std::vector<std::string>());
}

TEST_F(PollThreadTest, ADescriptorThatIsAskedNothingSaysNothing) {
  thread.start("test");
  Pipe pipe;
  ASSERT_EQ(::write(pipe.ends[1], "x", 1), 1);
  std::promise<void> said;
  const auto watch = there([&] { return thread.watch(pipe.ends[0], 0, [&](short) { said.set_value(); }); });
  there([] { return 0; });
  there([&] {
    thread.change(watch, POLLIN);
    return 0;
  });
  said.get_future().wait();
  thread.stop();
}

TEST_F(PollThreadTest, TimesComeInTheirOrderAndNotBefore) {
  thread.start("test");
  std::vector<int> order;
  std::promise<bool> last;
  const uint64_t now = PollThread::now_ns();
  there([&] {
    thread.at(now + 20'000'000, [&] { last.set_value(PollThread::now_ns() >= now + 20'000'000); });
    thread.at(now + 2, [&] { order.push_back(2); });
    const auto never = thread.at(now + 1, [&] { order.push_back(3); });
    thread.at(now + 1, [&] { order.push_back(1); });
    thread.forget(never);
    return 0;
  });
  EXPECT_TRUE(last.get_future().get());
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST_F(PollThreadTest, WhatIsThrownIsLoggedAndTheThreadGoesOn) {
  thread.start("test");
  thread.post([] { throw Error(HEDDLE_UNAVAILABLE, "the cable is cut"); });
  EXPECT_EQ(there([] { return 7; }), 7);
  EXPECT_EQ(host.lines(), std::vector<std::string>{"error: the cable is cut"});
}

}  // namespace
