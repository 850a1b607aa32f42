// Any bytes as the record of a job: a job or an error; and a job that was read is written so that it is read again as the same.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "lanes/job_record.h"

namespace {

using heddle::JobRun;

void require(bool ok) {
  if (!ok) std::abort();
}

// What of a job is kept whatever it says and whenever it is written.
bool same(const JobRun::Record& a, const JobRun::Record& b) {
  return a.spec.type == b.spec.type && a.spec.lane == b.spec.lane && a.spec.idempotency_key == b.spec.idempotency_key && a.spec.priority == b.spec.priority &&
         a.durability == b.durability && a.now == b.now && a.ends_as == b.ends_as && a.attempt == b.attempt && a.spec.after.size() == b.spec.after.size() &&
         a.failed.size() == b.failed.size() && static_cast<bool>(a.error) == static_cast<bool>(b.error) && a.spec.payload == b.spec.payload &&
         a.result == b.result && a.progress.checkpoint == b.progress.checkpoint;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  JobRun::Record record;
  const auto read = heddle::read_job_record(std::string_view(reinterpret_cast<const char*>(data), size), record);
  if (!read) {
    require(read.error().code == "bad-record" && !read.error().message.empty());
    return 0;
  }
  require(!record.spec.type.empty() && !record.spec.lane.empty());
  const std::string written = heddle::job_record(record);
  JobRun::Record again;
  require(heddle::read_job_record(written, again).has_value());
  require(same(record, again));
  return 0;
}
