#include "serve/chain_workers.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "clock.h"
#include "log.h"

namespace heddle {
namespace {

constexpr uint64_t kFirstWaitMs = 1'000, kMostWaitMs = 60'000;

}  // namespace

void ChainWorkers::use(const std::vector<ServedPipelinePtr>& pipelines) {
  std::lock_guard lock(mutex_);
  if (stopping_) return;
  std::map<std::string, One> next;
  for (const ServedPipelinePtr& pipeline : pipelines) {
    if (!pipeline->pipeline.worker) continue;
    const auto before = workers_.find(pipeline->name);
    const bool is_same = before != workers_.end() && before->second.pipeline == pipeline;
    next[pipeline->name] = is_same ? std::move(before->second) : One{.pipeline = pipeline};
    if (is_same) workers_.erase(before);
  }
  for (auto& [name, one] : workers_) leaving_.push_back(std::move(one));
  workers_ = std::move(next);
  if (!workers_.empty() && !thread_.joinable()) thread_ = std::thread([this] { work(); });
  changed_.notify_all();
}

void ChainWorkers::stop(uint64_t drain_ms) {
  std::thread thread;
  {
    std::lock_guard lock(mutex_);
    if (std::exchange(stopping_, true)) return;
    drain_ms_ = drain_ms;
    for (const auto& [name, one] : workers_)
      if (one.worker) one.worker->drain();
    thread.swap(thread_);
    changed_.notify_all();
  }
  if (thread.joinable()) thread.join();
}

void ChainWorkers::work() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    while (!leaving_.empty()) {
      One one = std::move(leaving_.back());
      leaving_.pop_back();
      lock.unlock();
      if (one.worker) one.worker->stop(one.pipeline->pipeline.run.drain_ms);
      one.worker.reset();
      lock.lock();
    }
    const uint64_t now = now_ns();
    const auto due = std::find_if(workers_.begin(), workers_.end(), [&](const auto& w) { return !w.second.worker && w.second.again_ns <= now; });
    if (stopping_) break;
    if (due != workers_.end()) {
      const auto [name, pipeline] = std::pair(due->first, due->second.pipeline);
      lock.unlock();
      start(name, pipeline);
      lock.lock();
      continue;
    }
    uint64_t next = UINT64_MAX;
    for (const auto& [name, one] : workers_)
      if (!one.worker) next = std::min(next, one.again_ns);
    if (next == UINT64_MAX) changed_.wait(lock);
    else changed_.wait_for(lock, std::chrono::nanoseconds(next - std::min(next, now)));
  }
  std::map<std::string, One> left = std::move(workers_);
  workers_.clear();
  const uint64_t until = now_ns() + drain_ms_ * kNsPerMs;
  lock.unlock();
  for (auto& [name, one] : left) {
    const uint64_t now = now_ns();
    if (one.worker) one.worker->stop(until > now ? (until - now) / kNsPerMs : 0);
  }
}

void ChainWorkers::start(const std::string& name, const ServedPipelinePtr& pipeline) {
  Result<std::unique_ptr<ChainWorker>> started = Error("no-store", "worker \"" + name + "\" needs a store for its tasks, and the configuration names none: say \"store\"", ErrorClass::kConfig);
  if (parts_.store) {
    started = ChainWorker::start(std::shared_ptr<const Pipeline>(pipeline, &pipeline->pipeline), name, {.lanes = parts_.lanes, .jobs = parts_.jobs, .outside = parts_.outside, .store = parts_.store, .state_dir = parts_.state_dir});
  }
  if (started) log::write(log::Level::kInfo, name, "works as " + (*started)->account());
  std::shared_ptr<ChainWorker> worker = started ? *std::move(started) : nullptr;
  std::unique_lock lock(mutex_);
  const auto found = workers_.find(name);
  if (found == workers_.end() || found->second.pipeline != pipeline) {  // changed meanwhile
    leaving_.push_back({.pipeline = pipeline, .worker = std::move(worker)});
    return;
  }
  One& one = found->second;
  one.worker = std::move(worker);
  if (one.worker) return;
  const std::string why = started.error().text();
  const bool is_new = std::exchange(one.why, why) != why;
  one.wait_ms = std::min(kMostWaitMs, std::max(kFirstWaitMs, one.wait_ms * 2));
  one.again_ns = now_ns() + one.wait_ms * kNsPerMs;
  lock.unlock();
  if (is_new) log::write(log::Level::kError, name, "the worker does not start, and is tried again: " + why);
}

std::vector<ChainWorkers::Standing> ChainWorkers::all() const {
  std::lock_guard lock(mutex_);
  std::vector<Standing> all;
  for (const auto& [name, one] : workers_) all.push_back({.name = name, .worker = one.worker, .why = one.worker ? "" : one.why});
  return all;
}

Result<void> ChainWorkers::ready() const {
  for (const Standing& one : all())
    if (!one.worker) return Error("starting", "worker \"" + one.name + "\" does not work: " + one.why, ErrorClass::kRetryable);
  return {};
}

}  // namespace heddle
