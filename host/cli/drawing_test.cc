#include "cli/drawing.h"

#include <gtest/gtest.h>

namespace heddle {
namespace {

// read -> route; route.eu -> score -> store; route.rest -> store; score.error -> log
Drawing fan() {
  Drawing d;
  d.name = "fan";
  auto node = [&](const char* id, const char* type) -> DrawnNode& {
    DrawnNode& n = d.nodes.emplace_back();
    n.id = id;
    n.type = type;
    return n;
  };
  node("read", "Read").is_entry = true;
  node("route", "Route");
  node("score", "Score").lane = "net";
  d.nodes.back().parallel = 4;
  node("store", "Store").is_output = true;
  node("log", "Log").is_output = true;
  d.edges = {
      {0, 1, "", "", false}, {1, 2, "eu", "", true}, {1, 3, "rest", "left", false}, {2, 3, "", "right", false}, {2, 4, "error", "", false}};
  return d;
}

TEST(Drawing, AsciiGoesStraightDownAndIndentsAtBranches) {
  EXPECT_EQ(as_ascii(fan()),
            "read  (Read)\n"
            "|\n"
            "route  (Route)\n"
            "|-- eu: score  (Score x4)  lane net\n"
            "|   |-- -> right: store  (Store)  => output  <- route, score\n"
            "|   `-- error: log  (Log)  => output\n"
            "`-- rest -> left: store  (above)\n");
}

TEST(Drawing, AsciiShowsEveryNodeOfACycle) {
  Drawing d;
  d.nodes.resize(2);
  d.nodes[0].id = "a";
  d.nodes[1].id = "b";
  d.edges = {{0, 1, "", "", false}, {1, 0, "", "", false}};
  EXPECT_EQ(as_ascii(d), "a  ()\n|\nb  ()\n|\na  (above)\n");
}

TEST(Drawing, MermaidUsesIdsOfItsOwnAndMarksErrorsQueuesAndLanes) {
  LaneColor net = lane_color("net");
  EXPECT_EQ(as_mermaid(fan()),
            "flowchart LR\n"
            "  n0[\"read | Read\"]\n"
            "  n1[\"route | Route\"]\n"
            "  n2[\"score | Score x4, lane net\"]:::lane0\n"
            "  n3[[\"store | Store\"]]\n"
            "  n4[[\"log | Log\"]]\n"
            "  n0 --> n1\n"
            "  n1 ==>|\"eu\"| n2\n"
            "  n1 -->|\"rest -#gt; left\"| n3\n"
            "  n2 -->|\"-#gt; right\"| n3\n"
            "  n2 -.->|\"error\"| n4\n"
            "  classDef lane0 fill:" +
                net.fill + ",stroke:" + net.border + "\n");
}

TEST(Drawing, DotQuotesWhatWouldEndAString) {
  Drawing d;
  d.nodes.resize(1);
  d.nodes[0].id = "a\"b\\c";
  d.nodes[0].type = "T";
  EXPECT_NE(as_dot(d).find("\"a\\\"b\\\\c\" [label=\"a\\\"b\\\\c\\nT\""), std::string::npos) << as_dot(d);
}

TEST(Drawing, DotNamesThePortsAtTheEndsOfAnArrow) {
  EXPECT_NE(as_dot(fan()).find("\"route\" -> \"store\" [taillabel=\"rest\", headlabel=\"left\"];"), std::string::npos) << as_dot(fan());
}

TEST(Drawing, SvgHasABoxPerNodeAnArrowPerEdgeAndALegend) {
  std::string svg = as_svg(fan());
  auto count = [&](std::string_view what) {
    int n = 0;
    for (size_t at = svg.find(what); at != std::string::npos; at = svg.find(what, at + 1)) ++n;
    return n;
  };
  EXPECT_EQ(count("<g><title>"), 5);
  EXPECT_EQ(count("marker-end"), 5);
  EXPECT_EQ(count(">lane net<"), 1);
  EXPECT_EQ(count(">lane default<"), 1);
  EXPECT_EQ(count("nan"), 0);
  EXPECT_EQ(svg, as_svg(fan())) << "the same drawing gives the same text";
}

TEST(Drawing, SvgEscapesWhatWouldBeMarkup) {
  Drawing d;
  d.nodes.resize(1);
  d.nodes[0].id = "<script>&\"";
  EXPECT_EQ(as_svg(d).find("<script>"), std::string::npos);
  EXPECT_NE(as_svg(d).find("&lt;script&gt;&amp;&quot;"), std::string::npos);
}

TEST(Drawing, AManifestAloneSaysWhereItemsEnterAndLeave) {
  Manifest manifest;
  for (const char* id : {"a", "b", "spare"}) manifest.nodes.emplace_back().id = id;
  manifest.nodes[2].standby = true;
  Connection& connection = manifest.connections.emplace_back();
  connection.from_node = "a";
  connection.to_node = "b";
  manifest.connections.emplace_back().from_node = "nowhere";
  Drawing d = draw_manifest(manifest);
  ASSERT_EQ(d.edges.size(), 1u);
  EXPECT_TRUE(d.nodes[0].is_entry);
  EXPECT_FALSE(d.nodes[0].is_output);
  EXPECT_TRUE(d.nodes[1].is_output);
  EXPECT_FALSE(d.nodes[2].is_entry);
  EXPECT_FALSE(d.nodes[2].is_output);
}

}  // namespace
}  // namespace heddle
