// Streams of transport_grpc, one side against the other: order, credit from end to end, and every way to end.
#include "grpc.h"

namespace heddle {
namespace {

// A stream that the test holds.
class Held {
 public:
  explicit Held(Request request) : stream_(request.stream("application/x-ndjson")) {
    stream_.on_gone([this] { gone_.set_value(); });
  }
  AnswerStream& stream() { return stream_; }
  void wait_until_gone() { gone_.get_future().wait(); }

 private:
  std::promise<void> gone_;
  AnswerStream stream_;
};

TEST(GrpcStream, ItemsGoAndResultsComeInOrder) {
  Arrivals<Request> asked;
  GrpcServed served([&](Request r) { asked.add(std::move(r)); });
  GrpcCalling calling(served.port);
  Heard heard;
  calling.channel->call(execute_lines("1\n\n{\"a\":  2}\r\n3"), heard.hearing());
  Request request = asked.next();
  EXPECT_EQ(request.content_type(), "application/x-ndjson");
  EXPECT_EQ(request.body_text(), "");
  ASSERT_TRUE(request.has_more());
  Items items(request);
  AnswerStream stream = request.stream("application/x-ndjson");
  for (const char* item : {"1", "{\"a\":  2}", "3"}) EXPECT_EQ(items.next(), item);
  EXPECT_EQ(items.end(), "");
  for (int i = 0; i < 3; ++i) stream.send(output(i));
  stream.send(*Value::parse(R"({"failed":{"code":"x"}})"));
  stream.end();
  const RemoteAnswer answer = heard.answers.next();
  ASSERT_TRUE(answer.is_ok()) << answer.why.text();
  EXPECT_TRUE(answer.more);
  EXPECT_EQ(answer.content_type, "application/x-ndjson");
  EXPECT_EQ(heard.ends.next(), "");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(heard.parts.next().json(), output(i).json());
  EXPECT_EQ(heard.parts.next().json(), R"({"failed":{"code":"x"}})");
  EXPECT_TRUE(heard.parts.empty());
}

TEST(GrpcStream, AResultGoesBackBeforeTheNextItemComes) {
  std::string lines;
  for (int i = 0; i < 500; ++i) lines += std::to_string(i) + "\n";
  Arrivals<Request> asked;
  GrpcServed served([&](Request r) { asked.add(std::move(r)); });
  GrpcCalling calling(served.port);
  Heard heard;
  calling.channel->call(execute_lines(lines), heard.hearing(1000));
  Request request = asked.next();
  Items items(request);
  AnswerStream stream = request.stream("application/x-ndjson");
  for (int i = 0; i < 500; ++i) {
    EXPECT_EQ(items.next(), std::to_string(i));
    EXPECT_TRUE(items.none());  // what is not granted does not come
    EXPECT_EQ(stream.send(output(i)), Sent::kSent);
    EXPECT_EQ(heard.parts.next().json(), output(i).json());
  }
  EXPECT_EQ(items.end(), "");
  stream.end();
  EXPECT_EQ(heard.ends.next(), "");
}

TEST(GrpcStream, ManyItemsThatAreGrantedTogetherComeInOrder) {
  std::string lines;
  for (int i = 0; i < 5000; ++i) lines += std::to_string(i) + "\n";
  Arrivals<Request> asked;
  GrpcServed served([&](Request r) { asked.add(std::move(r)); });
  GrpcCalling calling(served.port);
  Heard heard;
  calling.channel->call(execute_lines(lines), heard.hearing());
  Request request = asked.next();
  Items items(request);
  items.grant(6000);
  for (int i = 0; i < 5000; ++i) EXPECT_EQ(items.next(), std::to_string(i));
  EXPECT_EQ(items.end(), "");
  request.stream("application/x-ndjson").end();
  EXPECT_EQ(heard.ends.next(), "");
}

TEST(GrpcStream, AnAnswerThatEndsFirstEndsTheItems) {
  Arrivals<Request> asked;
  GrpcServed served([&](Request r) { asked.add(std::move(r)); });
  GrpcCalling calling(served.port);
  Heard heard;
  calling.channel->call(execute_lines("1\n2\n3\n"), heard.hearing());
  {
    Request request = asked.next();
    Items items(request);
    EXPECT_EQ(items.next(), "1");
    request.stream("application/x-ndjson").end();
    EXPECT_EQ(heard.ends.next(), "");
    items.grant(10);
    EXPECT_TRUE(items.none());
  }
}

TEST(GrpcStream, AManifestComesBeforeItsItems) {
  Arrivals<Request> asked;
  GrpcServed served([&](Request r) { asked.add(std::move(r)); });
  GrpcCalling calling(served.port);
  Heard heard;
  RemoteCall call = execute_lines("{\"manifest\": {\"nodes\": []}}\n1\n2\n");
  call.operation = "manifests.execute";
  call.parameters.clear();
  calling.channel->call(std::move(call), heard.hearing());
  Request request = asked.next();
  EXPECT_EQ(request.operation(), "manifests.execute");
  EXPECT_EQ(request.body_text(), "{\"manifest\":{\"nodes\": []}}\n");
  Items items(request);
  EXPECT_EQ(items.next(), "1");
  EXPECT_EQ(items.next(), "2");
  EXPECT_EQ(items.end(), "");
  request.stream("application/x-ndjson").end();
  EXPECT_EQ(heard.ends.next(), "");
  EXPECT_TRUE(heard.answers.next().is_ok());
}

TEST(GrpcStream, AStreamWithoutItemsAndResultsEndsWell) {
  Arrivals<Request> asked;
  GrpcServed served([&](Request r) { asked.add(std::move(r)); });
  GrpcCalling calling(served.port);
  Heard heard;
  calling.channel->call(execute_lines(""), heard.hearing());
  Request request = asked.next();
  EXPECT_EQ(Items(request).end(), "");
  request.stream("application/x-ndjson").end();
  EXPECT_EQ(heard.ends.next(), "");
}

TEST(GrpcStream, TheCreditOfTheOneHostHoldsBackTheOther) {
  Arrivals<Request> asked;
  GrpcServed served([&](Request r) { asked.add(std::move(r)); });
  GrpcCalling calling(served.port);
  Heard heard;
  const heddle_id id = calling.channel->call(execute_lines("1"), heard.hearing(2));
  Held held(asked.next());
  EXPECT_EQ(held.stream().send(output(0)), Sent::kSent);
  EXPECT_EQ(held.stream().send(output(1)), Sent::kSent);
  EXPECT_EQ(held.stream().send(output(2)), Sent::kFull);
  for (int i = 2; i < 200; ++i) {
    std::promise<void> room;
    held.stream().on_room([&] { room.set_value(); });
    calling.channel->grant(id, 1);
    room.get_future().wait();
    EXPECT_EQ(held.stream().send(output(i)), Sent::kSent);
    EXPECT_EQ(held.stream().send(output(-1)), Sent::kFull);
  }
  held.stream().end();
  EXPECT_EQ(heard.ends.next(), "");
  for (int i = 0; i < 200; ++i) EXPECT_EQ(heard.parts.next().json(), output(i).json());
  EXPECT_TRUE(heard.parts.empty());
}

TEST(GrpcStream, AStreamThatBreaksOffIsToldFromOneThatEnds) {
  GrpcServed served([](Request r) {
    AnswerStream stream = r.stream("application/x-ndjson");
    stream.send(output(1));
    stream.break_off(HEDDLE_UNAVAILABLE, "the node is gone");
  });
  GrpcCalling calling(served.port);
  Heard heard;
  calling.channel->call(execute_lines("1"), heard.hearing());
  const std::string end = heard.ends.next();
  EXPECT_NE(end.find("the node is gone"), end.npos) << end;
  EXPECT_EQ(heard.parts.next().json(), output(1).json());
}

TEST(GrpcStream, AFailureInPlaceOfAStreamIsTheAnswer) {
  GrpcServed served([](Request r) { r.fail(HEDDLE_NOT_FOUND, Error("not-found", "there is no pipeline \"p\"")); });
  GrpcCalling calling(served.port);
  const RemoteAnswer answer = calling.ask(execute_lines("1"));
  EXPECT_EQ(answer.why.code, "not-found");
  EXPECT_EQ(answer.why.message, "there is no pipeline \"p\"");
}

TEST(GrpcStream, CancellingHereCancelsThere) {
  Arrivals<Request> asked;
  GrpcServed served([&](Request r) { asked.add(std::move(r)); });
  GrpcCalling calling(served.port);
  Heard heard;
  const heddle_id id = calling.channel->call(execute_lines("1"), heard.hearing());
  Held held(asked.next());
  held.stream().send(output(1));
  EXPECT_EQ(heard.parts.next().json(), output(1).json());
  calling.channel->cancel(id);
  held.wait_until_gone();
  EXPECT_EQ(held.stream().send(output(2)), Sent::kGone);
  const std::string end = heard.ends.next();
  EXPECT_NE(end.find("the call was given up"), end.npos) << end;
}

TEST(GrpcStream, CancellingBeforeTheAnswerCancelsThere) {
  Arrivals<Request> asked;
  GrpcServed served([&](Request r) { asked.add(std::move(r)); });
  GrpcCalling calling(served.port);
  for (const RemoteCall& call : {execute("1"), execute_lines("1")}) {
    Heard heard;
    const heddle_id id = calling.channel->call(call, heard.hearing());
    Request request = asked.next();
    std::promise<void> gone;
    request.on_gone([&] { gone.set_value(); });
    calling.channel->cancel(id);
    gone.get_future().wait();
    EXPECT_EQ(heard.answers.next().why.code, "cancelled");
    EXPECT_EQ(request.answer(executed(1)), Sent::kGone);
  }
}

TEST(GrpcStream, ADeadlinePassesOnBothSides) {
  Arrivals<Request> asked;
  GrpcServed served([&](Request r) { asked.add(std::move(r)); });
  GrpcCalling calling(served.port);
  for (RemoteCall call : {execute("1"), execute_lines("1")}) {
    call.deadline_ns = now_ns() + 300 * kNsPerMs;
    Heard heard;
    calling.channel->call(call, heard.hearing());
    const RemoteAnswer answer = heard.answers.next();
    EXPECT_EQ(answer.why.code, "deadline") << answer.why.message;
    EXPECT_EQ(answer.status, HEDDLE_DEADLINE);
    if (asked.empty()) continue;  // a busy machine sent nothing in time
    Request request = asked.next();
    std::promise<void> gone;
    request.on_gone([&] { gone.set_value(); });
    gone.get_future().wait();
  }
}

TEST(GrpcStream, ADeadlineInAStreamIsItsEnd) {
  Arrivals<Request> asked;
  GrpcServed served([&](Request r) { asked.add(std::move(r)); });
  GrpcCalling calling(served.port);
  RemoteCall call = execute_lines("1");
  call.deadline_ns = now_ns() + 2 * kNsPerSecond;
  Heard heard;
  calling.channel->call(call, heard.hearing());
  Held held(asked.next());
  held.stream().send(output(1));
  const std::string end = heard.ends.next();
  EXPECT_NE(end.find("deadline"), end.npos) << end;
  held.wait_until_gone();
}

TEST(GrpcStream, DisconnectingGivesUpWhatIsOpen) {
  Arrivals<Request> asked;
  GrpcServed served([&](Request r) { asked.add(std::move(r)); });
  Heard unary, streamed;
  std::deque<Request> open;
  {
    GrpcCalling calling(served.port);
    calling.channel->call(execute("1"), unary.hearing());
    calling.channel->call(execute_lines("1"), streamed.hearing());
    open.push_back(asked.next());
    open.push_back(asked.next());
    calling.disconnect();
  }
  EXPECT_EQ(unary.answers.next().why.code, "cancelled");
  EXPECT_EQ(streamed.answers.next().why.code, "cancelled");
  for (Request& r : open) {
    std::promise<void> gone;
    r.on_gone([&] { gone.set_value(); });
    gone.get_future().wait();
  }
}

}  // namespace
}  // namespace heddle
