#include "pipeline/activation.h"

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "pipeline/kept_state.h"

namespace heddle {
namespace {

// The outcomes of several start ops. Kept alive by those that are still to come.
struct Outcomes {
  std::mutex mutex;
  std::condition_variable changed;
  // Guarded by mutex:
  size_t missing = 0;
  std::vector<std::pair<uint32_t, Result<void>>> come;

  void add(uint32_t node, Result<void> outcome) {
    std::lock_guard lock(mutex);
    come.emplace_back(node, std::move(outcome));
    --missing;
    changed.notify_all();
  }
  bool wait(uint64_t timeout_ms) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::milliseconds(timeout_ms), [&] { return missing == 0; });
  }
};

struct StartJob : Job {
  std::shared_ptr<NodeHandle> handle;
  std::shared_ptr<Outcomes> outcomes;
  uint32_t node = 0;
  bool activate = true;
};

// Calls activate (or deactivate) of the nodes, at once where there are several.
std::shared_ptr<Outcomes> start_all(Lanes& lanes, const std::vector<std::pair<uint32_t, std::shared_ptr<NodeHandle>>>& nodes, bool activate) {
  auto outcomes = std::make_shared<Outcomes>();
  outcomes->missing = nodes.size();
  const auto call = [activate](NodeHandle& handle, uint32_t node, const std::shared_ptr<Outcomes>& to) {
    auto done = [to, node](Result<void> outcome) { to->add(node, std::move(outcome)); };
    if (activate) handle.activate(std::move(done));
    else handle.deactivate(std::move(done));
  };
  if (nodes.size() == 1) {
    call(*nodes[0].second, nodes[0].first, outcomes);
    return outcomes;
  }
  const LaneId lane = *lanes.find("default");
  for (const auto& [node, handle] : nodes) {
    auto* job = new StartJob;
    job->handle = handle;
    job->outcomes = outcomes;
    job->node = node;
    job->activate = activate;
    job->run = [](Job* j) noexcept {
      std::unique_ptr<StartJob> mine(static_cast<StartJob*>(j));
      auto done = [to = mine->outcomes, n = mine->node](Result<void> outcome) { to->add(n, std::move(outcome)); };
      if (mine->activate) mine->handle->activate(std::move(done));
      else mine->handle->deactivate(std::move(done));
    };
    lanes.post(lane, job);
  }
  return outcomes;
}

std::string quoted(const std::string& s) { return "\"" + s + "\""; }

}  // namespace

Activation::~Activation() {
  std::vector<std::string> unheard;
  close(false, unheard);
}

Result<std::shared_ptr<NodeHandle>> Activation::create(uint32_t index) {
  const PipelineNode& node = pipeline_.nodes[index];
  auto params = Value::parse(node.settings.params.json());
  if (!params) return std::move(params).error();
  const auto lane = lanes_.find(node.lane);
  auto made = NodeHandle::create(node.entry, node.settings.id, *params, &lanes_, lane.value_or(0));
  if (!made) return std::move(made).error();
  return std::shared_ptr<NodeHandle>(std::move(*made));
}

Result<void> Activation::restore(uint32_t index) {
  const PipelineNode& node = pipeline_.nodes[index];
  if (!node.settings.keep_state || state_dir_.empty()) return {};
  if (!handles_[index]->keeps_state()) {
    return Error("no-state", "node " + quoted(node.settings.id) + " says \"state\": \"keep\", but the type " + node.entry.type->type + " keeps no state",
                 ErrorClass::kConfig);
  }
  auto saved = load_kept_state(kept_state_path(state_dir_, pipeline_.name, node.settings.id));
  if (!saved) return std::move(saved).error();
  if (!*saved) return {};
  if (auto restored = handles_[index]->restore(*saved); !restored) {
    return Error("restore-failed", "node " + quoted(node.settings.id) + " does not accept its kept state", ErrorClass::kConfig)
        .because(std::move(restored).error());
  }
  return {};
}

// Nodes by their distance from the start of the DAG: those of one level do not depend on each other.
std::vector<std::vector<uint32_t>> Activation::levels() const {
  std::vector<uint32_t> level(pipeline_.nodes.size(), 0);
  std::vector<std::vector<uint32_t>> next(pipeline_.nodes.size());
  for (const PipelineEdge& edge : pipeline_.edges) {
    if (edge.from != PipelineEdge::kRunInput) next[edge.from].push_back(edge.to);
  }
  std::vector<std::vector<uint32_t>> out;
  for (const uint32_t index : pipeline_.order) {
    if (out.size() <= level[index]) out.resize(level[index] + 1);
    out[level[index]].push_back(index);
    for (const uint32_t to : next[index]) level[to] = std::max(level[to], level[index] + 1);
  }
  return out;
}

Result<void> Activation::activate_level(const std::vector<uint32_t>& level) {
  std::vector<std::pair<uint32_t, std::shared_ptr<NodeHandle>>> nodes;
  for (const uint32_t index : level) {
    if (auto restored = restore(index); !restored) return restored;
    if (handles_[index]->has_activate()) nodes.emplace_back(index, handles_[index]);
    else active_.push_back(index);
  }
  if (nodes.empty()) return {};
  const auto outcomes = start_all(lanes_, nodes, true);
  const bool all = outcomes->wait(kActivateTimeoutMs);
  std::lock_guard lock(outcomes->mutex);
  Result<void> failed;
  const auto fail = [&](uint32_t index, Error why) {
    const PipelineNode& node = pipeline_.nodes[index];
    if (!failed) return;
    failed = Error("activate-failed", "node " + quoted(node.settings.id) + " (" + node.entry.type->type + ") cannot start", ErrorClass::kConfig)
                 .because(std::move(why));
  };
  std::vector<bool> answered(pipeline_.nodes.size());
  for (auto& [index, outcome] : outcomes->come) {
    answered[index] = true;
    if (outcome) active_.push_back(index);
    else fail(index, std::move(outcome).error());
  }
  if (!all) {
    for (const auto& [index, handle] : nodes) {
      if (answered[index]) continue;
      handle->abandon();
      fail(index, Error("timeout", "its activate gave no answer within " + std::to_string(kActivateTimeoutMs / 1000) + " s"));
    }
  }
  return failed;
}

Result<void> Activation::open() {
  handles_.resize(pipeline_.nodes.size());
  for (const uint32_t index : pipeline_.order) {
    auto made = create(index);
    if (!made) {
      refused_node_ = &pipeline_.nodes[index];
      return std::move(made).error();
    }
    handles_[index] = *std::move(made);
  }
  for (const auto& level : levels()) {
    if (auto activated = activate_level(level); !activated) return activated;
  }
  return {};
}

void Activation::close(bool save, std::vector<std::string>& warnings) {
  for (const uint32_t index : active_) {
    const PipelineNode& node = pipeline_.nodes[index];
    if (!save || !node.settings.keep_state || state_dir_.empty()) continue;
    const Value state = handles_[index]->save();
    if (!state) continue;
    auto saved = save_kept_state(kept_state_path(state_dir_, pipeline_.name, node.settings.id), state);
    if (!saved) warnings.push_back("the state of node " + quoted(node.settings.id) + " is not kept: " + saved.error().text());
  }
  for (; !active_.empty(); active_.pop_back()) {
    const uint32_t index = active_.back();
    const auto& handle = handles_[index];
    const std::string id = quoted(pipeline_.nodes[index].settings.id);
    if (!handle->has_deactivate() || handle->is_abandoned()) continue;
    const auto outcomes = start_all(lanes_, {{index, handle}}, false);
    if (!outcomes->wait(kActivateTimeoutMs)) {
      handle->abandon();
      warnings.push_back("node " + id + " did not stop: its deactivate gave no answer");
      continue;
    }
    std::lock_guard lock(outcomes->mutex);
    if (!outcomes->come[0].second) warnings.push_back("node " + id + " did not stop cleanly: " + outcomes->come[0].second.error().text());
  }
  for (auto at = pipeline_.order.rbegin(); at != pipeline_.order.rend() && !handles_.empty(); ++at) handles_[*at].reset();
  handles_.clear();
}

Result<std::shared_ptr<NodeHandle>> Activation::remake(uint32_t index) {
  auto made = create(index);
  if (!made) return made;
  const auto outcomes = start_all(lanes_, {{index, *made}}, true);
  if (!outcomes->wait(kActivateTimeoutMs)) {
    (*made)->abandon();
    return Error("timeout", "the new object of node " + quoted(pipeline_.nodes[index].settings.id) + " did not start in time");
  }
  std::lock_guard lock(outcomes->mutex);
  if (!outcomes->come[0].second) return outcomes->come[0].second.error();
  handles_[index] = *made;
  return made;
}

}  // namespace heddle
