// Jobs as the API tells them.
#pragma once
#include <optional>
#include <vector>

#include "lanes/jobs.h"
#include "plugin/request.h"
#include "result.h"

namespace heddle {

Value job_json(const JobView& view);

// {"jobs": […], "next": …}: of `views` as many as are asked for and make an answer of bearable size; "next" is the id of the last one, if there are more.
Value job_page(const std::vector<JobView>& views, size_t most);

// The {id} of the path, where a request has no other parameters.
Result<JobId> asked_job(const Request& request);
Error no_such_job(JobId id);
// Answers with the job, or that there is none. `accepted`: it was submitted by this request, which did not wait for its end.
void answer_job(Request& request, JobId id, const std::optional<JobView>& view, bool accepted);

}  // namespace heddle
