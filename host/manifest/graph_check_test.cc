#include <gtest/gtest.h>

#include "manifest/manifest_samples.h"

namespace heddle {
namespace {

// Nodes "a", "b", … and connections such as "ab".
std::string graph(const std::string& nodes, const std::vector<std::string>& connections, const std::string& more = "") {
  std::string out = R"({"version":"heddle/1","nodes":[)";
  for (char n : nodes) out += std::string(out.back() == '[' ? "" : ",") + "{\"id\":\"" + n + "\",\"node_type\":\"T\"}";
  out += more + R"(],"connections":[)";
  for (const std::string& c : connections)
    out += std::string(out.back() == '[' ? "" : ",") + "{\"from\":\"" + c[0] + "\",\"to\":\"" + c.substr(1) + "\"}";
  return out + "]}";
}

std::vector<std::string> codes(const Diagnostics& d) {
  std::vector<std::string> out;
  for (const Diagnostic& x : d.all()) out.push_back(x.code);
  return out;
}

TEST(CheckGraph, ADagIsFine) { EXPECT_TRUE(diagnose(graph("abcd", {"ab", "ac", "bd", "cd", "cd.left"})).all().empty()); }

TEST(CheckGraph, PrintsTheCycle) {
  const Diagnostics d = diagnose(graph("abcd", {"ab", "bc", "cd", "da"}));
  ASSERT_EQ(codes(d), std::vector<std::string>{"cycle"});
  EXPECT_EQ(d.all()[0].message, "the nodes form a cycle: a → b → c → d → a");
  EXPECT_EQ(d.all()[0].pointer, "/connections/3");
}

TEST(CheckGraph, OneDiagnosticPerComponentWithItsShortestCycle) {
  const Diagnostics d = diagnose(graph("abcdef", {"ab", "bc", "ca", "ba", "cd", "de", "ed", "ef"}));
  ASSERT_EQ(codes(d), (std::vector<std::string>{"cycle", "cycle"}));
  EXPECT_EQ(d.all()[0].message, "the nodes form a cycle: d → e → d");
  EXPECT_EQ(d.all()[1].message, "the nodes form a cycle: a → b → a");
}

TEST(CheckGraph, ALongCycleIsShortened) {
  std::string nodes, connections;
  for (int i = 0; i < 50'000; ++i) {
    nodes += std::string(i ? "," : "") + "{\"id\":\"n" + std::to_string(i) + "\",\"node_type\":\"T\"}";
    connections +=
        std::string(i ? "," : "") + "{\"from\":\"n" + std::to_string(i) + "\",\"to\":\"n" + std::to_string((i + 1) % 50'000) + "\"}";
  }
  const Diagnostics d = diagnose(R"({"version":"heddle/1","nodes":[)" + nodes + R"(],"connections":[)" + connections + "]}");
  ASSERT_EQ(codes(d), std::vector<std::string>{"cycle"});
  EXPECT_EQ(d.all()[0].message, "the nodes form a cycle: n0 → n1 → n2 → n3 → n4 → n5 → n6 → n7 → n8 → n9 → … (49990 more) → n0");
}

TEST(CheckGraph, SelfAndDuplicateConnections) {
  const Diagnostics d = diagnose(graph("ab", {"aa", "ab", "ab"}));
  ASSERT_EQ(codes(d), (std::vector<std::string>{"self-connection", "duplicate-connection"}));
  EXPECT_EQ(d.all()[1].pointer, "/connections/2");
  EXPECT_EQ(d.all()[1].hint, "the first is /connections/1");
}

TEST(CheckGraph, WarnsOfAnIsolatedNodeAmongOthers) {
  EXPECT_TRUE(diagnose(graph("a", {})).all().empty());
  const Diagnostics d = diagnose(graph("abc", {"ab"}));
  ASSERT_EQ(codes(d), std::vector<std::string>{"isolated-node"});
  EXPECT_EQ(d.all()[0].severity, Severity::kWarning);
  EXPECT_EQ(d.all()[0].pointer, "/nodes/2");
}

TEST(CheckGraph, StandbyNodesMustBeNamedAndUnconnected) {
  EXPECT_EQ(codes(diagnose(graph("ab", {"ab"}, R"(,{"id":"s","node_type":"T","standby":true})"))),
            std::vector<std::string>{"unused-standby"});
  EXPECT_EQ(codes(diagnose(graph("ab", {"ab", "bs"}, R"(,{"id":"s","node_type":"T","standby":true})"))),
            std::vector<std::string>{"connected-standby"});
  EXPECT_EQ(
      codes(diagnose(graph(
          "a", {},
          R"(,{"id":"c","node_type":"T","params":{"fallback":[{"node":"s"}]}},{"id":"s","node_type":"T","standby":true,"is_output_node":true})"))),
      (std::vector<std::string>{"isolated-node", "isolated-node", "standby-output"}));
  EXPECT_TRUE(
      diagnose(graph("a", {"ac"}, R"(,{"id":"c","node_type":"T","execution":{"fallback":"s"}},{"id":"s","node_type":"T","standby":true})"))
          .all()
          .empty());
}

}  // namespace
}  // namespace heddle
