// Comparing with the chain: what it says is ours and is not here is taken up; what is here and is not ours there ends. Done twice, it changes nothing.
#include <utility>

#include "chain/said.h"
#include "chain/task_runner.h"
#include "clock.h"
#include "log.h"
#include "value/json_value.h"

namespace heddle {
namespace {

constexpr size_t kMostAtOnce = 2'000;  // activities that are read

}  // namespace

void TaskRunner::reconcile() {
  if (std::exchange(reconciling_, true)) return;
  next_reconcile_ns_ = now_ns() + settings_.reconcile_ms * kNsPerMs;
  const auto heard = later<Result<Value>>([this](Result<Value> mine) {
    reconciling_ = false;
    if (!mine) return log::write(log::Level::kWarn, settings_.name, "the chain does not say which tasks are ours: " + mine.error().text());
    count([](TaskCounts& c) { ++c.reconciliations; });
    std::set<Id> all;
    for (size_t i = 0; mine->kind() == HEDDLE_LIST && i < mine->size(); ++i) all.emplace(mine->at(i).as_text().value_or(""));
    compare(all);
  });
  parts_.chain.read(json_object({{"ask", json_text("mine")}}), heard);
}

void TaskRunner::compare(const std::set<Id>& mine) {
  size_t unknown = 0;
  for (const Id& id : mine) {
    if (open_.contains(id)) continue;
    if (!over_.contains(id)) ++unknown;
    adopt(id);
  }
  std::vector<std::pair<Id, uint64_t>> doubtful;
  for (const auto& [id, entry] : open_) {
    const TaskState state = entry.task.state;
    if (!mine.contains(id) && !entry.busy && state >= TaskState::kClaimed && state <= TaskState::kComputed) doubtful.emplace_back(id, entry.task.run);
  }
  if (!std::exchange(compared_, true) || unknown + doubtful.size() > 0) {
    log::write(log::Level::kInfo, settings_.name, "the chain has " + std::to_string(mine.size()) + (mine.size() == 1 ? " task" : " tasks") + " as ours; " + std::to_string(unknown) + " of them were not known here, " +
                                                      std::to_string(doubtful.size()) + " of those here it does not have");
  }
  for (const auto& [id, run] : doubtful) {
    if (Entry* const entry = find(id, run)) doubt(*entry, "the chain does not have it as ours any more");
  }
}

// A task that the chain has as ours, and that nobody here knows of.
void TaskRunner::adopt(const Id& id) {
  const auto over = over_.find(id);
  if (over != over_.end() && over->second.state == TaskState::kFailed) return;  // the chain did not take our word for it, and would take no other
  if (id.empty() || !adopting_.insert(id).second) return;
  if (adopting_.size() - to_adopt_.size() > kMostAtOnce) {
    to_adopt_.push_back(id);
    return;
  }
  const auto read = later<Result<Value>>([this, id](Result<Value> activity) {
    adopting_.erase(id);
    while (!to_adopt_.empty() && adopting_.size() - to_adopt_.size() < kMostAtOnce) {
      const Id next = std::move(to_adopt_.front());
      to_adopt_.pop_front();
      adopting_.erase(next);
      adopt(next);
    }
    if (!activity || open_.contains(id) || !is_ours(*activity) || is_on_offer(*activity)) return;  // whose lease has ended is to be claimed anew
    if (is_expired(*activity) || !does(*activity)) return;
    Task task{.activity = id, .run = next_run(id)};
    take_over(task, *activity);
    task.state = TaskState::kClaimed;
    task.history.push_back({.to = TaskState::kClaimed, .at_ms = wall_ms(), .why = "found on the chain"});
    Entry& entry = add(task);
    count([](TaskCounts& c) { ++c.repairs; });
    log::write(log::Level::kInfo, settings_.name, "task " + id + " was found on the chain as ours");
    write(entry, std::move(task), [this](Entry&) {
      if (adopting_.empty()) ask_for_room();  // before, the tick does
    });
  });
  ask_for(id, read);
}

}  // namespace heddle
