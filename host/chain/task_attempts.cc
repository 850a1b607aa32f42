// The work on a task: each attempt is a job on the lane of its queue, so that lanes decide what runs, and which gives way to which.
#include <algorithm>
#include <utility>

#include "chain/said.h"
#include "chain/task_runner.h"
#include "clock.h"
#include "log.h"
#include "value/json_value.h"

namespace heddle {
namespace {

constexpr uint64_t kMostLog = 1'000;  // bytes of a reason
constexpr uint64_t kCheckpointMs = 5'000;  // between two that are written

}  // namespace

// What was found on the chain may be of no queue that is known.
size_t TaskRunner::queue_of(const Task& task) const {
  const auto queue = std::find_if(settings_.queues.begin(), settings_.queues.end(), [&](const TaskQueue& q) { return q.name == task.queue && q.partition == task.partition; });
  return queue == settings_.queues.end() ? 0 : static_cast<size_t>(queue - settings_.queues.begin());
}

void TaskRunner::attempt(Entry& entry) {
  if (entry.task.cancelled) return compute(entry, {.is_good = false, .reason = *entry.task.cancelled}, "cancelled");
  if (!entry.has_room) return ask_for_room();
  if (!entry.input) return begin(entry);
  if (!entry.is_written) {
    Task task = entry.task;
    ++task.attempt;
    return write(entry, std::move(task), [this](Entry& there) {
      there.is_written = true;
      attempt(there);
    });
  }
  entry.is_written = false;
  JobSpec job;
  job.type = job_type_;
  job.lane = lane_of(entry);
  job.payload = json_object({{"activity", json_text(entry.task.activity)}, {"run", json_count(entry.task.run)}});
  entry.busy = true;
  entry.percent = 0;
  const auto accepted = later<Result<Jobs::Accepted>>([this, id = entry.task.activity, run = entry.task.run](Result<Jobs::Accepted> outcome) {
    Entry* const there = find(id, run);
    if (!there || there->ending) {
      if (outcome) parts_.jobs->cancel(outcome->id);
      return;
    }
    there->busy = false;
    if (!outcome) {
      there->is_written = true;  // it was not used up
      return wait(*there, outcome.error());
    }
    there->job = outcome->id;
    count([](TaskCounts& c) { ++c.attempts; });
    const auto over = later<std::optional<JobView>>([this, id, run](std::optional<JobView> ended) {
      Entry* const known = find(id, run);
      if (!known || !ended || known->job != ended->id) return count([](TaskCounts& c) { ++c.stale; });
      attempt_over(*known, *ended);
    });
    parts_.jobs->when_over(outcome->id, over);
    if (there->task.cancelled) stop_work(*there);
  });
  parts_.jobs->submit(std::move(job), accepted);
}

// [any] The job begins, for the first time or after it gave way.
void TaskRunner::run_job(JobRun run) {
  const std::string id = text_in(run.payload(), "activity");
  const uint64_t number = static_cast<uint64_t>(run.payload().find("run").as_int().value_or(0));
  on_strand([this, run, id, number] {
    Entry* const entry = find(id, number);
    if (!entry || entry->ending) return run.complete(Error("gone", "the task is over", ErrorClass::kCancelled));
    WorkOrder order{.task = entry->task, .lane = lane_of(*entry), .input = entry->input, .deadline_ns = entry->work_until_ns};
    if (entry->seen_ns != 0) claim_to_work_.record(now_ns() - std::exchange(entry->seen_ns, 0));
    if (entry->task.expires_unix != 0) {
      const uint64_t now = wall_ms(), end = static_cast<uint64_t>(entry->task.expires_unix) * 1'000;
      const uint64_t left_ns = end > now ? (end - now) * kNsPerMs : 0, until = now_ns() + left_ns;
      order.deadline_ns = order.deadline_ns == 0 ? until : std::min(order.deadline_ns, until);
    }
    const Value checkpoint = run.checkpoint();
    if (checkpoint && checkpoint.kind() == HEDDLE_STRING) order.task.checkpoint = std::string(*checkpoint.as_text());
    WorkHearing hearing;
    hearing.progress = [run, report = later<WorkProgress>([this, id, number](WorkProgress said) { progressed(id, number, said); })](const WorkProgress& said) {
      run.progress({.percent = static_cast<double>(said.percent), .message = said.message, .checkpoint = said.checkpoint.empty() ? Value() : json_text(said.checkpoint)});
      report(said);
    };
    hearing.done = [run](Result<Value> result) { run.complete(std::move(result)); };
    const auto give_up = parts_.work.begin(order, std::move(hearing));
    run.on_stop([give_up](JobRun::Stop) { give_up(); });
  });
}

void TaskRunner::progressed(const Id& id, uint64_t run, const WorkProgress& said) {
  Entry* const entry = find(id, run);
  if (!entry || entry->ending) return;
  entry->percent = std::min<uint32_t>(said.percent, 100);
  if (!said.message.empty()) entry->message = said.message;
  if (said.checkpoint.empty() || said.checkpoint == entry->task.checkpoint) return;
  entry->task.checkpoint = said.checkpoint;
  const uint64_t now = now_ns();
  if (entry->busy || now < entry->checkpoint_ns) return;  // it is written with the next move
  entry->checkpoint_ns = now + kCheckpointMs * kNsPerMs;
  parts_.journal->write({entry->task}, {}, [](const Result<void>&) {});
}

void TaskRunner::attempt_over(Entry& entry, const JobView& job) {
  entry.job = 0;
  entry.has_room = false;
  ask_for_room();
  if (job.state == JobState::kDone) return compute(entry, {.is_good = true, .result = job.result ? job.result : Value::bytes({})}, "");
  parts_.jobs->discard(job.id);
  if (entry.task.cancelled) return compute(entry, {.is_good = false, .reason = *entry.task.cancelled}, "cancelled");
  if (job.state == JobState::kCancelled) return;  // it is to end otherwise, or to go on with the next start
  const Error why = job.error.value_or(Error("failed", "the work failed and gave no reason"));
  count([](TaskCounts& c) { ++c.attempts_failed; });
  const bool out_of_time = entry.work_until_ns != 0 && now_ns() >= entry.work_until_ns;
  if (why.error_class == ErrorClass::kRetryable && entry.task.attempt < settings_.max_attempts && !out_of_time) return wait(entry, why);
  std::string reason = log::redacted(why.text());
  reason.resize(std::min<size_t>(reason.size(), kMostLog));
  compute(entry, {.is_good = false, .reason = repaired_utf8(reason)}, "attempt " + std::to_string(entry.task.attempt) + " failed");
}

void TaskRunner::stop_work(Entry& entry) {
  if (entry.job != 0) parts_.jobs->cancel(entry.job);
}

}  // namespace heddle
