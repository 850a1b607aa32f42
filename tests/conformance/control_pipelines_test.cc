// Pipelines that are served: for one item, for many, and for peers that read slowly or leave.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "controlled.h"
#include "serve/execution.h"

namespace heddle {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTriple = R"({"version": "heddle/1", "metadata": {"name": "triple", "description": "three times"},
  "nodes": [{"id": "m", "node_type": "Multiply", "params": {"multiplier": 3}}]})";
constexpr const char* kSlow = R"({"version": "heddle/1", "nodes": [{"id": "d", "node_type": "Delay", "params": {"delay_ms": 600000}}]})";
constexpr const char* kSame = R"({"version": "heddle/1", "nodes": [{"id": "p", "node_type": "PassThrough"}]})";

constexpr const char* kCounts = R"({"version": "heddle/1", "nodes": [{"id": "e", "node_type": "Echo"}]})";
constexpr const char* kKeeps = R"({"version": "heddle/1", "nodes": [{"id": "c", "node_type": "Aggregate", "params": {"op": "count"}, "state": "keep"}]})";

class ControlPipelines : public ::testing::Test {
 protected:
  ControlPipelines() {
    fs::create_directories(folder_);
    for (const auto& [name, text] : {std::pair("triple", kTriple), {"slow", kSlow}, {"same", kSame}, {"keeps", kKeeps}, {"counts", kCounts}}) std::ofstream(folder_ / (std::string(name) + ".json")) << text;
    const auto loaded = host_.pipelines.load(folder_.string(), std::make_shared<const Catalog>(Catalog::scan({HEDDLE_OUR_PLUGINS})), host_.lanes, {});
    EXPECT_TRUE(loaded) << (loaded ? "" : loaded.error().text());
  }
  ~ControlPipelines() override { fs::remove_all(folder_); }

  Peer& ask_lines(Peer& peer, const std::string& name, const std::string& body) {
    peer.ask("POST /v1/pipelines/" + name + "/execute", "Content-Type: application/x-ndjson\r\n", body);
    return peer;
  }

  const fs::path folder_ = fs::temp_directory_path() / ("heddle-control-" + std::to_string(::getpid()));
  Controlled host_{{}, {}, {}, (folder_ / "kept").string()};
};

TEST_F(ControlPipelines, AreListed) {
  const Answer answer = host_.ask("GET /v1/pipelines");
  EXPECT_EQ(answer.json.find("pipelines").size(), 5u);
  EXPECT_EQ(answer.text("/pipelines/4/name"), "triple");
  EXPECT_EQ(answer.text("/pipelines/4/description"), "three times");
  EXPECT_EQ(answer.number("/pipelines/4/nodes"), 1);
}

TEST_F(ControlPipelines, RunForOneItem) {
  Answer answer = host_.ask("POST /v1/pipelines/triple/execute", "14");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, R"({"outputs":[42],"failed":[]})");
  answer = host_.ask("POST /v1/pipelines/triple/execute", R"("no number")");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.json.find("outputs").size(), 0u);
  EXPECT_EQ(answer.text("/failed/0/node"), "m");
  EXPECT_FALSE(answer.text("/failed/0/message").empty());
}

TEST_F(ControlPipelines, WhatIsWrongIsNamed) {
  EXPECT_EQ(host_.ask("POST /v1/pipelines/tripel/execute", "1").message(), "there is no pipeline \"tripel\"; did you mean \"triple\"?");
  EXPECT_EQ(host_.ask("POST /v1/pipelines/tripel/execute", "1").status, 404);
  EXPECT_EQ(host_.ask("POST /v1/pipelines/triple/execute", "{").status, 400);
  EXPECT_EQ(host_.ask("POST /v1/pipelines/triple/execute").status, 400);
  Peer text(host_.served->port), lines(host_.served->port);
  text.ask("POST /v1/pipelines/triple/execute", "Content-Type: text/plain\r\n", "1");
  EXPECT_EQ(text.reply().status, 415);
  const Answer answer = Controlled::answer_of(ask_lines(lines, "triple", "1\n{\n3\n").reply());
  EXPECT_EQ(answer.status, 400);
  EXPECT_NE(answer.message().find("line 2"), std::string::npos) << answer.message();
}

TEST_F(ControlPipelines, RunForManyItemsALineEach) {
  Peer peer(host_.served->port);
  const Reply reply = ask_lines(peer, "triple", "1\n\"x\"\r\n\n2").reply();
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("content-type"), "application/x-ndjson");
  EXPECT_NE(reply.body.find("{\"output\":3}\n"), std::string::npos) << reply.body;
  EXPECT_NE(reply.body.find("{\"output\":6}\n"), std::string::npos) << reply.body;
  EXPECT_NE(reply.body.find("{\"failed\":{\"code\":"), std::string::npos) << reply.body;
  Peer none(host_.served->port);
  EXPECT_EQ(ask_lines(none, "triple", "\n").reply().body, "");
}

TEST_F(ControlPipelines, ResultsComeAsThePeerAcceptsThem) {
  const auto ask = [&](const std::string& accept, const std::string& type, const std::string& body) {
    Peer peer(host_.served->port);
    peer.ask("POST /v1/pipelines/same/execute", accept + "Content-Type: " + type + "\r\n", body);
    return peer.reply();
  };
  for (const char* accept : {"", "Accept: */*\r\n", "Accept: application/json\r\n", "Accept: text/event-streams, x\r\n", "Accept: text/event-stream;q=0.0\r\n"}) {
    EXPECT_EQ(ask(accept, "application/json", "\"a\"").body, R"({"outputs":["a"],"failed":[]})") << accept;
  }
  Reply reply = ask("Accept: application/x-ndjson\r\n", "application/json", "\"a\"");
  EXPECT_EQ(reply.header("content-type"), "application/x-ndjson");
  EXPECT_EQ(reply.body, "{\"output\":\"a\"}\n");
  for (const char* accept : {"Accept: text/event-stream\r\n", "Accept: text/html;q=0.5 , Text/Event-Stream;q=0.9\r\n", "Accept: text/html\r\nAccept: text/event-stream\r\n"}) {
    reply = ask(accept, "application/json", "{\"a\":\n 1}");
    EXPECT_EQ(reply.header("content-type"), "text/event-stream") << accept;
    EXPECT_EQ(reply.body, "event: output\ndata: {\"a\":  1}\n\nevent: end\ndata: {}\n\n") << accept;
  }
  reply = ask("Accept: text/event-stream\r\n", "application/x-ndjson", "\"a\"\n2\n");
  EXPECT_EQ(reply.body, "event: output\ndata: \"a\"\n\nevent: output\ndata: 2\n\nevent: end\ndata: {}\n\n");
}

TEST_F(ControlPipelines, APeerThatReadsLateGetsEverything) {
  Peer peer(host_.served->port, 4096);
  std::string body;
  constexpr int kItems = 20'000;
  for (int i = 0; i < kItems; ++i) body += "\"" + std::string(100, 'x') + std::to_string(i) + "\"\n";
  ask_lines(peer, "same", body);
  EXPECT_EQ(host_.over(host_.submit(R"({"type":"echo"})")).text("/state"), "done");  // it slows nobody
  const Reply reply = peer.reply();
  EXPECT_EQ(std::count(reply.body.begin(), reply.body.end(), '\n'), kItems);
}

// By item, all that came of it.
struct Came {
  std::vector<std::string> outputs = {}, failed = {};
  int over = 0;
};
std::map<int64_t, Came> read_each(const std::string& body) {
  std::map<int64_t, Came> all;
  std::istringstream lines(body);
  for (std::string line; std::getline(lines, line);) {
    const Value results = Value::parse(line)->find("results");
    for (size_t i = 0; i < results.size(); ++i) {
      Came& came = all[*results.at(i).find("item").as_int()];
      EXPECT_EQ(came.over, 0) << line;
      const auto add = [&](const char* name, std::vector<std::string>& to) {
        const Value list = results.at(i).find(name);
        for (size_t n = 0; list && n < list.size(); ++n) to.push_back(list.at(n).json());
      };
      add("outputs", came.outputs);
      add("failed", came.failed);
      if (!results.at(i).find("more")) ++came.over;
    }
  }
  return all;
}

TEST_F(ControlPipelines, RunForEachOfManyItemsAsIfItHadComeAlone) {
  ASSERT_TRUE(host_.pipelines.find("triple")->keeps_items_apart);
  ASSERT_FALSE(host_.pipelines.find("counts")->keeps_items_apart);
  ASSERT_FALSE(host_.pipelines.find("keeps")->keeps_items_apart);
  Answer answer = host_.ask("POST /v1/pipelines/triple/each", R"({"items":[1,"x",[],2]})");
  EXPECT_EQ(answer.status, 200);
  auto all = read_each(answer.body);
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[1].outputs, std::vector<std::string>{"3"});
  EXPECT_EQ(all[4].outputs, std::vector<std::string>{"6"});
  EXPECT_NE(all[2].failed.at(0).find("\"node\":\"m\""), std::string::npos);
  for (const auto& [item, came] : all) EXPECT_EQ(came.over, 1) << item;
  std::string many = "0";
  for (int i = 1; i < 100; ++i) many += "," + std::to_string(i);
  all = read_each(host_.ask("POST /v1/pipelines/counts/each", "{\"items\":[" + many + "]}").body);
  ASSERT_EQ(all.size(), 100u);
  for (const auto& [item, came] : all) {
    EXPECT_EQ(came.outputs, std::vector<std::string>{"{\"input\":" + std::to_string(item - 1) + ",\"counter\":1,\"node\":\"Echo\"}"});
    EXPECT_EQ(came.over, 1);
  }
  all = read_each(host_.ask("POST /v1/pipelines/keeps/each", R"({"items":[1,1,1]})").body);
  for (const auto& [item, came] : all) EXPECT_EQ(Value::parse(came.outputs.at(0))->find("count").as_int(), item);  // one after the other
}

TEST_F(ControlPipelines, WhatHasComeOfEachIsToldBeforeItIsOver) {
  std::ofstream(folder_ / "both.json") << R"({"version": "heddle/1",
    "nodes": [{"id": "s", "node_type": "PassThrough"}, {"id": "fast", "node_type": "PassThrough"}, {"id": "slow", "node_type": "Delay", "params": {"delay_ms": 600000}}],
    "connections": [{"from": "s", "to": "fast"}, {"from": "s", "to": "slow"}]})";
  const auto loaded = host_.pipelines.load(folder_.string(), std::make_shared<const Catalog>(Catalog::scan({HEDDLE_OUR_PLUGINS})), host_.lanes, {});
  ASSERT_TRUE(loaded) << loaded.error().text();
  Peer peer(host_.served->port);
  peer.ask("POST /v1/pipelines/both/each", "Content-Type: application/json\r\n", R"({"items":[1,2]})");
  const std::string line = peer.hear("}]}\n");
  for (const char* result : {R"({"item":1,"outputs":[{"node":"fast","value":1}],"more":true})", R"({"item":2,"outputs":[{"node":"fast","value":2}],"more":true})"})
    EXPECT_NE(line.find(result), std::string::npos) << line;
  peer.hang_up();
}

TEST_F(ControlPipelines, WhatIsWrongWithManyItemsIsNamed) {
  std::string many = "0";
  for (int i = 0; i < 1024; ++i) many += ",0";
  const std::pair<std::string, std::string> rows[] = {{"{}", "\"items\""},
                                                      {R"({"items":1})", "must be a list of 1 to 1024 items"},
                                                      {R"({"items":[]})", "must be a list of 1 to 1024 items"},
                                                      {"{\"items\":[" + many + "]}", "must be a list of 1 to 1024 items"},
                                                      {R"({"items":[1],"item":2})", "\"item\""},
                                                      {"[1]", "object"},
                                                      {R"({"items":[1})", "line 1, column"}};
  for (const auto& [body, why] : rows) {
    const Answer answer = host_.ask("POST /v1/pipelines/triple/each", body);
    EXPECT_EQ(answer.status, 400) << answer.body;
    EXPECT_NE(answer.message().find(why), std::string::npos) << answer.body;
  }
  EXPECT_EQ(host_.ask("POST /v1/pipelines/tripel/each", R"({"items":[1]})").status, 404);
}

TEST_F(ControlPipelines, TheLineOfThoseThatKeepStateHasAnEnd) {
  const ServedPipelinePtr keeps = host_.pipelines.find("keeps");
  std::vector<Admitted> places;
  for (auto one = admit(keeps, host_.state_dir, 64); one; one = admit(keeps, host_.state_dir, 64)) places.push_back(*std::move(one));
  ASSERT_EQ(places.size(), 64u);
  for (const char* type : {"application/json", "application/x-ndjson"}) {
    Peer peer(host_.served->port);
    peer.ask("POST /v1/pipelines/keeps/execute", "Content-Type: " + std::string(type) + "\r\n", "1");
    const Answer refused = Controlled::answer_of(peer.reply());
    EXPECT_EQ(refused.status, 503) << refused.body;
    EXPECT_EQ(refused.code(), "busy");
    EXPECT_EQ(refused.retry_after, "1");
  }
  places.clear();
  for (int so_far = 1; so_far <= 2; ++so_far) EXPECT_EQ(host_.ask("POST /v1/pipelines/keeps/execute", "1").number("/outputs/0/count"), so_far);
}

TEST_F(ControlPipelines, NobodyWaitsForOneWhosePeerHasLeft) {
  for (const bool as_lines : {false, true}) {
    Peer peer(host_.served->port);
    if (as_lines) ask_lines(peer, "slow", "1\n2\n");
    else peer.ask("POST /v1/pipelines/slow/execute", "Content-Type: application/json\r\n", "1");
    peer.hang_up();
    Peer each(host_.served->port);
    each.ask("POST /v1/pipelines/" + std::string(as_lines ? "slow" : "counts") + "/each", "Content-Type: application/json\r\n", R"({"items":[1,2,3]})");
    each.hang_up();
  }
}  // the host goes at once: what ran was given up

}  // namespace
}  // namespace heddle
