// Jobs, dead ones and lanes, as a peer asks for them.
#include <gtest/gtest.h>

#include <thread>

#include "controlled.h"

namespace heddle {
namespace {

TEST(ControlJobs, AJobIsSubmittedRunsAndIsAskedFor) {
  Controlled host;
  const Answer submitted = host.ask("POST /v1/jobs", R"({"type":"echo","payload":{"n":1.50},"priority":3})");
  EXPECT_EQ(submitted.status, 202) << submitted.body;
  const int64_t id = submitted.number("/id");
  ASSERT_GT(id, 0);
  const Answer over = host.over(id);
  EXPECT_EQ(over.status, 200);
  EXPECT_EQ(over.text("/state"), "done");
  EXPECT_EQ(over.json.pointer("/over").as_bool(), true);
  EXPECT_EQ(over.json.pointer("/result").json(), R"({"n":1.50})");
  EXPECT_EQ(over.json.pointer("/payload").json(), R"({"n":1.50})");
  EXPECT_EQ(over.number("/priority"), 3);
  EXPECT_EQ(over.number("/attempt"), 1);
  EXPECT_EQ(over.text("/lane"), "default");
  EXPECT_GT(over.number("/ended_ms"), 1'600'000'000'000);
  EXPECT_EQ(host.ask("GET /v1/jobs/" + std::to_string(id)).text("/state"), "done");
}

TEST(ControlJobs, WhatIsWrongInASubmissionIsNamed) {
  Controlled host;
  const auto refused = [&](const std::string& body) {
    const Answer answer = host.ask("POST /v1/jobs", body);
    EXPECT_EQ(answer.status, 400) << body << answer.body;
    EXPECT_EQ(answer.code(), "invalid") << body;
    return answer.message();
  };
  EXPECT_EQ(refused("{}"), "\"type\" is missing");
  EXPECT_EQ(refused("[1]"), "the body must be an object, not a list of 1");
  EXPECT_EQ(refused(R"({"type":"ecko"})"), "nothing here runs jobs of type \"ecko\"; did you mean \"echo\"?");
  EXPECT_EQ(refused(R"({"type":"echo","lane":"promt"})"), "there is no lane \"promt\"; did you mean \"prompt\"?");
  EXPECT_EQ(refused(R"({"type":"echo","paylod":1})"), "there is no member \"paylod\" here; did you mean \"payload\"?");
  EXPECT_EQ(refused(R"({"typ":"echo"})"), "there is no member \"typ\" here; did you mean \"type\"?");
  EXPECT_EQ(refused(R"({"type":"echo","priority":256})"), "\"priority\" must be a whole number from 0 to 255, not the number 256");
  for (const char* body : {R"({"type":7})", R"({"type":""})", R"({"type":"echo","priority":-1})", R"({"type":"echo","priority":1.5})",
                           R"({"type":"echo","priority":"1"})", R"({"type":"echo","delay_ms":-1})", R"({"type":"echo","delay_ms":1,"run_at":1})",
                           R"({"type":"echo","deadline_ms":0})", R"({"type":"echo","after":1})", R"({"type":"echo","after":["1"]})", R"({"type":"echo","key":[]})",
                           R"({"type":"echo","idempotency_key":""})", R"({"type":"echo","wait_ms":99999999999})", R"({"type":"echo","lane":null})",
                           R"({"type":"echo",)", "null", R"({"type":"echo","delay_ms":18446744073709551616})"})
    EXPECT_FALSE(refused(body).empty()) << body;
  EXPECT_EQ(host.ask("POST /v1/jobs").status, 400);
  EXPECT_EQ(host.ask("POST /v1/jobs", R"({"type":"echo","after":[4711]})").code(), "no-job");
  EXPECT_TRUE(host.jobs.list({}).empty());
}

TEST(ControlJobs, APayloadMayBeSoLargeAndALaneSoFull) {
  Controlled host({}, {}, {.payload_bytes = 1'000});
  const Answer large = host.ask("POST /v1/jobs", R"({"type":"echo","payload":")" + std::string(2'000, 'x') + "\"}");
  EXPECT_EQ(large.status, 413);
  EXPECT_EQ(large.code(), "too-large");
  ASSERT_TRUE(host.lanes.add({.name = "small", .max_concurrency = 1, .depth = 1}));
  host.lanes.pause(*host.lanes.find("small"));
  host.submit(R"({"type":"echo","lane":"small"})");
  const Answer full = host.ask("POST /v1/jobs", R"({"type":"echo","lane":"small"})");
  EXPECT_EQ(full.status, 429);
  EXPECT_EQ(full.code(), "lane-full");
  EXPECT_EQ(full.retry_after, "1");
  host.lanes.resume(*host.lanes.find("small"));
}

TEST(ControlJobs, TheSameKeyIsTheSameJob) {
  Controlled host;
  const Answer first = host.ask("POST /v1/jobs", R"({"type":"echo","payload":1,"idempotency_key":"k"})");
  const Answer second = host.ask("POST /v1/jobs", R"({"type":"echo","payload":2,"idempotency_key":"k"})");
  EXPECT_EQ(first.status, 202);
  EXPECT_EQ(second.status, 200);
  EXPECT_EQ(second.number("/id"), first.number("/id"));
  EXPECT_EQ(second.text("/idempotency_key"), "k");
}

TEST(ControlJobs, ASubmitMayWaitForTheEnd) {
  Controlled host;
  const Answer done = host.ask("POST /v1/jobs", R"({"type":"echo","payload":7,"wait_ms":60000})");
  EXPECT_EQ(done.status, 200);
  EXPECT_EQ(done.number("/result"), 7);
  const Answer held = host.ask("POST /v1/jobs", R"({"type":"hold","wait_ms":20})");
  EXPECT_EQ(held.status, 202);
  EXPECT_EQ(held.json.pointer("/over").as_bool(), false);
  const Answer early = host.ask("GET /v1/jobs/" + std::to_string(held.number("/id")) + "/wait?timeout_ms=20");
  EXPECT_EQ(early.status, 200);
  EXPECT_EQ(early.text("/state"), "running");
}

TEST(ControlJobs, ManyMayWaitForOneJobAndLeave) {
  Controlled host;
  const int64_t id = host.submit(R"({"type":"hold"})");
  const std::string wait = "GET /v1/jobs/" + std::to_string(id) + "/wait?timeout_ms=600000";
  std::vector<std::unique_ptr<Peer>> peers;
  for (int i = 0; i < 30; ++i) {
    peers.push_back(std::make_unique<Peer>(host.served->port));
    peers.back()->ask(wait);
  }
  for (int i = 0; i < 10; ++i) peers[static_cast<size_t>(i)]->hang_up();
  host.ask("POST /v1/jobs", R"({"type":"echo","wait_ms":60000})");  // they are all there by now, or nearly
  host.release_all();
  for (size_t i = 10; i < peers.size(); ++i) EXPECT_EQ(Controlled::answer_of(peers[i]->reply()).text("/state"), "done");
}

TEST(ControlJobs, WhoWaitsWhenTheHostGoesIsAnswered) {
  Controlled host;
  const int64_t id = host.submit(R"({"type":"hold"})");
  Peer peer(host.served->port);
  peer.ask("GET /v1/jobs/" + std::to_string(id) + "/wait?timeout_ms=600000");
  host.control.close_streams();  // before or after the request has come
  EXPECT_EQ(Controlled::answer_of(peer.reply()).json.pointer("/over").as_bool(), false);
}

TEST(ControlJobs, ADelayedJobWaitsAndOneMayComeAfterAnother) {
  Controlled host;
  const Answer delayed = host.ask("POST /v1/jobs", R"({"type":"echo","delay_ms":3600000})");
  EXPECT_GT(delayed.number("/not_before_ms"), static_cast<int64_t>(wall_ms() + 3'500'000));
  const Answer at = host.ask("POST /v1/jobs", R"({"type":"echo","run_at":)" + std::to_string(wall_ms() + 7'200'000) + "}");
  EXPECT_GT(at.number("/not_before_ms"), static_cast<int64_t>(wall_ms() + 7'100'000));
  EXPECT_EQ(host.over(host.submit(R"({"type":"echo","run_at":1})")).text("/state"), "done");
  const int64_t second = host.submit(R"({"type":"echo","after":[)" + std::to_string(delayed.number("/id")) + "]}");
  EXPECT_EQ(host.ask("GET /v1/jobs/" + std::to_string(second)).text("/state"), "blocked");
  for (const int64_t id : {delayed.number("/id"), at.number("/id")}) {
    EXPECT_EQ(host.ask("POST /v1/jobs/" + std::to_string(id) + "/cancel").text("/state"), "cancelled");
  }
  EXPECT_EQ(host.over(second).text("/error/code"), "dependency");
}

TEST(ControlJobs, AreCancelledOnce) {
  Controlled host;
  const std::string id = std::to_string(host.submit(R"({"type":"hold"})"));
  EXPECT_EQ(host.ask("POST /v1/jobs/" + id + "/cancel").status, 200);
  EXPECT_EQ(host.over(std::stoll(id)).text("/state"), "cancelled");
  EXPECT_EQ(host.ask("POST /v1/jobs/" + id + "/cancel").status, 200);  // it is what was wanted
  const std::string done = std::to_string(host.ask("POST /v1/jobs", R"({"type":"echo","wait_ms":60000})").number("/id"));
  const Answer late = host.ask("POST /v1/jobs/" + done + "/cancel");
  EXPECT_EQ(late.status, 409);
  EXPECT_EQ(late.message(), "job " + done + " is over already: it is done");
}

TEST(ControlJobs, AreListedByPagesAndFilters) {
  Controlled host;
  std::vector<int64_t> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(host.submit(R"({"type":"echo","lane":"skill"})"));
  for (const int64_t id : ids) host.over(id);
  host.submit(R"({"type":"hold"})");
  Answer page = host.ask("GET /v1/jobs?lane=skill&limit=2");
  std::vector<int64_t> seen;
  for (;;) {
    for (size_t i = 0; i < page.json.find("jobs").size(); ++i) seen.push_back(*page.json.find("jobs").at(i).find("id").as_int());
    if (page.number("/next") < 0) break;
    page = host.ask("GET /v1/jobs?lane=skill&limit=2&after=" + std::to_string(page.number("/next")));
  }
  EXPECT_EQ(seen, ids);
  EXPECT_EQ(host.ask("GET /v1/jobs?type=hold").json.find("jobs").size(), 1u);
  EXPECT_EQ(host.ask("GET /v1/jobs?state=done").json.find("jobs").size(), 5u);
  EXPECT_EQ(host.ask("GET /v1/jobs?state=dont").message(),
            "no job is ever \"dont\"; did you mean \"done\"?; a state is one of blocked, waiting, running, backing-off, stranded, ending, done, dead, cancelled");
  for (const char* query : {"limit=0", "limit=1001", "limit=x", "after=-1", "limt=1", "lane=nowhere", "state="}) {
    EXPECT_EQ(host.ask(std::string("GET /v1/jobs?") + query).status, 400) << query;
  }
}

TEST(ControlJobs, APageIsNeverTooLargeToBear) {
  Controlled host({}, {}, {.payload_bytes = size_t{8} << 20});
  const Value large = *Value::string(std::string(size_t{3} << 20, 'x'));
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(host.jobs.submit({.type = "hold", .payload = large}));
  size_t jobs = 0, pages = 0;
  for (std::string after = "0"; !after.empty(); ++pages) {
    const Answer page = host.ask("GET /v1/jobs?after=" + after);
    jobs += page.json.find("jobs").size();
    EXPECT_LT(page.body.size(), size_t{16} << 20);
    after = page.number("/next") < 0 ? "" : std::to_string(page.number("/next"));
  }
  EXPECT_EQ(jobs, 6u);
  EXPECT_GT(pages, 1u);
}

TEST(ControlJobs, WhatIsNotThereIsNotFound) {
  Controlled host;
  for (const char* target : {"GET /v1/jobs/4711", "GET /v1/jobs/4711/wait", "POST /v1/jobs/4711/cancel", "GET /v1/dlq/4711", "POST /v1/dlq/4711/requeue", "DELETE /v1/dlq/4711",
                             "GET /v1/lanes/nowhere", "POST /v1/lanes/nowhere/pause", "POST /v1/lanes/nowhere/resume"}) {
    const Answer answer = host.ask(target);
    EXPECT_EQ(answer.status, 404) << target;
    EXPECT_EQ(answer.code(), "not-found") << target;
  }
  EXPECT_EQ(host.ask("PATCH /v1/lanes/nowhere", "{}").status, 404);
  for (const char* target : {"GET /v1/jobs/x", "GET /v1/jobs/-1", "GET /v1/jobs/0", "GET /v1/jobs/1?x=1", "GET /v1/jobs/99999999999999999999"}) {
    EXPECT_EQ(host.ask(target).status, 400) << target;
  }
}

TEST(ControlDeadJobs, AreListedRequeuedAndDiscarded) {
  Controlled host;
  std::vector<std::string> ids;
  for (int i = 0; i < 4; ++i) {
    ids.push_back(std::to_string(host.submit(R"({"type":"fail","payload":)" + std::to_string(i) + "}")));
    const Answer dead = host.over(std::stoll(ids.back()));
    EXPECT_EQ(dead.text("/state"), "dead");
    EXPECT_EQ(dead.text("/error/code"), "broken");
    EXPECT_EQ(dead.number("/attempts/0/number"), 1);
  }
  Answer list = host.ask("GET /v1/dlq?limit=3");
  EXPECT_EQ(list.json.find("jobs").size(), 3u);
  EXPECT_EQ(list.number("/lost"), 0);
  EXPECT_EQ(list.number("/jobs/0/payload"), 0);
  list = host.ask("GET /v1/dlq?after=" + std::to_string(list.number("/next")));
  EXPECT_EQ(list.json.find("jobs").size(), 1u);
  EXPECT_EQ(host.ask("GET /v1/dlq/" + ids[0]).text("/state"), "dead");
  EXPECT_EQ(host.ask("POST /v1/dlq/" + ids[0] + "/requeue").status, 200);
  EXPECT_EQ(host.over(std::stoll(ids[0])).text("/state"), "dead");  // it fails again
  EXPECT_EQ(host.ask("DELETE /v1/dlq/" + ids[0]).number("/discarded"), 1);
  EXPECT_EQ(host.ask("GET /v1/jobs/" + ids[0]).status, 404);
  EXPECT_EQ(host.ask("POST /v1/dlq/requeue").number("/requeued"), 3);
  for (size_t i = 1; i < ids.size(); ++i) host.over(std::stoll(ids[i]));
  EXPECT_EQ(host.ask("DELETE /v1/dlq").number("/discarded"), 3);
  EXPECT_EQ(host.ask("GET /v1/dlq").json.find("jobs").size(), 0u);
}

TEST(ControlLanes, AreShownChangedPausedAndResumed) {
  Controlled host;
  const Answer all = host.ask("GET /v1/lanes");
  EXPECT_GE(all.json.find("lanes").size(), 7u);
  host.over(host.submit(R"({"type":"echo","lane":"skill"})"));
  Answer lane = host.ask("GET /v1/lanes/skill");
  EXPECT_EQ(lane.text("/name"), "skill");
  EXPECT_EQ(lane.number("/max_concurrency"), 3);
  EXPECT_EQ(lane.number("/counts/completed"), 1);
  EXPECT_EQ(lane.number("/waited/count"), 1);
  EXPECT_TRUE(lane.json.pointer("/ran/p99_ms").as_float());

  lane = host.ask("PATCH /v1/lanes/skill", R"({"max_concurrency":2,"timeout_ms":1234})");
  EXPECT_EQ(lane.status, 200) << lane.body;
  EXPECT_EQ(lane.number("/max_concurrency"), 2);
  EXPECT_EQ(lane.number("/timeout_ms"), 1234);
  EXPECT_EQ(host.lanes.config(*host.lanes.find("skill")).max_concurrency, 2u);
  for (const char* body : {R"({"max_concurrency":0})", R"({"max_concurency":1})", R"({"priority":"high"})", "[]", "7", R"({"min_concurrency":9})"}) {
    const Answer refused = host.ask("PATCH /v1/lanes/skill", body);
    EXPECT_EQ(refused.status, 400) << body << refused.body;
    EXPECT_FALSE(refused.message().empty());
  }
  EXPECT_NE(host.ask("PATCH /v1/lanes/skill", R"({"max_concurency":1})").message().find("max_concurrency"), std::string::npos);

  EXPECT_EQ(host.ask("POST /v1/lanes/skill/pause").json.pointer("/stats/paused").as_bool(), true);
  const int64_t id = host.submit(R"({"type":"echo","lane":"skill"})");
  EXPECT_EQ(host.ask("GET /v1/jobs/" + std::to_string(id)).text("/state"), "waiting");
  EXPECT_EQ(host.ask("POST /v1/lanes/skill/resume").json.pointer("/stats/paused").as_bool(), false);
  EXPECT_EQ(host.over(id).text("/state"), "done");
  EXPECT_EQ(host.ask("POST /v1/lanes/system/pause").status, 409);
  EXPECT_EQ(host.ask("GET /v1/lanes/skil").message(), "there is no lane \"skil\"; did you mean \"skill\"?");
}

}  // namespace
}  // namespace heddle
