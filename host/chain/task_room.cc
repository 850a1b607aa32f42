// Room: how much can be worked on, and what goes first where that is less than there is.
#include <algorithm>

#include "chain/task_runner.h"
#include "clock.h"

namespace heddle {
namespace {

constexpr size_t kMostAtOnce = 64;  // tasks of a queue that are looked at when one has made room

}  // namespace

std::vector<TaskRunner::Taken> TaskRunner::taken() const {
  std::vector<Taken> taken(settings_.queues.size());
  for (const auto& [id, entry] : open_) {
    if (entry.task.state > TaskState::kRunning || entry.ending) continue;
    ++taken[entry.queue].all;
    taken[entry.queue].working += entry.has_room;
  }
  return taken;
}

// The least of what the worker, the queue, its lane and the work have room for. Tasks of lanes that would give way do not count against those of a higher one.
uint64_t TaskRunner::room_of(size_t index, const std::vector<Taken>& taken, uint64_t Taken::* which) const {
  const TaskQueue& queue = settings_.queues[index];
  const auto lane = parts_.lanes->find(queue.lane);
  if (!lane) return 0;
  const LaneConfig config = parts_.lanes->config(*lane);
  uint64_t of_lane = 0, in_the_way = 0;
  for (size_t i = 0; i < taken.size(); ++i) {
    const uint64_t its = taken[i].*which;
    if (its == 0) continue;
    const std::string& its_lane = settings_.queues[i].lane;
    if (its_lane == queue.lane) of_lane += its;
    const auto other = parts_.lanes->find(its_lane);
    const bool gives_way = other && its_lane != queue.lane && parts_.lanes->is_preemptible(*other) && parts_.lanes->priority(*other) > config.priority;
    if (!gives_way) in_the_way += its;
  }
  const auto left = [](uint64_t most, uint64_t used) { return most > used ? most - used : 0; };
  uint64_t room = left(settings_.limit, in_the_way);
  if (queue.limit != 0) room = std::min(room, left(queue.limit, taken[index].*which));
  if (config.max_concurrency != LaneConfig::kNoLimit) room = std::min(room, left(config.max_concurrency, of_lane));
  return std::min(room, parts_.work.room(in_the_way));
}

// The highest lane first.
std::vector<size_t> TaskRunner::queues_by_lane() const {
  std::vector<std::pair<uint32_t, size_t>> order;
  for (size_t i = 0; i < settings_.queues.size(); ++i) {
    const auto lane = parts_.lanes->find(settings_.queues[i].lane);
    order.emplace_back(lane ? parts_.lanes->priority(*lane) : UINT32_MAX, i);
  }
  std::sort(order.begin(), order.end());
  std::vector<size_t> queues;
  for (const auto& [priority, queue] : order) queues.push_back(queue);
  return queues;
}

bool TaskRunner::waits_for_room(const Entry& entry) {
  return (entry.task.state == TaskState::kClaimed || entry.task.state == TaskState::kRunning) && entry.job == 0 && !entry.has_room && !entry.task.cancelled && !entry.ending;
}

void TaskRunner::ask_for_room() {
  if (!std::exchange(room_is_wanted_, true)) on_strand([this] { give_room(); });
}

// The one way to the work: what was found on the chain may be more than can be worked on at once.
void TaskRunner::give_room() {
  room_is_wanted_ = false;
  if (draining_) return;
  const uint64_t now = now_ns();
  std::vector<std::vector<std::pair<Id, uint64_t>>> waiting(settings_.queues.size());
  for (const auto& [id, entry] : open_) {
    if (waits_for_room(entry) && !entry.busy && now >= entry.again_ns && !lease_is_over(entry.task) && waiting[entry.queue].size() < kMostAtOnce) waiting[entry.queue].emplace_back(id, entry.task.run);
  }
  std::vector<Taken> taken = this->taken();
  for (const size_t queue : queues_by_lane()) {
    for (const auto& [id, run] : waiting[queue]) {
      if (room_of(queue, taken, &Taken::working) == 0) break;
      Entry* const entry = find(id, run);
      if (!entry || !waits_for_room(*entry) || entry->busy) continue;
      entry->has_room = true;
      ++taken[queue].working;
      step(id, run);
    }
    if (waiting[queue].size() == kMostAtOnce && room_of(queue, taken, &Taken::working) > 0) ask_for_room();
  }
}

}  // namespace heddle
