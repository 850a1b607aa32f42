// What is said when something is wrong with a lane's jobs, or a lane comes to something. No lock of a job or a lane is held while somebody is told.
#include <algorithm>

#include "lanes/job_state.h"
#include "log.h"

namespace heddle {

// [b.mutex held] The settings or what stands have changed.
void Jobs::State::Book::settle_what_is_watched() {
  const AlertLimits& limits = watch.limits();
  const auto smallest = [](const AlertLimit& limit) {
    const uint64_t first = limit.warning > 0 ? limit.warning : limit.critical;
    return first > 0 ? first : UINT64_MAX;
  };
  const bool stirred = watch.level(AlertKind::kDepth) != AlertLevel::kNone || limits.oldest_ms != AlertLimit();
  calm_below = stirred ? 0 : smallest(limits.depth);
  watches_ends = limits.failure_percent != AlertLimit() || limits.latency_p95_ms != AlertLimit() || watch.level(AlertKind::kFailures) != AlertLevel::kNone ||
                 watch.level(AlertKind::kLatency) != AlertLevel::kNone;
}

// So many jobs wait in this lane now. Twice, for others come and go without the mutex while the lane is calm: either they see that it is not calm any more, or this one sees what they did.
void Jobs::State::watch_depth(LaneId lane, Book& b, uint64_t waiting) {
  if (waiting < b.calm_below) return;
  std::optional<Alert> first, second;
  {
    std::lock_guard lock(b.mutex);
    const uint64_t now_ms = now_ns() / kNsPerMs;
    first = b.watch.depth(b.waiting, now_ms);
    b.settle_what_is_watched();
    second = b.watch.depth(b.waiting, now_ms);
    look_later(lane, b);
  }
  if (first) tell(lane, *std::move(first));
  if (second) tell(lane, *std::move(second));
}

// [b.mutex held] Sees to it that look() comes when there may be something to see: a job that has become too old, or a level that has settled. Without either, nothing ticks.
void Jobs::State::look_later(LaneId lane, Book& b) {
  if (closed || b.looking) return;
  const uint64_t now_ms = now_ns() / kNsPerMs, settles_ms = b.watch.settles_ms();
  const AlertLimit& oldest = b.watch.limits().oldest_ms;
  uint64_t in_ms = settles_ms > now_ms ? settles_ms - now_ms : settles_ms > 0 ? 1 : UINT64_MAX;
  if (oldest != AlertLimit() && (b.waiting > 0 || b.watch.level(AlertKind::kAge) != AlertLevel::kNone)) {
    in_ms = std::min(in_ms, std::max<uint64_t>(1, (oldest.warning > 0 ? oldest.warning : oldest.critical) / 8));
  }
  if (in_ms == UINT64_MAX) return;
  b.looking = true;
  b.look.state = this;
  b.look.of = lane;
  b.look.run = &State::look;
  lanes.post_at((now_ms + in_ms) * kNsPerMs, system, &b.look);
}

void Jobs::State::look(Job* job) noexcept {
  auto& mine = *static_cast<Book::Look*>(job);
  State& s = *mine.state;
  Book& b = s.book(mine.of);
  const uint64_t oldest_ns = s.lanes.oldest_ns(mine.of), now = now_ns(), now_ms = now / kNsPerMs;
  LaneWatch::Changes changes;
  std::optional<Alert> depth, aged;
  {
    std::lock_guard lock(b.mutex);
    depth = b.watch.depth(b.waiting, now_ms);
    changes = b.watch.settle(now_ms);
    aged = b.watch.age(oldest_ns != 0 && now > oldest_ns ? (now - oldest_ns) / kNsPerMs : 0, now_ms);
    b.settle_what_is_watched();
  }
  s.tell_all(mine.of, changes);
  if (depth) s.tell(mine.of, *std::move(depth));
  if (aged) s.tell(mine.of, *std::move(aged));
  std::lock_guard lock(b.mutex);
  b.looking = false;
  s.look_later(mine.of, b);
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
  if (!failed && r.now != JobState::kDone) return;
  Book& b = book(r.in_lane);
  b.ran.record_shared(r.took_ns);
  if (!b.watches_ends) return;
  const uint64_t from_ms = std::max(r.submitted_ms, r.not_before_ms);
  LaneWatch::Changes changes;
  {
    std::lock_guard lock(b.mutex);
    changes = b.watch.ended(r.ended_ms > from_ms ? r.ended_ms - from_ms : 0, failed, now_ns() / kNsPerMs);
    b.settle_what_is_watched();
    look_later(r.in_lane, b);
  }
  tell_all(r.in_lane, changes);
}

void Jobs::State::tell(LaneId lane, LaneNotice notice) {
  static constexpr std::string_view kNames[] = {"pressure", "idle", "paused", "resumed"};
  if (events.wanted()) events.tell({.key = "queue.lane." + std::string(kNames[static_cast<size_t>(notice)]), .lane = lanes.config(lane).name});
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
    if (s.events.wanted()) s.events.tell({.key = "queue.lane.alert", .lane = alert.lane, .type = std::string(name_of(alert.kind)), .text = alert.text()});
    if (s.on_alert) s.on_alert(alert);
  }
}

std::vector<Alert> Jobs::State::standing_alerts() {
  std::vector<Alert> all;
  std::shared_lock lock(books_mutex);
  for (LaneId lane = 0; lane < books.size(); ++lane) {
    std::lock_guard mine(books[lane]->mutex);
    for (size_t kind = 0; kind < LaneWatch::kKinds; ++kind) {
      const Alert& alert = books[lane]->watch.standing(static_cast<AlertKind>(kind));
      if (alert.level == AlertLevel::kNone) continue;
      all.push_back(alert);
      all.back().lane = lanes.name(lane);
    }
  }
  return all;
}

// Nothing of here is in a lane after that.
void Jobs::State::stop_watching() {
  closed = true;
  for (const auto& b : books) {
    std::unique_lock lock(b->mutex);
    if (b->looking && lanes.cancel(&b->look)) b->looking = false;
    b->room.wait(lock, [&] { return !b->looking; });
  }
  std::unique_lock lock(mutex);
  if (telling && lanes.cancel(&telling_job)) telling = false;
  fewer.wait(lock, [&] { return !telling; });
}

}  // namespace heddle
