// What the client's side of transport_http makes of peers that are absent, silent, gone, no heddle, or no HTTP at all.
#include <ctime>

#include "calling.h"

namespace heddle {
namespace {

const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";

// Has one call answered with `text`, after which the connection is closed or, if `stays`, left open.
RemoteAnswer answered_with(const std::string& text, const std::string& operation = "things.list", bool stays = false, ChannelOptions options = {}) {
  Scripted scripted;
  options.endpoint = "127.0.0.1:" + std::to_string(scripted.port);
  Calling calling(options);
  Heard heard;
  calling.channel->call({.operation = operation}, heard.hearing());
  Played peer = scripted.take();
  EXPECT_NE(peer.head(), "");
  peer.say(text);
  if (!stays) peer.hang_up();
  RemoteAnswer answer = heard.answers.next();
  if (answer.more) {
    answer.why.message = heard.ends.next();
    answer.body = Value::list({});
    std::vector<Value> parts;
    while (!heard.parts.empty()) parts.push_back(heard.parts.next());
    answer.body = Value::list(std::move(parts));
  }
  return answer;
}

bool says(const RemoteAnswer& answer, std::string_view code, std::string_view words) {
  const bool fits = answer.why.code == code && answer.why.message.find(words) != std::string::npos;
  if (!fits) ADD_FAILURE() << answer.why.code << ": " << answer.why.message;
  return fits;
}

TEST(HttpClientFaults, APortThatRefuses) {
  Scripted scripted;
  scripted.stop();
  Calling calling(scripted.port);
  const RemoteAnswer answer = calling.ask("things.list");
  EXPECT_TRUE(says(answer, "unreachable", "cannot reach 127.0.0.1:" + std::to_string(scripted.port) + ": Connection refused"));
  EXPECT_EQ(answer.status, HEDDLE_UNAVAILABLE);
  EXPECT_EQ(answer.why.error_class, ErrorClass::kRetryable);
  EXPECT_TRUE(answer.unsent);
  EXPECT_NE(calling.probe().find("Connection refused"), std::string::npos);
}

TEST(HttpClientFaults, ANameThatDoesNotResolve) {
  Calling calling(ChannelOptions{.endpoint = "nowhere.invalid:80", .operations = {}, .connect_ms = 5000});
  const RemoteAnswer answer = calling.ask("things.list");
  EXPECT_TRUE(says(answer, "unreachable", "cannot reach nowhere.invalid:80: "));
  EXPECT_TRUE(answer.unsent);
}

TEST(HttpClientFaults, ANameWithSeveralAddressesIsTriedUntilOneAnswers) {
  Served served(answer_as_asked);  // on 127.0.0.1; "localhost" is often ::1 first
  Calling calling(ChannelOptions{.endpoint = "localhost:" + std::to_string(served.port), .operations = {}});
  const RemoteAnswer answer = calling.ask("things.list");
  EXPECT_TRUE(answer.is_ok()) << answer.why.text();
}

// Nobody takes the connections: the kernel answers for a few of them, the others stay unanswered.
TEST(HttpClientFaults, APeerThatTakesNoConnectionIsNotWaitedForBeyondTheLimit) {
  Scripted scripted(0);
  Calling calling(ChannelOptions{.endpoint = "127.0.0.1:" + std::to_string(scripted.port), .operations = {}, .connect_ms = 30});
  Heard heard;
  for (int i = 0; i < 8; ++i) calling.channel->call({.operation = "things.list"}, heard.hearing());
  const RemoteAnswer answer = heard.answers.next();
  EXPECT_TRUE(says(answer, "unreachable", "there is no connection within 30 ms"));
  EXPECT_TRUE(answer.unsent);
  calling.disconnect();
  EXPECT_EQ(heard.answered, 8);
}

// Calls until the request was sent before its deadline: a busy machine may need several attempts.
RemoteAnswer late_answer(Calling& calling, Heard& heard, const RemoteCall& call) {
  for (;;) {
    RemoteCall again = call;
    again.deadline_ns = now_ns() + 100'000'000;
    calling.channel->call(std::move(again), heard.hearing());
    RemoteAnswer answer = heard.answers.next();
    if (!answer.unsent) return answer;
    EXPECT_EQ(answer.why.code, "deadline");
  }
}

TEST(HttpClientFaults, ASilentPeerIsHeldToTheDeadline) {
  for (const char* text : {"", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"}) {
    const Repeating silent(text);
    Calling calling(silent.port());
    Heard heard;
    const RemoteAnswer answer = late_answer(calling, heard, {.operation = "things.list"});
    EXPECT_TRUE(says(answer, "deadline", "has not answered when the deadline passed")) << text;
    EXPECT_EQ(answer.status, HEDDLE_DEADLINE);
    EXPECT_EQ(answer.why.error_class, ErrorClass::kRetryable);
  }
}

TEST(HttpClientFaults, AStreamThatStandsStillIsHeldToTheDeadline) {
  const Repeating peer("HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n1\n\r\n");
  Calling calling(peer.port());
  Heard heard;
  while (!late_answer(calling, heard, {.operation = "events.watch"}).more) continue;
  const std::string end = heard.ends.next();
  EXPECT_NE(end.find("has not ended its answer when the deadline passed"), end.npos) << end;
}

TEST(HttpClientFaults, APeerThatTakesNoRequestIsHeldToTheDeadline) {
  const Scripted scripted;
  Calling calling(scripted.port);
  Heard heard;
  const RemoteAnswer answer = late_answer(calling, heard, {.operation = "things.add", .body = Value::bytes(std::string(size_t{32} << 20, 'x'))});
  EXPECT_EQ(answer.why.code, "deadline");
}

TEST(HttpClientFaults, APeerThatIsNoHttpIsQuoted) {
  RemoteAnswer answer = answered_with("SSH-2.0-OpenSSH_9.2\r\n", "things.list", true);
  EXPECT_TRUE(says(answer, "not-understood", "does not speak HTTP/1.1: it says \"SSH-2.0-OpenSSH_9.2..\""));
  EXPECT_EQ(answer.status, HEDDLE_UNSUPPORTED);
  EXPECT_EQ(answer.why.error_class, ErrorClass::kPermanent);
  EXPECT_TRUE(says(answered_with(std::string("\x15\x03\x01\0\x02\xff", 6), "things.list", true), "not-understood", "it says \""));
  EXPECT_TRUE(says(answered_with("HTTP/2 200\r\n\r\n", "things.list", true), "not-understood", "HTTP/1.1"));
  EXPECT_TRUE(says(answered_with("HTTP/1.1 200 OK\nContent-Length: 0\n\n", "things.list", true), "not-understood", "HTTP/1.1"));
}

TEST(HttpClientFaults, APeerThatSaysTooMuchIsStopped) {
  EXPECT_TRUE(says(answered_with("HTTP/1.1 200 " + std::string(9000, 'x'), "things.list", true), "not-understood", "too large"));
  std::string headers;
  for (int i = 0; i < 2000; ++i) headers += "X-" + std::to_string(i) + ": 0123456789\r\n";
  EXPECT_TRUE(says(answered_with("HTTP/1.1 200 OK\r\n" + headers, "things.list", true), "not-understood", "too large"));
  EXPECT_TRUE(says(answered_with(kOk + "Transfer-Encoding: chunked\r\n\r\n2;" + std::string(100'000, 'x'), "things.list", true), "not-understood", "without anything"));
  ChannelOptions small;
  small.most_body_bytes = 10;
  EXPECT_TRUE(answered_with(kOk + "Content-Length: 10\r\n\r\n0123456789", "things.list", true, small).is_ok());
  for (const char* body : {"Content-Length: 11\r\n\r\n0123456789a", "Transfer-Encoding: chunked\r\n\r\n8\r\n01234567\r\n8\r\n01234567\r\n", "\r\n0123456789abcdef"})
    EXPECT_TRUE(says(answered_with(kOk + body, "things.list", true, small), "too-large", "has more than the 10 bytes that are taken")) << body;
  const std::string lines = "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n\r\n1234\n5678\n\"0123456789abc";
  const RemoteAnswer streamed = answered_with(lines, "events.watch", true, small);
  EXPECT_EQ(streamed.body.json(), "[1234,5678]");  // the limit is that of one part
  EXPECT_NE(streamed.why.message.find("a part of the answer of "), std::string::npos) << streamed.why.message;
}

TEST(HttpClientFaults, APeerThatClosesInTheMiddle) {
  EXPECT_TRUE(says(answered_with(""), "connection-lost", "ended the connection before it answered"));
  for (const char* text : {"HTTP/1.1 20", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"}) {
    const RemoteAnswer answer = answered_with(text);
    EXPECT_TRUE(says(answer, "connection-lost", "ended the connection in the middle of its answer")) << text;
    EXPECT_EQ(answer.status, HEDDLE_UNAVAILABLE);
    EXPECT_FALSE(answer.unsent);
  }
  Scripted scripted;
  Calling calling(scripted.port);
  Heard heard;
  calling.channel->call({.operation = "things.list"}, heard.hearing());
  {
    Played peer = scripted.take();
    peer.head();
    peer.reset();
  }
  EXPECT_TRUE(says(heard.answers.next(), "connection-lost", "before it answered"));
}

TEST(HttpClientFaults, WhatCannotBeTakenIsRefused) {
  EXPECT_TRUE(says(answered_with("HTTP/1.1 301 Moved\r\nLocation: http://elsewhere/\r\nContent-Length: 0\r\n\r\n", "things.list", true), "unsupported",
                   "answers 301, see \"http://elsewhere/\": redirects are not followed"));
  EXPECT_TRUE(says(answered_with(kOk + "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nxy", "things.list", true), "unsupported", "is packed (gzip)"));
  EXPECT_TRUE(says(answered_with("HTTP/1.1 103 Early Hints\r\n\r\n", "things.list", true), "not-understood", "no final answer"));
  EXPECT_TRUE(says(answered_with(kOk + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", "things.list", true), "not-understood", "not well-formed"));
  for (const char* ends : {"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                           "Content-Length: 1a\r\n\r\na", "Transfer-Encoding: gzip\r\n\r\na"})
    EXPECT_TRUE(says(answered_with(kOk + ends, "things.list", true), "not-understood", "cannot be told from its head")) << ends;
}

TEST(HttpClientFaults, FailuresOfPeersThatAreNoHeddle) {
  struct Row {
    const char* answer;
    heddle_status status;
    const char* code;
    ErrorClass error_class;
    uint32_t retry_after_ms;
  };
  static const Row kRows[] = {
      {"502 Bad Gateway\r\nContent-Length: 8\r\n\r\n<b>\xff</b>", HEDDLE_UNAVAILABLE, "unavailable", ErrorClass::kRetryable, 0},
      {"503 Service Unavailable\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", HEDDLE_UNAVAILABLE, "unavailable", ErrorClass::kRetryable, 7000},
      {"429 Slow down\r\nRetry-After: soon\r\nContent-Length: 0\r\n\r\n", HEDDLE_EXHAUSTED, "exhausted", ErrorClass::kRetryable, 0},
      {"401 Unauthorized\r\nContent-Length: 0\r\n\r\n", HEDDLE_DENIED, "unauthenticated", ErrorClass::kPermanent, 0},
      {"403 Forbidden\r\nContent-Length: 0\r\n\r\n", HEDDLE_DENIED, "denied", ErrorClass::kPermanent, 0},
      {"404 Not Found\r\nContent-Length: 0\r\n\r\n", HEDDLE_NOT_FOUND, "not-found", ErrorClass::kPermanent, 0},
      {"409 Conflict\r\nContent-Length: 0\r\n\r\n", HEDDLE_CONFLICT, "conflict", ErrorClass::kPermanent, 0},
      {"418 I'm a teapot\r\nContent-Length: 0\r\n\r\n", HEDDLE_INVALID, "invalid", ErrorClass::kPermanent, 0},
      {"500 Oops\r\nContent-Length: 2\r\n\r\n{}", HEDDLE_INTERNAL, "internal", ErrorClass::kPermanent, 0},
      {"504 Gateway Timeout\r\nContent-Length: 0\r\n\r\n", HEDDLE_DEADLINE, "deadline", ErrorClass::kRetryable, 0},
      {"599 What\r\nContent-Length: 0\r\n\r\n", HEDDLE_INTERNAL, "internal", ErrorClass::kPermanent, 0},
  };
  for (const Row& row : kRows) {
    for (const char* operation : {"things.list", "events.watch"}) {
      const RemoteAnswer answer = answered_with("HTTP/1.1 " + std::string(row.answer), operation, true);
      EXPECT_EQ(answer.status, row.status) << row.answer;
      EXPECT_EQ(answer.why.code, row.code) << row.answer;
      EXPECT_EQ(answer.why.error_class, row.error_class) << row.answer;
      EXPECT_EQ(answer.retry_after_ms, row.retry_after_ms) << row.answer;
      EXPECT_TRUE(answer.why.message.starts_with("the peer answered " + std::string(row.answer, 3))) << answer.why.message;
    }
  }
  EXPECT_TRUE(says(answered_with("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 8\r\n\r\n<b>\xff</b>"), "unavailable", "the peer answered 502 Bad Gateway: <b>.</b>"));
  char date[64];
  const time_t in_an_hour = ::time(nullptr) + 3600;
  tm parts{};
  std::strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", ::gmtime_r(&in_an_hour, &parts));
  const RemoteAnswer answer = answered_with("HTTP/1.1 503 Busy\r\nRetry-After: " + std::string(date) + "\r\nContent-Length: 0\r\n\r\n");
  EXPECT_GT(answer.retry_after_ms, 3000u * 1000);
  EXPECT_LE(answer.retry_after_ms, 3600u * 1000);
}

TEST(HttpClientFaults, AnswersOfOtherServersAreRead) {
  const RemoteAnswer old = answered_with("HTTP/1.0 200 OK\r\nContent-Type: Application/JSON; charset=utf-8\r\n\r\n[1]");
  ASSERT_TRUE(old.is_ok()) << old.why.text();
  EXPECT_EQ(old.content_type, "application/json");
  EXPECT_EQ(old.json()->json(), "[1]");
  const RemoteAnswer nothing = answered_with("HTTP/1.1 204 No Content\r\n\r\n", "things.list", true);
  EXPECT_TRUE(nothing.is_ok()) << nothing.why.text();
  EXPECT_FALSE(nothing.body);
  const RemoteAnswer empty = answered_with("HTTP/1.1 204 No Content\r\n\r\n", "events.watch", true);
  EXPECT_EQ(empty.why.message, "");
  EXPECT_EQ(empty.body.size(), 0u);
  const RemoteAnswer continued = answered_with("HTTP/1.1 100 Continue\r\n\r\n" + kOk + "Content-Length: 1\r\n\r\n5", "things.list", true);
  ASSERT_TRUE(continued.is_ok()) << continued.why.text();
  EXPECT_EQ(continued.json()->json(), "5");
  const RemoteAnswer unnamed = answered_with("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]");
  EXPECT_EQ(unnamed.content_type, "application/octet-stream");
}

TEST(HttpClientFaults, EventsOfOtherServersAreRead) {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\n";
  const RemoteAnswer answer = answered_with(head + "\xef\xbb\xbf: hello\r\n\r\ndata\r\n\r\nretry: 5\nid: 1\ndata:a\ndata: b\r\rid\nevent: x\ndata:  c\n\nevent: nothing\n\ndata: cut off\n",
                                            "events.watch");
  EXPECT_EQ(answer.body.json(), R"([{"data":""},{"id":"1","data":"a\nb"},{"event":"x","id":"","data":" c"}])");
  EXPECT_EQ(answer.why.message, "");
  const RemoteAnswer garbage = answered_with(head + "data: \xff\n\n", "events.watch", true);
  EXPECT_NE(garbage.why.message.find("a part of the answer is no text"), std::string::npos) << garbage.why.message;
}

TEST(HttpClientFaults, LinesOfOtherServersAreRead) {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n";
  const RemoteAnswer chunked = answered_with(head + "Transfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n5\r\n\": 1}\r\n5\r\n\r\n\n2\n\r\n1\r\n3\r\n0\r\n\r\n", "events.watch", true);
  EXPECT_EQ(chunked.body.json(), "[{\"a\": 1},2,3]");
  EXPECT_EQ(chunked.why.message, "");
  const RemoteAnswer wrong = answered_with(head + "\r\n1\n{\"a\": tru}\n3\n", "events.watch", true);
  EXPECT_EQ(wrong.body.json(), "[1]");
  EXPECT_NE(wrong.why.message.find("not-understood: a line of the answer is not JSON: "), std::string::npos) << wrong.why.message;
}

// The peer ends a kept connection between two calls, or just when the second comes.
TEST(HttpClientFaults, AKeptConnectionThatThePeerEndsIsReplaced) {
  struct Row {
    const char* operation;
    Texts metadata;
    bool reads_first;  // the peer reads the second request, and ends the connection then
    bool is_repeated;
  };
  const Row rows[] = {{"things.list", {}, false, true},
                      {"things.add", {}, false, true},
                      {"things.list", {}, true, true},
                      {"things.add", {}, true, false},
                      {"things.add", {{"idempotency-key", "k"}}, true, true}};
  for (const Row& row : rows) {
    Scripted scripted;
    Calling calling(scripted.port);
    Heard first, second;
    calling.channel->call({.operation = "things.list"}, first.hearing());
    Played peer = scripted.take();
    peer.head();
    peer.say(kOk + "Content-Length: 1\r\n\r\n1");
    EXPECT_TRUE(first.answers.next().is_ok());
    if (!row.reads_first) peer.hang_up();
    calling.channel->call({.operation = row.operation, .metadata = row.metadata}, second.hearing());
    if (row.reads_first) {
      EXPECT_NE(peer.head(), "");
      peer.hang_up();
    }
    if (row.is_repeated) {
      Played again = scripted.take();
      EXPECT_NE(again.head().find("/v1/things"), std::string::npos);
      again.say(kOk + "Content-Length: 1\r\n\r\n2");
      const RemoteAnswer answer = second.answers.next();
      EXPECT_TRUE(answer.is_ok()) << row.operation << ": " << answer.why.text();
    } else {
      EXPECT_TRUE(says(second.answers.next(), "connection-lost", "before it answered"));
      EXPECT_FALSE(scripted.has_waiting());
    }
  }
}

TEST(HttpClientFaults, AConnectionIsNotKeptWhereThePeerDoesNotWantItOrNobodyUsesIt) {
  for (const char* close : {"HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nmore"}) {
    Scripted scripted;
    Calling calling(scripted.port);
    Heard heard;
    calling.channel->call({.operation = "things.list"}, heard.hearing());
    Played peer = scripted.take();
    peer.head();
    peer.say(close);
    EXPECT_TRUE(heard.answers.next().is_ok());
    EXPECT_TRUE(peer.is_over()) << close;
  }
  Scripted scripted;
  Calling calling(scripted.port, R"({"keep_ms":10})");
  Heard heard;
  calling.channel->call({.operation = "things.list"}, heard.hearing());
  Played peer = scripted.take();
  peer.head();
  peer.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(heard.answers.next().is_ok());
  EXPECT_TRUE(peer.is_over());
}

// The peer refuses before it has read the request, and reads no more of it.
TEST(HttpClientFaults, ARefusalThatComesBeforeTheRequestIsWholeIsHeard) {
  Scripted scripted;
  Calling calling(scripted.port);
  Heard heard;
  calling.channel->call({.operation = "things.add", .body = Value::bytes(std::string(size_t{32} << 20, 'x'))}, heard.hearing());
  Played peer = scripted.take();
  peer.head();
  peer.say("HTTP/1.1 413 Too much\r\nContent-Length: 0\r\n\r\n");
  const RemoteAnswer answer = heard.answers.next();
  EXPECT_EQ(answer.status, HEDDLE_INVALID);
  EXPECT_EQ(answer.why.code, "too-large");
}

TEST(HttpClientFaults, AUrlsPathAndTheChannelsHeadersGoWithEveryRequest) {
  Scripted scripted;
  Calling calling(ChannelOptions{.endpoint = "http://127.0.0.1:" + std::to_string(scripted.port) + "/otlp/v2/",
                                 .operations = {{"metrics.export", "POST", "/v1/metrics"}},
                                 .headers = {{"api-key", "s3cret"}, {"Authorization", "Basic eDp5"}, {"User-Agent", "OTel"}}});
  Heard heard;
  calling.channel->call({.operation = "metrics.export", .body = Value::integer(1)}, heard.hearing());
  Played peer = scripted.take();
  const std::string head = peer.head();
  EXPECT_TRUE(head.starts_with("POST /otlp/v2/v1/metrics HTTP/1.1\r\n")) << head;
  for (const char* line : {"api-key: s3cret\r\n", "Authorization: Basic eDp5\r\n", "User-Agent: OTel\r\n", "Content-Type: application/json\r\n", "Content-Length: 1\r\n"})
    EXPECT_NE(head.find(line), head.npos) << line << " is not in " << head;
  EXPECT_EQ(head.find("User-Agent: heddle"), head.npos);
  EXPECT_NE(head.find("Host: 127.0.0.1:" + std::to_string(scripted.port) + "\r\n"), head.npos) << head;
}

}  // namespace
}  // namespace heddle
