#include "pipeline/solo_stage.h"

#include <algorithm>

#include "clock.h"

namespace heddle {
namespace {

constexpr int kCallsPerTurn = 64;
// Items that wait in front of one key's strand.
constexpr size_t kSharePerStrand = 64;
}  // namespace

SoloStage::SoloStage(RunCore& core, const PipelineStage& plan, RunNode node, std::vector<EdgeQueue*> inputs, Remake remake)
    : Stage(core, plan,
            [&] {
              std::vector<RunNode> one;
              one.push_back(std::move(node));
              return one;
            }(),
            std::move(inputs)),
      node_(*nodes_[0].node), remake_(std::move(remake)), asynchronous_(plan.asynchronous), guarded_(plan.watched || plan.asynchronous),
      object_(nodes_[0].handle) {
  leaving_.outlets.resize(node_.outputs.size());
  const TypeDescriptor& type = *node_.entry.type;
  const size_t threads = plan.parallel;
  size_t wanted_batch = 0;
  for (EdgeQueue* queue : merge_.queues()) wanted_batch = std::max<size_t>(wanted_batch, queue->edge().batch.items);
  if (asynchronous_) {
    const size_t in_flight = threads > 1 ? std::min<size_t>(threads, type.max_in_flight) : type.max_in_flight;
    // Answers come in any order: in strict order each call is delivered by itself.
    batch_size_ = node_.pool || plan.order == OrderMode::kStrict ? 1 : std::clamp<size_t>(in_flight / 8, 1, node_.max_batch);
    window_ = std::max<size_t>(1, in_flight / batch_size_);
    // As much as may wait in front of it: a node that has many items inside does not make a queue of its own of them.
    most_bytes_ = 0;
    for (const EdgeQueue* queue : merge_.queues()) most_bytes_ = std::max(most_bytes_, queue->edge().queue_bytes);
  } else {
    batch_size_ = plan.watched || plan.order == OrderMode::kByKey ? 1 : node_.max_batch;
    // In strict order, results wait for those before them: with room for as many again, no thread idles meanwhile.
    window_ = threads > 1 ? threads * 2 : 1;
  }
  if (wanted_batch > 0 && !node_.pool && plan.order != OrderMode::kByKey) batch_size_ = std::min<size_t>(wanted_batch, node_.max_batch);
  const bool keyed = plan.order == OrderMode::kByKey;
  if (keyed) window_ = threads;
  const size_t strands = asynchronous_ && !keyed ? 1 : threads;
  for (size_t i = 0; i < strands; ++i) {
    strands_.push_back(std::make_unique<Strand>());
    strands_.back()->stage = this;
    strands_.back()->turn.bind(core_.lanes, core_.lane(plan_.lane), core_, &SoloStage::step, strands_.back().get());
  }
  alarm_job_.stage = later_job_.stage = this;
  alarm_job_.run = [](Job* job) noexcept {
    SoloStage& stage = *static_cast<Alarm*>(job)->stage;
    stage.look_for_hung();
    stage.core_.done();
  };
  later_job_.run = [](Job* job) noexcept {
    SoloStage& stage = *static_cast<Alarm*>(job)->stage;
    {
      std::lock_guard lock(stage.mutex_);
      stage.later_armed_ = false;
    }
    stage.wake();
    stage.core_.done();
  };
}

SoloStage::~SoloStage() {
  for (auto& strand : strands_) {
    for (RawItem& item : strand->mine) item.drop();
  }
  for (auto& dispatch : dispatches_) {
    for (RawItem& item : dispatch->items) item.drop();
    tell_pool(*dispatch, CallOutcome::kNothing);
  }
}

void SoloStage::drop_objects() {
  Stage::drop_objects();
  object_.reset();
  for (auto& d : spare_) d->handle.reset();
}

void SoloStage::wake() noexcept {
  for (auto& strand : strands_) strand->turn.wake();
}

std::string SoloStage::inside() const {
  std::lock_guard lock(mutex_);
  const bool any = std::any_of(dispatches_.begin(), dispatches_.end(), [](const auto& d) { return d->state == State::kInside; });
  return any ? node_.settings.id : std::string();
}

void SoloStage::count_inside(std::vector<uint64_t>& per_edge) const {
  std::lock_guard lock(mutex_);
  const auto count = [&](const RawItem& item) {
    if (item.value && item.edge != InputMerge::kNoEdge) ++per_edge[item.edge];
  };
  merge_.count_inside(per_edge);
  for (const auto& strand : strands_) std::for_each(strand->mine.begin(), strand->mine.end(), count);
  for (const auto& d : dispatches_) {
    std::for_each(d->items.begin(), d->items.end(), count);
    if (!d->items.empty()) continue;
    for (uint32_t i = 0; i < d->batch->count(); ++i) {
      const uint32_t edge = d->batch->item(i).edge;
      if (d->batch->has_input() && edge != InputMerge::kNoEdge) ++per_edge[edge];
    }
  }
}

bool SoloStage::step(void* strand) noexcept {
  Strand& s = *static_cast<Strand*>(strand);
  return s.stage->step(s);
}

bool SoloStage::step(Strand& strand) {
  Lock lock(mutex_);
  for (int n = 0; n < kCallsPerTurn; ++n) {
    if (ended_) return true;
    if (core_.discarding()) {
      discard(lock);
      return true;
    }
    settle_mail();
    if (late_) give_up_late(lock);
    commit(lock);
    if (object_lost_) {
      if (replacing_) return true;
      replace_object(lock);
      continue;
    }
    Dispatch* dispatch = next(strand);
    if (!dispatch) {
      if (!maybe_end(strand)) return true;
      continue;
    }
    dispatch->strand = &strand;
    if (!call_node(*dispatch, lock)) return false;
  }
  strand.turn.wake();
  return true;
}

void SoloStage::on_answer(Dispatch& dispatch) noexcept {
  {
    std::lock_guard lock(mail_mutex_);
    mail_.push_back(&dispatch);
  }
  strands_[0]->turn.wake();
}

// Applies answers that came from elsewhere. Those for a dispatch inside the node are applied when its thread leaves.
void SoloStage::settle_mail() {
  std::vector<Dispatch*> mail;
  {
    std::lock_guard lock(mail_mutex_);
    mail.swap(mail_);
  }
  for (Dispatch* dispatch : mail) {
    if (dispatch->state != State::kParked) continue;
    if (dispatch->batch->settle()) after_call(*dispatch);
  }
}

std::unique_ptr<CallBatch> SoloStage::make_batch(Dispatch& dispatch) {
  auto batch = std::make_unique<CallBatch>(static_cast<uint32_t>(batch_size_), static_cast<uint32_t>(node_.outputs.size()), dispatch);
  if (!nodes_[0].handle->has_resume()) batch->set_endless_credit();
  return batch;
}

SoloStage::Dispatch& SoloStage::add_dispatch(Strand& strand) {
  if (spare_.empty()) {
    spare_.push_back(std::make_unique<Dispatch>());
    Dispatch& made = *spare_.back();
    made.stage = this;
    made.batch = make_batch(made);
    made.backoff.dispatch = &made;
    made.backoff.run = [](Job* job) noexcept {
      Dispatch& d = *static_cast<Dispatch::Backoff*>(job)->dispatch;
      SoloStage& stage = *d.stage;
      {
        std::lock_guard lock(stage.mutex_);
        d.state = State::kReady;
        stage.ready_.push_back(&d);
      }
      stage.wake();
      stage.core_.done();
    };
  }
  dispatches_.splice(dispatches_.end(), spare_, std::prev(spare_.end()));
  Dispatch& d = *dispatches_.back();
  d.at = std::prev(dispatches_.end());
  d.strand = &strand;
  d.state = State::kReady;
  d.is_finish = d.delivered = false;
  d.attempts.clear();
  if (plan_.order == OrderMode::kByKey) strand.held = &d;
  return d;
}

// What this strand is to hand to the node now; null: nothing.
SoloStage::Dispatch* SoloStage::next(Strand& strand) {
  const bool keyed = plan_.order == OrderMode::kByKey;
  const auto mine = std::find_if(ready_.begin(), ready_.end(), [&](const Dispatch* d) { return !keyed || d->strand == &strand; });
  if (mine != ready_.end()) {
    Dispatch* dispatch = *mine;
    ready_.erase(mine);
    return dispatch;
  }
  return pull(strand);
}

SoloStage::Dispatch* SoloStage::pull(Strand& strand) {
  if (strand.held || dispatches_.size() >= window_ || (bytes_ > most_bytes_ && !dispatches_.empty())) return nullptr;
  ItemList items;
  pull_items(strand, items);
  if (items.empty()) return nullptr;
  for (const RawItem& item : items) last_sequence_ = std::max(last_sequence_, item.sequence);
  Dispatch& dispatch = add_dispatch(strand);
  dispatch.bytes = 0;
  if (most_bytes_ != UINT64_MAX)
    for (const RawItem& item : items) dispatch.bytes += item.value ? weight_of(item) : 0;
  bytes_ += dispatch.bytes;
  dispatch.items = std::move(items);
  return &dispatch;
}

void SoloStage::pull_items(Strand& strand, ItemList& items) {
  if (node_.is_source) {
    if (source_started_ || core_.stopping()) {
      input_ended_ = true;
    } else {
      source_started_ = true;
      items.push_back(RawItem{});
    }
    return;
  }
  if (plan_.order == OrderMode::kByKey) {
    if (strand.mine.empty()) share_out();
    if (strand.mine.empty()) return;
    items.push_back(strand.mine.front());
    strand.mine.pop_front();
    --shared_out_;
    return;
  }
  if (!preloaded_.empty()) {
    items.push_back(preloaded_.front());
    preloaded_.pop_front();
    return;
  }
  if (input_ended_) return;
  uint64_t wake_at = 0;
  if (merge_.pull(batch_size_, items, &wake_at) == InputMerge::State::kEnded) input_ended_ = true;
  if (wake_at != 0) wake_later(wake_at);
}

// Gives each strand the items of its keys. An item without the key goes by the key null.
void SoloStage::share_out() {
  if (input_ended_ || shared_out_ >= kSharePerStrand * strands_.size()) return;
  ItemList items;
  for (const RawItem& item : preloaded_) items.push_back(item);
  preloaded_.clear();
  uint64_t wake_at = 0;
  if (merge_.pull(kSharePerStrand, items, &wake_at) == InputMerge::State::kEnded) {
    input_ended_ = true;
    wake();  // the others see the end, too
  }
  if (wake_at != 0) wake_later(wake_at);
  for (const RawItem& item : items) {
    const Value key = Value::share(item.value).pointer(plan_.order_key);
    Strand& owner = *strands_[std::hash<std::string>()(key ? key.json() : "null") % strands_.size()];
    owner.mine.push_back(item);
    ++shared_out_;
    owner.turn.wake();
  }
}

// Runs one attempt, or resume(). False: this thread was given up inside; it must go without touching anything.
bool SoloStage::call_node(Dispatch& d, Lock& lock) {
  const bool again = d.items.empty() && !d.is_finish;  // resume(): the calls are open
  const uint64_t now = now_ns();
  if (!again) {
    if (d.is_finish) d.items = {RawItem{.sequence = last_sequence_, .edge = InputMerge::kNoEdge}};
    uint64_t deadline = 0;
    for (const RawItem& item : d.items) {
      if (item.deadline_ns != 0 && (deadline == 0 || item.deadline_ns < deadline)) deadline = item.deadline_ns;
    }
    d.batch->open_own(d.items, {.guarded = guarded_, .keep_inputs = guarded_});
    d.items.clear();
    d.started_ns = now;
    if (d.attempts.empty()) d.first_ns = now;
    d.due_ns = node_.attempt_timeout_ms > 0 ? now + node_.attempt_timeout_ms * kNsPerMs : 0;
    if (const uint64_t end = last_moment(d); end != 0 && (d.due_ns == 0 || end < d.due_ns)) d.due_ns = end;
    if (deadline != 0 && (d.due_ns == 0 || deadline < d.due_ns)) d.due_ns = deadline;
    if (deadline != 0 && now >= deadline) {
      fail_calls(d, d.batch->give_up(), Error("deadline", "the item's deadline passed before node \"" + node_.settings.id + "\" could take it"));
      conclude(d);
      return true;
    }
    if (object_gone_) {
      fail_calls(d, d.batch->give_up(), object_error_);
      conclude(d);
      return true;
    }
    if (!admit(d)) {
      fail_calls(d, d.batch->give_up(), Error("breaker-open", "the circuit breaker of node \"" + node_.settings.id + "\" is open", ErrorClass::kRetryable));
      conclude(d);
      return true;
    }
    d.handle = object_;
  }
  d.state = State::kInside;
  d.worker = Lanes::current_worker();
  if (d.due_ns != 0) watch(d.due_ns);
  const std::shared_ptr<NodeHandle> handle = d.handle;
  CallBatch& batch = *d.batch;
  const bool finish = d.is_finish, cancelled = again && node_.is_source && core_.stopping();
  lock.unlock();

  if (cancelled) handle->cancel(batch);
  batch.enter();
  if (again) {
    for (uint32_t i = 0; i < batch.count(); ++i) {
      const int32_t port = batch.take_awaiting(i);
      if (port >= 0) handle->resume(batch, i, static_cast<uint32_t>(port));
    }
  } else if (finish) {
    handle->finish(batch);
  } else {
    handle->process(batch);
  }

  lock.lock();
  if (!batch.leave()) return false;
  d.state = State::kParked;
  after_call(d);
  return true;
}

// The node has returned, or answers have come: what is next for the dispatch.
void SoloStage::after_call(Dispatch& d) {
  CallBatch& batch = *d.batch;
  if (batch.open_calls() == 0) return conclude(d);
  if (batch.has_awaiting() && d.handle->has_resume()) {
    bool emitted = false;
    for (uint32_t port = 0; port < batch.outlets(); ++port) emitted = emitted || !batch.outlet(port).empty();
    if (!emitted) ready_.push_back(&d);  // else once they are delivered
    return;
  }
  if (asynchronous_) return set_answering(d, true);
  static constexpr std::string_view kRule = "returned from process() without completing a call";
  core_.fault(nodes_[0].index, kRule);
  fail_calls(d, batch.give_up(), Error("no-answer", "the node gave no answer: it " + std::string(kRule)));
  conclude(d);
}

}  // namespace heddle
