// transport_grpc, one side against the other: what one host asks, another hears, and what it answers comes back.
#include <chrono>
#include <mutex>

#include "grpc.h"
#include "threads_gone.h"

namespace heddle {
namespace {

TEST(Grpc, ACallReachesTheOtherHostWithEverythingThatGoesWithIt) {
  GrpcServed served([](Request r) {
    EXPECT_EQ(r.operation(), "pipelines.execute");
    EXPECT_EQ(r.parameter("name"), "a/b é?");
    EXPECT_EQ(r.token(), "a.b-c");
    EXPECT_EQ(r.content_type(), "application/json");
    EXPECT_EQ(r.trace(), read_trace("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "a=1,b@c=2"));
    EXPECT_EQ(r.peer().substr(0, 10), "127.0.0.1:");
    EXPECT_EQ(r.identity(), "");
    EXPECT_GT(r.deadline_ns(), now_ns());
    EXPECT_LE(r.deadline_ns(), now_ns() + 61 * kNsPerSecond);
    EXPECT_EQ(r.metadata().json(), R"({"attempt":"2","chain":"a b c"})");
    EXPECT_EQ(r.body_text(), R"({"n": 1.50})");
    EXPECT_EQ(r.answer(*Value::parse(R"({"outputs":[{"n": 1.50}, "é"],"failed":[{"code":"x"}]})")), Sent::kSent);
  });
  GrpcCalling calling(served.port);
  RemoteCall call = execute(R"({"n": 1.50})", "a/b é?");
  call.token = "a.b-c";
  call.trace = read_trace("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "a=1,b@c=2");
  call.deadline_ns = now_ns() + 60 * kNsPerSecond;
  call.metadata = {{"attempt", "2"}, {"chain", "a b c"}};
  const RemoteAnswer answer = calling.ask(std::move(call));
  ASSERT_TRUE(answer.is_ok()) << answer.why.text();
  const auto json = answer.json();
  ASSERT_TRUE(json);
  EXPECT_EQ(json->json(), R"({"outputs":[{"n": 1.50},"é"],"failed":[{"code":"x"}]})");
}

TEST(Grpc, WhatIsAskedOfAHostComesBackAsItWasSaid) {
  const std::map<std::string, std::string> said = {
      {"pipelines.list", R"({"pipelines":[{"name":"a","description":"says é","nodes":3},{"name":"b","description":"","nodes":1}]})"},
      {"types.list", R"({"types":[{"name":"Resize","plugin":"node_image","inline":true,"version":"1.2","summary":"é","aliases":["Scale","Fit"],"capabilities":{"gpu":true}},)"
                     R"({"name":"Cut","plugin":"node_std","inline":false,"version":"","summary":"","aliases":[],"capabilities":{}}],"capabilities":{"cores":2,"gpu":false}})"},
      {"host", R"({"version":"1.2.3","pid":7})"},
  };
  GrpcServed served([&](Request r) {
    EXPECT_FALSE(r.body());
    r.answer(*Value::parse(said.at(r.operation())));
  });
  GrpcCalling calling(served.port);
  for (const auto& [operation, json] : said) {
    const RemoteAnswer answer = calling.ask(operation);
    ASSERT_TRUE(answer.is_ok()) << answer.why.text();
    EXPECT_EQ(answer.json()->json(), json);
  }
}

TEST(Grpc, AFailureOfTheOtherHostComesAsItWasSaid) {
  struct Row {
    heddle_status status;
    const char* code;
    ErrorClass error_class;
    uint32_t retry_after_ms;
  };
  static constexpr Row kRows[] = {
      {HEDDLE_INVALID, "bad-thing", ErrorClass::kPermanent, 0},
      {HEDDLE_INVALID, "too-large", ErrorClass::kPermanent, 0},
      {HEDDLE_DENIED, "unauthenticated", ErrorClass::kPermanent, 0},
      {HEDDLE_DENIED, "scope", ErrorClass::kPermanent, 0},
      {HEDDLE_NOT_FOUND, "no-such-job", ErrorClass::kPermanent, 0},
      {HEDDLE_CONFLICT, "exists", ErrorClass::kRetryable, 0},
      {HEDDLE_UNSUPPORTED, "unsupported-media-type", ErrorClass::kPermanent, 0},
      {HEDDLE_EXHAUSTED, "rate", ErrorClass::kRetryable, 2000},
      {HEDDLE_EXHAUSTED, "full", ErrorClass::kRetryable, 1},
      {HEDDLE_UNAVAILABLE, "starting", ErrorClass::kRetryable, 3000},
      {HEDDLE_DEADLINE, "deadline", ErrorClass::kRetryable, 0},
      {HEDDLE_INTERNAL, "bug", ErrorClass::kConfig, 0},
  };
  GrpcServed served([](Request r) {
    const Row& row = kRows[std::stoul(std::string(r.parameter("name")))];
    r.fail(row.status, Error(row.code, "because \"é\"", row.error_class), row.retry_after_ms);
  });
  GrpcCalling calling(served.port);
  for (size_t i = 0; i < std::size(kRows); ++i) {
    const RemoteAnswer answer = calling.ask(execute("1", std::to_string(i)));
    EXPECT_EQ(answer.status, kRows[i].status) << kRows[i].code;
    EXPECT_EQ(answer.why.code, kRows[i].code);
    EXPECT_EQ(answer.why.error_class, kRows[i].error_class);
    EXPECT_EQ(answer.why.message, "because \"é\"");
    EXPECT_EQ(answer.retry_after_ms, kRows[i].retry_after_ms);
    EXPECT_FALSE(answer.unsent);
  }
}

TEST(Grpc, AMessageThatIsTooLongIsCutBetweenTwoCharacters) {
  std::string text;
  while (text.size() < 20'000) text += "é";
  GrpcServed served([&](Request r) { r.fail(HEDDLE_INTERNAL, Error("bug", "x" + text)); });
  GrpcCalling calling(served.port);
  const RemoteAnswer answer = calling.ask(execute("1"));
  EXPECT_EQ(answer.why.code, "bug");
  EXPECT_EQ(answer.why.message, "x" + text.substr(0, 3998));
}

TEST(Grpc, ManyCallsAtATimeGoOverOneConnection) {
  Arrivals<Request> asked;
  std::mutex mutex;
  std::set<std::string> peers;
  GrpcServed served([&](Request r) {
    std::unique_lock lock(mutex);
    peers.insert(r.peer());
    lock.unlock();
    asked.add(std::move(r));
  });
  GrpcCalling calling(served.port);
  std::deque<Heard> heard(50);
  for (size_t i = 0; i < heard.size(); ++i) calling.channel->call(execute(std::to_string(i)), heard[i].hearing());
  std::deque<Request> open;
  for (size_t i = 0; i < heard.size(); ++i) open.push_back(asked.next());
  for (Request& r : open) r.answer(executed(2 * std::stoi(std::string(r.body_text()))));
  for (size_t i = 0; i < heard.size(); ++i) EXPECT_EQ(heard[i].answers.next().json()->json(), executed(static_cast<int64_t>(2 * i)).json());
  EXPECT_EQ(peers.size(), 1u);
}

TEST(Grpc, ALargeItemComesWhole) {
  const std::string json = "\"" + std::string(size_t{8} << 20, 'x') + "\"";
  GrpcServed served([&](Request r) {
    EXPECT_EQ(r.body_text(), json);
    std::vector<Value> outputs;
    outputs.push_back(*r.json_body());
    r.answer(*Value::map({{"outputs", Value::list(std::move(outputs))}, {"failed", Value::list({})}}));
  });
  GrpcCalling calling(served.port);
  const RemoteAnswer answer = calling.ask(execute(json));
  ASSERT_TRUE(answer.is_ok()) << answer.why.text();
  EXPECT_EQ(answer.json()->json(), "{\"outputs\":[" + json + "],\"failed\":[]}");
}

TEST(Grpc, WhatTheHostDoesNotOfferIsNotServed) {
  GrpcServed served([](Request r) { r.answer(Value::null()); }, {}, "{}", {{"pipelines.list", "GET", "/"}, {"jobs.list", "GET", "/jobs"}});
  GrpcCalling calling(served.port);
  const RemoteAnswer answer = calling.ask(execute("1"));
  EXPECT_EQ(answer.status, HEDDLE_UNSUPPORTED);
  EXPECT_NE(answer.why.message.find("there is no such method at 127.0.0.1:"), std::string::npos) << answer.why.message;
}

TEST(Grpc, AManifestComesAlongWithOneItem) {
  GrpcServed served([](Request r) {
    EXPECT_EQ(r.operation(), "manifests.execute");
    EXPECT_EQ(r.json_body()->json(), R"({"manifest":{"nodes": []},"input":[{"n": 1.50}]})");
    r.answer(executed(1));
  });
  GrpcCalling calling(served.port);
  const auto ask = [&](std::string_view body) { return calling.ask(RemoteCall{.operation = "manifests.execute", .body = bytes_of(body)}); };
  const RemoteAnswer answer = ask(R"({"manifest": {"nodes": []}, "input": [{"n": 1.50}]})");
  ASSERT_TRUE(answer.is_ok()) << answer.why.text();
  EXPECT_EQ(answer.json()->json(), executed(1).json());
  const RemoteAnswer two = ask(R"({"manifest": {}, "input": [1, 2]})");
  EXPECT_EQ(two.why.code, "unsupported");
  EXPECT_NE(two.why.message.find("carries one item, not 2"), std::string::npos) << two.why.message;
}

TEST(Grpc, WhatNoMethodCarriesIsRefusedAtOnce) {
  ChannelOptions options = GrpcCalling::options(1);
  options.operations.push_back({"jobs.list", "GET", "/v1/jobs"});
  GrpcCalling calling(std::move(options));
  struct Row {
    RemoteCall call;
    const char *code, *says;
  };
  const Row rows[] = {
      {{.operation = "jobs.list"}, "unsupported", "no method of heddle.v1 carries jobs.list"},
      {{.operation = "jobs.get"}, "invalid", "knows no operation \"jobs.get\""},
      {{.operation = "pipelines.execute", .body = bytes_of("1")}, "invalid", "needs the parameter \"name\""},
      {{.operation = "host", .metadata = {{"a", "é"}}}, "invalid", ""},
  };
  for (const Row& row : rows) {
    const RemoteAnswer answer = calling.ask(row.call);
    EXPECT_EQ(answer.why.code, row.code);
    EXPECT_NE(answer.why.message.find(row.says), std::string::npos) << answer.why.message;
    EXPECT_TRUE(answer.unsent);
  }
}

TEST(Grpc, AnAnswerThatIsNoneIsTheHostsFault) {
  GrpcServed served([](Request r) { r.answer(*Value::string("hello")); });
  GrpcCalling calling(served.port);
  const RemoteAnswer answer = calling.ask(execute("1"));
  EXPECT_EQ(answer.status, HEDDLE_INTERNAL);
  EXPECT_NE(answer.why.message.find("the host gave an answer that cannot be sent"), std::string::npos) << answer.why.message;
}

TEST(Grpc, AProbeAsksWhetherTheHostIsReady) {
  std::atomic<bool> ready{true};
  GrpcServed served([&](Request r) {
    EXPECT_EQ(r.operation(), "ready");
    if (ready) r.answer(Value::null());
    else r.fail(HEDDLE_UNAVAILABLE, Error("not-ready", "starting"));
  });
  GrpcCalling calling(served.port);
  EXPECT_EQ(calling.probe(), "");
  ready = false;
  EXPECT_NE(calling.probe().find("says that it does not serve"), std::string::npos);
  GrpcServed silent([](Request r) { r.answer(Value::null()); }, {}, "{}", {{"pipelines.list", "GET", "/"}});
  GrpcCalling other(silent.port);
  EXPECT_EQ(other.probe(), "");
}

TEST(Grpc, AProbeNeedsATokenWhereTheHostWantsOne) {
  GrpcServed served([](Request r) {
    if (r.token() == "known") r.answer(Value::null());
    else r.fail(HEDDLE_DENIED, Error("unauthenticated", "this host wants a token"));
  });
  GrpcCalling stranger(served.port);
  EXPECT_NE(stranger.probe().find("this host wants a token"), std::string::npos);
  ChannelOptions options = GrpcCalling::options(served.port);
  options.headers = {{"Authorization", "Bearer known"}};
  GrpcCalling known(std::move(options));
  EXPECT_EQ(known.probe(), "");
}

TEST(Grpc, AListenerThatClosesLetsRunningRequestsEnd) {
  Arrivals<Request> asked;
  GrpcServed served([&](Request r) { asked.add(std::move(r)); });
  GrpcCalling calling(served.port);
  Heard heard;
  calling.channel->call(execute("1"), heard.hearing());
  Request request = asked.next();
  std::promise<void> closed;
  served.handle->close(served.listener, now_ns() + 120 * kNsPerSecond, [&](const Result<void>&) { closed.set_value(); });
  request.answer(executed(2));
  EXPECT_TRUE(heard.answers.next().is_ok());
  closed.get_future().wait();
  served.dismiss();
}

TEST(Grpc, AListenerThatClosesCutsOffWhatDoesNotEnd) {
  Arrivals<Request> asked;
  GrpcServed served([&](Request r) { asked.add(std::move(r)); });
  GrpcCalling calling(served.port);
  Heard heard;
  calling.channel->call(execute("1"), heard.hearing());
  Request request = asked.next();
  served.close(0);
  EXPECT_TRUE(request.is_gone());
  EXPECT_FALSE(heard.answers.next().is_ok());
  EXPECT_EQ(request.answer(executed(2)), Sent::kGone);
}

TEST(Grpc, WhereNothingCanListenTheReasonIsSaid) {
  GrpcServed first([](Request) {});
  const Catalog catalog = Catalog::scan({HEDDLE_OUR_PLUGINS});
  auto made = TransportHandle::create(catalog.find("transport", "grpc"), "api", *Value::parse("{}"), nullptr, LaneId{0});
  ASSERT_TRUE(made) << made.error().text();
  const std::map<std::string, std::string> rows = {
      {"127.0.0.1:" + std::to_string(first.port), "Address already in use"},
      {"192.0.2.1:0", "Cannot assign requested address"},
      {"127.0.0.1", "it has no port"},
  };
  for (const auto& [endpoint, why] : rows) {
    (*made)->listen({endpoint, {}, kHostOperations}, [](Request) {}, [&, &endpoint = endpoint, &why = why](const Result<std::string>& listening) {
      ASSERT_FALSE(listening) << endpoint;
      EXPECT_NE(listening.error().text().find(endpoint), std::string::npos) << listening.error().text();
      EXPECT_TRUE(listening.error().text().ends_with(": " + why)) << listening.error().text();
    });
  }
}

const auto* const kUntilTheThreadsHaveGone = ::testing::AddGlobalTestEnvironment(new UntilTheThreadsHaveGone);

}  // namespace
}  // namespace heddle
