// Groups of peers, over transport_http, against servers in this process: what a call comes to when endpoints fail, in every way that shows.
#include <atomic>
#include <set>

#include "calling.h"
#include "plugin/peer_call.h"
#include "plugin/peers.h"

namespace heddle {
namespace {

using Ending = Attempts::Ending;
using State = CircuitBreaker::State;

std::string address(int port) { return "127.0.0.1:" + std::to_string(port); }

// Nobody listens there.
int dead_port() {
  Scripted gone;
  return gone.port;
}

// What the callers of a group hear.
struct Told {
  PeerHearing hearing(uint32_t credit = 64) {
    PeerHearing h;
    h.answered = [this](PeerAnswer answer) { answers.add(std::move(answer)); };
    h.part = [this](Value part) { parts.add(std::move(part)); };
    h.ended = [this](Result<void> end) { ends.add(end ? "" : end.error().text()); };
    h.credit = credit;
    return h;
  }
  Arrivals<PeerAnswer> answers;
  Arrivals<Value> parts;
  Arrivals<std::string> ends;
};

class PeerGroupTest : public ::testing::Test {
 protected:
  static PeerSettings to(const std::vector<int>& ports) {
    PeerSettings settings{.transport = "http", .operations = Served::kOperations};
    auto& pool = settings.pools.emplace_back();
    for (const int port : ports) pool.push_back({address(port)});
    settings.probe_ns = 0;
    return settings;
  }
  // Retries come at once.
  static CallPolicy hurried() {
    CallPolicy policy;
    policy.retry.first_ns = 0;
    return policy;
  }
  std::shared_ptr<PeerGroup> open(PeerSettings settings) {
    auto opened = peers_.open(std::move(settings));
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().text());
    return opened ? *opened : nullptr;
  }
  static PeerRequest request(bool repeatable = true) {
    PeerRequest r;
    r.call.operation = "things.list";
    r.repeatable = repeatable;
    return r;
  }
  static PeerAnswer ask(PeerGroup& group, const CallPolicy& policy, PeerRequest r = request()) {
    Told told;
    group.call(policy, std::move(r), told.hearing());
    return told.answers.next();
  }

  Lanes lanes_{2};
  Peers peers_{lanes_, std::make_shared<const Catalog>(Catalog::scan({HEDDLE_OUR_PLUGINS}))};
};

TEST_F(PeerGroupTest, WhoAsksForTheSameSharesAGroup) {
  Served served(answer_as_asked);
  const auto group = open(to({served.port}));
  EXPECT_EQ(open(to({served.port})), group);
  PeerSettings other = to({served.port});
  other.policy.breaker->failures_in_row = 7;
  EXPECT_NE(open(other), group);
  EXPECT_EQ(peers_.groups().size(), 2u);
  const PeerAnswer answer = ask(*group, {});
  ASSERT_EQ(answer.ending, Ending::kAnswered) << answer.answer.why.text();
  EXPECT_EQ(answer.endpoint, address(served.port));
  EXPECT_EQ(answer.answer.json()->find("operation").as_text(), "things.list");
}

TEST_F(PeerGroupTest, ATransportThatNoPluginHasIsAnError) {
  PeerSettings settings = to({1});
  settings.transport = "htp";
  const auto opened = peers_.open(settings);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, "no-type");
  EXPECT_NE(opened.error().message.find("no plugin has the transport \"htp\""), std::string::npos) << opened.error().message;
}

TEST_F(PeerGroupTest, ADeadEndpointCostsNoCall) {
  Served served(answer_as_asked);
  const auto group = open(to({dead_port(), served.port}));
  for (int i = 0; i < 20; ++i) {
    const PeerAnswer answer = ask(*group, hurried(), request(false));  // nothing was sent, so that another one may get it
    EXPECT_EQ(answer.ending, Ending::kAnswered) << answer.answer.why.text();
    EXPECT_EQ(answer.endpoint, address(served.port));
  }
}

TEST_F(PeerGroupTest, AnAttemptSaysWhichOneItIsAndWhatItIsARepetitionOf) {
  Arrivals<std::string> seen;
  Served served([&](Request r) {
    seen.add(r.metadata().json());
    if (r.metadata().find("attempt").as_text() == "3") r.answer(Value::integer(3));
    else r.fail(HEDDLE_UNAVAILABLE, Error("starting", "not yet", ErrorClass::kRetryable));
  });
  const auto group = open(to({served.port}));
  PeerRequest r = request();
  r.idempotency_key = "order-7";
  r.call.metadata = {{"chain", "a b"}};
  const PeerAnswer answer = ask(*group, hurried(), std::move(r));
  EXPECT_EQ(answer.ending, Ending::kAnswered);
  ASSERT_EQ(answer.history.size(), 3u);
  EXPECT_EQ(answer.history[0].error, "not yet");
  for (const char* attempt : {"1", "2", "3"}) EXPECT_EQ(seen.next(), R"({"attempt":")" + std::string(attempt) + R"(","chain":"a b","idempotency-key":"order-7"})");
}

TEST_F(PeerGroupTest, WhatMayNotBeRepeatedIsSentOnce) {
  std::atomic<int> asked{0};
  Served served([&](Request r) {
    ++asked;
    r.fail(HEDDLE_UNAVAILABLE, Error("starting", "not yet", ErrorClass::kRetryable));
  });
  const auto group = open(to({served.port}));
  const PeerAnswer answer = ask(*group, hurried(), request(false));
  EXPECT_EQ(answer.ending, Ending::kFailed);
  EXPECT_EQ(answer.answer.status, HEDDLE_UNAVAILABLE);
  EXPECT_EQ(asked, 1);
}

TEST_F(PeerGroupTest, ARefusalIsTheAnswerAndNobodysFault) {
  Served served([](Request r) { r.fail(HEDDLE_NOT_FOUND, Error("not-found", "there is no such thing")); });
  const auto group = open(to({served.port}));
  for (int i = 0; i < 10; ++i) {
    const PeerAnswer answer = ask(*group, hurried());
    EXPECT_EQ(answer.ending, Ending::kRefused);
    EXPECT_EQ(answer.answer.status, HEDDLE_NOT_FOUND);
    EXPECT_EQ(answer.answer.why.code, "not-found");
    EXPECT_EQ(answer.history.size(), 1u);
  }
  EXPECT_EQ(group->standing(now_ns())[0][0].breaker, State::kClosed);
}

TEST_F(PeerGroupTest, WhereAllAreDownEachOnesReasonIsSaid) {
  const int first = dead_port(), second = dead_port();
  const auto group = open(to({first, second}));
  const PeerAnswer answer = ask(*group, hurried());
  EXPECT_EQ(answer.ending, Ending::kFailed);
  EXPECT_EQ(answer.answer.why.error_class, ErrorClass::kRetryable);
  for (const int port : {first, second})
    EXPECT_NE(answer.answer.why.message.find("to " + address(port) + ": "), std::string::npos) << answer.answer.why.message;
}

TEST_F(PeerGroupTest, AnOpenBreakerAnswersAtOnceWithoutACall) {
  std::atomic<int> asked{0};
  Served served([&](Request r) {
    ++asked;
    r.fail(HEDDLE_INTERNAL, Error("bug", "it broke", ErrorClass::kPermanent));
  });
  const auto group = open(to({served.port}));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ask(*group, hurried()).ending, Ending::kRefused);
  EXPECT_EQ(group->standing(now_ns())[0][0].breaker, State::kOpen);
  const PeerAnswer answer = ask(*group, hurried());
  EXPECT_EQ(answer.ending, Ending::kBreakersOpen);
  EXPECT_EQ(asked, 5);
  EXPECT_NE(answer.answer.why.message.find("it broke"), std::string::npos) << answer.answer.why.message;
}

TEST_F(PeerGroupTest, AnotherPoolComesAfterTheFirst) {
  Served served(answer_as_asked);
  PeerSettings settings = to({dead_port()});
  settings.pools.push_back({{address(served.port)}});
  const PeerAnswer answer = ask(*open(settings), hurried());
  EXPECT_EQ(answer.ending, Ending::kAnswered);
  EXPECT_EQ(answer.endpoint, address(served.port));
}

TEST_F(PeerGroupTest, AHedgeIsSentWhereTheFirstOneIsSlowAndTheSlowOneIsGivenUp) {
  Arrivals<Request> slow;
  Arrivals<bool> gone;
  Served sleeper([&](Request r) {
    r.on_gone([&] { gone.add(true); });
    slow.add(std::move(r));
  });
  Served quick(answer_as_asked);
  CallPolicy policy = hurried();
  policy.hedge = HedgePolicy{.after_ns = kNsPerMs};
  const auto group = open(to({sleeper.port, quick.port}));
  const PeerAnswer answer = ask(*group, policy);
  EXPECT_EQ(answer.ending, Ending::kAnswered);
  EXPECT_EQ(answer.endpoint, address(quick.port));
  EXPECT_TRUE(gone.next());
  EXPECT_EQ(group->standing(now_ns())[0][0].bad, 0u) << "it was only slower";
}

TEST_F(PeerGroupTest, ThePeerOfACancelledCallIsToldAndTheCallerHearsIt) {
  Arrivals<Request> asked;
  Arrivals<bool> gone;
  Served served([&](Request r) {
    r.on_gone([&] { gone.add(true); });
    asked.add(std::move(r));
  });
  Told told;
  const auto call = open(to({served.port}))->call({}, request(), told.hearing());
  const Request held = asked.next();
  call->cancel();
  EXPECT_EQ(told.answers.next().ending, Ending::kCancelled);
  EXPECT_TRUE(gone.next());
  call->cancel();
  EXPECT_TRUE(told.answers.empty());
}

TEST_F(PeerGroupTest, TheTimeOfACallEndsItAndThePeerKnowsIt) {
  Arrivals<Request> asked;
  Served served([&](Request r) { asked.add(std::move(r)); });
  const auto group = open(to({served.port}));
  PeerRequest r = request();
  r.call.deadline_ns = now_ns() + 50 * kNsPerMs;
  const uint64_t deadline_ns = r.call.deadline_ns;
  const PeerAnswer answer = ask(*group, {}, std::move(r));
  EXPECT_EQ(answer.ending, Ending::kTimedOut) << answer.answer.why.text();
  EXPECT_EQ(answer.answer.status, HEDDLE_DEADLINE);
  const Request held = asked.next();
  EXPECT_GT(held.deadline_ns(), 0u);
  EXPECT_LT(held.deadline_ns(), deadline_ns + 20 * kNsPerSecond) << "it is the caller's, not the policy's";
}

TEST_F(PeerGroupTest, AnAttemptWithoutAnAnswerIsFollowedByAnother) {
  Arrivals<Request> slow;
  Served sleeper([&](Request r) { slow.add(std::move(r)); });
  Served quick(answer_as_asked);
  CallPolicy policy = hurried();
  policy.attempt_timeout_ns = 2 * kNsPerSecond;
  const PeerAnswer answer = ask(*open(to({sleeper.port, quick.port})), policy);
  EXPECT_EQ(answer.ending, Ending::kAnswered);
  ASSERT_EQ(answer.history.size(), 2u);
  EXPECT_NE(answer.history[0].error.find("no answer within"), std::string::npos) << answer.history[0].error;
}

TEST_F(PeerGroupTest, PartsComeAgainstCreditAndThenTheEnd) {
  Arrivals<AnswerStream> streams;
  Served served([&](Request r) { streams.add(r.stream("application/x-ndjson")); });
  Told told;
  PeerRequest r = request();
  r.call.operation = "events.watch";
  const auto call = open(to({served.port}))->call({}, std::move(r), told.hearing(1));
  AnswerStream stream = streams.next();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(stream.send(Value::integer(i)), Sent::kSent);
  stream.end();
  EXPECT_EQ(told.answers.next().ending, Ending::kAnswered);
  for (int64_t i = 0; i < 3; ++i) {
    EXPECT_EQ(told.parts.next().as_int(), i);
    EXPECT_TRUE(told.parts.empty()) << "without credit";
    call->grant(1);
  }
  EXPECT_EQ(told.ends.next(), "");
}

TEST_F(PeerGroupTest, AStreamThatBreaksOffBeforeItsFirstPartIsTriedAgainAndLaterItIsNot) {
  std::atomic<int> asked{0};
  Served served([&](Request r) {
    AnswerStream stream = r.stream("application/x-ndjson");
    if (++asked == 1) return static_cast<void>(stream.break_off(HEDDLE_UNAVAILABLE, "it goes down"));
    stream.send(Value::integer(7));
    stream.break_off(HEDDLE_UNAVAILABLE, "it goes down");
  });
  Told told;
  PeerRequest r = request();
  r.call.operation = "events.watch";
  const auto call = open(to({served.port}))->call(hurried(), std::move(r), told.hearing());
  const PeerAnswer answer = told.answers.next();
  EXPECT_EQ(answer.ending, Ending::kAnswered) << answer.answer.why.text();
  EXPECT_EQ(answer.history.size(), 2u);
  EXPECT_EQ(told.parts.next().as_int(), 7);
  EXPECT_NE(told.ends.next(), "");
  EXPECT_EQ(asked, 2);
}

TEST_F(PeerGroupTest, ACancelledStreamEnds) {
  Arrivals<AnswerStream> streams;
  Served served([&](Request r) { streams.add(r.stream("application/x-ndjson")); });
  Told told;
  PeerRequest r = request();
  r.call.operation = "events.watch";
  const auto call = open(to({served.port}))->call({}, std::move(r), told.hearing());
  AnswerStream stream = streams.next();
  stream.send(Value::integer(1));
  EXPECT_EQ(told.answers.next().ending, Ending::kAnswered);
  call->cancel();
  EXPECT_NE(told.ends.next(), "");
  Arrivals<bool> gone;
  stream.on_gone([&] { gone.add(true); });
  EXPECT_TRUE(gone.next());
}

TEST_F(PeerGroupTest, ThousandCallsAtOnceAreAnsweredOnceEach) {
  Served first(answer_as_asked), second(answer_as_asked);
  const auto group = open(to({first.port, second.port, dead_port()}));
  constexpr size_t kCalls = 1'000;
  struct Count {
    std::atomic<int> answered{0};
  };
  std::vector<Count> counts(kCalls);
  Arrivals<PeerAnswer> answers;
  CallPolicy policy = hurried();
  policy.retry.max_attempts = 5;
  for (size_t i = 0; i < kCalls; ++i) {
    PeerHearing h;
    h.answered = [&, i](PeerAnswer answer) {
      ++counts[i].answered;
      answers.add(std::move(answer));
    };
    group->call(policy, request(), std::move(h));
  }
  size_t good = 0;
  for (size_t i = 0; i < kCalls; ++i) good += answers.next().ending == Ending::kAnswered;
  EXPECT_GE(good, kCalls * 99 / 100);
  for (const Count& count : counts) EXPECT_EQ(count.answered, 1);
  const auto standing = group->standing(now_ns());
  for (const auto& endpoint : standing[0]) EXPECT_EQ(endpoint.in_flight, 0u) << endpoint.address;
}

TEST_F(PeerGroupTest, AnEndpointThatAProbeFindsIllGetsNoCalls) {
  Scripted ill;  // accepts, and never answers
  Served served([](Request r) { r.answer(Value::integer(1)); }, {}, "{}", {{"health", "GET", "/health"}, {"things.list", "GET", "/v1/things"}});
  PeerSettings settings = to({served.port, ill.port, served.port});
  settings.probe_ns = 5 * kNsPerMs;
  settings.connect_ms = 50;
  const auto group = open(settings);
  CallPolicy impatient = hurried();
  impatient.attempt_timeout_ns = 20 * kNsPerMs;
  while (group->standing(now_ns())[0][1].well) ask(*group, impatient);  // what that one gets takes its time, and the probe has as much
  for (int i = 0; i < 10; ++i) {
    const PeerAnswer answer = ask(*group, hurried());
    EXPECT_EQ(answer.history.size(), 1u);
    EXPECT_EQ(answer.endpoint, address(served.port));
  }
}

}  // namespace
}  // namespace heddle
