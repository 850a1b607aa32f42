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

const JobRun::Record::Rare& rare_of(const JobRun::Record& r) {
  static const JobRun::Record::Rare nothing;
  return r.rare ? *r.rare : nothing;
}

// What of a job is kept whatever it says and whenever it is written.
bool same(const JobRun::Record& a, const JobRun::Record& b) {
  const JobRun::Record::Rare &x = rare_of(a), &y = rare_of(b);
  return a.priority == b.priority && a.durability == b.durability && a.now == b.now && a.ends_as == b.ends_as && a.attempt == b.attempt && a.payload == b.payload &&
         a.result == b.result && static_cast<bool>(a.error) == static_cast<bool>(b.error) && x.idempotency_key == y.idempotency_key &&
         x.after.size() == y.after.size() && x.failed.size() == y.failed.size() && x.progress.checkpoint == y.progress.checkpoint && x.trace == y.trace;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  JobRun::Record record;
  const auto read = heddle::read_job_record(std::string_view(reinterpret_cast<const char*>(data), size), record);
  if (!read) {
    require(read.error().code == "bad-record" && !read.error().message.empty());
    return 0;
  }
  require(!read->type.empty() && !read->lane.empty());
  record.type = &read->type;
  record.lane_name = &read->lane;
  const std::string written = heddle::job_record(record);
  JobRun::Record again;
  const auto names = heddle::read_job_record(written, again);
  require(names && names->type == read->type && names->lane == read->lane && same(record, again));
  return 0;
}
