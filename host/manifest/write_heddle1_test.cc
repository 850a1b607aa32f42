#include <gtest/gtest.h>

#include "manifest/manifest_samples.h"

namespace heddle {
namespace {

std::optional<Manifest> read(const std::string& text, bool substitute) {
  ReadOptions options = sample_options();
  options.substitute = substitute;
  Diagnostics d("m.json", text);
  std::optional<Manifest> m = read_manifest(text, "m.json", options, d);
  EXPECT_TRUE(m) << d.text(false) << text;
  return m;
}

template <class T, class Same>
void expect_same(const std::vector<T>& a, const std::vector<T>& b, Same same) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) same(a[i], b[i]);
}

// Everything but the places and the dialect.
void expect_same(const Manifest& a, const Manifest& b) {
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.description, b.description);
  EXPECT_EQ(a.metadata.json(), b.metadata.json());
  expect_same(a.params, b.params, [](auto& x, auto& y) {
    EXPECT_EQ(std::tie(x.name, x.description, x.type, x.from, x.min, x.max), std::tie(y.name, y.description, y.type, y.from, y.min, y.max));
    EXPECT_EQ(x.default_value ? x.default_value->json() : "", y.default_value ? y.default_value->json() : "");
    EXPECT_EQ(x.choices.size(), y.choices.size());
  });
  expect_same(a.plugins, b.plugins, [](auto& x, auto& y) { EXPECT_EQ(std::tie(x.name, x.version), std::tie(y.name, y.version)); });
  expect_same(a.lanes, b.lanes, [](auto& x, auto& y) {
    EXPECT_EQ(std::tie(x.name, x.priority, x.min_concurrency, x.max_concurrency, x.weight, x.priority_boost),
              std::tie(y.name, y.priority, y.min_concurrency, y.max_concurrency, y.weight, y.priority_boost));
  });
  expect_same(a.policies, b.policies, [](auto& x, auto& y) {
    EXPECT_EQ(std::tie(x.name, x.attempt_timeout_ms), std::tie(y.name, y.attempt_timeout_ms));
    ASSERT_EQ(x.retry.has_value(), y.retry.has_value());
    if (x.retry) {
      EXPECT_EQ(std::tie(x.retry->max_attempts, x.retry->initial_backoff_ms, x.retry->max_backoff_ms, x.retry->multiplier, x.retry->jitter,
                         x.retry->budget_percent),
                std::tie(y.retry->max_attempts, y.retry->initial_backoff_ms, y.retry->max_backoff_ms, y.retry->multiplier, y.retry->jitter,
                         y.retry->budget_percent));
    }
    ASSERT_EQ(x.circuit_breaker.has_value(), y.circuit_breaker.has_value());
    if (x.circuit_breaker) {
      EXPECT_EQ(std::tie(x.circuit_breaker->failure_threshold, x.circuit_breaker->success_threshold, x.circuit_breaker->reset_timeout_ms),
                std::tie(y.circuit_breaker->failure_threshold, y.circuit_breaker->success_threshold, y.circuit_breaker->reset_timeout_ms));
    }
    ASSERT_EQ(x.hedge.has_value(), y.hedge.has_value());
    if (x.hedge) {
      EXPECT_EQ(std::tie(x.hedge->after, x.hedge->max_extra), std::tie(y.hedge->after, y.hedge->max_extra));
    }
  });
  expect_same(a.nodes, b.nodes, [](auto& x, auto& y) {
    EXPECT_EQ(std::tie(x.id, x.node_type, x.lane, x.policy, x.timeout_ms, x.parallel, x.order, x.order_key, x.placement,
                       x.placement_fallback, x.host, x.isolation),
              std::tie(y.id, y.node_type, y.lane, y.policy, y.timeout_ms, y.parallel, y.order, y.order_key, y.placement,
                       y.placement_fallback, y.host, y.isolation));
    EXPECT_EQ(std::tie(x.limit_memory_bytes, x.limit_cpu_ms, x.keep_state, x.idempotent, x.idempotency_key, x.standby, x.is_output_node),
              std::tie(y.limit_memory_bytes, y.limit_cpu_ms, y.keep_state, y.idempotent, y.idempotency_key, y.standby, y.is_output_node));
    EXPECT_EQ(std::tie(x.merge.mode, x.merge.key, x.merge.timeout_ms), std::tie(y.merge.mode, y.merge.key, y.merge.timeout_ms));
    EXPECT_EQ(x.params.json(), y.params.json());
    EXPECT_EQ(x.capabilities.json(), y.capabilities.json());
  });
  expect_same(a.connections, b.connections, [](auto& x, auto& y) {
    EXPECT_EQ(std::tie(x.from_node, x.from_port, x.to_node, x.to_port, x.has_queue),
              std::tie(y.from_node, y.from_port, y.to_node, y.to_port, y.has_queue));
    EXPECT_EQ(std::tie(x.queue.items, x.queue.bytes, x.queue.on_full, x.batch.items, x.batch.linger_ms),
              std::tie(y.queue.items, y.queue.bytes, y.queue.on_full, y.batch.items, y.batch.linger_ms));
  });
  EXPECT_EQ(std::tie(a.run.item_deadline_ms, a.run.on_error, a.run.drain_ms),
            std::tie(b.run.item_deadline_ms, b.run.on_error, b.run.drain_ms));
  expect_same(a.tests, b.tests, [](auto& x, auto& y) { EXPECT_EQ(std::tie(x.name, x.in, x.expect), std::tie(y.name, y.in, y.expect)); });
  EXPECT_EQ(std::tie(a.input, a.has_input, a.secrets, a.written, a.extensions),
            std::tie(b.input, b.has_input, b.secrets, b.written, b.extensions));
}

void expect_round_trip(const std::string& text, bool substitute) {
  const std::optional<Manifest> first = read(text, substitute);
  ASSERT_TRUE(first);
  const std::string written = to_heddle1(*first);
  const std::optional<Manifest> second = read(written, true);
  ASSERT_TRUE(second);
  if (substitute) expect_same(*first, *second);
  const std::optional<Manifest> raw = read(written, false);
  ASSERT_TRUE(raw);
  const std::optional<Manifest> again = read(to_heddle1(*raw), false);
  ASSERT_TRUE(again);
  expect_same(*raw, *again);
}

TEST(ToHeddle1, ReadingWhatItWroteGivesTheSameManifest) {
  expect_round_trip(kFullManifest, true);
  expect_round_trip(kFullManifest, false);
}

TEST(ToHeddle1, ImportsRoundTrip) {
  for (
      const char* text : {
          R"({"nodes":[{"id":"a","node_type":"T"}]})",
          R"({"version":"v1","metadata":{"name":"${x}","tags":["${y}"]},"nodes":[{"id":"a.b","node_type":"${t}","params":{"auth_token":"${SCORE_TOKEN}","b":"$${c}"},"docker":{"x":"${z}"},"host":"h"},
              {"id":7,"node_type":"T","capabilities":{"gpu":true,"x":1,"cpu":null},"execution":"auto"}],"connections":[{"from":"a.b","to":7,"from_port":"${p}","note":1}]})",
          R"({"version":"1.0.0","name":"n","config":{"a":1},"nodes":[{"id":"a","type":"T","config":{"x":[1,2.50,null]}},{"id":"b","node_type":"U"}],"edges":[{"source":"a","target":"b"}]})",
          R"({"manifest":{"version":"1.0","nodes":[{"id":"a","nodeType":"T","isOutputNode":true}]},"input_data":[{"x":1},"${y}"]})",
      }) {
    expect_round_trip(text, true);
  }
}

TEST(ToHeddle1, NeverWritesASecretInClear) {
  const std::string written = to_heddle1(*read(kFullManifest, true));
  EXPECT_EQ(written.find("s3cr3t"), std::string::npos);
  EXPECT_NE(written.find("\"from\": \"env:SCORE_TOKEN\""), std::string::npos);
  EXPECT_NE(written.find("\"auth_token\": \"${param.rpc_token}\""), std::string::npos);
}

TEST(ToHeddle1, LeavesOutWhatIsTheDefault) {
  EXPECT_EQ(
      to_heddle1(*read(
          R"({"version":"heddle/1","nodes":[{"id":"a","node_type":"T","parallel":1,"standby":false,"order":"strict","params":{},"merge":{"mode":"arrival"}}],"run":{"drain_ms":10000}})",
          true)),
      "{\n  \"version\": \"heddle/1\",\n  \"nodes\": [\n    {\n      \"id\": \"a\",\n      \"node_type\": \"T\"\n    }\n  ]\n}\n");
}

}  // namespace
}  // namespace heddle
