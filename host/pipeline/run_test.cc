#include "pipeline/run.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <future>
#include <map>

#include "lanes/call_job.h"
#include "log.h"
#include "pipeline/build.h"

namespace heddle {
namespace {

// Gives the values of a list, then ends.
class ListFeed : public Feed {
 public:
  explicit ListFeed(std::vector<std::string> texts) : texts_(std::move(texts)) {}
  Result<Got> pull(std::span<FeedItem> out) override {
    size_t n = 0;
    for (; n < out.size() && next_ < texts_.size(); ++n, ++next_) {
      out[n] = FeedItem();
      auto value = Value::parse(texts_[next_]);
      if (value) out[n].value = *std::move(value);
      else out[n].error = std::move(value).error();
    }
    return n > 0 ? Got{State::kItems, n} : Got{State::kEnd, 0};
  }
  void wait(Lanes&, LaneId, Job*) override { FAIL() << "a list never waits"; }

 private:
  std::vector<std::string> texts_;
  size_t next_ = 0;
};

// Waits for more for ever.
class SilentFeed : public Feed {
 public:
  Result<Got> pull(std::span<FeedItem>) override { return Got{State::kWait, 0}; }
  void wait(Lanes& lanes, LaneId lane, Job* job) override { timer_ = lanes.at(UINT64_MAX, lane, job); lanes_ = &lanes; job_ = job; lane_ = lane; }
  void end() { if (lanes_ && lanes_->cancel(timer_)) lanes_->post(lane_, job_); }

 private:
  Lanes* lanes_ = nullptr;
  Job* job_ = nullptr;
  LaneId lane_ = 0;
  TimerId timer_ = 0;
};

struct Results : Output {
  Result<void> write(const PipelineNode& node, std::span<Item> items) override {
    for (Item& item : items) by_node[node.settings.id].push_back(item.value.json());
    if (fail_after > 0 && --fail_after == 0) return Error("io", "the disk is full");
    return {};
  }
  Result<void> close() override { ++closed; return {}; }
  std::map<std::string, std::vector<std::string>> by_node;
  int closed = 0, fail_after = 0;
};

// Full after every write, until make_room().
class NarrowOutput : public Output {
 public:
  Result<void> write(const PipelineNode&, std::span<Item> items) override {
    std::lock_guard lock(mutex_);
    written += items.size();
    written_while_full += full_;
    full_ = true;
    changed_.notify_all();
    return {};
  }
  Result<void> close() override {
    std::lock_guard lock(mutex_);
    room_ = nullptr;
    closed_ = true;
    changed_.notify_all();
    return {};
  }
  bool is_full() const override {
    std::lock_guard lock(mutex_);
    return full_;
  }
  void on_room(std::function<void()> room) override {
    std::lock_guard lock(mutex_);
    room_ = std::move(room);
  }
  // Waits until it is full; false: it is closed.
  bool wait_until_full() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return full_ || closed_; });
    return !closed_;
  }
  void make_room() {
    std::lock_guard lock(mutex_);
    full_ = false;
    if (room_) room_();
  }

  size_t written = 0, written_while_full = 0;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool full_ = false, closed_ = false;
  std::function<void()> room_;
};

struct Letters : DeadLetters {
  Result<void> add(const DeadLetter& letter) override {
    all.push_back(letter);
    return {};
  }
  std::vector<DeadLetter> all;
};

// One manifest, run once.
class Trial {
 public:
  explicit Trial(const std::string& manifest, unsigned threads = 2) : lanes(threads) {
    Diagnostics diagnostics("test.json", manifest);
    manifest_ = read_manifest(manifest, "test.json", {}, diagnostics);
    if (manifest_) pipeline_ = build_pipeline(*manifest_, catalog(), diagnostics);
    if (!pipeline_) ADD_FAILURE() << diagnostics.text(false);
    options.lanes = &lanes;
    options.output = &results;
    options.dead_letters = &letters;
  }
  Result<std::unique_ptr<Run>> start() { return Run::start(*pipeline_, options); }
  const RunReport& run(std::vector<std::string> input) {
    ListFeed feed(std::move(input));
    options.feed = &feed;
    auto started = start();
    if (!started) {
      ADD_FAILURE() << started.error().text();
      return report;
    }
    EXPECT_TRUE((*started)->wait(60'000));
    report = (*started)->report();
    EXPECT_TRUE(report.balanced);
    return report;
  }

  // Begun on a worker, which may not wait for what it has to do itself.
  const RunReport& run_from_a_worker() {
    std::promise<RunReport> over;
    CallJob begin([&] {
      Run::begin(*pipeline_, options, [&](Result<std::unique_ptr<Run>> begun) {
        ASSERT_TRUE(begun) << begun.error().text();
        Run* const one = begun->release();
        one->on_end([&over, one] {
          RunReport told = one->report();
          delete one;
          over.set_value(std::move(told));
        });
      });
    });
    lanes.post(*lanes.find("default"), &begin);
    return report = over.get_future().get();
  }

  static const Catalog& catalog() {
    static const Catalog all = Catalog::scan({HEDDLE_PLUGINS, HEDDLE_BROKEN_PLUGINS});
    return all;
  }
  const Pipeline& pipeline() const { return *pipeline_; }

  Lanes lanes;
  Results results;
  Letters letters;
  RunOptions options;
  RunReport report;

 private:
  std::optional<Manifest> manifest_;
  std::optional<Pipeline> pipeline_;
};

std::vector<std::string> numbers(int n) {
  std::vector<std::string> out;
  for (int i = 1; i <= n; ++i) out.push_back(std::to_string(i));
  return out;
}

std::string pipeline_of(const std::string& nodes, const std::string& connections, const std::string& more = "") {
  return R"({"version":"heddle/1","metadata":{"name":"trial"},"nodes":[)" + nodes + R"(],"connections":[)" + connections + "]" + more + "}";
}

class RunTest : public testing::Test {
 protected:
  void SetUp() override { log::set_level(log::Level::kOff); }
};

TEST_F(RunTest, LanesOfTheManifestAreTheSchedulers) {
  Trial t(pipeline_of(R"({"id":"a","node_type":"PassThrough","lane":"net"})", "",
                      R"(,"lanes":{"net":{"priority":6,"weight":3,"priority_boost":{"kind":"custom","within_ms":50,"steps":[{"percent_left":40,"levels":2}]}},
                                   "query":{"weight":2},"prompt":{"max_concurrency":null}})"));
  EXPECT_EQ(t.run(numbers(100)).output_items, 100u);
  const LaneConfig net = t.lanes.config(*t.lanes.find("net")), query = t.lanes.config(*t.lanes.find("query")), prompt = t.lanes.config(*t.lanes.find("prompt"));
  EXPECT_EQ(net.priority, 6u);
  EXPECT_EQ(net.weight, 3u);
  EXPECT_EQ(net.boost, (Boost{50 * kNsPerMs, {{40, 2}}}));
  EXPECT_EQ(query.priority, 2u);  // what the manifest does not say stays
  EXPECT_EQ(query.max_concurrency, 10u);
  EXPECT_EQ(query.weight, 2u);
  EXPECT_EQ(prompt.max_concurrency, LaneConfig::kNoLimit);
}

TEST(HostLanes, AreThoseThatASchedulerBeginsWith) {
  std::vector<std::string> known(std::begin(kHostLanes), std::end(kHostLanes)), there;
  const Lanes fresh(1);
  for (const LaneStats& lane : fresh.stats()) there.push_back(lane.name);
  std::sort(known.begin(), known.end());
  std::sort(there.begin(), there.end());
  EXPECT_EQ(known, there);
}

TEST_F(RunTest, ALaneThatCannotBeMeantIsRefusedAtItsPlace) {
  const std::pair<const char*, const char*> lanes[] = {
      {R"("l":{"min_concurrency":5,"max_concurrency":4})", "lane \"l\": min_concurrency 5 is over max_concurrency 4"},
      {R"("query":{"min_concurrency":11})", "min_concurrency 11 is over max_concurrency 10"},
      {R"("l":{"priority_boost":{"kind":"custom","within_ms":5,"steps":[{"percent_left":10,"levels":1},{"percent_left":50,"levels":2}]}})", "the steps of a boost"}};
  for (const auto& [lane, why] : lanes) {
    const std::string manifest = pipeline_of(R"({"id":"a","node_type":"PassThrough"})", "", std::string(",\n\"lanes\":{") + lane + "}");
    Diagnostics diagnostics("m.json", manifest);
    const auto read = read_manifest(manifest, "m.json", {}, diagnostics);
    ASSERT_TRUE(read) << diagnostics.text(false);
    EXPECT_FALSE(build_pipeline(*read, Trial::catalog(), diagnostics));
    EXPECT_NE(diagnostics.text(false).find("m.json:2:10: error[bad-lane]"), std::string::npos) << diagnostics.text(false);
    EXPECT_NE(diagnostics.text(false).find(why), std::string::npos) << diagnostics.text(false);
  }
}

constexpr const char* kLateStarters =
    R"({"id":"a","node_type":"StartsLate"},{"id":"b","node_type":"StartsLate"},{"id":"c","node_type":"StartsLate"},{"id":"d","node_type":"PassThrough"})";
constexpr const char* kDiamond = R"({"from":"a","to":"b"},{"from":"a","to":"c"},{"from":"b","to":"d"},{"from":"c","to":"d"})";

TEST_F(RunTest, NodesMayStartAndStopLateOnTheOnlyWorker) {
  Trial t(pipeline_of(kLateStarters, kDiamond), 1);
  ListFeed feed(numbers(3));
  t.options.feed = &feed;
  const RunReport& report = t.run_from_a_worker();
  EXPECT_TRUE(report.ok && report.balanced) << report.error.text();
  EXPECT_EQ(report.output_items, 6u);
  EXPECT_TRUE(report.warnings.empty());
}

TEST_F(RunTest, AnActivateThatDoesNotComeBackFailsTheStartAndLeavesTheOthersInOrder) {
  for (const auto& [type, why] : {std::pair("BrokenActivateHang", "its activate did not return within 30 ms"),
                                  {"BrokenActivateNever", "its activate gave no answer within 30 ms"}}) {
    Trial t(pipeline_of(R"({"id":"a","node_type":"StartsLate"},{"id":"b","node_type":")" + std::string(type) + R"("},{"id":"c","node_type":"StartsLate"})",
                        R"({"from":"a","to":"b"},{"from":"a","to":"c"})"), 1);
    t.options.start_ms = 30;
    const auto started = t.start();
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, "activate-failed");
    EXPECT_EQ(started.error().error_class, ErrorClass::kConfig);
    EXPECT_NE(started.error().text().find("node \"b\" (" + std::string(type) + ") cannot start: " + why), std::string::npos) << started.error().text();
  }
}

TEST_F(RunTest, AnObjectThatTakesThePlaceOfOneThatHangsMayStartLate) {
  Trial t(pipeline_of(R"({"id":"h","node_type":"BrokenLateHang"})", ""), 1);
  const RunReport& report = t.run(numbers(3));
  EXPECT_TRUE(report.ok) << report.error.text();
  EXPECT_EQ(report.nodes[0].timed_out, 3u);
  ASSERT_EQ(t.letters.all.size(), 3u);
  EXPECT_EQ(t.letters.all[2].error.code, "timeout");
  ASSERT_FALSE(report.warnings.empty());
  EXPECT_NE(report.warnings[0].find("a new object has taken its place"), std::string::npos) << report.warnings[0];
  EXPECT_EQ(t.lanes.abandoned(), 3u);
}

TEST_F(RunTest, ADeactivateThatIsNeverAnsweredIsAWarningAndHoldsNothingUp) {
  Trial t(pipeline_of(R"({"id":"a","node_type":"StartsLate"},{"id":"b","node_type":"BrokenDeactivateNever"})", R"({"from":"a","to":"b"})"), 1);
  t.options.start_ms = 30;
  const RunReport& report = t.run(numbers(2));
  EXPECT_TRUE(report.ok);
  EXPECT_EQ(report.output_items, 2u);
  ASSERT_EQ(report.warnings.size(), 1u);
  EXPECT_EQ(report.warnings[0], "node \"b\" did not stop cleanly: its deactivate gave no answer within 30 ms");
}

TEST_F(RunTest, AChainOfSynchronousNodesIsOneStageAndKeepsTheOrder) {
  Trial t(pipeline_of(R"({"id":"a","node_type":"PassThrough"},{"id":"b","node_type":"Multiply","params":{"multiplier":2}},{"id":"c","node_type":"PassThrough"})",
                      R"({"from":"a","to":"b"},{"from":"b","to":"c"})"));
  EXPECT_EQ(t.pipeline().stages.size(), 1u);
  const RunReport& report = t.run(numbers(5000));
  EXPECT_TRUE(report.ok);
  EXPECT_EQ(report.output_items, 5000u);
  EXPECT_EQ(t.results.by_node["c"][4999], "10000");
  EXPECT_EQ(t.results.closed, 1);
}

TEST_F(RunTest, FanOutInlineAndFanInInlineLoseNothing) {
  Trial t(pipeline_of(R"({"id":"a","node_type":"PassThrough"},{"id":"b","node_type":"PassThrough"},{"id":"c","node_type":"PassThrough"},
                         {"id":"d","node_type":"PassThrough"})",
                      R"({"from":"a","to":"b"},{"from":"a","to":"c"},{"from":"b","to":"d"},{"from":"c","to":"d"})"));
  EXPECT_EQ(t.pipeline().stages.size(), 1u);
  EXPECT_EQ(t.run(numbers(1000)).output_items, 2000u);
}

TEST_F(RunTest, AFailedItemIsADeadLetterWithItsOriginal) {
  Trial t(pipeline_of(R"({"id":"m","node_type":"Multiply","params":{"multiplier":2}})", ""));
  const RunReport& report = t.run({"1", "\"x\"", "3", "oops"});
  EXPECT_TRUE(report.ok);
  EXPECT_EQ(report.output_items, 2u);
  EXPECT_EQ(report.dead_letters, 2u);
  EXPECT_EQ(report.input_errors, 1u);
  ASSERT_EQ(t.letters.all.size(), 2u);
  for (const DeadLetter& letter : t.letters.all) {
    if (letter.node == "m") {
      EXPECT_EQ(letter.item.json(), "\"x\"");
    } else {
      EXPECT_EQ(letter.node, "input");
    }
  }
}

TEST_F(RunTest, AnErrorPortTakesTheFailures) {
  Trial t(pipeline_of(R"({"id":"m","node_type":"Multiply","params":{"multiplier":2}},{"id":"e","node_type":"PassThrough"})",
                      R"({"from":"m.error","to":"e"})"));
  const RunReport& report = t.run({"1", "\"x\""});
  EXPECT_EQ(report.dead_letters, 0u);
  ASSERT_EQ(t.results.by_node["e"].size(), 1u);
  const Value error = *Value::parse(t.results.by_node["e"][0]);
  EXPECT_EQ(error.pointer("/item").json(), "\"x\"");
  EXPECT_EQ(error.pointer("/node").as_text(), "m");
  EXPECT_EQ(error.pointer("/class").as_text(), "permanent");
}

TEST_F(RunTest, OnErrorFailEndsTheRunAndEverythingIsAccountedFor) {
  Trial t(pipeline_of(R"({"id":"a","node_type":"PassThrough"},{"id":"m","node_type":"Multiply","params":{"multiplier":2}})",
                      R"({"from":"a","to":"m","queue":{"items":8}})", R"(,"run":{"on_error":"fail"})"));
  std::vector<std::string> input = numbers(100);
  input.insert(input.begin() + 50, "null");
  const RunReport& report = t.run(input);
  EXPECT_FALSE(report.ok);
  EXPECT_EQ(report.error.code, "item-failed");
}

TEST_F(RunTest, AnOutputThatFailsFailsTheRun) {
  Trial t(pipeline_of(R"({"id":"a","node_type":"PassThrough"})", ""));
  t.results.fail_after = 2;
  const RunReport& report = t.run(numbers(10'000));
  EXPECT_FALSE(report.ok);
  EXPECT_EQ(report.error.message, "the disk is full");
}

TEST_F(RunTest, NoNodeWorksWhoseResultsFindNoRoom) {
  for (const char* node : {R"({"id":"a","node_type":"PassThrough"})", R"({"id":"a","node_type":"PassThrough","parallel":3})", R"({"id":"a","node_type":"Delay","params":{"delay_ms":1}})"}) {
    Trial t(pipeline_of(node, ""));
    NarrowOutput output;
    t.options.output = &output;
    std::thread reader([&] {
      while (output.wait_until_full()) output.make_room();
    });
    EXPECT_TRUE(t.run(numbers(3000)).ok) << node << t.report.error.text();
    reader.join();
    EXPECT_EQ(output.written, 3000u) << node;
    EXPECT_EQ(output.written_while_full, 0u) << node;
  }
}

TEST_F(RunTest, AMergeBySequenceGoesOnWhereTheOutputWasFull) {
  Trial t(pipeline_of(R"({"id":"a","node_type":"PassThrough","parallel":2,"is_output_node":true},{"id":"b","node_type":"PassThrough"},)"
                      R"({"id":"m","node_type":"Sample","params":{"every":1000000},"merge":{"mode":"by_sequence"}})",
                      R"({"from":"a","to":"m","queue":{"items":1}},{"from":"b","to":"m","queue":{"items":1}})"));
  NarrowOutput output;
  t.options.output = &output;
  std::thread reader([&] {
    while (output.wait_until_full()) output.make_room();
  });
  EXPECT_TRUE(t.run(numbers(20'000)).ok) << t.report.error.text();
  reader.join();
  EXPECT_EQ(output.written, 20'000u);
}

TEST_F(RunTest, AnOutputThatStaysFullHoldsNoEndUp) {
  for (const bool now : {true, false}) {
    Trial t(pipeline_of(R"({"id":"a","node_type":"PassThrough"})", "", now ? "" : R"(,"run":{"drain_ms":50})"));
    NarrowOutput output;
    ListFeed feed(numbers(3000));
    t.options.output = &output;
    t.options.feed = &feed;
    auto started = t.start();
    ASSERT_TRUE(started);
    ASSERT_TRUE(output.wait_until_full());
    EXPECT_FALSE((*started)->wait(20));
    (*started)->stop(now);
    EXPECT_TRUE((*started)->wait(60'000));
    EXPECT_TRUE((*started)->report().stopped);
    EXPECT_TRUE((*started)->report().balanced);
    EXPECT_EQ(output.written_while_full, 0u);
  }
}

TEST_F(RunTest, ParallelInStrictOrderKeepsTheOrder) {
  Trial t(pipeline_of(R"({"id":"a","node_type":"Multiply","params":{"multiplier":1},"parallel":4})", ""), 4);
  EXPECT_TRUE(t.run(numbers(20'000)).ok);
  EXPECT_EQ(t.results.by_node["a"], numbers(20'000));
}

TEST_F(RunTest, ParallelWithoutOrderGivesEverythingOnce) {
  Trial t(pipeline_of(R"({"id":"a","node_type":"Multiply","params":{"multiplier":1},"parallel":4,"order":"none"})", ""), 4);
  EXPECT_TRUE(t.run(numbers(20'000)).ok);
  std::vector<std::string> got = t.results.by_node["a"], want = numbers(20'000);
  std::sort(got.begin(), got.end());
  std::sort(want.begin(), want.end());
  EXPECT_EQ(got, want);
}

TEST_F(RunTest, ByKeyKeepsTheOrderOfEachKey) {
  Trial t(pipeline_of(R"({"id":"a","node_type":"PassThrough","parallel":4,"order":{"by_key":"/k"}})", ""), 4);
  std::vector<std::string> input;
  for (int i = 0; i < 3000; ++i) input.push_back("{\"k\":" + std::to_string(i % 7) + ",\"n\":" + std::to_string(i) + "}");
  EXPECT_TRUE(t.run(input).ok);
  std::map<int64_t, int64_t> last;
  for (const std::string& text : t.results.by_node["a"]) {
    const Value v = *Value::parse(text);
    const int64_t key = *v.find("k").as_int(), n = *v.find("n").as_int();
    EXPECT_TRUE(!last.contains(key) || last[key] < n);
    last[key] = n;
  }
  EXPECT_EQ(t.results.by_node["a"].size(), 3000u);
}

TEST_F(RunTest, AnAsynchronousNodeAnswersInOrder) {
  Trial t(pipeline_of(R"({"id":"a","node_type":"Delay","params":{"delay_ms":1}})", ""));
  EXPECT_TRUE(t.run(numbers(3000)).ok);
  EXPECT_EQ(t.results.by_node["a"], numbers(3000));
}

TEST_F(RunTest, ATinyQueueHoldsBackAndLosesNothing) {
  Trial t(pipeline_of(R"({"id":"a","node_type":"PassThrough"},{"id":"b","node_type":"PassThrough"})", R"({"from":"a","to":"b","queue":{"items":1}})"));
  EXPECT_EQ(t.run(numbers(2000)).output_items, 2000u);
}

TEST_F(RunTest, ACallThatHangsCostsItsItemATimeoutAndTheRunGoesOn) {
  Trial t(pipeline_of(R"({"id":"h","node_type":"BrokenNever","timeout_ms":50})", ""));
  const RunReport& report = t.run({"1", "2"});
  EXPECT_TRUE(report.ok);
  EXPECT_EQ(report.dead_letters, 2u);
}

TEST_F(RunTest, ANodeWithoutResumeMayEmitAsMuchAsItHas) {
  Trial t(pipeline_of(R"({"id":"s","node_type":"Split"})", ""));
  std::string list = "[0";
  for (int i = 1; i < 5000; ++i) list += "," + std::to_string(i);
  const RunReport& report = t.run({list + "]"});
  EXPECT_EQ(report.dead_letters, 0u);
  EXPECT_EQ(report.output_items, 5000u);
}

TEST_F(RunTest, ANodeThatNeverAnswersIsAFaultAndFailsTheItem) {
  Trial t(pipeline_of(R"({"id":"n","node_type":"BrokenNever"})", ""));
  const RunReport& report = t.run({"1"});
  EXPECT_EQ(report.dead_letters, 1u);
  EXPECT_FALSE(report.faults.empty());
}

TEST_F(RunTest, AFailedActivateUndoesTheOthersAndNamesTheNode) {
  Trial t(pipeline_of(R"({"id":"a","node_type":"Echo"},{"id":"b","node_type":"BrokenActivate"})", R"({"from":"a","to":"b"})"));
  const auto started = t.start();
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().text().find("\"b\""), std::string::npos) << started.error().text();
}

TEST_F(RunTest, AMergeThatCanNeverGoOnIsAnErrorAndNoHang) {
  Trial t(pipeline_of(R"({"id":"a","node_type":"PassThrough"},{"id":"few","node_type":"Sample","params":{"every":1000}},
                         {"id":"z","node_type":"PassThrough","merge":{"mode":"zip"}})",
                      R"({"from":"a","to":"few"},{"from":"few","to":"z"},{"from":"a","to":"z","queue":{"items":4}})"));
  const RunReport& report = t.run(numbers(100));
  EXPECT_FALSE(report.ok);
  EXPECT_EQ(report.error.code, "stuck");
}

TEST_F(RunTest, StopTakesNoMoreInputAndFinishesWhatIsInside) {
  Trial t(pipeline_of(R"({"id":"a","node_type":"PassThrough"})", ""));
  SilentFeed feed;
  t.options.feed = &feed;
  auto started = t.start();
  ASSERT_TRUE(started);
  EXPECT_FALSE((*started)->wait(20));
  (*started)->stop(false);
  feed.end();
  EXPECT_TRUE((*started)->wait(60'000));
  EXPECT_TRUE((*started)->report().ok);
  EXPECT_TRUE((*started)->report().stopped);
}

TEST_F(RunTest, ItemsCanGoStraightIntoAnyNode) {
  Trial t(pipeline_of(R"({"id":"a","node_type":"Multiply","params":{"multiplier":100}},{"id":"b","node_type":"Add","params":{"addend":1}})", R"({"from":"a","to":"b"})"));
  t.options.node_input = {{"b", {Value::integer(5)}}};
  t.run({"1"});
  std::vector<std::string> got = t.results.by_node["b"];
  std::sort(got.begin(), got.end());
  EXPECT_EQ(got, (std::vector<std::string>{"101", "6"}));
}

}  // namespace
}  // namespace heddle
