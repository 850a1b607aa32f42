#include "serve/config.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "log.h"
#include "value/json_value.h"

namespace heddle {
namespace {

ServeConfig good(std::vector<ConfigText> texts) {
  auto config = read_config(texts);
  for (const ConfigText& text : texts) EXPECT_EQ(text.diagnostics.text(false), "");
  return config ? *config : ServeConfig();
}
ServeConfig good(const std::string& text) { return good({{"/etc/heddle/heddle.json", text}}); }

// What is said about a configuration that does not pass.
std::string fault(std::vector<ConfigText> texts) {
  EXPECT_FALSE(read_config(texts));
  std::string out;
  for (const ConfigText& text : texts) out += text.diagnostics.text(false);
  return out;
}
std::string fault(const std::string& text) { return fault({{"heddle.json", text}}); }

void expect_fault(const std::string& text, std::initializer_list<std::string_view> parts) {
  const std::string said = fault(text);
  for (std::string_view part : parts) EXPECT_NE(said.find(part), std::string::npos) << "\"" << part << "\" is not in\n" << said;
}

std::string listening(const std::string& rest) { return R"({"listen": [{"endpoint": "127.0.0.1:0"}])" + (rest.empty() ? "" : ", " + rest) + "}"; }

std::string origin(const ServeConfig& config, const std::string& name) {
  const auto found = config.origins.find(name);
  return found == config.origins.end() ? "" : to_string(found->second.at(0));
}

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

TEST(Config, ListsOfPluginsReplaceAndPinsAddUp) {
  const std::string a(64, 'a'), b(64, 'b'), c(64, 'c');
  const ServeConfig config = good({{"/etc/plugins.d/acme.json", R"({"plugins": {"pins": {"acme": ")" + a + R"(", "other": [")" + b + R"(", ")" + c + R"("]}}})"},
                                   {"/etc/heddle.json", R"({"plugins": {"allow": ["acme"], "directories": ["mine", "/usr/lib/x"]}})"},
                                   {"/etc/conf.d/z.json", R"({"plugins": {"allow": ["node_std", "acme"], "pinned_only": true, "pins": {"acme": ")" + c + R"("}}})"}});
  EXPECT_EQ(config.plugins.user, ::geteuid());
  EXPECT_EQ(config.plugins.allow, (std::vector<std::string>{"node_std", "acme"}));
  EXPECT_EQ(config.plugins.directories, (std::vector<std::string>{"/etc/mine", "/usr/lib/x"}));
  EXPECT_TRUE(config.plugins.pinned_only);
  EXPECT_EQ(config.plugins.pins, (std::map<std::string, std::vector<std::string>>{{"acme", {c}}, {"other", {b, c}}}));
  EXPECT_EQ(origin(config, "plugins.allow"), "/etc/conf.d/z.json:1");
  EXPECT_EQ(origin(config, "plugins.pins.other"), "/etc/plugins.d/acme.json:1");
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
  expect_fault("{\"listen\": [", {"error[", "heddle.json:1:"});
}

TEST(Config, NeedsAListener) {
  EXPECT_EQ(good("{}").listen[0].endpoint, "127.0.0.1:7433");
  expect_fault(R"({"listen": []})", {"\"listen\" is empty", R"("listen": [{"endpoint": "127.0.0.1:7433"}])"});
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
    std::vector<ConfigText> texts{{"heddle.json", text}};
    if (const auto config = read_config(texts)) check_types(*config, catalog, texts);
    return texts[0].diagnostics.text(false);
  };
  EXPECT_EQ(said(listening(R"("store": {"type": "Sqlite", "params": {"path": "x"}})")), "");
  EXPECT_NE(said(listening("\n\"store\": {\"type\": \"Sqlite\", \"params\": {\"pth\": \"x\"}}")).find("heddle.json:2:"), std::string::npos);
  EXPECT_NE(said(listening(R"("store": {"type": "Sqlite"})")).find("store \"Sqlite\": required param \"path\" is missing"), std::string::npos);
  EXPECT_NE(said(R"({"listen": [{"endpoint": "127.0.0.1:0", "transport": "htp"}]})").find("no installed plugin has the transport \"htp\""), std::string::npos);
}

// Members of the settings of a config by name.
Value setting(const ServeConfig& config, const std::string& name) {
  for (const auto& [key, value] : settings_of(config)) {
    if (key == name) return value;
  }
  return {};
}

TEST(Config, AStrongerTextReplacesSettingsAndLeavesTheOthers) {
  const ServeConfig config = good({{"/weak/a.json", R"({"threads": 1, "drain_ms": 9, "pipelines": "p",
    "plugin_dirs": ["one", "two"], "jobs": {"dead": 1, "remembered": 2},
    "auth": {"open": ["health"], "tokens": [{"name": "weak", "token": "the-weak-token", "scopes": ["read"]}]},
    "store": {"type": "Sqlite", "params": {"path": "x", "sync": true}},
    "lanes": {"x": {"weight": 3, "retry": {"max_attempts": 4, "initial_backoff_ms": 7, "max_backoff_ms": 9}}, "y": {"weight": 5}}})"},
                                   {"/strong/b.json", R"({
    "threads": 2, "plugin_dirs": ["three"],
    "jobs": {"dead": 3},
    "auth": {"tokens": [{"name": "strong", "token": "the-strong-token", "scopes": ["admin"]}]},
    "store": {"type": "Sqlite", "params": {"path": "y"}},
    "lanes": {"x": {"depth": 8,
                    "retry": {"max_attempts": 2}}}})"}});
  EXPECT_EQ(config.threads, 2u);
  EXPECT_EQ(config.drain_ms, 9u);
  EXPECT_EQ(config.pipelines, "/weak/p");
  EXPECT_EQ(config.plugin_dirs, std::vector<std::string>{"/strong/three"});
  EXPECT_EQ(config.jobs.dead, 3u);
  EXPECT_EQ(config.jobs.remembered, 2u);
  ASSERT_EQ(config.tokens.size(), 1u);
  EXPECT_EQ(config.tokens[0].name, "strong");
  EXPECT_EQ(config.open_routes, std::vector<std::string>{"health"});
  EXPECT_EQ(config.store->params.json(), R"({"path":"y"})");
  ASSERT_EQ(config.lanes.size(), 2u);
  EXPECT_EQ(config.lanes[0].lane.weight, 3u);
  EXPECT_EQ(config.lanes[0].lane.depth, 8u);
  EXPECT_EQ(config.lanes[0].policy.retry.max_attempts, 2u);
  EXPECT_EQ(config.lanes[0].policy.retry.first_ns, RetryPolicy().first_ns);
  EXPECT_EQ(origin(config, "threads"), "/strong/b.json:2");
  EXPECT_EQ(origin(config, "jobs.dead"), "/strong/b.json:3");
  EXPECT_EQ(origin(config, "jobs.remembered"), "/weak/a.json:2");
  EXPECT_EQ(origin(config, "auth.open"), "/weak/a.json:3");
  EXPECT_EQ(origin(config, "auth.tokens"), "/strong/b.json:4");
  EXPECT_EQ(origin(config, "store"), "/strong/b.json:5");
  EXPECT_EQ(origin(config, "lanes.x.weight"), "/weak/a.json:5");
  EXPECT_EQ(origin(config, "lanes.x.retry"), "/strong/b.json:7");
  EXPECT_EQ(origin(config, "listen"), "");
}

TEST(Config, WhatIsWrongIsSaidOfTheTextThatSaysIt) {
  const std::string said = fault({{"a.json", "{\n\"threds\": 1}"}, {"b.json", "{\"jobs\": 3}"}});
  EXPECT_NE(said.find("a.json:2:1: error[unknown-key]"), std::string::npos) << said;
  EXPECT_NE(said.find("b.json:1:10: error[wrong-type]"), std::string::npos) << said;
  const ConfigText open{"weak.json", R"({"listen": [{"endpoint": "0.0.0.0:1"}]})"};
  EXPECT_NE(fault({open, {"strong.json", R"({"auth": {"tokens": []}})"}}).find("weak.json:1:26: error[open-listener]"), std::string::npos);
  good({open, {"strong.json", R"({"auth": {"tokens": [{"name": "me", "token": "a-token", "scopes": ["read"]}]}})"}});
}

TEST(Config, SettingsHoldNoSecret) {
  ::setenv("HEDDLE_TEST_SECRET", "hidden-in-a-param", 1);
  const ServeConfig config = good(listening(R"("auth": {"tokens": [{"name": "me", "token": "hidden-in-a-token", "scopes": ["read"]}]},
    "store": {"type": "Sqlite", "params": {"path": "x", "key": ["${env.HEDDLE_TEST_SECRET}"]}}, "lanes": {"x": {"weight": 7}})"));
  EXPECT_EQ(config.store->params.json(), R"({"path":"x","key":["hidden-in-a-param"]})");
  EXPECT_EQ(setting(config, "store").json(), R"({"type":"Sqlite","params":{"path":"x","key":["${env.HEDDLE_TEST_SECRET}"]}})");
  EXPECT_EQ(setting(config, "auth.tokens").json(), R"([{"name":"me","token":"***","scopes":["read"]}])");
  EXPECT_EQ(setting(config, "lanes.x.weight").json(), "7");
  for (const auto& [name, value] : settings_of(config)) EXPECT_EQ(value.json().find("hidden"), std::string::npos) << name;
}

TEST(Config, WhatAsksForAHostIsNotTheHostsToResolve) { good(listening(R"("client": {"token": "${env.HEDDLE_NOT_SET}"})")); }

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
