#include "pipeline/activation.h"

#include "pipeline/kept_state.h"
#include "plugin/start_call.h"

namespace heddle {
namespace {

std::string quoted(const std::string& s) { return "\"" + s + "\""; }

}  // namespace

Result<std::shared_ptr<NodeHandle>> Activation::create(uint32_t index) {
  const PipelineNode& node = pipeline_.nodes[index];
  if (!node.params) return node.params.error();
  const auto lane = lanes_.find(node.lane);
  NodeAccess access = access_;
  access.peers.idempotent = access.sidecars.repeatable = node.settings.idempotent.value_or(false);
  access.peers.idempotency_key = access.chains.idempotency_key = node.settings.idempotency_key;
  access.sidecars.priority = lanes_.priority(lane.value_or(0));
  access.sidecars.preemptible = lanes_.is_preemptible(lane.value_or(0));
  auto made = NodeHandle::create(node.entry, node.settings.id, *node.params, &lanes_, lane.value_or(0), std::move(access));
  if (!made) return std::move(made).error();
  return std::shared_ptr<NodeHandle>(std::move(*made));
}

Result<void> Activation::create_all() {
  handles_.resize(pipeline_.nodes.size());
  for (const uint32_t index : pipeline_.order) {
    auto made = create(index);
    if (!made) {
      refused_node_ = &pipeline_.nodes[index];
      handles_.clear();
      return std::move(made).error();
    }
    handles_[index] = *std::move(made);
  }
  return {};
}

std::vector<std::shared_ptr<const WorkerGroup>> Activation::worker_groups() const {
  std::vector<std::shared_ptr<const WorkerGroup>> all;
  for (const auto& handle : handles_) {
    if (!handle) continue;
    for (auto& group : handle->worker_groups()) all.push_back(std::move(group));
  }
  return all;
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

void Activation::post_activate(uint32_t index, const std::shared_ptr<NodeHandle>& handle, std::function<void(Result<void>)> done) {
  const PipelineNode& node = pipeline_.nodes[index];
  post(lanes_, {.name = "activate", .limit_ms = limit_ms_, .call = [handle](StartCall::Done answer) { handle->activate(std::move(answer)); },
                .give_up = [handle] { handle->abandon(); },
                .done = [&node, done = std::move(done)](Result<void> outcome) {
                  if (outcome) return done({});
                  done(Error("activate-failed", "node " + quoted(node.settings.id) + " (" + node.entry.type->type + ") cannot start", ErrorClass::kConfig)
                           .because(std::move(outcome).error()));
                }});
}

void Activation::open(Opened opened) {
  if (auto created = create_all(); !created) return opened(std::move(created));
  waits_for_.resize(pipeline_.nodes.size());
  followers_.resize(pipeline_.nodes.size());
  for (const PipelineEdge& edge : pipeline_.edges) {
    if (edge.from == PipelineEdge::kRunInput) continue;
    followers_[edge.from].push_back(edge.to);
    ++waits_for_[edge.to];
  }
  std::vector<uint32_t> ready;
  for (const uint32_t index : pipeline_.order) {
    if (waits_for_[index] == 0) ready.push_back(index);
  }
  opened_ = std::move(opened);
  under_way_ = 1;
  begin(std::move(ready));
  end_one();
}

// Those before these nodes are active. Whoever calls it is under way.
void Activation::begin(std::vector<uint32_t> ready) {
  for (size_t i = 0; i < ready.size(); ++i) {
    const uint32_t index = ready[i];
    {
      std::lock_guard lock(mutex_);
      if (!failed_) return;
      ++under_way_;
    }
    if (auto restored = restore(index); !restored) {
      note_failure(std::move(restored).error());
    } else if (handles_[index]->has_activate()) {
      post_activate(index, handles_[index], [this, index](Result<void> outcome) {
        std::vector<uint32_t> next;
        if (outcome) add_active(index, next);
        else note_failure(std::move(outcome).error());
        begin(std::move(next));
        end_one();
      });
      continue;
    } else {
      add_active(index, ready);
    }
    end_one();  // never the last one: the caller is there
  }
}

void Activation::add_active(uint32_t index, std::vector<uint32_t>& ready) {
  std::lock_guard lock(mutex_);
  active_.push_back(index);
  for (const uint32_t follower : followers_[index]) {
    if (--waits_for_[follower] == 0) ready.push_back(follower);
  }
}

void Activation::note_failure(Error why) {
  std::lock_guard lock(mutex_);
  if (failed_) failed_ = std::move(why);
}

// The last one tells.
void Activation::end_one() {
  Opened opened;
  {
    std::lock_guard lock(mutex_);
    if (--under_way_ > 0) return;
    opened.swap(opened_);
  }
  if (failed_) return opened({});
  close(false, [opened, failed = failed_](const std::vector<std::string>&) { opened(failed); });
}

void Activation::save_states() {
  for (const uint32_t index : active_) {
    const PipelineNode& node = pipeline_.nodes[index];
    if (!node.settings.keep_state || state_dir_.empty()) continue;
    const Value state = handles_[index]->save();
    if (!state) continue;
    auto saved = save_kept_state(kept_state_path(state_dir_, pipeline_.name, node.settings.id), state);
    if (!saved) warnings_.push_back("the state of node " + quoted(node.settings.id) + " is not kept: " + saved.error().text());
  }
}

void Activation::close(bool save, Closed closed) {
  closed_ = std::move(closed);
  if (save) save_states();
  deactivate_next();
}

void Activation::deactivate_next() {
  while (!active_.empty()) {
    const uint32_t index = active_.back();
    active_.pop_back();
    const auto& handle = handles_[index];
    if (!handle->has_deactivate() || handle->is_abandoned()) continue;
    return post(lanes_, {.name = "deactivate", .limit_ms = limit_ms_, .call = [handle](StartCall::Done answer) { handle->deactivate(std::move(answer)); },
                         .give_up = [handle] { handle->abandon(); },
                         .done = [this, index](Result<void> outcome) {
                           if (!outcome) warnings_.push_back("node " + quoted(pipeline_.nodes[index].settings.id) + " did not stop cleanly: " + outcome.error().text());
                           deactivate_next();
                         }});
  }
  for (auto at = pipeline_.order.rbegin(); at != pipeline_.order.rend(); ++at) handles_[*at].reset();
  const Closed closed = std::exchange(closed_, nullptr);
  closed(std::move(warnings_));
}

void Activation::remake(uint32_t index, Remade remade) {
  auto made = create(index);
  if (!made || !(*made)->has_activate()) {
    if (made) handles_[index] = *made;
    return remade(std::move(made));
  }
  post_activate(index, *made, [this, index, handle = *made, remade = std::move(remade)](Result<void> outcome) {
    if (!outcome) return remade(std::move(outcome).error());
    handles_[index] = handle;
    remade(handle);
  });
}

}  // namespace heddle
