#include "check/started_node.h"

#include <algorithm>
#include <chrono>
#include <set>

#include "clock.h"

namespace heddle {
namespace {

constexpr uint64_t kSourceValues = 1'000;
constexpr uint64_t kNever = UINT64_MAX;

// The texts that a JSON Pointer with "-" for every element leads to.
void collect_texts(const Value& value, std::string_view pointer, std::set<std::string>& texts) {
  if (pointer.empty()) {
    if (value.as_text()) texts.emplace(*value.as_text());
    return;
  }
  const size_t end = std::min(pointer.find('/', 1), pointer.size());
  const std::string_view token = pointer.substr(1, end - 1);
  if (token == "-") {
    for (size_t i = 0; i < value.size(); ++i) collect_texts(value.at(i), pointer.substr(end), texts);
  } else if (const Value member = value.find(token)) {
    collect_texts(member, pointer.substr(end), texts);
  }
}

uint32_t output_count(const TypeDescriptor& type, const Value& params) {
  std::set<std::string> more;
  for (const std::string& pointer : type.output_ports_from) collect_texts(params, pointer, more);
  for (const PortDescriptor& port : type.outputs) more.erase(port.name);
  return static_cast<uint32_t>(type.outputs.size() + more.size());
}

}  // namespace

Result<void> start_of(NodeHandle& node, void (NodeHandle::*start)(NodeHandle::Done)) {
  struct Answer {
    std::mutex mutex;
    std::condition_variable told;
    std::optional<Result<void>> outcome;  // guarded by mutex
  };
  const auto answer = std::make_shared<Answer>();
  (node.*start)([answer](Result<void> outcome) {
    std::lock_guard lock(answer->mutex);
    answer->outcome = std::move(outcome);
    answer->told.notify_all();
  });
  std::unique_lock lock(answer->mutex);
  answer->told.wait(lock, [&] { return answer->outcome.has_value(); });
  return *answer->outcome;
}

void CallsOutcome::add(const CallsOutcome& other) {
  calls += other.calls;
  failed += other.failed;
  emitted += other.emitted;
  missing += other.missing;
  again += other.again;
  if (first_failure.empty()) first_failure = other.first_failure;
}

NodeCalls::NodeCalls(NodeHandle& node, const TypeDescriptor& type, uint32_t outputs) : node_(node), type_(type) {
  batch_ = std::make_unique<CallBatch>(std::max(1u, type.timeout_ms ? 1 : type.max_batch), outputs, *this);
  if (!node.has_resume()) batch_->set_endless_credit();
}

void NodeCalls::wake(CallBatch&) noexcept {
  std::lock_guard lock(mutex_);
  woken_ = true;
  told_.notify_all();
}

void NodeCalls::fault(std::string_view rule) noexcept {
  std::lock_guard lock(mutex_);
  if (faults_.size() < 100) faults_.emplace_back(rule);
}

std::vector<std::string> NodeCalls::faults() const {
  std::lock_guard lock(mutex_);
  return faults_;
}

// False: nothing came.
bool NodeCalls::wait(uint64_t until_ns) {
  std::unique_lock lock(mutex_);
  const auto is_woken = [&] { return woken_; };
  if (until_ns == kNever) {
    told_.wait(lock, is_woken);
  } else {
    const uint64_t now = now_ns();
    told_.wait_for(lock, std::chrono::nanoseconds(until_ns > now ? until_ns - now : 0), is_woken);
  }
  return std::exchange(woken_, false);
}

void NodeCalls::take_outputs(CallsOutcome& outcome) {
  if (style_.is_full && !batch_->has_awaiting()) return;
  for (uint32_t port = 0; port < batch_->outlets(); ++port) {
    ItemList& outlet = batch_->outlet(port);
    outcome.emitted += outlet.size();
    for (RawItem& item : outlet) item.drop();
    outlet.clear();
  }
  batch_->drained();
}

void NodeCalls::resume_awaiting(CallsOutcome& outcome) {
  if (!batch_->has_awaiting()) return;
  for (uint32_t i = 0; i < batch_->count(); ++i) {
    const int32_t port = batch_->take_awaiting(i);
    if (port < 0) continue;
    ++outcome.again;
    batch_->enter();
    node_.resume(*batch_, i, static_cast<uint32_t>(port));
    batch_->leave();
  }
}

void NodeCalls::await(uint64_t until_ns, CallsOutcome& outcome) {
  uint64_t seen = 0;
  while (true) {
    take_outputs(outcome);
    const bool awaits = batch_->has_awaiting();
    resume_awaiting(outcome);
    if (batch_->open_calls() == 0) break;
    if (awaits) continue;
    seen = outcome.emitted;
    if ((style_.is_cancelled || (source_limit_ && seen >= source_limit_)) && !std::exchange(was_cancelled_, true)) node_.cancel(*batch_);
    if (type_.max_in_flight == 0 && !batch_->settle()) return;  // it is synchronous
    if (type_.max_in_flight > 0 && !wait(until_ns)) return;
    batch_->settle();
  }
  take_outputs(outcome);
}

// After process or finish.
CallsOutcome NodeCalls::settle(uint64_t until_ns) {
  CallsOutcome outcome;
  outcome.calls = batch_->count();
  await(until_ns, outcome);
  outcome.missing = batch_->open_calls();
  if (outcome.missing) batch_->give_up();
  outcome.failed = batch_->failures().size();
  if (outcome.failed) outcome.first_failure = batch_->failures().front().error.text();
  if (!outcome.missing) batch_->close_inputs();
  return outcome;
}

CallsOutcome NodeCalls::call(const std::vector<Value>& inputs, Style style) {
  style_ = style;
  CallsOutcome all;
  const uint32_t batch = style.batch ? std::min(style.batch, batch_->capacity()) : batch_->capacity();
  for (size_t at = 0; at < inputs.size() && !all.missing; at += batch) {
    const uint64_t until = style.is_timed && type_.timeout_ms ? now_ns() + type_.timeout_ms * kNsPerMs : kNever;
    ItemList items;
    for (size_t i = at; i < inputs.size() && i < at + batch; ++i) {
      RawItem item;
      item.value = Value(inputs[i]).release();
      item.id = item.sequence = i + 1;
      item.deadline_ns = until == kNever ? 0 : until;
      items.push_back(item);
    }
    was_cancelled_ = false;
    batch_->open_own(items, {});
    batch_->enter();
    node_.process(*batch_);
    batch_->leave();
    all.add(settle(until));
  }
  return all;
}

CallsOutcome NodeCalls::call_source() {
  style_ = {};
  was_cancelled_ = false;
  source_limit_ = kSourceValues;
  batch_->open_own({RawItem{}}, {});
  batch_->enter();
  node_.process(*batch_);
  batch_->leave();
  return settle(kNever);
}

CallsOutcome NodeCalls::finish() {
  if (!node_.has_finish()) return {};
  style_ = {};
  batch_->open_own({RawItem{}}, {});
  batch_->enter();
  node_.finish(*batch_);
  batch_->leave();
  return settle(kNever);
}

StartedNode::~StartedNode() {
  if (!node_) return;
  if (is_active_) static_cast<void>(deactivate());
  destroy();
}

Result<void> StartedNode::create(const std::string& id, const Value& params) {
  outputs_ = output_count(*subject_.type, params);
  auto made = create_object(subject_, id, params, lanes_);
  if (!made) return std::move(made).error();
  node_ = std::move(std::get<std::unique_ptr<NodeHandle>>(*made));
  return {};
}

Result<void> StartedNode::activate() {
  auto started = start_of(*node_, &NodeHandle::activate);
  is_active_ = started.has_value();
  return started;
}

Result<void> StartedNode::deactivate() {
  is_active_ = false;
  return start_of(*node_, &NodeHandle::deactivate);
}

void StartedNode::destroy() { node_.reset(); }

NodeCalls& StartedNode::calls() { return calls_->emplace_back(*node_, *subject_.type, outputs_); }

void StartedNode::leave_behind() {
  node_->abandon();
  static_cast<void>(node_.release());
  static_cast<void>(calls_.release());
}

std::string StartedNode::fault_about(std::string_view word) const {
  for (const NodeCalls& calls : *calls_)
    for (const std::string& rule : calls.faults())
      if (rule.find(word) != std::string::npos) return rule;
  return {};
}

}  // namespace heddle
