// Leases: who works gives signs of life on the chain; whose lease has ended works no more.
#include <algorithm>
#include <utility>

#include "chain/said.h"
#include "chain/task_runner.h"
#include "clock.h"
#include "log.h"
#include "value/json_value.h"

namespace heddle {
namespace {

constexpr uint64_t kLeastBeatMs = 200;
constexpr uint64_t kGraceMs = 2'000;  // for what was asked before the lease ended

}  // namespace

// What the chain knows of a task that is ours.
void TaskRunner::take_over(Task& task, const Value& activity) const {
  task.kind = text_in(activity, "kind");
  task.workflow = text_in(activity, "workflow");
  if (std::string queue = text_in(activity, "queue"); !queue.empty()) task.queue = std::move(queue);
  task.expires_unix = number_in(activity, "expires_unix");
  task.lease_until_unix = number_in(activity, "lease_until_unix");
}

bool TaskRunner::lease_is_over(const Task& task) { return task.lease_until_unix != 0 && task.lease_until_unix <= unix_now(); }

void TaskRunner::keep_lease(Entry& entry, uint64_t now) {
  const TaskState state = entry.task.state;
  if (entry.ending || state < TaskState::kClaimed || state > TaskState::kComputed) return;  // once the outcome is on its way, the chain decides
  const int64_t until = entry.task.lease_until_unix;
  if (until == 0) return;
  const uint64_t wall = wall_ms(), end_ms = static_cast<uint64_t>(until) * 1'000;
  if (wall >= end_ms) {
    if ((entry.beating || entry.busy) && wall < end_ms + kGraceMs) return;  // what is under way may have made it longer
    if (entry.busy) return stop_work(entry);
    if (now < entry.again_ns) return;
    count([](TaskCounts& c) { ++c.expired; });
    stop_work(entry);
    entry.job = 0;
    entry.has_room = false;
    return judge_lease(entry);
  }
  if (entry.beat_ns == 0) {
    const uint64_t third_ms = std::max(kLeastBeatMs, (end_ms - wall) / 3);
    entry.beat_ns = now + (settings_.heartbeat_ms != 0 ? std::min(settings_.heartbeat_ms, third_ms) : third_ms) * kNsPerMs;
  } else if (now >= entry.beat_ns && !entry.beating) {
    beat(entry);
  }
}

// By the clock of this host it is over; the chain's may say otherwise.
void TaskRunner::judge_lease(Entry& entry) {
  read_activity(entry, [this](Entry& there, Result<Value> activity) {
    if (!activity) return wait(there, activity.error());
    if (is_ours(*activity) && number_in(*activity, "lease_until_unix") > unix_now()) {
      take_over(there.task, *activity);
      return step(there.task.activity, there.task.run);
    }
    if (is_ours(*activity)) return end(there, TaskState::kLost, "its lease ended");
    end_as_said(there, *activity, "its lease ended");
  });
}

// Nothing waits for it: the work goes on meanwhile.
void TaskRunner::beat(Entry& entry) {
  entry.beating = true;
  const Task& task = entry.task;
  const std::string key = task.key("heartbeat") + "/" + std::to_string(wall_ms());
  const Value intent = json_object({{"do", json_text("heartbeat")}, {"activity", json_text(task.activity)}, {"percent", json_count(entry.percent)}, {"until", json_text("included")},
                                    {"not_after_unix", Value::integer(task.lease_until_unix)}});
  const auto heard = later<Result<Value>>([this, id = task.activity, run = task.run](Result<Value> outcome) {
    Entry* const there = find(id, run);
    count([&](TaskCounts& c) { ++(outcome ? c.heartbeats : c.heartbeats_failed); });
    if (!there) return;
    if (!outcome) {
      log::write(log::Level::kWarn, settings_.name, "a heartbeat of task " + id + " did not get to the chain: " + outcome.error().text());
      there->beating = false;
      there->beat_ns = 0;
      return;
    }
    ask_for(id, later<Result<Value>>([this, id, run](Result<Value> activity) {
      Entry* const known = find(id, run);
      if (!known) return;
      known->beating = false;
      known->beat_ns = 0;
      if (activity && is_ours(*activity)) known->task.lease_until_unix = number_in(*activity, "lease_until_unix");
    }));
  });
  parts_.chain.submit(key, intent, heard);
}

}  // namespace heddle
