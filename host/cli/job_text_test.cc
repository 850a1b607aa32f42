#include "cli/job_text.h"

#include <gtest/gtest.h>

namespace heddle {
namespace {

constexpr uint64_t kNow = 1'795'246'000'000;

Value json(std::string_view text) { return *Value::parse(text); }

TEST(JobText, AJobIsALine) {
  const Value jobs = json(R"([
    {"id":7,"type":"resize","lane":"skill","state":"running","over":false,"attempt":1,"progress":{"percent":40,"message":"half way"},"submitted_ms":1795245940000},
    {"id":12,"type":"mail","lane":"default","state":"dead","over":true,"attempt":3,"error":{"code":"smtp","class":"permanent","message":"no such box"},"submitted_ms":1795238800000},
    {"id":13,"type":"mail","lane":"default","state":"waiting","over":false,"attempt":0,"not_before_ms":1795246300000,"submitted_ms":1795246000000}])");
  EXPECT_EQ(job_table(jobs, kNow, 0),
            "ID  STATE    LANE     TYPE    TRY  SUBMITTED  NOTE\n"
            " 7  running  skill    resize    1  1 min ago  40 %, half way\n"
            "12  dead     default  mail      3    2 h ago  no such box\n"
            "13  waiting  default  mail      0        now  starts in 5 min\n");
}

TEST(JobText, AJobThatWaitsForItsNextAttemptSaysWhy) {
  const Value jobs = json(R"([{"id":7,"type":"t","lane":"l","state":"backing-off","attempt":1,"attempts":[{"number":1,"error":"no luck","took_ms":3}],"submitted_ms":1795246000000}])");
  EXPECT_NE(job_table(jobs, kNow, 0).find("attempt 1 failed: no luck"), std::string::npos);
}

TEST(JobText, ADetailHasEverything) {
  const std::string text = job_detail(json(R"({"id":12,"type":"mail","lane":"default","state":"dead","over":true,"durable":true,"attempt":2,"priority":3,"idempotency_key":"k",
    "payload":{"to":"ada"},"error":{"code":"smtp","class":"permanent","message":"no such box"},"attempts":[{"number":1,"error":"busy","took_ms":1200}],
    "submitted_ms":1795238800000,"ended_ms":1795245999000})"), kNow);
  for (const char* const part : {"job             12\n", "durable         yes", "idempotency     k\n", "payload         {\"to\":\"ada\"}\n", "(2 h ago)", "smtp (permanent): no such box",
                                 "attempt 1       failed after 1.2 s: busy\n"})
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
  EXPECT_EQ(text.find("started "), std::string::npos);
}

TEST(JobText, AWaitIsOneLine) {
  const Value job = json(R"({"id":7,"type":"resize","state":"running","attempt":2,"progress":{"percent":40,"message":"half way"}})");
  EXPECT_EQ(job_progress(job), "job 7 (resize) is running, attempt 2: 40 %, half way");
  EXPECT_EQ(job_failure(json(R"({"id":7,"type":"t","state":"dead","attempt":3,"error":{"message":"no luck"}})")), "job 7 (t) failed after 3 attempts: no luck");
  EXPECT_EQ(job_failure(json(R"({"id":7,"type":"t","state":"cancelled","attempt":0})")), "job 7 (t) was cancelled");
}

}  // namespace
}  // namespace heddle
