// What the SDK promises the author of a transport, and the host; and that the fake host of transports sees what breaks the rules.
#include <gtest/gtest.h>
#include <heddle/sdk/fake_transport.h>
#include <heddle/sdk/transport.h>

HEDDLE_PLUGIN("transport_test", "1.0.0", "Apache-2.0", "Transports without a wire");

namespace {

using namespace heddle::sdk;

// A wire that ends where it begins: what the host calls comes back as the request of a peer, and its answer to that as the answer to the call.
class Loop {
 public:
  explicit Loop(const Config& config) : inbox_(config.host()), rude_(config.get<bool>("rude", false)) {}
  void deactivate() {
    if (rude_) throw Error(HEDDLE_IO, "it does not want to");
  }

  void listen(heddle_id listener, ValueRef offer, Op& op) {
    if (offer.find("endpoint").as_text() == "nowhere") throw Error(HEDDLE_INVALID, "nowhere is no place");
    listener_ = listener;
    op.complete(Value::map({{"endpoint", Value::share(offer.find("endpoint"))}}));
  }
  void answer(heddle_id exchange, Answer a) {
    if (a.status == HEDDLE_OK && a.body.is_null()) throw Error(HEDDLE_EXHAUSTED, "no memory for nothing");
    inbox_.over(exchange, HEDDLE_OK, {});
    const heddle_status status = a.status;
    inbox_.answer(call_, std::move(a));
    if (rude_) inbox_.answer(call_, Answer{});
    inbox_.over(call_, status, {});
  }
  void close(heddle_id, uint64_t, Op& op) { op.complete(); }
  void part(heddle_id, Value) {}
  void end(heddle_id, heddle_status, std::string_view) {}
  void cancel(heddle_id exchange) {
    inbox_.over(exchange, HEDDLE_CANCELLED, "given up");
    Answer a = failure("connection-lost", "it broke");
    inbox_.answer(call_, std::move(a));
    inbox_.over(call_, HEDDLE_UNAVAILABLE, "it broke");
  }
  void connect(heddle_id, ValueRef, Op& op) { op.complete(); }
  void call(heddle_id, Request r) {
    if (r.operation == "heavy") throw Error(HEDDLE_INVALID, "it is too heavy");
    call_ = r.exchange;
    Request asked = std::move(r);
    asked.exchange = exchange_ += 2;
    asked.peer = "here";
    inbox_.request(listener_, std::move(asked));
  }
  void probe(heddle_id, Op& op) { const Op forgotten = std::move(op); }
  void disconnect(heddle_id, Op& op) { op.complete(); }

 private:
  const Inbox inbox_;
  const bool rude_;
  heddle_id listener_ = 0, exchange_ = 0, call_ = 0;
};
HEDDLE_TRANSPORT(Loop, "Loop", R"("params":{"type":"object"})");

// One that serves and calls nobody.
class Server {
 public:
  explicit Server(const Config&) {}
  void listen(heddle_id, ValueRef, Op& op) { op.complete(); }
  void answer(heddle_id, Answer) {}
  void close(heddle_id, uint64_t, Op& op) { op.complete(); }
  void part(heddle_id, Value) {}
  void end(heddle_id, heddle_status, std::string_view) {}
  void cancel(heddle_id) {}
};
HEDDLE_TRANSPORT(Server, "Server", HEDDLE_NO_PARAMS);

constexpr const char* kNone = "[]";

struct TransportTest : testing::Test {
  ~TransportTest() override { EXPECT_EQ(FakeHost::live_values(), 0); }
  FakeHost host;
};

TEST_F(TransportTest, ACallGoesOutAndItsAnswerComesBack) {
  FakeTransport loop(host, "Loop");
  EXPECT_EQ(loop.listen("here", kNone).endpoint, "here");
  const auto call = loop.call(loop.connect("here", kNone), {.operation = "double", .body = "21", .parameters = R"({"a":"b"})", .metadata = R"({"c":"d"})", .token = "secret", .deadline_ns = 7});
  const auto request = loop.next_request();
  EXPECT_EQ(request.operation + request.body + request.parameters + request.metadata + request.token, R"(double21{"a":"b"}{"c":"d"}secret)");
  EXPECT_EQ(request.deadline_ns, 7u);
  loop.answer(request.id, {.body = "42"});
  EXPECT_EQ(loop.wait_over(call).answer, "42");
  EXPECT_EQ(host.faults(), std::vector<std::string>());
}

TEST_F(TransportTest, WhatACallThrowsIsItsAnswer) {
  FakeTransport loop(host, "Loop");
  const auto call = loop.wait_over(loop.call(loop.connect("here", kNone), {.operation = "heavy", .body = "1"}));
  EXPECT_EQ(call.status, HEDDLE_INVALID);
  EXPECT_EQ(call.answer, R"({"code":"invalid","class":"permanent","message":"it is too heavy"})");
  EXPECT_TRUE(call.unsent);
  EXPECT_EQ(host.faults(), std::vector<std::string>());
}

TEST_F(TransportTest, AnAnswerThatCannotBeGivenGivesTheExchangeUp) {
  FakeTransport loop(host, "Loop");
  loop.listen("here", kNone);
  const auto call = loop.call(loop.connect("here", kNone), {.operation = "double"});
  const auto request = loop.next_request();
  loop.answer(request.id, {.body = "null"});
  EXPECT_EQ(loop.wait_over(request.id).over_status, HEDDLE_CANCELLED);
  EXPECT_EQ(loop.wait_over(call).status, HEDDLE_UNAVAILABLE);
  EXPECT_EQ(host.lines(), std::vector<std::string>{"error: no memory for nothing"});
}

TEST_F(TransportTest, WhatListenThrowsIsItsAnswerAndADroppedOpHasOne) {
  FakeTransport loop(host, "Loop");
  try {
    loop.listen("nowhere", kNone);
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_EQ(e.status(), HEDDLE_INVALID);
    EXPECT_STREQ(e.what(), "nowhere is no place");
  }
  EXPECT_EQ(loop.probe(loop.connect("here", kNone)), "the plugin has dropped this without an answer");
}

TEST_F(TransportTest, TheTableHasWhatTheClassHas) {
  const auto* const factory = static_cast<const heddle_factory*>(heddle_entry_v1.get_factory(HEDDLE_KIND_TRANSPORT));
  ASSERT_EQ(factory->count(), 2u);
  const heddle_type* const type = factory->type(factory->type(0)->id == std::string_view("Server") ? 0 : 1);  // in whatever order they were linked
  EXPECT_STREQ(type->descriptor, R"({"transport":"Server","params":{"type":"object","additionalProperties":false}})");
  const FakeObject<heddle_transport> server(host, HEDDLE_KIND_TRANSPORT, "Server");
  const auto& table = server.table();
  EXPECT_TRUE(table.listen && table.answer && table.close && table.part && table.end && table.cancel);
  EXPECT_FALSE(table.connect || table.call || table.probe || table.disconnect || table.grant);
}

TEST_F(TransportTest, WhereTheHostHasNoInboxThereIsNoTransport) {
  EXPECT_THROW(FakeObject<heddle_transport>(host, HEDDLE_KIND_TRANSPORT, "Loop"), Error);
}

TEST_F(TransportTest, TheFakeHostSeesWhatBreaksTheRules) {
  {
    FakeTransport loop(host, "Loop", R"({"rude":true})");
    const auto listening = loop.listen("here", kNone);
    const auto channel = loop.connect("here", kNone);
    loop.call(channel, {.operation = "double"});
    loop.answer(loop.next_request().id, {.body = "1"});
    loop.call(channel, {.operation = "double"});
    loop.close(listening.id, 0);
    loop.disconnect(channel);
  }
  EXPECT_EQ(host.faults(), (std::vector<std::string>{"it answered a call twice", "nothing was left of it, but it never said that exchange 4 is over",
                                                     "nothing was left of it, but it never said that exchange 3 is over", "deactivate: it does not want to"}));
}

}  // namespace
