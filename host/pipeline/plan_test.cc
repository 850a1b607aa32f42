#include <gtest/gtest.h>

#include "log.h"
#include "pipeline/build.h"

namespace heddle {
namespace {

JsonNode parsed(const std::string& text) {
  JsonNode root;
  Diagnostics problems("test", text);
  EXPECT_TRUE(parse_document(text, root, problems)) << problems.text(false);
  return root;
}

// read → keep → route on one thread; route.eu → score on another lane, 16 at a time, with retries; a standby node.
class Plan : public testing::Test {
 protected:
  Plan() {
    plugin_.name = "node_std";
    plugin_.version = "1.2.0";
    pipeline_.name = "scores";
    const char* names[] = {"read", "keep", "route", "score", "spare"};
    for (uint32_t i = 0; i < 5; ++i) {
      PipelineNode& node = pipeline_.nodes.emplace_back();
      node.settings.id = names[i];
      node.settings.node_type = "T" + std::to_string(i);
      node.settings.params = parsed("{}");
      node.entry = {&plugin_, &type_};
      node.inputs = {"in"};
      node.outputs = {"out"};
      node.lane = "default";
      node.placement = "local";
      node.placement_reason = "the type is installed here";
    }
    pipeline_.nodes[0].is_entry = true;
    pipeline_.nodes[2].outputs = {"eu", "rest"};
    PipelineNode& score = pipeline_.nodes[3];
    score.lane = "net";
    score.stage = 1;
    score.settings.parallel = 16;
    score.settings.order = OrderMode::kByKey;
    score.settings.order_key = "/account";
    score.timeout_ms = 5000;
    score.retry = {
        .max_attempts = 3, .initial_backoff_ms = 50, .max_backoff_ms = 800, .multiplier = 1.5, .jitter = "full", .budget_percent = 20};
    PipelineNode& spare = pipeline_.nodes[4];
    spare.settings.standby = true;
    spare.stage = PipelineNode::kNoStage;
    spare.placement = "none";
    spare.placement_reason = "standby: it waits";

    connect(0, 0, 1);
    connect(1, 0, 2);
    connect(2, 0, 3, "other lane");
    pipeline_.edges.back().batch = {32, 20};
    pipeline_.edges.back().queue_items = 256;
    pipeline_.edges.back().on_full = OnFull::kDropOldest;
    connect(3, PipelineEdge::kErrorPort, 2);
    connect(PipelineEdge::kRunInput, 0, 0, "run input");
    pipeline_.stages.resize(2);
    pipeline_.stages[0].nodes = {0, 1, 2};
    pipeline_.stages[0].lane = "default";
    PipelineStage& watched = pipeline_.stages[1];
    watched.nodes = {3};
    watched.lane = "net";
    watched.parallel = 16;
    watched.order = OrderMode::kByKey;
    watched.order_key = "/account";
    watched.watched = true;
    LaneConfig& net = pipeline_.lanes.emplace_back();
    net.name = "net";
    net.priority = 2;
    net.max_concurrency = 64;
  }

  void connect(uint32_t from, uint32_t port, uint32_t to, const std::string& reason = {}) {
    PipelineEdge edge;
    edge.from = from;
    edge.from_port = port;
    edge.to = to;
    edge.queued = !reason.empty();
    edge.reason = reason;
    pipeline_.edges.push_back(edge);
  }

  PluginDescriptor plugin_;
  TypeDescriptor type_;
  Pipeline pipeline_;
};

TEST_F(Plan, SaysWhatRunsWhereAndWhy) {
  EXPECT_EQ(plan_text(pipeline_, false),
            R"(pipeline scores: 5 nodes, 2 stages, 2 queues

stage 1 on lane default: read → keep → route  (inline, one thread)
  read   T0  node_std 1.2.0  local: the type is installed here
  keep   T1  node_std 1.2.0  local: the type is installed here
  route  T2  node_std 1.2.0  local: the type is installed here

stage 2 on lane net: score  (16 in parallel, in order by /account, item by item)
  score  T3  node_std 1.2.0  local: the type is installed here
         timeout: 5000 ms
         retry: up to 3 attempts, back-off 50 ms to 800 ms times 1.5, jitter full, budget 20 %

standby
  spare  T4  node_std 1.2.0  standby: it waits

queues
  route.eu → score: other lane; at most 256 items and 16777216 bytes, on_full: drop_oldest; batches of 32, waited for 20 ms
  the run's input → read: run input
)");
}

TEST_F(Plan, TellsEveryDefaultWhenFull) {
  pipeline_.nodes[0].settings.params = parsed(R"({"path": "x"})");
  const std::string text = plan_text(pipeline_, true);
  for (const char* part :
       {"parallel: 1   order: strict", "timeout_ms: 0 (none)",
        "retry: max_attempts 1, initial_backoff_ms 100, max_backoff_ms 30000, multiplier 2, jitter full, budget_percent 20",
        "idempotent: false   max_batch: 64", "merge: arrival   state: not kept", R"(params: {"path":"x"})", "read → keep: inline, no queue",
        "score.error → route", "the run's input → read: run input; at most 4096 items and 16777216 bytes, on_full: block; no batches",
        "net: priority 2, min_concurrency 0, max_concurrency 64, weight 1, priority_boost {\"kind\":\"off\"}", "item_deadline_ms: 0 (none)", "on_error: dead_letter",
        "drain_ms: 10000"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
  }
}

TEST_F(Plan, IsTheSameAsData) {
  const JsonNode plan = parsed(plan_json(pipeline_, false));
  EXPECT_EQ(plan.find("name")->text, "scores");
  const JsonNode& stage = plan.find("stages")->items.at(1);
  EXPECT_EQ(
      stage.json(),
      R"({"stage":2,"lane":"net","nodes":["score"],"inline":false,"parallel":16,"order":{"by_key":"/account"},"one_by_one":true,"asynchronous":false})");
  const JsonNode& score = plan.find("nodes")->items.at(3);
  EXPECT_EQ(score.find("placement")->text, "local");
  EXPECT_EQ(score.find("placement_reason")->text, "the type is installed here");
  EXPECT_EQ(score.find("plugin")->find("version")->text, "1.2.0");
  EXPECT_EQ(score.find("stage")->text, "2");
  EXPECT_EQ(score.find("timeout_ms")->text, "5000");
  EXPECT_EQ(score.find("retry")->find("multiplier")->text, "1.5");
  EXPECT_EQ(plan.find("nodes")->items.at(4).find("stage"), nullptr);
  const JsonNode& edges = *plan.find("connections");
  EXPECT_EQ(edges.items.at(2).json(),
            R"({"from":"route","from_port":"eu","to":"score","to_port":"in","queued":true,"reason":"other lane",)"
            R"("queue":{"items":256,"bytes":16777216,"on_full":"drop_oldest"},"batch":{"items":32,"linger_ms":20}})");
  EXPECT_EQ(edges.items.at(3).find("from_port")->text, "error");
  EXPECT_EQ(edges.items.at(4).find("from")->kind, JsonKind::kNull);
}

TEST_F(Plan, LeavesDefaultsOutOfTheDataUnlessFull) {
  const JsonNode plan = parsed(plan_json(pipeline_, false)), full = parsed(plan_json(pipeline_, true));
  for (const char* key : {"params", "timeout_ms", "retry", "parallel", "max_batch", "merge", "idempotent", "keep_state"}) {
    EXPECT_EQ(plan.find("nodes")->items.at(0).find(key), nullptr) << key;
    EXPECT_NE(full.find("nodes")->items.at(0).find(key), nullptr) << key;
  }
  EXPECT_EQ(plan.find("connections")->items.at(4).find("queue"), nullptr);
  EXPECT_NE(full.find("connections")->items.at(4).find("queue"), nullptr);
}

TEST_F(Plan, ShowsNoSecretEvenWhereItIsEscaped) {
  log::redact("pass\"word\\1");
  pipeline_.nodes[0].settings.params = parsed(R"({"deep": [{"token": "Bearer pass\"word\\1"}]})");
  for (const std::string& plan : {plan_text(pipeline_, true), plan_json(pipeline_, true)}) {
    EXPECT_EQ(plan.find("word"), std::string::npos) << plan;
    EXPECT_NE(plan.find("Bearer ***"), std::string::npos) << plan;
  }
}

TEST_F(Plan, CannotSteerATerminal) {
  pipeline_.nodes[2].outputs[0] = "e\x1b[2Ju\n\xC2\x9B";
  const std::string text = plan_text(pipeline_, false);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find("\xC2\x9B"), std::string::npos);
  EXPECT_NE(text.find("route.e?[2Ju?? → score"), std::string::npos) << text;
}

TEST_F(Plan, ShowsAnEmptyPipeline) {
  Pipeline empty;
  empty.name = "nothing";
  EXPECT_EQ(plan_text(empty, false), "pipeline nothing: 0 nodes, 0 stages, 0 queues\n");
}

}  // namespace
}  // namespace heddle
