// Where tasks come from: what the chain's events say is on offer, and, where they say nothing, what a queue itself gives. Events are a hint: nothing depends on them.
#include <algorithm>
#include <utility>

#include "chain/said.h"
#include "chain/task_runner.h"
#include "clock.h"
#include "log.h"
#include "value/json_value.h"

namespace heddle {
namespace {

constexpr size_t kMostCandidates = 10'000;  // of a queue
constexpr uint64_t kWatchWaitMs = 20'000;
constexpr uint64_t kFirstWaitMs = 500, kMostWaitMs = 30'000;

}  // namespace

// The least of what the worker, the queue, its lane and the work have room for. Tasks of lanes that would give way do not count against those of a higher one.
uint64_t TaskRunner::room_of(const TaskQueue& queue, Counted counted) const {
  const auto lane = parts_.lanes->find(queue.lane);
  if (!lane) return 0;
  const LaneConfig config = parts_.lanes->config(*lane);
  uint64_t of_queue = 0, of_lane = 0, in_the_way = 0, all = 0;
  for (const auto& [id, entry] : open_) {
    if (entry.task.state > TaskState::kRunning) continue;
    if (counted == Counted::kWorking && entry.job == 0 && !entry.busy) continue;
    const TaskQueue& its = queue_of(entry.task);
    const std::string& its_lane = its.lane;
    ++all;
    of_queue += &its == &queue;
    of_lane += its_lane == queue.lane;
    const auto other = parts_.lanes->find(its_lane);
    const bool gives_way = other && its_lane != queue.lane && parts_.lanes->is_preemptible(*other) && parts_.lanes->priority(*other) > config.priority;
    in_the_way += !gives_way;
  }
  const auto left = [](uint64_t most, uint64_t taken) { return most > taken ? most - taken : 0; };
  uint64_t room = left(settings_.limit, in_the_way);
  if (queue.limit != 0) room = std::min(room, left(queue.limit, of_queue));
  if (config.max_concurrency != LaneConfig::kNoLimit) room = std::min(room, left(config.max_concurrency, of_lane));
  return std::min(room, parts_.work.room(in_the_way));
}

void TaskRunner::find_work() {
  if (draining_) return;
  std::vector<std::pair<uint32_t, size_t>> order;  // the highest lane first
  for (size_t i = 0; i < settings_.queues.size(); ++i) {
    const auto lane = parts_.lanes->find(settings_.queues[i].lane);
    order.emplace_back(lane ? parts_.lanes->priority(*lane) : UINT32_MAX, i);
  }
  std::sort(order.begin(), order.end());
  for (const auto& [priority, queue] : order) look_in(queue);
}

void TaskRunner::look_in(size_t index) {
  const TaskQueue& queue = settings_.queues[index];
  uint64_t room = room_of(queue);
  while (room > 0 && !candidates_[index].empty() && reading_[index] < room) {
    const Id id = candidates_[index].begin()->id;
    candidates_[index].erase(candidates_[index].begin());
    if (open_.contains(id)) continue;
    ++reading_[index];
    const auto read = later<Result<Value>>([this, index](Result<Value> activity) {
      --reading_[index];
      if (activity && !activity->is_null()) consider(index, *activity);
      if (!candidates_[index].empty()) look_in(index);
    });
    parts_.chain.read(json_object({{"ask", json_text("activity")}, {"activity", json_text(id)}}), read);
  }
  if (room == 0 || looking_[index] || reading_[index] > 0) return;
  looking_[index] = true;
  const auto offered = later<Result<Value>>([this, index](Result<Value> activity) {
    looking_[index] = false;
    if (!activity) return hear_of_chain(activity.error());
    if (!activity->is_null()) consider(index, *activity);
  });
  parts_.chain.read(json_object({{"ask", json_text("offer")}, {"queue", json_text(queue.name)}, {"partition", json_count(queue.partition)}}), offered);
}

// An outage is said once, and its end.
void TaskRunner::hear_of_chain(const Error& why) {
  if (std::exchange(chain_is_gone_, true)) return;
  log::write(log::Level::kWarn, settings_.name, "the chain cannot be asked for work: " + why.text());
}

// Also one whose worker has let its lease end.
bool TaskRunner::is_on_offer(const Value& activity) const {
  const std::string state = text_in(activity, "state");
  const int64_t lease = number_in(activity, "lease_until_unix");
  return state == "offered" || (state == "assigned" && lease != 0 && lease <= static_cast<int64_t>(wall_ms() / 1'000));
}

void TaskRunner::consider(size_t index, const Value& activity) {
  if (std::exchange(chain_is_gone_, false)) log::write(log::Level::kInfo, settings_.name, "the chain can be asked for work again");
  const Id id = text_in(activity, "activity");
  if (id.empty() || draining_ || open_.contains(id) || !is_on_offer(activity)) return;
  if (!parts_.work.knows(text_in(activity, "kind"))) {
    if (unknown_kinds_.size() < kMostCandidates && unknown_kinds_.insert(text_in(activity, "kind")).second)
      log::write(log::Level::kWarn, settings_.name, "activities of the kind " + text_in(activity, "kind") + " are left to others: the manifest has no such kind");
    return;
  }
  const int64_t expires = number_in(activity, "expires_unix");
  if (expires != 0 && expires <= static_cast<int64_t>(wall_ms() / 1'000)) return;
  const TaskQueue& queue = settings_.queues[index];
  if (room_of(queue) == 0) return;
  count([](TaskCounts& c) { ++c.offers; });
  Task task{.activity = id, .run = next_run(id), .kind = text_in(activity, "kind"), .workflow = text_in(activity, "workflow"), .queue = queue.name, .partition = queue.partition};
  task.expires_unix = expires;
  task.history.push_back({.to = TaskState::kOffered, .at_ms = wall_ms()});
  Entry& entry = add(task);
  write(entry, std::move(task), [this](Entry& there) { step(there.task.activity, there.task.run); });
}

void TaskRunner::watch() {
  if (std::exchange(watching_, true)) return;
  std::vector<std::pair<std::string, Value>> filter = {{"wait_ms", json_count(kWatchWaitMs)}};
  if (cursor_) filter.emplace_back("after", cursor_);
  else filter.emplace_back("from_unix", Value::integer(static_cast<int64_t>(wall_ms() / 1'000 - settings_.scan_s)));
  const auto heard = later<Result<Value>>([this](Result<Value> page) {
    watching_ = false;
    if (page) {
      watch_failures_ = 0;
      return take_events(*page);
    }
    if (watch_failures_++ == 0) log::write(log::Level::kWarn, settings_.name, "the chain's events cannot be read: " + page.error().text());
    strand_.at(now_ns() + std::min(kMostWaitMs, kFirstWaitMs << std::min<uint32_t>(watch_failures_, 7)) * kNsPerMs, [this] { watch(); });
  });
  parts_.chain.events(json_object(std::move(filter)), heard);
}

void TaskRunner::take_events(const Value& page) {
  const Value events = page.find("events");
  for (size_t i = 0; events && events.kind() == HEDDLE_LIST && i < events.size(); ++i) take_event(events.at(i));
  const Value cursor = page.find("cursor");
  const auto go_on = later<Result<void>>([this, cursor](Result<void> written) {
    if (written) cursor_ = cursor;
    watch();
  });
  if (cursor && !(cursor_ && cursor == cursor_)) parts_.journal->write({}, cursor, go_on);
  else watch();
  find_work();
}

void TaskRunner::take_event(const Value& event) {
  const std::string what = text_in(event, "work");
  const Id id = text_in(event, "activity");
  if (id.empty()) return;
  if (what == "offered") {
    for (size_t i = 0; i < settings_.queues.size(); ++i) {
      const TaskQueue& queue = settings_.queues[i];
      const bool is_its = text_in(event, "queue") == queue.name && static_cast<uint64_t>(number_in(event, "partition")) == queue.partition;
      if (is_its && candidates_[i].size() < kMostCandidates) candidates_[i].insert({.priority = number_in(event, "priority"), .order = ++last_candidate_, .id = id});
    }
    return;
  }
  const auto open = open_.find(id);
  if (what == "claimed" && text_in(event, "worker") == account_ && open == open_.end() && !over_.contains(id)) return adopt(id);
  const bool is_out = what == "completed" || what == "failed" || (what == "claimed" && text_in(event, "worker") != account_);
  if (!is_out || open == open_.end()) return;
  Entry& entry = open->second;
  if (entry.busy || entry.task.state < TaskState::kClaimed || entry.task.state > TaskState::kComputed) return;  // it hears by itself
  judge(entry, "the chain gave it to another worker");
}

}  // namespace heddle
