// How a solo stage gives up: calls that take too long, objects that hang, and everything when the run ends.
#include <algorithm>

#include "clock.h"
#include "pipeline/solo_stage.h"

namespace heddle {
namespace {

Error too_late(const PipelineNode& node, uint64_t waited_ns) {
  return Error("timeout", "node \"" + node.settings.id + "\" gave no answer within " + std::to_string(waited_ns / kNsPerMs) + " ms",
               ErrorClass::kRetryable);
}

}  // namespace

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

// The strands go on, on other threads, and drop what is left.
void SoloStage::give_up_inside() noexcept {
  std::lock_guard lock(mutex_);
  for (auto& d : dispatches_) {
    if (d->state == State::kInside) give_up_hung(*d);
  }
}

bool SoloStage::give_up_hung(Dispatch& d) {
  auto closed = d.batch->give_up_hung();
  if (!closed) return false;
  const uint64_t waited = now_ns() - d.started_ns;
  Strand& strand = *d.strand;
  core_.abandon(d.worker);
  d.handle->abandon();
  if (d.handle == object_) object_lost_ = true;
  hung_objects_.push_back(d.handle);
  if (!core_.discarding()) EdgeBooks::add(core_.nodes[nodes_[0].index].timed_out, 1);
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
    const Error late_error = too_late(node_, now - d->started_ns);
    size_t timed_out = 0;
    for (CallFailure& failure : d->batch->failures()) {  // "cancelled": that is what it was just told
      if (failure.error.error_class != ErrorClass::kCancelled) continue;
      failure.error = late_error;
      ++timed_out;
    }
    const std::vector<uint32_t> closed = d->batch->give_up();
    EdgeBooks::add(core_.nodes[nodes_[0].index].timed_out, timed_out + closed.size());
    fail_calls(*d, closed, late_error);
    conclude(*d);
  }
}

// Has a new object made in place of the one that hangs. Until it is there, nothing is handed to the node.
void SoloStage::replace_object(Lock& lock) {
  replacing_ = true;
  const bool may = ++remakes_ <= kMaxRemakes;
  core_.begin();
  lock.unlock();
  if (may) remake_([this](Result<std::shared_ptr<NodeHandle>> made) { on_remade(std::move(made)); });
  else on_remade(Error("hung", "node \"" + node_.settings.id + "\" has hung " + std::to_string(kMaxRemakes + 1) + " times: it is given up"));
  lock.lock();
}

void SoloStage::on_remade(Result<std::shared_ptr<NodeHandle>> made) {
  if (made) {
    core_.warn("node \"" + node_.settings.id + "\" hung in a call: the call was given up, and a new object has taken its place");
  } else {
    core_.warn(made.error().text());
  }
  {
    std::lock_guard lock(mutex_);
    replacing_ = object_lost_ = false;
    if (made) {
      object_ = nodes_[0].handle = *std::move(made);
    } else {
      object_gone_ = true;
      object_error_ = std::move(made).error();
    }
    wake();
  }
  core_.done();
}

void SoloStage::wake_later(uint64_t when) {
  if (later_armed_) return;
  later_armed_ = true;
  core_.begin();
  later_ = core_.lanes.at(when, core_.lane(plan_.lane), &later_job_);
}

// The run is over: everything inside is dropped, and counted. A thread inside the node comes here when it leaves.
void SoloStage::discard(Lock& lock) {
  if (committing_ || replacing_) return;  // whoever does that wakes us
  settle_mail();
  merge_.discard();
  discard_backlog();
  const auto drop = [&](RawItem& item) {
    if (item.value && item.edge != InputMerge::kNoEdge) EdgeBooks::add_shared(core_.edges[item.edge].dropped, 1);
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
        const uint32_t edge = d->batch->item(i).edge;
        if (d->batch->has_input() && edge != InputMerge::kNoEdge) EdgeBooks::add_shared(core_.edges[edge].dropped, 1);
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
