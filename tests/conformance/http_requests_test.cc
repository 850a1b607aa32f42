// What transport_http makes of requests, good ones and hostile ones.
#include <gtest/gtest.h>

#include <thread>

#include "log.h"
#include "served.h"

namespace heddle {
namespace {

// One request on a connection of its own; `text` is everything the peer says.
Reply reply_to(int port, const std::string& text) {
  Peer peer(port);
  peer.say(text);
  return peer.reply();
}

struct Wanted {
  std::string what;
  std::string text;
  int status;
};

const std::string kLine = "GET /v1/things HTTP/1.1\r\nHost: localhost\r\n";
const std::string kPost = "POST /v1/things HTTP/1.1\r\nHost: localhost\r\n";

TEST(HttpRequests, AConnectionServesManyRequests) {
  Served served(answer_as_asked);
  Peer peer(served.port);
  for (int i = 0; i < 50; ++i) {
    peer.ask("POST /v1/things", "", std::string(static_cast<size_t>(i + 1), 'x'));
    EXPECT_EQ(peer.reply().body, R"({"operation":"things.add","parameters":{},"bytes":)" + std::to_string(i + 1) + "}");
    peer.ask("DELETE /v1/things/7");
    EXPECT_EQ(peer.reply().status, 200);
  }
}

TEST(HttpRequests, HeadOptionsAndWrongMethodsAreAnsweredByTheRoutes) {
  Served served(answer_as_asked);
  Peer peer(served.port);
  peer.ask("HEAD /v1/things");
  Reply reply = peer.reply(false);
  EXPECT_EQ(reply.status, 200);
  EXPECT_NE(reply.header("content-length"), "0");
  peer.ask("HEAD /v1/events");
  reply = peer.reply(false);
  EXPECT_EQ(reply.header("content-type"), "application/x-ndjson");
  peer.ask("OPTIONS /v1/things");
  reply = peer.reply();
  EXPECT_EQ(reply.status, 204);
  EXPECT_EQ(reply.header("allow"), "GET, HEAD, POST, OPTIONS");
  peer.ask("OPTIONS *");
  EXPECT_EQ(peer.reply().status, 204);
  peer.ask("PATCH /v1/things/7");
  reply = peer.reply();
  EXPECT_EQ(reply.status, 405);
  EXPECT_EQ(reply.header("allow"), "GET, HEAD, PUT, DELETE, OPTIONS");
  EXPECT_NE(reply.body.find("\"code\":\"method-not-allowed\""), reply.body.npos) << reply.body;
  for (const char* path : {"/", "/v1", "/v1/things/", "/v1//things", "/v1/things/7/8", "/v2/things", "/v1/thing%73x"}) {
    peer.ask(std::string("GET ") + path);
    reply = peer.reply();
    EXPECT_EQ(reply.status, 404) << path;
    EXPECT_NE(reply.body.find("\"code\":\"not-found\""), reply.body.npos) << reply.body;
  }
  peer.ask("GET /v1/things/newest");  // a literal goes before a parameter
  EXPECT_NE(peer.reply().body.find("things.newest"), std::string::npos);
  peer.ask("GET http://localhost:80/v1/thing%73");
  EXPECT_NE(peer.reply().body.find("things.list"), std::string::npos);
}

TEST(HttpRequests, WhatFitsNoOperationGoesToTheOneForThat) {
  Served served(answer_as_asked, {}, "{}", Served::kOperations, "otherwise");
  Peer peer(served.port);
  peer.ask("GET /no/%7Bwhere%7D?a=1");
  EXPECT_EQ(peer.reply().body, R"({"operation":"otherwise","parameters":{"method":"GET","path":"/no/{where}","allow":""},"bytes":0})");
  peer.ask("PATCH /v1/things/7", "", "hello");
  EXPECT_EQ(peer.reply().body, R"({"operation":"otherwise","parameters":{"method":"PATCH","path":"/v1/things/7","allow":"GET, HEAD, PUT, DELETE"},"bytes":5})");
  peer.ask("OPTIONS /v1/things");
  EXPECT_EQ(peer.reply().body, R"({"operation":"otherwise","parameters":{"method":"OPTIONS","path":"/v1/things","allow":"GET, HEAD, POST"},"bytes":0})");
  peer.ask("GET /v1/things");
  EXPECT_NE(peer.reply().body.find("things.list"), std::string::npos);
}

TEST(HttpRequests, OnlyThoseThatAreMeantForThisHostAreServed) {
  const auto status = [](int port, const std::string& headers) { return reply_to(port, "GET /v1/things HTTP/1.1\r\n" + headers + "\r\n").status; };
  Served served(answer_as_asked);
  for (const char* host : {"localhost", "LOCALHOST:80", "127.0.0.1", "127.1.2.3:5", "[::1]", "[::1]:7433"}) EXPECT_EQ(status(served.port, "Host: " + std::string(host) + "\r\n"), 200) << host;
  for (const char* host : {"evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "[::2]", "[::1", ":80", "0.0.0.0", "2130706433"})
    EXPECT_EQ(status(served.port, "Host: " + std::string(host) + "\r\n"), 403) << host;
  EXPECT_EQ(status(served.port, "Host: localhost:1\r\nOrigin: http://localhost:1\r\n"), 200);
  for (const char* origin : {"null", "http://localhost:2", "http://localhost", "ftp://localhost:1", "http://localhost:1.evil.example", "localhost:1", "http://localhost:1/"})
    EXPECT_EQ(status(served.port, "Host: localhost:1\r\nOrigin: " + std::string(origin) + "\r\n"), 403) << origin;
  Served named(answer_as_asked, {}, R"({"hosts":["api.Example.org"]})");
  EXPECT_EQ(status(named.port, "Host: api.example.org\r\n"), 200);
  EXPECT_EQ(status(named.port, "Host: localhost\r\n"), 200);
  EXPECT_EQ(status(named.port, "Host: example.org\r\n"), 403);
}

TEST(HttpRequests, TheLastEventOfAStreamThatBrokeOffIsHandedOn) {
  Arrivals<std::string> asked;
  Served served([&](Request r) {
    asked.add(r.parameters().json());
    r.answer(Value::null());
  });
  Peer peer(served.port);
  for (const char* target : {"GET /v1/events", "GET /v1/events?last-event-id=3", "GET /v1/things"}) {
    peer.ask(target, "Last-Event-ID: 17\r\n");
    peer.reply();
  }
  EXPECT_EQ(asked.next(), R"({"last-event-id":"17"})");
  EXPECT_EQ(asked.next(), R"({"last-event-id":"3"})");
  EXPECT_EQ(asked.next(), "{}");
}

TEST(HttpRequests, MetadataIsHandedOnOrRefused) {
  Served served([](Request r) { r.answer(r.metadata() ? r.metadata() : Value::null()); });
  Peer peer(served.port);
  const auto ask = [&](const std::string& headers) {
    peer.ask("GET /v1/things", headers);
    return peer.reply();
  };
  EXPECT_EQ(ask("").body, "null");
  EXPECT_EQ(ask("Heddle-Timeout-Ms: 60000\r\n").body, "null");
  EXPECT_EQ(ask("HEDDLE-Attempt: 2\r\nheddle-chain: a b\r\n").body, R"({"attempt":"2","chain":"a b"})");
  const Reply twice = ask("Heddle-A: 1\r\nheddle-a: 2\r\n");
  EXPECT_EQ(twice.status, 400);
  EXPECT_NE(twice.body.find("is there twice"), twice.body.npos) << twice.body;
  for (const std::string& wrong : {std::string("heddle-a_b: 1\r\n"), std::string("heddle-: 1\r\n"), "heddle-" + std::string(65, 'n') + ": 1\r\n", std::string("heddle-a: \xc3\xa9\r\n")})
    EXPECT_EQ(ask(wrong).status, 400) << wrong;
  std::string many;
  for (int i = 0; i < 32; ++i) many += "heddle-" + std::to_string(i) + ": x\r\n";
  EXPECT_EQ(ask(many).status, 200);
  EXPECT_EQ(ask(many + "heddle-more: x\r\n").status, 431);
  const std::string half(4096, 'x');
  EXPECT_EQ(ask("heddle-a: " + half + "\r\nheddle-b: " + half + "\r\n").status, 431);
}

TEST(HttpRequests, ParametersAreDecodedOrRefused) {
  Served served(answer_as_asked);
  Peer peer(served.port);
  peer.ask("GET /v1/things/%7B%22x%22%2F%C3%BC%7D?a=1%2B1&b=&c&d=x+y&&e=%25");
  EXPECT_EQ(peer.reply().body,
            R"({"operation":"things.get","parameters":{"id":"{\"x\"/ü}","a":"1+1","b":"","c":"","d":"x y","e":"%"},"bytes":0})");
  for (const char* target : {"/v1/things/%", "/v1/things/%4", "/v1/things/%zz", "/v1/things/%00", "/v1/things/%ff", "/v1/things/%c0%af",
                             "/v1/things/%ed%a0%80", "/v1/things?a=%f5", "/v1/things?a=1&a=2", "/v1/things?=1", "/v1/things/7?id=8"}) {
    peer.ask(std::string("GET ") + target);
    const Reply reply = peer.reply();
    EXPECT_EQ(reply.status, 400) << target;
    EXPECT_NE(reply.body.find("\"code\":\"invalid\""), reply.body.npos) << reply.body;
  }
}

TEST(HttpRequests, ChunkedBodiesAreTaken) {
  Served served(answer_as_asked);
  Peer peer(served.port);
  for (int again = 0; again < 2; ++again) {
    peer.say(kPost + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n");
    EXPECT_NE(peer.reply().body.find("\"bytes\":21"), std::string::npos);
  }
}

// After each of them the connection ends: what follows cannot be told from the rest of the request.
TEST(HttpRequests, WhatIsNoRequestIsRefusedAndTheConnectionEnds) {
  ListenLimits limits;
  limits.body_bytes = 1000;
  Served served(answer_as_asked, limits);
  const std::string long_name(9000, 'a');
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "X-" + std::to_string(i) + ": " + std::string(40, 'v') + "\r\n";
  const std::vector<Wanted> all = {
      {"no HTTP", "hello\r\n\r\n", 400},
      {"binary", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\n\r\n\r\n", 12), 400},
      {"an unknown method", "BREW /v1/things HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
      {"an unknown version", "GET /v1/things HTTP/3.7\r\nHost: localhost\r\n\r\n", 400},
      {"no host", "GET /v1/things HTTP/1.1\r\n\r\n", 400},
      {"two hosts", kLine + "Host: there\r\n\r\n", 400},
      {"a header without colon", kLine + "nonsense\r\n\r\n", 400},
      {"a header without name", kLine + ": x\r\n\r\n", 400},
      {"a space before the colon", kPost + "Content-Length : 5\r\n\r\nhello", 400},
      {"a folded line", kLine + "X: a\r\n b\r\n\r\n", 400},
      {"a line with a mere LF", kLine + "X: a\n\r\n", 400},
      {"a CR in a line", kLine + "X: a\rb\r\n\r\n", 400},
      {"a NUL", kLine + std::string("X: a\0b\r\n\r\n", 11), 400},
      {"a long target", "GET /" + long_name + " HTTP/1.1\r\nHost: localhost\r\n\r\n", 414},
      {"a target without end", "GET /" + std::string(40'000, 'a'), 414},
      {"a long header", kLine + "X: " + long_name + "\r\n\r\n", 431},
      {"many headers", kLine + many + "\r\n", 431},
      {"a body of GET", kLine + "Content-Length: 5\r\n\r\nhello", 400},
      {"two lengths", kPost + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400},
      {"a length and chunks", kPost + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"a negative length", kPost + "Content-Length: -5\r\n\r\nhello", 400},
      {"a length that is none", kPost + "Content-Length: 5, 5\r\n\r\nhello", 400},
      {"a length beyond numbers", kPost + "Content-Length: 99999999999999999999999\r\n\r\n", 400},
      {"too long a body", kPost + "Content-Length: 1001\r\n\r\n" + std::string(1001, 'x'), 413},
      {"far too long a body", kPost + "Content-Length: 18446744073709551615\r\n\r\n", 413},
      {"too long chunks", kPost + "Transfer-Encoding: chunked\r\n\r\n3e9\r\n" + std::string(1001, 'x') + "\r\n0\r\n\r\n", 413},
      {"a chunk beyond numbers", kPost + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nx", 400},
      {"chunks that are none", kPost + "Transfer-Encoding: chunked\r\n\r\nxyz\r\nhello\r\n0\r\n\r\n", 400},
      {"gzip, chunked", kPost + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
      {"a packed body", kPost + "Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello", 415},
      {"chunks to DELETE", "DELETE /v1/things/7 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411},
      {"a body for nobody", "POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello", 404},
      {"a deadline that is none", kPost + "Heddle-Timeout-Ms: soon\r\nContent-Length: 5\r\n\r\nhello", 400},
  };
  for (const Wanted& wanted : all) {
    Peer peer(served.port);
    peer.say(wanted.text);
    const Reply reply = peer.reply();
    EXPECT_EQ(reply.status, wanted.status) << wanted.what;
    EXPECT_EQ(reply.body.substr(0, 18), R"({"error":{"code":")") << wanted.what << ": " << reply.body;
    EXPECT_EQ(reply.header("connection"), "close") << wanted.what;
    EXPECT_TRUE(peer.is_over()) << wanted.what;
  }
  EXPECT_EQ(reply_to(served.port, kLine + "\r\n").status, 200);  // it serves on
  EXPECT_TRUE(served.faults.empty());
}

TEST(HttpRequests, PipelinedRequestsAreAnsweredInOrderUntilGarbageComes) {
  Served served(answer_as_asked);
  Peer peer(served.port);
  const auto get = [](int i) { return "GET /v1/things/" + std::to_string(i) + " HTTP/1.1\r\nHost: localhost\r\n\r\n"; };
  peer.say(get(1) + get(2) + "POST /v1/things HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc" + get(3) + "\x01\x02garbage\r\n\r\n" + get(4));
  EXPECT_NE(peer.reply().body.find("\"1\""), std::string::npos);
  EXPECT_NE(peer.reply().body.find("\"2\""), std::string::npos);
  EXPECT_NE(peer.reply().body.find("\"bytes\":3"), std::string::npos);
  EXPECT_NE(peer.reply().body.find("\"3\""), std::string::npos);
  EXPECT_EQ(peer.reply().status, 400);
  EXPECT_TRUE(peer.is_over());
}

TEST(HttpRequests, OneWhoAsksBeforeSendingIsToldToContinueOrNot) {
  ListenLimits limits;
  limits.body_bytes = 1000;
  Served served(answer_as_asked, limits);
  Peer peer(served.port);
  peer.say(kPost + "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(peer.hear("\r\n\r\n").substr(0, 12), "HTTP/1.1 100");
  peer.say("hello");
  EXPECT_NE(peer.reply().body.find("\"bytes\":5"), std::string::npos);
  peer.say(kPost + "Expect: 100-continue\r\nContent-Length: 1001\r\n\r\n");
  EXPECT_EQ(peer.reply().status, 413);
  EXPECT_TRUE(peer.is_over());
  EXPECT_EQ(reply_to(served.port, "POST /nowhere HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n").status, 404);
}

TEST(HttpRequests, AnOldPeerGetsAStreamThatEndsWithTheConnection) {
  Served served(answer_as_asked);
  EXPECT_EQ(reply_to(served.port, "GET /v1/events HTTP/1.0\r\n\r\n").body, "0\n1\n2\n");
  Peer peer(served.port);
  peer.say("GET /v1/things HTTP/1.0\r\n\r\n");
  EXPECT_EQ(peer.reply().status, 200);
  EXPECT_TRUE(peer.is_over());
}

TEST(HttpRequests, TheLastAnswerIsHeardThoughMoreWasSaidThanIsRead) {
  Served served(answer_as_asked);
  for (int i = 0; i < 50; ++i) {
    Peer peer(served.port);
    peer.ask("GET /v1/things", "Connection: close\r\n");
    peer.say(std::string(100'000, '\n'));
    EXPECT_EQ(peer.reply().status, 200);
  }
}

TEST(HttpRequests, AnswersAreWholeAndUnpackedWhateverIsAskedFor) {
  Served served(answer_as_asked);
  Peer peer(served.port);
  peer.ask("GET /v1/things", "Range: bytes=0-3\r\nAccept-Encoding: gzip, br\r\n");
  const Reply reply = peer.reply();
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("content-encoding"), "");
  EXPECT_EQ(reply.body, R"({"operation":"things.list","parameters":{},"bytes":0})");
}

TEST(HttpRequests, WhatIsNoBearerTokenIsNone) {
  Arrivals<std::string> tokens;
  Served served([&](Request r) {
    tokens.add(r.token());
    r.answer(Value::null());
  });
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"Authorization: bearer  t0ken\r\n", "t0ken"}, {"Authorization: Basic dXNlcjpw\r\n", ""},
      {"Authorization: Bearer a b\r\n", ""},         {"Authorization: Bearer \xff\xfe\r\n", ""},
      {"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n", ""}, {"Authorization: Bearer\r\n", ""}, {"", ""},
  };
  Peer peer(served.port);
  for (const auto& [header, token] : rows) {
    peer.ask("GET /v1/things", header);
    EXPECT_EQ(peer.reply().status, 200);
    EXPECT_EQ(tokens.next(), token) << header;
  }
}

TEST(HttpRequests, NoTokenIsEverLogged) {
  static std::mutex mutex;
  static std::string lines;
  log::set_level(log::Level::kDebug);
  log::set_sink(
      [](void*, const log::Line& line) {
        std::lock_guard lock(mutex);
        lines.append(log::text_of(line)).append("\n");
      },
      nullptr);
  {
    Served served([](Request r) {
      if (r.operation() == "things.list") r.answer(Value::null());
    });
    const std::string secret = "Authorization: Bearer s3cret-t0ken\r\n\r\n";
    EXPECT_EQ(reply_to(served.port, kLine + secret).status, 200);
    EXPECT_EQ(reply_to(served.port, "GET /v1/things/7 HTTP/1.1\r\nHost: localhost\r\n" + secret).status, 500);
    EXPECT_EQ(reply_to(served.port, "BREW / HTTP/1.1\r\n" + secret).status, 400);
  }
  log::set_sink(nullptr, nullptr);
  log::set_level(log::Level::kWarn);
  std::lock_guard lock(mutex);
  EXPECT_EQ(lines.find("s3cret"), lines.npos) << lines;
}

}  // namespace
}  // namespace heddle
