#include "lanes/job_journal.h"

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <map>
#include <mutex>
#include <semaphore>
#include <thread>

#include "lanes/jobs.h"

namespace heddle {
namespace {

constexpr uint64_t kLong = 20'000;

// A journal in a map. Answers are given at once, or kept until they are let go; writes can be made to fail.
class MapJournal : public JobJournal {
 public:
  void write(std::vector<Change> changes, Done done) override {
    std::unique_lock lock(mutex_);
    if (holds_) {
      held_.emplace_back(std::move(changes), std::move(done));
      came_.release();
      return;
    }
    Result<void> outcome = apply(changes);
    lock.unlock();
    done(std::move(outcome));
  }
  Result<void> read(const std::function<Result<void>(JobId, std::string_view)>& each) override {
    for (const auto& [id, record] : records_) {
      if (auto read = each(id, record); !read) return read;
    }
    return {};
  }

  void hold() {
    std::lock_guard lock(mutex_);
    holds_ = true;
  }
  void wait_for_a_write() { came_.acquire(); }
  void let_go() {
    std::deque<std::pair<std::vector<Change>, Done>> held;
    std::unique_lock lock(mutex_);
    holds_ = false;
    held.swap(held_);
    for (auto& [changes, done] : held) {
      Result<void> outcome = apply(changes);
      lock.unlock();
      done(std::move(outcome));
      lock.lock();
    }
  }
  void fail(int times) {
    std::lock_guard lock(mutex_);
    failures_ = times;
  }
  std::map<JobId, std::string> records() const {
    std::lock_guard lock(mutex_);
    return records_;
  }
  void put(JobId id, std::string record) { records_[id] = std::move(record); }
  size_t jobs() const {
    const auto all = records();
    return all.size() - all.count(0);
  }

 private:
  Result<void> apply(const std::vector<Change>& changes) {
    if (failures_ > 0) {
      --failures_;
      return Error("exhausted", "the disk is full", ErrorClass::kRetryable);
    }
    for (const Change& c : changes) {
      if (c.record.empty()) records_.erase(c.id);
      else records_[c.id] = c.record;
    }
    return {};
  }
  mutable std::mutex mutex_;
  std::counting_semaphore<> came_{0};
  std::map<JobId, std::string> records_;
  std::deque<std::pair<std::vector<Change>, Done>> held_;
  bool holds_ = false;
  int failures_ = 0;
};

// A host's life with that journal; the next one begins where this one ended.
struct Host {
  explicit Host(std::shared_ptr<MapJournal> j, Jobs::Settings settings = {}, bool has_type = true) : journal(std::move(j)), lanes(2), jobs(lanes, settings) {
    add_lane("sure", {.durability = Durability::kDurable, .retry = fixed(2, kNsPerMs)});
    add_lane("quick", {.durability = Durability::kWritten});
    if (has_type) add_type();
    auto back = jobs.restore(journal);
    EXPECT_TRUE(back) << back.error().text();
    if (back) restored = *back;
  }
  ~Host() { jobs.shutdown(0); }
  void add_lane(const std::string& name, JobPolicy policy) { jobs.set_policy(*lanes.add({.name = name}), policy); }
  void add_type() {
    jobs.add_type("echo", [this](JobRun run) {
      ++begun;
      run.complete(run.payload());
    });
    jobs.add_type("gate", [this](JobRun run) {
      ++begun;
      entered.release();
      gate.acquire();
      run.complete(Value::boolean(true));
    });
    jobs.add_type("traced", [](JobRun run) {
      const auto trace = run.trace();
      run.complete(Value::string(trace ? trace->traceparent() + " " + trace->state : "none"));
    });
    jobs.add_type("fail", [this](JobRun run) {
      ++begun;
      run.complete(Error("no", "no luck", ErrorClass::kRetryable));
    });
    jobs.add_type("obeys", [this](JobRun run) {
      run.progress({.percent = 50, .message = "half", .checkpoint = Value::integer(7)});
      run.on_stop([run](JobRun::Stop) { run.complete(Error("stopped", "told to", ErrorClass::kCancelled)); });
      entered.release();
    });
  }
  JobId submit(JobSpec spec) {
    const auto id = jobs.submit(std::move(spec));
    EXPECT_TRUE(id) << id.error().text();
    return id ? *id : 0;
  }
  JobView done(JobId id) {
    const auto view = jobs.wait(id, kLong);
    EXPECT_TRUE(view);
    return view.value_or(JobView());
  }
  std::shared_ptr<MapJournal> journal;
  std::atomic<int> begun{0};
  std::counting_semaphore<> entered{0}, gate{0};
  Lanes lanes;
  Jobs jobs;
  Jobs::Restored restored;
};

std::shared_ptr<MapJournal> journal() { return std::make_shared<MapJournal>(); }
Value number(int n) { return Value::integer(n); }

TEST(DurableJobs, AreWrittenBeforeTheirSubmitIsAnswered) {
  Host h(journal());
  for (const char* lane : {"sure", "quick"}) {
    h.journal->hold();
    std::atomic<bool> accepted{false};
    h.jobs.submit({.type = "echo", .lane = lane, .payload = number(1)}, [&](Result<Jobs::Accepted> a) { accepted = a.has_value(); });
    h.journal->wait_for_a_write();
    EXPECT_FALSE(accepted);
    h.journal->let_go();
    EXPECT_TRUE(accepted);
  }
}

TEST(DurableJobs, ADurableLaneBeginsNothingThatIsNotOnTheMedium) {
  Host h(journal());
  h.journal->hold();
  JobId id = 0;
  h.jobs.submit({.type = "echo", .lane = "sure"}, [&](Result<Jobs::Accepted> a) { id = a ? a->id : 0; });
  h.journal->wait_for_a_write();
  EXPECT_EQ(h.begun, 0);
  h.journal->let_go();
  h.done(id);
  EXPECT_EQ(h.begun, 1);
}

TEST(DurableJobs, AnEndIsToldWhenItIsWritten) {
  Host h(journal());
  const JobId id = h.submit({.type = "gate", .lane = "sure"});
  h.entered.acquire();
  h.journal->hold();
  h.gate.release();
  h.journal->wait_for_a_write();
  EXPECT_EQ(h.jobs.find(id)->state, JobState::kEnding);
  EXPECT_FALSE(h.jobs.wait(id, 1));
  h.journal->let_go();
  EXPECT_EQ(h.done(id).state, JobState::kDone);
}

TEST(DurableJobs, ComeBackWithPayloadKeyPriorityAndDelay) {
  const auto j = journal();
  JobId waits, delayed;
  {
    Host h(j);
    h.lanes.pause(*h.lanes.find("sure"));
    waits = h.submit({.type = "echo", .lane = "sure", .payload = *Value::parse(R"({"a":[1,2.50,"é"]})"), .priority = 3, .idempotency_key = "k"});
    delayed = h.submit({.type = "echo", .lane = "sure", .not_before_ns = now_ns() + 3'600 * kNsPerSecond});
    EXPECT_EQ(h.jobs.shutdown(kLong).waiting, 2u);
  }
  Host h(j);
  EXPECT_EQ(h.restored.waiting, 2u);
  const JobView view = h.done(waits);
  EXPECT_EQ(view.state, JobState::kDone);
  EXPECT_EQ(view.result.json(), R"({"a":[1,2.50,"é"]})");
  EXPECT_EQ(view.priority, 3);
  EXPECT_EQ(h.submit({.type = "echo", .lane = "sure", .idempotency_key = "k"}), waits);
  EXPECT_EQ(h.jobs.find(delayed)->state, JobState::kWaiting);
  EXPECT_GT(h.jobs.find(delayed)->not_before_ms, wall_ms() + 3'500'000);
  const JobId next = h.submit({.type = "echo", .lane = "sure"});
  EXPECT_GT(next, delayed);
  EXPECT_LT(next, delayed + 10) << "after a clean end no ids are left out";
}

TEST(DurableJobs, StayAPartOfTheTraceTheyWereSubmittedIn) {
  const auto j = journal();
  const auto trace = read_trace("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", "a=1");
  JobId id;
  {
    Host h(j);
    h.lanes.pause(*h.lanes.find("sure"));
    id = h.submit({.type = "traced", .lane = "sure", .trace = trace});
    EXPECT_EQ(h.jobs.shutdown(kLong).waiting, 1u);
  }
  Host h(j);
  EXPECT_EQ(h.done(id).result.as_text(), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00 a=1");
  EXPECT_EQ(h.done(h.submit({.type = "traced", .lane = "quick"})).result.as_text(), "none");
}

TEST(DurableJobs, KeepWhatFailedAndWhenTheyAreTriedAgain) {
  const auto j = journal();
  JobId id;
  {
    Host h(j);
    h.jobs.set_policy(*h.lanes.find("sure"), {.durability = Durability::kDurable, .retry = fixed(1, 3'600 * kNsPerSecond)});
    const auto events = h.jobs.subscribe({.prefix = "queue.job.retry"});
    id = h.submit({.type = "fail", .lane = "sure"});
    ASSERT_TRUE(events->take(kLong));
    while (h.jobs.find(id)->failed_attempts.empty()) std::this_thread::yield();
  }
  Host h(j);
  const JobView view = *h.jobs.find(id);
  ASSERT_EQ(view.failed_attempts.size(), 1u);
  EXPECT_EQ(view.failed_attempts[0].error, "no luck");
  EXPECT_EQ(view.attempt, 1u);
  EXPECT_GT(view.not_before_ms, wall_ms() + 3'500'000);
}

TEST(DurableJobs, ADoneOneIsRememberedAndNotRunAgain) {
  const auto j = journal();
  JobId id;
  {
    Host h(j);
    id = h.submit({.type = "echo", .lane = "quick", .payload = number(5), .idempotency_key = "once"});
    h.done(id);
  }
  Host h(j);
  EXPECT_EQ(h.jobs.find(id)->result.as_int(), 5);
  EXPECT_EQ(h.submit({.type = "echo", .lane = "quick", .idempotency_key = "once"}), id);
  EXPECT_EQ(h.begun, 0);
}

TEST(DurableJobs, ADoneOneWithoutAKeyLeavesTheJournal) {
  const auto j = journal();
  Host h(j);
  const JobId id = h.submit({.type = "echo", .lane = "sure", .payload = number(5)});
  EXPECT_EQ(h.done(id).result.as_int(), 5);
  EXPECT_EQ(j->jobs(), 0u);
  EXPECT_EQ(h.jobs.find(id)->state, JobState::kDone) << "this host remembers it";
}

TEST(DurableJobs, TheDeadComeBackAndCanBeRequeued) {
  const auto j = journal();
  JobId id;
  {
    Host h(j);
    id = h.submit({.type = "fail", .lane = "sure", .payload = number(9)});
    EXPECT_EQ(h.done(id).state, JobState::kDead);
  }
  {
    Host h(j);
    ASSERT_EQ(h.jobs.dead().size(), 1u);
    EXPECT_EQ(h.jobs.dead()[0].payload.as_int(), 9);
    EXPECT_EQ(h.jobs.dead()[0].failed_attempts.size(), 3u);
    EXPECT_TRUE(h.jobs.requeue(id));
    EXPECT_EQ(h.done(id).state, JobState::kDead);
    EXPECT_EQ(h.begun, 3);
    EXPECT_TRUE(h.jobs.discard(id));
  }
  EXPECT_EQ(j->jobs(), 0u);
}

TEST(DurableJobs, OfATypeThatIsGoneAreKeptAndNamedAndGoOnWhenItIsBack) {
  const auto j = journal();
  JobId id;
  {
    Host h(j);
    h.lanes.pause(*h.lanes.find("sure"));
    id = h.submit({.type = "echo", .lane = "sure", .payload = number(2)});
  }
  Host h(j, {}, false);
  EXPECT_EQ(h.restored.stranded, 1u);
  EXPECT_EQ(h.restored.missing, (std::vector<std::string>{"type \"echo\" (1 job)"}));
  EXPECT_EQ(h.jobs.find(id)->state, JobState::kStranded);
  EXPECT_NE(h.jobs.find(id)->error->message.find("echo"), std::string::npos);
  h.add_type();
  EXPECT_EQ(h.done(id).result.as_int(), 2);
}

TEST(DurableJobs, OfALaneThatIsGoneAreKeptToo) {
  const auto j = journal();
  JobId id;
  {
    Host h(j);
    h.add_lane("extra", {.durability = Durability::kDurable});
    h.lanes.pause(*h.lanes.find("extra"));
    id = h.submit({.type = "echo", .lane = "extra", .payload = number(2)});
  }
  Host h(j);
  EXPECT_EQ(h.jobs.find(id)->state, JobState::kStranded);
  h.add_lane("extra", {});
  h.jobs.revive();
  EXPECT_EQ(h.done(id).result.as_int(), 2);
}

TEST(DurableJobs, WaitForEachOtherAcrossARestart) {
  const auto j = journal();
  JobId first, second;
  {
    Host h(j);
    h.lanes.pause(*h.lanes.find("sure"));
    first = h.submit({.type = "echo", .lane = "sure"});
    second = h.submit({.type = "echo", .lane = "quick", .after = {first}});
    EXPECT_EQ(h.jobs.find(second)->state, JobState::kBlocked);
  }
  Host h(j);
  EXPECT_EQ(h.done(second).state, JobState::kDone);
  EXPECT_EQ(h.jobs.find(first)->state, JobState::kDone);
}

TEST(DurableJobs, ARunningOneGoesOnFromItsCheckpointAfterAShutdown) {
  const auto j = journal();
  JobId id;
  {
    Host h(j);
    id = h.submit({.type = "obeys", .lane = "sure"});
    h.entered.acquire();
    const auto left = h.jobs.shutdown(1);
    EXPECT_EQ(left.running, 1u);
    EXPECT_EQ(h.jobs.find(id)->state, JobState::kWaiting);
  }
  Host h(j);
  h.entered.acquire();
  EXPECT_EQ(h.jobs.find(id)->attempt, 1u) << "the one that was broken off is not counted";
  EXPECT_EQ(h.jobs.find(id)->progress.checkpoint.as_int(), 7);
  EXPECT_TRUE(h.jobs.cancel(id));
  EXPECT_EQ(h.done(id).state, JobState::kCancelled);
}

TEST(DurableJobs, WhatCannotBeWrittenIsNotAccepted) {
  Host h(journal());
  for (const char* lane : {"sure", "quick"}) {
    h.journal->fail(1);
    const auto id = h.jobs.submit({.type = "echo", .lane = lane, .idempotency_key = lane});
    ASSERT_FALSE(id);
    EXPECT_EQ(id.error().code, "not-written");
    EXPECT_EQ(id.error().text(), "the job could not be written, and is not accepted: the disk is full");
    h.done(h.submit({.type = "echo", .lane = lane, .idempotency_key = lane}));
  }
}

TEST(DurableJobs, AnEndThatCannotBeWrittenIsWrittenLater) {
  Host h(journal());
  const JobId id = h.submit({.type = "gate", .lane = "sure"});
  h.entered.acquire();
  h.journal->fail(1);
  h.gate.release();
  EXPECT_EQ(h.done(id).state, JobState::kDone);
  EXPECT_EQ(h.begun, 1);
}

TEST(DurableJobs, TwoSubmitsWithOneKeyAreBothAnsweredWhenTheFirstIsWritten) {
  Host h(journal());
  h.journal->hold();
  std::atomic<int> new_ones{0}, old_ones{0};
  std::atomic<JobId> first{0}, second{0};
  const auto submit = [&](std::atomic<JobId>& id) {
    h.jobs.submit({.type = "echo", .lane = "sure", .idempotency_key = "k"}, [&](Result<Jobs::Accepted> a) {
      ++(a->is_new ? new_ones : old_ones);
      id = a->id;
    });
  };
  submit(first);
  submit(second);
  EXPECT_EQ(new_ones + old_ones, 0);
  h.journal->let_go();
  EXPECT_EQ(new_ones, 1);
  EXPECT_EQ(old_ones, 1);
  EXPECT_EQ(first, second);
}

TEST(DurableJobs, OnlySoManyEndedOnesStayInTheJournal) {
  const auto j = journal();
  {
    Host h(j, {.remembered = 16});
    for (int i = 0; i < 200; ++i) h.done(h.submit({.type = "echo", .lane = "quick", .idempotency_key = std::to_string(i)}));
  }
  EXPECT_LE(j->jobs(), 16u);
  EXPECT_GE(j->jobs(), 8u);
  Host h(j, {.remembered = 16});
  EXPECT_LE(h.restored.over, 16u);
}

TEST(DurableJobs, AnIdIsNotGivenAgainAfterAKill) {
  const auto j = journal();
  JobId last = 0;
  std::map<JobId, std::string> at_once;
  {
    Host h(j);
    for (int i = 0; i < 10'000; ++i) last = h.submit({.type = "echo", .lane = "quick"});
    h.done(last);
    at_once = j->records();  // what a kill would leave
  }
  const auto left = journal();
  for (const auto& [id, record] : at_once) left->put(id, record);
  Host h(left);
  EXPECT_GT(h.submit({.type = "echo", .lane = "quick"}), last);
}

TEST(DurableJobs, AFenceGrowsAcrossRestarts) {
  const auto j = journal();
  uint64_t last = 0;
  for (int i = 0; i < 3; ++i) {
    Host h(j);
    std::atomic<uint64_t> fence{0};
    h.jobs.add_type("fenced", [&](JobRun run) {
      fence = run.fence();
      run.complete(Value::null());
    });
    h.done(h.submit({.type = "fenced", .lane = "sure"}));
    EXPECT_GT(fence, last);
    last = fence;
  }
}

TEST(DurableJobs, AClockThatWentBackHoldsNothingUp) {
  const auto j = journal();
  const uint64_t written = wall_ms() + 24 * 3'600'000;  // by a clock that was a day ahead
  j->put(1, R"({"type":"echo","lane":"sure","durability":"durable","state":"waiting","written_ms":)" + std::to_string(written) + R"(,"not_before_ms":)" +
                std::to_string(written + 5) + "}");
  Host h(j);
  EXPECT_EQ(h.done(1).state, JobState::kDone);
}

TEST(DurableJobs, ARecordThatCannotBeReadIsNamed) {
  for (const char* record : {"{", "[]", R"({"type":"echo"})", R"({"type":"echo","lane":"sure","state":"dreaming"})"}) {
    const auto j = journal();
    j->put(17, record);
    Lanes lanes(1);
    Jobs jobs(lanes);
    const auto back = jobs.restore(j);
    ASSERT_FALSE(back) << record;
    EXPECT_NE(back.error().text().find("job 17"), std::string::npos) << back.error().text();
  }
}

TEST(DurableJobs, NeedAJournalAndDurableOnesToRunAfter) {
  Lanes lanes(1);
  Jobs jobs(lanes);
  jobs.add_type("echo", [](JobRun run) { run.complete(run.payload()); });
  jobs.set_policy(*lanes.add({.name = "sure"}), {.durability = Durability::kDurable});
  EXPECT_EQ(jobs.submit({.type = "echo", .lane = "sure"}).error().code, "no-store");
  Host h(journal());
  const JobId in_memory = h.submit({.type = "echo"});
  EXPECT_EQ(h.jobs.submit({.type = "echo", .lane = "sure", .after = {in_memory}}).error().code, "not-durable");
}

TEST(DurableJobs, ManyThreadsSubmitCancelAndRunAndEveryEndIsWritten) {
  const auto j = journal();
  Host h(j, {.remembered = 100'000});
  std::vector<std::thread> threads;
  std::atomic<uint64_t> accepted{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 500; ++i) {
        const std::string key = i % 2 ? std::to_string(t) + "." + std::to_string(i) : "";
        const JobId id = h.submit({.type = "echo", .lane = t % 2 ? "sure" : "quick", .payload = number(i), .idempotency_key = key});
        ++accepted;
        if (i % 3 == 0) h.jobs.cancel(id);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  const auto left = h.jobs.shutdown(kLong);
  size_t open = 0;
  for (const auto& [id, record] : j->records()) open += record.find("\"state\":\"waiting\"") != std::string::npos;
  EXPECT_EQ(open, left.waiting + left.running);
  EXPECT_EQ(accepted, 2'000u);
  EXPECT_GE(j->jobs(), 1'000u) << "those with a key stay";
}

}  // namespace
}  // namespace heddle
