#include "serve/served_pipelines.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <future>

#include "serve/execution.h"

namespace heddle {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTriple = R"({"version": "heddle/1", "metadata": {"name": "triple", "description": "three times"},
  "nodes": [{"id": "m", "node_type": "Multiply", "params": {"multiplier": 3}}]})";
constexpr const char* kSlow = R"({"version": "heddle/1", "nodes": [{"id": "d", "node_type": "Delay", "params": {"delay_ms": 60000}}]})";
constexpr const char* kLate = R"({"version": "heddle/1", "nodes": [{"id": "s", "node_type": "StartsLate"}, {"id": "t", "node_type": "StartsLate"}],
  "connections": [{"from": "s", "to": "t"}]})";
constexpr const char* kCounts = R"({"version": "heddle/1", "metadata": {"name": "the same"}, "nodes": [{"id": "c", "node_type": "Aggregate", "params": {"op": "count"}, "state": "keep"}]})";
constexpr const char* kTwoEnds = R"({"version": "heddle/1",
  "nodes": [{"id": "p", "node_type": "PassThrough"}, {"id": "a", "node_type": "Add", "params": {"addend": 1}}, {"id": "b", "node_type": "Add", "params": {"addend": 2}}],
  "connections": [{"from": "p", "to": "a"}, {"from": "p", "to": "b"}]})";

std::string with_lane(const std::string& settings) {
  return R"({"version": "heddle/1", "lanes": {"special": )" + settings + R"(}, "nodes": [{"id": "p", "node_type": "PassThrough", "lane": "special"}]})";
}

class Served : public testing::Test {
 protected:
  Served() { fs::create_directories(folder_); }
  ~Served() override {
    pipelines_.wait_until_idle(10'000);
    fs::remove_all(folder_);
  }
  void write(const std::string& name, const std::string& text) { std::ofstream(folder_ / name) << text; }
  Result<ServedPipelines::Change> load(const std::vector<LaneSetup>& host_lanes = {}) { return pipelines_.load(folder_.string(), catalog_, lanes_, host_lanes); }
  Admitted admitted(const std::string& name) {
    auto out = admit(pipelines_.find(name), state_dir());
    EXPECT_TRUE(out);
    return *std::move(out);
  }
  std::string state_dir() const { return folder_.string() + "/kept"; }
  Executed execute(const std::string& name, std::vector<Value> items) {
    std::promise<Executed> done;
    const auto execution = Execution::start({pipelines_.find(name)}, lanes_, std::move(items), [&done](Executed e) { done.set_value(std::move(e)); });
    return done.get_future().get();
  }

  const fs::path folder_ = fs::temp_directory_path() / ("heddle-served-" + std::to_string(::getpid()));
  const std::shared_ptr<const Catalog> catalog_ = std::make_shared<const Catalog>(Catalog::scan({HEDDLE_PLUGINS, HEDDLE_BROKEN_PLUGINS}));
  Lanes lanes_{1};  // whoever waits for what a worker has to do would wait for ever
  ServedPipelines pipelines_;
};

std::vector<std::string> json_of(const std::vector<Value>& values) {
  std::vector<std::string> out;
  for (const Value& v : values) out.push_back(v.json());
  return out;
}

using Texts = std::vector<std::string>;

TEST_F(Served, IsReloadedByDiff) {
  write("one.json", kTriple);
  write("two.json", kTriple);
  write("notes.txt", "no manifest");
  auto change = load();
  ASSERT_TRUE(change) << change.error().message;
  EXPECT_EQ(change->added, (Texts{"one", "two"}));
  EXPECT_EQ(pipelines_.find("one")->description, "three times");
  const ServedPipelinePtr one = pipelines_.find("one"), two = pipelines_.find("two");
  write("two.json", kTwoEnds);
  write("three.json", kTriple);
  change = load();
  ASSERT_TRUE(change) << change.error().message;
  EXPECT_EQ(change->added, Texts{"three"});
  EXPECT_EQ(change->changed, Texts{"two"});
  EXPECT_EQ(change->unchanged, Texts{"one"});
  EXPECT_EQ(pipelines_.find("one"), one);
  EXPECT_NE(pipelines_.find("two"), two);
  fs::remove(folder_ / "one.json");
  change = load();
  ASSERT_TRUE(change);
  EXPECT_EQ(change->removed, Texts{"one"});
  EXPECT_EQ(pipelines_.find("one"), nullptr);
}

TEST_F(Served, StaysAsItWasWhenAFileDoesNotPass) {
  write("one.json", kTriple);
  ASSERT_TRUE(load());
  write("one.json", kTwoEnds);
  write("two.json", "{\"version\": \"heddle/1\",\n \"nodes\": [{\"id\": \"m\", \"node_type\": \"Multipl\"}]}");
  write("zzz.json", "{");
  const auto change = load();
  ASSERT_FALSE(change);
  for (const char* part : {"two.json:2:", "did you mean", "Multiply", "zzz.json:1:"}) EXPECT_NE(change.error().message.find(part), std::string::npos) << change.error().message;
  EXPECT_EQ(pipelines_.find("one")->text, kTriple);
  EXPECT_EQ(pipelines_.all().size(), 1u);
  EXPECT_EQ(pipelines_.load((folder_ / "nowhere").string(), catalog_, lanes_, {}).error().code, "io");
}

TEST_F(Served, LanesOfAManifestBecomeTheHosts) {
  write("one.json", with_lane(R"({"priority": 4, "max_concurrency": 2, "weight": 3, "priority_boost": {"kind": "standard", "within_ms": 50}})"));
  ASSERT_TRUE(load());
  const LaneConfig lane = lanes_.config(*lanes_.find("special"));
  EXPECT_EQ(lane.max_concurrency, 2u);
  EXPECT_EQ(lane.weight, 3u);
  EXPECT_EQ(lane.boost, standard_boost(50 * kNsPerMs));
  // Whoever changes the lane while the host runs keeps what he has changed: by an execution, and by a reload of the same text.
  ASSERT_TRUE(lanes_.add({.name = "special", .priority = 4, .max_concurrency = 1}));
  EXPECT_TRUE(execute("one", {Value::integer(1)}).run);
  ASSERT_TRUE(load());
  EXPECT_EQ(lanes_.config(*lanes_.find("special")).max_concurrency, 1u);
  write("one.json", with_lane(R"({"priority": 4, "max_concurrency": 3})"));
  ASSERT_TRUE(load());
  EXPECT_EQ(lanes_.config(*lanes_.find("special")).max_concurrency, 3u);
}

TEST_F(Served, TwoManifestsSayTheSameOfALane) {
  write("one.json", with_lane(R"({"priority": 4})"));
  write("two.json", with_lane(R"({"priority": 4, "weight": 2})"));
  const auto change = load();
  ASSERT_FALSE(change);
  for (const char* part : {"two.json:1:", "error[lane-contradiction]: the lane \"special\" has priority 4", "weight 2", "one.json has it with", "or set it in the configuration"})
    EXPECT_NE(change.error().message.find(part), std::string::npos) << change.error().message;
  write("two.json", with_lane(R"({"priority": 4, "weight": 1, "max_concurrency": null})"));  // the same, said otherwise
  EXPECT_TRUE(load());
}

TEST_F(Served, AgainstTheConfigurationAManifestDoesNotCount) {
  LaneSetup host = default_setup("special");
  host.lane.max_concurrency = 7;
  ASSERT_TRUE(lanes_.add(host.lane));
  write("one.json", with_lane(R"({"priority": 5})"));
  auto change = load({host});
  ASSERT_TRUE(change) << change.error().message;
  ASSERT_EQ(change->notes.size(), 1u);
  for (const char* part : {"one.json: the lane \"special\" is the host's", "priority 3, min_concurrency 0, max_concurrency 7", "that counts", "priority 5"})
    EXPECT_NE(change->notes[0].find(part), std::string::npos) << change->notes[0];
  EXPECT_EQ(lanes_.config(*lanes_.find("special")).priority, 3u);
  EXPECT_FALSE(pipelines_.declared_lane("special"));

  write("one.json", with_lane("{}"));  // says nothing that the host's lane is not
  EXPECT_TRUE(load({host})->notes.empty());
  write("one.json", with_lane(R"({"max_concurrency": 7})"));
  EXPECT_TRUE(load({host})->notes.empty());

  change = load();  // the configuration does not name it any more
  EXPECT_TRUE(change->notes.empty());
  EXPECT_EQ(pipelines_.declared_lane("special")->max_concurrency, 7u);

  write("one.json", R"({"version": "heddle/1", "lanes": {"prompt": {"max_concurrency": 9}}, "nodes": [{"id": "p", "node_type": "PassThrough"}]})");
  EXPECT_EQ(load()->notes.size(), 1u);
  EXPECT_EQ(lanes_.config(*lanes_.find("prompt")).max_concurrency, 2u);
}

TEST_F(Served, ExecutionGivesOutputsAndFailedItems) {
  write("triple.json", kTriple);
  write("ends.json", kTwoEnds);
  ASSERT_TRUE(load());
  Executed executed = execute("triple", {Value::integer(2), *Value::string("x"), Value::integer(5)});
  EXPECT_TRUE(executed.run);
  EXPECT_EQ(json_of(executed.outputs), (Texts{"6", "15"}));
  ASSERT_EQ(executed.failed.size(), 1u);
  EXPECT_EQ(executed.failed[0].find("node").as_text(), "m");
  EXPECT_EQ(executed.failed[0].find("class").as_text(), "permanent");
  EXPECT_EQ(executed.failed[0].find("attempts").kind(), HEDDLE_LIST);
  executed = execute("ends", {Value::integer(1)});
  auto outputs = json_of(executed.outputs);
  std::sort(outputs.begin(), outputs.end());
  EXPECT_EQ(outputs, (Texts{R"({"node":"a","value":2})", R"({"node":"b","value":3})"}));
  EXPECT_TRUE(execute("triple", {}).outputs.empty());
}

TEST_F(Served, OutputsAndFailuresAreToldAsTheyCome) {
  write("triple.json", kTriple);
  ASSERT_TRUE(load());
  std::vector<std::string> outputs, failed;
  std::promise<Executed> done;
  Execution::start({pipelines_.find("triple")}, lanes_, {Value::integer(2), Value::null()}, [&](Executed e) { done.set_value(std::move(e)); },
                   {.output = [&](uint64_t, Value v) { outputs.push_back(v.json()); }, .failed = [&](uint64_t, Value v) { failed.push_back(std::string(*v.find("node").as_text())); }});
  const Executed executed = done.get_future().get();
  EXPECT_EQ(outputs, Texts{"6"});
  EXPECT_EQ(failed, Texts{"m"});
  EXPECT_TRUE(executed.outputs.empty() && executed.failed.empty());
}

TEST_F(Served, AStoppedExecutionSaysSo) {
  write("slow.json", kSlow);
  ASSERT_TRUE(load());
  for (int round = 0; round < 20; ++round) {  // before it has begun, while it begins, and after
    std::promise<Executed> done;
    auto execution = Execution::start({pipelines_.find("slow")}, lanes_, {Value::integer(1)}, [&](Executed e) { done.set_value(std::move(e)); });
    if (round % 2) execute("slow", {});
    execution->stop();
    const Executed executed = done.get_future().get();
    ASSERT_FALSE(executed.run);
    EXPECT_EQ(executed.run.error().code, "stopped");
    EXPECT_EQ(executed.run.error().error_class, ErrorClass::kCancelled);
  }
}

TEST_F(Served, ManyExecutionsShareOneWorker) {
  write("ends.json", kTwoEnds);
  write("late.json", kLate);
  ASSERT_TRUE(load());
  constexpr int kMany = 200;
  std::atomic<int> left{kMany}, outputs{0};
  std::promise<void> all;
  for (int i = 0; i < kMany; ++i) {
    Execution::start({pipelines_.find(i % 2 ? "ends" : "late")}, lanes_, {Value::integer(i)}, [&](Executed e) {
      EXPECT_TRUE(e.run);
      outputs += static_cast<int>(e.outputs.size());
      if (--left == 0) all.set_value();
    });
  }
  all.get_future().wait();
  EXPECT_EQ(outputs, kMany + kMany / 2);
  EXPECT_TRUE(pipelines_.wait_until_idle(10'000));
}

TEST_F(Served, ExecutionsThatKeepStateRunOneAfterTheOther) {
  for (const char* name : {"counts", "other"}) write(std::string(name) + ".json", kCounts);
  ASSERT_TRUE(load());
  constexpr int kMany = 50;
  std::vector<std::string> counted, other;  // what each execution says: the items that it and those before it were given
  std::atomic<int> left{2 * kMany};
  std::promise<void> all;
  for (int i = 0; i < 2 * kMany; ++i) {
    Execution::start(admitted(i % 2 ? "counts" : "other"), lanes_, {Value::integer(i), Value::null()}, [&, i](Executed e) {
      EXPECT_TRUE(e.run) << e.run.error().text();
      (i % 2 ? counted : other).push_back(e.outputs.at(0).json());
      if (--left == 0) all.set_value();
    });
    if (i == kMany) { EXPECT_TRUE(load()); }  // what runs and what waits belongs to one line, also across a reload
  }
  all.get_future().wait();
  for (int i = 0; i < kMany; ++i) {
    const std::string so_far = std::to_string(2 * (i + 1));
    EXPECT_EQ(counted[static_cast<size_t>(i)], "{\"value\":" + so_far + ",\"count\":" + so_far + "}");
  }
  EXPECT_EQ(counted, other);
}

TEST_F(Served, AnExecutionCanBeGivenUpInTheLine) {
  write("slow.json", R"({"version": "heddle/1", "nodes": [{"id": "d", "node_type": "Delay", "params": {"delay_ms": 60000}}, {"id": "c", "node_type": "Aggregate",
                         "params": {"op": "count"}, "state": "keep"}], "connections": [{"from": "d", "to": "c"}]})");
  ASSERT_TRUE(load());
  std::vector<std::promise<Executed>> done(3);
  std::vector<std::shared_ptr<Execution>> executions;
  for (auto& one : done) executions.push_back(Execution::start(admitted("slow"), lanes_, {Value::integer(1)}, [&one](Executed e) { one.set_value(std::move(e)); }));
  const auto full = admit(pipelines_.find("slow"), state_dir(), 3);
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, "busy");
  EXPECT_EQ(full.error().error_class, ErrorClass::kRetryable);
  EXPECT_TRUE(admit(pipelines_.find("slow"), "", 3)) << "nothing is kept, nobody waits";
  for (const size_t i : {1u, 0u, 2u}) {  // in the line; running; next
    executions[i]->stop();
    executions[i]->stop();
    EXPECT_EQ(done[i].get_future().get().run.error().code, "stopped");
  }
  EXPECT_TRUE(admit(pipelines_.find("slow"), state_dir(), 1));
}

TEST_F(Served, AFileThatIsTakenInIsLookedAtByAReload) {
  const std::string text = R"({"version": "heddle/1", "params": {"key": {"type": "secret", "from": "file:key.txt"}},
    "nodes": [{"id": "l", "node_type": "Log", "params": {"message": "${file:words.txt}"}}, {"id": "s", "node_type": "Log", "params": {"message": "${param.key}"}}],
    "connections": [{"from": "l", "to": "s"}]})";
  write("log.json", text);
  write("words.txt", "one");
  write("key.txt", "secret-1");
  ASSERT_TRUE(load());
  for (const auto& [file, content, is_new] : {std::tuple("words.txt", "one", false), {"words.txt", "two", true}, {"words.txt", "two", false},
                                              {"key.txt", "secret-2", true}, {"key.txt", "secret-2\n", false}}) {
    const ServedPipelinePtr before = pipelines_.find("log");
    write(file, content);
    const auto change = load();
    ASSERT_TRUE(change) << change.error().message;
    EXPECT_EQ(change->changed, is_new ? Texts{"log"} : Texts{}) << file << ": " << content;
    EXPECT_EQ(pipelines_.find("log") != before, is_new);
  }
  fs::remove(folder_ / "words.txt");
  EXPECT_FALSE(load()) << "what it needs is gone";
  EXPECT_TRUE(pipelines_.find("log"));
}

TEST_F(Served, IsAJob) {
  write("triple.json", kTriple);
  write("slow.json", kSlow);
  ASSERT_TRUE(load());
  Jobs jobs(lanes_);
  for (const char* name : {"triple", "slow"}) jobs.add_type(std::string("pipeline/") + name, pipeline_job(jobs, pipelines_, lanes_, {}, name));
  const auto over = [&](JobSpec spec) { return *jobs.wait(*jobs.submit(std::move(spec)), 30'000); };
  EXPECT_EQ(over({.type = "pipeline/triple", .payload = Value::integer(2)}).result.json(), R"({"outputs":[6]})");

  const JobView failed = over({.type = "pipeline/triple", .payload = Value::null()});
  EXPECT_EQ(failed.state, JobState::kDead);
  EXPECT_NE(failed.error->text().find("node m: "), std::string::npos) << failed.error->text();

  LaneConfig narrow = lanes_.config(*lanes_.find("default"));
  narrow.max_concurrency = 1;
  ASSERT_TRUE(lanes_.add(narrow));
  const JobView stuck = over({.type = "pipeline/triple", .payload = Value::integer(2)});
  EXPECT_EQ(stuck.error->code, "lane-in-use") << stuck.error->text();
  EXPECT_EQ(over({.type = "pipeline/triple", .lane = "query", .payload = Value::integer(2)}).state, JobState::kDone);
  narrow.max_concurrency = LaneConfig::kNoLimit;
  ASSERT_TRUE(lanes_.add(narrow));

  const JobId slow = *jobs.submit({.type = "pipeline/slow", .payload = Value::integer(1)});
  EXPECT_TRUE(jobs.cancel(slow));
  EXPECT_EQ(jobs.wait(slow, 30'000)->state, JobState::kCancelled);
  EXPECT_TRUE(pipelines_.wait_until_idle(30'000));  // long before the delay is over

  fs::remove(folder_ / "triple.json");
  ASSERT_TRUE(load());
  const JobView gone = over({.type = "pipeline/triple", .payload = Value::integer(2)});
  EXPECT_EQ(gone.error->code, "no-pipeline");
  EXPECT_NE(gone.error->text().find("\"triple\" is not served any more"), std::string::npos);
  jobs.shutdown(1'000);
}

}  // namespace
}  // namespace heddle
