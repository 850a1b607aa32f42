#include "pipeline/chain_stage.h"

#include <bit>

#include "clock.h"

namespace heddle {
namespace {

// Batches that one turn runs before others of its lane come to theirs.
constexpr int kBatchesPerTurn = 256;
// Items taken in at once from the only queue: lists are handed over whole. From several queues it is fewer (ChainStage::take_), for the sake of their order.
constexpr size_t kTakeAlone = 1024;

}  // namespace

ChainStage::ChainStage(RunCore& core, const PipelineStage& plan, std::vector<RunNode> nodes, std::vector<EdgeQueue*> inputs)
    : Stage(core, plan, std::move(nodes), std::move(inputs)), links_(nodes_.size()), busy_((nodes_.size() + 63) / 64) {
  for (uint32_t i = 0; i < links_.size(); ++i) {
    Link& link = links_[i];
    link.core = &core_;
    link.node = nodes_[i].index;
    link.batch = std::make_unique<CallBatch>(nodes_[i].node->max_batch, static_cast<uint32_t>(nodes_[i].node->outputs.size()), link);
    if (!nodes_[i].handle->has_resume()) link.batch->set_endless_credit();
    link.mixed = nodes_[i].in_edges.size() != 1 || nodes_[i].node->settings.merge.mode != MergeMode::kArrival;
    link.only_ways.resize(link.batch->outlets());
    for (uint32_t port = 0; port < link.batch->outlets(); ++port) {
      const std::vector<PortRoute>& routes = nodes_[i].routes[port];
      if (routes.size() != 1 || routes[0].queue || nodes_[i].node->settings.is_output_node) continue;
      link.only_ways[port] = &routes[0];
      link.batch->set_way(port, routes[0].edge, routes[0].to_port);
    }
  }
  if (merge_.queues().size() == 1) take_ = kTakeAlone;
  for (EdgeQueue* queue : merge_.queues()) take_ = std::max<size_t>(take_, queue->edge().batch.items);
  turn_.bind(core_.lanes, core_.lane(plan_.lane), core_, &ChainStage::step, this);
  linger_job_.stage = this;
  linger_job_.run = [](Job* job) noexcept {
    ChainStage& stage = *static_cast<Linger*>(job)->stage;
    stage.linger_armed_.store(false, std::memory_order_release);
    stage.turn_.wake();
    stage.core_.done();
  };
}

ChainStage::~ChainStage() {
  for (Link& link : links_) {
    for (size_t i = link.next; i < link.in.size(); ++i) link.in[i].drop();
  }
}

std::string ChainStage::inside() const {
  const int64_t position = inside_.load(std::memory_order_relaxed);
  return position < 0 ? std::string() : nodes_[static_cast<size_t>(position)].node->settings.id;
}

// Its thread is the only one that knows what is between the nodes: the stage does not go on.
void ChainStage::give_up_inside() noexcept {
  if (inside_.load(std::memory_order_relaxed) >= 0) core_.abandon(worker_.load(std::memory_order_relaxed));
}

void ChainStage::count_inside(std::vector<uint64_t>& per_edge) const {
  merge_.count_inside(per_edge);
  for (const Link& link : links_) {
    for (size_t i = link.next; i < link.in.size(); ++i) {
      if (link.in[i].edge != InputMerge::kNoEdge && link.in[i].value) ++per_edge[link.in[i].edge];
    }
    for (uint32_t i = 0; i < link.batch->count(); ++i) {
      if (!link.batch->is_open(i) || !link.batch->has_input()) continue;
      if (const uint32_t edge = link.batch->item(i).edge; edge != InputMerge::kNoEdge) ++per_edge[edge];
    }
  }
}

void ChainStage::preload(uint32_t position, const RawItem& item) {
  links_[position].mixed = true;
  hand_on(position, item);
}

void ChainStage::hand_on(uint32_t position, const RawItem& item) {
  assert(!links_[position].open && "the node furthest down goes first");
  links_[position].in.push_back(item);
  mark(position);
}

int64_t ChainStage::furthest() {
  for (size_t word = busy_.size(); word-- > 0;) {
    if (busy_[word]) return static_cast<int64_t>(word * 64 + 63 - static_cast<size_t>(std::countl_zero(busy_[word])));
  }
  return -1;
}

bool ChainStage::step() {
  worker_.store(Lanes::current_worker(), std::memory_order_relaxed);
  for (int n = 0; n < kBatchesPerTurn; ++n) {
    if (ended_) return true;
    if (core_.discarding()) {
      discard();
      return true;
    }
    if (!flush_much()) return true;  // woken when there is room
    if (const int64_t position = furthest(); position >= 0) {
      run_link(static_cast<uint32_t>(position));
    } else if (!take_in()) {
      if (!flush()) return true;
      if (!input_ended_) return true;  // woken when there are items
      if (!finish_next()) {
        end();
        return true;
      }
    }
  }
  flush();
  turn_.wake();
  return true;
}

// True: there is something to do for the first node.
bool ChainStage::take_in() {
  if (input_ended_) return false;
  advance_outputs(last_sequence_);
  if (nodes_[0].node->is_source) {
    if (source_started_ || core_.stopping()) {
      input_ended_ = true;
      return false;
    }
    source_started_ = true;
    hand_on(0, RawItem{});
    return true;
  }
  Link& first = links_[0];
  uint64_t wake_at = 0;
  const auto state = merge_.pull(take_, first.in, &wake_at);
  for (auto& [item, error] : merge_.take_unmatched()) {
    RawItem envelope = item;
    fail_item(0, envelope, Value::adopt(item.value), std::move(error));
  }
  if (state == InputMerge::State::kEnded) input_ended_ = true;
  if (wake_at != 0 && !linger_armed_.load(std::memory_order_acquire)) {
    linger_armed_.store(true, std::memory_order_relaxed);
    core_.begin();
    linger_ = core_.lanes.at(wake_at, core_.lane(plan_.lane), &linger_job_);
  }
  if (state != InputMerge::State::kItems) return furthest() >= 0;
  last_sequence_ = std::max(last_sequence_, first.in.back().sequence);
  mark(0);
  return true;
}

// Opens the next calls of a link.
void ChainStage::fill(Link& link) {
  const size_t n = std::min<size_t>(link.in.size() - link.next, link.batch->capacity());
  link.batch->open({link.in.data() + link.next, n}, {});
  link.next += n;
}

void ChainStage::run_link(uint32_t position) {
  Link& link = links_[position];
  CallBatch& batch = *link.batch;
  NodeHandle& handle = *nodes_[position].handle;
  const uint64_t from_ns = core_.trace.recorder() ? now_ns() : 0;
  inside_.store(position, std::memory_order_relaxed);
  if (!link.open) {
    fill(link);
    batch.enter();
    handle.process(batch);
    batch.leave();
  } else {
    if (core_.stopping() && nodes_[position].node->is_source) handle.cancel(batch);
    batch.enter();
    for (uint32_t i = 0; i < batch.count(); ++i) {
      const int32_t port = batch.take_awaiting(i);
      if (port >= 0 && handle.has_resume()) handle.resume(batch, i, static_cast<uint32_t>(port));
    }
    batch.leave();
  }
  inside_.store(-1, std::memory_order_relaxed);
  if (from_ns) core_.trace.note_calls(link.node, from_ns, now_ns());
  deliver_outlets(position);
  if (batch.open_calls() == 0 || !batch.has_awaiting() || !handle.has_resume()) close_batch(position);
  else link.open = true;
  if (!link.waiting()) busy_[position / 64] &= ~(uint64_t{1} << (position % 64));
}

void ChainStage::deliver_outlets(uint32_t position) {
  CallBatch& batch = *links_[position].batch;
  for (uint32_t port = 0; port < batch.outlets(); ++port) {
    ItemList& outlet = batch.outlet(port);
    if (outlet.empty()) continue;
    // The common case, one successor with nothing in front of it: the outlet becomes its input as it is.
    if (const PortRoute* way = links_[position].only_ways[port]; way && links_[way->target].in.empty()) {
      EdgeBooks::add(core_.nodes[nodes_[position].index].emitted, outlet.size());
      EdgeBooks::add(core_.edges[way->edge].in, outlet.size());
      links_[way->target].in.swap(outlet);
      mark(way->target);
      continue;
    }
    deliver(position, port, outlet);
  }
  if (batch.open_calls() > 0) batch.drained();
}

void ChainStage::close_batch(uint32_t position) {
  Link& link = links_[position];
  CallBatch& batch = *link.batch;
  link.open = false;
  if (batch.open_calls() > 0) {
    const char* rule = batch.has_awaiting() ? "awaits resume(), which it does not have" : "returned from process() without completing a call";
    for (const uint32_t index : batch.give_up()) {
      core_.fault(link.node, rule);
      batch.failures().push_back({index, Error("no-answer", "the node gave no answer: it " + std::string(rule))});
    }
  }
  batch.fail_breaches();
  if (nodes_[position].node->is_source) forgive_cancelled(batch.failures());
  count(position);
  for (CallFailure& failure : batch.failures()) {
    fail_item(position, batch.item(failure.index), batch.original(failure.index), std::move(failure.error));
  }
  batch.failures().clear();
  batch.close_inputs();
  if (link.next < link.in.size()) return;
  link.in.clear();
  link.next = 0;
}

// Books the fate of a closed batch.
void ChainStage::count(uint32_t position) {
  CallBatch& batch = *links_[position].batch;
  NodeBooks& books = core_.nodes[nodes_[position].index];
  const uint32_t n = batch.count(), failed = static_cast<uint32_t>(batch.failures().size());
  EdgeBooks::add(books.calls, n);
  EdgeBooks::add(books.completed, n - failed);
  const bool sink = nodes_[position].node->outputs.empty();
  if (failed == 0 && !links_[position].mixed && batch.has_input()) [[likely]] {
    EdgeBooks& edge = core_.edges[batch.item(0).edge];
    const uint32_t out = sink ? n : batch.fruitful();
    EdgeBooks::add(edge.out, out);
    EdgeBooks::add(edge.filtered, n - out);
    EdgeBooks::add(books.filtered, n - out);
    return;
  }
  std::vector<bool> has_failed(n);
  for (const CallFailure& failure : batch.failures()) has_failed[failure.index] = true;
  for (uint32_t i = 0; i < n; ++i) {
    const bool out = sink || batch.emitted(i) > 0;
    if (!has_failed[i] && !out) EdgeBooks::add(books.filtered, 1);
    const uint32_t at = batch.item(i).edge;
    if (!batch.has_input() || at == InputMerge::kNoEdge) continue;
    EdgeBooks& edge = core_.edges[at];
    EdgeBooks::add(has_failed[i] ? edge.failed : out ? edge.out : edge.filtered, 1);
  }
}

// Lets the next node that has finish() say its last words. False: all have.
bool ChainStage::finish_next() {
  while (finishing_ < links_.size() && !nodes_[finishing_].handle->has_finish()) ++finishing_;
  if (finishing_ == links_.size()) return false;
  const uint32_t position = finishing_++;
  Link& link = links_[position];
  RawItem last;
  last.sequence = last_sequence_;
  last.edge = InputMerge::kNoEdge;
  link.batch->open_own({last}, {});
  inside_.store(position, std::memory_order_relaxed);
  link.batch->enter();
  nodes_[position].handle->finish(*link.batch);
  link.batch->leave();
  inside_.store(-1, std::memory_order_relaxed);
  deliver_outlets(position);
  if (link.batch->open_calls() == 0 || !link.batch->has_awaiting()) {
    close_batch(position);
  } else {
    link.open = true;
    mark(position);
  }
  return true;
}

void ChainStage::discard() {
  merge_.discard();
  discard_backlog();
  for (uint32_t position = 0; position < links_.size(); ++position) {
    Link& link = links_[position];
    for (size_t i = link.next; i < link.in.size(); ++i) {
      if (link.in[i].value && link.in[i].edge != InputMerge::kNoEdge) EdgeBooks::add_shared(core_.edges[link.in[i].edge].dropped, 1);
      link.in[i].drop();
    }
    link.in.shrink(link.next);
    if (!link.open) continue;
    CallBatch& batch = *link.batch;
    nodes_[position].handle->cancel(batch);
    const std::vector<uint32_t> closed = batch.give_up();
    std::vector<bool> lost(batch.count());
    for (const uint32_t index : closed) lost[index] = true;
    for (uint32_t i = 0; i < batch.count(); ++i) {
      const uint32_t edge = batch.item(i).edge;
      if (!batch.has_input() || edge == InputMerge::kNoEdge) continue;
      if (lost[i]) EdgeBooks::add_shared(core_.edges[edge].dropped, 1);
      else EdgeBooks::add(core_.edges[edge].out, 1);
    }
    batch.close_inputs();
    for (uint32_t port = 0; port < batch.outlets(); ++port) {
      for (RawItem& item : batch.outlet(port)) item.drop();
      batch.outlet(port).clear();
    }
    link.open = false;
  }
  std::fill(busy_.begin(), busy_.end(), 0);
  end();
}

void ChainStage::end() {
  if (ended_) return;
  ended_ = true;
  if (linger_armed_.load(std::memory_order_acquire) && core_.lanes.cancel(linger_)) core_.done();
  end_outputs();
  core_.stage_ended();
}

}  // namespace heddle
