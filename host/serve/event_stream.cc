#include "serve/event_stream.h"

#include <atomic>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "log.h"
#include "serve/one_at_a_time.h"
#include "value/json_value.h"

namespace heddle {
namespace {

constexpr uint64_t kBeatNs = 15 * kNsPerSecond;  // so often something is said, for what lies between us and the peer

Value gap_json(uint64_t from, Value to, Value lost) {
  return json_object({{"event", json_text("gap")}, {"data", json_object({{"from", json_count(from)}, {"to", std::move(to)}, {"lost", std::move(lost)}})}});
}

class EventStream : public std::enable_shared_from_this<EventStream> {
 public:
  EventStream(std::shared_ptr<EventQueue> queue, Errands& errands, AnswerStream answer, Value first)
      : queue_(std::move(queue)), errands_(errands), answer_(std::move(answer)), next_(std::move(first)) {}
  ~EventStream() {
    queue_->forget_when_some();
    errands_.take_back(beat_);
    answer_.end();
  }

  void begin() {
    answer_.on_room([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->pump();
    });
    set_beat();
    pump();
  }
  template <class Fn>
  void on_gone(Fn&& fn) {
    answer_.on_gone(std::forward<Fn>(fn));
  }

 private:
  void pump() {
    pumping_.run([this] { send_all(); });
  }

  // Until nothing is left, or there is no room.
  void send_all() {
    for (;;) {
      if (!next_) next_ = take();
      if (!next_) break;
      const Sent sent = answer_.send(next_);
      if (sent == Sent::kFull) return;  // on_room follows
      if (sent != Sent::kSent) return;
      next_ = Value();
      said_ = true;
    }
    queue_->when_some(errands_, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->pump();
    });
  }

  Value take() {
    if (event_) return event_json(*std::exchange(event_, std::nullopt));
    if (auto taken = queue_->take(0)) {
      if (taken->lost == 0) return event_json(taken->event);
      event_ = std::move(taken->event);  // after the gap
      return gap_json(taken->gap_from, json_count(taken->gap_to), json_count(taken->lost));
    }
    if (const auto gap = queue_->take_gap()) return gap_json(gap->from, json_count(gap->to), json_count(gap->lost));
    return beaten_.exchange(false) ? Value::bytes(":\n\n") : Value();
  }

  void set_beat() {
    beat_ = errands_.at(now_ns() + kBeatNs, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self) return;
      if (!self->said_.exchange(false)) self->beaten_ = true;
      self->set_beat();
      self->pump();
    });
  }

  const std::shared_ptr<EventQueue> queue_;
  Errands& errands_;
  AnswerStream answer_;
  OneAtATime pumping_;
  std::atomic<Errands::Id> beat_{0};
  std::atomic<bool> said_{false}, beaten_{false};
  // Of whoever pumps:
  Value next_;                      // taken, and not sent yet
  std::optional<JobEvent> event_;   // follows next_
};

}  // namespace

struct EventStreams::State {
  State(Jobs& j, Errands& e) : jobs(j), errands(e) {}
  Jobs& jobs;
  Errands& errands;
  std::mutex mutex;
  // Guarded by mutex:
  std::set<std::shared_ptr<EventStream>> streams;
  bool closed = false;
};

EventStreams::EventStreams(Jobs& jobs, Errands& errands) : state_(std::make_shared<State>(jobs, errands)) {}
EventStreams::~EventStreams() { close(); }

void EventStreams::open(EventFilter filter, uint64_t last, Request request) {
  // Who comes again has missed what happened meanwhile; how much of it was for him is not known.
  Value missed = last == 0 ? Value() : gap_json(last + 1, Value::null(), Value::null());
  auto queue = state_->jobs.subscribe(std::move(filter), kQueued);  // before the peer sees the answer begin: what he does then, he hears of
  const auto stream = std::make_shared<EventStream>(std::move(queue), state_->errands, request.stream("text/event-stream"), std::move(missed));
  {
    std::lock_guard lock(state_->mutex);
    if (state_->closed) return;  // it ends at once
    state_->streams.insert(stream);
  }
  stream->on_gone([weak = std::weak_ptr(state_), which = std::weak_ptr(stream)] {
    const auto all = weak.lock();
    const auto gone = which.lock();
    if (!all || !gone) return;
    std::lock_guard lock(all->mutex);
    all->streams.erase(gone);
  });
  stream->begin();
}

void EventStreams::close() {
  std::set<std::shared_ptr<EventStream>> streams;
  std::lock_guard lock(state_->mutex);
  state_->closed = true;
  streams.swap(state_->streams);
}

size_t EventStreams::count() const {
  std::lock_guard lock(state_->mutex);
  return state_->streams.size();
}

Value event_json(const JobEvent& event) {
  const bool is_progress = event.key == "queue.job.progress", is_alert = event.key == "queue.lane.alert";
  std::vector<std::pair<std::string, Value>> data;
  if (!event.lane.empty()) data.emplace_back("lane", json_text(event.lane));
  if (event.job != 0) data.emplace_back("job", json_count(event.job));
  if (!event.type.empty()) data.emplace_back(is_alert ? "alert" : "type", json_text(event.type));
  if (event.attempt != 0) data.emplace_back("attempt", json_count(event.attempt));
  if (is_progress) {
    const auto percent = Value::number(event.percent);
    data.emplace_back("percent", percent ? *percent : Value::null());
  }
  if (!event.text.empty()) data.emplace_back(is_progress || is_alert ? "message" : "error", json_text(log::redacted(event.text)));
  return json_object({{"event", json_text(event.key)}, {"id", json_text(std::to_string(event.number))}, {"data", json_object(std::move(data))}});
}

}  // namespace heddle
