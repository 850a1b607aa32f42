// Durable jobs in a real store, under kill -9.
//
// A child restores, submits and runs jobs, and writes what happens into a pipe: the ledger. The parent kills it after a random number of entries and begins the next one. A last
// child takes no more jobs, and ends when all are done.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <random>
#include <set>
#include <thread>

#include "lanes/jobs.h"
#include "opened_store.h"
#include "serve/job_store.h"

namespace heddle {
namespace {

constexpr uint64_t kLong = 60'000;
constexpr int kInFlight = 24;
#ifdef __SANITIZE_THREAD__
constexpr int kRounds = 25;  // a child's beginning takes half a second there
#else
constexpr int kRounds = 200;
#endif

struct Entry {
  enum Kind : uint64_t { kAccepted, kBegun, kDone };
  Kind kind;
  JobId id;
  uint64_t number;  // the job's own: its payload and its idempotency key
};

// One life of a host. Everything it owns is there until it is killed.
class Life {
 public:
  Life(const std::string& path, int ledger) : ledger_(ledger), store_("Sqlite", path_param(path)), lanes_(2), jobs_(lanes_, {.remembered = 1'000'000}) {
    if (!store_.open()) _exit(2);
    add_lane("sure", Durability::kDurable);
    add_lane("quick", Durability::kWritten);
    jobs_.add_type("work", [this](JobRun run) {
      const uint64_t number = static_cast<uint64_t>(run.payload().as_int().value_or(0));
      write_down({Entry::kBegun, run.id(), number});
      // One in five fails the first time, so that back-off is among what is killed.
      if (number % 5 == 0 && run.attempt() == 1) return run.complete(Error("again", "not the first time", ErrorClass::kRetryable));
      run.complete(run.payload());
    });
    journal_ = std::make_shared<JobStore>(*store_.operator->());
    auto back = jobs_.restore(journal_);
    if (!back) _exit(4);
    for (const JobView& job : jobs_.list({.most = SIZE_MAX})) {
      if (!is_over(job.state)) watch(job.id, static_cast<uint64_t>(job.payload.as_int().value_or(0)));
    }
  }

  void submit_next() {
    const uint64_t number = ++next_;
    jobs_.submit({.type = "work", .lane = number % 2 ? "sure" : "quick", .payload = Value::integer(static_cast<int64_t>(number)),
                  .idempotency_key = "key " + std::to_string(number)},
                 [this, number](Result<Jobs::Accepted> accepted) {
                   if (!accepted) _exit(5);
                   write_down({Entry::kAccepted, accepted->id, number});
                   watch(accepted->id, number);
                   submit_next();
                 });
  }
  void submit_from(uint64_t first) {
    next_ = first;
    for (int i = 0; i < kInFlight; ++i) submit_next();
  }
  // The same key again gives the job that has it.
  void submit_again(const std::map<uint64_t, JobId>& accepted) {
    for (const auto& [number, id] : accepted) {
      const auto again = jobs_.submit({.type = "work", .lane = "sure", .idempotency_key = "key " + std::to_string(number)});
      if (!again || *again != id) _exit(6);
    }
  }
  [[noreturn]] void end_when_idle() {
    for (const JobView& job : jobs_.list({.most = SIZE_MAX})) {
      const auto over = jobs_.wait(job.id, kLong);
      if (!over) _exit(7);
      // It may have been done, and its end written, in a life that was killed before it could say so.
      if (over->state == JobState::kDone) write_down({Entry::kDone, job.id, 0});
    }
    const auto left = jobs_.shutdown(kLong);
    _exit(left.waiting + left.running == 0 ? 0 : 8);
  }

 private:
  void add_lane(const std::string& name, Durability durability) {
    jobs_.set_policy(*lanes_.add({.name = name}), {.durability = durability, .retry = fixed(3, kNsPerMs)});
  }
  void watch(JobId id, uint64_t number) {
    jobs_.when_over(id, [this, id, number](std::optional<JobView> job) {
      if (!job || job->state != JobState::kDone) _exit(9);
      write_down({Entry::kDone, id, number});
    });
  }
  void write_down(const Entry& entry) {
    if (write(ledger_, &entry, sizeof entry) != sizeof entry) _exit(3);  // whole: it is smaller than PIPE_BUF
  }

  const int ledger_;
  OpenedStore store_;
  Lanes lanes_;
  Jobs jobs_;
  std::shared_ptr<JobStore> journal_;
  std::atomic<uint64_t> next_{0};
};

// What the children have told so far.
struct Ledger {
  std::map<uint64_t, JobId> accepted;  // by number
  std::set<JobId> done;
  uint64_t begun_after_done = 0;
  uint64_t entries = 0;

  void take(const Entry& e) {
    ++entries;
    switch (e.kind) {
      case Entry::kAccepted: accepted.emplace(e.number, e.id); break;
      case Entry::kBegun: begun_after_done += done.count(e.id); break;
      case Entry::kDone: done.insert(e.id); break;
    }
  }
};

// Runs `life` in a child and takes its entries; kills it after `most` of them (0: never). Gives its exit code, or -1 if it was killed.
template <class Fn>
int live(Ledger& ledger, uint64_t most, Fn life) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    life(ends[1]);
    for (;;) pause();
  }
  close(ends[1]);
  Entry entry;
  uint64_t taken = 0;
  while (read(ends[0], &entry, sizeof entry) == sizeof entry) {
    ledger.take(entry);
    if (++taken == most) kill(child, SIGKILL);
  }
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(DurableJobs, TwoHundredRoundsOfKillLoseNothingAndRunNothingTwiceThatWasAcknowledged) {
  TestFolder folder;
  const std::string path = folder / "db";
  std::mt19937 random(5);
  Ledger ledger;
  for (int round = 0; round < kRounds; ++round) {
    SCOPED_TRACE(round);
    const uint64_t first = static_cast<uint64_t>(round) * 100'000;
    const int code = live(ledger, 1 + random() % 300, [&](int pipe) { (new Life(path, pipe))->submit_from(first); });
    ASSERT_EQ(code, -1) << "the child ended by itself";
  }
  const int code = live(ledger, 0, [&](int pipe) {
    auto* const life = new Life(path, pipe);
    life->submit_again(ledger.accepted);
    life->end_when_idle();
  });
  EXPECT_EQ(code, 0);
  EXPECT_GT(ledger.accepted.size(), 5u * kRounds);
  EXPECT_EQ(ledger.begun_after_done, 0u);
  size_t lost = 0;
  for (const auto& [number, id] : ledger.accepted) lost += ledger.done.count(id) == 0 ? 1 : 0;
  EXPECT_EQ(lost, 0u) << "of " << ledger.accepted.size();
}

TEST(Acceptance, A04_AfterAKillEveryAcknowledgedJobIsBackWithPayloadAttemptsAndDelay) {
  TestFolder folder;
  const std::string path = folder / "db";
  constexpr uint64_t kHour = 3'600 * kNsPerSecond;
  const auto host = [&](auto&& use) {
    OpenedStore store("Sqlite", path_param(path));
    if (!store.open()) _exit(2);
    Lanes lanes(2);
    Jobs jobs(lanes);
    jobs.set_policy(*lanes.add({.name = "sure"}), {.durability = Durability::kDurable, .retry = fixed(3, kHour)});
    jobs.add_type("fail", [](JobRun run) { run.complete(Error("no", "no luck", ErrorClass::kRetryable)); });
    if (!jobs.restore(std::make_shared<JobStore>(*store.operator->()))) _exit(4);
    use(jobs);
    jobs.shutdown(0);
  };
  Ledger ledger;
  live(ledger, 2, [&](int pipe) {
    host([&](Jobs& jobs) {
      const auto tried = jobs.submit({.type = "fail", .lane = "sure", .payload = *Value::parse(R"({"n":1.50})")});
      // The job's own state is written before the next job's.
      while (jobs.find(*tried)->state != JobState::kBackingOff) std::this_thread::yield();
      const auto delayed = jobs.submit({.type = "fail", .lane = "sure", .payload = Value::integer(2), .not_before_ns = now_ns() + kHour});
      for (const JobId id : {*tried, *delayed}) {
        const Entry entry{Entry::kAccepted, id, id};
        if (write(pipe, &entry, sizeof entry) != sizeof entry) _exit(3);
      }
      for (;;) pause();
    });
  });
  ASSERT_EQ(ledger.accepted.size(), 2u);
  const JobId tried = ledger.accepted.begin()->first, delayed = ledger.accepted.rbegin()->first;
  host([&](Jobs& jobs) {
    const auto first = jobs.find(tried), second = jobs.find(delayed);
    ASSERT_TRUE(first && second);
    EXPECT_EQ(first->payload.json(), R"({"n":1.50})");
    EXPECT_EQ(first->attempt, 1u);
    ASSERT_EQ(first->failed_attempts.size(), 1u);
    EXPECT_EQ(first->failed_attempts[0].error, "no luck");
    EXPECT_EQ(second->payload.as_int(), 2);
    EXPECT_EQ(second->attempt, 0u);
    for (const auto& job : {first, second}) EXPECT_GT(job->not_before_ms, wall_ms() + 3'500'000);
  });
}

TEST(DurableJobs, ASecondHostOnOneDatabaseIsRefused) {
  TestFolder folder;
  OpenedStore first("Sqlite", path_param(folder / "db")), second("Sqlite", path_param(folder / "db"));
  ASSERT_TRUE(first.open());
  const auto refused = second.open();
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text().find("this process (" + std::to_string(getpid()) + ")"), std::string::npos) << refused.error().text();
}

}  // namespace
}  // namespace heddle
