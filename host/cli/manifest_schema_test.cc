#include "cli/manifest_schema.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "manifest/param_schema.h"
#include "value/value.h"

namespace heddle {
namespace {

std::string content(const std::filesystem::path& path) {
  std::ostringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

// The first thing that is wrong with `manifest` by the schema of the installed types, or empty.
std::string fault_of(const std::string& manifest) {
  static const Catalog catalog = Catalog::scan({HEDDLE_PLUGINS});
  static const Result<ParamSchema> schema = ParamSchema::compile(schema_with_types(catalog));
  if (!schema) return "the schema itself: " + schema.error().text();
  Diagnostics diagnostics("test.json", manifest);
  JsonNode root;
  if (!parse_document(manifest, root, diagnostics)) return "no JSON";
  schema->check(root, "", "the manifest", diagnostics);
  return diagnostics.all().empty() ? "" : diagnostics.all()[0].message;
}

std::string with_node(const std::string& node) { return R"({"version":"heddle/1","nodes":[)" + node + "]}"; }

TEST(ManifestSchema, TheBuiltInOneIsDraft7) {
  Result<Value> schema = Value::parse(heddle1_schema());
  ASSERT_TRUE(schema.has_value());
  EXPECT_EQ(schema->find("$schema").as_text(), "http://json-schema.org/draft-07/schema#");
}

TEST(ManifestSchema, WithoutPluginsItIsTheBuiltInOne) {
  EXPECT_EQ(Value::parse(schema_with_types(Catalog::scan({}))).value(), Value::parse(heddle1_schema()).value());
}

TEST(ManifestSchema, EveryExampleObeysIt) {
  size_t checked = 0;
  for (const auto& entry : std::filesystem::directory_iterator(HEDDLE_MANIFESTS)) {
    std::string text = content(entry.path());
    if (text.find("\"heddle/1\"") == std::string::npos || entry.path().filename() == "heddle-1.schema.json") continue;
    EXPECT_EQ(fault_of(text), "") << entry.path();
    ++checked;
  }
  EXPECT_GE(checked, 3u);
}

TEST(ManifestSchema, EverythingThatTheFormatHasIsAllowed) {
  EXPECT_EQ(fault_of(R"({
    "version": "heddle/1", "metadata": {"name": "n", "description": "d", "team": ["x"]}, "x-note": 1,
    "params": {"min": {"type": "number", "default": 0.5, "min": 0, "max": 1}, "token": {"type": "secret", "from": "env:T"}},
    "plugins": [{"name": "node_std", "version": ">=1.0"}],
    "lanes": {"net": {"priority": 2, "max_concurrency": 64, "weight": 2, "priority_boost": {"kind": "custom", "within_ms": 50, "steps": [{"percent_left": 50, "levels": 1}]}},
              "all": {"max_concurrency": null, "priority_boost": {"kind": "off"}}},
    "policies": {"remote": {"attempt_timeout_ms": 800, "retry": {"max_attempts": 3, "jitter": "full", "multiplier": 2.0},
                            "circuit_breaker": {"failure_threshold": 5}, "hedge": {"after": "p95", "max_extra": 1}}},
    "nodes": [{"id": "a", "node_type": "PassThrough", "lane": "net", "policy": "remote", "timeout_ms": "${param.min}", "parallel": 16,
               "order": {"by_key": "/account"}, "idempotent": true, "state": "keep", "limits": {"cpu_ms": 5}, "host": "h:1",
               "execution": {"placement": "local", "fallback": "b"}, "capabilities": {"gpu": true, "memory_gb": 2}},
              {"id": "b", "node_type": "Merge", "standby": true, "merge": {"mode": "join", "key": "/id", "timeout_ms": 9}, "order": "none"}],
    "connections": [{"from": "a.out", "to": "b", "queue": {"items": 256, "on_full": "block"}, "batch": {"items": 32, "linger_ms": 20}}],
    "run": {"item_deadline_ms": 30000, "on_error": "dead_letter", "drain_ms": 10000},
    "tests": [{"name": "t", "in": {"a": [1]}, "expect": {"b": []}}]})"),
            "");
}

TEST(ManifestSchema, WhatTheFormatHasNotIsRefused) {
  EXPECT_NE(fault_of(R"({"version":"heddle/1"})"), "");
  EXPECT_NE(fault_of(R"({"version":"heddle/2","nodes":[{"id":"a","node_type":"Merge"}]})"), "");
  EXPECT_NE(fault_of(with_node(R"({"id":"a","node_type":"Merge","timeout":5})")), "");
  EXPECT_NE(fault_of(R"({"version":"heddle/1","lanes":{"l":{"depth":5}},"nodes":[{"id":"a","node_type":"Merge"}]})"), "");
  EXPECT_NE(fault_of(R"({"version":"heddle/1","lanes":{"l":{"priority_boost":{"within_ms":5}}},"nodes":[{"id":"a","node_type":"Merge"}]})"), "");
  EXPECT_NE(fault_of(with_node(R"({"id":"a","node_type":"Merge","parallel":0})")), "");
  EXPECT_NE(fault_of(with_node(R"({"id":"a","node_type":"Merge","merge":{"mode":"join"}})")), "") << "a join needs its key";
}

TEST(ManifestSchema, ParamsAreThoseOfTheNodeType) {
  EXPECT_EQ(fault_of(with_node(R"({"id":"a","node_type":"Multiply","params":{"multiplier":3}})")), "");
  EXPECT_NE(fault_of(with_node(R"({"id":"a","node_type":"Multiply","params":{"multiplier":"three"}})")), "");
  EXPECT_NE(fault_of(with_node(R"({"id":"a","node_type":"Multiply","params":{"addend":3}})")), "");
  EXPECT_NE(fault_of(with_node(R"({"id":"a","node_type":"Multiply"})")), "") << "the multiplier is required";
  EXPECT_EQ(fault_of(with_node(R"({"id":"a","node_type":"Multiply","params":{"multiplier":"${param.m}"}})")), "") << "substituted later";
  EXPECT_EQ(fault_of(with_node(R"({"id":"a","node_type":"SomebodyElses","params":{"anything":[1]}})")), "");
}

}  // namespace
}  // namespace heddle
