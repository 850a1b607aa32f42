#include "serve/config.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "log.h"
#include "value/json_value.h"

namespace heddle {
namespace {

ServeConfig good(const std::string& text) {
  Diagnostics diagnostics("heddle.json", text);
  auto config = read_config(text, "/etc/heddle/heddle.json", diagnostics);
  EXPECT_TRUE(config) << diagnostics.text(false);
  return config ? *config : ServeConfig();
}

// What is said about a configuration that does not pass.
std::string fault(const std::string& text) {
  Diagnostics diagnostics("heddle.json", text);
  EXPECT_FALSE(read_config(text, "heddle.json", diagnostics));
  return diagnostics.text(false);
}

void expect_fault(const std::string& text, std::initializer_list<std::string_view> parts) {
  const std::string said = fault(text);
  for (std::string_view part : parts) EXPECT_NE(said.find(part), std::string::npos) << "\"" << part << "\" is not in\n" << said;
}

std::string listening(const std::string& rest) { return R"({"listen": [{"endpoint": "127.0.0.1:0"}])" + (rest.empty() ? "" : ", " + rest) + "}"; }

TEST(Config, HoldsWhatTheFileSays) {
  ::setenv("HEDDLE_TEST_TOKEN", "a-token-of-the-test", 1);
  const ServeConfig config = good(R"({
    "threads": 3,
    "listen": [{"transport": "http", "endpoint": "0.0.0.0:7433", "params": {"threads": 2}, "limits": {"requests": 7, "stall_ms": 5}}, {"endpoint": "[::1]:0"}],
    "auth": {"tokens": [{"name": "me", "token": "${env.HEDDLE_TEST_TOKEN}", "scopes": ["read", "admin"]}], "open": ["health"]},
    "store": {"type": "Sqlite", "params": {"path": "/var/lib/heddle/jobs"}},
    "pipelines": "pipelines", "plugin_dirs": ["/opt/plugins"], "drain_ms": 9,
    "jobs": {"remembered": 5, "dead": 6, "payload_bytes": 7},
    "lanes": {"query": {"weight": 4}, "heavy": {"max_concurrency": 2}},
    "x-note": "mine"})");
  EXPECT_EQ(config.threads, 3u);
  ASSERT_EQ(config.listen.size(), 2u);
  EXPECT_EQ(config.listen[0].params.json(), R"({"threads":2})");
  EXPECT_EQ(config.listen[0].limits.requests, 7u);
  EXPECT_EQ(config.listen[0].limits.stall_ms, 5u);
  EXPECT_EQ(config.listen[0].limits.idle_ms, 60'000u);
  ASSERT_EQ(config.tokens.size(), 1u);
  EXPECT_EQ(config.tokens[0].secret, "a-token-of-the-test");
  EXPECT_EQ(config.tokens[0].scopes, (std::vector<Scope>{Scope::kRead, Scope::kAdmin}));
  EXPECT_EQ(log::redacted("it is a-token-of-the-test"), "it is ***");
  EXPECT_EQ(config.open_routes, (std::vector<std::string>{"health"}));
  EXPECT_EQ(config.store->type, "Sqlite");
  EXPECT_EQ(config.pipelines, "/etc/heddle/pipelines");  // beside the file
  EXPECT_EQ(config.plugin_dirs, (std::vector<std::string>{"/opt/plugins"}));
  EXPECT_EQ(config.drain_ms, 9u);
  EXPECT_EQ(config.jobs.remembered, 5u);
  ASSERT_EQ(config.lanes.size(), 2u);
  EXPECT_EQ(config.lanes[0].lane.priority, 2u);  // of the host's lane "query", which the file does not change
  EXPECT_EQ(config.lanes[0].lane.weight, 4u);
  EXPECT_EQ(config.lanes[1].lane.max_concurrency, 2u);
}

TEST(Config, WithoutAFileIsReachedFromHereAlone) {
  const ServeConfig config = default_config();
  ASSERT_EQ(config.listen.size(), 1u);
  EXPECT_EQ(config.listen[0].endpoint, "127.0.0.1:7433");
  EXPECT_FALSE(config.store);
  EXPECT_TRUE(config.tokens.empty());
}

TEST(Config, SaysWhereAndWhatWasMeant) {
  expect_fault("{\n  \"listen\": [{\"endpont\": \"127.0.0.1:0\"}]\n}",
               {"heddle.json:2:15: error[unknown-key]: a listener has no key \"endpont\"", "^~~~", "did you mean \"endpoint\"?", "a listener needs \"endpoint\""});
  expect_fault(listening(R"("lanes": {"a": {"when_full": "shed-oldst"}})"), {"error[unknown-choice]", "did you mean \"shed-oldest\"?"});
  expect_fault(listening(R"("auth": {"tokens": [{"name": "a", "token": "secret-one", "scopes": ["raed"]}]})"), {"did you mean \"read\"?"});
  expect_fault(listening(R"("auth": {"open": ["metrix"]})"), {"did you mean \"metrics\"?"});
  expect_fault(listening(R"("lanes": {"executions": {"max_concurrency": 9}})"), {"error[bad-name]", "is the host's own"});
  expect_fault("{\"listen\": [", {"error[", "heddle.json:1:"});
}

TEST(Config, NeedsAListener) {
  expect_fault("{}", {"names no listener", R"("listen": [{"endpoint": "127.0.0.1:7433"}])"});
  expect_fault(R"({"listen": []})", {"\"listen\" is empty"});
  expect_fault(R"({"listen": [{"endpoint": "7433"}]})", {"\"7433\" is no endpoint", "HOST:PORT"});
  expect_fault(R"({"listen": [{"endpoint": "127.0.0.1:99999"}]})", {"is no endpoint"});
  expect_fault(R"({"listen": [{"endpoint": "127.0.0.1:80"}, {"endpoint": "127.0.0.1:80"}]})", {"two listeners have the endpoint"});
}

TEST(Config, RefusesToServeStrangersWithoutATokenAndSaysWhatToWrite) {
  for (const char* endpoint : {"0.0.0.0:7433", "[::]:7433", "192.168.1.4:7433", "example.org:7433", "127.evil.example:7433"}) {
    expect_fault(R"({"listen": [{"endpoint": ")" + std::string(endpoint) + "\"}]}",
                 {"error[open-listener]", "can be reached from other machines", R"("token": "${env.HEDDLE_TOKEN}")", R"("insecure": true)", "127.0.0.1"});
  }
  for (const char* endpoint : {"127.0.0.1:1", "127.8.9.10:1", "[::1]:1", "localhost:1"}) good(R"({"listen": [{"endpoint": ")" + std::string(endpoint) + "\"}]}");
  good(R"({"listen": [{"endpoint": "0.0.0.0:1", "insecure": true}]})");
}

TEST(Config, TokensAreDistinctAndNotEmpty) {
  const auto tokens = [](const std::string& list) { return listening("\"auth\": {\"tokens\": [" + list + "]}"); };
  const std::string scopes = R"("scopes": ["read"]})";
  expect_fault(tokens(R"({"name": "a", "token": "", )" + scopes), {"\"token\" is empty"});
  expect_fault(tokens(R"({"name": "a", "token": "one-token", )" + scopes + R"(, {"name": "a", "token": "two-token", )" + scopes), {"two tokens have the name \"a\""});
  expect_fault(tokens(R"({"name": "a", "token": "one-token", )" + scopes + R"(, {"name": "b", "token": "one-token", )" + scopes), {"the tokens \"a\" and \"b\" are the same"});
  expect_fault(tokens(R"({"name": "a", "token": "one token", )" + scopes), {"cannot stand in an Authorization header"});
  expect_fault(tokens(R"({"name": "a", "token": "one-token", "scopes": []})"), {"has no scope"});
  expect_fault(tokens(R"({"name": "a", "token": "${env.HEDDLE_NOT_SET}", )" + scopes), {"the environment variable HEDDLE_NOT_SET is not set"});
  EXPECT_EQ(fault(tokens(R"({"name": "a", "token": "never-shown-token", "scopes": ["x"]})")).find("never-shown-token"), std::string::npos);
}

TEST(Config, TypesAndTheirParamsAreCheckedAgainstThePlugins) {
  const Catalog catalog = Catalog::scan({HEDDLE_PLUGINS});
  const auto said = [&](const std::string& text) {
    Diagnostics diagnostics("heddle.json", text);
    if (const auto config = read_config(text, "heddle.json", diagnostics)) check_types(*config, catalog, diagnostics);
    return diagnostics.text(false);
  };
  EXPECT_EQ(said(listening(R"("store": {"type": "Sqlite", "params": {"path": "x"}})")), "");
  EXPECT_NE(said(listening("\n\"store\": {\"type\": \"Sqlite\", \"params\": {\"pth\": \"x\"}}")).find("heddle.json:2:"), std::string::npos);
  EXPECT_NE(said(listening(R"("store": {"type": "Sqlite"})")).find("store \"Sqlite\": required param \"path\" is missing"), std::string::npos);
  EXPECT_NE(said(R"({"listen": [{"endpoint": "127.0.0.1:0", "transport": "htp"}]})").find("no installed plugin has the transport \"htp\""), std::string::npos);
}

TEST(LaneSetup, IsReadAsItIsWritten) {
  const std::string all = R"({"priority":1,"min_concurrency":1,"max_concurrency":4,"weight":3,)"
                          R"("priority_boost":{"kind":"custom","within_ms":1000,"steps":[{"percent_left":50,"levels":1},{"percent_left":10,"levels":2}]},)"
                          R"("depth":100,"when_full":"shed-oldest","order":"fair","rate_limits":[{"count":10,"per":"minute","burst":5,"kind":"bucket"},{"count":2,"per":"second","burst":2,"kind":"window"}],)"
                          R"("pressure_threshold":7,"preemptible":true,"durability":"written","timeout_ms":5,"grace_ms":6,)"
                          R"("retry":{"max_attempts":3,"initial_backoff_ms":10,"multiplier":1.5,"max_backoff_ms":20,"jitter":"equal"},)"
                          R"("alerts":{"depth":{"warning":5,"critical":9},"latency_p95_ms":{"warning":1,"critical":2},)"
                          R"("failure_percent":{"warning":10,"critical":100},"oldest_ms":{"warning":3,"critical":4}}})";
  const auto read = read_lane_setup(all, default_setup("x"));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(lane_setup_json(*read).json(), all);
  const auto again = read_lane_setup(lane_setup_json(default_setup("default")).json(), *read);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(lane_setup_json(*again).json(), lane_setup_json(default_setup("default")).json());
}

TEST(LaneSetup, ChangesWhatIsNamed) {
  LaneSetup current = default_setup("x");
  current.lane.weight = 9;
  const auto read = read_lane_setup(R"({"max_concurrency": 2, "retry": {"kind": "fixed", "retries": 2, "delay_ms": 50}, "priority_boost": {"kind": "standard", "within_ms": 60000}})", current);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->lane.weight, 9u);
  EXPECT_EQ(read->lane.max_concurrency, 2u);
  EXPECT_EQ(read->policy.retry.max_attempts, 3u);
  EXPECT_EQ(read->policy.retry.first_ns, 50 * kNsPerMs);
  EXPECT_EQ(read->lane.boost, standard_boost(60 * kNsPerSecond));
  const auto off = read_lane_setup(R"({"max_concurrency": null, "retry": {"kind": "none"}, "priority_boost": {"kind": "off"}})", *read);
  ASSERT_TRUE(off);
  EXPECT_EQ(off->lane.max_concurrency, LaneConfig::kNoLimit);
  EXPECT_EQ(off->policy.retry.max_attempts, 1u);
  EXPECT_EQ(off->lane.boost, Boost());
}

TEST(LaneSetup, SaysWhatIsWrongWithIt) {
  const auto wrong = [](const char* json) { return read_lane_setup(json, default_setup("x")).error().message; };
  EXPECT_NE(wrong(R"({"weigth": 2})").find("/weigth: a lane has no key \"weigth\" (did you mean \"weight\"?)"), std::string::npos) << wrong(R"({"weigth": 2})");
  EXPECT_NE(wrong(R"({"max_concurrency": 0})").find("from 1 to"), std::string::npos);
  EXPECT_NE(wrong(R"({"min_concurrency": 3, "max_concurrency": 2})").find("min_concurrency 3 is over max_concurrency 2"), std::string::npos);
  EXPECT_NE(wrong(R"({"rate_limits": [{"count": 1, "per": "day"}]})").find("/rate_limits/0/per"), std::string::npos);
  EXPECT_NE(wrong(R"({"retry": {"kind": "fixed", "retries": 1}})").find("needs \"delay_ms\""), std::string::npos);
  EXPECT_NE(read_lane_setup(R"({"rate_limits": [{"count": 1, "per": "hour"}]})", default_setup("system")).error().message.find("the host itself works on the lane"), std::string::npos);
  EXPECT_TRUE(read_lane_setup(R"({"rate_limits": []})", default_setup("system")));
  EXPECT_NE(wrong("[]").find("a lane must be a map"), std::string::npos);
  EXPECT_EQ(read_lane_setup("{", default_setup("x")).error().code, "invalid");
}

}  // namespace
}  // namespace heddle
