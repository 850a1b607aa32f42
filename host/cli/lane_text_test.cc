#include "cli/lane_text.h"

#include <gtest/gtest.h>

namespace heddle {
namespace {

TEST(LaneText, ALaneIsALine) {
  const Value lanes = *Value::parse(R"([
    {"name":"system","priority":0,"max_concurrency":5,"stats":{"waiting":0,"running":1,"oldest_waiting_ms":0},"counts":{"dead_lettered":0},"ran":{"count":9,"p50_ms":0.4,"p95_ms":12,"p99_ms":1500}},
    {"name":"prompt","priority":5,"max_concurrency":null,"stats":{"waiting":12345,"running":2,"oldest_waiting_ms":180000,"paused":true,"under_pressure":true},"counts":{"dead_lettered":3}}])");
  EXPECT_EQ(lane_table(lanes, {{"system", 12.34}, {"prompt", 2345.6}}, 0),
            "LANE    PRIO  WAITING  RUNNING  PER S     P50    P95    P99  DEAD  OLDEST  NOTE\n"
            "system     0        0      1/5   12.3  0.4 ms  12 ms  1.5 s     0       -\n"
            "prompt     5   12,345        2  2,345       -      -      -     3   3 min  paused, under pressure\n");
}

TEST(LaneText, ADetailNamesEveryMember) {
  const std::string text = lane_detail(*Value::parse(R"({"name":"x","retry":{"kind":"fixed","retries":2},"paused":false})"));
  EXPECT_EQ(text, "name                        x\nretry.kind                  fixed\nretry.retries               2\npaused                      false\n");
}

}  // namespace
}  // namespace heddle
