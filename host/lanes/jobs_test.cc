#include "lanes/jobs.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <semaphore>
#include <thread>

namespace heddle {
namespace {

constexpr uint64_t kLong = 60'000;

struct Bench {
  explicit Bench(unsigned threads = 2) : lanes(threads), jobs(lanes) {
    jobs.add_type("echo", [](JobRun run) { run.complete(run.payload()); });
    jobs.add_type("fail", [this](JobRun run) {
      ++attempts;
      run.complete(Error("no-luck", "no luck", ErrorClass::kRetryable));
    });
    jobs.add_type("gate", [this](JobRun run) {  // holds its worker until the gate is opened
      entered.release();
      gate.acquire();
      run.complete(Value::integer(run.attempt()));
    });
    jobs.add_type("later", [this](JobRun run) {  // holds no worker
      std::lock_guard lock(mutex);
      open.push_back(run);
      entered.release();
    });
    jobs.add_type("obeys", [this](JobRun run) {
      run.on_stop([run](JobRun::Stop) { run.complete(Error("stopped", "told to stop")); });
      entered.release();
    });
  }
  ~Bench() { jobs.shutdown(0); }
  LaneId lane(LaneConfig config, JobPolicy policy = {}) {
    const LaneId id = *lanes.add(config);
    jobs.set_policy(id, policy);
    return id;
  }
  JobId submit(JobSpec spec) {
    const auto id = jobs.submit(std::move(spec));
    EXPECT_TRUE(id) << (id ? "" : id.error().message);
    return id ? *id : 0;
  }
  JobView over(JobId id) {
    const auto view = jobs.wait(id, kLong);
    EXPECT_TRUE(view);
    return view.value_or(JobView());
  }
  std::string refused(JobSpec spec) {
    const auto id = jobs.submit(std::move(spec));
    return id ? std::string() : id.error().code;
  }

  Lanes lanes;
  std::atomic<int> attempts{0};
  std::counting_semaphore<> entered{0}, gate{0};
  std::mutex mutex;
  std::vector<JobRun> open;
  Jobs jobs;
};

TEST(Jobs, GiveTheirResult) {
  Bench b;
  const JobView view = b.over(b.submit({.type = "echo", .payload = Value::integer(7)}));
  EXPECT_EQ(view.state, JobState::kDone);
  EXPECT_EQ(view.result.as_int(), 7);
  EXPECT_EQ(view.attempt, 1u);
}

TEST(Jobs, AreRefusedForAReason) {
  Bench b;
  EXPECT_EQ(b.refused({.type = "nothing"}), "no-type");
  EXPECT_EQ(b.refused({.type = "echo", .lane = "nowhere"}), "no-lane");
  EXPECT_EQ(b.refused({.type = "echo", .after = {4711}}), "no-job");
  EXPECT_EQ(b.refused({.type = "echo", .payload = *Value::string(std::string(2 << 20, 'x'))}), "too-large");
}

TEST(Jobs, ASecondSubmitWithTheSameKeyIsTheFirstJob) {
  Bench b;
  const JobId first = b.submit({.type = "echo", .payload = Value::integer(1), .idempotency_key = "k"});
  EXPECT_EQ(b.submit({.type = "echo", .payload = Value::integer(2), .idempotency_key = "k"}), first);
  EXPECT_EQ(b.over(first).result.as_int(), 1);
}

TEST(Jobs, AreTriedAgainAndEndAmongTheDeadWithTheirHistory) {
  Bench b;
  const LaneId lane = b.lane({.name = "l"}, {.retry = fixed(2, kNsPerMs)});
  const JobId id = b.submit({.type = "fail", .lane = "l", .payload = Value::integer(5)});
  const JobView view = b.over(id);
  EXPECT_EQ(view.state, JobState::kDead);
  EXPECT_EQ(view.failed_attempts.size(), 3u);
  EXPECT_EQ(b.attempts, 3);
  EXPECT_EQ(b.jobs.counts(lane).retried, 2u);
  ASSERT_EQ(b.jobs.dead().size(), 1u);
  EXPECT_TRUE(b.jobs.requeue(id));
  EXPECT_EQ(b.over(id).state, JobState::kDead);
  EXPECT_EQ(b.attempts, 6);
  EXPECT_TRUE(b.jobs.discard(id));
  EXPECT_FALSE(b.jobs.discard(id));
  EXPECT_TRUE(b.jobs.dead().empty());
}

TEST(Acceptance, A03_AJobThatThrowsFreesItsSlotFailsAndIsTold) {
  Bench b(1);
  b.lane({.name = "one", .max_concurrency = 1});
  b.jobs.add_type("throws", [](JobRun) { throw std::runtime_error("oh"); });
  const auto events = b.jobs.subscribe({.prefix = "queue.job.failed"});
  const JobView view = b.over(b.submit({.type = "throws", .lane = "one"}));
  EXPECT_EQ(view.state, JobState::kDead);
  EXPECT_NE(view.error->message.find("oh"), std::string::npos);
  EXPECT_TRUE(events->take(kLong));
  EXPECT_EQ(b.over(b.submit({.type = "echo", .lane = "one"})).state, JobState::kDone);
}

TEST(Acceptance, A07_ASlowSubscriberSeesTheExactGap) {
  Bench b;
  const auto slow = b.jobs.subscribe({.prefix = "queue.job.completed"}, 2);
  for (int i = 0; i < 5; ++i) b.over(b.submit({.type = "echo"}));
  EXPECT_EQ(slow->take(0)->lost, 0u);
  EXPECT_EQ(slow->take(0)->lost, 0u);
  EXPECT_FALSE(slow->take(0));
  b.over(b.submit({.type = "echo"}));
  const auto next = slow->take(kLong);
  ASSERT_TRUE(next);
  EXPECT_EQ(next->lost, 3u);
  EXPECT_LT(next->gap_from, next->gap_to);
  EXPECT_LT(next->gap_to, next->event.number);
}

TEST(Acceptance, A13_TheDeadKeepTheirPayload) {
  Bench b;
  std::atomic<bool> good{false};
  b.jobs.add_type("moody", [&](JobRun run) {
    if (good) run.complete(run.payload());
    else run.complete(Error("bad-day", "a bad day", ErrorClass::kPermanent));
  });
  const JobId id = b.submit({.type = "moody", .payload = Value::integer(42)});
  EXPECT_EQ(b.over(id).state, JobState::kDead);
  good = true;
  EXPECT_TRUE(b.jobs.requeue(id));
  EXPECT_EQ(b.over(id).result.as_int(), 42);
}

TEST(Jobs, WaitForThoseTheyDependOn) {
  Bench b(1);
  const JobId first = b.submit({.type = "gate"});
  b.entered.acquire();
  const JobId second = b.submit({.type = "echo", .after = {first}});
  EXPECT_EQ(b.jobs.find(second)->state, JobState::kBlocked);
  b.gate.release();
  EXPECT_EQ(b.over(second).state, JobState::kDone);
  const JobId dead = b.submit({.type = "fail"});
  b.over(dead);
  EXPECT_EQ(b.over(b.submit({.type = "echo", .after = {first, dead}})).error->code, "dependency");
}

TEST(Jobs, AWaitingOneIsCancelledAtOnceAndARunningOneIsTold) {
  Bench b(1);
  const JobId running = b.submit({.type = "gate"});
  b.entered.acquire();
  const JobId waiting = b.submit({.type = "echo"});
  EXPECT_TRUE(b.jobs.cancel(waiting));
  EXPECT_EQ(b.jobs.find(waiting)->state, JobState::kCancelled);
  EXPECT_FALSE(b.jobs.cancel(waiting));
  b.gate.release();
  EXPECT_EQ(b.over(running).state, JobState::kDone);
  const JobId obeys = b.submit({.type = "obeys"});
  b.entered.acquire();
  EXPECT_TRUE(b.jobs.cancel(obeys));
  EXPECT_EQ(b.over(obeys).state, JobState::kCancelled);
}

TEST(Jobs, OneThatDoesNotStopIsGivenUpAfterItsGraceAndItsWorkerIsReplaced) {
  Bench b(1);
  const LaneId lane = b.lane({.name = "l"}, {.grace_ns = 10 * kNsPerMs});
  const JobId id = b.submit({.type = "gate", .lane = "l"});
  b.entered.acquire();
  EXPECT_TRUE(b.jobs.cancel(id));
  EXPECT_EQ(b.over(id).state, JobState::kCancelled);
  EXPECT_EQ(b.jobs.counts(lane).given_up, 1u);
  EXPECT_EQ(b.over(b.submit({.type = "echo", .lane = "l"})).state, JobState::kDone) << "on a new worker";
  b.gate.release();
  while (b.lanes.abandoned() != 0) std::this_thread::yield();
}

TEST(Jobs, AnAttemptHasItsTime) {
  Bench b;
  const LaneId lane = b.lane({.name = "l"}, {.timeout_ns = 5 * kNsPerMs, .retry = fixed(1, 0)});
  const JobView view = b.over(b.submit({.type = "obeys", .lane = "l"}));
  EXPECT_EQ(view.state, JobState::kDead);
  EXPECT_EQ(view.failed_attempts.size(), 2u);
  EXPECT_EQ(b.jobs.counts(lane).timed_out, 2u);
}

TEST(Jobs, OneThatAnswersLaterHoldsItsPlaceInTheLaneButNoWorker) {
  Bench b(1);
  b.lane({.name = "l", .max_concurrency = 1});
  const JobId first = b.submit({.type = "later", .lane = "l"});
  b.entered.acquire();
  const JobId second = b.submit({.type = "echo", .lane = "l"});
  EXPECT_EQ(b.over(b.submit({.type = "echo"})).state, JobState::kDone) << "the only worker is free";
  EXPECT_EQ(b.jobs.find(second)->state, JobState::kWaiting);
  b.open[0].complete(Value::integer(1));
  EXPECT_EQ(b.over(first).state, JobState::kDone);
  EXPECT_EQ(b.over(second).state, JobState::kDone);
  b.open[0].complete(Value::integer(2));
  EXPECT_EQ(b.jobs.find(first)->result.as_int(), 1) << "the first answer stands";
}

TEST(Jobs, ALaneThatIsFullRejectsOrShedsOrBlocks) {
  Bench b(1);
  const LaneId rejects = b.lane({.name = "rejects", .depth = 2});
  const LaneId sheds = b.lane({.name = "sheds", .depth = 2, .when_full = LaneFull::kShedOldest});
  b.lane({.name = "blocks", .depth = 1, .when_full = LaneFull::kBlock});
  const JobId gate = b.submit({.type = "gate"});
  b.entered.acquire();
  for (int i = 0; i < 2; ++i) b.submit({.type = "echo", .lane = "rejects"});
  EXPECT_EQ(b.refused({.type = "echo", .lane = "rejects"}), "lane-full");
  EXPECT_EQ(b.jobs.counts(rejects).rejected, 1u);
  const JobId oldest = b.submit({.type = "echo", .lane = "sheds"});
  for (int i = 0; i < 2; ++i) b.submit({.type = "echo", .lane = "sheds"});
  EXPECT_EQ(b.over(oldest).error->code, "shed");
  EXPECT_EQ(b.jobs.counts(sheds).shed, 1u);
  b.submit({.type = "echo", .lane = "blocks"});
  JobId blocked = 0;
  std::thread submitter([&] { blocked = b.submit({.type = "echo", .lane = "blocks"}); });
  b.gate.release();
  submitter.join();
  EXPECT_EQ(b.over(blocked).state, JobState::kDone);
  EXPECT_EQ(b.over(gate).state, JobState::kDone);
}

TEST(Jobs, AHigherLaneAsksTheLowestPreemptibleOneToGoBackWithItsCheckpoint) {
  Bench b(1);
  const LaneId low = b.lane({.name = "low", .priority = 9, .preemptible = true});
  std::atomic<int> begun{0};
  b.jobs.add_type("long", [&](JobRun run) {
    if (++begun == 2) return run.complete(run.checkpoint());
    run.progress({.percent = 50, .message = "half", .checkpoint = Value::integer(50)});
    b.entered.release();
    while (run.stop() == JobRun::Stop::kNo) std::this_thread::yield();
    EXPECT_EQ(run.stop(), JobRun::Stop::kPreempted);
    run.complete(Error("preempted", "goes back", ErrorClass::kRetryable));
  });
  const JobId slow = b.submit({.type = "long", .lane = "low"});
  b.entered.acquire();
  EXPECT_EQ(b.over(b.submit({.type = "echo", .lane = "control"})).state, JobState::kDone);
  const JobView view = b.over(slow);
  EXPECT_EQ(view.result.as_int(), 50);
  EXPECT_EQ(view.attempt, 1u) << "no attempt is lost";
  EXPECT_TRUE(view.failed_attempts.empty());
  EXPECT_EQ(b.jobs.counts(low).preempted, 1u);
}

TEST(Jobs, TimesAreThoseOfTheJobAlsoWhereItHoldsNoWorker) {
  Bench b(2);
  const LaneId lane = b.lane({.name = "l"});
  const JobId id = b.submit({.type = "later", .lane = "l", .not_before_ns = now_ns() + 20 * kNsPerMs});
  b.entered.acquire();
  const uint64_t from = now_ns();
  while (now_ns() - from < 30 * kNsPerMs) std::this_thread::yield();
  b.open[0].complete(Value());
  b.over(id);
  const LaneTimes times = b.jobs.times(lane);
  EXPECT_EQ(times.waited.count(), 1u);
  EXPECT_EQ(times.ran.count(), 1u);
  EXPECT_GE(times.ran.sum_ns(), 30 * kNsPerMs);
  EXPECT_GT(b.jobs.find(id)->started_ms, b.jobs.find(id)->submitted_ms);
}

TEST(Jobs, AlertsAreRaisedOnceAndClearedOnce) {
  Bench b(2);
  std::mutex mutex;
  std::condition_variable came;
  std::vector<std::string> told;
  b.jobs.on_alert([&](const Alert& alert) {
    std::lock_guard lock(mutex);
    told.push_back(alert.lane + " " + std::string(name_of(alert.kind)) + " " + std::string(name_of(alert.level)));
    came.notify_all();
  });
  const auto wait_for = [&](size_t count) {
    std::unique_lock lock(mutex);
    return came.wait_for(lock, std::chrono::milliseconds(kLong), [&] { return told.size() >= count; });
  };
  const LaneId lane = b.lane({.name = "l"}, {.alerts = {.depth = {3, 0}, .failure_percent = {50, 0}, .oldest_ms = {1, 0}}});
  const auto events = b.jobs.subscribe({.prefix = "queue.lane."});
  b.lanes.pause(lane);
  std::vector<JobId> ids;
  for (int i = 0; i < 10; ++i) ids.push_back(b.submit({.type = "echo", .lane = "l"}));
  ASSERT_TRUE(wait_for(2));
  std::sort(told.begin(), told.end());
  EXPECT_EQ(told, (std::vector<std::string>{"l depth warning", "l oldest warning"}));
  EXPECT_EQ(b.jobs.alerts().size(), 2u);
  b.lanes.resume(lane);
  ASSERT_TRUE(wait_for(4));
  std::sort(told.begin() + 2, told.end());
  EXPECT_EQ(told[2], "l depth over");
  EXPECT_EQ(told[3], "l oldest over");
  EXPECT_TRUE(b.jobs.alerts().empty());
  b.jobs.set_policy(lane, {.alerts = {.failure_percent = {50, 0}}});
  for (int i = 0; i < 20; ++i) b.over(b.submit({.type = "fail", .lane = "l"}));
  ASSERT_TRUE(wait_for(5));
  EXPECT_EQ(told[4], "l failures warning");
  EXPECT_EQ(told.size(), 5u);
  EXPECT_EQ(events->take(kLong)->event.key, "queue.lane.paused");
}

TEST(Jobs, ALaneUnderPressureSaysSoOnceAndWhenItIsEmptyAgain) {
  Bench b(1);
  const LaneId lane = b.lane({.name = "l", .pressure_threshold = 3});
  const auto events = b.jobs.subscribe({.prefix = "queue.lane."});
  b.lanes.pause(lane);
  for (int i = 0; i < 6; ++i) b.submit({.type = "echo", .lane = "l"});
  b.lanes.resume(lane);
  std::vector<std::string> keys;
  while (keys.empty() || keys.back() != "queue.lane.idle") keys.push_back(events->take(kLong).value().event.key);
  std::sort(keys.begin(), keys.end());
  EXPECT_EQ(keys, (std::vector<std::string>{"queue.lane.idle", "queue.lane.paused", "queue.lane.pressure", "queue.lane.resumed"}));
}

TEST(Jobs, TenThousandCancelsAtOnceLeaveNothingBehind) {
  Bench b;
  std::vector<JobId> ids;
  for (int i = 0; i < 10'000; ++i) ids.push_back(b.submit({.type = "echo"}));
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (size_t i = t; i < ids.size(); i += 4) b.jobs.cancel(ids[i]);
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(b.jobs.shutdown(kLong).running, 0u);
  const JobCounts counts = b.jobs.counts(*b.lanes.find("default"));
  EXPECT_EQ(counts.done + counts.cancelled, 10'000u);
}

TEST(Jobs, ShutdownDrainsThenCancelsAndSaysWhatWasLeft) {
  Bench b(1);
  b.lane({.name = "l"}, {.grace_ns = kNsPerMs});
  b.submit({.type = "gate", .lane = "l"});
  b.entered.acquire();
  b.submit({.type = "echo", .lane = "l"});
  const auto left = b.jobs.shutdown(1);
  EXPECT_EQ(left.running, 1u);
  EXPECT_EQ(left.waiting, 1u);
  EXPECT_EQ(b.refused({.type = "echo"}), "closed");
  b.gate.release();
  while (b.lanes.abandoned() != 0) std::this_thread::yield();
}

TEST(Acceptance, A05_DrainWaitsForJobsInBackOff) {
  Bench b;
  b.lane({.name = "l"}, {.retry = fixed(1, 30 * kNsPerMs)});
  std::atomic<int> begun{0};
  b.jobs.add_type("second-time", [&](JobRun run) {
    if (++begun == 2) return run.complete(Value::integer(2));
    run.complete(Error("not-yet", "not yet", ErrorClass::kRetryable));
    b.entered.release();
  });
  const JobId id = b.submit({.type = "second-time", .lane = "l"});
  b.entered.acquire();
  const auto left = b.jobs.shutdown(kLong);
  EXPECT_EQ(left.waiting + left.running, 0u);
  EXPECT_EQ(b.jobs.find(id)->state, JobState::kDone);
}

}  // namespace
}  // namespace heddle
