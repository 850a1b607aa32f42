#include "serve/job_waits.h"

#include <atomic>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "serve/job_answers.h"

namespace heddle {

struct JobWaits::State : std::enable_shared_from_this<State> {
  struct Wait {
    Request request;
    Errands::Id alarm = 0;
    bool is_new = false;
  };
  using Waits = std::map<uint64_t, Wait>;

  State(Jobs& j, Errands& e) : jobs(j), errands(e) {}

  Waits take(JobId id) {
    std::lock_guard lock(mutex);
    const auto found = by_job.find(id);
    if (found == by_job.end()) return {};
    Waits all = std::move(found->second);
    by_job.erase(found);
    return all;
  }
  std::optional<Wait> take(JobId id, uint64_t number) {
    std::lock_guard lock(mutex);
    const auto job = by_job.find(id);
    if (job == by_job.end()) return std::nullopt;
    auto node = job->second.extract(number);
    return node ? std::optional(std::move(node.mapped())) : std::nullopt;
  }
  void over(JobId id, const std::optional<JobView>& view) {
    for (auto& [number, wait] : take(id)) {
      errands.take_back(wait.alarm);
      answer_job(wait.request, id, view, false);
    }
  }
  void late(JobId id, uint64_t number) {
    if (auto wait = take(id, number)) answer_as_it_is(*wait, id);
  }
  void answer_as_it_is(Wait& wait, JobId id) {
    const auto view = jobs.find(id);
    answer_job(wait.request, id, view, wait.is_new && view && !is_over(view->state));
  }

  Jobs& jobs;
  Errands& errands;
  std::mutex mutex;
  // Guarded by mutex. A job stays here until it is over, though nobody waits any more: so it is watched once, however often somebody asks.
  std::map<JobId, Waits> by_job;
  bool closed = false;
  std::atomic<uint64_t> last_number{0};
};

JobWaits::JobWaits(Jobs& jobs, Errands& errands) : state_(std::make_shared<State>(jobs, errands)) {}
JobWaits::~JobWaits() { close(); }

void JobWaits::wait(JobId id, uint64_t timeout_ms, Request request, bool is_new) {
  State& s = *state_;
  const std::weak_ptr<State> weak = s.weak_from_this();
  const uint64_t number = ++s.last_number;
  const auto drop = [weak, id, number] {
    const auto all = weak.lock();
    if (!all) return;
    if (auto wait = all->take(id, number)) all->errands.take_back(wait->alarm);
  };
  request.on_gone(drop);
  bool is_kept = false, is_first = false, is_gone = false;
  {
    std::lock_guard lock(s.mutex);
    if (!s.closed && timeout_ms > 0) {
      const auto alarm = s.errands.at(now_ns() + timeout_ms * kNsPerMs, [weak, id, number] {
        if (const auto all = weak.lock()) all->late(id, number);
      });
      is_gone = request.is_gone();  // then it was told before the wait was here
      const auto [job, fresh] = s.by_job.try_emplace(id);
      job->second.emplace(number, State::Wait{std::move(request), alarm, is_new});
      is_first = fresh;
      is_kept = true;
    }
  }
  if (!is_kept) return answer_job(request, id, s.jobs.find(id), is_new);
  if (is_gone) drop();
  if (!is_first) return;
  s.jobs.when_over(id, [weak, id](std::optional<JobView> view) {
    if (const auto all = weak.lock()) all->over(id, view);
  });
}

void JobWaits::close() {
  std::map<JobId, State::Waits> all;
  {
    std::lock_guard lock(state_->mutex);
    state_->closed = true;
    all = std::exchange(state_->by_job, {});
  }
  for (auto& [id, waits] : all) {
    for (auto& [number, wait] : waits) {
      state_->errands.take_back(wait.alarm);
      state_->answer_as_it_is(wait, id);
    }
  }
}

}  // namespace heddle
