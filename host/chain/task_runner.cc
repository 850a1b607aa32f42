#include "chain/task_runner.h"

#include <algorithm>
#include <future>
#include <utility>

#include "clock.h"
#include "log.h"

namespace heddle {
namespace {

constexpr uint64_t kMostTickMs = 1'000;
constexpr uint64_t kLookAgainMs = 10;
constexpr size_t kMostRemembered = 1'000;  // tasks that are over
constexpr uint64_t kFirstWaitMs = 200, kMostWaitMs = 5'000;  // the longest that a chain goes unseen which is back

// Names of types are never taken away, and the first function of one stays: who works under a name that was used gets one of its own.
std::string new_type(const Jobs& jobs, const std::string& name) {
  const auto known = jobs.types();
  const auto is_known = [&](const std::string& type) { return std::find(known.begin(), known.end(), type) != known.end(); };
  std::string type = name;
  for (size_t life = 2; is_known(type); ++life) type = name + "#" + std::to_string(life);
  return type;
}

}  // namespace

TaskRunner::TaskRunner(TaskSettings settings, Parts parts)
    : settings_(std::move(settings)), parts_(std::move(parts)), job_type_(new_type(*parts_.jobs, "task/" + settings_.name)), candidates_(settings_.queues.size()), looking_(settings_.queues.size()), reading_(settings_.queues.size()),
      strand_(*parts_.lanes, *parts_.lanes->find(kOwnLane)) {
  alive_->runner = this;
}

TaskRunner::~TaskRunner() {
  {
    std::lock_guard lock(alive_->mutex);
    alive_->runner = nullptr;
  }
  strand_.close();
}

Result<void> TaskRunner::start(const std::string& account) {
  account_ = account;
  auto content = parts_.journal->read();
  if (!content) return std::move(content).error();
  if (auto forgotten = parts_.journal->forget_over(wall_ms() - settings_.keep_ms); !forgotten) return std::move(forgotten).error();
  auto over = parts_.journal->read_over(kMostRemembered);
  if (!over) return std::move(over).error();
  parts_.jobs->add_type(job_type_, [alive = alive_](JobRun run) {  // which outlives the runner
    {
      std::lock_guard lock(alive->mutex);
      if (alive->runner) return alive->runner->run_job(std::move(run));
    }
    run.complete(Error("gone", "the worker has stopped", ErrorClass::kCancelled));
  });
  has_forgotten_ = over->size() == kMostRemembered;
  cursor_ = content->cursor;
  on_strand([this, open = std::move(content->open), over = *std::move(over)]() mutable {
    for (auto at = over.rbegin(); at != over.rend(); ++at) remember(*at);
    for (Task& task : open) add(std::move(task));
    if (!open_.empty()) log::write(log::Level::kInfo, settings_.name, std::to_string(open_.size()) + (open_.size() == 1 ? " task goes on" : " tasks go on"));
    reconcile();
    follow();
    scan_again();  // what the events before the cursor have on offer is not kept
    tick();
  });
  return {};
}

void TaskRunner::drain() {
  on_strand([this] { draining_ = true; });
}

void TaskRunner::stop(uint64_t drain_ms) {
  drain();
  const uint64_t until = now_ns() + drain_ms * kNsPerMs;
  const auto still_working = [this, until] {
    auto counted = std::make_shared<std::promise<size_t>>();
    auto answer = counted->get_future();
    on_strand([this, until, counted] {
      size_t jobs = 0;
      for (auto& [id, entry] : open_) {
        if (entry.job == 0) continue;
        ++jobs;
        if (now_ns() >= until) stop_work(entry);
      }
      counted->set_value(jobs);
    });
    return answer.get();
  };
  constexpr uint64_t kLookMs = 20, kGiveUpMs = 30'000;
  while (still_working() > 0 && now_ns() < until + kGiveUpMs * kNsPerMs) {
    std::promise<void> later;
    strand_.at(now_ns() + kLookMs * kNsPerMs, [&later] { later.set_value(); });
    later.get_future().get();
  }
  {
    std::lock_guard lock(alive_->mutex);
    alive_->runner = nullptr;
  }
  strand_.close();
}

void TaskRunner::tick() {
  const uint64_t now = now_ns();
  std::vector<std::pair<Id, uint64_t>> all;
  all.reserve(open_.size());
  for (const auto& [id, entry] : open_) all.emplace_back(id, entry.task.run);
  for (const auto& [id, run] : all) {
    if (Entry* const entry = find(id, run)) look_at(*entry, now);
  }
  ask_for_room();
  count_open();
  if (now >= next_reconcile_ns_) reconcile();
  if (now >= next_poll_ns_) {
    next_poll_ns_ = now + settings_.poll_ms * kNsPerMs;
    find_work();
  }
  strand_.at(now + std::min(settings_.poll_ms, kMostTickMs) * kNsPerMs, [this] { tick(); });
}

void TaskRunner::count_open() {
  std::map<TaskState, uint64_t> open;
  for (const auto& [id, entry] : open_) ++open[entry.task.state];
  count([&](TaskCounts& c) { c.open = std::move(open); });
}

void TaskRunner::look_at(Entry& entry, uint64_t now) {
  const Id id = entry.task.activity;
  const uint64_t run = entry.task.run;
  keep_lease(entry, now);
  if (Entry* const left = find(id, run); left && !left->busy && !left->ending && left->job == 0 && now >= left->again_ns && !waits_for_room(*left)) step(id, run);
}

TaskRunner::Entry* TaskRunner::find(const Id& id, uint64_t run) {
  const auto found = open_.find(id);
  return found == open_.end() || found->second.task.run != run ? nullptr : &found->second;
}

TaskRunner::Entry& TaskRunner::add(Task task) {
  const Id id = task.activity;
  last_runs_[id] = std::max(last_runs_[id], task.run);
  Entry& entry = open_[id];
  entry = Entry{};
  entry.queue = queue_of(task);
  entry.task = std::move(task);
  if (settings_.deadline_ms > 0) entry.work_until_ns = now_ns() + settings_.deadline_ms * kNsPerMs;
  return entry;
}

uint64_t TaskRunner::next_run(const Id& id) const {
  const auto found = last_runs_.find(id);
  if (found != last_runs_.end()) return found->second + 1;
  return has_forgotten_ ? static_cast<uint64_t>(unix_now()) : 1;  // no run has the number of an earlier one: the chain would take its transactions for those
}

TaskChain::Done TaskRunner::answer_to(Entry& entry, Heard heard) {
  entry.busy = true;
  return later<Result<Value>>([this, id = entry.task.activity, run = entry.task.run, heard = std::move(heard)](Result<Value> outcome) {
    Entry* const there = find(id, run);
    if (!there || there->ending) return;
    there->busy = false;
    heard(*there, std::move(outcome));
  });
}

// The story of a task, for people.
void TaskRunner::tell(const Task& task) const {
  const std::string why = task.history.empty() ? "" : task.history.back().why;
  std::string text;
  switch (task.state) {
    case TaskState::kOffered: return;
    case TaskState::kClaimed: text = "is ours" + (why.empty() ? "" : " (" + why + ")"); break;
    case TaskState::kRunning: text = task.attempt == 1 ? "is worked on" : "is worked on once more (attempt " + std::to_string(task.attempt) + ")"; break;
    case TaskState::kComputed: text = task.outcome->is_good ? "is done; its result goes to the chain" : "cannot be done; the chain is told why: " + task.outcome->reason; break;
    case TaskState::kSubmitted: text = "is told to the chain by transaction " + task.transaction; break;
    case TaskState::kSettled: text = "is settled" + (why.empty() ? "" : ": " + why); break;
    case TaskState::kFailed: text = "has failed: " + why; break;
    case TaskState::kLost: text = "is lost to us: " + why; break;
  }
  const bool is_bad = task.state == TaskState::kFailed || task.state == TaskState::kLost;
  log::write(is_bad ? log::Level::kWarn : log::Level::kInfo, settings_.name, "task " + task.activity + " " + text);
}

void TaskRunner::write(Entry& entry, Result<Task> next, std::function<void(Entry&)> then) {
  entry.busy = true;
  if (!next) return log::write(log::Level::kError, settings_.name, next.error().text());  // a bug of ours: it goes no further, and says so
  entry.writing = true;
  const auto written = later<Result<void>>([this, task = *next, then = std::move(then)](Result<void> outcome) {
    Entry* const there = find(task.activity, task.run);
    if (!there || (there->ending && !is_over(task.state))) return;
    if (!outcome) {  // the write is repeated, not the step: what led to it does not come again
      strand_.at(back_off(*there, outcome.error()), [this, task, then] {
        if (Entry* const again = find(task.activity, task.run)) write(*again, task, then);
      });
      return;
    }
    there->busy = there->writing = false;
    there->failures = 0;
    there->note.clear();
    Task now = task;
    now.lease_until_unix = std::max(now.lease_until_unix, there->task.lease_until_unix);  // what was heard meanwhile
    if (!there->task.checkpoint.empty()) now.checkpoint = there->task.checkpoint;
    const bool is_news = there->task.state != now.state || there->task.attempt != now.attempt;
    there->queue = queue_of(now);
    there->task = std::move(now);
    if (is_news) tell(there->task);
    then(*there);
  });
  parts_.journal->write({*std::move(next)}, {}, written);
}

void TaskRunner::end(Entry& entry, TaskState to, std::string why) {
  if (std::exchange(entry.ending, true)) return;
  stop_work(entry);
  entry.job = 0;  // what comes of it counts no more
  entry.has_room = false;
  write(entry, moved(entry.task, to, why, wall_ms()), [this, to](Entry& ended) {
    const Task task = ended.task;
    count([&](TaskCounts& c) { ++(to == TaskState::kSettled ? c.settled : to == TaskState::kFailed ? c.failed : c.lost); });
    remember(task);
    open_.erase(task.activity);
    ask_for_room();
    ask_for_work();
  });
}

void TaskRunner::remember(const Task& task) {
  last_runs_[task.activity] = std::max(last_runs_[task.activity], task.run);
  if (!over_.contains(task.activity)) over_order_.push_back(task.activity);
  over_[task.activity] = task;
  if (over_order_.size() <= kMostRemembered) return;
  has_forgotten_ = true;
  over_.erase(over_order_.front());
  last_runs_.erase(over_order_.front());
  over_order_.pop_front();
}

// Until when.
uint64_t TaskRunner::back_off(Entry& entry, const Error& why) {
  const uint64_t ms = std::min(kMostWaitMs, kFirstWaitMs << std::min<uint32_t>(entry.failures, 10));
  if (entry.failures++ == 0 || entry.note != why.text()) log::write(log::Level::kWarn, settings_.name, "task " + entry.task.activity + " (" + std::string(name_of(entry.task.state)) + ") waits: " + why.text());
  entry.note = why.text();
  return entry.again_ns = now_ns() + ms * kNsPerMs;
}

// The same step once more, ever later.
void TaskRunner::wait(Entry& entry, const Error& why) {
  entry.has_room = false;
  strand_.at(back_off(entry, why), [this, id = entry.task.activity, run = entry.task.run] {
    Entry* const there = find(id, run);
    if (!there) return;
    if (waits_for_room(*there)) ask_for_room();
    else look_at(*there, now_ns());
  });
}

TaskRunner::View TaskRunner::view_of(const Entry& entry) { return {.task = entry.task, .percent = entry.percent, .message = entry.message, .note = entry.note}; }

std::vector<TaskRunner::View> TaskRunner::views() const {
  std::vector<View> all;
  for (const auto& [id, entry] : open_) all.push_back(view_of(entry));
  for (const Id& id : over_order_) all.push_back({.task = over_.at(id)});
  return all;
}

void TaskRunner::list(std::function<void(std::vector<View>)> told) {
  on_strand([this, told = std::move(told)] { told(views()); });
}

std::vector<TaskRunner::View> TaskRunner::views_of(const Id& beginning, size_t most) const {
  if (const auto open = open_.find(beginning); open != open_.end()) return {view_of(open->second)};
  if (const auto over = over_.find(beginning); over != over_.end()) return {View{.task = over->second}};
  std::vector<View> found;
  for (auto at = open_.lower_bound(beginning); at != open_.end() && at->first.starts_with(beginning) && found.size() < most; ++at) found.push_back(view_of(at->second));
  for (auto at = over_.lower_bound(beginning); at != over_.end() && at->first.starts_with(beginning) && found.size() < most; ++at) {
    if (!open_.contains(at->first)) found.push_back({.task = at->second});
  }
  return found;
}

void TaskRunner::find(const std::string& activity, size_t most, std::function<void(std::vector<View>)> told) {
  on_strand([this, activity, most, told = std::move(told)] { told(views_of(activity, most)); });
}

// Told once it is written: a start after this goes on with it.
void TaskRunner::cancel(const std::string& activity, const std::string& reason, std::function<void(Result<void>)> told) {
  on_strand([this, activity, reason, told = std::move(told)] {
    const auto open = open_.find(activity);
    if (open == open_.end() && !over_.contains(activity)) return told(Error("not-found", "worker \"" + settings_.name + "\" has no task " + activity));
    if (open == open_.end() || open->second.ending || open->second.task.state >= TaskState::kComputed) return told(Error("too-late", "task " + activity + " has its outcome already"));
    Entry& entry = open->second;
    // What is on its way to the journal is newer than what would be written here.
    if (entry.writing) return strand_.at(now_ns() + kLookAgainMs * kNsPerMs, [this, activity, reason, told] { cancel(activity, reason, told); });
    entry.task.cancelled = reason;
    const auto written = later<Result<void>>([this, activity, run = entry.task.run, told](Result<void> outcome) {
      if (Entry* const there = find(activity, run)) {
        if (!outcome) there->task.cancelled.reset();
        else if (there->job != 0) stop_work(*there);
        else look_at(*there, now_ns());
      }
      told(std::move(outcome));
    });
    parts_.journal->write({entry.task}, {}, written);
  });
}

TaskCounts TaskRunner::counts() const {
  std::lock_guard lock(counts_mutex_);
  TaskCounts counts = counts_;
  counts.claim_to_work.add(claim_to_work_);
  counts.work_to_submit.add(work_to_submit_);
  return counts;
}

}  // namespace heddle
