// Tracer: what is recorded of traces in this process, until somebody takes it away: spans, each a piece of work from its begin to its end.
//
// It never slows the work: what is not sampled costs nothing, and where more comes than is taken away, the newest spans are dropped and counted.
#pragma once
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "clock.h"
#include "trace.h"

namespace heddle {

// Names and attributes are those of OpenTelemetry's semantic conventions where there are such, else they begin with "heddle.".
struct TraceSpan {
  enum class Kind : uint8_t { kInternal = 1, kServer = 2, kClient = 3 };  // as in OTLP
  using Attribute = std::pair<std::string, std::variant<std::string, int64_t>>;

  TraceContext context;
  uint64_t parent = 0;  // the id of the span that this is a part of; 0: the trace begins here
  Kind kind = Kind::kInternal;
  std::string name = {};
  uint64_t begin_ns = 0, end_ns = 0;  // CLOCK_MONOTONIC
  std::vector<Attribute> attributes = {};
  std::string error = {};  // why it failed; empty: it did not
};

// Which traces are recorded.
struct Sampler {
  bool follows_parent = true;  // what began elsewhere is recorded if it is there
  double ratio = 1;            // of the others

  bool decide(const TraceContext& trace) const;
};

class Tracer {
 public:
  // At most `most` spans wait. on_enough() is told whenever `batch` of them do.
  explicit Tracer(Sampler sampler = {}, size_t most = 2048, size_t batch = 512) : sampler_(sampler), most_(most), batch_(batch) {}

  // [any] The context of a piece of work that begins; none: so does the trace.
  TraceContext begin(const std::optional<TraceContext>& parent) const;
  // [any] A piece of work is over. One that is not sampled is forgotten at once.
  void add(TraceSpan span);

  // [any] The oldest ones, at most a batch of them.
  std::vector<TraceSpan> take();
  // [any] So many that were taken did not get anywhere.
  void lost(size_t spans);
  size_t waiting() const;
  size_t batch() const { return batch_; }
  struct Counts {
    uint64_t recorded = 0, dropped = 0;
  };
  Counts counts() const;
  // [any] `enough` is called on any thread, with locks held: it must not block. Replaces what was called before; null: nobody is told. What is under way has come back when this does.
  void on_enough(std::function<void()> enough);

 private:
  const Sampler sampler_;
  const size_t most_, batch_;
  std::mutex telling_;
  std::function<void()> enough_;  // guarded by telling_
  mutable std::mutex mutex_;
  // Guarded by mutex_:
  std::vector<TraceSpan> waiting_;
  Counts counts_;
};

// The context of a piece of work under `parent`. Who records nothing hands on what there is, so that the spans of others are not torn apart; a trace that begins here is left for them to record.
TraceContext begin_span(const Tracer* tracer, const std::optional<TraceContext>& parent);

}  // namespace heddle
