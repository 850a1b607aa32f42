// The schedule against a model that is too simple to be wrong: lists that are searched from end to end. Random lanes, jobs, cancels, pauses, replacements, batches that come
// back, and a clock that jumps; after every step both must agree. HEDDLE_MODEL_STEPS (1,000,000) steps in all.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <list>
#include <memory>
#include <random>

#include "lanes/schedule.h"

namespace heddle {
namespace {

struct ModelJob {
  Job job;
  uint64_t number = 0;   // order of arrival in its queue; what comes back keeps its own
  uint64_t delayed_until = 0;
};

struct ModelLane {
  LaneConfig config;
  std::vector<ModelJob*> waiting, delayed;
  uint32_t running = 0;
  bool paused = false;
  std::vector<unsigned __int128> tokens;          // buckets, in 1/per_ns of a start
  std::vector<std::deque<uint64_t>> starts;       // windows
  uint64_t last_refill = 0;
  uint64_t submitted = 0, started = 0, completed = 0;
};

class Model {
 public:
  Model(uint64_t seed, unsigned slots) : random_(seed), slots_(slots), schedule_(slots) {}

  void step() {
    switch (below(20)) {
      case 0: return below(8) == 0 ? add() : pass_time();
      case 1: case 2: return pass_time();
      case 3: case 4: case 5: case 6: case 7: case 8: return push();
      case 9: return cancel();
      case 10: return below(10) == 0 ? pause_or_resume() : push();
      case 11: case 12: case 13: case 14: return done();
      default: return take();
    }
  }
  void check() {
    for (LaneId id = 0; id < lanes_.size(); ++id) {
      const LaneStats s = schedule_.stats(id);
      const ModelLane& l = lanes_[id];
      ASSERT_EQ(s.waiting + s.delayed, l.waiting.size() + l.delayed.size());
      ASSERT_EQ(s.running, l.running);
      ASSERT_EQ(s.submitted, l.submitted);
      ASSERT_EQ(s.started, l.started);
      ASSERT_EQ(s.completed, l.completed);
      ASSERT_EQ(s.paused, l.paused);
    }
  }
  void add() {
    LaneConfig c;
    c.name = "l" + std::to_string(below(kLanes));
    c.priority = static_cast<uint32_t>(below(5));
    c.weight = static_cast<uint32_t>(1 + below(4));
    if (below(3) == 0) c.max_concurrency = static_cast<uint32_t>(1 + below(4));
    if (below(4) == 0) c.min_concurrency = static_cast<uint32_t>(below(std::min<uint64_t>(c.max_concurrency, 3) + 1));
    c.order = static_cast<LaneOrder>(below(3));
    if (below(4) == 0) c.rates.push_back({.count = 1 + below(9), .per_ns = 1 + below(3'000), .burst = 1 + below(4)});
    if (below(6) == 0) c.rates.push_back({.count = 1 + below(9), .per_ns = 1 + below(3'000), .kind = RateLimit::Kind::kWindow});
    if (below(4) == 0) c.boost = below(2) ? standard_boost(1 + below(5'000)) : aggressive_boost(1 + below(5'000));
    const auto id = schedule_.add(c, now_);
    ASSERT_TRUE(id) << id.error().message;
    if (*id == lanes_.size()) lanes_.emplace_back();
    ModelLane& l = lanes_[*id];
    release_due();
    l.config = c;
    std::stable_sort(l.waiting.begin(), l.waiting.end(), [](auto* a, auto* b) { return a->number < b->number; });
    l.tokens.clear();
    l.starts.assign(c.rates.size(), {});
    for (const RateLimit& r : c.rates) l.tokens.push_back(static_cast<unsigned __int128>(r.burst ? r.burst : r.count) * r.per_ns);
    l.last_refill = now_;
  }

 private:
  static constexpr uint64_t kLanes = 8;
  uint64_t below(uint64_t n) { return std::uniform_int_distribution<uint64_t>(0, n - 1)(random_); }

  void pass_time() { now_ += 1 + below(below(4) == 0 ? 3'000 : 100); }

  void push() {
    if (lanes_.empty()) return;
    const auto id = static_cast<LaneId>(below(lanes_.size()));
    ModelLane& l = lanes_[id];
    if (l.waiting.size() + l.delayed.size() > 30) return;
    jobs_.push_back(std::make_unique<ModelJob>());
    ModelJob* j = jobs_.back().get();
    j->job.lane = id;
    j->job.key = below(4);
    j->job.priority = static_cast<uint8_t>(below(4));
    j->job.submitted_ns = now_ += 1;  // so that age and order of arrival are one
    j->number = ++numbers_;
    ++l.submitted;
    if (below(8) == 0) {
      j->delayed_until = now_ + 1 + below(2'000);
      schedule_.delay(&j->job, j->delayed_until);
      l.delayed.push_back(j);
      return;
    }
    schedule_.push(&j->job, now_);
    l.waiting.push_back(j);
  }

  void cancel() {
    if (jobs_.empty()) return;
    ModelJob* j = jobs_[below(jobs_.size())].get();
    ModelLane& l = lanes_[j->job.lane];
    release_due();
    (void)schedule_.can_take(now_);  // both have seen what is due by now
    const bool was_there = std::erase(l.waiting, j) + std::erase(l.delayed, j) > 0;
    ASSERT_EQ(schedule_.cancel(&j->job), was_there);
  }

  void pause_or_resume() {
    if (lanes_.empty()) return;
    const auto id = static_cast<LaneId>(below(lanes_.size()));
    lanes_[id].paused = below(2) == 0;
    if (lanes_[id].paused) schedule_.pause(id);
    else schedule_.resume(id);
  }

  void release_due() {
    for (ModelLane& l : lanes_) {
      for (ModelJob* j : std::vector(l.delayed)) {
        if (j->delayed_until > now_) continue;
        std::erase(l.delayed, j);
        l.waiting.push_back(j);
      }
    }
  }

  uint8_t level_of(const ModelLane& l, const ModelJob& j) const {
    const Boost& b = l.config.boost;
    if (b.within_ns == 0) return static_cast<uint8_t>(l.config.priority);
    const uint64_t due = j.job.submitted_ns + b.within_ns;
    if (due <= now_) return 0;
    uint32_t up = 0;
    for (const auto& step : b.steps) {
      if (due - now_ <= b.within_ns * step.percent_left / 100) up = step.levels;
    }
    return static_cast<uint8_t>(l.config.priority - std::min(l.config.priority, up));
  }

  void refill(ModelLane& l) {
    for (size_t i = 0; i < l.tokens.size(); ++i) {
      const RateLimit& r = l.config.rates[i];
      const auto most = static_cast<unsigned __int128>(r.burst ? r.burst : r.count) * r.per_ns;
      l.tokens[i] = std::min(most, l.tokens[i] + static_cast<unsigned __int128>(now_ - l.last_refill) * r.count);
      while (!l.starts[i].empty() && l.starts[i].front() + r.per_ns <= now_) l.starts[i].pop_front();
    }
    l.last_refill = now_;
  }
  bool rate_allows(ModelLane& l) {
    refill(l);
    for (size_t i = 0; i < l.tokens.size(); ++i) {
      const RateLimit& r = l.config.rates[i];
      if (r.kind == RateLimit::Kind::kWindow ? l.starts[i].size() >= r.count : l.tokens[i] < r.per_ns) return false;
    }
    return true;
  }

  // What counts of each lane's min_concurrency.
  std::vector<uint32_t> reserved() const {
    std::vector<size_t> order;
    for (size_t i = 0; i < lanes_.size(); ++i) order.push_back(i);
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return lanes_[a].config.priority < lanes_[b].config.priority; });
    std::vector<uint32_t> out(lanes_.size());
    uint32_t left = slots_;
    for (const size_t i : order) {
      out[i] = std::min(lanes_[i].config.min_concurrency, left - 1);
      left -= out[i];
    }
    return out;
  }

  void take() {
    release_due();
    const std::vector<uint32_t> kept = reserved();
    uint32_t running = 0, owed_in_all = 0;
    for (size_t i = 0; i < lanes_.size(); ++i) {
      running += lanes_[i].running;
      if (!lanes_[i].paused && kept[i] > lanes_[i].running) owed_in_all += kept[i] - lanes_[i].running;
    }
    const bool only_owed = slots_ - running <= owed_in_all;
    unsigned best = 256;
    const auto may = [&](size_t i) {
      ModelLane& l = lanes_[i];
      if (running >= slots_ || l.paused || l.waiting.empty() || l.running >= std::min(l.config.max_concurrency, slots_)) return false;
      return (!only_owed || kept[i] > l.running) && rate_allows(l);
    };
    for (size_t i = 0; i < lanes_.size(); ++i) {
      if (!may(i)) continue;
      for (const ModelJob* j : lanes_[i].waiting) best = std::min<unsigned>(best, level_of(lanes_[i], *j));
    }
    const auto most = static_cast<uint32_t>(1 + below(4));
    const Schedule::Batch batch = schedule_.take(now_, most);
    ASSERT_EQ(batch.count == 0, best == 256) << "something may start, or nothing may";
    if (batch.count == 0) return;
    ASSERT_LE(batch.count, most);
    ASSERT_EQ(batch.level, best);
    ASSERT_TRUE(may(batch.lane));
    ModelLane& l = lanes_[batch.lane];
    for (Job* job = batch.first; job; job = job->next) {
      const auto at = std::find_if(l.waiting.begin(), l.waiting.end(), [&](ModelJob* j) { return &j->job == job; });
      ASSERT_NE(at, l.waiting.end()) << "a job that waits, and only once";
      ASSERT_EQ(level_of(l, **at), best);
      for (const ModelJob* other : l.waiting) {
        if (l.config.boost.within_ns > 0 && level_of(l, *other) != best) continue;
        if (l.config.order == LaneOrder::kPriority) {
          ASSERT_LE(job->priority, other->job.priority);
        }
        const bool same = l.config.order == LaneOrder::kFifo || (l.config.order == LaneOrder::kPriority && other->job.priority == job->priority) ||
                          (l.config.order == LaneOrder::kFair && other->job.key == job->key);
        if (same && l.config.boost.within_ns == 0 && other->delayed_until == 0 && (*at)->delayed_until == 0) {
          ASSERT_LE((*at)->number, other->number);
        }
      }
      l.waiting.erase(at);
      ++l.started;
    }
    for (size_t i = 0; i < l.tokens.size(); ++i) {
      if (l.config.rates[i].kind == RateLimit::Kind::kWindow) l.starts[i].push_back(now_);
      else l.tokens[i] -= l.config.rates[i].per_ns;
    }
    ++l.running;
    batches_.push_back(batch);
  }

  void done() {
    if (batches_.empty()) return;
    const auto at = batches_.begin() + static_cast<ptrdiff_t>(below(batches_.size()));
    Schedule::Batch batch = *at;
    ModelLane& l = lanes_[batch.lane];
    const auto ended = static_cast<uint32_t>(1 + below(batch.count));
    for (uint32_t i = 0; i < ended; ++i) batch.first = batch.first->next;
    batch.count -= ended;
    for (Job* job = batch.first; job; job = job->next) {
      l.waiting.push_back(reinterpret_cast<ModelJob*>(job));
      --l.started;
    }
    schedule_.give_back(batch, now_);
    schedule_.done(batch.lane, ended);
    l.completed += ended;
    --l.running;
    batches_.erase(at);
  }

  std::mt19937_64 random_;
  const unsigned slots_;
  Schedule schedule_;
  uint64_t now_ = 1'000'000;
  uint64_t numbers_ = 0;
  std::vector<ModelLane> lanes_;
  std::vector<std::unique_ptr<ModelJob>> jobs_;
  std::vector<Schedule::Batch> batches_;
};

TEST(ScheduleModel, OrderLimitsRatesAndCountsAreAlwaysAsTheModelSays) {
  const char* const wanted = std::getenv("HEDDLE_MODEL_STEPS");
  const uint64_t steps = wanted ? std::strtoull(wanted, nullptr, 10) : 1'000'000;
  constexpr uint64_t kPerRun = 2'000;  // jobs of a run are kept to its end
  for (uint64_t seed = 1; seed <= (steps + kPerRun - 1) / kPerRun; ++seed) {
    Model model(seed, static_cast<unsigned>(1 + seed % 5));
    for (int i = 0; i < 4; ++i) model.add();
    for (uint64_t n = 0; n < kPerRun; ++n) {
      model.step();
      if (n % 16 == 0) model.check();
      if (testing::Test::HasFatalFailure()) FAIL() << "seed " << seed << ", step " << n;
    }
  }
}

}  // namespace
}  // namespace heddle
