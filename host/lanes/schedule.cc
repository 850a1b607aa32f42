#include "lanes/schedule.h"

#include <algorithm>
#include <bit>

namespace heddle {
namespace {

// The level of a job with so much time left, and when it changes next; the change is 0 if never.
struct Rise {
  uint8_t level;
  uint64_t next_ns;
};
Rise rise(const LaneConfig& config, uint64_t due_ns, uint64_t now) {
  const auto own = static_cast<uint8_t>(config.priority);
  if (due_ns <= now) return {0, 0};
  const Boost& boost = config.boost;
  uint8_t levels = 0;
  for (const Boost::Step& step : boost.steps) {
    const auto left = static_cast<uint64_t>(static_cast<unsigned __int128>(boost.within_ns) * step.percent_left / 100);
    const uint64_t at = due_ns > left ? due_ns - left : 0;
    if (at > now) return {static_cast<uint8_t>(own - std::min(own, levels)), at};
    levels = step.levels;
  }
  return {static_cast<uint8_t>(own - std::min(own, levels)), due_ns};
}

}  // namespace

Schedule::Schedule(unsigned slots) : slots_(slots) {}

Result<LaneId> Schedule::add(const LaneConfig& config, uint64_t now) {
  if (auto good = check(config); !good) return std::move(good).error();
  const auto known = by_name_.find(config.name);
  if (known == by_name_.end()) {
    by_name_[config.name] = static_cast<LaneId>(lanes_.size());
    lanes_.push_back(std::make_unique<Lane>());
    lanes_.back()->id = static_cast<LaneId>(lanes_.size() - 1);
  }
  Lane& lane = *lanes_[known == by_name_.end() ? lanes_.size() - 1 : known->second];
  const std::vector<Job*> jobs = empty(lane);
  lane.entries.clear();
  lane.config = config;
  lane.own = &entry(lane, static_cast<uint8_t>(config.priority));
  lane.rates.clear();
  for (const RateLimit& rate : config.rates) lane.rates.emplace_back(rate);
  held_.erase({lane.held_until, lane.id});
  lane.held_until = 0;
  const bool boosted = config.boost.within_ns > 0;
  lane.aged = config.order != LaneOrder::kFifo || config.when_full == LaneFull::kShedOldest || boosted;
  lane.single = lane.aged || !config.rates.empty();
  fill(lane, jobs, now);
  reserve();
  return lane.id;
}

// All that waits, out of its queues.
std::vector<Job*> Schedule::empty(Lane& lane) {
  std::vector<Job*> jobs;
  for (auto& [level, e] : lane.entries) {
    unlink(e);
    while (!e.queue.empty()) {
      jobs.push_back(e.queue.pop());
      leave(lane, jobs.back());
    }
  }
  return jobs;
}

void Schedule::fill(Lane& lane, std::vector<Job*> jobs, uint64_t now) {
  std::sort(jobs.begin(), jobs.end(), [](const Job* a, const Job* b) { return a->number < b->number; });
  for (Job* job : jobs) enqueue(lane, job, now);
}

std::optional<LaneId> Schedule::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? std::nullopt : std::optional(found->second);
}

LaneStats Schedule::stats(LaneId id) const {
  const Lane& l = *lanes_[id];
  const Job* const first = l.aged ? l.by_age.first() : l.own->queue.first();
  return {.name = l.config.name, .submitted = l.submitted, .started = l.started, .completed = l.completed, .waiting = l.waiting, .delayed = l.delayed,
          .running = l.running + l.held, .limit = l.limit, .oldest_ns = first ? first->submitted_ns : 0, .paused = l.paused, .under_pressure = l.under_pressure};
}

// Shares the slots that can be reserved out among the lanes, the highest first.
void Schedule::reserve() {
  std::vector<Lane*> by_priority;
  for (const auto& lane : lanes_) by_priority.push_back(lane.get());
  std::stable_sort(by_priority.begin(), by_priority.end(), [](const Lane* a, const Lane* b) { return a->config.priority < b->config.priority; });
  owed_slots_ = 0;
  uint32_t unreserved = slots_;
  for (Lane* lane : by_priority) {
    lane->limit = std::min(lane->config.max_concurrency, slots_);
    lane->reserved = std::min(lane->config.min_concurrency, unreserved - 1);
    unreserved -= lane->reserved;
    owed_slots_ += owed(*lane);
    refresh(*lane);
  }
}

Schedule::Entry& Schedule::entry(Lane& lane, uint8_t level) {
  return lane.entries.try_emplace(level, lane, level, lane.config.order).first->second;
}

void Schedule::link(Entry& e) {
  Entry*& ring = rings_[e.level];
  if (!ring) {
    ring = e.next = e.previous = &e;
    levels_[e.level / 64] |= uint64_t{1} << (e.level % 64);
    return;
  }
  e.next = ring;
  e.previous = ring->previous;
  e.previous->next = e.next->previous = &e;
  if (e.deficit > 0) ring = &e;  // it was held back in the middle of its turn
}

void Schedule::unlink(Entry& e) {
  if (!e.next) return;
  Entry*& ring = rings_[e.level];
  if (ring == &e) ring = e.next == &e ? nullptr : e.next;
  if (!ring) levels_[e.level / 64] &= ~(uint64_t{1} << (e.level % 64));
  e.previous->next = e.next;
  e.next->previous = e.previous;
  e.next = e.previous = nullptr;
}

// Puts an entry into its ring, or takes it out, after whatever may have changed.
void Schedule::refresh(Entry& e, bool open) {
  if (e.queue.empty()) e.deficit = 0;
  const bool ready = open && !e.queue.empty();
  if (ready && !e.next) link(e);
  if (!ready && e.next) unlink(e);
}

void Schedule::refresh(Lane& lane) {
  const bool open = is_open(lane);
  int best = -1;
  for (auto& [level, e] : lane.entries) {
    refresh(e, open);
    if (best < 0 && e.next) best = level;
  }
  const int owed_level = owed(lane) > 0 ? best : -1;
  if (owed_level == lane.owed_level) return;
  if (lane.owed_level >= 0) owed_lanes_.erase({lane.owed_level, lane.id});
  if (owed_level >= 0) owed_lanes_.insert({owed_level, lane.id});
  lane.owed_level = owed_level;
}

void Schedule::push(Job* job, uint64_t now) {
  Lane& lane = *lanes_[job->lane];
  ++lane.submitted;
  job->number = ++last_number_;
  enqueue(lane, job, now);
  refresh(lane);
}

void Schedule::delay(Job* job, uint64_t at_ns) {
  Lane& lane = *lanes_[job->lane];
  ++lane.submitted;
  ++lane.delayed;
  job->place = Job::Place::kDelayed;
  alarms_.set(job, at_ns);
}

void Schedule::enqueue(Lane& lane, Job* job, uint64_t now) {
  Entry* e = lane.own;
  if (lane.config.boost.within_ns > 0) {
    const uint64_t due = job->due_ns ? job->due_ns : job->submitted_ns + lane.config.boost.within_ns;
    const Rise at = rise(lane.config, due, now);
    e = &entry(lane, at.level);
    if (at.next_ns != 0) alarms_.set(job, at.next_ns);
  }
  job->place = Job::Place::kWaiting;
  job->level = e->level;
  e->queue.push(job);
  if (lane.aged) lane.by_age.push_back(job);
  ++lane.waiting;
  if (lane.config.pressure_threshold == 0 || lane.under_pressure || lane.waiting < lane.config.pressure_threshold) return;
  lane.under_pressure = true;
  note(lane, LaneNotice::kPressure);
}

// A job that was taken out of its queue waits no more.
void Schedule::leave(Lane& lane, Job* job) {
  job->place = Job::Place::kElsewhere;
  if (lane.aged) lane.by_age.remove(job);
  alarms_.clear(job);
  --lane.waiting;
}

bool Schedule::cancel(Job* job) {
  // Of one that is not here, nothing else may be looked at: somebody may be posting it right now.
  if (job->place == Job::Place::kElsewhere) return false;
  Lane& lane = *lanes_[job->lane];
  if (job->place == Job::Place::kDelayed) {
    job->place = Job::Place::kElsewhere;
    alarms_.clear(job);
    --lane.delayed;
    return true;
  }
  lane.entries.at(job->level).queue.remove(job);
  leave(lane, job);
  note_idle(lane);
  refresh(lane);
  return true;
}

void Schedule::note_idle(Lane& lane) {
  if (!lane.under_pressure || lane.waiting > 0) return;
  lane.under_pressure = false;
  note(lane, LaneNotice::kIdle);
}

// A lane has one notice at most: the two kinds come in turn, and one that nobody has taken is undone by the next.
void Schedule::note(Lane& lane, LaneNotice kind) {
  if (std::erase_if(notices_, [&](const Notice& notice) { return notice.lane == lane.id; }) == 0) notices_.push_back({lane.id, kind});
}

Job* Schedule::oldest(LaneId id) const {
  Job* job = lanes_[id]->by_age.first();
  while (job && !job->may_be_shed) job = job->younger;
  return job;
}

// What time has brought about.
void Schedule::tick(uint64_t now) {
  while (!held_.empty() && held_.begin()->first <= now) {
    Lane& lane = *lanes_[held_.begin()->second];
    held_.erase(held_.begin());
    lane.held_until = 0;
    refresh(lane);
  }
  while (!alarms_.empty() && alarms_.first_ns() <= now) {
    Job* const job = alarms_.first();
    Lane& lane = *lanes_[job->lane];
    alarms_.clear(job);
    if (job->place == Job::Place::kDelayed) {
      --lane.delayed;
      job->number = ++last_number_;
      enqueue(lane, job, now);
    } else {
      Entry& from = lane.entries.at(job->level);
      const uint64_t due = job->due_ns ? job->due_ns : job->submitted_ns + lane.config.boost.within_ns;
      const Rise at = rise(lane.config, due, now);
      if (at.next_ns != 0) alarms_.set(job, at.next_ns);
      if (at.level == job->level) continue;
      from.queue.remove(job);
      job->level = at.level;
      entry(lane, at.level).queue.push(job);
    }
    refresh(lane);
  }
}

unsigned Schedule::best_level() const {
  for (unsigned word = 0; word < levels_.size(); ++word) {
    if (levels_[word]) return word * 64 + static_cast<unsigned>(std::countr_zero(levels_[word]));
  }
  return 256;
}

// The entry whose job starts next, a slot provided; null: none may.
Schedule::Entry* Schedule::choose() {
  if (running_ >= slots_) return nullptr;
  if (slots_ - running_ > owed_slots_) {
    const unsigned level = best_level();
    return level == 256 ? nullptr : rings_[level];
  }
  if (owed_lanes_.empty()) return nullptr;
  const auto [level, id] = *owed_lanes_.begin();
  return &lanes_[id]->entries.at(static_cast<uint8_t>(level));
}

// Asks the lane's rates. False: the lane is held, and has left the rings.
bool Schedule::may_start(Lane& lane, uint64_t now) {
  uint64_t at = 0;
  for (const Rate& rate : lane.rates) at = std::max(at, rate.next(now));
  if (at == 0) return true;
  lane.held_until = at;
  held_.insert({at, lane.id});
  refresh(lane);
  return false;
}

bool Schedule::can_take(uint64_t now) {
  tick(now);
  for (;;) {
    Entry* const e = choose();
    if (!e || may_start(e->lane, now)) return e != nullptr;
  }
}

Schedule::Batch Schedule::take(uint64_t now, uint32_t most) {
  if (!can_take(now)) return {};
  Entry& e = *choose();
  Lane& lane = e.lane;
  const bool alone = e.next == &e, in_turn = rings_[e.level] == &e;
  most = lane.single ? 1 : static_cast<uint32_t>(std::min<uint64_t>({most, lane.most, (lane.waiting + slots_ - 1) / slots_}));
  if (in_turn && !alone) {
    if (e.deficit == 0) e.deficit = uint64_t{lane.config.weight} * most;
    most = static_cast<uint32_t>(std::min<uint64_t>(most, e.deficit));
  }
  Batch batch{.lane = lane.id, .level = e.level, .count = 0, .first = nullptr};
  Job** end = &batch.first;
  while (batch.count < most && !e.queue.empty()) {
    Job* const job = e.queue.pop();
    leave(lane, job);
    *end = job;
    end = &job->next;
    ++batch.count;
  }
  *end = nullptr;
  for (Rate& rate : lane.rates) rate.charge(now);
  lane.started += batch.count;
  if (in_turn && !alone) {
    e.deficit -= std::min<uint64_t>(e.deficit, batch.count);
    if (e.deficit == 0) rings_[e.level] = e.next;
  }
  owed_slots_ -= owed(lane);
  ++lane.running;
  owed_slots_ += owed(lane);
  ++running_;
  note_idle(lane);
  refresh(lane);
  return batch;
}

void Schedule::give_back(const Batch& rest, uint64_t now) {
  Lane& lane = *lanes_[rest.lane];
  std::vector<Job*> jobs;
  for (Job* job = rest.first; job; job = job->next) jobs.push_back(job);
  lane.started -= jobs.size();
  if (jobs.empty()) return;
  if (lane.aged) {  // it was replaced meanwhile by one that keeps another order
    const std::vector<Job*> others = empty(lane);
    jobs.insert(jobs.end(), others.begin(), others.end());
    fill(lane, std::move(jobs), now);
    return refresh(lane);
  }
  for (Job* job : jobs) {
    job->place = Job::Place::kWaiting;
    job->level = lane.own->level;
    lane.own->queue.put_back(job);
    ++lane.waiting;
  }
  refresh(lane);
}

void Schedule::done(LaneId id, uint64_t completed) {
  Lane& lane = *lanes_[id];
  assert(lane.running > 0);
  owed_slots_ -= owed(lane);
  --lane.running;
  owed_slots_ += owed(lane);
  --running_;
  lane.completed += completed;
  refresh(lane);
}

void Schedule::hold(LaneId id) {
  ++lanes_[id]->held;
  refresh(*lanes_[id]);
}

void Schedule::release(LaneId id) {
  assert(lanes_[id]->held > 0);
  --lanes_[id]->held;
  refresh(*lanes_[id]);
}

void Schedule::pause(LaneId id) {
  Lane& lane = *lanes_[id];
  if (lane.paused) return;
  owed_slots_ -= owed(lane);
  lane.paused = true;
  refresh(lane);
}

void Schedule::resume(LaneId id) {
  Lane& lane = *lanes_[id];
  if (!lane.paused) return;
  lane.paused = false;
  owed_slots_ += owed(lane);
  refresh(lane);
}

uint64_t Schedule::next_ns() const {
  uint64_t at = alarms_.empty() ? 0 : alarms_.first_ns();
  if (!held_.empty() && (at == 0 || held_.begin()->first < at)) at = held_.begin()->first;
  return at;
}

}  // namespace heddle
