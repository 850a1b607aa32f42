#include "tracer.h"

#include <algorithm>

namespace heddle {

// By the end of its id, as other programs decide for the same trace and ratio.
bool Sampler::decide(const TraceContext& trace) const {
  return ratio >= 1 || static_cast<double>(trace.low >> 1) < ratio * static_cast<double>(uint64_t{1} << 63);
}

TraceContext Tracer::begin(const std::optional<TraceContext>& parent) const {
  TraceContext out = parent ? child_of(*parent) : new_trace(false);
  if (!parent || !sampler_.follows_parent) out.sampled = sampler_.decide(out);
  return out;
}

void Tracer::add(TraceSpan span) {
  if (!span.context.sampled) return;
  {
    std::lock_guard lock(mutex_);
    const bool is_full = waiting_.size() >= most_;
    ++(is_full ? counts_.dropped : counts_.recorded);
    if (is_full) return;
    waiting_.push_back(std::move(span));
    if (waiting_.size() % batch_ != 0) return;
  }
  std::lock_guard telling(telling_);
  if (enough_) enough_();
}

std::vector<TraceSpan> Tracer::take() {
  std::lock_guard lock(mutex_);
  const auto end = waiting_.begin() + static_cast<ptrdiff_t>(std::min(batch_, waiting_.size()));
  std::vector<TraceSpan> out(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end));
  waiting_.erase(waiting_.begin(), end);
  return out;
}

void Tracer::lost(size_t spans) {
  std::lock_guard lock(mutex_);
  counts_.dropped += spans;
}

size_t Tracer::waiting() const {
  std::lock_guard lock(mutex_);
  return waiting_.size();
}

Tracer::Counts Tracer::counts() const {
  std::lock_guard lock(mutex_);
  return counts_;
}

void Tracer::on_enough(std::function<void()> enough) {
  std::lock_guard telling(telling_);
  enough_ = std::move(enough);
}

TraceContext begin_span(const Tracer* tracer, const std::optional<TraceContext>& parent) {
  if (tracer) return tracer->begin(parent);
  return parent ? *parent : new_trace(true);
}

}  // namespace heddle
