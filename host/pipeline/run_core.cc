#include "pipeline/run_core.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>

#include "log.h"

namespace heddle {
namespace {
constexpr size_t kMaxFaults = 100;

}  // namespace

RunCore::RunCore(const Pipeline& p, const RunOptions& o)
    : pipeline(p), options(o), lanes(*o.lanes), trace(p, o.trace, o.tracer), edges(p.edges.size()), exits(p.exits.size()), nodes(p.nodes.size()), stages_left_(static_cast<uint32_t>(p.stages.size())) {}

RunCore::~RunCore() {
  if (end_fd_ >= 0) ::close(end_fd_);
}

void RunCore::abandon(WorkerId worker) noexcept {
  gave_up_threads_.store(true, std::memory_order_release);
  lanes.abandon(worker);
}

LaneId RunCore::lane(const std::string& name) const {
  const auto found = lanes.find(name);
  assert(found && "build checks lanes");
  return *found;
}

void RunCore::put_out(uint32_t exit, std::span<RawItem> items) noexcept {
  Result<void> written;
  {
    std::lock_guard lock(output_mutex_);
    output_buffer_.clear();
    for (RawItem& raw : items) {
      output_buffer_.push_back({Value::adopt(raw.value), raw.id, raw.sequence, raw.deadline_ns, raw.attempt});
    }
    EdgeBooks::add(exits[exit].in, items.size());
    if (output_failed_) EdgeBooks::add(exits[exit].dropped, items.size());
    else output_items.fetch_add(items.size(), std::memory_order_relaxed);
    held_wakes::tell();  // a write may take long
    if (options.output && !output_failed_) written = options.output->write(pipeline.nodes[pipeline.exits[exit].node], output_buffer_);
    if (!written) output_failed_ = true;
    output_buffer_.clear();
  }
  if (!written) fail(std::move(written).error());
}

bool RunCore::output_is_full() noexcept {
  if (!options.output || !options.output->is_full()) return false;
  {
    std::lock_guard lock(mutex_);
    if (discarding()) return false;
    if (!std::exchange(waits_for_room_, true)) begin();
  }
  if (options.output->is_full()) return true;  // who makes room from here on sees that somebody waits
  on_room();
  return false;
}

void RunCore::on_room() noexcept {
  {
    std::lock_guard lock(mutex_);
    if (!stop_waiting_for_room_locked()) return;
  }
  wake_all();
}

void RunCore::put_away(DeadLetter letter) noexcept {
  held_wakes::tell();  // to put it away may take long
  dead_letters.fetch_add(1, std::memory_order_relaxed);
  Result<void> kept;
  {
    std::lock_guard lock(letters_mutex_);
    if (options.dead_letters && !letters_failed_) kept = options.dead_letters->add(letter);
    if (!kept) letters_failed_ = true;
  }
  if (!kept) fail(std::move(kept).error());
  if (pipeline.run.on_error == OnError::kFail) {
    const std::string item = letter.sequence ? "item " + std::to_string(letter.sequence) : "an item";
    fail(Error("item-failed", "node \"" + letter.node + "\" failed on " + item + ", and \"on_error\" is \"fail\"",
               letter.error.error_class)
             .because(std::move(letter.error)));
  }
}

void RunCore::tell_progress(uint32_t node, uint64_t sequence, const Value& said) const noexcept {
  if (options.on_progress) options.on_progress({pipeline.nodes[node].settings.id, sequence, said});
}

void RunCore::fault(uint32_t node, std::string_view rule) noexcept {
  nodes[node].faults.fetch_add(1, std::memory_order_relaxed);
  const PipelineNode& n = pipeline.nodes[node];
  std::string text = "plugin " + n.entry.plugin->name + " broke the contract: node \"" + n.settings.id + "\" (" + n.entry.type->type + ") " +
                     std::string(rule);
  {
    std::lock_guard lock(mutex_);
    if (faults_.size() >= kMaxFaults) return;
    faults_.push_back(text);
  }
  log::write(log::Level::kWarn, {}, text);
}

void RunCore::warn(std::string text) noexcept {
  log::write(log::Level::kWarn, {}, text);
  std::lock_guard lock(mutex_);
  warnings_.push_back(std::move(text));
}

void RunCore::fail(Error error) noexcept {
  {
    std::lock_guard lock(mutex_);
    if (failed_ || ended_) return;
    failed_ = true;
    error_ = std::move(error);
    if (!stop_waiting_for_room_locked()) begin();
    stopping_ = true;
    discarding_ = true;
  }
  wake_all();
}

// Ends the activity that its caller began under the lock: so the run, and with it those who are woken, cannot end before the last wake.
void RunCore::wake_all() noexcept {
  for (Wakeable* w : everyone) w->wake();
  done();
}

void RunCore::stop(bool now) noexcept {
  {
    std::lock_guard lock(mutex_);
    if (ended_) return;
    stopped_ = true;
    if (!stop_waiting_for_room_locked()) begin();
    stopping_ = true;
    if (now) discarding_ = true;
  }
  wake_all();
}

void RunCore::stage_ended() noexcept { stages_left_.fetch_sub(1, std::memory_order_acq_rel); }

void RunCore::none_left() noexcept {
  // Only here does a run end: no turn of it is left that could touch what the waiter destroys.
  if (stages_left_.load(std::memory_order_acquire) == 0) return end(false);
  fail(Error("stuck",
             "the pipeline is stuck: every node waits for another one; a merge waits for an input whose source cannot go on because the queue "
             "of another input is full (give that connection a larger \"queue\", or merge by arrival)"));
}

void RunCore::end(bool by_force) noexcept {
  {
    std::lock_guard lock(mutex_);
    if (ended_ || (any() && !by_force)) return;  // who stops the run right now comes here after
    ended_ = true;
    // Under the lock: whoever sees `ended_` may destroy this at once.
    if (end_fd_ >= 0) static_cast<void>(::eventfd_write(end_fd_, 1));
    if (end_job_) lanes.post(lane("default"), end_job_);
    ended_changed_.notify_all();
  }
}

void RunCore::end_by_force() noexcept { end(true); }

bool RunCore::wait(uint64_t timeout_ms) {
  std::unique_lock lock(mutex_);
  return ended_changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [this] { return ended_; });
}

int RunCore::end_fd() {
  std::lock_guard lock(mutex_);
  if (end_fd_ < 0) end_fd_ = ::eventfd(ended_ ? 1 : 0, EFD_CLOEXEC | EFD_NONBLOCK);
  return end_fd_;
}

void RunCore::post_at_end(Job* job) {
  std::lock_guard lock(mutex_);
  end_job_ = job;
  if (ended_) lanes.post(lane("default"), job);
}

uint64_t RunCore::source_items() const {
  uint64_t items = 0;
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (!pipeline.nodes[i].is_source) continue;
    items += nodes[i].emitted.load(std::memory_order_relaxed) + nodes[i].failures.load(std::memory_order_relaxed);
  }
  return items;
}

uint64_t RunCore::sink_items() const {
  uint64_t items = 0;
  for (size_t e = 0; e < edges.size(); ++e) {
    if (pipeline.nodes[pipeline.edges[e].to].outputs.empty()) items += edges[e].out.load(std::memory_order_relaxed);
  }
  return items;
}

void RunCore::write(RunReport& report) const {
  const auto get = [](const std::atomic<uint64_t>& a) { return a.load(std::memory_order_relaxed); };
  report.input_items = get(input_items);
  report.input_errors = get(input_errors);
  report.source_items = source_items();
  report.sink_items = sink_items();
  report.dead_letters = get(dead_letters);
  for (const EdgeBooks& e : edges) report.edges.push_back({get(e.in), get(e.out), get(e.filtered), get(e.dropped), get(e.failed), 0});
  for (size_t x = 0; x < exits.size(); ++x) {
    const bool to_output = pipeline.exits[x].port == PipelineExit::kToOutput;
    const uint64_t in = get(exits[x].in);
    uint64_t dropped = to_output ? get(exits[x].dropped) : in;
    if (to_output && options.output) dropped += options.output->lost(pipeline.nodes[pipeline.exits[x].node]);
    report.exits.push_back({.in = in, .out = in - dropped, .dropped = dropped});
    report.output_items += in - dropped;
  }
  for (const NodeBooks& n : nodes) {
    report.nodes.push_back(
        {get(n.calls), get(n.emitted), get(n.completed), get(n.filtered), get(n.failed), get(n.retried), get(n.timed_out), get(n.faults)});
  }
  std::lock_guard lock(mutex_);
  report.ok = !failed_;
  report.stopped = stopped_;
  report.error = error_;
  report.faults = faults_;
  report.warnings = warnings_;
}

}  // namespace heddle
