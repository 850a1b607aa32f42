// The client's side of transport_http against its own server's side: what one host asks, another hears, and what it answers comes back.
#include <set>

#include "calling.h"

namespace heddle {
namespace {

TEST(HttpClient, ACallReachesTheOtherHostWithEverythingThatGoesWithIt) {
  Served served([](Request r) {
    EXPECT_EQ(r.operation(), "things.put");
    EXPECT_EQ(r.parameter("id"), "a/b é?");
    EXPECT_EQ(r.parameter("q"), "x y&=");
    EXPECT_EQ(r.token(), "a.b-c");
    EXPECT_EQ(r.content_type(), "application/json");
    EXPECT_EQ(r.trace(), read_trace("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "a=1,b@c=2"));
    EXPECT_GT(r.deadline_ns(), now_ns());
    EXPECT_LE(r.deadline_ns(), now_ns() + 60 * kNsPerSecond);
    EXPECT_EQ(r.metadata().json(), R"({"attempt":"2","chain":"a b c"})");
    auto body = r.json_body();
    ASSERT_TRUE(body);
    EXPECT_EQ(r.answer(*body), Sent::kSent);
  });
  Calling calling(served.port);
  const RemoteAnswer answer = calling.ask({.operation = "things.put",
                                           .parameters = {{"id", "a/b é?"}, {"q", "x y&="}},
                                           .body = *Value::parse(R"({"n": 1.50})"),
                                           .token = "a.b-c",
                                           .trace = read_trace("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "a=1,b@c=2"),
                                           .deadline_ns = now_ns() + 60 * kNsPerSecond,
                                           .metadata = {{"attempt", "2"}, {"chain", "a b c"}}});
  EXPECT_TRUE(answer.is_ok()) << answer.why.text();
  EXPECT_EQ(answer.content_type, "application/json");
  const auto json = answer.json();
  ASSERT_TRUE(json);
  EXPECT_EQ(json->json(), R"({"n": 1.50})");
}

TEST(HttpClient, BytesGoAndComeAsTheyAre) {
  const std::string bytes("\0\xff{\r\n", 5);
  Served served([&](Request r) {
    EXPECT_EQ(r.content_type(), "application/x-protobuf");
    EXPECT_EQ(r.body_text(), bytes);
    r.answer(r.body(), "application/octet-stream");
  });
  Calling calling(served.port);
  const RemoteAnswer answer = calling.ask({.operation = "things.add", .body = Value::bytes(bytes), .content_type = "application/x-protobuf"});
  ASSERT_TRUE(answer.is_ok()) << answer.why.text();
  EXPECT_EQ(answer.content_type, "application/octet-stream");
  EXPECT_EQ(answer.body, Value::bytes(bytes));
  const auto json = answer.json();
  ASSERT_FALSE(json);
  EXPECT_EQ(json.error().message, "the answer is application/octet-stream, not application/json");
}

TEST(HttpClient, WorkThatWasTakenOnIsSaidToBe) {
  Served served([](Request r) { r.accept(Value::integer(7)); });
  Calling calling(served.port);
  const RemoteAnswer answer = calling.ask("things.list");
  EXPECT_TRUE(answer.is_ok());
  EXPECT_TRUE(answer.accepted);
}

TEST(HttpClient, AFailureOfTheOtherHostComesAsItWasSaid) {
  struct Row {
    heddle_status status;
    const char* code;
    ErrorClass error_class;
    uint32_t retry_after_ms;
  };
  static constexpr Row kRows[] = {
      {HEDDLE_INVALID, "bad-thing", ErrorClass::kPermanent, 0},
      {HEDDLE_DENIED, "unauthenticated", ErrorClass::kPermanent, 0},
      {HEDDLE_DENIED, "scope", ErrorClass::kPermanent, 0},
      {HEDDLE_NOT_FOUND, "no-such-job", ErrorClass::kPermanent, 0},
      {HEDDLE_CONFLICT, "exists", ErrorClass::kRetryable, 0},
      {HEDDLE_UNSUPPORTED, "unsupported-media-type", ErrorClass::kPermanent, 0},
      {HEDDLE_EXHAUSTED, "rate", ErrorClass::kRetryable, 2000},
      {HEDDLE_EXHAUSTED, "full", ErrorClass::kRetryable, 1000},
      {HEDDLE_UNAVAILABLE, "starting", ErrorClass::kRetryable, 3000},
      {HEDDLE_DEADLINE, "deadline", ErrorClass::kRetryable, 0},
      {HEDDLE_INTERNAL, "bug", ErrorClass::kConfig, 0},
  };
  Served served([](Request r) {
    const Row& row = kRows[std::stoul(std::string(r.parameter("id")))];
    r.fail(row.status, Error(row.code, "because \"é\"", row.error_class), row.retry_after_ms);
  });
  Calling calling(served.port);
  for (size_t i = 0; i < std::size(kRows); ++i) {
    const RemoteAnswer answer = calling.ask({.operation = "things.get", .parameters = {{"id", std::to_string(i)}}});
    EXPECT_EQ(answer.status, kRows[i].status) << kRows[i].code;
    EXPECT_EQ(answer.why.code, kRows[i].code);
    EXPECT_EQ(answer.why.message, "because \"é\"");
    EXPECT_EQ(answer.why.error_class, kRows[i].error_class) << kRows[i].code;
    EXPECT_EQ(answer.retry_after_ms, kRows[i].retry_after_ms) << kRows[i].code;
    EXPECT_FALSE(answer.unsent);
  }
}

TEST(HttpClient, PartsComeInOrderAsTheirTypeSays) {
  const Value tree = *Value::parse("{\"a\": 1 }"), lines = *Value::string("two\nlines");
  const auto event = [](const Value& name, const Value& data) { return *Value::map({{"event", name}, {"id", *Value::string("7")}, {"data", data}}); };
  struct Row {
    const char* type;
    std::vector<Value> sent;
    std::vector<Value> heard;
  };
  const Row rows[] = {
      {"application/x-ndjson", {tree, lines, Value::null()}, {tree, lines, Value::null()}},
      {"text/event-stream",
       {event(*Value::string("job"), lines), *Value::map({{"data", tree}})},
       {event(*Value::string("job"), lines), *Value::map({{"data", *Value::string("{\"a\": 1 }")}})}},
  };
  for (const Row& row : rows) {
    Served served([&](Request r) {
      AnswerStream stream = r.stream(row.type);
      for (const Value& part : row.sent) stream.send(part);
      stream.end();
    });
    Calling calling(served.port);
    for (int again = 0; again < 2; ++again) {  // the connection is good for another call
      Heard heard;
      calling.channel->call({.operation = "events.watch"}, heard.hearing());
      const RemoteAnswer answer = heard.answers.next();
      EXPECT_TRUE(answer.more) << answer.why.text();
      EXPECT_EQ(answer.content_type, row.type);
      EXPECT_EQ(heard.ends.next(), "");
      for (const Value& wanted : row.heard) {
        ASSERT_FALSE(heard.parts.empty());
        EXPECT_EQ(heard.parts.next(), wanted) << row.type;
      }
      EXPECT_TRUE(heard.parts.empty());
    }
  }
}

// A receiver that takes nothing holds the sender back, through both hosts and the network.
TEST(HttpClient, PartsComeOnlyAgainstCredit) {
  Arrivals<AnswerStream> streams;
  Arrivals<int> room;
  Served served([&](Request r) { streams.add(r.stream("application/x-ndjson")); });
  Calling calling(served.port);
  Heard heard;
  const heddle_id call = calling.channel->call({.operation = "events.watch"}, heard.hearing(2));
  AnswerStream stream = streams.next();
  stream.on_room([&] { room.add(1); });
  const Value large = *Value::string(std::string(size_t{1} << 20, 'x'));
  int64_t sent = 0;
  while (stream.send(large) == Sent::kSent) ++sent;
  EXPECT_LT(sent, 1000);
  heard.parts.next();
  heard.parts.next();
  EXPECT_TRUE(heard.parts.empty());
  calling.channel->grant(call, 100'000);
  room.next();  // what was held back is on its way
  stream.end();
  EXPECT_EQ(heard.ends.next(), "");
  for (int64_t i = 2; i < sent; ++i) EXPECT_EQ(heard.parts.next(), large);
  EXPECT_TRUE(heard.parts.empty());
}

TEST(HttpClient, CancellingHereCancelsThere) {
  Arrivals<AnswerStream> streams;
  Arrivals<Request> asked;
  Arrivals<int> gone;
  Served served([&](Request r) {
    r.on_gone([&] { gone.add(1); });
    if (r.operation() == "events.watch") streams.add(r.stream("text/event-stream"));
    else asked.add(std::move(r));
  });
  Calling calling(served.port);
  Heard streamed, single;
  const heddle_id first = calling.channel->call({.operation = "events.watch"}, streamed.hearing());
  const heddle_id second = calling.channel->call({.operation = "things.list"}, single.hearing());
  AnswerStream stream = streams.next();
  EXPECT_EQ(stream.send(*Value::map({{"data", Value::integer(1)}})), Sent::kSent);
  streamed.parts.next();
  const Request request = asked.next();
  calling.channel->cancel(first);
  calling.channel->cancel(second);
  EXPECT_EQ(streamed.ends.next(), "cancelled: the call was given up");
  const RemoteAnswer answer = single.answers.next();
  EXPECT_EQ(answer.status, HEDDLE_CANCELLED);
  EXPECT_EQ(answer.why.error_class, ErrorClass::kCancelled);
  gone.next();
  gone.next();
  calling.channel->cancel(first);  // and once more, which changes nothing
  EXPECT_EQ(streamed.answered, 1);
  EXPECT_EQ(streamed.ended, 1);
  EXPECT_EQ(single.answered, 1);
}

TEST(HttpClient, AStreamThatBreaksOffThereDoesNotEndWellHere) {
  Served served([](Request r) {
    AnswerStream stream = r.stream("application/x-ndjson");
    stream.send(Value::integer(1));
    stream.break_off(HEDDLE_UNAVAILABLE, "the store is gone");
  });
  Calling calling(served.port);
  Heard heard;
  calling.channel->call({.operation = "events.watch"}, heard.hearing());
  const std::string end = heard.ends.next();
  EXPECT_TRUE(end.starts_with("unavailable: 127.0.0.1:") && end.ends_with(" ended the connection in the middle of its answer")) << end;
}

// The next call waits for no other, and yet goes over the connection that the one before has left.
TEST(HttpClient, AConnectionIsKeptAndUsedAgain) {
  std::set<std::string> peers;
  Served served([&](Request r) {
    peers.insert(r.peer());
    answer_as_asked(std::move(r));
  });
  Calling calling(served.port);
  std::promise<void> done;
  int left = 200;
  std::function<void()> next = [&] {
    if (left-- == 0) return done.set_value();
    calling.channel->call({.operation = left % 2 ? "things.list" : "things.add"}, {.answered = [&](RemoteAnswer answer) {
                            EXPECT_TRUE(answer.is_ok()) << answer.why.text();
                            next();  // from inside of the answer
                          }});
  };
  next();
  done.get_future().wait();
  EXPECT_EQ(peers.size(), 1u);
}

TEST(HttpClient, AThousandCallsAtOnceAreAllAnsweredOverAFewConnections) {
  std::mutex mutex;
  std::set<std::string> peers;
  ListenLimits limits;
  limits.requests = 64;
  Served served(
      [&](Request r) {
        {
          std::lock_guard lock(mutex);
          peers.insert(r.peer());
        }
        answer_as_asked(std::move(r));
      },
      limits);
  Calling calling(served.port, R"({"calls":16,"waiting":1000})");
  Arrivals<std::string> answers;
  for (int i = 0; i < 1000; ++i) {
    const std::string id = std::to_string(i);
    calling.channel->call({.operation = "things.get", .parameters = {{"id", id}}}, {.answered = [&, id](RemoteAnswer answer) {
                            const auto json = answer.json();
                            const bool fits = answer.is_ok() && json && json->pointer("/parameters/id").as_text() == id;
                            answers.add(fits ? id : "wrong: " + answer.why.text());
                          }});
  }
  std::set<std::string> heard;
  for (int i = 0; i < 1000; ++i) heard.insert(answers.next());
  EXPECT_EQ(heard.size(), 1000u);
  EXPECT_EQ(heard.lower_bound("wrong"), heard.end()) << *heard.rbegin();
  EXPECT_LE(peers.size(), 16u);
}

TEST(HttpClient, CallsBeyondTheQueueAreRefusedAtOnceAndSaidToBeUnsent) {
  Arrivals<Request> asked;
  Served served([&](Request r) { asked.add(std::move(r)); });
  Calling calling(served.port, R"({"calls":1,"waiting":1})");
  Heard first, second, third;
  calling.channel->call({.operation = "things.list"}, first.hearing());
  Request request = asked.next();
  calling.channel->call({.operation = "things.list"}, second.hearing());
  calling.channel->call({.operation = "things.list"}, third.hearing());
  const RemoteAnswer refused = third.answers.next();
  EXPECT_EQ(refused.status, HEDDLE_EXHAUSTED);
  EXPECT_EQ(refused.why.code, "full");
  EXPECT_EQ(refused.why.error_class, ErrorClass::kRetryable);
  EXPECT_TRUE(refused.unsent);
  request.answer(Value::integer(1));
  asked.next().answer(Value::integer(2));
  EXPECT_TRUE(first.answers.next().is_ok());
  EXPECT_TRUE(second.answers.next().is_ok());
}

TEST(HttpClient, ACallThatWaitsForOthersIsHeldToItsDeadlineAndCanBeGivenUp) {
  Arrivals<Request> asked;
  Served served([&](Request r) { asked.add(std::move(r)); });
  Calling calling(served.port, R"({"calls":1})");
  Heard first, late, given_up;
  calling.channel->call({.operation = "things.list"}, first.hearing());
  Request request = asked.next();
  calling.channel->call({.operation = "things.list", .deadline_ns = now_ns() + 1'000'000}, late.hearing());
  const heddle_id id = calling.channel->call({.operation = "things.list"}, given_up.hearing());
  RemoteAnswer answer = late.answers.next();
  EXPECT_EQ(answer.why.code, "deadline");
  EXPECT_TRUE(answer.unsent);
  calling.channel->cancel(id);
  EXPECT_EQ(given_up.answers.next().status, HEDDLE_CANCELLED);
  request.answer(Value::null());
  EXPECT_TRUE(first.answers.next().is_ok());
  EXPECT_TRUE(asked.empty());
}

TEST(HttpClient, AProbeAsksForThePeersHealthAndNeedsNobodysPlace) {
  Arrivals<Request> asked;
  std::atomic<bool> well{true};
  Served served(
      [&](Request r) {
        if (r.operation() != "health") return asked.add(std::move(r));
        if (well) r.answer(Value::null());
        else r.fail(HEDDLE_UNAVAILABLE, Error("draining", "it is going away", ErrorClass::kRetryable));
      },
      {}, "{}", {{"health", "GET", "/health"}, {"things.list", "GET", "/v1/things"}});
  Calling calling(served.port, R"({"calls":1})");
  Heard heard, queued;
  calling.channel->call({.operation = "things.list"}, heard.hearing());
  Request request = asked.next();
  calling.channel->call({.operation = "things.list"}, queued.hearing());
  EXPECT_EQ(calling.probe(), "");
  well = false;
  EXPECT_EQ(calling.probe(), "it is going away");
  EXPECT_TRUE(asked.empty());
  request.answer(Value::null());
  EXPECT_TRUE(heard.answers.next().is_ok());
  asked.next().answer(Value::null());
  EXPECT_TRUE(queued.answers.next().is_ok());
}

TEST(HttpClient, DisconnectingEndsWhatIsOpenAndThenNothingMore) {
  Arrivals<Request> asked;
  Arrivals<AnswerStream> streams;
  Served served([&](Request r) {
    if (r.operation() == "events.watch") streams.add(r.stream("text/event-stream"));
    else asked.add(std::move(r));
  });
  Calling calling(served.port, R"({"calls":2})");
  Heard waiting, streaming, queued, after;
  calling.channel->call({.operation = "things.list"}, waiting.hearing());
  calling.channel->call({.operation = "events.watch"}, streaming.hearing());
  const Request request = asked.next();
  const AnswerStream stream = streams.next();
  EXPECT_TRUE(streaming.answers.next().more);
  calling.channel->call({.operation = "things.list"}, queued.hearing());
  std::promise<void> done;
  calling.channel->disconnect([&](const Result<void>& result) {
    EXPECT_TRUE(result);
    EXPECT_EQ(waiting.answered, 1);
    EXPECT_EQ(queued.answered, 1);
    EXPECT_EQ(streaming.ended, 1);
    done.set_value();
  });
  done.get_future().wait();
  EXPECT_EQ(waiting.answers.next().why.code, "cancelled");
  EXPECT_TRUE(queued.answers.next().unsent);
  EXPECT_TRUE(streaming.ends.next().starts_with("cancelled: "));
  calling.channel->call({.operation = "things.list"}, after.hearing());
  EXPECT_EQ(after.answers.next().why.message, "the channel is disconnected");
  std::string twice;
  calling.channel->disconnect([&](const Result<void>& result) { twice = result ? "" : result.error().code; });
  EXPECT_EQ(twice, "conflict");
  calling.channel.reset();
}

TEST(HttpClient, WhatDiesWithItsTransportIsAnswered) {
  Arrivals<Request> asked;
  Served served([&](Request r) { asked.add(std::move(r)); });
  auto calling = std::make_unique<Calling>(served.port);
  Heard heard;
  calling->channel->call({.operation = "things.list"}, heard.hearing());
  const Request request = asked.next();
  calling->channel.reset();  // which nobody waits for
  calling->handle.reset();
  EXPECT_EQ(heard.answers.next().why.code, "cancelled");
  EXPECT_TRUE(calling->faults.empty());
}

TEST(HttpClient, ChannelsThatComeAndGoLeaveNothing) {
  Served served(answer_as_asked);
  Calling calling(served.port);
  for (int i = 0; i < 50; ++i) {
    std::unique_ptr<Channel> channel;
    calling.handle->connect({.endpoint = "127.0.0.1:" + std::to_string(served.port), .operations = Served::kOperations},
                            [&](Result<std::unique_ptr<Channel>> connected) { channel = *std::move(connected); });
    ASSERT_TRUE(channel);
    Heard heard;
    channel->call({.operation = "things.list"}, heard.hearing());
    if (i % 2 == 1) {
      EXPECT_TRUE(heard.answers.next().is_ok());
    }
    std::promise<void> done;
    channel->disconnect([&](const Result<void>&) { done.set_value(); });
    done.get_future().wait();
    EXPECT_EQ(heard.answered, 1);
  }
}

TEST(HttpClient, WhatCannotBeSentIsRefusedWithAReason) {
  Served served(answer_as_asked);
  Calling calling(served.port);
  const auto why = [&](RemoteCall call) {
    const RemoteAnswer answer = calling.ask(std::move(call));
    EXPECT_EQ(answer.status, HEDDLE_INVALID);
    EXPECT_EQ(answer.why.code, "invalid");
    EXPECT_TRUE(answer.unsent);
    return answer.why.message;
  };
  EXPECT_NE(why({.operation = "things.sing"}).find("knows no operation \"things.sing\""), std::string::npos);
  EXPECT_EQ(why({.operation = "things.get"}), "things.get needs the parameter \"id\"");
  EXPECT_NE(why({.operation = "things.get", .parameters = {{"id", ".."}}}).find("cannot be the parameter"), std::string::npos);
  EXPECT_EQ(why({.operation = "things.list", .body = Value::null()}), "things.list is a GET, which has no body");
  EXPECT_NE(why({.operation = "things.list", .token = "a\r\nX: y"}).find("Authorization"), std::string::npos);
  EXPECT_NE(why({.operation = "things.list", .metadata = {{"Attempt", "1"}}}).find("no name of metadata"), std::string::npos);
  EXPECT_NE(why({.operation = "things.list", .metadata = {{"timeout-ms", "1"}}}).find("no name of metadata"), std::string::npos);
  EXPECT_NE(why({.operation = "things.list", .metadata = {{"a", "b\r\nX: y"}}}).find("printable"), std::string::npos);
  EXPECT_NE(why({.operation = "things.list", .metadata = {{"a", std::string(9000, 'x')}}}).find("too much metadata"), std::string::npos);
}

TEST(HttpClient, AChannelThatCannotBeSaysWhy) {
  const auto why = [](ChannelOptions options) {
    Calling calling(std::move(options));
    EXPECT_FALSE(calling.channel);
    return calling.refused;
  };
  EXPECT_NE(why({.endpoint = "localhost", .operations = {}}).find("HOST:PORT"), std::string::npos);
  EXPECT_NE(why({.endpoint = "127.0.0.1:0", .operations = {}}).find("port 0"), std::string::npos);
  EXPECT_NE(why({.endpoint = "ftp://a", .operations = {}}).find("neither http nor https"), std::string::npos);
  EXPECT_NE(why({.endpoint = "http://a", .operations = {}, .tls = ChannelTls{}}).find("write https"), std::string::npos);
  const std::string secret = why({.endpoint = "https://me:secret@a", .operations = {}});
  EXPECT_NE(secret.find("no user"), std::string::npos);
  EXPECT_EQ(secret.find("secret"), std::string::npos);
  EXPECT_NE(why({.endpoint = "https://a", .operations = {}, .tls = ChannelTls{.ca = "/nowhere.pem"}}).find("/nowhere.pem"), std::string::npos);
  EXPECT_NE(why({.endpoint = "https://a", .operations = {}, .tls = ChannelTls{.certificate = "/nowhere.pem"}}).find("go together"), std::string::npos);
  EXPECT_NE(why({.endpoint = "a:1", .operations = {}, .headers = {{"Content-Length", "1"}}}).find("transport's own"), std::string::npos);
  EXPECT_NE(why({.endpoint = "a:1", .operations = {}, .headers = {{"X", "a\nb"}}}).find("printable"), std::string::npos);
}

}  // namespace
}  // namespace heddle
