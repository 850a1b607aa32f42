#include <gtest/gtest.h>

#include <algorithm>

#include "manifest/manifest_samples.h"

namespace heddle {
namespace {

Manifest read(const std::string& text) {
  Diagnostics d("m.json", text);
  std::optional<Manifest> m = read_manifest(text, "m.json", sample_options(), d);
  EXPECT_TRUE(m) << d.text(false);
  return m ? std::move(*m) : Manifest();
}

TEST(ReadManifest, ReadsEverySectionAndKey) {
  const Manifest m = read(kFullManifest);
  EXPECT_EQ(m.dialect, "heddle/1");
  EXPECT_EQ(m.name, "score");
  EXPECT_EQ(m.description, "filter and score");
  EXPECT_EQ(m.metadata.json(), R"({"owner":"ops","tags":[1,{"a":null}]})");
  ASSERT_EQ(m.params.size(), 5u);
  EXPECT_EQ(m.params[1].choices.size(), 2u);
  ASSERT_EQ(m.plugins.size(), 2u);
  EXPECT_EQ(m.plugins[0].version, ">=1.0,<2");
  ASSERT_EQ(m.lanes.size(), 2u);
  EXPECT_EQ(m.lanes[0].max_concurrency, 64u);
  EXPECT_EQ(m.lanes[0].weight, 2u);
  EXPECT_EQ(m.lanes[0].priority_boost, (BoostSettings{BoostSettings::Kind::kCustom, 500, {{50, 1}, {10, 3}}}));
  EXPECT_FALSE(m.lanes[1].priority || m.lanes[1].max_concurrency || m.lanes[1].priority_boost);
  ASSERT_EQ(m.policies.size(), 1u);
  EXPECT_EQ(m.policies[0].retry->multiplier, 2.5);
  EXPECT_EQ(m.policies[0].retry->jitter, "equal");
  EXPECT_EQ(m.policies[0].circuit_breaker->failure_threshold, 4u);
  EXPECT_EQ(m.policies[0].hedge->after, "p95");
  EXPECT_EQ(m.policies[0].attempt_timeout_ms, 800u);
  ASSERT_EQ(m.nodes.size(), 6u);
  const NodeSettings& score = *m.find("score");
  EXPECT_EQ(score.parallel, 16u);
  EXPECT_EQ(score.order, OrderMode::kByKey);
  EXPECT_EQ(score.order_key, "/account");
  EXPECT_EQ(score.host, "a.example:50051");
  EXPECT_EQ(score.isolation, "process");
  EXPECT_EQ(score.limit_memory_bytes, 1'048'576u);
  EXPECT_EQ(score.limit_cpu_ms, 100u);
  EXPECT_TRUE(score.keep_state);
  EXPECT_EQ(score.idempotent, true);
  EXPECT_EQ(score.placement, "prefer_remote");
  EXPECT_EQ(score.placement_fallback, "score_local");
  EXPECT_EQ(score.capabilities.json(), R"({"gpu":{"type":"cuda"},"cpu":{"cores":4},"memory_gb":2.5})");
  EXPECT_EQ(score.params.json(), R"({"auth_token":"s3cr3t-token","literal":"${x}","home":"/tmp","strict":true})");
  EXPECT_EQ(score.pointer, "/nodes/2");
  EXPECT_EQ(kFullManifest.substr(score.span_of("lane").offset, score.span_of("lane").length), "\"net\"");
  EXPECT_EQ(m.find("join")->merge.mode, MergeMode::kJoin);
  EXPECT_EQ(m.find("join")->merge.key, "/id");
  EXPECT_EQ(m.find("join")->order, OrderMode::kNone);
  EXPECT_TRUE(m.find("score_local")->standby);
  EXPECT_TRUE(m.find("submit")->is_output_node);
  ASSERT_EQ(m.connections.size(), 5u);
  EXPECT_EQ(m.connections[1].from_port, "eu");
  EXPECT_EQ(m.connections[1].queue.on_full, OnFull::kDropOldest);
  EXPECT_EQ(m.connections[1].batch.items, 32u);
  EXPECT_EQ(m.connections[2].to_port, "left");
  EXPECT_TRUE(m.connections[4].has_queue);
  EXPECT_EQ(m.run.on_error, OnError::kFail);
  EXPECT_EQ(m.run.item_deadline_ms, 30'000u);
  ASSERT_EQ(m.tests.size(), 1u);
  EXPECT_EQ(m.tests[0].expect.at("route.eu"), (std::vector<std::string>{"1", "\"${param.x}\""}));
  EXPECT_EQ(m.extensions.at("/nodes/2/x-note"), R"({"a":[1]})");
  EXPECT_EQ(m.secrets, std::vector<std::string>{"s3cr3t-token"});
  EXPECT_FALSE(diagnose(kFullManifest).has_errors()) << diagnose(kFullManifest).text(false);
}

// A heddle/1 document with `rest` beside one node "a" of type T; `node` is put into that node.
std::string with(const std::string& rest, const std::string& node = "") {
  return R"({"version":"heddle/1","nodes":[{"id":"a","node_type":"T")" + node +
         R"(},{"id":"b","node_type":"T"}],"connections":[{"from":"a","to":"b"}])" + rest + "}";
}
std::string connection(const std::string& text) {
  return R"({"version":"heddle/1","nodes":[{"id":"alpha","node_type":"T"},{"id":"beta","node_type":"T"}],"connections":[)" + text + "]}";
}
std::string param(const std::string& text) { return with(",\"params\":{\"p\":{" + text + "}}"); }
std::string policy(const std::string& text) { return with(",\"policies\":{\"p\":{" + text + "}}"); }

struct Case {
  const char* code;
  const char* pointer;
  std::string marked;  // '@' before the byte meant
  const char* hint = "";
};

TEST(ReadManifest, EveryFaultHasItsCodePointerPlaceAndHint) {
  const std::vector<Case> cases = {
      // the document
      {"wrong-type", "", "@[]"},
      {"wrong-type", "/manifest", R"({"manifest": @[]})"},
      {"missing-key", "", R"(@{"lanes":{},"nodes":[]})", "write \"version\": \"heddle/1\""},
      {"unknown-version", "/version", R"({"version":@"heddle/2","nodes":[]})", "did you mean \"heddle/1\"?"},
      {"wrong-type", "/version", R"({"version":@7,"nodes":[]})"},
      {"missing-key", "", R"(@{"version":"heddle/1"})"},
      {"wrong-type", "/nodes", R"({"version":"heddle/1","nodes":@{}})"},
      {"no-nodes", "/nodes", R"({"version":"heddle/1","nodes":@[]})"},
      {"unknown-key", "/conections", with(R"(,@"conections":[])"), "did you mean \"connections\"?"},
      {"unknown-key", "/input", R"({"manifest":{"version":"heddle/1","nodes":[{"id":"a","node_type":"T"}]},@"input":[]})"},
      {"wrong-type", "/input_data", R"({"manifest":{"version":"heddle/1","nodes":[{"id":"a","node_type":"T"}]},"input_data":@1})"},
      {"unknown-key", "/manifest/nodes/0/ide", R"({"manifest":{"version":"heddle/1","nodes":[{"id":"a","node_type":"T",@"ide":1}]}})"},
      {"wrong-type", "/metadata", with(R"(,"metadata":@"x")")},
      {"wrong-type", "/metadata/name", with(R"(,"metadata":{"name":@1})")},
      {"duplicate-key", "/run", with(R"(,"run":{},@"run":{})"), "remove one of the two"},
      // nodes
      {"wrong-type", "/nodes/0", R"({"version":"heddle/1","nodes":[@"a"]})"},
      {"missing-key", "/nodes/0", R"({"version":"heddle/1","nodes":[@{"node_type":"T"}]})"},
      {"missing-key", "/nodes/0", R"({"version":"heddle/1","nodes":[@{"id":"a"}]})"},
      {"out-of-range", "/nodes/0/node_type", R"({"version":"heddle/1","nodes":[{"id":"a","node_type":@""}]})"},
      {"bad-name", "/nodes/0/id", R"({"version":"heddle/1","nodes":[{"id":@"a.b","node_type":"T"}]})"},
      {"wrong-type", "/nodes/0/id", R"({"version":"heddle/1","nodes":[{"id":@1,"node_type":"T"}]})"},
      {"duplicate-id", "/nodes/1/id", R"({"version":"heddle/1","nodes":[{"id":"a","node_type":"T"},{"id":@"a","node_type":"T"}]})"},
      {"unknown-key", "/nodes/0/nodeType", with("", R"(,@"nodeType":"T")"), "did you mean \"node_type\"?"},
      {"wrong-type", "/nodes/0/params", with("", R"(,"params":@[])")},
      {"unknown-lane", "/nodes/0/lane", with(R"(,"lanes":{"net":{}})", R"(,"lane":@"nett")"), "did you mean \"net\"?"},
      {"unknown-lane", "/nodes/0/lane", with("", R"(,"lane":@"promt")"), "did you mean \"prompt\"?"},
      {"unknown-policy", "/nodes/0/policy", with("", R"(,"policy":@"remote")"), "define it in \"policies\""},
      {"out-of-range", "/nodes/0/timeout_ms", with("", R"(,"timeout_ms":@0)")},
      {"out-of-range", "/nodes/0/timeout_ms", with("", R"(,"timeout_ms":@1.5)")},
      {"out-of-range", "/nodes/0/timeout_ms", with("", R"(,"timeout_ms":@-1)")},
      {"wrong-type", "/nodes/0/timeout_ms", with("", R"(,"timeout_ms":@"5s")")},
      {"wrong-type", "/nodes/0/timeout_ms", with("", R"(,"timeout_ms":@null)")},
      {"out-of-range", "/nodes/0/parallel", with("", R"(,"parallel":@100000)")},
      {"unknown-choice", "/nodes/0/order", with("", R"(,"order":@"strikt")"), "did you mean \"strict\"?"},
      {"missing-key", "/nodes/0/order", with("", R"(,"order":@{})")},
      {"bad-pointer", "/nodes/0/order/by_key", with("", R"(,"order":{"by_key":@"account"})")},
      {"bad-pointer", "/nodes/0/idempotency_key", with("", R"(,"idempotency_key":@"/a~2")")},
      {"unknown-choice", "/nodes/0/merge/mode", with("", R"(,"merge":{"mode":@"zipp"})"), "did you mean \"zip\"?"},
      {"missing-key", "/nodes/0/merge", with("", R"(,"merge":@{"mode":"join"})")},
      {"bad-merge", "/nodes/0/merge/key", with("", R"(,"merge":{"mode":"zip","key":@"/a"})")},
      {"bad-merge", "/nodes/0/merge/timeout_ms", with("", R"(,"merge":{"mode":"zip","timeout_ms":@5})")},
      {"unknown-key", "/nodes/0/capabilities/gpus", with("", R"(,"capabilities":{@"gpus":1})"), "did you mean \"gpu\"?"},
      {"wrong-type", "/nodes/0/capabilities/memory_gb", with("", R"(,"capabilities":{"memory_gb":@"8"})")},
      {"wrong-type", "/nodes/0/capabilities", with("", R"(,"capabilities":@true)")},
      {"unknown-choice", "/nodes/0/execution/placement", with("", R"(,"execution":{"placement":@"remot"})"), "did you mean \"remote\"?"},
      {"unknown-node", "/nodes/0/execution/fallback", with("", R"(,"execution":{"fallback":@"nobody"})")},
      {"bad-fallback", "/nodes/0/execution/fallback", with("", R"(,"execution":{"fallback":@"a"})")},
      {"bad-host", "/nodes/0/host", with("", R"(,"host":@"example.org")")},
      {"bad-host", "/nodes/0/host", with("", R"(,"host":@"h:70000")")},
      {"unknown-choice", "/nodes/0/isolation", with("", R"(,"isolation":@"thread")")},
      {"unknown-choice", "/nodes/0/state", with("", R"(,"state":@"kep")"), "did you mean \"keep\"?"},
      {"out-of-range", "/nodes/0/limits/cpu_ms", with("", R"(,"limits":{"cpu_ms":@0})")},
      {"wrong-type", "/nodes/0/standby", with("", R"(,"standby":@"yes")")},
      {"wrong-type", "/nodes/0/idempotent", with("", R"(,"idempotent":@1)")},
      // connections
      {"wrong-type", "/connections", R"({"version":"heddle/1","nodes":[{"id":"a","node_type":"T"}],"connections":@{}})"},
      {"wrong-type", "/connections/0", connection(R"(@"alpha")")},
      {"missing-key", "/connections/0", connection(R"(@{"from":"alpha"})")},
      {"unknown-node", "/connections/0/to", connection(R"({"from":"alpha","to":"@betta"})"), "did you mean \"beta\"?"},
      {"unknown-node", "/connections/0/from", connection(R"({"from":"@alhpa.out","to":"beta"})"), "did you mean \"alpha\"?"},
      {"bad-endpoint", "/connections/0/from", connection(R"({"from":@"alpha.","to":"beta"})")},
      {"bad-endpoint", "/connections/0/from", connection(R"({"from":@".x","to":"beta"})")},
      {"out-of-range", "/connections/0/to", connection(R"({"from":"alpha","to":@""})")},
      {"unknown-key", "/connections/0/form", connection(R"({"from":"alpha",@"form":"x","to":"beta"})"), "did you mean \"from\"?"},
      {"out-of-range", "/connections/0/queue/items", connection(R"({"from":"alpha","to":"beta","queue":{"items":@0}})")},
      {"unknown-choice", "/connections/0/queue/on_full", connection(R"({"from":"alpha","to":"beta","queue":{"on_full":@"drop"}})")},
      {"missing-key", "/connections/0/batch", connection(R"({"from":"alpha","to":"beta","batch":@{"linger_ms":5}})")},
      // lanes, policies, plugins, run, tests
      {"wrong-type", "/lanes", with(R"(,"lanes":@[])")},
      {"bad-name", "/lanes/a b", with(R"(,"lanes":{@"a b":{}})")},
      {"out-of-range", "/lanes/l/priority", with(R"(,"lanes":{"l":{"priority":@256}})")},
      {"out-of-range", "/lanes/l/max_concurrency", with(R"(,"lanes":{"l":{"max_concurrency":@0}})")},
      {"out-of-range", "/lanes/l/weight", with(R"(,"lanes":{"l":{"weight":@0}})")},
      {"unknown-key", "/lanes/l/weigth", with(R"(,"lanes":{"l":{@"weigth":2}})"), "did you mean \"weight\"?"},
      {"only-of-jobs", "/lanes/l/depth", with(R"(,"lanes":{"l":{@"depth":5}})"), "what waits between two nodes is bounded by the \"queue\" of their connection"},
      {"only-of-jobs", "/lanes/l/durability", with(R"(,"lanes":{"l":{@"durability":"durable"}})"), "write it in the configuration of `heddle serve`"},
      {"only-of-jobs", "/lanes/l/retry", with(R"(,"lanes":{"l":{@"retry":{}}})"), "say \"retry\" in a policy, and name the policy at the node"},
      {"unknown-choice", "/lanes/l/priority_boost/kind", with(R"(,"lanes":{"l":{"priority_boost":{"kind":@"standrad","within_ms":1}}})"), "did you mean \"standard\"?"},
      {"missing-key", "/lanes/l/priority_boost", with(R"(,"lanes":{"l":{"priority_boost":@{"kind":"aggressive"}}})")},
      {"missing-key", "/lanes/l/priority_boost", with(R"(,"lanes":{"l":{"priority_boost":@{"kind":"custom","within_ms":5}}})")},
      {"unknown-key", "/lanes/l/priority_boost/steps", with(R"(,"lanes":{"l":{"priority_boost":{"kind":"standard","within_ms":5,"steps":@[]}}})")},
      {"out-of-range", "/lanes/l/priority_boost/steps/0/levels",
       with(R"(,"lanes":{"l":{"priority_boost":{"kind":"custom","within_ms":5,"steps":[{"percent_left":1,"levels":@256}]}}})")},
      {"missing-key", "/policies/p/retry", policy(R"("retry":@{})")},
      {"out-of-range", "/policies/p/retry/multiplier", policy(R"("retry":{"max_attempts":2,"multiplier":@0.5})")},
      {"out-of-range", "/policies/p/retry/max_backoff_ms", policy(R"("retry":{"max_attempts":2,"max_backoff_ms":@5})")},
      {"unknown-choice", "/policies/p/retry/jitter", policy(R"("retry":{"max_attempts":2,"jitter":@"half"})")},
      {"out-of-range", "/policies/p/circuit_breaker/failure_threshold", policy(R"("circuit_breaker":{"failure_threshold":@0})")},
      {"unknown-choice", "/policies/p/hedge/after", policy(R"("hedge":{"after":@"p100"})")},
      {"bad-version-range", "/plugins/0/version", with(R"(,"plugins":[{"name":"x","version":@"1.0"}])")},
      {"missing-key", "/plugins/0", with(R"(,"plugins":[@{}])")},
      {"unknown-choice", "/run/on_error", with(R"(,"run":{"on_error":@"stop"})")},
      {"unknown-key", "/run/drain", with(R"(,"run":{@"drain":1})")},
      {"unknown-node", "/tests/0/in/c", with(R"(,"tests":[{"in":{@"c":[]},"expect":{}}])")},
      {"wrong-type", "/tests/0/expect/b", with(R"(,"tests":[{"in":{},"expect":{"b":@1}}])")},
      {"missing-key", "/tests/0", with(R"(,"tests":[@{"in":{}}])")},
      // params
      {"wrong-type", "/params", with(R"(,"params":@[])")},
      {"bad-name", "/params/1x", with(R"(,"params":{@"1x":{"type":"string","default":""}})")},
      {"missing-key", "/params/p", with(R"(,"params":{"p":@{}})")},
      {"unknown-choice", "/params/p/type", param(R"("type":@"strng")"), "did you mean \"string\"?"},
      {"missing-param", "/params/p", with(R"(,"params":{@"p":{"type":"string"}})"), "give it with --param p=…, or write a \"default\""},
      {"missing-param", "/params/p", with(R"(,"params":{@"p":{"type":"secret"}})"), "give it with --param p=…"},
      {"missing-param", "/params/p", with(R"(,"params":{@"p":{"type":"secret","from":"env:NOBODY"}})"),
       "set it, or give it with --param p=…"},
      {"missing-param", "/params/p", with(R"(,"params":{@"p":{"type":"secret","from":"file:no-such-file"}})"),
       "write the file, or give it with --param p=…"},
      {"bad-param", "/params/p/default", param(R"("type":"integer","default":@1.5)")},
      {"bad-param", "/params/p/default", param(R"("type":"number","min":2,"default":@1)")},
      {"bad-param", "/params/p/default", param(R"("type":"integer","max":9007199254740992,"default":@9007199254740993)")},
      {"bad-param", "/params/p/default", param(R"("type":"string","enum":["a"],"default":@"b")")},
      {"bad-param", "/params/p/default", param(R"("type":"secret","default":@"clear")")},
      {"bad-param", "/params/p/from", param(R"("type":"secret","from":@"vault:x")")},
      {"bad-param", "/params/p/from", param(R"("type":"string","default":"","from":@"env:X")")},
      {"bad-param", "/params/p/min", param(R"("type":"string","default":"","min":@1)")},
      {"bad-param", "/params/p/enum", param(R"("type":"boolean","default":true,"enum":@[true])")},
      {"bad-param", "/params/p/enum", param(R"("type":"string","default":"a","enum":["a",@1])")},
      {"wrong-type", "/params/p/min", param(R"("type":"integer","default":1,"min":@"0")")},
      {"out-of-range", "/params/p/min", param(R"("type":"integer","default":1,"min":@5,"max":4)")},
  };
  for (const Case& c : cases) {
    const Marked m(c.marked);
    const Diagnostics d = diagnose(m.text);
    ASSERT_FALSE(d.all().empty()) << c.marked;
    const auto found =
        std::find_if(d.all().begin(), d.all().end(), [&](const Diagnostic& x) { return x.code == c.code && x.span.offset == m.offset; });
    ASSERT_NE(found, d.all().end()) << c.code << " " << c.marked << "\n" << d.text(false);
    EXPECT_EQ(found->pointer, c.pointer) << c.marked;
    EXPECT_EQ(found->severity, Severity::kError);
    if (*c.hint) {
      EXPECT_EQ(found->hint, c.hint) << c.marked;
    }
  }
}

TEST(ReadManifest, ReportsAllErrorsAtOnce) {
  const Diagnostics d =
      diagnose(R"({"version":"heddle/1","lanes":{"l":{"x":1}},"nodes":[{"id":"a"},{"id":"a","node_type":"T","lane":"?","parallel":0}],
    "connections":[{"from":"a","to":"z"}],"run":{"drain_ms":-1}})");
  std::vector<std::string> codes;
  for (const Diagnostic& x : d.all()) codes.push_back(x.code);
  EXPECT_EQ(codes, (std::vector<std::string>{"unknown-key", "missing-key", "unknown-lane", "out-of-range", "duplicate-id", "unknown-node",
                                             "out-of-range"}));
}

TEST(ReadManifest, RefusesTooManyNodes) {
  std::string text = R"({"version":"heddle/1","nodes":[)";
  for (size_t i = 0; i <= 100'000; ++i) text += i == 0 ? "0" : ",0";
  const Diagnostics d = diagnose(text + "]}");
  ASSERT_EQ(d.all().size(), 1u);
  EXPECT_EQ(d.all()[0].code, "too-many-nodes");
}

TEST(ReadManifest, ALargeManifestIsReadAndAHugeNumberOfErrorsIsBounded) {
  std::string nodes, good, bad;
  for (int i = 0; i < 20'000; ++i) {
    const std::string id = "node" + std::to_string(i);
    nodes += (i ? "," : "") + ("{\"id\":\"" + id + "\",\"node_type\":\"T\",\"params\":{\"k\":" + std::to_string(i) + "}}");
    if (i > 0) good += (i > 1 ? "," : "") + ("{\"from\":\"node" + std::to_string(i - 1) + "\",\"to\":\"" + id + "\"}");
    bad += (i ? "," : "") + ("{\"from\":\"nod" + std::to_string(i) + "\",\"to\":\"" + id + "\"}");
  }
  const std::string head = R"({"version":"heddle/1","nodes":[)" + nodes + R"(],"connections":[)";
  const Diagnostics none = diagnose(head + good + "]}");
  EXPECT_TRUE(none.all().empty()) << none.text(false);
  const Diagnostics many = diagnose(head + bad + "]}");
  EXPECT_EQ(many.errors(), 20'000u);
  EXPECT_EQ(many.all().size(), Diagnostics::kMax);
}

TEST(ReadManifest, EveryTruncationIsAnErrorAndNeverACrash) {
  const size_t last = kFullManifest.rfind('}');
  for (size_t n = 0; n <= last; n += 3) EXPECT_TRUE(diagnose(kFullManifest.substr(0, n)).has_errors()) << n;
}

TEST(ReadManifest, EveryByteReplacedIsReadOrRefused) {
  const std::string bytes = "\"{}[],:0x\\ \xff";
  for (size_t n = 0; n < kFullManifest.size(); ++n) {
    std::string text = kFullManifest;
    text[n] = bytes[n % bytes.size()];
    const Diagnostics d = diagnose(text);
    d.text(false);
  }
}

TEST(ReadManifest, AWrapperBringsItsInput) {
  const Manifest m = read(R"({"manifest":{"version":"heddle/1","nodes":[{"id":"a","node_type":"T"}]},"input_data":[1,{"a":2}]})");
  EXPECT_TRUE(m.has_input);
  EXPECT_EQ(m.input, (std::vector<std::string>{"1", "{\"a\":2}"}));
  EXPECT_EQ(m.nodes[0].pointer, "/manifest/nodes/0");
}

TEST(ReadManifest, WithoutSubstitutionReferencesStandWhereTheyAre) {
  ReadOptions options = sample_options();
  options.substitute = false;
  const std::string text =
      with(R"(,"params":{"p":{"type":"secret"}})", R"(,"lane":"${param.l}","parallel":"${param.n}","params":{"t":"${param.p}"})");
  Diagnostics d("m", text);
  const std::optional<Manifest> m = read_manifest(text, "m", options, d);
  ASSERT_TRUE(m) << d.text(false);
  EXPECT_EQ(m->nodes[0].params.json(), R"({"t":"${param.p}"})");
  EXPECT_EQ(m->nodes[0].lane, "${param.l}");
  EXPECT_NE(to_heddle1(*m).find(R"("parallel": "${param.n}")"), std::string::npos);
}

}  // namespace
}  // namespace heddle
