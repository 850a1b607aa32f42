#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <heddle/sdk.h>
#include <heddle/sdk/fake_host.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

#include "address.h"
#include "endpoints.h"
#include "fetch.h"
#include "pace.h"
#include "settings.h"

namespace node_remote {
namespace {

using namespace heddle::sdk;

class NodeRemote : public testing::Test {
 protected:
  // Why such params are refused; "" where they are not: then the node gets as far as to miss what the fake host does not have.
  std::string refusal(const std::string& params) {
    try {
      host_.create("RemotePipeline", params);
    } catch (const Error& failed) {
      if (failed.status() == HEDDLE_INVALID) return failed.what();
      EXPECT_EQ(failed.status(), HEDDLE_UNSUPPORTED);
      EXPECT_STREQ(failed.what(), "this host calls no other hosts: it has no heddle.peers/1");
    }
    return "";
  }
  Settings settings(const std::string& params) {
    EXPECT_EQ(refusal(params), "");  // which also makes the host known to the SDK
    return read_settings(Value::parse(params));
  }
  FakeHost host_;
};

// Answers one request after the other with what is in `answers`, and says what it was asked.
class Web {
 public:
  explicit Web(std::vector<std::string> answers) : answers_(std::move(answers)) {
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof here;
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&here), size), 0);
    EXPECT_EQ(::listen(listener_, 8), 0);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&here), &size);
    url = "http://127.0.0.1:" + std::to_string(ntohs(here.sin_port)) + "/m";
    thread_ = std::thread([this] { serve(); });
  }
  ~Web() { gone(); }
  // After all answers, and nobody listens any more.
  std::vector<std::string> gone() {
    if (thread_.joinable()) thread_.join();
    return asked_;
  }
  std::string url;

 private:
  void serve() {
    for (const std::string& answer : answers_) {
      const int peer = ::accept(listener_, nullptr, nullptr);
      std::string& request = asked_.emplace_back();
      char bytes[4096];
      while (request.find("\r\n\r\n") == request.npos) {
        const ssize_t n = ::recv(peer, bytes, sizeof bytes, 0);
        if (n <= 0) break;
        request.append(bytes, static_cast<size_t>(n));
      }
      EXPECT_EQ(::send(peer, answer.data(), answer.size(), MSG_NOSIGNAL), static_cast<ssize_t>(answer.size()));
      ::close(peer);
    }
    ::close(listener_);
  }
  const std::vector<std::string> answers_;
  int listener_ = -1;
  std::thread thread_;
  std::vector<std::string> asked_;
};

constexpr const char* kSource = R"("transport":"http","manifest_source":{"type":"name","name":"p"})";

std::string params(const std::string& more) { return "{" + std::string(kSource) + "," + more + "}"; }

TEST_F(NodeRemote, WhatContradictsItselfIsRefused) {
  const std::pair<std::string, std::string> rows[] = {
      {params(R"("retry":{})"), "\"endpoints\" is missing"},
      {params(R"("endpoint":"localhost:1","endpoints":["localhost:1"])"), "not both"},
      {R"({"transport":"http","endpoint":"localhost:1"})", "\"manifest_source\" is missing"},
      {params(R"("endpoint":"localhost:1","pipeline_name":"p")"), "mean the same"},
      {params(R"("endpoint":"localhost:1","manifest":{})"), "mean the same"},
      {params(R"("endpoint":"localhost:1","auth_header":"x")"), "\"auth_header\" is for"},
      {R"({"transport":"http","endpoint":"localhost:1","manifest_source":{"type":"url"}})", "needs \"url\""},
      {R"({"transport":"http","endpoint":"localhost:1","manifest_source":{"type":"inline","manifest":"[]"}})", "must be a manifest"},
      {params(R"("endpoint":"localhost:1","load_balance":"p2c","load_balance_strategy":"random")"), "mean the same"},
      {params(R"("endpoint":"localhost:1","retry":{"max_attempts":2,"max_retries":1})"), "mean the same"},
      {params(R"("endpoint":"localhost:1","retry":{"backoff_ms":2,"initial_backoff_ms":1})"), "mean the same"},
      {params(R"("endpoint":"localhost:1","health_check":{"interval_ms":1000},"health_check_interval_secs":1)"), "mean the same"},
      {params(R"("endpoint":"localhost:1","fallback":[{"value":1},{"endpoints":["localhost:2"]}])"), "nothing can come after a value"},
      {params(R"("endpoint":"localhost:1","fallback":[{"last_good":true},{"endpoints":["localhost:2"]}])"), "no endpoints after the last good"},
      {params(R"("endpoint":"localhost:1","hash_key":"/a")"), "\"hash_key\" is for"},
  };
  for (const auto& [text, why] : rows) EXPECT_NE(refusal(text).find(why), std::string::npos) << text << "\n" << refusal(text);
  EXPECT_EQ(refusal(params(R"("endpoint":"localhost:1")")), "");
  EXPECT_EQ(refusal(params(R"("endpoint":"localhost:1","fallback":[{"endpoints":["localhost:2"]},{"last_good":true},{"value":1}])")), "");
}

TEST_F(NodeRemote, AnotherMachineIsNotSpokenToInTheClearUnlessThatIsWritten) {
  for (const char* endpoint : {"10.0.0.1:80", "example.test:80", "http://example.test/x", "[2001:db8::1]:80", "127.0.0.1.example.test:80", "localhost.example.test:80"}) {
    const std::string one = "\"endpoint\":\"" + std::string(endpoint) + "\"";
    EXPECT_NE(refusal(params(one)).find(std::string("the endpoint \"") + endpoint + "\" is on another machine"), std::string::npos) << endpoint;
    EXPECT_EQ(refusal(params(one + R"(,"insecure":true)")), "") << endpoint;
    EXPECT_EQ(refusal(params(one + R"(,"tls":{})")), "") << endpoint;
    EXPECT_NE(refusal(params(R"("endpoint":"localhost:1","fallback":[{"endpoints":[")" + std::string(endpoint) + "\"]}]")), "") << endpoint;
  }
  EXPECT_EQ(refusal(params(R"("endpoint":"https://example.test")")), "");
  for (const char* endpoint : {"127.0.0.1:80", "127.8.9.1:80", "localhost:80", "[::1]:80", "http://localhost:80/x"})
    EXPECT_EQ(refusal(params("\"endpoint\":\"" + std::string(endpoint) + "\"")), "") << endpoint;
}

TEST_F(NodeRemote, TheWordsOfTheOlderFamilyMeanTheSame) {
  const Settings now = settings(R"({"transport":"http","manifest_source":{"type":"name","name":"p"},"endpoints":["localhost:1"],"load_balance":"random",
      "retry":{"max_attempts":3,"initial_backoff_ms":7},"health_check":{"interval_ms":2000}})");
  const Settings then = settings(R"({"transport":"http","pipeline_name":"p","endpoint":"localhost:1","load_balance_strategy":"random",
      "retry":{"max_retries":2,"backoff_ms":7},"health_check_interval_secs":2})");
  EXPECT_EQ(now.options.json(), then.options.json());
  EXPECT_EQ(now.source.name, then.source.name);
}

TEST_F(NodeRemote, WhatWasFetchedIsAskedForAgainOnlyLaterAndTheLastGoodOneStandsIn) {
  EXPECT_EQ(refusal(params(R"("endpoint":"localhost:1")")), "");  // which also makes the host known to the SDK
  ::setenv("HEDDLE_FETCH_ALLOW", "127.0.0.1", 1);
  const auto answer = [](const std::string& head, const std::string& body) { return "HTTP/1.1 " + head + "\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body; };
  Web web({answer("200 OK\r\nETag: \"one\"", R"({"nodes":[1]})"), answer("304 Not Modified", ""), answer("200 OK\r\nETag: \"two\"", R"({"nodes":[2]})"), answer("503 Later", ""),
           answer("404 Gone", "")});
  const auto begun = std::chrono::steady_clock::now();
  const Log log(heddle::sdk::detail::services.host);
  const auto fetched = [&](int after_s) { return std::string(fetch_manifest(web.url, "", 10'000, log, begun + std::chrono::seconds(after_s)).json()); };
  EXPECT_EQ(fetched(0), R"({"nodes":[1]})");
  EXPECT_EQ(fetched(59), R"({"nodes":[1]})");
  EXPECT_EQ(fetched(61), R"({"nodes":[1]})");
  EXPECT_EQ(fetched(120), R"({"nodes":[1]})");
  EXPECT_EQ(fetched(122), R"({"nodes":[2]})");
  EXPECT_EQ(fetched(200), R"({"nodes":[2]})");  // it answers, but not with one
  EXPECT_THROW(fetched(201), Error);            // it says that there is none any more
  const std::vector<std::string> asked = web.gone();
  EXPECT_EQ(fetched(202), R"({"nodes":[2]})");  // nobody is there
  ASSERT_EQ(asked.size(), 5u);
  EXPECT_EQ(asked[0].find("If-None-Match"), std::string::npos);
  EXPECT_NE(asked[1].find("If-None-Match: \"one\"\r\n"), std::string::npos);
  EXPECT_NE(asked[2].find("If-None-Match: \"one\"\r\n"), std::string::npos);
  EXPECT_NE(asked[3].find("If-None-Match: \"two\"\r\n"), std::string::npos);
  ::unsetenv("HEDDLE_FETCH_ALLOW");
}

TEST(PaceTest, QuickItemsGoTogetherInFewRequests) {
  Pace pace(2);
  EXPECT_EQ(pace.items(), 1u);
  for (size_t items = 2; items <= 128; items *= 2) {
    pace.took(Pace::kQuickNs - 1, 1);
    EXPECT_EQ(pace.items(), items);
    EXPECT_EQ(pace.requests(), 2u);
  }
  pace.took(1, 128);
  pace.took(Pace::kQuickNs, 128);
  pace.took(Pace::kSlowNs, 128);
  EXPECT_EQ(pace.items(), 128u);
  pace.took(Pace::kSlowNs + 1, 128);
  EXPECT_EQ(pace.items(), 64u);
  EXPECT_EQ(pace.requests(), 2u);
}

TEST(PaceTest, WhereNothingComesBackTheyGoByThemselvesAndAreTriedTogetherEverMoreSeldom) {
  Pace pace(2);
  pace.took(1, 1);
  for (const size_t wide_for : {256, 512, 1024}) {
    pace.stuck();
    for (size_t i = 0; i < wide_for; ++i) {
      EXPECT_EQ(pace.items(), 1u);
      EXPECT_EQ(pace.requests(), 64u);
      pace.took(i % 2 ? 1 : UINT64_MAX, 1);
    }
    EXPECT_EQ(pace.requests(), 2u);
  }
  pace.took(1, 1);
  EXPECT_EQ(pace.items(), 2u);
  pace.stuck();
  for (int i = 0; i < 256; ++i) pace.took(1, 1);  // what was quick again is trusted again
  EXPECT_EQ(pace.requests(), 2u);
}

TEST(PaceTest, WhereItemsMayNotGoTogetherTheyDoNot) {
  Pace pace(6, 1);
  for (int i = 0; i < 10; ++i) pace.took(1, 1);
  EXPECT_EQ(pace.items(), 1u);
  EXPECT_EQ(pace.requests(), 64u);
}

TEST(AddressTest, OnlyThePublicNetworkIsOpen) {
  for (const char* open : {"8.8.8.8", "1.1.1.1", "172.15.0.1", "172.32.0.1", "100.63.0.1", "100.128.0.1", "192.169.0.1", "223.255.255.255", "2606:4700::1", "2a00::1"})
    EXPECT_EQ(Address::parse(open)->closed(), "") << open;
  const std::pair<const char*, std::string_view> rows[] = {
      {"127.0.0.1", "loopback"},      {"127.255.255.255", "loopback"}, {"0.0.0.0", "unspecified"},       {"0.1.2.3", "unspecified"},    {"10.255.0.1", "private"},
      {"172.16.0.1", "private"},      {"172.31.255.255", "private"},   {"192.168.0.1", "private"},       {"100.64.0.1", "private"},     {"169.254.169.254", "link-local"},
      {"224.0.0.1", "multicast"},     {"239.1.1.1", "multicast"},      {"255.255.255.255", "reserved"},  {"198.19.0.1", "reserved"},    {"::1", "loopback"},
      {"::", "unspecified"},          {"::7f00:1", "reserved"},        {"::ffff:127.0.0.1", "loopback"}, {"::ffff:a00:1", "private"},   {"fe80::1", "link-local"},
      {"febf::1", "link-local"},      {"fc00::1", "private"},          {"fdff::1", "private"},           {"ff02::1", "multicast"},      {"64:ff9b::a00:1", "reserved"},
      {"2002:7f00:1::", "reserved"},  {"2001:db8::1", "reserved"}};
  for (const auto& [text, why] : rows) EXPECT_EQ(Address::parse(text)->closed(), why) << text;
  EXPECT_FALSE(Address::parse("localhost"));
  EXPECT_EQ(Address::parse("::ffff:127.0.0.1")->text(), "127.0.0.1");
}

TEST(AllowListTest, HoldsAddressesAndNetworks) {
  const AllowList list("127.0.0.1, 10.1.0.0/16 [::1],fd00::/8");
  for (const char* in : {"127.0.0.1", "10.1.255.3", "::1", "fd12::1", "::ffff:127.0.0.1"}) EXPECT_TRUE(list.allows(*Address::parse(in))) << in;
  for (const char* out : {"127.0.0.2", "10.2.0.1", "::2", "fe80::1"}) EXPECT_FALSE(list.allows(*Address::parse(out))) << out;
  EXPECT_FALSE(AllowList("").allows(*Address::parse("127.0.0.1")));
  EXPECT_FALSE(AllowList("::/0").allows(*Address::parse("127.0.0.1")));  // it says nothing of IPv4
  for (const char* wrong : {"everything", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8x", "::1/129", "localhost"}) EXPECT_THROW(AllowList{wrong}, Error) << wrong;
}

TEST(ShownUrl, HasNothingThatMayBeSecret) {
  EXPECT_EQ(shown_url("https://me:pass@host.test:8443/a/b?key=1#part"), "https://host.test:8443/a/b");
  EXPECT_EQ(shown_url("http://host.test?key=1"), "http://host.test");
  EXPECT_EQ(shown_url("http://a@b@host.test/x@y"), "http://host.test/x@y");
}

}  // namespace
}  // namespace node_remote
