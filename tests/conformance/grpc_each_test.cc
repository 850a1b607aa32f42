// ExecuteEach of transport_grpc: items by themselves and the parts of their results, one side against the other, and against a client that is none of ours.
#include <functional>

#include "bare_grpc.h"
#include "grpc.h"

namespace heddle {
namespace {

constexpr const char* kLines = "application/x-ndjson";

void expect_says(const std::string& text, const std::string& what) { EXPECT_NE(text.find(what), text.npos) << text; }

Value json(std::string_view text) { return *Value::parse(text); }
Value result(int item) { return json(R"({"results":[{"item":)" + std::to_string(item) + R"(,"outputs":[)" + std::to_string(item) + "]}]}"); }

RemoteCall each(Value body) { return {.operation = "pipelines.each", .parameters = {{"name", "p"}}, .body = std::move(body)}; }
RemoteCall each(std::string_view text) { return each(bytes_of(text)); }
RemoteCall sent_each(std::string_view text) { return {.operation = "manifests.each", .body = bytes_of(text)}; }

TEST(GrpcEach, ItemsGoTogetherAndResultsComeAsTheyWereSaid) {
  const std::vector<std::string> parts = {
      R"({"results":[{"item":3,"outputs":[{"n": 1.50},"é"]},{"item":1,"failed":[{"code":"x"}]}]})",
      R"({"results":[{"item":2,"outputs":[2],"failed":[{"code":"y"}],"more":true}]})",
      R"({"results":[{"item":2}]})",
      R"({"results":[]})",
  };
  GrpcServed served([&](Request r) {
    EXPECT_EQ(r.operation(), "pipelines.each");
    EXPECT_EQ(r.parameter("name"), "p");
    EXPECT_EQ(r.content_type(), "application/json");
    const auto body = r.json_body();
    ASSERT_TRUE(body);
    EXPECT_EQ(body->json(), R"({"items":[1,{"a":  2},"é"]})");
    AnswerStream stream = r.stream(kLines);
    for (const std::string& part : parts) EXPECT_EQ(stream.send(json(part)), Sent::kSent);
    stream.end();
  });
  GrpcCalling calling(served.port);
  const char* const asked = R"({"items":[1,{"a":  2},"é"]})";
  for (const Value& body : {bytes_of(asked), json(asked), *Value::map({{"items", Value::list({Value::integer(1), json(R"({"a":  2})"), *Value::string("é")})}})}) {
    Heard heard;
    calling.channel->call(each(body), heard.hearing());
    const RemoteAnswer answer = heard.answers.next();
    ASSERT_TRUE(answer.is_ok()) << answer.why.text();
    EXPECT_TRUE(answer.more);
    EXPECT_EQ(answer.content_type, kLines);
    EXPECT_EQ(heard.ends.next(), "");
    for (const std::string& part : parts) EXPECT_EQ(heard.parts.next().json(), part);
    EXPECT_TRUE(heard.parts.empty());
  }
}

TEST(GrpcEach, AManifestComesAlong) {
  GrpcServed served([&](Request r) {
    EXPECT_EQ(r.operation(), "manifests.each");
    EXPECT_EQ(r.parameter("name"), "");
    EXPECT_EQ(r.json_body()->json(), R"({"manifest":{"nodes": []},"items":[1,2]})");
    r.stream(kLines).end();
  });
  GrpcCalling calling(served.port);
  EXPECT_TRUE(calling.ask(sent_each(R"({"items": [1, 2], "manifest": {"nodes": []}})")).is_ok());
}

TEST(GrpcEach, NoItemsAreAListOfNone) {
  GrpcServed served([&](Request r) {
    EXPECT_EQ(r.json_body()->json(), R"({"items":[]})");
    r.stream(kLines).end();
  });
  GrpcCalling calling(served.port);
  Heard heard;
  calling.channel->call(each(R"({"items":[]})"), heard.hearing());
  EXPECT_TRUE(heard.answers.next().is_ok());
  EXPECT_EQ(heard.ends.next(), "");
  EXPECT_TRUE(heard.parts.empty());
}

// They are more than what lies on the way: the one who sends waits for the one who takes.
TEST(GrpcEach, PartsAreDeliveredAgainstCredit) {
  constexpr int kParts = 300;
  const std::string large(64 << 10, 'x');
  std::optional<AnswerStream> stream;
  std::promise<void> sent;
  int next = 1;
  bool was_full = false;
  std::function<void()> send = [&] {
    for (; next <= kParts; ++next) {
      if (stream->send(json(R"({"results":[{"item":)" + std::to_string(next) + R"(,"outputs":[")" + large + "\"]}]}")) == Sent::kSent) continue;
      was_full = true;
      return stream->on_room(send);
    }
    stream->end();
    sent.set_value();
  };
  GrpcServed served([&](Request r) {
    stream.emplace(r.stream(kLines));
    send();
  });
  GrpcCalling calling(served.port);
  Heard heard;
  const heddle_id id = calling.channel->call(each(R"({"items":[1]})"), heard.hearing(1));
  for (int i = 1; i <= kParts; ++i) {
    EXPECT_EQ(heard.parts.next().find("results").at(0).find("item").as_int(), i);
    EXPECT_TRUE(heard.parts.empty());
    calling.channel->grant(id, 1);
  }
  EXPECT_EQ(heard.ends.next(), "");
  sent.get_future().wait();
  EXPECT_TRUE(was_full);
}

TEST(GrpcEach, TheEndNeedsNoCredit) {
  GrpcServed served([](Request r) {
    AnswerStream stream = r.stream(kLines);
    stream.send(result(1));
    stream.send(result(2));
    stream.end();
  });
  GrpcCalling calling(served.port);
  Heard heard;
  const heddle_id id = calling.channel->call(each(R"({"items":[1,2]})"), heard.hearing(0));
  EXPECT_TRUE(heard.answers.next().is_ok());  // nor does the answer
  calling.channel->grant(id, 1);
  EXPECT_EQ(heard.parts.next().json(), result(1).json());
  calling.channel->grant(id, 1);
  EXPECT_EQ(heard.parts.next().json(), result(2).json());
  EXPECT_EQ(heard.ends.next(), "");
}

TEST(GrpcEach, GivingUpWhatWaitsForCreditEndsIt) {
  Arrivals<Request> asked;
  GrpcServed served([&](Request r) { asked.add(std::move(r)); });
  GrpcCalling calling(served.port);
  Heard cancelled, disconnected;
  const heddle_id id = calling.channel->call(each(R"({"items":[1]})"), cancelled.hearing(1));
  calling.channel->call(each(R"({"items":[1]})"), disconnected.hearing(1));
  std::deque<AnswerStream> streams;
  std::deque<std::promise<void>> gone(2);
  for (std::promise<void>& one : gone) {
    streams.push_back(asked.next().stream(kLines));
    streams.back().on_gone([&] { one.set_value(); });
    for (int i = 1; i <= 3; ++i) streams.back().send(result(i));
  }
  cancelled.parts.next();
  disconnected.parts.next();
  calling.channel->cancel(id);
  expect_says(cancelled.ends.next(), "the call was given up");
  calling.disconnect();
  EXPECT_NE(disconnected.ends.next(), "");
  for (std::promise<void>& one : gone) one.get_future().wait();
  EXPECT_TRUE(cancelled.parts.empty());
  EXPECT_TRUE(disconnected.parts.empty());
}

TEST(GrpcEach, AFailureInPlaceOfResultsIsTheAnswer) {
  GrpcServed served([](Request r) { r.fail(HEDDLE_NOT_FOUND, Error("not-found", "there is no pipeline \"p\"")); });
  GrpcCalling calling(served.port);
  const RemoteAnswer answer = calling.ask(each(R"({"items":[1]})"));
  EXPECT_EQ(answer.why.code, "not-found");
  EXPECT_EQ(answer.why.message, "there is no pipeline \"p\"");
}

TEST(GrpcEach, ResultsThatBreakOffAreToldFromThoseThatEnd) {
  GrpcServed served([](Request r) {
    AnswerStream stream = r.stream(kLines);
    for (int i = 1; i <= 3; ++i) stream.send(result(i));
    stream.break_off(HEDDLE_UNAVAILABLE, "the node is gone");
  });
  GrpcCalling calling(served.port);
  Heard heard;
  calling.channel->call(each(R"({"items":[1,2,3]})"), heard.hearing());
  expect_says(heard.ends.next(), "the node is gone");
  for (int i = 1; i <= 3; ++i) EXPECT_EQ(heard.parts.next().json(), result(i).json());
}

TEST(GrpcEach, ADeadlinePassesOnBothSides) {
  Arrivals<Request> asked;
  GrpcServed served([&](Request r) { asked.add(std::move(r)); });
  GrpcCalling calling(served.port);
  RemoteCall call = each(R"({"items":[1]})");
  call.deadline_ns = now_ns() + 2 * kNsPerSecond;
  Heard heard;
  calling.channel->call(call, heard.hearing());
  Request request = asked.next();
  std::promise<void> gone;
  AnswerStream stream = request.stream(kLines);
  stream.on_gone([&] { gone.set_value(); });
  stream.send(result(1));
  EXPECT_EQ(heard.parts.next().json(), result(1).json());
  expect_says(heard.ends.next(), "deadline");
  gone.get_future().wait();
}

TEST(GrpcEach, AnAnswerThatIsNoneIsTheHostsFault) {
  std::function<void(Request)> answer;
  GrpcServed served([&](Request r) { answer(std::move(r)); });
  GrpcCalling calling(served.port);
  const auto end = [&](std::string_view part) {
    answer = [part](Request r) {
      AnswerStream stream = r.stream(kLines);
      stream.send(json(part));
    };
    Heard heard;
    calling.channel->call(each(R"({"items":[1]})"), heard.hearing());
    RemoteAnswer said = heard.answers.next();
    EXPECT_EQ(said.status, HEDDLE_INTERNAL);
    return said.why.message;
  };
  const std::string sent = "the host sent a part that cannot be sent: ";
  EXPECT_EQ(end("1"), sent + "the host's answer has no list \"results\"");
  EXPECT_EQ(end(R"({"output":1})"), sent + "the host's answer has no list \"results\"");
  EXPECT_EQ(end(R"({"results":{}})"), sent + "the host's answer has no list \"results\"");
  EXPECT_EQ(end(R"({"results":[{"item":1,"outputs":1}]})"), sent + "the host's answer has no list \"outputs\"");
  EXPECT_EQ(end(R"({"results":[{"item":1,"failed":{}}]})"), sent + "the host's answer has no list \"failed\"");
  for (const char* part : {R"({"results":[1]})", R"({"results":[{"outputs":[1]}]})", R"({"results":[{"item":0}]})", R"({"results":[{"item":4294967296}]})", R"({"results":[{"item":"1"}]})"})
    EXPECT_EQ(end(part), sent + "a result in the host's answer has no \"item\" that says which one it is of, from 1");
  answer = [](Request r) { r.answer(json("{}")); };
  expect_says(calling.ask(each(R"({"items":[1]})")).why.message, "the host gave an answer that cannot be sent: the host's answer has no list \"results\"");
  answer = [](Request r) { r.answer(Value()); };
  expect_says(calling.ask(each(R"({"items":[1]})")).why.message, "the host answered with no part of a stream");
}

TEST(GrpcEach, AnAnswerInOnePieceIsAStreamOfOnePart) {
  GrpcServed served([](Request r) { r.answer(json(R"({"results":[{"item":1,"outputs":[2]}]})"), kLines); });
  GrpcCalling calling(served.port);
  Heard heard;
  calling.channel->call(each(R"({"items":[1]})"), heard.hearing());
  EXPECT_TRUE(heard.answers.next().more);
  EXPECT_EQ(heard.parts.next().json(), R"({"results":[{"item":1,"outputs":[2]}]})");
  EXPECT_EQ(heard.ends.next(), "");
}

// As they do where the whole body is written as JSON.
TEST(GrpcEach, BytesAmongItemsAndOutputsGoAsBase64) {
  GrpcServed served([](Request r) {
    EXPECT_EQ(r.json_body()->json(), R"({"items":["ezF9"]})");
    const Value one = *Value::map({{"item", Value::integer(1)}, {"outputs", Value::list({bytes_of("1,2")})}});
    AnswerStream stream = r.stream(kLines);
    stream.send(*Value::map({{"results", Value::list({one})}}));
    stream.end();
  });
  GrpcCalling calling(served.port);
  Heard heard;
  calling.channel->call(each(*Value::map({{"items", Value::list({bytes_of("{1}")})}})), heard.hearing());
  EXPECT_EQ(heard.parts.next().json(), R"({"results":[{"item":1,"outputs":["MSwy"]}]})");
  EXPECT_EQ(heard.ends.next(), "");
}

TEST(GrpcEach, ACallThatLacksSomethingIsRefusedAtOnce) {
  GrpcCalling calling(1);
  struct Row {
    RemoteCall call;
    const char *code, *says;
  };
  RemoteCall lines = each("1");
  lines.content_type = kLines;
  const Row rows[] = {
      {{.operation = "pipelines.each", .body = bytes_of(R"({"items":[]})")}, "invalid", "pipelines.each needs the parameter \"name\""},
      {each("{}"), "invalid", "pipelines.each needs a body with a list \"items\""},
      {each(R"({"items":1})"), "invalid", "pipelines.each needs a body with a list \"items\""},
      {each("{"), "invalid", "cannot make a value from this JSON text"},
      {each(Value()), "invalid", "pipelines.each needs a body with a list \"items\""},
      {sent_each(R"({"items":[]})"), "invalid", "manifests.each needs a body with an object \"manifest\""},
      {sent_each(R"({"manifest":{}})"), "invalid", "manifests.each needs a body with a list \"items\""},
      {lines, "unsupported", "no method of heddle.v1 carries pipelines.each with application/x-ndjson"},
  };
  for (const Row& row : rows) {
    const RemoteAnswer answer = calling.ask(row.call);
    EXPECT_EQ(answer.why.code, row.code);
    expect_says(answer.why.message, row.says);
    EXPECT_TRUE(answer.unsent);
  }
}

TEST(GrpcEach, AClientThatIsNotOursSaysAndHearsWhatTheProtoSays) {
  GrpcServed served([](Request r) {
    EXPECT_EQ(r.parameter("name"), "p");
    EXPECT_EQ(r.json_body()->json(), R"({"items":[1,{"a": 2}]})");
    AnswerStream stream = r.stream(kLines);
    stream.send(json(R"({"results":[{"item":2,"outputs":[3,4]},{"item":1,"failed":[{"code":"x"}],"more":true}]})"));
    stream.send(json(R"({"results":[{"item":1}]})"));
    stream.end();
  });
  const BareGrpc::Said said = BareGrpc::ask(served.port, "ExecuteEach", field(1, "p") + field(2, "1") + field(2, R"({"a": 2})"));
  EXPECT_EQ(said.status(), "0") << said.message();
  const std::vector<std::string> wanted = {
      field(1, field(1, 2) + field(2, "3") + field(2, "4")) + field(1, field(1, 1) + field(3, R"({"code":"x"})") + field(4, 1)),
      field(1, field(1, 1)),
  };
  EXPECT_EQ(said.messages, wanted);
}

TEST(GrpcEach, ARequestThatIsNoneIsRefused) {
  std::atomic<int> asked{0};
  GrpcServed served([&](Request) { ++asked; });
  struct Row {
    std::string message, says;
  };
  const Row rows[] = {
      {"", "the request names no pipeline, and brings no manifest"},
      {field(2, "1"), "the request names no pipeline, and brings no manifest"},
      {field(1, "p") + field(2, "1") + field(2, "{"), "item 2 is no JSON text"},
      {field(1, "p") + field(2, "1,2"), "item 1 is no JSON text"},
      {field(1, "p") + field(2, "1") + field(2, "2") + field(2, ""), "item 3 is empty: it must be JSON"},
      {field(3, "") + field(2, "1"), "the manifest is empty: it must be JSON"},
      {field(1, "p") + "\x12\x7f", "what came is no heddle.v1.ExecuteEachRequest"},
  };
  for (const Row& row : rows) {
    const BareGrpc::Said said = BareGrpc::ask(served.port, "ExecuteEach", row.message);
    EXPECT_EQ(said.status(), "3") << said.trailers;
    expect_says(said.message(), row.says);
    EXPECT_EQ(said.code(), "invalid");
    EXPECT_TRUE(said.messages.empty());
  }
  EXPECT_EQ(asked, 0);
}

TEST(GrpcEach, AHostThatTakesNoManifestsSaysSo) {
  GrpcServed served([](Request) { ADD_FAILURE() << "the host was asked"; }, {}, "{}", {{"pipelines.execute", "POST", "/", true}, {"pipelines.each", "POST", "/each", true}});
  const std::map<std::string, std::string> rows = {{"ExecuteEach", "manifests.each"}, {"Execute", "manifests.execute"}};
  for (const auto& [method, operation] : rows) {
    const BareGrpc::Said said = BareGrpc::ask(served.port, method, field(3, "{}") + field(2, "1"));
    EXPECT_EQ(said.status(), "12") << said.trailers;
    EXPECT_EQ(said.message(), "this host takes no manifest that comes along: it does not offer " + operation);
  }
}

}  // namespace
}  // namespace heddle
