#include "tracer.h"

#include <gtest/gtest.h>

namespace heddle {
namespace {

TraceSpan span_of(const Tracer& tracer, const std::string& name) { return {.context = tracer.begin({}), .name = name}; }

TEST(Sampler, TakesItsShareOfTheTracesThatBeginHere) {
  constexpr uint64_t kMost = ~uint64_t{0};
  EXPECT_TRUE((Sampler{.ratio = 1}.decide({.low = kMost})));
  EXPECT_FALSE((Sampler{.ratio = 0}.decide({.low = 0})));
  EXPECT_TRUE((Sampler{.ratio = 0.25}.decide({.low = kMost / 5})));
  EXPECT_FALSE((Sampler{.ratio = 0.25}.decide({.low = kMost / 3})));
}

TEST(Tracer, WhatBeganElsewhereIsRecordedIfItIsThere) {
  const Tracer none(Sampler{.ratio = 0}), all(Sampler{.ratio = 1}), own(Sampler{.follows_parent = false, .ratio = 0});
  EXPECT_TRUE(none.begin(new_trace(true)).sampled);
  EXPECT_FALSE(none.begin({}).sampled);
  EXPECT_FALSE(all.begin(new_trace(false)).sampled);
  EXPECT_TRUE(all.begin({}).sampled);
  EXPECT_FALSE(own.begin(new_trace(true)).sampled);
}

TEST(Tracer, APieceOfWorkIsAPartOfItsParent) {
  const Tracer tracer;
  const auto parent = read_trace("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "a=1");
  const TraceContext begun = tracer.begin(parent);
  EXPECT_EQ(begun.trace_id(), parent->trace_id());
  EXPECT_EQ(begun.state, "a=1");
  EXPECT_NE(begun.span, parent->span);
}

TEST(Tracer, WhoRecordsNothingHandsOnWhatThereIs) {
  const TraceContext parent = new_trace(false);
  EXPECT_EQ(begin_span(nullptr, parent), parent);
  EXPECT_TRUE(begin_span(nullptr, {}).sampled) << "others may record it";
}

TEST(Tracer, GivesTheOldestFirstAndCountsWhatItHasNoRoomFor) {
  Tracer tracer({}, 3, 2);
  for (const char* const name : {"a", "b", "c", "d"}) tracer.add(span_of(tracer, name));
  tracer.add({.context = new_trace(false), .name = "not sampled"});
  EXPECT_EQ(tracer.waiting(), 3u);
  EXPECT_EQ(tracer.counts().recorded, 3u);
  EXPECT_EQ(tracer.counts().dropped, 1u);
  const std::vector<TraceSpan> first = tracer.take(), second = tracer.take();
  ASSERT_EQ(first.size(), 2u);
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(first[0].name + first[1].name + second[0].name, "abc");
  EXPECT_TRUE(tracer.take().empty());
  tracer.lost(2);
  EXPECT_EQ(tracer.counts().dropped, 3u);
}

TEST(Tracer, TellsWhenABatchWaits) {
  Tracer tracer({}, 10, 2);
  int told = 0;
  tracer.on_enough([&] { ++told; });
  for (int i = 0; i < 5; ++i) tracer.add(span_of(tracer, "x"));
  EXPECT_EQ(told, 2);
  tracer.on_enough(nullptr);
  tracer.add(span_of(tracer, "x"));
  EXPECT_EQ(told, 2);
}

}  // namespace
}  // namespace heddle
