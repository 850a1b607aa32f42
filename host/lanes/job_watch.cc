// What is said when something is wrong with a lane's jobs, or a lane comes to something. No lock of a job or a lane is held while somebody is told.
#include <algorithm>

#include "lanes/job_state.h"
#include "log.h"

namespace heddle {

void JobBook::settle_what_is_watched() {
  const AlertLimits& limits = watch.limits();
  const LaneWatch::Band calm = watch.calm_depth();
  const bool looks_when_some_wait = limits.oldest_ms != AlertLimit() && !looking;
  calm_from = calm.from;
  calm_below = looks_when_some_wait ? 0 : calm.below;
  watches_ends = limits.failure_percent != AlertLimit() || limits.latency_p95_ms != AlertLimit() || watch.level(AlertKind::kFailures) != AlertLevel::kNone ||
                 watch.level(AlertKind::kLatency) != AlertLevel::kNone;
}

// How many wait in this lane has left what is calm. Twice, for others come and go without the mutex while the lane is calm: either they see what is not calm any more, or this one sees what
// they did.
void Jobs::State::watch_depth(JobBook& b) {
  std::optional<Alert> first, second;
  {
    std::lock_guard lock(b.mutex);
    const uint64_t now_ms = now_ns() / kNsPerMs;
    first = b.watch.depth(b.waiting(), now_ms);
    b.settle_what_is_watched();
    second = b.watch.depth(b.waiting(), now_ms);
    look_later(b);
  }
  if (first) tell(b.lane, *std::move(first));
  if (second) tell(b.lane, *std::move(second));
}

// [b.mutex held] Sees to it that look() comes when there may be something to see: a job that has become too old, or a level that has settled. Without either, nothing ticks.
void Jobs::State::look_later(JobBook& b) {
  const uint64_t now_ms = now_ns() / kNsPerMs, settles_ms = b.watch.settles_ms();
  const AlertLimit& oldest = b.watch.limits().oldest_ms;
  uint64_t in_ms = settles_ms > now_ms ? settles_ms - now_ms : settles_ms > 0 ? 1 : UINT64_MAX;
  if (oldest != AlertLimit() && (b.waiting() > 0 || b.watch.level(AlertKind::kAge) != AlertLevel::kNone)) {
    in_ms = std::min(in_ms, std::max<uint64_t>(1, (oldest.warning > 0 ? oldest.warning : oldest.critical) / 8));
  }
  if (!closed && !b.looking && in_ms != UINT64_MAX) {
    b.looking = true;
    b.look.state = this;
    b.look.book = &b;
    b.look.run = &State::look;
    lanes.post_at((now_ms + in_ms) * kNsPerMs, system, &b.look);
  }
  b.settle_what_is_watched();
}

void Jobs::State::look(Job* job) noexcept {
  const auto& mine = *static_cast<JobBook::Look*>(job);
  State& s = *static_cast<State*>(mine.state);
  JobBook& b = *mine.book;
  const uint64_t oldest_ns = s.lanes.oldest_ns(b.lane), now = now_ns(), now_ms = now / kNsPerMs;
  LaneWatch::Changes changes;
  std::optional<Alert> depth, aged;
  {
    std::lock_guard lock(b.mutex);
    depth = b.watch.depth(b.waiting(), now_ms);
    changes = b.watch.settle(now_ms);
    aged = b.watch.age(oldest_ns != 0 && now > oldest_ns ? (now - oldest_ns) / kNsPerMs : 0, now_ms);
  }
  s.tell_all(b.lane, changes);
  if (depth) s.tell(b.lane, *std::move(depth));
  if (aged) s.tell(b.lane, *std::move(aged));
  std::lock_guard lock(b.mutex);
  b.looking = false;
  s.look_later(b);
  if (!b.looking) b.room.notify_all();
}

void Jobs::State::tell_all(LaneId lane, LaneWatch::Changes& changes) {
  for (auto& change : changes) {
    if (change) tell(lane, *std::move(change));
  }
}

// [r.mutex held] It is over, and its times are there.
void Jobs::State::watch_end(const Record& r) {
  const bool failed = r.now == JobState::kDead;
  if (!r.book || (!failed && r.now != JobState::kDone)) return;
  JobBook& b = *r.book;
  b.out.ran.record_shared(r.took_ns);
  if (!b.watches_ends) return;
  const uint64_t ended_ns = r.started_ns + r.took_ns;
  LaneWatch::Changes changes;
  {
    std::lock_guard lock(b.mutex);
    changes = b.watch.ended(ended_ns > r.due_at_ns ? (ended_ns - r.due_at_ns) / kNsPerMs : 0, failed, now_ns() / kNsPerMs);
    b.settle_what_is_watched();
    look_later(b);
  }
  tell_all(b.lane, changes);
}

void Jobs::State::tell(LaneId lane, LaneNotice notice) {
  static constexpr std::string_view kKeys[] = {"queue.lane.pressure", "queue.lane.idle", "queue.lane.paused", "queue.lane.resumed"};
  if (events.wanted()) events.tell({.key = kKeys[static_cast<size_t>(notice)], .lane = lanes.name(lane)});
}

// By a job of its own, whatever locks are held here.
void Jobs::State::tell(LaneId lane, Alert alert) {
  std::lock_guard lock(mutex);
  if (closed) return;
  alert.lane = lanes.name(lane);
  alerts.push_back(std::move(alert));
  if (std::exchange(telling, true)) return;
  telling_job.state = this;
  telling_job.run = &State::tell_alerts;
  lanes.post(system, &telling_job);
}

void Jobs::State::tell_alerts(Job* job) noexcept {
  State& s = *static_cast<Telling*>(job)->state;
  for (;;) {
    Alert alert;
    {
      std::lock_guard lock(s.mutex);
      if (s.alerts.empty()) {
        s.telling = false;
        return s.fewer.notify_all();
      }
      alert = std::move(s.alerts.front());
      s.alerts.pop_front();
    }
    log::write(alert.level == AlertLevel::kNone ? log::Level::kInfo : log::Level::kWarn, "lane " + alert.lane, alert.text());
    if (s.events.wanted()) s.events.tell({.key = "queue.lane.alert", .lane = alert.lane, .type = name_of(alert.kind), .text = alert.text()});
    if (s.on_alert) s.on_alert(alert);
  }
}

std::vector<Alert> Jobs::State::standing_alerts() {
  std::vector<Alert> all;
  for (const auto& slot : books) {
    JobBook* const b = slot.load(std::memory_order_acquire);
    if (!b) continue;
    std::lock_guard lock(b->mutex);
    for (size_t kind = 0; kind < LaneWatch::kKinds; ++kind) {
      const Alert& alert = b->watch.standing(static_cast<AlertKind>(kind));
      if (alert.level == AlertLevel::kNone) continue;
      all.push_back(alert);
      all.back().lane = lanes.name(b->lane);
      if (alert.kind == AlertKind::kDepth) all.back().value = b->waiting();  // the watch was not asked since
    }
  }
  return all;
}

// Nothing of here is in a lane after that.
void Jobs::State::stop_watching() {
  closed = true;
  for (const auto& slot : books) {
    JobBook* const b = slot;
    if (!b) continue;
    std::unique_lock lock(b->mutex);
    if (b->looking && lanes.cancel(&b->look)) b->looking = false;
    b->room.wait(lock, [&] { return !b->looking; });
  }
  std::unique_lock lock(mutex);
  if (telling && lanes.cancel(&telling_job)) telling = false;
  fewer.wait(lock, [&] { return !telling; });
}

}  // namespace heddle
