#include "chain/task.h"

#include <gtest/gtest.h>

#include <set>
#include <utility>

namespace heddle {
namespace {

using enum TaskState;

TEST(TaskTest, MakesTheLegalMovesAndNoOthers) {
  const std::set<std::pair<TaskState, TaskState>> legal = {
      {kOffered, kClaimed},   {kOffered, kFailed},   {kOffered, kLost},                                                    // the claim
      {kClaimed, kRunning},   {kClaimed, kComputed}, {kClaimed, kSettled}, {kClaimed, kFailed}, {kClaimed, kLost},         // the work
      {kRunning, kComputed},  {kRunning, kSettled},  {kRunning, kFailed},  {kRunning, kLost},
      {kComputed, kSubmitted}, {kComputed, kSettled}, {kComputed, kFailed}, {kComputed, kLost},
      {kSubmitted, kComputed}, {kSubmitted, kSettled}, {kSubmitted, kFailed}, {kSubmitted, kLost},
  };
  for (const TaskState from : kTaskStates) {
    for (const TaskState to : kTaskStates) {
      Task task{.activity = "a", .state = from};
      const auto after = moved(task, to, "because", 7);
      EXPECT_EQ(static_cast<bool>(after), legal.contains({from, to})) << name_of(from) << " to " << name_of(to);
      if (!after) {
        EXPECT_EQ(after.error().code, "illegal-move");
        continue;
      }
      EXPECT_EQ(after->state, to);
      ASSERT_EQ(after->history.size(), 1u);
      EXPECT_EQ(after->history[0].at_ms, 7u);
      EXPECT_EQ(after->history[0].why, "because");
    }
  }
}

TEST(TaskTest, NothingMovesOutOfAnEndAndEveryEndCanBeReached) {
  for (const TaskState from : kTaskStates) {
    bool moves = false;
    for (const TaskState to : kTaskStates) moves = moves || may_move(from, to);
    EXPECT_EQ(moves, !is_over(from)) << name_of(from);
    EXPECT_TRUE(is_over(from) || may_move(from, kLost)) << name_of(from);
  }
}

TEST(TaskTest, NamesReadBack) {
  for (const TaskState state : kTaskStates) EXPECT_EQ(task_state_named(name_of(state)), state);
  EXPECT_FALSE(task_state_named("gone"));
}

TEST(TaskTest, ARecordReadsBackAsItWas) {
  Task task{.activity = "0xab", .run = 3, .kind = "0xcd", .workflow = "w", .queue = "video/1.1.0/processing", .partition = 2, .expires_unix = 90, .lease_until_unix = 80, .attempt = 2,
            .checkpoint = "s3://c", .cancelled = "nobody wants it", .transaction = "0x12"};
  task = *moved(*moved(*moved(task, kClaimed, "", 1), kRunning, "", 2), kComputed, "it \"broke\"", 3);
  task.outcome = TaskOutcome{.is_good = false, .reason = "no such codec"};
  const auto read = read_task_record(task_record(task));
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(task_record(*read), task_record(task));
  EXPECT_EQ(read->history.size(), 3u);
  EXPECT_EQ(read->outcome->reason, "no such codec");
  EXPECT_EQ(read->cancelled, "nobody wants it");
  EXPECT_EQ(read->key("claim"), "0xab/claim/3");
}

TEST(TaskTest, DamagedRecordsAreRefused) {
  for (const char* text : {"", "[]", "{}", R"({"activity":"a","run":1,"state":"gone","history":[]})", R"({"activity":"a","run":0,"state":"offered","history":[]})",
                           R"({"run":1,"state":"offered","history":[]})", R"({"activity":"a","run":1,"state":"computed","history":[]})", R"({"activity":"a","run":1,"state":"offered"})",
                           R"({"activity":"a","run":1,"state":"offered","history":[{"to":"x"}]})"}) {
    const auto read = read_task_record(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code, "bad-record");
  }
}

}  // namespace
}  // namespace heddle
