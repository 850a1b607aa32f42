#include "chain/task_runner.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "chain/said.h"
#include "clock.h"
#include "value/json_value.h"

namespace heddle {
namespace {

constexpr char kAccount[] = "me";

// A chain in memory: every submit is mined at once, unless told otherwise. One lock; answers come on the caller's thread.
class Chain {
 public:
  struct Activity {
    std::string worker = {}, state = "offered", result = {}, reason = {};
    std::string kind = "k";
    int64_t lease = 0;
    int completions = 0;
  };
  TaskChain calls() {
    return {.read = [this](const Value& question, TaskChain::Done done) { done(read(question)); },
            .submit = [this](const std::string& key, const Value& intent, TaskChain::Done done) { done(submit(key, intent)); },
            .events = [this](const Value& filter, TaskChain::Done done) { done(events(filter)); }};
  }
  void offer(const std::string& id) { add(id, {}); }
  void add(const std::string& id, Activity activity) {
    std::lock_guard lock(mutex_);
    all_[id] = std::move(activity);
    order_.push_back(id);
  }
  void change(const std::string& id, const std::function<void(Activity&)>& how) {
    std::lock_guard lock(mutex_);
    how(all_[id]);
    changed_.notify_all();
  }
  void fail_next(Error why, int times) {
    std::lock_guard lock(mutex_);
    failing_ = std::move(why);
    failures_ = times;
  }
  bool wait(const std::function<bool(const std::map<std::string, Activity>&)>& until) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(60), [&] { return until(all_); });
  }
  Activity get(const std::string& id) {
    std::lock_guard lock(mutex_);
    return all_[id];
  }
  std::atomic<bool> takes_heartbeats{true};
  std::atomic<bool> takes_results{true};
  std::atomic<bool> is_gone{false};
  std::atomic<bool> tells_events{false};  // instead of giving one offer after another
  std::atomic<int64_t> events_read{0};    // those before are known to who reads them

 private:
  Result<Value> events(const Value& filter) {
    std::lock_guard lock(mutex_);
    const int64_t after = number_in(filter, "after"), end = static_cast<int64_t>(order_.size());
    events_read = std::max(events_read.load(), after);
    if (!tells_events || (after == end && number_in(filter, "wait_ms") > 0)) return Error("unavailable", "there is nothing new", ErrorClass::kRetryable);
    std::vector<Value> page;
    for (int64_t i = after; i < end; ++i) page.push_back(json_object({{"work", json_text("offered")}, {"activity", json_text(order_[static_cast<size_t>(i)])}, {"queue", json_text("q")}}));
    return json_object({{"events", Value::list(std::move(page))}, {"cursor", Value::integer(end)}});
  }
  static Value view(const std::string& id, const Activity& a) {
    std::vector<std::pair<std::string, Value>> members = {{"activity", json_text(id)}, {"kind", json_text(a.kind)}, {"state", json_text(a.state)}, {"queue", json_text("q")},
                                                          {"input", Value::bytes("{\"n\":1}")}, {"lease_until_unix", Value::integer(a.lease)}, {"expires_unix", Value::integer(0)}};
    if (!a.worker.empty()) members.emplace_back("worker", json_text(a.worker));
    return json_object(std::move(members));
  }
  Result<Value> read(const Value& question) {
    std::lock_guard lock(mutex_);
    if (is_gone) return Error("unavailable", "nobody answers", ErrorClass::kRetryable);
    const std::string ask = text_in(question, "ask"), id = text_in(question, "activity");
    if (ask == "activity") return all_.contains(id) ? view(id, all_[id]) : Value::null();
    if (ask == "mine") {
      std::vector<Value> mine;
      for (const auto& [name, a] : all_)
        if (a.worker == kAccount && a.state == "assigned") mine.push_back(json_text(name));
      return Value::list(std::move(mine));
    }
    if (tells_events) return Value::null();
    for (const std::string& name : order_)
      if (all_[name].state == "offered") return view(name, all_[name]);
    return Value::null();
  }
  Result<Value> submit(const std::string& key, const Value& intent) {
    std::lock_guard lock(mutex_);
    if (failures_ > 0 && failures_-- > 0) return failing_;
    const std::string id = text_in(intent, "activity"), what = text_in(intent, "do");
    if (is_gone) return Error("unavailable", "nobody answers", ErrorClass::kRetryable);
    if (what == "heartbeat" && !takes_heartbeats) return Error("unavailable", "not now", ErrorClass::kRetryable);
    if (what == "complete" && !takes_results) return Error("refused", "the result is too large");
    Activity& a = all_[id];
    if (done_.insert(key).second) {
      if (what == "claim" && a.state == "offered") a.worker = kAccount, a.state = "assigned";
      if (what == "complete" && a.worker == kAccount && a.state == "assigned") {
        a.state = "completed";
        a.result = intent.find("result").as_bytes().value_or("");
        ++a.completions;
      }
      if (what == "fail" && a.worker == kAccount && a.state == "assigned") a.state = "failed", a.reason = text_in(intent, "reason");
      if (what == "heartbeat" && a.lease != 0) a.lease = static_cast<int64_t>(wall_ms() / 1'000) + 2;
      changed_.notify_all();
    }
    return json_object({{"transaction", json_text("0x" + key)}});
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_:
  std::map<std::string, Activity> all_;
  std::vector<std::string> order_;
  std::set<std::string> done_;  // keys
  Error failing_;
  int failures_ = 0;
};

// A host with a worker: everything but the chain goes when it is killed, and the store's file stays.
class Host {
 public:
  using Work = std::function<std::function<void()>(const WorkOrder&, WorkHearing)>;
  Host(Chain& chain, const std::string& file, Work work, const std::function<void(TaskSettings&)>& change = nullptr) {
    const CatalogEntry entry = catalog().find("store", "Sqlite");
    store_ = *StoreHandle::create(entry, "tasks", json_object({{"path", json_text(file)}}), &lanes_, *lanes_.find("control"));
    EXPECT_TRUE(store_->activate());
    journal_ = std::make_unique<TaskJournal>(*store_, "worker/w/");
    TaskSettings settings;
    settings.name = "w";
    settings.queues = {{.name = "q"}};
    settings.poll_ms = 5;
    settings.reconcile_ms = 50;
    if (change) change(settings);
    runner_ = std::make_unique<TaskRunner>(settings, TaskRunner::Parts{.chain = chain.calls(), .journal = journal_.get(),
                                                                       .work = {.knows = [](const std::string& kind) { return kind == "k"; }, .begin = std::move(work),
                                                                                .room = [](uint64_t) { return UINT64_MAX; }},
                                                                       .lanes = &lanes_, .jobs = &jobs_});
    const auto started = runner_->start(kAccount);
    EXPECT_TRUE(started) << started.error().text();
  }
  // As if it were killed: nothing is drained, and what is under way is given up.
  ~Host() {
    runner_->stop(0);
    jobs_.shutdown(0);
    runner_.reset();
    static_cast<void>(store_->deactivate());
  }
  TaskRunner& runner() { return *runner_; }
  std::vector<TaskRunner::View> list() {
    std::promise<std::vector<TaskRunner::View>> told;
    runner_->list([&](std::vector<TaskRunner::View> all) { told.set_value(std::move(all)); });
    return told.get_future().get();
  }

 private:
  static const Catalog& catalog() {
    static const Catalog all = Catalog::scan({HEDDLE_PLUGINS});
    return all;
  }
  Lanes lanes_{2};
  Jobs jobs_{lanes_};
  std::unique_ptr<StoreHandle> store_;
  std::unique_ptr<TaskJournal> journal_;
  std::unique_ptr<TaskRunner> runner_;
};

class TaskRunnerTest : public ::testing::Test {
 protected:
  TaskRunnerTest() : folder_(std::filesystem::temp_directory_path() / ("heddle_tasks_" + std::to_string(::getpid()) + "_" + ::testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::create_directories(folder_);
  }
  ~TaskRunnerTest() override { std::filesystem::remove_all(folder_); }
  std::string file() const { return folder_ / "tasks.db"; }

  const std::filesystem::path folder_;
  Chain chain_;
};

// Done at once.
std::function<void()> double_it(const WorkOrder& order, WorkHearing hearing) {
  EXPECT_EQ(order.input.as_bytes().value_or(""), "{\"n\":1}");
  hearing.done(Value::bytes("2"));
  return [] {};
}

TEST_F(TaskRunnerTest, AnOfferIsClaimedWorkedOnAndSettled) {
  for (int i = 0; i < 20; ++i) chain_.offer("a" + std::to_string(i));
  Host host(chain_, file(), double_it);
  ASSERT_TRUE(chain_.wait([](const auto& all) { return std::all_of(all.begin(), all.end(), [](const auto& a) { return a.second.state == "completed"; }); }));
  EXPECT_EQ(chain_.get("a7").result, "2");
  while (host.runner().counts().settled < 20) std::this_thread::yield();
  for (const TaskRunner::View& view : host.list()) {
    std::vector<TaskState> way;
    for (const TaskMove& move : view.task.history) way.push_back(move.to);
    EXPECT_EQ(way, (std::vector<TaskState>{TaskState::kOffered, TaskState::kClaimed, TaskState::kRunning, TaskState::kComputed, TaskState::kSubmitted, TaskState::kSettled}));
  }
}

TEST_F(TaskRunnerTest, WhatWasOnOfferBeforeTheCursorIsFoundAfterAKill) {
  chain_.tells_events = true;
  for (int i = 0; i < 20; ++i) chain_.offer("a" + std::to_string(i));
  {
    Host host(chain_, file(), [](const WorkOrder&, WorkHearing) { return [] {}; }, [](TaskSettings& s) { s.limit = 1; });
    while (chain_.events_read < 20) std::this_thread::yield();
  }
  Host host(chain_, file(), double_it);
  EXPECT_TRUE(chain_.wait([](const auto& all) { return std::all_of(all.begin(), all.end(), [](const auto& a) { return a.second.state == "completed"; }); }));
}

TEST_F(TaskRunnerTest, WhatFailsForGoodIsToldWithItsReason) {
  chain_.offer("a");
  Host host(chain_, file(), [](const WorkOrder&, WorkHearing hearing) {
    hearing.done(Error("bad", "no such codec"));
    return [] {};
  });
  ASSERT_TRUE(chain_.wait([](const auto& all) { return all.at("a").state == "failed"; }));
  EXPECT_NE(chain_.get("a").reason.find("no such codec"), std::string::npos);
}

TEST_F(TaskRunnerTest, WhatMayGoBetterIsTriedAgain) {
  chain_.offer("a");
  std::atomic<int> attempts{0};
  Host host(chain_, file(), [&](const WorkOrder& order, WorkHearing hearing) {
    EXPECT_EQ(order.task.attempt, static_cast<uint32_t>(++attempts));
    if (attempts < 3) hearing.done(Error("lost", "the worker was lost", ErrorClass::kRetryable));
    else hearing.done(Value::bytes("3"));
    return [] {};
  });
  ASSERT_TRUE(chain_.wait([](const auto& all) { return all.at("a").state == "completed"; }));
  EXPECT_EQ(attempts, 3);
}

TEST_F(TaskRunnerTest, AChainThatCannotBeReachedIsWaitedFor) {
  chain_.offer("a");
  chain_.fail_next(Error("unavailable", "nobody answers", ErrorClass::kRetryable), 3);
  Host host(chain_, file(), double_it);
  EXPECT_TRUE(chain_.wait([](const auto& all) { return all.at("a").state == "completed"; }));
}

TEST_F(TaskRunnerTest, WhatTheChainHasAsOursIsTakenUpWithoutAnyJournal) {
  for (int i = 0; i < 600; ++i) chain_.add("a" + std::to_string(i), {.worker = kAccount, .state = "assigned"});
  Host host(chain_, file(), double_it);
  EXPECT_TRUE(chain_.wait([](const auto& all) { return std::all_of(all.begin(), all.end(), [](const auto& a) { return a.second.state == "completed"; }); }));
  EXPECT_EQ(host.runner().counts().repairs, 600u);
}

TEST_F(TaskRunnerTest, WhoseLeaseHasEndedWorksNoMoreAndTellsNothing) {
  chain_.add("a", {.worker = kAccount, .state = "assigned", .lease = static_cast<int64_t>(wall_ms() / 1'000) + 2});
  chain_.takes_heartbeats = false;
  std::promise<void> given_up;
  Host host(
      chain_, file(),
      [&](const WorkOrder&, WorkHearing hearing) {
        return [&given_up, hearing, once = std::make_shared<std::once_flag>()] {
          std::call_once(*once, [&] {
            hearing.done(Value::bytes("late"));
            given_up.set_value();
          });
        };
      });
  ASSERT_EQ(given_up.get_future().wait_for(std::chrono::seconds(60)), std::future_status::ready);
  while (host.runner().counts().lost == 0) std::this_thread::yield();
  EXPECT_EQ(chain_.get("a").state, "assigned");
}

TEST_F(TaskRunnerTest, WhoseLeaseHasEndedIsNotBegunAgainWhileTheChainIsGone) {
  chain_.add("a", {.worker = kAccount, .state = "assigned", .lease = static_cast<int64_t>(wall_ms() / 1'000) + 2});
  std::atomic<int> begun{0};
  Host host(chain_, file(), [&](const WorkOrder&, WorkHearing hearing) {
    ++begun;
    chain_.is_gone = true;
    return [hearing, once = std::make_shared<std::once_flag>()] { std::call_once(*once, [&] { hearing.done(Error("stopped", "given up", ErrorClass::kCancelled)); }); };
  });
  while (host.runner().counts().expired < 4) std::this_thread::yield();
  EXPECT_EQ(begun, 1);
}

TEST_F(TaskRunnerTest, AResultThatTheChainRefusesIsToldAsAFailure) {
  chain_.offer("a");
  chain_.takes_results = false;
  std::atomic<int> works{0};
  Host host(chain_, file(), [&](const WorkOrder& order, WorkHearing hearing) {
    ++works;
    return double_it(order, std::move(hearing));
  });
  ASSERT_TRUE(chain_.wait([](const auto& all) { return all.at("a").state == "failed"; }));
  EXPECT_NE(chain_.get("a").reason.find("too large"), std::string::npos);
  EXPECT_EQ(works, 1);
}

// Of a chain that is asked through a node that is behind.
TEST_F(TaskRunnerTest, WhatIsWorkedOnIsNotGivenUpForAnOldAnswer) {
  chain_.offer("a");
  std::promise<WorkHearing> begun;
  Host host(chain_, file(), [&](const WorkOrder&, WorkHearing hearing) {
    begun.set_value(hearing);
    return [] {};
  });
  const WorkHearing hearing = begun.get_future().get();
  chain_.change("a", [](Chain::Activity& a) { a.state = "offered", a.worker = ""; });
  const uint64_t compared = host.runner().counts().reconciliations;
  while (host.runner().counts().reconciliations < compared + 2) std::this_thread::yield();
  chain_.change("a", [](Chain::Activity& a) { a.state = "assigned", a.worker = kAccount; });
  hearing.done(Value::bytes("1"));
  ASSERT_TRUE(chain_.wait([](const auto& all) { return all.at("a").state == "completed"; }));
  EXPECT_EQ(host.runner().counts().lost, 0u);
}

TEST_F(TaskRunnerTest, WhatAnotherWorkerHasIsGivenUp) {
  chain_.offer("a");
  std::promise<void> begun, stopped;
  Host host(chain_, file(), [&](const WorkOrder&, WorkHearing hearing) {
    begun.set_value();
    return [&stopped, hearing, once = std::make_shared<std::once_flag>()] {
      std::call_once(*once, [&] {
        hearing.done(Value::bytes("late"));
        stopped.set_value();
      });
    };
  });
  begun.get_future().get();
  chain_.change("a", [](Chain::Activity& a) { a.worker = "another"; });
  ASSERT_EQ(stopped.get_future().wait_for(std::chrono::seconds(60)), std::future_status::ready);
  while (host.runner().counts().lost == 0) std::this_thread::yield();
  EXPECT_EQ(chain_.get("a").completions, 0);
}

TEST_F(TaskRunnerTest, WorkOfOthersOnTheSameAccountIsLeftAlone) {
  chain_.add("a", {.worker = kAccount, .state = "assigned"});
  chain_.add("b", {.worker = kAccount, .state = "assigned", .kind = "other"});
  Host host(chain_, file(), double_it);
  ASSERT_TRUE(chain_.wait([](const auto& all) { return all.at("a").state == "completed"; }));
  const uint64_t compared = host.runner().counts().reconciliations;
  while (host.runner().counts().reconciliations < compared + 2) std::this_thread::yield();
  EXPECT_EQ(chain_.get("b").state, "assigned");
}

TEST_F(TaskRunnerTest, HeartbeatsKeepTheLease) {
  chain_.add("a", {.worker = kAccount, .state = "assigned", .lease = static_cast<int64_t>(wall_ms() / 1'000) + 3});
  const int64_t begun = chain_.get("a").lease;
  std::promise<WorkHearing> hearing_of_work;
  Host host(
      chain_, file(),
      [&](const WorkOrder&, WorkHearing hearing) {
        hearing_of_work.set_value(hearing);
        return [] {};
      },
      [](TaskSettings& s) { s.heartbeat_ms = 50; });
  const WorkHearing hearing = hearing_of_work.get_future().get();
  EXPECT_TRUE(chain_.wait([&](const auto& all) { return all.at("a").lease > begun + 1; }));
  hearing.done(Value::bytes("1"));
  EXPECT_TRUE(chain_.wait([](const auto& all) { return all.at("a").state == "completed"; }));
}

TEST_F(TaskRunnerTest, ACancelledTaskIsToldAsAFailure) {
  chain_.offer("a");
  std::promise<void> begun;
  Host host(chain_, file(), [&](const WorkOrder&, WorkHearing hearing) {
    begun.set_value();
    return [hearing, once = std::make_shared<std::once_flag>()] { std::call_once(*once, [&] { hearing.done(Error("stopped", "given up", ErrorClass::kCancelled)); }); };
  });
  begun.get_future().get();
  std::promise<Result<void>> told;
  host.runner().cancel("a", "the operator says so", [&](Result<void> outcome) { told.set_value(std::move(outcome)); });
  EXPECT_TRUE(told.get_future().get());
  ASSERT_TRUE(chain_.wait([](const auto& all) { return all.at("a").state == "failed"; }));
  EXPECT_EQ(chain_.get("a").reason, "the operator says so");
  std::promise<Result<void>> unknown;
  host.runner().cancel("b", "x", [&](Result<void> outcome) { unknown.set_value(std::move(outcome)); });
  EXPECT_EQ(unknown.get_future().get().error().code, "not-found");
}

TEST_F(TaskRunnerTest, ACancelThatWasToldHoldsThoughTheHostIsKilledBeforeTheWorkEnds) {
  chain_.offer("a");
  std::promise<WorkHearing> begun;
  const std::string killed = folder_ / "killed";
  {
    Host host(chain_, file(), [&](const WorkOrder&, WorkHearing hearing) {
      begun.set_value(std::move(hearing));
      return [] {};  // it does not listen
    });
    const WorkHearing work = begun.get_future().get();
    std::promise<Result<void>> told;
    host.runner().cancel("a", "the operator says so", [&](Result<void> outcome) { told.set_value(std::move(outcome)); });
    EXPECT_TRUE(told.get_future().get());
    std::filesystem::create_directories(killed);
    for (const auto& one : std::filesystem::directory_iterator(folder_))
      if (one.is_regular_file()) std::filesystem::copy(one.path(), killed);
    chain_.is_gone = true;  // nothing more of this life gets there
    work.done(Error("stopped", "given up", ErrorClass::kCancelled));
  }
  chain_.is_gone = false;
  Host host(chain_, killed + "/tasks.db", double_it);
  ASSERT_TRUE(chain_.wait([](const auto& all) { return all.at("a").state != "assigned"; }));
  EXPECT_EQ(chain_.get("a").state, "failed");
  EXPECT_EQ(chain_.get("a").reason, "the operator says so");
}

TEST_F(TaskRunnerTest, ATaskIsFoundByTheBeginningOfItsId) {
  for (const char* id : {"0xab1", "0xab12", "0xcd"}) chain_.offer(id);
  Host host(chain_, file(), double_it);
  while (host.runner().counts().settled < 3) std::this_thread::yield();
  const auto found = [&](const std::string& beginning, size_t most) {
    std::promise<std::vector<TaskRunner::View>> told;
    host.runner().find(beginning, most, [&](std::vector<TaskRunner::View> all) { told.set_value(std::move(all)); });
    std::vector<std::string> ids;
    for (const TaskRunner::View& view : told.get_future().get()) ids.push_back(view.task.activity);
    return ids;
  };
  EXPECT_EQ(found("0xc", 2), std::vector<std::string>{"0xcd"});
  EXPECT_EQ(found("0xab1", 2), std::vector<std::string>{"0xab1"}) << "a whole id is itself, though others begin so";
  EXPECT_EQ(found("0x", 2).size(), 2u);
  EXPECT_TRUE(found("0xf", 2).empty());
  while (!host.runner().counts().open.empty()) std::this_thread::yield();
}

TEST_F(TaskRunnerTest, OpenTasksAreCountedByTheirState) {
  chain_.offer("a");
  Host host(chain_, file(), [](const WorkOrder&, WorkHearing hearing) {
    return [hearing, once = std::make_shared<std::once_flag>()] { std::call_once(*once, [&] { hearing.done(Error("stopped", "given up", ErrorClass::kCancelled)); }); };
  });
  while (host.runner().counts().open != std::map<TaskState, uint64_t>{{TaskState::kRunning, 1}}) std::this_thread::yield();
}

// Killed at whatever moment it is: each activity is settled once.
TEST_F(TaskRunnerTest, KilledAgainAndAgainItSettlesEachOnce) {
  constexpr int kActivities = 60;
  for (int i = 0; i < kActivities; ++i) chain_.offer("a" + std::to_string(i));
  std::mt19937 random(7);
  const auto all_done = [](const std::map<std::string, Chain::Activity>& all) { return std::all_of(all.begin(), all.end(), [](const auto& a) { return a.second.state == "completed"; }); };
  bool done = false;
  for (int life = 0; life < 400 && !done; ++life) {
    Host host(chain_, file(), double_it);
    const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(random() % 30'000);
    while (!done && std::chrono::steady_clock::now() < until) {
      bool now = false;
      chain_.wait([&](const auto& all) { return now = all_done(all), true; });
      done = now;
      std::this_thread::yield();
    }
  }
  EXPECT_TRUE(done);
  chain_.wait([](const auto& all) {
    for (const auto& [id, a] : all) EXPECT_EQ(a.completions, 1) << id;
    return true;
  });
}

}  // namespace
}  // namespace heddle
