#include <gtest/gtest.h>

#include <algorithm>

#include "manifest/manifest_samples.h"

namespace heddle {
namespace {

Manifest import(const std::string& text, const std::string& file = "dir/old-one.json") {
  Diagnostics d(file, text);
  std::optional<Manifest> m = read_manifest(text, file, sample_options(), d);
  EXPECT_TRUE(m) << d.text(false);
  return m ? std::move(*m) : Manifest();
}

bool reports(const Manifest& m, const std::string& part) {
  return std::any_of(m.import_report.begin(), m.import_report.end(),
                     [&](const std::string& s) { return s.find(part) != std::string::npos; });
}

std::string report(const Manifest& m) {
  std::string out;
  for (const std::string& s : m.import_report) out += s + "\n";
  return out;
}

TEST(ImportV1, APlainFileNeedsNoReport) {
  const Manifest m = import(R"({"version":"v1","metadata":{"name":"p","created_at":"2025-01-01","author":{"id":1}},
    "nodes":[{"id":"a","node_type":"PassThroughNode","params":{}},{"id":"b","node_type":"Echo","params":{"camelCase":{"nodeType":1}},"is_output_node":true,
              "capabilities":{"gpu":{"type":"cuda"},"memory_gb":4},"host":"h:1"}],
    "connections":[{"from":"a","to":"b"}]})");
  EXPECT_EQ(m.dialect, "v1");
  EXPECT_EQ(m.name, "p");
  EXPECT_EQ(m.metadata.json(), R"({"created_at":"2025-01-01","author":{"id":1}})");
  EXPECT_EQ(m.nodes[0].node_type, "PassThroughNode");
  EXPECT_EQ(m.nodes[1].params.json(), R"({"camelCase":{"nodeType":1}})");
  EXPECT_TRUE(m.nodes[1].is_output_node);
  EXPECT_EQ(m.nodes[1].host, "h:1");
  EXPECT_EQ(report(m), "");
}

TEST(ImportV1, TakesEveryVersionOfTheFamily) {
  const std::string rest = R"("metadata":{"name":"p"},"nodes":[{"id":"a","node_type":"T"}],"connections":[]})";
  EXPECT_EQ(import("{\"version\":\"v1\"," + rest).dialect, "v1");
  EXPECT_EQ(import("{\"version\":\"1.0\"," + rest).dialect, "1.0");
  EXPECT_EQ(import("{\"version\":\"1.0.0\"," + rest).dialect, "1.0.0");
  EXPECT_EQ(import("{" + rest).dialect, "v1");
  EXPECT_EQ(import("{\"version\":null," + rest).dialect, "v1");
  EXPECT_EQ(import("{\"version\":1.0," + rest).dialect, "1.0");
}

TEST(ImportV1, ReadsTheFormWithEdgesAndConfig) {
  const Manifest m = import(R"({"version":"1.0.0","name":"n","description":"d","config":{"threads":2},
    "nodes":[{"id":"a","node_type":"T","config":{"x":1},"executor":"native"},{"id":"b","type":"T"}],
    "edges":[{"source":"a","target":"b","field_mapping":{"x":"y"}}]})");
  EXPECT_EQ(m.name, "n");
  EXPECT_EQ(m.description, "d");
  EXPECT_EQ(m.nodes[0].params.json(), R"({"x":1})");
  ASSERT_EQ(m.connections.size(), 1u);
  EXPECT_EQ(m.connections[0].to_node, "b");
  EXPECT_EQ(m.connections[0].pointer, "/edges/0");
  for (const char* part : {"/config: not used here; kept as \"x-config\"", "/nodes/0/executor: not used",
                           "/edges/0/field_mapping: not used", "/edges: read as \"connections\"", "/nodes/0/config: read as \"params\"",
                           "/edges/0/source: read as \"from\"", "/name: moved into", "/nodes/1/type: read as \"node_type\""}) {
    EXPECT_TRUE(reports(m, part)) << part << "\n" << report(m);
  }
  EXPECT_EQ(m.extensions.at("/x-config"), R"({"threads":2})");
  EXPECT_EQ(m.extensions.at("/connections/0/x-field_mapping"), R"({"x":"y"})");
}

TEST(ImportV1, ConvertsCamelCaseOutsideOfParamsOnly) {
  const Manifest m = import(
      R"({"version":"v1","metadata":{"name":"p"},"nodes":[{"id":"a","nodeType":"T","isOutputNode":true,"isStreaming":false,"params":{"isStreaming":true}}],
    "connections":[],"pythonEnv":{"x":1}})");
  EXPECT_EQ(m.nodes[0].node_type, "T");
  EXPECT_TRUE(m.nodes[0].is_output_node);
  EXPECT_EQ(m.nodes[0].params.json(), R"({"isStreaming":true})");
  EXPECT_TRUE(reports(m, "/nodes/0/nodeType: read as \"node_type\""));
  EXPECT_TRUE(reports(m, "/python_env: not used here"));
}

TEST(ImportV1, ReportsEveryKeyItCannotUse) {
  const Manifest m = import(
      R"({"version":"v1","metadata":{"name":"p"},"nodes":[{"id":"a","node_type":"T","is_streaming":true,"media_capabilities":{},"runtime_hint":"auto",
    "docker":{"image":"x"},"fast_path":true,"python_deps":["numpy"],"python_env":{},"executor":"e","mystery":1,"docs":null}],"connections":[]})");
  for (const char* key : {"is_streaming", "media_capabilities", "runtime_hint", "docker", "fast_path", "python_deps", "python_env",
                          "executor", "mystery", "docs"}) {
    EXPECT_TRUE(reports(m, std::string("/nodes/0/") + key + ":")) << key;
    EXPECT_TRUE(m.extensions.contains(std::string("/nodes/0/x-") + key)) << key;
  }
}

TEST(ImportV1, NullsAreAsGoodAsAbsent) {
  const Manifest m = import(
      R"({"version":"v1","metadata":{"name":"p"},"nodes":[{"id":"a","node_type":"T","params":null,"capabilities":null,"host":null,"execution":null,
    "docker":null,"is_output_node":null}],"connections":null})");
  EXPECT_EQ(report(m), "");
}

TEST(ImportV1, SynthesisesMetadataAndConnections) {
  const Manifest m = import(R"({"nodes":[{"id":"a","node_type":"T"},{"id":"b","node_type":"T"},{"id":"c","node_type":"T"}]})");
  EXPECT_EQ(m.name, "old-one");
  ASSERT_EQ(m.connections.size(), 2u);
  EXPECT_EQ(m.connections[1].from_node, "b");
  EXPECT_TRUE(reports(m, "there is no metadata"));
  EXPECT_TRUE(reports(m, "there are no connections; the 3 nodes"));
  EXPECT_TRUE(import(R"({"nodes":[{"id":"a","node_type":"T"},{"id":"b","node_type":"T"}],"connections":[]})").connections.empty());
}

TEST(ImportV1, PortsAndOddIds) {
  const Manifest m = import(R"({"version":"v1","metadata":{"name":"p"},
    "nodes":[{"id":"my.node","node_type":"T"},{"id":"my_node","node_type":"T"},{"id":3,"node_type":"T"},{"id":"x y","node_type":"T","execution":{"fallback":"my.node"}}],
    "connections":[{"from":"my.node","from_port":"default","to":"my_node","to_port":"left"},{"from":"my.node.out","to":3},{"from":3,"fromPort":"o","to":"x y","note":"n"}]})");
  EXPECT_EQ(m.nodes[0].id, "my_node_");
  EXPECT_EQ(m.nodes[2].id, "_3");
  EXPECT_EQ(m.nodes[3].id, "x_y");
  EXPECT_EQ(m.nodes[3].placement_fallback, "my_node_");
  EXPECT_EQ(m.connections[0].from_node, "my_node_");
  EXPECT_EQ(m.connections[0].from_port, "");
  EXPECT_EQ(m.connections[0].to_node, "my_node");
  EXPECT_EQ(m.connections[0].to_port, "left");
  EXPECT_EQ(m.connections[1].from_port, "out");
  EXPECT_EQ(m.connections[1].to_node, "_3");
  EXPECT_EQ(m.connections[2].from_port, "o");
  EXPECT_TRUE(reports(m, "/nodes/0/id: the id \"my.node\" is written as \"my_node_\""));
  EXPECT_TRUE(reports(m, "/connections/2/note: a key of its own"));
}

TEST(ImportV1, CapabilitiesHostAndExecutionThatDoNotFitAreKeptAside) {
  const Manifest m = import(
      R"({"version":"v1","metadata":{"name":"p"},"connections":[],"nodes":[{"id":"a","node_type":"T","host":"somewhere","execution":"remote",
    "capabilities":{"gpu":"yes","tpu":1}},{"id":"b","node_type":"T","execution":{"placement":"mars","mode":"x"}},{"id":"c","node_type":"T","execution":5}]})");
  EXPECT_EQ(m.nodes[0].placement, "remote");
  EXPECT_EQ(m.nodes[0].host, "");
  EXPECT_EQ(m.nodes[1].placement, "prefer_local");
  for (const char* part : {"/nodes/0/host:", "/nodes/0/execution: written as", "/nodes/0/capabilities/gpu:", "/nodes/0/capabilities/tpu:",
                           "/nodes/1/execution/placement:", "/nodes/1/execution/mode:", "/nodes/2/execution:"}) {
    EXPECT_TRUE(reports(m, part)) << part << "\n" << report(m);
  }
}

TEST(ImportV1, ReferencesAreLeftToTheNode) {
  const Manifest m = import(R"({"version":"v1","metadata":{"name":"p"},"connections":[],"nodes":[{"id":"a","node_type":"T",
    "params":{"text":"${VAR}","nested":{"auth_token":"$VAR"},"price":"$5"}}]})");
  EXPECT_EQ(m.nodes[0].params.json(), R"({"text":"${VAR}","nested":{"auth_token":"$VAR"},"price":"$5"})");
  EXPECT_EQ(m.import_report.size(), 1u) << report(m);
  EXPECT_NE(to_heddle1(m).find(R"("text": "$${VAR}")"), std::string::npos);
}

TEST(ImportV1, ATokenIsTakenFromTheEnvironment) {
  for (const std::string reference : {"$SCORE_TOKEN", "${SCORE_TOKEN}"}) {
    const std::string text = R"({"version":"v1","metadata":{"name":"p"},"connections":[],"nodes":[{"id":"a","node_type":"RemotePipelineNode","params":{"auth_token":")" + reference + R"("}}]})";
    const Manifest m = import(text);
    EXPECT_EQ(m.nodes[0].params.json(), R"({"auth_token":"s3cr3t-token"})");
    EXPECT_TRUE(reports(m, "/nodes/0/params/auth_token: written as \"${env.SCORE_TOKEN}\"")) << report(m);
    EXPECT_NE(to_heddle1(m).find(R"("auth_token": "${env.SCORE_TOKEN}")"), std::string::npos);
    Diagnostics faults("f", text);
    EXPECT_FALSE(read_manifest(text, "f", {.params = {}, .takes_in = false}, faults));
    EXPECT_EQ(faults.all()[0].code, "not-yours");
  }
  const Diagnostics d = diagnose(R"({"version":"v1","nodes":[{"id":"a","node_type":"T","params":{"auth_token":"$NO_SUCH_TOKEN"}}],"connections":[]})");
  ASSERT_FALSE(d.all().empty());
  EXPECT_EQ(d.all()[0].message, "the environment variable NO_SUCH_TOKEN is not set");
  EXPECT_EQ(d.all()[0].pointer, "/nodes/0/params/auth_token");
}

TEST(ImportV1, AWrapperBringsItsInput) {
  const Manifest m = import(
      R"({"manifest":{"version":"v1","metadata":{"name":"p"},"nodes":[{"id":"a","node_type":"T","docker":1}],"connections":[]},"input_data":[1,"x"],"extra":1})");
  EXPECT_EQ(m.input, (std::vector<std::string>{"1", "\"x\""}));
  EXPECT_TRUE(reports(m, "/manifest/nodes/0/docker"));
  EXPECT_TRUE(reports(m, "/extra: not used here; left out"));
}

TEST(ImportV1, BrokenFilesAreDiagnosedAtThePlaceInTheText) {
  struct {
    const char *code, *pointer, *marked;
  } cases[] = {
      {"missing-key", "", R"(@{"version":"v1"})"},
      {"wrong-type", "/nodes", R"({"version":"v1","nodes":@"x"})"},
      {"wrong-type", "/nodes/0", R"({"version":"v1","nodes":[@"x"]})"},
      {"wrong-type", "/nodes/0/nodeType", R"({"version":"v1","nodes":[{"id":"a","nodeType":@5}]})"},
      {"wrong-type", "/nodes/0/config", R"({"version":"v1","nodes":[{"id":"a","node_type":"T","config":@5}]})"},
      {"missing-key", "/manifest/nodes/0", R"({"manifest":{"version":"v1","nodes":[@{"id":"a"}]}})"},
      {"unknown-node", "/edges/0/target", R"({"nodes":[{"id":"alpha","node_type":"T"}],"edges":[{"source":"alpha","target":"@alpa"}]})"},
      {"wrong-type", "/edges", R"({"nodes":[{"id":"a","node_type":"T"}],"edges":@5})"},
      {"duplicate-id", "/nodes/1/id", R"({"nodes":[{"id":"a b","node_type":"T"},{"id":@"a b","node_type":"T"}],"connections":[]})"},
      {"wrong-type", "/metadata", R"({"metadata":@5,"nodes":[{"id":"a","node_type":"T"}]})"},
  };
  for (const auto& c : cases) {
    const Marked m(c.marked);
    const Diagnostics d = diagnose(m.text);
    ASSERT_FALSE(d.all().empty()) << c.marked;
    EXPECT_EQ(d.all()[0].code, c.code) << d.text(false);
    EXPECT_EQ(d.all()[0].pointer, c.pointer) << d.text(false);
    EXPECT_EQ(d.all()[0].span.offset, m.offset) << d.text(false);
  }
}

}  // namespace
}  // namespace heddle
