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
constexpr uint64_t kFirstWaitMs = 500, kMostWaitMs = 5'000;
constexpr uint64_t kLostPauseMs = 2'000;  // until what was lost is claimed anew

}  // namespace

void TaskRunner::ask_for_work() {
  if (!std::exchange(work_is_wanted_, true)) on_strand([this] { find_work(); });
}

void TaskRunner::find_work() {
  work_is_wanted_ = false;
  if (draining_) return;
  for (const size_t queue : queues_by_lane()) look_in(queue);
}

// What the queue itself gives is next by the chain's own order, and is asked for first; what the events have told of takes the rest of the room.
void TaskRunner::look_in(size_t index) {
  const uint64_t room = room_of(index, taken(), &Taken::all);
  if (room == 0) return;
  ask_queue(index);
  while (!candidates_[index].empty() && reading_[index] < room) {
    const Candidate candidate = *candidates_[index].begin();
    candidates_[index].erase(candidates_[index].begin());
    if (open_.contains(candidate.id)) continue;
    ++reading_[index];
    ask_for(candidate.id, later<Result<Value>>([this, index, candidate](Result<Value> activity) {
      --reading_[index];
      const bool is_settled = activity && (activity->is_null() || consider(index, *activity));
      if (is_settled && !candidates_[index].empty()) return ask_for_work();
      if (!is_settled) candidates_[index].insert(candidate);  // another time: with the next look
    }));
  }
  if (candidates_[index].empty() && are_left_out_) scan_again();
}

void TaskRunner::ask_queue(size_t index) {
  const TaskQueue& queue = settings_.queues[index];
  if (looking_[index]) return;
  looking_[index] = true;
  const auto offered = later<Result<Value>>([this, index](Result<Value> activity) {
    looking_[index] = false;
    if (!activity) return hear_of_chain(activity.error());
    if (activity->is_null()) return;
    consider(index, *activity);
    if (!does(*activity)) scan_again();  // what a queue gives first may hide what is behind it
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
  return state == "offered" || (state == "assigned" && lease != 0 && lease <= unix_now());
}

bool TaskRunner::is_expired(const Value& activity) {
  const int64_t expires = number_in(activity, "expires_unix");
  return expires != 0 && expires <= unix_now();
}

// Whether it is work of this worker; what is not is said once.
bool TaskRunner::does(const Value& activity) {
  const std::string kind = text_in(activity, "kind"), queue = text_in(activity, "queue");
  const bool is_known = parts_.work.knows(kind);
  const bool is_here = queue.empty() || std::any_of(settings_.queues.begin(), settings_.queues.end(), [&](const TaskQueue& q) { return q.name == queue; });
  if (is_known && is_here) return true;
  const std::string what = is_known ? "activities of the queue \"" + queue + "\" are left to others: the manifest has no such queue" : "activities of the kind " + kind + " are left to others: the manifest has no such kind";
  if (left_alone_.size() < kMostCandidates && left_alone_.insert(what).second) log::write(log::Level::kWarn, settings_.name, what);
  return false;
}

bool TaskRunner::consider(size_t index, const Value& activity) {
  if (std::exchange(chain_is_gone_, false)) log::write(log::Level::kInfo, settings_.name, "the chain can be asked for work again");
  const Id id = text_in(activity, "activity");
  if (id.empty() || draining_ || open_.contains(id) || !is_on_offer(activity) || !does(activity)) return true;
  if (is_expired(activity)) return true;
  const auto over = over_.find(id);
  if (over != over_.end() && over->second.state == TaskState::kLost && wall_ms() < over->second.history.back().at_ms + kLostPauseMs) return false;
  const TaskQueue& queue = settings_.queues[index];
  if (room_of(index, taken(), &Taken::all) == 0) return false;
  count([](TaskCounts& c) { ++c.offers; });
  Task task{.activity = id, .run = next_run(id), .kind = text_in(activity, "kind"), .workflow = text_in(activity, "workflow"), .queue = queue.name, .partition = queue.partition};
  task.expires_unix = number_in(activity, "expires_unix");
  task.history.push_back({.to = TaskState::kOffered, .at_ms = wall_ms()});
  Entry& entry = add(task);
  write(entry, std::move(task), [this](Entry& there) { step(there.task.activity, there.task.run); });
  return true;
}

// From where a scan begins, if `cursor` is none.
Value TaskRunner::events_after(const Value& cursor, uint64_t wait_ms) const {
  std::pair<std::string, Value> from = {"after", cursor};
  if (!cursor) from = {"from_unix", Value::integer(unix_now() - static_cast<int64_t>(settings_.scan_s))};
  return json_object({{"wait_ms", json_count(wait_ms)}, std::move(from)});
}

// The events from the cursor on; where there is none, first what they have on offer until now.
void TaskRunner::follow() {
  if (cursor_) watch();
  else if (!scanning_) scan();
}

void TaskRunner::watch() {
  if (std::exchange(watching_, true)) return;
  const auto heard = later<Result<Value>>([this](Result<Value> page) {
    watching_ = false;
    if (page) {
      watch_failures_ = 0;
      return take_events(*page);
    }
    watch_failed(page.error());
  });
  parts_.chain.events(events_after(cursor_, kWatchWaitMs), heard);
}

void TaskRunner::watch_failed(const Error& why) {
  if (watch_failures_++ == 0) log::write(log::Level::kWarn, settings_.name, "the chain's events cannot be read: " + why.text());
  strand_.at(now_ns() + std::min(kMostWaitMs, kFirstWaitMs << std::min<uint32_t>(watch_failures_, 7)) * kNsPerMs, [this] { follow(); });
}

void TaskRunner::take_events(const Value& page) {
  const Value events = page.find("events");
  for (size_t i = 0; events && events.kind() == HEDDLE_LIST && i < events.size(); ++i) take_event(events.at(i));
  const Value cursor = page.find("cursor");
  const auto go_on = later<Result<void>>([this, cursor](Result<void> written) {
    if (written) {
      cursor_ = cursor;
      return watch();
    }
    log::write(log::Level::kWarn, settings_.name, "how far the chain's events are read cannot be written: " + written.error().text());
    strand_.at(now_ns() + kFirstWaitMs * kNsPerMs, [this] { watch(); });
  });
  if (cursor && !(cursor_ && cursor == cursor_)) parts_.journal->write({}, cursor, go_on);
  else watch();
  find_work();
}

void TaskRunner::take_event(const Value& event) {
  const std::string what = text_in(event, "work");
  const Id id = text_in(event, "activity");
  if (id.empty()) return;
  if (what == "offered") return take_offer(event);
  const auto open = open_.find(id);
  if (what == "claimed" && text_in(event, "worker") == account_ && open == open_.end() && !over_.contains(id)) return adopt(id);
  const bool is_out = what == "completed" || what == "failed" || (what == "claimed" && text_in(event, "worker") != account_);
  if (!is_out || open == open_.end()) return;
  doubt(open->second, "the chain gave it to another worker");
}

void TaskRunner::take_offer(const Value& event) {
  const Id id = text_in(event, "activity");
  for (size_t i = 0; i < settings_.queues.size(); ++i) {
    const TaskQueue& queue = settings_.queues[i];
    const bool is_its = text_in(event, "queue") == queue.name && static_cast<uint64_t>(number_in(event, "partition")) == queue.partition;
    if (!is_its) continue;
    if (candidates_[i].size() < kMostCandidates) candidates_[i].insert({.priority = number_in(event, "priority"), .order = ++last_candidate_, .id = id});
    else are_left_out_ = true;
  }
}

// What is on offer by the events from the beginning, beside the reading that goes on; not more often than the chain is compared with.
void TaskRunner::scan_again() {
  const uint64_t now = now_ns();
  if (scanning_ || now < next_scan_ns_) return;
  next_scan_ns_ = now + settings_.reconcile_ms * kNsPerMs;
  scan();
}

void TaskRunner::scan() {
  scanning_ = true;
  are_left_out_ = false;
  scan_on({}, {});
}

void TaskRunner::scan_on(const Value& after, std::map<Id, Value> offers) {
  const auto heard = later<Result<Value>>([this, after, offers = std::move(offers)](Result<Value> page) mutable {
    if (!page) {
      scanning_ = false;
      if (!cursor_) watch_failed(page.error());
      return;
    }
    watch_failures_ = 0;
    const Value events = page->find("events"), cursor = page->find("cursor");
    const size_t many = events && events.kind() == HEDDLE_LIST ? events.size() : 0;
    for (size_t i = 0; i < many; ++i) {
      const Value event = events.at(i);
      const std::string what = text_in(event, "work");
      if (what == "offered" && offers.size() < kMostCandidates) offers.emplace(text_in(event, "activity"), event);
      else if (what == "offered") are_left_out_ = true;
      if (what == "claimed" || what == "completed" || what == "failed") offers.erase(text_in(event, "activity"));
    }
    if (many > 0 && cursor && !(after && cursor == after)) return scan_on(cursor, std::move(offers));
    scanning_ = false;
    for (const auto& [id, event] : offers) {
      if (!open_.contains(id)) take_offer(event);
    }
    ask_for_work();
    if (cursor_) return;
    cursor_ = cursor;  // from where the events are followed
    watch();
  });
  parts_.chain.events(events_after(after, 0), heard);
}

}  // namespace heddle
