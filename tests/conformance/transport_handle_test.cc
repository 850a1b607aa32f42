#include "plugin/transport_handle.h"

#include <thread>

#include "served.h"

namespace heddle {
namespace {

TEST(TransportHandle, ARequestReachesTheHostWithEverythingThePeerSaid) {
  Served served([](Request r) {
    EXPECT_EQ(r.operation(), "things.put");
    EXPECT_EQ(r.token(), "a.b-c");
    EXPECT_EQ(r.content_type(), "application/json");
    EXPECT_EQ(r.trace(), read_trace("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "a=1,b=2"));
    EXPECT_GT(r.deadline_ns(), now_ns());
    EXPECT_EQ(r.peer().substr(0, 10), "127.0.0.1:");
    EXPECT_EQ(r.parameter("id"), "a/b é");
    EXPECT_EQ(r.parameter("q"), "x y&");
    EXPECT_EQ(r.parameter("absent"), "");
    auto body = r.json_body();
    ASSERT_TRUE(body);
    EXPECT_EQ(r.answer(*body), Sent::kSent);
  });
  Peer peer(served.port);
  peer.ask("PUT /v1/things/a%2Fb%20%C3%A9?q=x+y%26",
           "Authorization: Bearer a.b-c\r\nContent-Type: Application/JSON; charset=utf-8\r\nHeddle-Timeout-Ms: 60000\r\n"
           "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\ntracestate: a=1\r\nTraceState: b=2\r\n",
           R"({"n": 1.50})");
  const Reply reply = peer.reply();
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("content-type"), "application/json");
  EXPECT_EQ(reply.body, R"({"n": 1.50})");
}

TEST(TransportHandle, AnAnswerMayComeLaterFromAnyThread) {
  Arrivals<Request> asked;
  Served served([&](Request r) { asked.add(std::move(r)); });
  std::thread host([&] {
    for (int i = 0; i < 100; ++i) answer_as_asked(asked.next());
  });
  Peer peer(served.port);
  for (int i = 0; i < 100; ++i) {
    peer.ask("GET /v1/things/" + std::to_string(i));
    EXPECT_EQ(peer.reply().body, R"({"operation":"things.get","parameters":{"id":")" + std::to_string(i) + R"("},"bytes":0})");
  }
  host.join();
}

TEST(TransportHandle, FailuresHaveAStatusACodeAndAReason) {
  struct Row {
    heddle_status status;
    const char* code;
    uint32_t retry_after_ms;
    int http;
  };
  static constexpr Row kRows[] = {
      {HEDDLE_INVALID, "bad-thing", 0, 400},          {HEDDLE_DENIED, "unauthenticated", 0, 401}, {HEDDLE_DENIED, "scope", 0, 403},
      {HEDDLE_NOT_FOUND, "no-such-job", 0, 404},      {HEDDLE_CONFLICT, "exists", 0, 409},        {HEDDLE_INVALID, "too-large", 0, 413},
      {HEDDLE_UNSUPPORTED, "unsupported-media-type", 0, 415}, {HEDDLE_EXHAUSTED, "rate", 1500, 429}, {HEDDLE_EXHAUSTED, "full", 400, 503},
      {HEDDLE_UNAVAILABLE, "starting", 2000, 503},    {HEDDLE_DEADLINE, "deadline", 0, 504},      {HEDDLE_UNSUPPORTED, "later", 0, 501},
      {HEDDLE_INTERNAL, "bug", 0, 500},               {-77, "unheard-of", 0, 500},
  };
  Served served([](Request r) {
    const Row& row = kRows[std::stoul(std::string(r.parameter("id")))];
    r.fail(row.status, Error(row.code, "because \"so\"", ErrorClass::kRetryable), row.retry_after_ms);
  });
  Peer peer(served.port);
  for (size_t i = 0; i < std::size(kRows); ++i) {
    peer.ask("GET /v1/things/" + std::to_string(i));
    const Reply reply = peer.reply();
    EXPECT_EQ(reply.status, kRows[i].http) << kRows[i].code;
    EXPECT_EQ(reply.body, R"({"error":{"code":")" + std::string(kRows[i].code) + R"(","class":"retryable","message":"because \"so\""}})");
    EXPECT_EQ(reply.header("retry-after"), kRows[i].retry_after_ms ? std::to_string((kRows[i].retry_after_ms + 999) / 1000) : "");
    EXPECT_EQ(reply.header("www-authenticate"), kRows[i].http == 401 ? "Bearer" : "");
  }
}

TEST(TransportHandle, JsonBodiesAreRefusedWithTheirFault) {
  Served served([](Request r) {
    const auto body = r.json_body();
    if (body) r.answer(*body);
    else r.fail(body.error().code == "invalid" ? HEDDLE_INVALID : HEDDLE_UNSUPPORTED, body.error());
  });
  Peer peer(served.port);
  peer.ask("POST /v1/things", "Content-Type: application/json\r\n", "{\"a\":\n  tru}");
  Reply reply = peer.reply();
  EXPECT_EQ(reply.status, 400);
  EXPECT_NE(reply.body.find("line 2"), reply.body.npos) << reply.body;
  peer.ask("POST /v1/things", "Content-Type: text/csv\r\n", "a,b");
  EXPECT_EQ(peer.reply().status, 415);
  peer.ask("POST /v1/things");
  EXPECT_EQ(peer.reply().status, 400);
}

TEST(TransportHandle, StreamsAreWrittenAsTheirTypeSays) {
  const std::map<std::string, std::string> wanted = {
      {"application/x-ndjson", "{\"a\": 1 }\n\"two\\nlines\"\n"},
      {"text/event-stream", "data: {\"a\": 1 }\n\nevent: job\nid: 7\ndata: two\ndata: lines\n\n"},
      {"text/plain", "{\"a\": 1 }two\nlines"},
  };
  for (const auto& [type, text] : wanted) {
    Served served([type = type](Request r) {
      const Value tree = *Value::parse("{\"a\":\n1 }"), lines = *Value::string("two\nlines");
      AnswerStream stream = r.stream(type);
      const bool events = type == "text/event-stream";
      stream.send(events ? *Value::map({{"data", *Value::parse("{\"a\": 1 }")}}) : tree);
      stream.send(events ? *Value::map({{"event", *Value::string("job")}, {"id", *Value::string("7")}, {"data", lines}}) : lines);
      stream.end();
    });
    Peer peer(served.port);
    for (int again = 0; again < 2; ++again) {  // the connection is good for another request
      peer.ask("GET /v1/events");
      const Reply reply = peer.reply();
      EXPECT_EQ(reply.header("content-type"), type);
      EXPECT_EQ(reply.body, text);
    }
  }
}

TEST(TransportHandle, AStreamHasRoomForSomePartsAndForMoreOnceTheyAreTaken) {
  Arrivals<AnswerStream> streams;
  Arrivals<int> room;
  ListenLimits limits;
  Served served([&](Request r) { streams.add(r.stream("text/plain")); }, limits);
  Peer peer(served.port, 4096);
  peer.ask("GET /v1/events");
  AnswerStream stream = streams.next();
  stream.on_room([&] { room.add(1); });
  const std::string large(size_t{1} << 20, 'x');
  size_t sent = 0;
  while (stream.send(Value::bytes(large)) == Sent::kSent) ++sent;
  EXPECT_GT(sent, 0u);
  EXPECT_LT(sent, 1000u);  // nobody has read anything yet
  EXPECT_EQ(peer.head().status, 200);
  std::thread reader([&] {
    for (std::string part = peer.chunk(); !part.empty(); part = peer.chunk()) EXPECT_EQ(part.size(), large.size());
  });
  room.next();
  EXPECT_EQ(stream.send(Value::bytes(large)), Sent::kSent);
  EXPECT_EQ(stream.end(), Sent::kSent);
  reader.join();
}

TEST(TransportHandle, APeerThatHangsUpIsNoticedWhileItsAnswerIsMade) {
  Arrivals<Request> asked;
  Arrivals<int> gone;
  Served served([&](Request r) {
    r.on_gone([&] { gone.add(1); });
    asked.add(std::move(r));
  });
  Peer peer(served.port);
  peer.ask("GET /v1/things");
  Request request = asked.next();
  EXPECT_FALSE(request.is_gone());
  peer.hang_up();
  gone.next();
  EXPECT_TRUE(request.is_gone());
  EXPECT_EQ(request.answer(Value::null()), Sent::kGone);
}

TEST(TransportHandle, APeerThatHangsUpEndsItsStream) {
  Arrivals<AnswerStream> streams;
  Arrivals<int> gone;
  Served served([&](Request r) { streams.add(r.stream("text/event-stream")); });
  Peer peer(served.port);
  peer.ask("GET /v1/events");
  EXPECT_EQ(peer.head().status, 200);
  AnswerStream stream = streams.next();
  stream.on_gone([&] { gone.add(1); });
  peer.hang_up();
  gone.next();
  EXPECT_EQ(stream.send(Value::null()), Sent::kGone);
}

TEST(TransportHandle, AStreamThatBreaksOffLooksBrokenToThePeer) {
  Served served([](Request r) {
    AnswerStream stream = r.stream("application/x-ndjson");
    stream.send(Value::integer(1));
    stream.break_off(HEDDLE_UNAVAILABLE, "the store is gone");
  });
  Peer peer(served.port);
  peer.ask("GET /v1/events");
  EXPECT_EQ(peer.head().status, 200);
  EXPECT_EQ(peer.hear_all().find("0\r\n\r\n"), std::string::npos);
}

TEST(TransportHandle, TheCallersDeadlineIsKeptByTheTransport) {
  Arrivals<Request> asked;
  Served served([&](Request r) { asked.add(std::move(r)); });
  Peer peer(served.port);
  peer.ask("GET /v1/things", "Heddle-Timeout-Ms: 1\r\n");
  EXPECT_EQ(peer.reply().status, 504);
  Request late = asked.next();
  peer.ask("GET /v1/things/7", "Heddle-Timeout-Ms: 60000\r\n");  // the connection serves on
  Request second = asked.next();
  EXPECT_EQ(late.answer(Value::null()), Sent::kGone);
  EXPECT_EQ(second.answer(*Value::string("second")), Sent::kSent);
  EXPECT_EQ(peer.reply().body, "\"second\"");
}

TEST(TransportHandle, ASecondAnswerIsNamedAndNotSent) {
  Served served([](Request r) {
    EXPECT_EQ(r.answer(Value::integer(1)), Sent::kSent);
    EXPECT_EQ(r.answer(Value::integer(2)), Sent::kTwice);
  });
  Peer peer(served.port);
  peer.ask("GET /v1/things");
  EXPECT_EQ(peer.reply().body, "1");
  EXPECT_EQ(served.faults.next(), "a request for things.list was answered twice");
}

TEST(TransportHandle, ADroppedRequestIsNamedAndAnswered) {
  Served served([](Request) {});
  Peer peer(served.port);
  peer.ask("GET /v1/things");
  EXPECT_EQ(peer.reply().status, 500);
  EXPECT_EQ(served.faults.next(), "a request for things.list was dropped without an answer");
}

TEST(TransportHandle, ADroppedStreamIsNamedAndBreaksOff) {
  Served served([](Request r) { r.stream("text/plain"); });
  Peer peer(served.port);
  peer.ask("GET /v1/events");
  EXPECT_EQ(peer.hear_all().find("0\r\n\r\n"), std::string::npos);
  EXPECT_EQ(served.faults.next(), "a stream of events.watch was dropped without an end");
}

TEST(TransportHandle, RequestsOfATransportThatDiedAreGone) {
  Arrivals<Request> asked;
  Arrivals<int> gone;
  auto served = std::make_unique<Served>([&](Request r) {
    r.on_gone([&] { gone.add(1); });
    asked.add(std::move(r));
  });
  Peer peer(served->port);
  peer.ask("GET /v1/things");
  Request request = asked.next();
  served->handle.reset();
  gone.next();
  EXPECT_EQ(request.answer(Value::null()), Sent::kGone);
  EXPECT_NE(peer.reply().status, 200);
  EXPECT_TRUE(served->faults.empty());
}

TEST(TransportHandle, ClosingLetsWhatRunsEnd) {
  Arrivals<Request> asked;
  Served served([&](Request r) { asked.add(std::move(r)); });
  Peer busy(served.port), idle(served.port);
  idle.ask("GET /v1/things");
  asked.next().answer(Value::null());
  EXPECT_EQ(idle.reply().status, 200);
  busy.ask("GET /v1/things");
  Request request = asked.next();
  std::thread closing([&] { served.close(now_ns() + 60 * kNsPerSecond); });
  EXPECT_TRUE(idle.is_over());
  EXPECT_FALSE(Peer(served.port).is_connected());
  EXPECT_EQ(request.answer(Value::integer(5)), Sent::kSent);
  const Reply reply = busy.reply();
  EXPECT_EQ(reply.body, "5");
  EXPECT_EQ(reply.header("connection"), "close");
  closing.join();
}

TEST(TransportHandle, ClosingCutsWhatRunsTooLong) {
  Arrivals<Request> asked;
  Arrivals<AnswerStream> streams;
  Served served([&](Request r) {
    if (r.operation() == "events.watch") streams.add(r.stream("text/event-stream"));
    else asked.add(std::move(r));
  });
  Peer waiting(served.port), listening(served.port), silent(served.port);
  waiting.ask("GET /v1/things");
  listening.ask("GET /v1/events");
  silent.say("GET /v1/thi");
  Request request = asked.next();
  AnswerStream stream = streams.next();
  served.close(now_ns() + 1'000'000);
  EXPECT_TRUE(request.is_gone());
  EXPECT_TRUE(stream.is_gone());
  EXPECT_EQ(listening.hear_all().find("0\r\n\r\n"), std::string::npos);
}

// Every answer that the transport took is heard by a peer, also while it closes.
TEST(TransportHandle, ClosingUnderLoadLosesNoAnswer) {
  Arrivals<std::optional<Request>> asked;
  Served served([&](Request r) { asked.add(std::move(r)); });
  std::atomic<int> sent{0}, heard{0};
  std::vector<std::thread> hosts, peers;
  for (int i = 0; i < 2; ++i) {
    hosts.emplace_back([&] {
      while (std::optional<Request> request = asked.next())
        if (request->answer(Value::null()) == Sent::kSent) ++sent;
    });
  }
  std::promise<void> busy;
  for (int i = 0; i < 8; ++i) {
    peers.emplace_back([&] {
      for (Peer peer(served.port); peer.is_connected();) {
        peer.ask("GET /v1/things");
        if (peer.reply().status != 200) break;
        if (++heard == 200) busy.set_value();
      }
    });
  }
  busy.get_future().wait();
  served.close(now_ns() + 60 * kNsPerSecond);
  for (std::thread& peer : peers) peer.join();
  for (size_t i = 0; i < hosts.size(); ++i) asked.add(std::nullopt);
  for (std::thread& host : hosts) host.join();
  EXPECT_EQ(sent, heard);
  EXPECT_TRUE(served.faults.empty());
}

TEST(TransportHandle, WhatCannotBeServedSaysWhy) {
  const Catalog catalog = Catalog::scan({HEDDLE_OUR_PLUGINS});
  const CatalogEntry entry = catalog.find("transport", "http");
  ASSERT_TRUE(entry.type);
  auto refused = TransportHandle::create(entry, "api", *Value::parse(R"({"tls":{"certificate":"/nowhere.pem","key":"/nowhere.key"}})"), nullptr, LaneId{0});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text().find("/nowhere.pem"), std::string::npos);

  Served served(answer_as_asked);
  const auto listen = [&](const std::string& endpoint, std::vector<Operation> operations) {
    std::string said;
    served.handle->listen({endpoint, {}, std::move(operations)}, answer_as_asked, [&](Result<std::string> r) { said = r ? "served" : r.error().text(); });
    return said;
  };
  EXPECT_NE(listen("127.0.0.1:" + std::to_string(served.port), {}).find("in use"), std::string::npos);
  EXPECT_NE(listen("localhost", {}).find("HOST:PORT"), std::string::npos);
  EXPECT_NE(listen("127.0.0.1:99999", {}).find("HOST:PORT"), std::string::npos);
  EXPECT_NE(listen("127.0.0.1:0", {{"a", "GET", "/x/{a}"}, {"b", "GET", "/x/{b}"}}).find("method and path of a"), std::string::npos);
  EXPECT_NE(listen("127.0.0.1:0", {{"a", "BREW", "/x"}}).find("BREW"), std::string::npos);
}

}  // namespace
}  // namespace heddle
