#include "serve/worker_metrics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "log.h"

namespace heddle {
namespace {

WorkerNow working() {
  WorkerNow one{.name = "w", .works = true};
  one.counts.settled = 7;
  one.counts.open = {{TaskState::kRunning, 2}};
  Histogram took;
  took.record(2'000'000);
  one.counts.claim_to_work.add(took);
  one.standing = *Value::parse(R"({"account":"0xf39f","chain":31337,"block":12,"block_unix":1700000000,"balance":9999999999999999999999,"pending":3,"gaps":1,"bumps":4,"sent":20,"final":17,
    "alarms":["the account has too little"],"endpoints":[{"address":"http://a:1","block":12,"well":true},{"address":"http://b:2","well":false,"error":"nobody answers"}]})");
  return one;
}

std::string text_of(const std::vector<WorkerNow>& workers) {
  MetricList list;
  add_worker_metrics(list, workers);
  return "\n" + metrics_text(list.take());
}

void expect_line(const std::string& text, const std::string& line) { EXPECT_NE(text.find("\n" + line + "\n"), std::string::npos) << line << " is not in" << text; }

TEST(WorkerMetrics, SayWhatAWorkerDoesAndHowItsAccountStands) {
  const std::string text = text_of({working()});
  expect_line(text, R"(heddle_task_worker_up{worker="w"} 1)");
  expect_line(text, R"(heddle_task_settled_total{worker="w"} 7)");
  expect_line(text, R"(heddle_task_lost_total{worker="w"} 0)");
  expect_line(text, R"(heddle_task_open{worker="w",state="running"} 2)");
  expect_line(text, R"(heddle_task_open{worker="w",state="submitted"} 0)");
  expect_line(text, R"(heddle_task_claim_to_work_seconds_count{worker="w"} 1)");
  expect_line(text, R"(heddle_task_claim_to_work_seconds_bucket{worker="w",le="0.005"} 1)");
  expect_line(text, R"(heddle_chain_head_block{worker="w",account="0xf39f"} 12)");
  expect_line(text, R"(heddle_chain_balance{worker="w",account="0xf39f"} 1e+22)");
  expect_line(text, R"(heddle_chain_transactions_pending{worker="w",account="0xf39f"} 3)");
  expect_line(text, R"(heddle_chain_gaps{worker="w",account="0xf39f"} 1)");
  expect_line(text, R"(heddle_chain_alarms{worker="w",account="0xf39f"} 1)");
  expect_line(text, R"(heddle_chain_endpoint_well{worker="w",endpoint="http://a:1",position="1"} 1)");
  expect_line(text, R"(heddle_chain_endpoint_well{worker="w",endpoint="http://b:2",position="2"} 0)");
  expect_line(text, R"(heddle_chain_endpoint_block{worker="w",endpoint="http://a:1",position="1"} 12)");
  EXPECT_EQ(text.find(R"(heddle_chain_endpoint_block{worker="w",endpoint="http://b:2")"), std::string::npos) << "nobody knows its block";
}

TEST(WorkerMetrics, OfAWorkerThatDoesNotStartThereIsThatOnly) {
  const std::string text = text_of({{.name = "w"}});
  expect_line(text, R"(heddle_task_worker_up{worker="w"} 0)");
  EXPECT_EQ(text.find("heddle_task_settled_total{"), std::string::npos);
  EXPECT_EQ(text.find("heddle_chain_"), std::string::npos);
}

TEST(WorkerMetrics, AHostWithoutWorkersHasNone) { EXPECT_EQ(text_of({}), "\n"); }

TEST(WorkerMetrics, NoNameStandsTwiceAndCountersAreTotals) {
  MetricList list;
  add_worker_metrics(list, {working(), working()});
  std::set<std::string> names;
  for (const Metric& metric : list.take()) {
    EXPECT_TRUE(names.insert(metric.name).second) << metric.name;
    EXPECT_EQ(metric.kind == Metric::Kind::kCounter, metric.name.ends_with("_total")) << metric.name;
    EXPECT_EQ(metric.kind == Metric::Kind::kHistogram, metric.name.ends_with("_seconds") && metric.name != "heddle_chain_head_timestamp_seconds") << metric.name;
  }
}

TEST(WorkerMetrics, NoLabelHasASecretInIt) {
  log::redact("metric-secret");
  WorkerNow one = working();
  one.standing = *Value::parse(R"({"account":"metric-secret","endpoints":[{"address":"http://a/metric-secret","well":true}]})");
  EXPECT_EQ(text_of({one}).find("metric-secret"), std::string::npos);
}

}  // namespace
}  // namespace heddle
