#include "pipeline/run.h"

#include <algorithm>
#include <condition_variable>
#include <future>

#include "clock.h"
#include "lanes/held_wakes.h"
#include "log.h"
#include "pipeline/activation.h"
#include "pipeline/chain_stage.h"
#include "pipeline/feeder.h"
#include "pipeline/run_core.h"
#include "pipeline/solo_stage.h"
#include "plugin/plugin_text.h"

namespace heddle {
namespace {

// After stop(true), threads inside nodes get this long to come back.
constexpr uint64_t kGraceMs = 300;

NodeAccess access_of(const RunOptions& options, const RunTrace& trace) {
  NodeAccess access;
  if (!options.outside) return access;
  PeerAccess& peers = access.peers;
  peers.peers = &options.outside->peers;
  if (!options.chain.empty()) peers.metadata = {{"chain", options.chain}};
  peers.trace_state = trace.context().state;
  peers.tracer = trace.recorder();
  access.sidecars.sidecars = &options.outside->sidecars;
  access.sidecars.may_start = options.may_start_processes;
  access.sidecars.origin = options.activity;
  access.chains.chains = &options.outside->chains;
  access.chains.may_open = options.may_start_processes;
  return access;
}

}  // namespace

struct Run::State {
  State(const Pipeline& p, const RunOptions& o) : options(o), core(p, options), activation(p, *o.lanes, access_of(o, core.trace), o.state_dir, o.start_ms) {
    overdue.state = this;
    overdue.run = [](Job* job) noexcept { static_cast<StateJob*>(job)->state->on_overdue(); };
    at_end.state = this;
    at_end.run = [](Job* job) noexcept {
      State& state = *static_cast<StateJob*>(job)->state;
      state.core.wait(0);
      state.finish();
    };
  }

  const RunOptions options;
  RunCore core;
  std::vector<std::unique_ptr<EdgeQueue>> queues;  // by edge; null for inline ones
  std::vector<std::unique_ptr<Stage>> stages;
  std::unique_ptr<Feeder> feeder;
  Activation activation;  // after the stages, so that it goes before them: no thread of a plugin reaches them then
  RunReport report;
  std::vector<uint64_t> inside;    // by edge: items that never came out
  std::function<void()> ended;     // of on_end
  const uint64_t started_ns = now_ns();
  struct StateJob : Job { State* state; } overdue, at_end;

  std::mutex mutex;
  // Guarded by mutex:
  bool finished = false;      // the end has come, and what comes after it is under way
  bool over = false;          // and that is done: the report is there
  std::condition_variable over_changed;
  bool gave_up_inside = false;  // the threads that did not come back after that
  bool giving_up = false;     // stop(true) was called: the next alarm ends the run by force
  TimerId alarm = 0;          // set while a stop waits for its end
  std::atomic<bool> left_behind{false};  // a thread hangs in a node: nothing may be destroyed
  std::atomic<bool> ringing{false};      // the alarm is set or runs

  void make_queues();
  void make_stages();
  std::unique_ptr<Stage> make_stage(const PipelineStage& plan, std::vector<RunNode> nodes, std::vector<EdgeQueue*> inputs);
  void preload();
  void set_alarm(uint64_t after_ms);
  void on_overdue() noexcept;
  void go();
  void finish();
  void conclude();
  std::string hanging() const;
};

void Run::State::make_queues() {
  for (size_t e = 0; e < core.pipeline.edges.size(); ++e) {
    const PipelineEdge& edge = core.pipeline.edges[e];
    queues.push_back(edge.queued ? std::make_unique<EdgeQueue>(edge, core.edges[e]) : nullptr);
  }
}

void Run::State::make_stages() {
  const Pipeline& pipeline = core.pipeline;
  std::vector<uint32_t> position(pipeline.nodes.size(), 0);
  std::vector<RunNode> nodes(pipeline.nodes.size());
  for (const PipelineStage& plan : pipeline.stages) {
    for (uint32_t i = 0; i < plan.nodes.size(); ++i) {
      RunNode& node = nodes[plan.nodes[i]];
      position[plan.nodes[i]] = i;
      node.index = plan.nodes[i];
      node.node = &pipeline.nodes[node.index];
      node.handle = activation.handle(node.index);
      node.routes.resize(node.node->outputs.size());
      node.exits.resize(node.node->outputs.size());
    }
  }
  for (uint32_t x = 0; x < pipeline.exits.size(); ++x) {
    const PipelineExit& exit = pipeline.exits[x];
    auto& exits = nodes[exit.node].exits;
    for (uint32_t port = 0; port < exits.size(); ++port) {
      if (exit.port == PipelineExit::kToOutput || exit.port == port) exits[port] = x;
    }
  }
  std::vector<EdgeQueue*> entries;
  std::vector<std::vector<EdgeQueue*>> inputs(pipeline.nodes.size());
  for (uint32_t e = 0; e < pipeline.edges.size(); ++e) {
    const PipelineEdge& edge = pipeline.edges[e];
    nodes[edge.to].in_edges.push_back(e);
    if (edge.queued) inputs[edge.to].push_back(queues[e].get());
    if (edge.from == PipelineEdge::kRunInput) {
      entries.push_back(queues[e].get());
      continue;
    }
    RunNode& from = nodes[edge.from];
    auto& routes = edge.from_port == PipelineEdge::kErrorPort ? from.error_routes : from.routes[edge.from_port];
    routes.push_back({.edge = e, .to_port = edge.to_port, .gives_original = edge.gives_original, .target = position[edge.to], .queue = queues[e].get()});
  }
  for (const PipelineStage& plan : pipeline.stages) {
    std::vector<RunNode> mine;
    for (const uint32_t index : plan.nodes) mine.push_back(std::move(nodes[index]));
    stages.push_back(make_stage(plan, std::move(mine), std::move(inputs[plan.nodes[0]])));
    core.everyone.push_back(stages.back().get());
  }
  feeder = std::make_unique<Feeder>(core, std::move(entries));
  core.everyone.push_back(feeder.get());
}

std::unique_ptr<Stage> Run::State::make_stage(const PipelineStage& plan, std::vector<RunNode> nodes, std::vector<EdgeQueue*> inputs) {
  const bool chain = !plan.asynchronous && !plan.watched && plan.parallel == 1 && plan.order != OrderMode::kByKey;
  if (chain) return std::make_unique<ChainStage>(core, plan, std::move(nodes), std::move(inputs));
  const uint32_t index = nodes[0].index;
  return std::make_unique<SoloStage>(core, plan, std::move(nodes[0]), std::move(inputs),
                                     [this, index](SoloStage::Remade remade) { activation.remake(index, std::move(remade)); });
}

// The items that go straight into a node.
void Run::State::preload() {
  uint64_t sequence = 0;
  for (const auto& [id, values] : options.node_input) {
    const PipelineNode* node = core.pipeline.find(id);
    if (!node || node->stage == PipelineNode::kNoStage) continue;
    const auto& order = core.pipeline.stages[node->stage].nodes;
    const auto index = static_cast<uint32_t>(node - core.pipeline.nodes.data());
    const auto position = static_cast<uint32_t>(std::find(order.begin(), order.end(), index) - order.begin());
    for (const Value& value : values) {
      ++sequence;
      stages[node->stage]->preload(position, {.value = Value(value).release(), .id = sequence, .sequence = sequence, .edge = InputMerge::kNoEdge});
    }
  }
}

std::string Run::State::hanging() const {
  std::string out;
  for (const auto& stage : stages) {
    if (const std::string id = stage->inside(); !id.empty()) out += (out.empty() ? "\"" : ", \"") + id + "\"";
  }
  return out;
}

// [mutex held] When it goes off, a stop has taken too long.
void Run::State::set_alarm(uint64_t after_ms) {
  if (ringing && !core.lanes.cancel(alarm)) return;  // it goes off right now
  ringing = true;
  alarm = core.lanes.alarm(now_ns() + after_ms * kNsPerMs, &overdue);
}

void Run::State::on_overdue() noexcept {
  {
    std::lock_guard lock(mutex);
    if (!finished && !giving_up) {
      core.warn("the run did not drain within " + std::to_string(core.pipeline.run.drain_ms) + " ms: what is inside is dropped");
      giving_up = true;
      core.stop(true);
      alarm = core.lanes.alarm(now_ns() + kGraceMs * kNsPerMs, &overdue);
      return;
    }
    if (!finished && !core.wait(0) && !gave_up_inside) {
      gave_up_inside = true;
      for (const auto& stage : stages) stage->give_up_inside();
      alarm = core.lanes.alarm(now_ns() + kGraceMs * kNsPerMs, &overdue);
      return;
    }
    if (!finished && !core.wait(0)) {
      left_behind = true;
      core.fail(Error("hung", "node " + hanging() + " does not come back from a call"));
      core.end_by_force();
    }
    ringing = false;
  }
  ringing.notify_all();
}

// After the end: saves, deactivates, destroys, and writes the report. Done with conclude().
void Run::State::finish() {
  std::unique_lock lock(mutex);
  if (finished) return;
  finished = true;
  const bool silent = !ringing || core.lanes.cancel(alarm);
  lock.unlock();
  if (!silent) ringing.wait(true);

  Result<void> closed;
  if (options.output) closed = options.output->close();
  core.write(report);
  if (!closed && report.ok) {
    report.ok = false;
    report.error = std::move(closed).error();
  }
  inside.resize(report.edges.size());
  if (left_behind) return conclude();
  for (const auto& stage : stages) {
    stage->count_inside(inside);
    stage->drop_objects();
  }
  activation.close(report.ok, [this](std::vector<std::string> warnings) {
    for (std::string& warning : warnings) {
      log::write(log::Level::kWarn, {}, warning);
      report.warnings.push_back(std::move(warning));
    }
    conclude();
  });
}

// The last thing: whoever waits may destroy this.
void Run::State::conclude() {
  report.balanced = true;
  for (size_t e = 0; e < inside.size(); ++e) {
    // Nobody can look into a stage whose thread hangs: what went in and did not come out is in there.
    if (left_behind) inside[e] = report.edges[e].unaccounted();
    report.edges[e].in_flight = inside[e];
    report.balanced = report.balanced && report.edges[e].balanced();
  }
  for (const EdgeCounts& exit : report.exits) report.balanced = report.balanced && exit.balanced();
  report.duration_ns = now_ns() - started_ns;
  core.trace.end(report);
  const std::function<void()> tell = std::move(ended);
  {
    std::lock_guard lock(mutex);
    over = true;
    over_changed.notify_all();
  }
  if (tell) tell();
}

// Everything is there, and active.
void Run::State::go() {
  make_queues();
  make_stages();
  preload();
  if (options.output) options.output->on_room([this] { core.on_room(); });
  held_wakes::begin();
  core.begin();
  feeder->wake();  // first: who comes after it finds something to do
  for (const auto& stage : stages) stage->wake();
  core.done();
}

std::string NodeProgress::text() const {
  const Value percent = said.find("percent"), message = said.find("message");
  std::string out;
  if (percent && percent.as_float()) out = std::to_string(static_cast<int>(*percent.as_float())) + " %";
  if (message && message.kind() == HEDDLE_STRING) out += (out.empty() ? "" : ": ") + plugin_text(*message.as_text());
  return out;
}

Run::Run() = default;

void Run::begin(const Pipeline& pipeline, const RunOptions& options, Begun begun, const PipelineNode** culprit) {
  for (const LaneConfig& lane : pipeline.lanes) {
    if (auto added = options.lanes->add(lane); !added) return begun(std::move(added).error());
  }
  auto* const made = new Run;  // a std::function wants to be copied: it cannot own it
  made->state_ = std::make_unique<State>(pipeline, options);
  made->state_->activation.open([made, begun = std::move(begun), culprit](Result<void> opened) {
    std::unique_ptr<Run> run(made);
    State& state = *run->state_;
    if (opened) {
      state.go();
      return begun(std::move(run));
    }
    state.over = true;
    if (culprit) *culprit = state.activation.refused_node();
    begun(std::move(opened).error());
  });
}

Result<std::unique_ptr<Run>> Run::start(const Pipeline& pipeline, const RunOptions& options, const PipelineNode** culprit) {
  auto promise = std::make_shared<std::promise<Result<std::unique_ptr<Run>>>>();
  auto begun = promise->get_future();
  begin(pipeline, options, [promise](Result<std::unique_ptr<Run>> run) { promise->set_value(std::move(run)); }, culprit);
  return begun.get();
}

Run::~Run() {
  if (!state_) return;
  if (!state_->over) {
    stop(true);
    while (!wait(1'000)) {
    }
  }
  // A thread may still be inside a node and come back to what it knew: that stays.
  if (leaves_threads()) static_cast<void>(state_.release());
}

void Run::stop(bool now) {
  State& state = *state_;
  std::lock_guard lock(state.mutex);
  if (state.finished) return;
  state.giving_up = state.giving_up || now;
  state.core.stop(now);
  state.set_alarm(now ? kGraceMs : state.core.pipeline.run.drain_ms);
}

bool Run::wait(uint64_t timeout_ms) {
  if (!state_->core.wait(timeout_ms)) return false;
  state_->finish();
  std::unique_lock lock(state_->mutex);
  state_->over_changed.wait(lock, [this] { return state_->over; });
  return true;
}

void Run::on_end(std::function<void()> ended) {
  state_->ended = std::move(ended);
  state_->core.post_at_end(&state_->at_end);
}

int Run::end_fd() const { return state_->core.end_fd(); }

RunProgress Run::progress() const {
  const RunCore& core = state_->core;
  return {core.input_items.load(std::memory_order_relaxed) + core.source_items(),
          core.output_items.load(std::memory_order_relaxed) + core.sink_items(),
          core.input_errors.load(std::memory_order_relaxed) + core.dead_letters.load(std::memory_order_relaxed)};
}

bool Run::leaves_threads() const { return state_->left_behind || state_->core.is_awaited(); }

std::vector<std::shared_ptr<const WorkerGroup>> Run::worker_groups() const { return state_->activation.worker_groups(); }

const RunReport& Run::report() const { return state_->report; }

}  // namespace heddle
