// The client's side of transport_http by TLS: whom it trusts, who trusts it, and what it says where somebody does not.
#include "calling.h"
#include "tls_files.h"

namespace heddle {
namespace {

class HttpClientTls : public ::testing::Test {
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
    return {.endpoint = "127.0.0.1:" + std::to_string(port), .operations = {}, .tls = std::move(tls)};
  }
  // Of a call to a server with NAME's certificate: "" if it was answered, else the reason.
  std::string call(const std::string& name, const ChannelTls& tls = {}) const {
    Served served(answer_as_asked, {}, files_.serving(name));
    Calling calling(trusting(served.port, tls));
    const RemoteAnswer answer = calling.ask("things.list");
    if (answer.is_ok()) return "";
    EXPECT_TRUE(answer.unsent);
    EXPECT_EQ(answer.why.code, "untrusted");
    EXPECT_EQ(answer.why.error_class, ErrorClass::kPermanent);
    EXPECT_NE(calling.probe(), "");
    return answer.why.message;
  }
  static inline std::unique_ptr<TlsFiles> files_made_;
  const TlsFiles& files_ = *files_made_;
};

TEST_F(HttpClientTls, CallsAndStreamsGoOverOneVerifiedConnection) {
  std::set<std::string> peers;
  const Value large = *Value::string(std::string(size_t{4} << 20, 'x'));
  Served served(
      [&](Request r) {
        peers.insert(r.peer());
        if (r.operation() == "things.add") return void(r.answer(r.body()));
        answer_as_asked(std::move(r));
      },
      {}, files_.serving("server"));
  Calling calling(trusting(served.port));
  for (int i = 0; i < 3; ++i) {
    const RemoteAnswer answer = calling.ask({.operation = "things.add", .body = large});
    ASSERT_TRUE(answer.is_ok()) << answer.why.text();
    EXPECT_EQ(answer.body.size(), large.json().size());
    Heard heard;
    calling.channel->call({.operation = "events.watch"}, heard.hearing());
    EXPECT_EQ(heard.ends.next(), "");
    EXPECT_EQ(heard.parts.next(), Value::integer(0));
  }
  EXPECT_EQ(peers.size(), 1u);
}

TEST_F(HttpClientTls, ThePeerMustProveItsName) {
  EXPECT_EQ(call("server"), "");
  EXPECT_EQ(call("server", {.server_name = "example.test"}), "");
  const std::string wrong = call("elsewhere");
  EXPECT_NE(wrong.find("its certificate is not for \"127.0.0.1\", but for DNS:elsewhere.test, IP Address:192.0.2.1"), wrong.npos) << wrong;
  EXPECT_EQ(call("elsewhere", {.server_name = "elsewhere.test"}), "");
}

TEST_F(HttpClientTls, ACertificateThatHasExpiredIsRefused) {
  const std::string why = call("expired");
  EXPECT_NE(why.find("its certificate, or that of its authority, has expired at 20"), why.npos) << why;
}

TEST_F(HttpClientTls, AnUnknownAuthorityIsRefused) {
  const std::string why = call("server", {.ca = files_.path("stranger.pem")});
  EXPECT_NE(why.find("its certificate comes from an authority that is not known here: name it in \"ca\""), why.npos) << why;
  Served served(answer_as_asked, {}, files_.serving("server"));
  Calling calling(ChannelOptions{.endpoint = "https://127.0.0.1:" + std::to_string(served.port), .operations = {}});  // those of the system
  EXPECT_NE(calling.ask("things.list").why.message.find("an authority that is not known here"), std::string::npos);
}

TEST_F(HttpClientTls, APeerThatAsksForACertificateIsShownOurs) {
  Served served([](Request r) { r.answer(*Value::string(r.identity())); }, {}, files_.serving("server", "ca"));
  const auto as = [&](const std::string& name) { return ChannelTls{.certificate = files_.path(name + ".pem"), .key = files_.path(name + ".key")}; };
  Calling known(trusting(served.port, as("client")));
  const RemoteAnswer answer = known.ask("things.list");
  ASSERT_TRUE(answer.is_ok()) << answer.why.text();
  EXPECT_EQ(answer.json()->json(), "\"CN=client,O=heddle\"");
  Calling unknown(trusting(served.port, as("intruder"))), nobody(trusting(served.port));
  for (Calling* calling : {&unknown, &nobody}) {
    const RemoteAnswer refused = calling->ask("things.list");
    EXPECT_FALSE(refused.is_ok());
    EXPECT_EQ(refused.why.code, "untrusted");
    EXPECT_NE(refused.why.message.find("ended the TLS connection: "), std::string::npos) << refused.why.message;
  }
}

TEST_F(HttpClientTls, APeerWithoutTlsIsNamed) {
  Served plain(answer_as_asked);
  Calling calling(trusting(plain.port));
  const RemoteAnswer answer = calling.ask("things.list");
  EXPECT_EQ(answer.why.code, "untrusted");
  EXPECT_NE(answer.why.message.find(": no TLS with it: "), std::string::npos) << answer.why.message;
  EXPECT_TRUE(answer.unsent);
  Scripted closing;
  Calling second(trusting(closing.port));
  Heard heard;
  second.channel->call({.operation = "things.list"}, heard.hearing());
  closing.take().hang_up();
  EXPECT_EQ(heard.answers.next().why.code, "connection-lost");
}

TEST_F(HttpClientTls, AHandshakeThatStandsStillIsNotWaitedForBeyondTheLimit) {
  Scripted silent;
  ChannelOptions options = trusting(silent.port);
  options.connect_ms = 30;
  Calling calling(options);
  const RemoteAnswer answer = calling.ask("things.list");
  EXPECT_EQ(answer.why.code, "unreachable");
  EXPECT_NE(answer.why.message.find("no connection within 30 ms"), std::string::npos) << answer.why.message;
}

// Whoever cuts the connection cannot make a part of an answer look like the whole.
TEST_F(HttpClientTls, AnAnswerThatIsCutShortIsNoAnswer) {
  Served served([](Request r) { r.stream("text/plain").break_off(HEDDLE_UNAVAILABLE, "no more"); }, {}, files_.serving("server"));
  Calling calling(trusting(served.port));
  Heard heard;
  calling.channel->call({.operation = "events.watch"}, heard.hearing());
  EXPECT_NE(heard.ends.next(), "");
}

}  // namespace
}  // namespace heddle
