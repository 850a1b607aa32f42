// How transport_http bears peers that are slow, many, gone, or silent; and TLS.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <thread>

#include "served.h"
#include "tls_files.h"

namespace heddle {
namespace {

const std::string kPost = "POST /v1/things HTTP/1.1\r\nHost: localhost\r\n";

TEST(HttpConnections, APeerThatDripsItsHeadIsCutOff) {
  ListenLimits limits;
  limits.header_ms = 50;
  Served served(answer_as_asked, limits);
  for (const char* begin : {"G", "GET /v1/things HTTP/1.1\r\nHost: he"}) {
    Peer peer(served.port);
    peer.say(begin);
    const Reply reply = peer.reply();
    EXPECT_EQ(reply.status, 408);
    EXPECT_NE(reply.body.find("\"code\":\"request-timeout\""), reply.body.npos) << reply.body;
    EXPECT_TRUE(peer.is_over());
  }
}

// Every byte comes in good time, their sum does not.
TEST(HttpConnections, APeerThatDripsOneByteAfterTheOtherIsCutOff) {
  ListenLimits limits;
  limits.header_ms = 50;
  Served served(answer_as_asked, limits);
  Peer peer(served.port);
  std::atomic<bool> over{false};
  std::thread dripping([&] {
    peer.say("GET /v1/things HTTP/1.1\r\n");
    while (!over) peer.say("X: y\r\n"), std::this_thread::yield();
  });
  const Reply reply = peer.reply();
  EXPECT_TRUE(reply.status == 408 || reply.status == 431) << reply.status;
  over = true;
  dripping.join();
}

TEST(HttpConnections, APeerThatDripsItsBodyIsCutOff) {
  ListenLimits limits;
  limits.request_ms = 50;
  Served served(answer_as_asked, limits);
  for (const char* body : {"Content-Length: 10\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n5\r\nhel"}) {
    Peer peer(served.port);
    peer.say(kPost + body);
    EXPECT_EQ(peer.reply().status, 408);
    EXPECT_TRUE(peer.is_over());
  }
}

TEST(HttpConnections, ASilentPeerIsLetGoWithoutAWord) {
  ListenLimits limits;
  limits.idle_ms = 30;
  Served served(answer_as_asked, limits);
  Peer silent(served.port);
  EXPECT_TRUE(silent.is_over());
  for (int status = 0; status != 200;) {  // who speaks within that time is answered; a busy machine may need several attempts
    Peer once(served.port);
    once.ask("GET /v1/things");
    status = once.reply().status;
    ASSERT_TRUE(status == 200 || status == 0) << status;
    EXPECT_TRUE(once.is_over());
  }
}

TEST(HttpConnections, APeerThatReadsNothingLosesItsStream) {
  ListenLimits limits;
  limits.stall_ms = 50;
  Arrivals<AnswerStream> streams;
  Arrivals<int> gone;
  Served served([&](Request r) { streams.add(r.stream("text/plain")); }, limits);
  Peer peer(served.port, 4096);
  peer.ask("GET /v1/events");
  AnswerStream stream = streams.next();
  stream.on_gone([&] { gone.add(1); });
  const Value large = Value::bytes(std::string(size_t{1} << 20, 'x'));
  for (Sent sent = Sent::kSent; sent == Sent::kSent;) sent = stream.send(large);
  gone.next();
  EXPECT_EQ(stream.send(large), Sent::kGone);
}

TEST(HttpConnections, MoreConnectionsThanThereAreThreadsAreToldAtOnce) {
  Served served(answer_as_asked, {}, R"({"connections":2})");
  Peer first(served.port), second(served.port);
  for (Peer* peer : {&first, &second}) {
    peer->ask("GET /v1/things");
    EXPECT_EQ(peer->reply().status, 200);
  }
  for (int i = 0; i < 200; ++i) {
    Peer third(served.port);
    third.ask("GET /v1/things");
    const Reply reply = third.reply();
    EXPECT_EQ(reply.status, 503);
    EXPECT_EQ(reply.header("retry-after"), "1");
    EXPECT_NE(reply.body.find("\"code\":\"full\""), reply.body.npos) << reply.body;
  }
  first.ask("GET /v1/things");
  EXPECT_EQ(first.reply().status, 200);
  second.hang_up();  // and the place is free again, once that was noticed
  for (int status = 503; status != 200;) {
    Peer again(served.port);
    again.ask("GET /v1/things");
    status = again.reply().status;
    ASSERT_TRUE(status == 200 || status == 503) << status;
  }
}

TEST(HttpConnections, MoreRequestsThanTheHostTakesAreToldAtOnce) {
  ListenLimits limits;
  limits.requests = 1;
  Arrivals<Request> asked;
  Served served([&](Request r) { asked.add(std::move(r)); }, limits);
  Peer first(served.port), second(served.port);
  first.ask("GET /v1/things");
  Request request = asked.next();
  for (int i = 0; i < 3; ++i) {
    second.ask("GET /v1/things");
    const Reply reply = second.reply();
    EXPECT_EQ(reply.status, 503);
    EXPECT_EQ(reply.header("retry-after"), "1");
  }
  request.answer(Value::integer(1));
  EXPECT_EQ(first.reply().body, "1");
  first.ask("GET /v1/things");  // on the same connection, so after the first is over
  asked.next().answer(Value::integer(2));
  EXPECT_EQ(first.reply().body, "2");
}

TEST(HttpConnections, PeersThatComeAndGoInMidSentenceLeaveNothing) {
  Served served(answer_as_asked, {}, R"({"connections":8})");
  const std::vector<std::string> starts = {"", "G", "GET /v1/things HTTP/1.1\r\n", kPost + "Content-Length: 100\r\n\r\nhel",
                                           "GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n", kPost + "Transfer-Encoding: chunked\r\n\r\nff\r\n"};
  for (int i = 0; i < 600; ++i) {
    Peer peer(served.port);
    peer.say(starts[static_cast<size_t>(i) % starts.size()]);
    if (i % 2) {  // reset instead of an orderly end
      const linger at_once{1, 0};
      ::setsockopt(peer.socket(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
  }
  for (int status = 0; status != 200;) {
    Peer peer(served.port);
    peer.ask("GET /v1/things");
    status = peer.reply().status;
    ASSERT_TRUE(status == 200 || status == 503 || status == 0) << status;
  }
  EXPECT_TRUE(served.faults.empty());
}

TEST(HttpConnections, AThousandWaitersInTheBacklogAreServed) {
  Served served(answer_as_asked, {}, R"({"connections":300,"backlog":1000})");
  std::vector<std::unique_ptr<Peer>> peers;
  for (int i = 0; i < 300; ++i) {
    peers.push_back(std::make_unique<Peer>(served.port));
    ASSERT_TRUE(peers.back()->is_connected());
  }
  for (auto& peer : peers) peer->ask("GET /v1/things");
  for (auto& peer : peers) EXPECT_EQ(peer->reply().status, 200);
}

TEST(HttpConnections, TheProcessKeepsItsSignals) {
  struct sigaction before {}, after {};
  ASSERT_EQ(::sigaction(SIGPIPE, nullptr, &before), 0);
  Served served(answer_as_asked);
  ASSERT_EQ(::sigaction(SIGPIPE, nullptr, &after), 0);
  EXPECT_EQ(before.sa_handler, after.sa_handler);
}

class HttpTls : public ::testing::Test {
 protected:
  HttpTls() {
    files_.make_authority("ca");
    for (const char* name : {"server", "client"}) files_.make(name, "ca", "DNS:" + std::string(name));
  }
  std::string params(bool with_clients) const { return files_.serving("server", with_clients ? "ca" : ""); }
  // What a client by openssl(1) hears to one request.
  std::string ask(int port, const std::string& request, const std::string& more) {
    std::ofstream(files_.path("request")) << request;
    [[maybe_unused]] const int ended = std::system(("cd " + files_.path(".") + " && openssl s_client -quiet -verify_return_error -CAfile ca.pem -connect 127.0.0.1:" +
                                                    std::to_string(port) + " " + more + " <request >answer 2>log").c_str());
    std::ifstream answer(files_.path("answer"), std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(answer), {});
  }
  TlsFiles files_;
  const std::string get_ = "GET /v1/things HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
};

TEST_F(HttpTls, ServesByCertificateAndKey) {
  Served served(answer_as_asked, {}, params(false));
  const std::string answer = ask(served.port, get_, "");
  EXPECT_NE(answer.find("HTTP/1.1 200"), answer.npos) << answer;
  EXPECT_NE(answer.find("things.list"), answer.npos) << answer;
  const std::string body(100'000, 'x');
  const std::string posted = ask(served.port, "POST /v1/things HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 100000\r\n\r\n" + body, "");
  EXPECT_NE(posted.find("\"bytes\":100000"), posted.npos) << posted;
  const std::string streamed = ask(served.port, "GET /v1/events HTTP/1.0\r\n\r\n", "");
  EXPECT_NE(streamed.find("0\n1\n2\n"), streamed.npos) << streamed;
}

TEST_F(HttpTls, APeerWithoutTlsIsLetGo) {
  ListenLimits limits;
  limits.header_ms = 50;
  Served served(answer_as_asked, limits, params(false));
  Peer plain(served.port), silent(served.port);
  plain.say(get_);
  EXPECT_EQ(plain.reply().status, 0);
  EXPECT_TRUE(silent.is_over());
}

TEST_F(HttpTls, OnlyClientsOfTheAuthorityAreServedAndTheirNameIsKnown) {
  Arrivals<std::string> identities;
  Served served(
      [&](Request r) {
        identities.add(r.identity());
        r.answer(Value::null());
      },
      {}, params(true));
  EXPECT_EQ(ask(served.port, get_, "").find("HTTP/1.1"), std::string::npos);
  EXPECT_TRUE(identities.empty());
  EXPECT_NE(ask(served.port, get_, "-cert client.pem -key client.key").find("HTTP/1.1 200"), std::string::npos);
  EXPECT_EQ(identities.next(), "CN=client,O=heddle");
}

}  // namespace
}  // namespace heddle
