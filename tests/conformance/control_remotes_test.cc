// What the control tells of the endpoints that pipelines call: GET /v1/remotes, and the metrics of each.
#include <gtest/gtest.h>

#include <cmath>

#include "controlled.h"
#include "plugin/peer_call.h"

namespace heddle {
namespace {

class ControlRemotes : public ::testing::Test {
 protected:
  static constexpr CallPolicy kOnce{.retry = {.max_attempts = 1}};

  std::shared_ptr<PeerGroup> open(PeerSettings settings) {
    auto opened = host_.outside.peers.open(std::move(settings));
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().text());
    return opened ? *opened : nullptr;
  }
  PeerSettings to_us() const {
    PeerSettings settings{.transport = "http", .operations = Served::kOperations};
    settings.pools = {{{address_, 3}}};
    settings.probe_ns = 0;
    return settings;
  }
  static PeerAnswer ask(PeerGroup& group, const std::string& operation = "things.list") {
    PeerRequest request;
    request.call.operation = operation;
    if (operation == "things.get") request.call.parameters = {{"id", "1"}};
    Arrivals<PeerAnswer> answers;
    group.call(kOnce, std::move(request), {.answered = [&](PeerAnswer answer) { answers.add(std::move(answer)); }});
    return answers.next();
  }
  double metric(const std::string& name, const std::string& more = "") {
    const std::string text = host_.ask("GET /metrics").body;
    const std::string sample = "\n" + name + R"({transport="http",endpoint=")" + address_ + R"(",pool="1")" + more + "} ";
    const size_t at = text.find(sample);
    return at == text.npos ? std::nan("") : std::strtod(text.c_str() + at + sample.size(), nullptr);
  }

  // "things.get" fails, everything else is answered.
  Served served_{[](Request r) {
    if (r.operation() == "things.get") r.fail(HEDDLE_UNAVAILABLE, Error("starting", "not \"yet\"", ErrorClass::kRetryable));
    else r.answer(Value::null());
  }};
  const std::string address_ = "127.0.0.1:" + std::to_string(served_.port);
  Controlled host_;
};

TEST_F(ControlRemotes, AreNoneWhereNothingIsCalled) {
  EXPECT_EQ(host_.ask("GET /v1/remotes").body, R"({"remotes":[],"sidecars":[]})");
  EXPECT_EQ(host_.ask("GET /metrics").body.find("heddle_remote"), std::string::npos);
}

TEST_F(ControlRemotes, ShowEachEndpointOfEachPool) {
  PeerSettings settings = to_us();
  settings.pools.push_back({{"127.0.0.1:1"}, {"127.0.0.1:2"}});
  settings.policy.balance = Balance::kHash;
  const auto group = open(settings);
  Answer answer = host_.ask("GET /v1/remotes");
  ASSERT_EQ(answer.status, 200) << answer.body;
  const std::string never = answer.json.pointer("/remotes/0").json();
  EXPECT_NE(never.find(R"("transport":"http","tls":false,"load_balance":"hash","idle_ms":null,"pools":[{"endpoints":[{"address":")" + address_ +
                       R"(","weight":3,"state":"healthy","breaker":"closed","in_flight":0,"answered":0,"failed":0,"given_up":0,"retries":0,"hedges":0,"ejections":0,)"
                       R"("breaker_opened":0,"p50_ms":null,"p95_ms":null}]},{"endpoints":[{"address":"127.0.0.1:1")"), std::string::npos) << never;
  ASSERT_EQ(ask(*group).ending, Attempts::Ending::kAnswered);
  answer = host_.ask("GET /v1/remotes");
  EXPECT_EQ(answer.number("/remotes/0/pools/0/endpoints/0/answered"), 1);
  EXPECT_GT(answer.json.pointer("/remotes/0/pools/0/endpoints/0/p50_ms").as_float().value_or(0), 0);
  EXPECT_GE(answer.number("/remotes/0/idle_ms"), 0);
  EXPECT_EQ(answer.json.pointer("/remotes/0/pools/1/endpoints").size(), 2u);
}

TEST_F(ControlRemotes, ShowTheWorkersOfSidecars) {
  const auto group = host_.outside.sidecars.open({.sidecar = "execution_rest", .endpoints = {{"http://127.0.0.1:1"}}});
  ASSERT_TRUE(group) << group.error().text();
  const Answer answer = host_.ask("GET /v1/remotes");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.text("/sidecars/0/sidecar"), "execution_rest");
  EXPECT_EQ(answer.number("/sidecars/0/waiting"), 0);
  EXPECT_EQ(answer.number("/sidecars/0/slots"), 0) << "nobody is there";
  EXPECT_EQ(answer.json.pointer("/sidecars/0/workers/0/here").as_bool(), false) << answer.body;
  EXPECT_EQ(answer.text("/sidecars/0/workers/0/endpoint/address"), "http://127.0.0.1:1");
}

TEST_F(ControlRemotes, SayWhatIsWrongWithOneThatFails) {
  const auto group = open(to_us());
  for (int i = 0; i < 5; ++i) EXPECT_NE(ask(*group, "things.get").ending, Attempts::Ending::kAnswered);
  const Answer answer = host_.ask("GET /v1/remotes");
  const std::string endpoint = "/remotes/0/pools/0/endpoints/0";
  const auto text = [&](const char* member) { return answer.text((endpoint + member).c_str()); };
  const auto number = [&](const char* member) { return answer.number((endpoint + member).c_str()); };
  EXPECT_EQ(text("/state"), "healthy") << "the only one is never ejected";
  EXPECT_EQ(text("/breaker"), "open");
  EXPECT_EQ(number("/breaker_opened"), 1);
  EXPECT_GT(number("/breaker_opens_in_ms"), 0);
  EXPECT_LE(number("/breaker_opens_in_ms"), 33'000);
  EXPECT_EQ(number("/failed"), 5);
  EXPECT_EQ(text("/last_error/message"), "not \"yet\"");
  EXPECT_GE(number("/last_error/age_ms"), 0);
}

TEST_F(ControlRemotes, AreMeasured) {
  const auto group = open(to_us());
  for (int i = 0; i < 2; ++i) ask(*group);
  for (int i = 0; i < 5; ++i) ask(*group, "things.get");
  PeerSettings other = to_us();
  other.policy.breaker = std::nullopt;
  ask(*open(other));
  EXPECT_EQ(metric("heddle_remote_attempts_total", R"(,outcome="answered")"), 3) << "both groups together\n" << host_.ask("GET /metrics").body;
  EXPECT_EQ(metric("heddle_remote_attempts_total", R"(,outcome="failed")"), 5);
  EXPECT_EQ(metric("heddle_remote_attempts_total", R"(,outcome="given_up")"), 0);
  EXPECT_EQ(metric("heddle_remote_attempt_seconds_count"), 3);
  EXPECT_EQ(metric("heddle_remote_attempt_seconds_bucket", R"(,le="+Inf")"), 3);
  EXPECT_EQ(metric("heddle_remote_breaker_state"), 2);
  EXPECT_EQ(metric("heddle_remote_breaker_opened_total"), 1);
  EXPECT_EQ(metric("heddle_remote_ejections_total"), 0);
  EXPECT_EQ(metric("heddle_remote_retries_total"), 0);
  EXPECT_EQ(metric("heddle_remote_hedges_total"), 0);
  EXPECT_EQ(metric("heddle_remote_in_flight"), 0);
  EXPECT_EQ(metric("heddle_remote_healthy"), 1);
}

}  // namespace
}  // namespace heddle
