#include "chain/chain_worker.h"

#include <algorithm>
#include <future>
#include <utility>

#include "chain/said.h"
#include "chain/task_run.h"
#include "clock.h"
#include "log.h"
#include "pipeline/lane_config.h"
#include "pipeline/version.h"
#include "plugin/answer_of.h"
#include "value/json_value.h"

namespace heddle {
namespace {

constexpr uint64_t kLookMs = 5'000;  // between two looks at the account
constexpr int64_t kMostSkewS = 5, kMostAgeS = 120;

std::string range_text(const ChainWork& work) {
  if (work.min_version.empty()) return "up to " + work.max_version;
  return work.max_version.empty() ? work.min_version + " or later" : work.min_version + " to " + work.max_version;
}

bool is_within(const std::string& version, const ChainWork& work) {
  return (work.min_version.empty() || version_satisfies(version, ">=" + work.min_version)) && (work.max_version.empty() || version_satisfies(version, "<=" + work.max_version));
}

// Nothing comes, until it is interrupted: that is the end.
class Idle : public Feed {
 public:
  Result<Got> pull(std::span<FeedItem>) override {
    std::lock_guard lock(mutex_);
    return Got{over_ ? State::kEnd : State::kWait, 0};
  }
  void wait(Lanes& lanes, LaneId lane, Job* job) override {
    std::lock_guard lock(mutex_);
    if (over_) return lanes.post(lane, job);
    lanes_ = &lanes;
    lane_ = lane;
    job_ = job;
  }
  void interrupt() override {
    std::lock_guard lock(mutex_);
    over_ = true;
    if (Job* const job = std::exchange(job_, nullptr)) lanes_->post(lane_, job);
  }

 private:
  std::mutex mutex_;
  // Guarded by mutex_:
  bool over_ = false;
  Lanes* lanes_ = nullptr;
  LaneId lane_ = 0;
  Job* job_ = nullptr;
};

}  // namespace

Result<std::unique_ptr<ChainWorker>> ChainWorker::start(std::shared_ptr<const Pipeline> pipeline, std::string name, Parts parts) {
  std::unique_ptr<ChainWorker> worker(new ChainWorker(std::move(pipeline), std::move(name), std::move(parts)));
  for (const auto step : {&ChainWorker::open_chain, &ChainWorker::check_lanes, &ChainWorker::check_chain, &ChainWorker::open_pipeline, &ChainWorker::check_sidecars, &ChainWorker::start_tasks}) {
    if (auto done = ((*worker).*step)(); !done) return std::move(done).error();
  }
  return worker;
}

ChainWorker::~ChainWorker() {
  stop(0);
}

void ChainWorker::stop(uint64_t drain_ms) {
  if (std::exchange(stopped_, true)) return;
  if (looking_) looking_->close();
  if (runner_) runner_->stop(drain_ms);
  {
    // Also of those that count no more. One that never ends keeps what it needs.
    std::unique_lock lock(under_->mutex);
    if (!under_->changed.wait_for(lock, std::chrono::milliseconds(kStartMs), [&] { return under_->runs == 0; }))
      log::write(log::Level::kWarn, name_, std::to_string(under_->runs) + " of what was worked on does not end, and is left behind");
  }
  if (open_) {
    idle_->interrupt();
    open_->stop(false);
    open_->wait(pipeline_->run.drain_ms + kStartMs);
  }
  groups_.clear();
  open_.reset();
  if (std::exchange(has_account_, false)) chain_->end_work();
}

Result<void> ChainWorker::open_chain() {
  for (const LaneConfig& lane : pipeline_->lanes) {
    if (auto added = parts_.lanes->add(lane); !added) return std::move(added).error();
  }
  if (!pipeline_->chain_params) return pipeline_->chain_params.error();
  auto chain = parts_.outside->chains.open(pipeline_->worker->chain, *pipeline_->chain_params);
  if (!chain) return std::move(chain).error();
  chain_ = *std::move(chain);
  const auto standing = answer_of<Value>([&](ChainHandle::Done done) { chain_->read(json_object({{"ask", json_text("standing")}}), std::move(done)); });
  if (!standing) return standing.error();
  account_ = text_in(*standing, "account");
  if (account_.empty()) return Error("no-key", "worker \"" + name_ + "\" has no account: its \"chain_params\" name no key", ErrorClass::kConfig);
  if (!chain_->begin_work()) return Error("in-use", "worker \"" + name_ + "\": another worker of this host works as " + account_ + " already: give each an account of its own", ErrorClass::kConfig);
  has_account_ = true;
  known_->standing = *standing;
  warn_of_clock(*standing);
  return {};
}

// Leases are compared with this host's clock.
void ChainWorker::warn_of_clock(const Value& standing) const {
  const int64_t block = number_in(standing, "block_unix"), ahead_s = unix_now() - block;
  if (block == 0 || (ahead_s >= -kMostSkewS && ahead_s <= kMostAgeS)) return;
  log::write(log::Level::kWarn, name_, ahead_s < 0 ? "the clock of this host is " + std::to_string(-ahead_s) + " s behind the chain's newest block: leases seem longer here than they are"
                                                   : "the chain's newest block is " + std::to_string(ahead_s) + " s old: either the chain stands still, or the clock of this host is ahead, and leases seem over before they are");
}

Result<void> ChainWorker::check_lanes() {
  for (const WorkQueue& queue : pipeline_->worker->queues) {
    const auto lane = parts_.lanes->find(queue.lane);
    if (!lane) return Error("no-lane", "worker \"" + name_ + "\": queue \"" + queue.name + "\" is to be worked on in the lane \"" + queue.lane + "\", and there is none", ErrorClass::kConfig);
    if (waits_for_itself(*pipeline_, queue.lane, *parts_.lanes)) {
      return Error("lane-in-use", "worker \"" + name_ + "\": queue \"" + queue.name + "\" is worked on in the lane \"" + queue.lane + "\", whose places are limited, and tasks would hold all that the nodes wait for: give the queue another lane, "
                   "and its \"limit\" says how many tasks there are at a time", ErrorClass::kConfig);
    }
    if (parts_.jobs->policy(*lane).durability != Durability::kMemory) {
      return Error("durable-lane", "worker \"" + name_ + "\": the lane \"" + queue.lane + "\" keeps its jobs, but tasks have a journal of their own: take a lane in memory", ErrorClass::kConfig);
    }
  }
  return {};
}

Result<void> ChainWorker::check_chain() {
  const auto said = answer_of<Value>([&](ChainHandle::Done done) { chain_->read(json_object({{"ask", json_text("worker")}}), std::move(done)); });
  if (!said) return Error("gate", "the chain does not say whether worker \"" + name_ + "\" may take work", said.error().error_class).because(said.error());
  const Value active = said->find("active");
  if (!active || !active.as_bool().value_or(false)) {
    return Error("not-active", "worker \"" + name_ + "\": the account " + account_ + " is not an active worker on the chain: register it there first, or have it activated", ErrorClass::kConfig);
  }
  const std::string version = text_in(*said, "version");
  const ChainWork& work = *pipeline_->worker;
  if ((work.min_version.empty() && work.max_version.empty()) || is_within(version, work)) return {};
  return Error("versions", "worker \"" + name_ + "\": the contracts have version " + version + ", and the manifest wants " + range_text(work), ErrorClass::kConfig);
}

Result<void> ChainWorker::open_pipeline() {
  idle_ = std::make_unique<Idle>();
  RunOptions options;
  options.lanes = parts_.lanes;
  options.outside = parts_.outside;
  options.feed = idle_.get();
  auto run = Run::start(*pipeline_, options);
  if (!run) return std::move(run).error();
  open_ = *std::move(run);
  for (auto& group : open_->worker_groups())
    if (std::find(groups_.begin(), groups_.end(), group) == groups_.end()) groups_.push_back(std::move(group));
  return {};
}

// Sidecars may come later; those of other versions never will.
Result<void> ChainWorker::check_sidecars() {
  const uint64_t until = now_ns() + parts_.sidecars_ms * kNsPerMs;
  Strand looking(*parts_.lanes, *parts_.lanes->find(kOwnLane));
  for (const auto& group : groups_) {
    while (true) {
      const auto all = group->standing(now_ns());
      if (std::any_of(all.begin(), all.end(), [](const auto& one) { return one.here; })) break;
      const bool all_refused = !all.empty() && std::all_of(all.begin(), all.end(), [](const auto& one) { return one.refused; });
      if (all_refused) return Error("versions", "worker \"" + name_ + "\": " + all.front().gone, ErrorClass::kConfig);
      if (now_ns() >= until) {
        log::write(log::Level::kWarn, name_, "no sidecar is there yet, and nothing is claimed until one is: " + (all.empty() || all.front().gone.empty() ? "nobody answers" : all.front().gone));
        break;
      }
      std::promise<void> later;
      looking.at(now_ns() + 20 * kNsPerMs, [&later] { later.set_value(); });
      later.get_future().get();
    }
  }
  return {};
}

TaskSettings ChainWorker::settings() const {
  const ChainWork& work = *pipeline_->worker;
  TaskSettings s;
  s.name = name_;
  for (const WorkQueue& queue : work.queues) s.queues.push_back({.name = queue.name, .partition = queue.partition, .lane = queue.lane, .limit = queue.limit});
  s.limit = work.limit;
  s.poll_ms = work.poll_ms;
  s.heartbeat_ms = work.heartbeat_ms;
  s.reconcile_ms = work.reconcile_ms;
  s.scan_s = work.scan_s;
  s.claim_s = work.claim_s;
  s.deadline_ms = work.deadline_ms;
  s.max_attempts = static_cast<uint32_t>(work.max_attempts);
  return s;
}

Result<void> ChainWorker::start_tasks() {
  journal_ = std::make_unique<TaskJournal>(*parts_.store, "worker/" + name_ + "/");
  TaskRunner::Parts parts;
  parts.chain = {.read = [chain = chain_](const Value& question, TaskChain::Done done) { chain->read(question, std::move(done)); },
                 .submit = [chain = chain_](const std::string& key, const Value& intent, TaskChain::Done done) { chain->submit(key, intent, std::move(done)); },
                 .events = [chain = chain_](const Value& filter, TaskChain::Done done) { chain->events(filter, std::move(done)); }};
  parts.journal = journal_.get();
  parts.work = {.knows =
                    [this](const std::string& kind) {
                      const auto& kinds = pipeline_->worker->kinds;
                      return kinds.empty() || std::any_of(kinds.begin(), kinds.end(), [&](const WorkKind& one) { return one.kind == kind; });
                    },
                .begin = [this](const WorkOrder& order, WorkHearing hearing) { return begin_work(order, std::move(hearing)); },
                .room = [this](uint64_t busy) { return room(busy); }};
  parts.lanes = parts_.lanes;
  parts.jobs = parts_.jobs;
  runner_ = std::make_unique<TaskRunner>(settings(), std::move(parts));
  looking_ = std::make_unique<Strand>(*parts_.lanes, *parts_.lanes->find(kOwnLane));
  looking_->run([this] { look_at_standing(); });
  return runner_->start(account_);
}

std::function<void()> ChainWorker::begin_work(const WorkOrder& order, WorkHearing hearing) const {
  const auto& kinds = pipeline_->worker->kinds;
  const auto kind = std::find_if(kinds.begin(), kinds.end(), [&](const WorkKind& one) { return one.kind == order.task.kind; });
  {
    std::lock_guard lock(under_->mutex);
    ++under_->runs;
  }
  const std::shared_ptr<void> alive(nullptr, [under = under_](void*) {
    std::lock_guard lock(under->mutex);
    --under->runs;
    under->changed.notify_all();
  });
  const std::weak_ptr<TaskRun> run = TaskRun::start({.pipeline = pipeline_, .alive = alive, .lanes = parts_.lanes, .outside = parts_.outside, .entry = kind == kinds.end() ? "" : kind->node,
                                                     .with_envelope = pipeline_->worker->with_envelope, .state_dir = parts_.state_dir},
                                                    order, std::move(hearing));
  return [run] {
    if (const auto running = run.lock()) running->stop();
  };
}

uint64_t ChainWorker::room(uint64_t busy) const {
  uint64_t room = UINT64_MAX;
  for (const auto& group : groups_) {
    const uint64_t slots = group->slots();
    room = std::min(room, slots > busy ? slots - busy : 0);
  }
  return room;
}

void ChainWorker::look_at_standing() {
  chain_->read(json_object({{"ask", json_text("standing")}}), [known = known_](Result<Value> standing) {
    if (!standing) return;
    std::lock_guard lock(known->mutex);
    known->standing = *standing;
  });
  tell_alarms(standing());
  looking_->at(now_ns() + kLookMs * kNsPerMs, [this] { look_at_standing(); });
}

// Each once when it comes, and once when it is over.
void ChainWorker::tell_alarms(const Value& standing) {
  const Value said = standing ? standing.find("alarms") : Value();
  std::set<std::string> now, before;
  for (size_t i = 0; said && said.kind() == HEDDLE_LIST && i < said.size(); ++i) now.emplace(said.at(i).as_text().value_or(""));
  {
    std::lock_guard lock(known_->mutex);
    before = std::exchange(known_->alarms, now);
  }
  for (const std::string& alarm : now)
    if (!before.contains(alarm)) log::write(log::Level::kError, name_, alarm);
  for (const std::string& alarm : before)
    if (!now.contains(alarm)) log::write(log::Level::kInfo, name_, "over: " + alarm);
}

Value ChainWorker::standing() const {
  std::lock_guard lock(known_->mutex);
  return known_->standing;
}

}  // namespace heddle
