// What the control tells of the host itself: health, metrics, its own description, a reload.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "controlled.h"
#include "pipeline/capabilities.h"
#include "serve/route.h"

namespace heddle {
namespace {

TEST(ControlHost, IsWellAndReadyOrSaysWhyNot) {
  Controlled host;
  EXPECT_EQ(host.ask("GET /health").body, R"({"status":"ok"})");
  EXPECT_EQ(host.ask("GET /ready").status, 200);
  host.is_ready = false;
  const Answer answer = host.ask("GET /ready");
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.code(), "not-ready");
  EXPECT_EQ(answer.message(), "the store is not open yet");
  EXPECT_EQ(host.ask("GET /v1/host").text("/version"), "1.2.3");
}

TEST(ControlHost, SaysWhichTypesOfNodesItHasAndWhatItsMachineHas) {
  Controlled host;
  const Answer answer = host.ask("GET /v1/types");
  ASSERT_EQ(answer.status, 200) << answer.body;
  const Value types = answer.json.find("types");
  size_t of_catalog = 0;
  for (const auto& plugin : host.catalog->plugins())
    of_catalog += static_cast<size_t>(std::count_if(plugin->types.begin(), plugin->types.end(), [](const TypeDescriptor& type) { return type.kind == "node"; }));
  EXPECT_EQ(types.size(), of_catalog);
  std::map<std::string, Value> by_name;
  for (size_t i = 0; i < types.size(); ++i) EXPECT_TRUE(by_name.emplace(*types.at(i).find("name").as_text(), types.at(i)).second);
  const CatalogEntry echo = host.catalog->find("node", "Echo");
  ASSERT_TRUE(by_name.contains("Echo"));
  const Value said = by_name["Echo"];
  const std::pair<const char*, std::string> texts[] = {{"plugin", "node_std"}, {"version", echo.plugin->version}, {"summary", echo.type->summary}};
  for (const auto& [member, text] : texts) EXPECT_EQ(said.find(member).as_text(), text) << member;
  EXPECT_EQ(said.find("aliases").json(), R"(["EchoNode"])");
  EXPECT_EQ(said.find("capabilities").json(), "{}");
  EXPECT_EQ(answer.json.find("capabilities").json(), capabilities_json(local_capabilities()).json());
  EXPECT_EQ(answer.number("/capabilities/cores"), local_capabilities().cores);
}

TEST(ControlHost, IsReloadedOnceAtATime) {
  Controlled host;
  std::promise<void> entered, may_go;
  host.reload = [&]() -> Result<Value> {
    entered.set_value();
    may_go.get_future().wait();
    return json_object({{"changed", json_count(3)}});
  };
  Peer first(host.served->port);
  first.ask("POST /v1/reload");
  entered.get_future().wait();
  EXPECT_EQ(host.ask("POST /v1/reload").status, 409);
  may_go.set_value();
  EXPECT_EQ(Controlled::answer_of(first.reply()).number("/changed"), 3);
  host.reload = []() -> Result<Value> { return Error("bad-config", "line 3: no such key"); };
  const Answer refused = host.ask("POST /v1/reload");
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.message(), "line 3: no such key");
  host.reload = []() -> Result<Value> { return Error("stopping", "this host is stopping", ErrorClass::kRetryable); };
  EXPECT_EQ(host.ask("POST /v1/reload").status, 503);
  EXPECT_EQ(host.reloads, 3);
}

// The value of a sample; NaN: there is none.
double sample(const std::string& text, const std::string& name) {
  const size_t at = text.find("\n" + name + " ");
  return at == text.npos ? std::nan("") : std::strtod(text.c_str() + at + name.size() + 2, nullptr);
}

TEST(ControlMetrics, CountWhatHappens) {
  Controlled host;
  for (int i = 0; i < 3; ++i) host.over(host.submit(R"({"type":"echo","lane":"skill"})"));
  host.over(host.submit(R"({"type":"fail","lane":"skill"})"));
  host.submit(R"({"type":"hold","lane":"prompt"})");
  host.ask("POST /v1/lanes/query/pause");
  host.submit(R"({"type":"echo","lane":"query"})");
  const int64_t delayed = host.submit(R"({"type":"echo","lane":"query","delay_ms":600000})");
  Peer peer(host.served->port);
  peer.ask("GET /metrics");
  const Reply reply = peer.reply();
  EXPECT_EQ(reply.header("content-type"), "text/plain; version=0.0.4");
  const std::string& text = reply.body;
  EXPECT_EQ(sample(text, R"(heddle_lane_jobs_submitted_total{lane="skill"})"), 4) << text;
  EXPECT_EQ(sample(text, R"(heddle_lane_jobs_completed_total{lane="skill"})"), 3);
  EXPECT_EQ(sample(text, R"(heddle_lane_jobs_dead_lettered_total{lane="skill"})"), 1);
  EXPECT_EQ(sample(text, R"(heddle_lane_run_seconds_count{lane="skill"})"), 4);
  EXPECT_EQ(sample(text, R"(heddle_lane_run_seconds_bucket{lane="skill",le="+Inf"})"), 4);
  EXPECT_EQ(sample(text, R"(heddle_lane_limit{lane="skill"})"), 3);
  EXPECT_EQ(sample(text, R"(heddle_lane_waiting{lane="query"})"), 1);
  EXPECT_EQ(sample(text, R"(heddle_lane_delayed{lane="query"})"), 1);
  EXPECT_EQ(sample(text, R"(heddle_lane_paused{lane="query"})"), 1);
  EXPECT_EQ(sample(text, "heddle_dead_jobs"), 1);
  EXPECT_EQ(sample(text, R"(heddle_build_info{version="1.2.3"})"), 1);
  EXPECT_EQ(sample(text, "process_start_time_seconds"), 1'700'000'000);
  ASSERT_TRUE(host.ask("PATCH /v1/lanes/query", R"({"depth":1000})").status == 200);
  for (int i = 0; i < 120; ++i) host.submit(R"({"type":"echo","lane":"query"})");
  EXPECT_EQ(sample(host.ask("GET /metrics").body, R"(heddle_lane_alert{lane="query",kind="depth"})"), 1);
  EXPECT_EQ(host.ask("GET /v1/lanes/query").text("/alerts_standing/0/level"), "warning");
  host.ask("POST /v1/lanes/query/resume");
  host.ask("POST /v1/jobs/" + std::to_string(delayed) + "/cancel");
}

TEST(ControlMetrics, PromtoolFindsNothingToSay) {
  if (std::system("promtool --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "promtool is not installed: it comes with the package prometheus";
  Controlled host;
  host.over(host.submit(R"({"type":"echo"})"));
  ASSERT_TRUE(host.outside.peers.open({.transport = "http", .pools = {{{"127.0.0.1:1"}, {"127.0.0.1:2"}}, {{"127.0.0.1:1"}}}, .operations = Served::kOperations}));
  ASSERT_NE(host.ask("GET /metrics").body.find("heddle_remote_attempt_seconds_bucket"), std::string::npos);
  std::string folder = (std::filesystem::temp_directory_path() / "heddle-metrics-XXXXXX").string();
  ASSERT_TRUE(::mkdtemp(folder.data()));
  std::ofstream(folder + "/metrics") << host.ask("GET /metrics").body;
  const int found = std::system(("promtool check metrics <" + folder + "/metrics >" + folder + "/said 2>&1").c_str());
  std::ifstream said(folder + "/said");
  EXPECT_EQ(found, 0) << std::string(std::istreambuf_iterator<char>(said), {});
  std::filesystem::remove_all(folder);
}

// Every "$ref" below `value` leads to a component.
void check_references(const Value& document, const Value& value) {
  if (value.kind() != HEDDLE_MAP && value.kind() != HEDDLE_LIST) return;
  for (size_t i = 0; i < value.size(); ++i) {
    std::string_view key;
    const Value member = value.at(i, value.kind() == HEDDLE_MAP ? &key : nullptr);
    if (key == "$ref") EXPECT_TRUE(document.pointer(member.as_text()->substr(1))) << member.json();
    else check_references(document, member);
  }
}

TEST(ControlOpenApi, NamesEveryRouteAndItsParameters) {
  Controlled host;
  const Answer document = host.ask("GET /v1/openapi.json");
  ASSERT_EQ(document.status, 200);
  EXPECT_EQ(document.text("/openapi"), "3.0.3");
  EXPECT_EQ(document.text("/info/version"), "1.2.3");
  std::set<std::string> ids;
  const Value paths = document.json.find("paths");
  for (const Route& route : routes()) {
    std::string method(route.method);
    for (char& c : method) c = static_cast<char>(std::tolower(c));
    const Value path = paths.find(route.path);
    const Value operation = path ? path.find(method) : Value();
    ASSERT_TRUE(operation) << route.path;
    EXPECT_EQ(operation.find("operationId").as_text(), route.name);
    EXPECT_TRUE(ids.insert(std::string(route.name)).second) << route.name;
    EXPECT_FALSE(route.summary.empty());
    std::set<std::string> declared;
    const Value parameters = operation.find("parameters");
    for (size_t i = 0; i < parameters.size(); ++i) {
      const Value one = parameters.at(i);
      EXPECT_TRUE(declared.insert(std::string(*one.find("name").as_text())).second);
      EXPECT_EQ(one.find("required").as_bool(), one.find("in").as_text() == "path");
    }
    for (size_t open = route.path.find('{'); open != route.path.npos; open = route.path.find('{', open + 1)) {
      const std::string name(route.path.substr(open + 1, route.path.find('}', open) - open - 1));
      EXPECT_TRUE(declared.contains(name)) << route.path;
    }
    EXPECT_TRUE(operation.pointer("/responses/200"));
  }
  size_t operations = 0;
  for (size_t i = 0; i < paths.size(); ++i) operations += paths.at(i).size();
  EXPECT_EQ(operations, routes().size());
  check_references(document.json, document.json);
}

TEST(ControlOpenApi, KnowsEveryStateOfAJob) {
  Controlled host;
  const Value states = host.ask("GET /v1/openapi.json").json.pointer("/components/schemas/Job/properties/state/enum");
  std::set<std::string> said;
  for (size_t i = 0; i < states.size(); ++i) said.emplace(*states.at(i).as_text());
  for (auto state = JobState::kBlocked; state <= JobState::kCancelled; state = static_cast<JobState>(static_cast<int>(state) + 1)) {
    EXPECT_TRUE(said.contains(std::string(name_of(state)))) << name_of(state);
  }
}

}  // namespace
}  // namespace heddle
