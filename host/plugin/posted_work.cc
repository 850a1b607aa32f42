#include "plugin/posted_work.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <limits>
#include <mutex>
#include <unordered_map>

#include "clock.h"
#include "plugin/last_words.h"

namespace heddle {
namespace {

// How many functions one job runs before it gives its worker back to the other lanes.
constexpr int kTurn = 64;

// Keeps the states of ended owners findable whose jobs a lane still holds: a lane that ends drops its jobs without a word.
struct Leftovers {
  std::mutex mutex;
  std::unordered_map<const void*, std::shared_ptr<void>> states;  // guarded by mutex
};

Leftovers& leftovers() {
  static auto* const kept = new Leftovers;  // never destroyed: a worker may outlive main's statics
  return *kept;
}

}  // namespace

// A job that a lane holds cannot be taken back, so closures may outlive the PostedWork: each keeps the state alive, and the state the
// closure. The circle ends when the job is run, or is taken back from a timer.
struct PostedWork::State {
  struct Closure : Job {
    std::shared_ptr<State> state;
    heddle_id id = 0;
    heddle_job_fn fn = nullptr;
    void* ctx = nullptr;
    TimerId timer = 0;  // 0: posted, not timed
    bool cancelled = false;
  };

  State(Lanes& lanes_, LaneId lane_, std::string subject_) : lanes(lanes_), lane(lane_), subject(std::move(subject_)) {}

  // These need the mutex.
  Closure* add(const std::shared_ptr<State>& self, heddle_job_fn fn, void* ctx);  // null: closed, or too many
  Closure* next_ready();
  void forget(Closure* closure);

  void run(Closure* closure);
  void close(const std::shared_ptr<State>& self);

  Lanes& lanes;
  const LaneId lane;
  const std::string subject;
  std::mutex mutex;
  std::condition_variable idle;
  // Guarded by mutex, the closures' members too:
  std::unordered_map<heddle_id, std::unique_ptr<Closure>> closures;  // all that wait or run
  std::deque<Closure*> ready;                                        // their job came up while another function ran
  heddle_id last_id = 0;
  heddle_id running = 0;  // 0: none
  bool closed = false;
};

PostedWork::State::Closure* PostedWork::State::add(const std::shared_ptr<State>& self, heddle_job_fn fn, void* ctx) {
  if (closed || closures.size() >= kMaxOutstanding) return nullptr;
  auto closure = std::make_unique<Closure>();
  closure->Job::run = [](Job* job) noexcept {
    const std::shared_ptr<State> state = static_cast<Closure*>(job)->state;  // lives on when the closure goes
    state->run(static_cast<Closure*>(job));
  };
  closure->state = self;
  closure->id = ++last_id;
  closure->fn = fn;
  closure->ctx = ctx;
  return closures.emplace(closure->id, std::move(closure)).first->second.get();
}

void PostedWork::State::forget(Closure* closure) {
  closures.erase(closure->id);
  if (!closed || !closures.empty()) return;
  std::lock_guard lock(leftovers().mutex);
  leftovers().states.erase(this);
}

PostedWork::State::Closure* PostedWork::State::next_ready() {
  while (!ready.empty()) {
    Closure* const next = ready.front();
    ready.pop_front();
    if (!next->cancelled) return next;
    forget(next);
  }
  return nullptr;
}

void PostedWork::State::run(Closure* closure) {
  std::unique_lock lock(mutex);
  if (closed || closure->cancelled) return forget(closure);
  if (running != 0) return ready.push_back(closure);
  for (int turn = 0; turn < kTurn; ++turn) {
    running = closure->id;
    lock.unlock();
    last_words::inside("a posted function", subject.c_str(), [&] { closure->fn(closure->ctx); });
    lock.lock();
    running = 0;
    forget(closure);
    if (closed) return idle.notify_all();
    closure = next_ready();
    if (!closure) return;
  }
  lanes.post(lane, closure);
}

void PostedWork::State::close(const std::shared_ptr<State>& self) {
  std::unique_lock lock(mutex);
  closed = true;
  for (Closure* closure : ready) closures.erase(closure->id);
  ready.clear();
  std::erase_if(closures,
                [&](const auto& entry) { return entry.second->timer != 0 && entry.first != running && lanes.cancel(entry.second->timer); });
  idle.wait(lock, [&] { return running == 0; });
  if (closures.empty()) return;
  std::lock_guard kept(leftovers().mutex);
  leftovers().states.emplace(this, self);
}

PostedWork::PostedWork(Lanes& lanes, LaneId lane, std::string subject) : state_(std::make_shared<State>(lanes, lane, std::move(subject))) {}

PostedWork::~PostedWork() { stop(); }

void PostedWork::stop() { state_->close(state_); }

bool PostedWork::post(heddle_job_fn fn, void* ctx) {
  std::lock_guard lock(state_->mutex);
  State::Closure* const closure = state_->add(state_, fn, ctx);
  if (closure) state_->lanes.post(state_->lane, closure);
  return closure != nullptr;
}

heddle_id PostedWork::after(uint64_t delay_ns, heddle_job_fn fn, void* ctx) {
  std::lock_guard lock(state_->mutex);
  State::Closure* const closure = state_->add(state_, fn, ctx);
  if (!closure) return 0;
  const uint64_t now = now_ns();
  const uint64_t when = now + std::min(delay_ns, std::numeric_limits<uint64_t>::max() - now);
  const heddle_id id = closure->id;
  closure->timer = state_->lanes.at(when, state_->lane, closure);  // the job waits for our mutex should it come up at once
  return id;
}

bool PostedWork::cancel(heddle_id id) {
  std::lock_guard lock(state_->mutex);
  const auto found = state_->closures.find(id);
  if (found == state_->closures.end() || id == state_->running) return false;
  State::Closure& closure = *found->second;
  if (closure.timer != 0 && state_->lanes.cancel(closure.timer))
    state_->closures.erase(found);
  else
    closure.cancelled = true;  // a lane holds the job: it will find this
  return true;
}

}  // namespace heddle
