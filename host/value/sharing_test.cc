// Who keeps whom alive, and what threads may do at once.
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "value/value.h"

namespace heddle {
namespace {

TEST(Sharing, MembersKeepTheirTextAlive) {
  Value member, deep, key_owner;
  {
    Value v = Value::parse("{\"a\":{\"b\":[1,\"x\\ny\"]},\"k\\u0041\":2}").value();
    member = v.find("a");
    deep = v.pointer("/a/b/1");
  }
  EXPECT_EQ(deep.as_text(), "x\ny");
  EXPECT_EQ(member.json(), "{\"b\":[1,\"x\\ny\"]}");
  member = Value();
  EXPECT_EQ(deep.json(), "\"x\\ny\"");
}

TEST(Sharing, ContainersShareTheirChildren) {
  Value child = Value::parse("[1,2,3]").value();
  Value list = Value::list({child, child, child.at(1)});
  Value map = Value::map({{"l", list}, {"c", child}}).value();
  child = Value();
  list = Value();
  EXPECT_EQ(map.json(), "{\"l\":[[1,2,3],[1,2,3],2],\"c\":[1,2,3]}");
  Value two = map.pointer("/l/2");
  map = Value();
  EXPECT_EQ(two.as_int(), 2);
}

TEST(Sharing, ReleasedReferenceIsTheCallersToGive) {
  Value v = Value::string("text").value();
  heddle_value* raw = v.release();
  EXPECT_FALSE(v);
  Value again = Value::adopt(raw);
  Value shared = Value::share(raw);
  again = Value();
  EXPECT_EQ(shared.as_text(), "text");
}

TEST(Sharing, ManyThreadsLookIntoOneValueAtOnce) {
  for (int round = 0; round < 200; ++round) {
    Value text = Value::parse("{\"n\":12.5,\"s\":\"a\\nb\",\"list\":[1,2,{\"k\\u0041\":\"\\u00e9\"}]}").value();
    Value made = Value::map({{"t", text}, {"i", Value::integer(round)}}).value();
    std::atomic<int> waiting{3};
    auto look = [&] {
      waiting.fetch_sub(1);
      while (waiting.load() > 0) std::this_thread::yield();
      EXPECT_EQ(made.pointer("/t/list/2/kA").as_text(), "\xC3\xA9");
      EXPECT_EQ(made.pointer("/t/s").as_text(), "a\nb");
      EXPECT_EQ(made.pointer("/t/n").kind(), HEDDLE_FLOAT);
      EXPECT_EQ(made.json().size(), text.json().size() + 11 + std::to_string(round).size());
      Value kept = made.pointer("/t/list/0");
      EXPECT_EQ(kept.as_int(), 1);
    };
    std::thread first(look), second(look), third(look);
    first.join();
    second.join();
    third.join();
  }
}

TEST(Sharing, TheLastReleaseMayBeOnAnyThread) {
  for (int round = 0; round < 200; ++round) {
    Value v = Value::list({Value::parse("[\"a\\tb\"]").value(), Value::integer(1)});
    auto work = [](Value mine) { EXPECT_EQ(mine.pointer("/0/0").as_text(), "a\tb"); };
    std::thread first(work, v), second(work, v);
    v = Value();
    first.join();
    second.join();
  }
}

TEST(Sharing, ValuesWanderFromThreadToThread) {
  // More than a thread keeps for itself, of many sizes, and the threads end with some left.
  constexpr size_t kValues = 5000;
  auto text_of = [](size_t i) { return std::string(i % 1500, static_cast<char>('a' + i % 26)); };
  for (int round = 0; round < 5; ++round) {
    std::vector<Value> made;
    std::thread([&] {
      for (size_t i = 0; i < kValues; ++i) made.push_back(Value::string(text_of(i)).value());
    }).join();
    std::thread([&] {
      for (size_t i = 0; i < kValues; ++i) {
        ASSERT_EQ(made[i].as_text(), text_of(i));
        if (i % 7 != 0) made[i] = Value();
      }
    }).join();
    for (size_t i = 0; i < kValues; i += 7) ASSERT_EQ(made[i].as_text(), text_of(i));
  }
}

}  // namespace
}  // namespace heddle
