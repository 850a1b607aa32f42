// A job as text: what the journal keeps of it. One JSON object; members that say nothing are left out.
//
//   {"type","lane","durability":"written"|"durable","state":"waiting"|"done"|"dead"|"cancelled","written_ms","submitted_ms", and where there are such:
//    "not_before_ms","due_ms","priority","key","idempotency_key","after":[ids],"traceparent","tracestate","payload","checkpoint","attempt","failed":[[number,error,took_ms]],
//    "started_ms","ended_ms","result","error":[code,class,message]}
//
// Times are CLOCK_REALTIME in milliseconds. A time to come is not waited for longer than it was away when the record was written: a clock that went backwards
// holds nothing up. Bytes in payloads and results are written as base64.
#pragma once
#include <string>
#include <string_view>

#include "lanes/job_state.h"

namespace heddle {

// [r.mutex held]
std::string job_record(const JobRun::Record& r);
struct JobNames {
  std::string type, lane;
};
// Fills a new record but for its id, its type and its lane; `now` becomes kWaiting, or how it ended. Errors: "bad-record".
Result<JobNames> read_job_record(std::string_view text, JobRun::Record& r);

}  // namespace heddle
