// What transport_grpc says where something goes wrong: limits, peers that are not there or not what they should be, and TLS.
#include "grpc.h"
#include "tls_files.h"

namespace heddle {
namespace {

void expect_says(const std::string& text, const std::string& what) { EXPECT_NE(text.find(what), text.npos) << text; }

TEST(GrpcFaults, WhatIsOverALimitIsRefused) {
  const std::string large = "\"" + std::string(200'000, 'x') + "\"";
  ListenLimits limits;
  limits.body_bytes = 100'000;
  std::atomic<int> asked{0};
  GrpcServed served(
      [&](Request r) {
        ++asked;
        r.answer(*Value::map({{"outputs", *Value::parse("[" + large + "]")}, {"failed", Value::list({})}}));
      },
      limits);
  GrpcCalling calling(served.port);
  EXPECT_EQ(calling.ask(execute(large)).why.code, "too-large");
  EXPECT_EQ(calling.ask(execute_lines(large)).why.code, "too-large");
  EXPECT_EQ(asked, 0);
  EXPECT_TRUE(calling.ask(execute("1")).is_ok());
  ChannelOptions options = GrpcCalling::options(served.port);
  options.most_body_bytes = 100'000;
  GrpcCalling careful(std::move(options));
  EXPECT_EQ(careful.ask(execute("1")).why.code, "too-large");
}

TEST(GrpcFaults, AHostThatIsFullSaysSoAtOnce) {
  Arrivals<Request> asked;
  ListenLimits limits;
  limits.requests = 1;
  GrpcServed served([&](Request r) { asked.add(std::move(r)); }, limits);
  GrpcCalling calling(served.port);
  Heard heard;
  calling.channel->call(execute("1"), heard.hearing());
  Request request = asked.next();
  const RemoteAnswer answer = calling.ask(execute("2"));
  EXPECT_EQ(answer.status, HEDDLE_EXHAUSTED);
  EXPECT_EQ(answer.why.code, "full");
  EXPECT_EQ(answer.retry_after_ms, 1000u);
  request.answer(executed(1));
  EXPECT_TRUE(heard.answers.next().is_ok());
}

TEST(GrpcFaults, NobodyAtThePort) {
  int port;
  {
    Scripted gone;
    port = gone.port;
  }
  GrpcCalling calling(port);
  const RemoteAnswer answer = calling.ask(execute("1"));
  EXPECT_EQ(answer.status, HEDDLE_UNAVAILABLE);
  EXPECT_EQ(answer.why.code, "unreachable");
  EXPECT_TRUE(answer.unsent);
  expect_says(answer.why.message, "127.0.0.1:" + std::to_string(port));
  expect_says(answer.why.message, "Connection refused");
  expect_says(calling.probe(), "Connection refused");
}

TEST(GrpcFaults, AHostThatComesBackIsReachedAgain) {
  Scripted there;  // keeps the port
  const int port = there.port;
  there.stop();
  GrpcCalling calling(port);
  EXPECT_EQ(calling.ask(execute("1")).why.code, "unreachable");
  const Catalog catalog = Catalog::scan({HEDDLE_OUR_PLUGINS});
  auto made = TransportHandle::create(catalog.find("transport", "grpc"), "api", *Value::parse("{}"), nullptr, LaneId{0});
  ASSERT_TRUE(made);
  (*made)->listen({"127.0.0.1:" + std::to_string(port), {}, kHostOperations}, [](Request r) { r.answer(executed(1)); },
                  [](const Result<std::string>& listening) { ASSERT_TRUE(listening) << listening.error().text(); });
  while (!calling.ask(execute("1")).is_ok()) continue;
}

TEST(GrpcFaults, ANameThatIsNotKnown) {
  ChannelOptions options = GrpcCalling::options(1);
  options.endpoint = "no-such-host.invalid:7433";
  GrpcCalling calling(std::move(options));
  const RemoteAnswer answer = calling.ask(execute("1"));
  EXPECT_EQ(answer.why.code, "unreachable");
  EXPECT_TRUE(answer.unsent);
  expect_says(answer.why.message, "no-such-host.invalid");
}

TEST(GrpcFaults, APeerThatSaysNothingIsNotWaitedForBeyondTheLimit) {
  Scripted silent;
  ChannelOptions options = GrpcCalling::options(silent.port);
  options.connect_ms = 100;
  GrpcCalling calling(std::move(options));
  const RemoteAnswer answer = calling.ask(execute("1"));
  EXPECT_EQ(answer.why.code, "unreachable") << answer.why.message;
  EXPECT_TRUE(answer.unsent);
  EXPECT_NE(calling.probe(), "");
}

TEST(GrpcFaults, APeerThatSpeaksSomethingElseIsNamed) {
  for (const char* const said : {"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "220 mail.test ready\r\n"}) {
    Scripted scripted;
    GrpcCalling calling(scripted.port);
    Heard heard;
    calling.channel->call(execute("1"), heard.hearing());
    Played peer = scripted.take();
    peer.say(said);
    const RemoteAnswer answer = heard.answers.next();
    EXPECT_EQ(answer.why.code, "not-understood") << answer.why.message;
    EXPECT_TRUE(answer.unsent);
  }
}

TEST(GrpcFaults, AConnectionThatEndsInTheMiddleIsNoticedOnBothSides) {
  Arrivals<Request> asked;
  GrpcServed served([&](Request r) { asked.add(std::move(r)); });
  for (const RemoteCall& call : {execute("1"), execute_lines("1")}) {
    Relay relay(served.port);
    GrpcCalling calling(relay.port());
    Heard heard;
    calling.channel->call(call, heard.hearing());
    Request request = asked.next();
    std::promise<void> gone;
    request.on_gone([&] { gone.set_value(); });
    relay.cut();
    const RemoteAnswer answer = heard.answers.next();
    EXPECT_EQ(answer.why.code, "connection-lost") << answer.why.message;
    EXPECT_EQ(answer.why.error_class, ErrorClass::kRetryable);
    EXPECT_FALSE(answer.unsent);
    gone.get_future().wait();
  }
}

TEST(GrpcFaults, AConnectionThatEndsInAStreamBreaksItOff) {
  Arrivals<Request> asked;
  GrpcServed served([&](Request r) { asked.add(std::move(r)); });
  Relay relay(served.port);
  GrpcCalling calling(relay.port());
  Heard heard;
  calling.channel->call(execute_lines("1"), heard.hearing());
  AnswerStream stream = asked.next().stream("application/x-ndjson");
  std::promise<void> gone;
  stream.on_gone([&] { gone.set_value(); });
  stream.send(output(1));
  EXPECT_EQ(heard.parts.next().json(), output(1).json());
  relay.cut();
  expect_says(heard.ends.next(), "the connection ended");
  gone.get_future().wait();
}

TEST(GrpcFaults, EndpointsThatAreNone) {
  const std::map<std::string, std::string> rows = {
      {"127.0.0.1", "it has no port"},        {"127.0.0.1:x", "\"x\" is no port"},   {"127.0.0.1:70000", "\"70000\" is no port"},
      {"http://a:1/x", "gRPC has no path"},   {"ftp://a:1", "its scheme is none of"}, {":1", "it has no host"},
      {"127.0.0.1:0", "port 0 cannot be reached"}, {"::1:7", "stands in brackets"},   {"http://me:secret@a:1", "no user and no password"},
  };
  for (const auto& [endpoint, why] : rows) {
    ChannelOptions options = GrpcCalling::options(1);
    options.endpoint = endpoint;
    GrpcCalling calling(std::move(options));
    EXPECT_FALSE(calling.channel) << endpoint;
    expect_says(calling.refused, why);
    EXPECT_EQ(calling.refused.find("secret"), std::string::npos);
  }
}

TEST(GrpcFaults, HeadersThatAreNone) {
  for (const Texts& headers : {Texts{{"heddle-x", "1"}}, Texts{{"grpc-timeout", "1S"}}, Texts{{"a b", "1"}}, Texts{{"x", "é"}}, Texts{{"x-bin", "1"}}}) {
    ChannelOptions options = GrpcCalling::options(1);
    options.headers = headers;
    GrpcCalling calling(std::move(options));
    EXPECT_FALSE(calling.channel);
    expect_says(calling.refused, "the header \"" + headers[0].first + "\"");
  }
}

class GrpcTls : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    files_made_ = std::make_unique<TlsFiles>();
    files_made_->make_authority("ca");
    files_made_->make_authority("stranger");
    files_made_->make("server", "ca", "IP:127.0.0.1,DNS:localhost,DNS:example.test");
    files_made_->make("elsewhere", "ca", "DNS:elsewhere.test,IP:192.0.2.1");
    files_made_->make("expired", "ca", "IP:127.0.0.1", -1);
    files_made_->make("client", "ca", "DNS:client");
    files_made_->make("intruder", "stranger", "DNS:intruder");
  }
  static void TearDownTestSuite() { files_made_.reset(); }
  ChannelOptions trusting(int port, ChannelTls tls = {}) const {
    if (tls.ca.empty()) tls.ca = files_.path("ca.pem");
    ChannelOptions options = GrpcCalling::options(port);
    options.tls = std::move(tls);
    return options;
  }
  // Of a call to a server with NAME's certificate: "" if it was answered, else the reason.
  std::string call(const std::string& name, const ChannelTls& tls = {}) const {
    GrpcServed served([](Request r) { r.answer(executed(1)); }, {}, files_.serving(name));
    GrpcCalling calling(trusting(served.port, tls));
    const RemoteAnswer answer = calling.ask(execute("1"));
    if (answer.is_ok()) return "";
    EXPECT_TRUE(answer.unsent);
    EXPECT_EQ(answer.why.code, "untrusted") << answer.why.message;
    EXPECT_EQ(answer.why.error_class, ErrorClass::kPermanent);
    EXPECT_NE(calling.probe(), "");
    return answer.why.message;
  }
  static inline std::unique_ptr<TlsFiles> files_made_;
  const TlsFiles& files_ = *files_made_;
};

TEST_F(GrpcTls, ThePeerMustProveItsName) {
  EXPECT_EQ(call("server"), "");
  EXPECT_EQ(call("server", {.server_name = "example.test"}), "");
  expect_says(call("elsewhere"), "its certificate is for another name");
  EXPECT_EQ(call("elsewhere", {.server_name = "elsewhere.test"}), "");
}

TEST_F(GrpcTls, ACertificateThatHasExpiredIsRefused) {
  expect_says(call("expired"), "its certificate has expired, or comes from an authority that is not known here");
}

TEST_F(GrpcTls, AnUnknownAuthorityIsRefused) {
  expect_says(call("server", {.ca = files_.path("stranger.pem")}), "an authority that is not known here");
  GrpcServed served([](Request r) { r.answer(executed(1)); }, {}, files_.serving("server"));
  ChannelOptions options = GrpcCalling::options(served.port);
  options.endpoint = "https://" + options.endpoint;  // with the authorities of the system
  GrpcCalling calling(std::move(options));
  EXPECT_EQ(calling.ask(execute("1")).why.code, "untrusted");
}

TEST_F(GrpcTls, APeerThatAsksForACertificateIsShownOurs) {
  Arrivals<std::string> identities;
  GrpcServed served(
      [&](Request r) {
        identities.add(r.identity());
        r.answer(executed(1));
      },
      {}, files_.serving("server", "ca"));
  const auto as = [&](const std::string& name) { return ChannelTls{.certificate = files_.path(name + ".pem"), .key = files_.path(name + ".key")}; };
  GrpcCalling known(trusting(served.port, as("client")));
  const RemoteAnswer answer = known.ask(execute("1"));
  ASSERT_TRUE(answer.is_ok()) << answer.why.text();
  EXPECT_EQ(identities.next(), "CN=client,O=heddle");
  GrpcCalling unknown(trusting(served.port, as("intruder"))), nobody(trusting(served.port));
  for (GrpcCalling* calling : {&unknown, &nobody}) {
    const RemoteAnswer refused = calling->ask(execute("1"));
    EXPECT_EQ(refused.status, HEDDLE_UNAVAILABLE) << refused.why.message;
    EXPECT_TRUE(refused.unsent);
  }
  EXPECT_TRUE(identities.empty());
}

TEST_F(GrpcTls, OneSideWithoutTls) {
  GrpcServed plain([](Request r) { r.answer(executed(1)); });
  GrpcCalling calling(trusting(plain.port));
  EXPECT_EQ(calling.ask(execute("1")).why.code, "untrusted");
  GrpcServed secure([](Request r) { r.answer(executed(1)); }, {}, files_.serving("server"));
  GrpcCalling open(secure.port);
  const RemoteAnswer answer = open.ask(execute("1"));
  EXPECT_EQ(answer.why.code, "unreachable") << answer.why.message;
}

TEST_F(GrpcTls, FilesThatAreNoneAreNamed) {
  const Catalog catalog = Catalog::scan({HEDDLE_OUR_PLUGINS});
  const auto error = [&](const std::string& certificate, const std::string& key) {
    auto made = TransportHandle::create(catalog.find("transport", "grpc"), "api",
                                        *Value::parse(R"({"tls":{"certificate":")" + certificate + R"(","key":")" + key + "\"}}"), nullptr, LaneId{0});
    return made ? std::string() : made.error().text();
  };
  expect_says(error(files_.path("gone.pem"), files_.path("server.key")), "cannot read the certificate " + files_.path("gone.pem") + ": No such file");
  expect_says(error(files_.path("server.pem"), files_.path("server.pem")), "the key " + files_.path("server.pem") + " has no PEM block of a PRIVATE KEY");
}

}  // namespace
}  // namespace heddle
