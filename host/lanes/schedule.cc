#include "lanes/schedule.h"

#include <algorithm>
#include <cassert>
#include <numeric>

namespace heddle {

Result<LaneId> Schedule::add(const LaneConfig& config) {
  const auto refuse = [&](std::string why) {
    return Error("bad-lane", "lane \"" + config.name + "\": " + std::move(why), ErrorClass::kConfig);
  };
  if (config.name.empty()) return Error("bad-lane", "a lane needs a name", ErrorClass::kConfig);
  if (config.priority > 255) return refuse("priority " + std::to_string(config.priority) + " is over 255");
  if (config.max_concurrency != 0 && config.min_concurrency > config.max_concurrency)
    return refuse("min_concurrency " + std::to_string(config.min_concurrency) + " is over max_concurrency " +
                  std::to_string(config.max_concurrency));
  const auto known = find(config.name);
  const LaneId id = known.value_or(static_cast<LaneId>(lanes_.size()));
  if (!known) lanes_.emplace_back();
  lanes_[id].config = config;
  rank_all();
  return id;
}

std::optional<LaneId> Schedule::find(std::string_view name) const {
  for (size_t i = 0; i < lanes_.size(); ++i)
    if (lanes_[i].config.name == name) return static_cast<LaneId>(i);
  return std::nullopt;
}

std::vector<LaneStats> Schedule::stats() const {
  std::vector<LaneStats> all;
  all.reserve(lanes_.size());
  for (const Lane& l : lanes_) all.push_back({l.config.name, l.submitted, l.started, l.completed, l.waiting, l.running});
  return all;
}

void Schedule::push(LaneId lane, Job* job) {
  assert(lane < lanes_.size());
  Lane& l = lanes_[lane];
  job->next = nullptr;
  (l.last ? l.last->next : l.first) = job;
  l.last = job;
  ++l.submitted;
  if (l.waiting++ == 0) update(l);
}

size_t Schedule::next_rank() const {
  if (running_ >= slots_) return RankSet::kNone;
  const RankSet& candidates = slots_ - running_ > owed_slots_ ? ready_ : ready_owed_;
  const size_t best = candidates.first();
  if (best == RankSet::kNone) return best;
  const Lane& lane = lanes_[by_rank_[best]];
  const size_t turn = candidates.first(lanes_[by_rank_[lane.peers_begin]].last_taken + 1);
  return turn < lane.peers_end ? turn : best;
}

Schedule::Taken Schedule::take() {
  const size_t rank = next_rank();
  if (rank == RankSet::kNone) return {};
  const LaneId id = by_rank_[rank];
  Lane& lane = lanes_[id];
  lanes_[by_rank_[lane.peers_begin]].last_taken = rank;
  Job* const job = lane.first;
  lane.first = job->next;
  if (!lane.first) lane.last = nullptr;
  --lane.waiting;
  owed_slots_ -= owed(lane);
  ++lane.running;
  owed_slots_ += owed(lane);
  ++running_;
  ++lane.started;
  update(lane);
  return {job, id};
}

void Schedule::done(LaneId id, bool completed) {
  Lane& lane = lanes_[id];
  assert(lane.running > 0);
  owed_slots_ -= owed(lane);
  --lane.running;
  owed_slots_ += owed(lane);
  --running_;
  if (completed) ++lane.completed;
  update(lane);
}

void Schedule::update(const Lane& lane) {
  const bool ready = lane.waiting > 0 && lane.running < lane.limit;
  ready_.set(lane.rank, ready);
  ready_owed_.set(lane.rank, ready && owed(lane) > 0);
}

void Schedule::rank_all() {
  by_rank_.resize(lanes_.size());
  std::iota(by_rank_.begin(), by_rank_.end(), LaneId{0});
  std::stable_sort(by_rank_.begin(), by_rank_.end(),
                   [&](LaneId a, LaneId b) { return lanes_[a].config.priority < lanes_[b].config.priority; });
  ready_.reset(lanes_.size());
  ready_owed_.reset(lanes_.size());
  owed_slots_ = 0;
  uint32_t unreserved = slots_;
  size_t begin = 0;
  for (size_t rank = 0; rank < by_rank_.size(); ++rank) {
    Lane& lane = lanes_[by_rank_[rank]];
    if (lane.config.priority != lanes_[by_rank_[begin]].config.priority) begin = rank;
    lane.rank = lane.last_taken = rank;
    lane.peers_begin = begin;
    lane.limit = lane.config.max_concurrency ? lane.config.max_concurrency : slots_;
    lane.reserved = std::min(lane.config.min_concurrency, unreserved - 1);
    unreserved -= lane.reserved;
    owed_slots_ += owed(lane);
    update(lane);
  }
  for (size_t rank = by_rank_.size(), end = rank; rank-- > 0;) {
    Lane& lane = lanes_[by_rank_[rank]];
    lane.peers_end = end;
    if (lane.peers_begin == rank) end = rank;
  }
}

}  // namespace heddle
