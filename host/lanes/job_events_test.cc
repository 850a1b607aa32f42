#include "lanes/job_events.h"

#include <gtest/gtest.h>

#include <future>

namespace heddle {
namespace {

JobNews event(std::string_view key) { return {.key = key}; }

struct Place {
  Lanes lanes{1};
  Errands errands{lanes, *lanes.find("default")};
  JobEvents events;
};

TEST(JobEvents, WhoAsksIsCalledOnceThereIsSomething) {
  Place place;
  const auto queue = place.events.subscribe({});
  std::promise<void> first;
  queue->when_some(place.errands, [&] { first.set_value(); });
  place.events.tell(event("a"));
  place.events.tell(event("b"));
  first.get_future().get();  // a second call would throw
  EXPECT_EQ(queue->take(0)->event.key, "a");
  std::promise<void> again;
  queue->when_some(place.errands, [&] { again.set_value(); });  // there is one already
  again.get_future().get();
  EXPECT_EQ(queue->take(0)->event.key, "b");
}

TEST(JobEvents, WhoForgetsIsNotCalled) {
  Place place;
  const auto queue = place.events.subscribe({});
  const auto held = std::make_shared<int>(0);
  queue->when_some(place.errands, [held] { FAIL(); });
  queue->forget_when_some();
  EXPECT_EQ(held.use_count(), 1);
  place.events.tell(event("a"));
}

TEST(JobEvents, WhatWasLostAtTheEndIsToldToo) {
  JobEvents events;
  const auto queue = events.subscribe({}, 2);
  for (int i = 0; i < 5; ++i) events.tell(event("e"));
  EXPECT_FALSE(queue->take_gap());  // the queued ones come first
  EXPECT_EQ(queue->take(0)->event.number, 1u);
  EXPECT_EQ(queue->take(0)->event.number, 2u);
  const auto gap = queue->take_gap();
  ASSERT_TRUE(gap);
  EXPECT_EQ(gap->lost, 3u);
  EXPECT_EQ(gap->from, 3u);
  EXPECT_EQ(gap->to, 5u);
  EXPECT_FALSE(queue->take_gap());
  events.tell(event("e"));
  EXPECT_EQ(queue->take(0)->lost, 0u);
}

}  // namespace
}  // namespace heddle
