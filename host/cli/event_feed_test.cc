#include "cli/event_feed.h"

#include <gtest/gtest.h>

#include <vector>

namespace heddle {
namespace {

constexpr std::string_view kStream =
    ": hello\n\n"
    "event: queue.job.started\nid: 7\ndata: {\"job\":1}\n\n"
    "event:gap\r\ndata:one\r\ndata: two\r\n\r\n"
    "event: nothing\n\n"
    "data: last\n\ndata: never ended\n";

void expect_all(const std::vector<ServerEvent>& events) {
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].name, "queue.job.started");
  EXPECT_EQ(events[0].id, "7");
  EXPECT_EQ(events[0].data, "{\"job\":1}");
  EXPECT_EQ(events[1].name, "gap");
  EXPECT_EQ(events[1].id, "");
  EXPECT_EQ(events[1].data, "one\ntwo");
  EXPECT_EQ(events[2].name, "");
  EXPECT_EQ(events[2].data, "last");
}

TEST(EventFeed, GivesEachEventOnceItHasEnded) {
  std::vector<ServerEvent> events;
  EventFeed feed([&](ServerEvent event) { events.push_back(std::move(event)); });
  feed.add(kStream);
  expect_all(events);
}

TEST(EventFeed, BytesMayBeCutAnywhere) {
  for (size_t size = 1; size < 9; ++size) {
    std::vector<ServerEvent> events;
    EventFeed feed([&](ServerEvent event) { events.push_back(std::move(event)); });
    for (size_t at = 0; at < kStream.size(); at += size) feed.add(kStream.substr(at, size));
    expect_all(events);
  }
}

}  // namespace
}  // namespace heddle
