#include "cli/run_report.h"

#include <gtest/gtest.h>

#include <csignal>

namespace heddle {
namespace {

RunReport good() {
  RunReport r;
  r.ok = r.balanced = true;
  return r;
}

TEST(RunExitCode, FollowsWhatHappened) {
  RunReport r = good();
  EXPECT_EQ(exit_code_of(r, 0), ExitCode::kOk);
  r.dead_letters = 1;
  EXPECT_EQ(exit_code_of(r, 0), ExitCode::kDeadLetters);
  r.balanced = false;
  EXPECT_EQ(exit_code_of(r, 0), ExitCode::kInternal);
  r.ok = false;
  r.error = Error("bad-item", "an item failed");
  EXPECT_EQ(exit_code_of(r, 0), ExitCode::kFailed);
}

TEST(RunExitCode, AFileThatCouldNotBeWrittenIsIoHoweverDeepItLies) {
  RunReport r;
  r.error = Error("output", "the output failed").because(Error("io", "No space left on device"));
  EXPECT_EQ(exit_code_of(r, 0), ExitCode::kIo);
  r.error = Error("closed-pipe", "gone");
  EXPECT_EQ(exit_code_of(r, 0), ExitCode::kIo);
}

TEST(RunExitCode, ASignalCountsOnlyIfItEndedTheRun) {
  RunReport r = good();
  EXPECT_EQ(exit_code_of(r, SIGINT), ExitCode::kOk);
  r.stopped = true;
  EXPECT_EQ(exit_code_of(r, SIGINT), ExitCode::kInterrupted);
  EXPECT_EQ(exit_code_of(r, SIGTERM), ExitCode::kTerminated);
}

Pipeline two_nodes() {
  Pipeline p;
  p.nodes.resize(2);
  p.nodes[0].settings.id = "keep";
  p.nodes[0].inputs = {"in"};
  p.nodes[0].outputs = {"eu", "rest"};
  p.nodes[1].settings.id = "join";
  p.nodes[1].inputs = {"left", "right"};
  PipelineEdge edge;
  edge.from_port = 1;
  edge.to = 1;
  p.edges.push_back(edge);
  edge.from_port = PipelineEdge::kErrorPort;
  p.edges.push_back(edge);
  edge.from = PipelineEdge::kRunInput;
  edge.to = 0;
  p.edges.push_back(edge);
  return p;
}

TEST(RunReportText, NamesConnectionsAsTheManifestDoes) {
  Pipeline p = two_nodes();
  EXPECT_EQ(edge_name(p, p.edges[0]), "keep.rest -> join.left");
  EXPECT_EQ(edge_name(p, p.edges[1]), "keep.error -> join.left");
  EXPECT_EQ(edge_name(p, p.edges[2]), "input -> keep");
}

TEST(RunReportText, SaysWhichConnectionDoesNotBalance) {
  Pipeline p = two_nodes();
  RunReport r = good();
  r.edges.resize(3);
  r.edges[0].in = r.edges[0].out = 1000;
  EXPECT_NE(stats_text(p, r).find("the counts balance"), std::string::npos);
  EXPECT_NE(stats_text(p, r).find("1,000"), std::string::npos);
  r.edges[0].out = 999;
  r.balanced = false;
  EXPECT_NE(stats_text(p, r).find("the counts of keep.rest -> join.left do not balance"), std::string::npos);
}

TEST(RunReportText, CountsWhatWasWrittenAndWhatLedNowhere) {
  Pipeline p = two_nodes();
  p.exits = {{.node = 1}, {.node = 0, .port = 0}};
  EXPECT_EQ(exit_name(p, p.exits[0]), "join -> output");
  EXPECT_EQ(exit_name(p, p.exits[1]), "keep.eu -> nowhere");
  RunReport r = good();
  r.input_items = 10;
  r.source_items = 2;
  r.output_items = 4;
  r.sink_items = 3;
  r.exits = {{.in = 5, .out = 4, .dropped = 1}, {.in = 2, .dropped = 2}};
  EXPECT_EQ(counts_text(p, r), "12 items in, 7 out, 1 dropped; 2 items left by ports that lead nowhere: keep.eu 2");
  EXPECT_NE(stats_text(p, r).find("keep.eu -> nowhere"), std::string::npos);
  Result<Value> parsed = Value::parse(report_json(p, r, 0, ""));
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->pointer("/connections/0/dropped").as_int(), 1);
}

TEST(RunReportText, JsonHasEveryCount) {
  Pipeline p = two_nodes();
  RunReport r;
  r.error = Error("io", "No space left on device");
  r.edges.resize(3);
  r.nodes.resize(2);
  Result<Value> parsed = Value::parse(report_json(p, r, 0, "/tmp/letters"));
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->find("exit_code").as_int(), 74);
  EXPECT_EQ(parsed->pointer("/error/code").as_text(), "io");
  EXPECT_EQ(parsed->find("connections").size(), 3u);
  EXPECT_EQ(parsed->pointer("/nodes/1/node").as_text(), "join");
}

TEST(RunReport, WhatKeepsARunFromStartingHasItsExitCode) {
  const auto refused = [](const char* code) { return Error("create-failed", "node", ErrorClass::kConfig).because(Error(code, "why")); };
  EXPECT_EQ(exit_code_of_start(refused("not-found")), ExitCode::kIo);
  EXPECT_EQ(exit_code_of_start(refused("denied")), ExitCode::kIo);
  EXPECT_EQ(exit_code_of_start(Error("activate-failed", "node").because(Error("not-found", "no such file"))), ExitCode::kIo);
  EXPECT_EQ(exit_code_of_start(Error("activate-failed", "node").because(Error("unavailable", "why"))), ExitCode::kFailed);
  EXPECT_EQ(exit_code_of_start(refused("invalid")), ExitCode::kManifestInvalid);
  EXPECT_EQ(exit_code_of_start(refused("note-differs")), ExitCode::kFailed);
  EXPECT_EQ(exit_code_of_start(Error("create-failed", "node").because(Error("init-failed", "plugin").because(Error("unavailable", "why")))),
            ExitCode::kFailed);
  EXPECT_EQ(exit_code_of_start(Error("activate-failed", "node").because(Error("invalid", "why"))), ExitCode::kFailed);
}

}  // namespace
}  // namespace heddle
