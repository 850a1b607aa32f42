#include "lanes/job_record.h"

#include <gtest/gtest.h>

namespace heddle {
namespace {

Result<std::string> read_and_written(std::string_view text) {
  JobRun::Record r;
  auto names = read_job_record(text, r);
  if (!names) return std::move(names).error();
  r.type = &names->type;
  r.lane_name = &names->lane;
  return job_record(r);
}

TEST(JobRecord, KeepsAllBitsOfAKeyAndAllOfTheRest) {
  const std::string text = R"({"type":"t","lane":"l","durability":"durable","state":"dead","submitted_ms":1700000000000,"priority":255,"key":"18446744073709551615",)"
                           R"("idempotency_key":"k","after":[1,9007199254740993],"payload":{"a":[1,2.50]},"checkpoint":7,"attempt":2,"failed":[[1,"oh",3],[2,"\n",0]],)"
                           R"("started_ms":1700000000001,"ended_ms":1700000000002,"error":["thrown","retryable","oh"]})";
  const auto again = read_and_written(text);
  ASSERT_TRUE(again) << again.error().text();
  std::string expected = text;
  const size_t written = again->find("\"written_ms\":"), submitted = again->find("\"submitted_ms\":");
  ASSERT_LT(written, submitted);
  expected.insert(expected.find("\"submitted_ms\":"), again->substr(written, submitted - written));
  EXPECT_EQ(*again, expected);
}

TEST(JobRecord, WhatCannotBeMeantIsRefused) {
  for (const char* member : {R"("priority":256)", R"("priority":-1)", R"("attempt":4294967296)", R"("submitted_ms":"now")", R"("ended_ms":9223372036854775807)", R"("key":"1x")",
                             R"("after":[1,-1])", R"("failed":[[1,"oh",-5]])", R"("not_before_ms":1.5)", R"("state":"gone")"}) {
    const std::string state = std::string(member).find("state") == std::string::npos ? R"(,"state":"waiting")" : "";
    const auto read = read_and_written(R"({"type":"t","lane":"l","durability":"written")" + state + "," + member + "}");
    ASSERT_FALSE(read) << member;
    EXPECT_EQ(read.error().code, "bad-record") << member;
  }
}

}  // namespace
}  // namespace heddle
