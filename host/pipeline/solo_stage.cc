#include "pipeline/solo_stage.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "clock.h"

namespace heddle {
namespace {

constexpr int kCallsPerTurn = 64;
// Items that wait in front of one key's strand.
constexpr size_t kSharePerStrand = 64;
// Retries are at most budget_percent of the calls, but so many are always allowed (remote.md).
constexpr uint64_t kRetryFloor = 3;

uint64_t random_below(uint64_t n) {
  thread_local std::minstd_rand generator(std::random_device{}());
  return n == 0 ? 0 : std::uniform_int_distribution<uint64_t>(0, n)(generator);
}

// How long to wait before attempt `next` (2 for the first retry).
uint64_t backoff_ns(const RetrySettings& retry, uint32_t next) {
  const double full = static_cast<double>(retry.initial_backoff_ms) * std::pow(retry.multiplier, next - 2);
  const auto ms = static_cast<uint64_t>(std::min(full, static_cast<double>(retry.max_backoff_ms)));
  if (retry.jitter == "none") return ms * kNsPerMs;
  if (retry.jitter == "equal") return ms / 2 * kNsPerMs + random_below(ms / 2 * kNsPerMs);
  return random_below(ms * kNsPerMs);
}

Error too_late(const PipelineNode& node, uint64_t waited_ns) {
  return Error("timeout", "node \"" + node.settings.id + "\" gave no answer within " + std::to_string(waited_ns / kNsPerMs) + " ms",
               ErrorClass::kRetryable);
}

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
  const TypeDescriptor& type = *node_.entry.type;
  const size_t threads = plan.parallel;
  size_t wanted_batch = 0;
  for (EdgeQueue* queue : merge_.queues()) wanted_batch = std::max<size_t>(wanted_batch, queue->edge().batch.items);
  if (asynchronous_) {
    const size_t in_flight = threads > 1 ? std::min<size_t>(threads, type.max_in_flight) : type.max_in_flight;
    // Answers come in any order: in strict order each call is delivered by itself.
    batch_size_ = retries() || plan.order == OrderMode::kStrict ? 1 : std::clamp<size_t>(in_flight / 8, 1, node_.max_batch);
    window_ = std::max<size_t>(1, in_flight / batch_size_);
  } else {
    batch_size_ = plan.watched || plan.order == OrderMode::kByKey ? 1 : node_.max_batch;
    // In strict order, results wait for those before them: with room for as many again, no thread idles meanwhile.
    window_ = threads > 1 ? threads * 2 : 1;
  }
  if (wanted_batch > 0 && !retries() && plan.order != OrderMode::kByKey) batch_size_ = std::min<size_t>(wanted_batch, node_.max_batch);
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
      const heddle_call& call = d->batch->call(i);
      if (call.has_input && call.item.edge != InputMerge::kNoEdge) ++per_edge[call.item.edge];
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
    dispatch->batch->settle();
    after_call(*dispatch);
  }
}

std::unique_ptr<CallBatch> SoloStage::make_batch(Dispatch& dispatch) {
  return std::make_unique<CallBatch>(static_cast<uint32_t>(batch_size_), static_cast<uint32_t>(node_.outputs.size()), dispatch);
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
  dispatches_.push_back(std::move(spare_.back()));
  spare_.pop_back();
  Dispatch& d = *dispatches_.back();
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
  if (strand.held || dispatches_.size() >= window_) return nullptr;
  std::vector<RawItem> items;
  pull_items(strand, items);
  if (items.empty()) return nullptr;
  for (const RawItem& item : items) last_sequence_ = std::max(last_sequence_, item.sequence);
  Dispatch& dispatch = add_dispatch(strand);
  dispatch.items = std::move(items);
  return &dispatch;
}

void SoloStage::pull_items(Strand& strand, std::vector<RawItem>& items) {
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
  std::vector<RawItem> items(preloaded_.begin(), preloaded_.end());
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
    if (d.is_finish) d.items.assign(1, RawItem{.sequence = last_sequence_, .edge = InputMerge::kNoEdge});
    uint64_t deadline = 0;
    for (const RawItem& item : d.items) {
      if (item.deadline_ns != 0 && (deadline == 0 || item.deadline_ns < deadline)) deadline = item.deadline_ns;
    }
    d.batch->open(d.items, {.guarded = guarded_, .keep_inputs = guarded_});
    d.items.clear();
    d.started_ns = now;
    d.due_ns = node_.timeout_ms > 0 ? now + node_.timeout_ms * kNsPerMs : 0;
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

void SoloStage::fail_calls(Dispatch& d, const std::vector<uint32_t>& calls, const Error& error) {
  for (const uint32_t index : calls) d.batch->failures().push_back({index, error});
}

// All calls are answered.
void SoloStage::conclude(Dispatch& d) {
  set_answering(d, false);
  d.due_ns = 0;
  if (!d.batch->failures().empty()) {
    const Error& error = d.batch->failures().front().error;
    d.attempts.push_back({static_cast<uint32_t>(d.attempts.size() + 1), error.text(), now_ns() - d.started_ns});
    if (retry(d)) return;
  }
  d.state = State::kDone;
}

// Starts the wait for another attempt, if there may be one.
bool SoloStage::retry(Dispatch& d) {
  NodeBooks& books = core_.nodes[nodes_[0].index];
  CallBatch& batch = *d.batch;
  if (!retries() || d.delivered || d.is_finish || batch.count() != 1 || core_.discarding()) return false;
  if (batch.failures().front().error.error_class != ErrorClass::kRetryable || d.attempts.size() >= node_.retry.max_attempts) return false;
  const uint64_t calls = books.calls.load(std::memory_order_relaxed) + 1, retried = books.retried.load(std::memory_order_relaxed);
  if (retried >= std::max(kRetryFloor, calls * node_.retry.budget_percent / 100)) return false;
  const uint32_t next = static_cast<uint32_t>(d.attempts.size()) + 1;
  const uint64_t at = now_ns() + backoff_ns(node_.retry, next);
  RawItem item = batch.call(0).item;
  if (item.deadline_ns != 0 && at >= item.deadline_ns) return false;
  EdgeBooks::add(books.retried, 1);
  item.value = batch.original(0).release();
  item.attempt = next;
  d.items.assign(1, item);
  for (uint32_t port = 0; port < batch.outlets(); ++port) {
    for (RawItem& emitted : batch.outlet(port)) emitted.drop();
    batch.outlet(port).clear();
  }
  if (batch.is_hung()) {
    hung_.push_back(std::move(d.batch));
    d.batch = make_batch(d);
  } else {
    batch.failures().clear();
    batch.close_inputs();
  }
  d.state = State::kBackoff;
  core_.begin();
  d.backoff_timer = core_.lanes.at(at, core_.lane(plan_.lane), &d.backoff);
  return true;
}

void SoloStage::set_answering(Dispatch& d, bool answering) {
  if (d.answering == answering) return;
  d.answering = answering;
  if (answering) core_.begin();
  else core_.done();
}

// Delivers what may leave now, in order. One thread at a time; the others' results are delivered by it.
void SoloStage::commit(Lock& lock) {
  if (committing_) return;
  committing_ = true;
  bool removed = false;
  for (;;) {
    std::vector<InputMerge::Unmatched> unmatched = merge_.take_unmatched();
    Dispatch* dispatch = nullptr;
    if (unmatched.empty()) {
      lock.unlock();
      const bool room = flush();
      lock.lock();
      if (!room || core_.discarding()) break;
      dispatch = deliverable();
      if (!dispatch) break;
      removed = removed || dispatch->state == State::kDone;
      deliver_dispatch(*dispatch, lock);
      continue;
    }
    lock.unlock();
    for (auto& [item, error] : unmatched) {
      RawItem envelope = item;
      fail_item(0, envelope, Value::adopt(item.value), std::move(error));
    }
    lock.lock();
  }
  committing_ = false;
  if (removed && strands_.size() > 1) wake();  // the window has moved
}

SoloStage::Dispatch* SoloStage::deliverable() {
  const auto may_leave = [&](const Dispatch& d) {
    if (d.state == State::kDone) return true;
    // Before its end, a dispatch gives only what it must to go on, where a retry or the order could still need it.
    const bool hold = retries() || (d.batch->count() > 1 && plan_.order == OrderMode::kStrict);
    if (d.state != State::kParked || (hold && !d.batch->has_awaiting())) return false;
    for (uint32_t port = 0; port < d.batch->outlets(); ++port) {
      if (!d.batch->outlet(port).empty()) return true;
    }
    return false;
  };
  for (auto& d : dispatches_) {
    if (may_leave(*d)) return d.get();
    if (plan_.order == OrderMode::kStrict) break;
  }
  return nullptr;
}

void SoloStage::deliver_dispatch(Dispatch& d, Lock& lock) {
  CallBatch& batch = *d.batch;
  const bool done = d.state == State::kDone;
  std::vector<std::vector<RawItem>> outlets(batch.outlets());
  for (uint32_t port = 0; port < batch.outlets(); ++port) {
    outlets[port].swap(batch.outlet(port));
    if (asynchronous_ && batch.count() > 1 && plan_.order == OrderMode::kStrict) {
      std::stable_sort(outlets[port].begin(), outlets[port].end(), [](const RawItem& a, const RawItem& b) { return a.port < b.port; });
    }
  }
  struct Lost {
    RawItem envelope;
    Value original;
    Error error;
  };
  std::vector<Lost> lost;
  uint64_t last = 0;
  if (done) {
    book(d, batch.failures());
    for (CallFailure& failure : batch.failures()) {
      lost.push_back({batch.call(failure.index).item, batch.original(failure.index), std::move(failure.error)});
    }
    batch.failures().clear();
    for (uint32_t i = 0; i < batch.count(); ++i) last = std::max(last, batch.call(i).item.sequence);
  }
  d.delivered = true;
  const std::vector<Attempt> attempts = d.attempts;
  lock.unlock();
  for (uint32_t port = 0; port < outlets.size(); ++port) deliver(0, port, outlets[port]);
  for (Lost& l : lost) fail_item(0, l.envelope, std::move(l.original), std::move(l.error), attempts);
  if (done && plan_.order == OrderMode::kStrict) {
    flush();
    if (!has_backlog()) advance_outputs(last);
  }
  lock.lock();
  if (done) return remove(d);
  batch.drained();
  if (d.state == State::kParked && batch.has_awaiting()) ready_.push_back(&d);
}

// The fate of each call, in the books.
void SoloStage::book(Dispatch& d, const std::vector<CallFailure>& failures) {
  CallBatch& batch = *d.batch;
  NodeBooks& books = core_.nodes[nodes_[0].index];
  std::vector<bool> failed(batch.count());
  for (const CallFailure& failure : failures) failed[failure.index] = true;
  EdgeBooks::add(books.calls, batch.count());
  EdgeBooks::add(books.completed, batch.count() - failures.size());
  for (uint32_t i = 0; i < batch.count(); ++i) {
    const heddle_call& call = batch.call(i);
    const bool out = node_.outputs.empty() || call.emitted > 0;
    if (!failed[i] && !out) EdgeBooks::add(books.filtered, 1);
    if (!call.has_input || call.item.edge == InputMerge::kNoEdge) continue;
    EdgeBooks& edge = core_.edges[call.item.edge];
    EdgeBooks::add(failed[i] ? edge.failed : out ? edge.out : edge.filtered, 1);
  }
}

void SoloStage::remove(Dispatch& d) {
  if (d.strand->held == &d) d.strand->held = nullptr;
  const auto at = std::find_if(dispatches_.begin(), dispatches_.end(), [&](const auto& other) { return other.get() == &d; });
  if (d.batch->is_hung()) {
    hung_.push_back(std::move(d.batch));
    d.batch = make_batch(d);
  } else {
    d.batch->close_inputs();
  }
  d.handle.reset();
  spare_.push_back(std::move(*at));
  dispatches_.erase(at);
}

// Sets the alarm for the earliest moment at which some dispatch is overdue.
void SoloStage::watch(uint64_t due_ns) {
  if (alarm_at_ != 0 && alarm_at_ <= due_ns) return;
  if (alarm_at_ != 0) {
    if (!core_.lanes.cancel(alarm_)) return;  // it goes off right now, and looks at everything
    core_.done();
  }
  alarm_at_ = due_ns;
  core_.begin();
  alarm_ = core_.lanes.alarm(due_ns, &alarm_job_);
}

// On the timers' thread: calls in which a thread hangs are given up here, as perhaps no other thread is left; the rest is left to the strands.
void SoloStage::look_for_hung() {
  bool wake_all = false;
  {
    std::lock_guard lock(mutex_);
    alarm_at_ = 0;
    const uint64_t now = now_ns();
    uint64_t earliest = 0;
    for (auto& d : dispatches_) {
      if (d->due_ns == 0) continue;
      if (d->due_ns > now) {
        if (earliest == 0 || d->due_ns < earliest) earliest = d->due_ns;
      } else if (d->state == State::kInside) {
        if (give_up_hung(*d)) wake_all = true;
        // else: its thread has left the node, waits for our lock, and goes on by itself
      } else if (d->state == State::kParked) {
        late_ = wake_all = true;
      }
    }
    if (earliest != 0 && !ended_) watch(earliest);
  }
  if (wake_all) wake();
}

bool SoloStage::give_up_hung(Dispatch& d) {
  auto closed = d.batch->give_up_hung();
  if (!closed) return false;
  const uint64_t waited = now_ns() - d.started_ns;
  Strand& strand = *d.strand;
  core_.lanes.abandon(d.worker);
  d.handle->abandon();
  if (d.handle == object_) object_lost_ = true;
  hung_objects_.push_back(d.handle);
  EdgeBooks::add(core_.nodes[nodes_[0].index].timed_out, 1);
  fail_calls(d, *closed, too_late(node_, waited));
  conclude(d);
  strand.turn.revive();
  return true;
}

// Answers that are to come by themselves and have not come in time.
void SoloStage::give_up_late(Lock& lock) {
  late_ = false;
  const uint64_t now = now_ns();
  std::vector<Dispatch*> late;
  for (auto& d : dispatches_) {
    if (d->state != State::kParked || d->due_ns == 0 || d->due_ns > now) continue;
    d->state = State::kInside;  // so that nobody else touches it while the node is told
    d->due_ns = 0;
    late.push_back(d.get());
  }
  if (late.empty()) return;
  lock.unlock();
  for (Dispatch* d : late) d->handle->cancel(*d->batch);
  lock.lock();
  for (Dispatch* d : late) {
    d->state = State::kParked;
    d->batch->settle();
    const std::vector<uint32_t> closed = d->batch->give_up();
    EdgeBooks::add(core_.nodes[nodes_[0].index].timed_out, closed.size());
    fail_calls(*d, closed, too_late(node_, now - d->started_ns));
    conclude(*d);
  }
}

// Makes a new object in place of the one that hangs.
void SoloStage::replace_object(Lock& lock) {
  replacing_ = true;
  const bool may = ++remakes_ <= kMaxRemakes;
  lock.unlock();
  Result<std::shared_ptr<NodeHandle>> made =
      may ? remake_() : Error("hung", "node \"" + node_.settings.id + "\" has hung " + std::to_string(kMaxRemakes + 1) + " times: it is given up");
  if (made) {
    core_.warn("node \"" + node_.settings.id + "\" hung in a call: the call was given up, and a new object has taken its place");
  } else {
    core_.warn(made.error().text());
  }
  lock.lock();
  replacing_ = object_lost_ = false;
  if (made) {
    object_ = nodes_[0].handle = *std::move(made);
  } else {
    object_gone_ = true;
    object_error_ = std::move(made).error();
  }
  wake();
}

void SoloStage::wake_later(uint64_t when) {
  if (later_armed_) return;
  later_armed_ = true;
  core_.begin();
  later_ = core_.lanes.at(when, core_.lane(plan_.lane), &later_job_);
}

// The run is over: everything inside is dropped, and counted. A thread inside the node comes here when it leaves.
void SoloStage::discard(Lock& lock) {
  if (committing_ || replacing_) return;  // that thread comes here next
  settle_mail();
  merge_.discard();
  discard_backlog();
  const auto drop = [&](RawItem& item) {
    if (item.value && item.edge != InputMerge::kNoEdge) EdgeBooks::add(core_.edges[item.edge].dropped, 1);
    item.drop();
  };
  for (auto& strand : strands_) {
    std::for_each(strand->mine.begin(), strand->mine.end(), drop);
    strand->mine.clear();
  }
  shared_out_ = 0;
  std::vector<Dispatch*> waiting;
  for (auto& d : dispatches_) {
    if (d->state != State::kParked) continue;
    d->state = State::kInside;
    d->due_ns = 0;
    waiting.push_back(d.get());
  }
  committing_ = true;
  lock.unlock();
  for (Dispatch* d : waiting) d->handle->cancel(*d->batch);
  lock.lock();
  committing_ = false;
  for (Dispatch* d : waiting) {
    d->batch->give_up();
    set_answering(*d, false);
    d->state = State::kDone;
  }
  ready_.clear();
  std::vector<Dispatch*> over;
  for (auto& d : dispatches_) {
    if (d->state == State::kInside) continue;
    if (d->state == State::kBackoff) {
      if (!core_.lanes.cancel(d->backoff_timer)) continue;  // it comes back as ready
      core_.done();
    }
    if (d->items.empty()) {
      for (uint32_t i = 0; i < d->batch->count(); ++i) {
        const heddle_call& call = d->batch->call(i);
        if (call.has_input && call.item.edge != InputMerge::kNoEdge) EdgeBooks::add(core_.edges[call.item.edge].dropped, 1);
      }
    }
    std::for_each(d->items.begin(), d->items.end(), drop);
    d->items.clear();
    d->batch->failures().clear();
    for (uint32_t port = 0; port < d->batch->outlets(); ++port) {
      for (RawItem& emitted : d->batch->outlet(port)) emitted.drop();
      d->batch->outlet(port).clear();
    }
    over.push_back(d.get());
  }
  for (Dispatch* d : over) remove(*d);
  input_ended_ = true;
  if (dispatches_.empty()) end();
}

// Nothing to hand to the node: is it over? True: there is something to do after all (finish).
bool SoloStage::maybe_end(Strand& strand) {
  if (!input_ended_ || !dispatches_.empty() || shared_out_ > 0 || committing_ || replacing_ || has_backlog()) return false;
  if (!finished_ && !object_gone_ && object_->has_finish()) {
    finished_ = true;
    Dispatch& d = add_dispatch(strand);
    d.is_finish = true;
    ready_.push_back(&d);
    return true;
  }
  end();
  return false;
}

void SoloStage::end() {
  if (ended_) return;
  ended_ = true;
  if (alarm_at_ != 0 && core_.lanes.cancel(alarm_)) core_.done();
  if (later_armed_ && core_.lanes.cancel(later_)) core_.done();
  end_outputs();
  core_.stage_ended();
}

}  // namespace heddle
