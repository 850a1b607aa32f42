#include <gtest/gtest.h>
#include <heddle/sdk.h>
#include <heddle/sdk/fake_host.h>

#include "address.h"
#include "endpoints.h"
#include "fetch.h"
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
      {params(R"("endpoint":"localhost:1","hash_key":"/a")"), "\"hash_key\" is for"},
  };
  for (const auto& [text, why] : rows) EXPECT_NE(refusal(text).find(why), std::string::npos) << text << "\n" << refusal(text);
  EXPECT_EQ(refusal(params(R"("endpoint":"localhost:1")")), "");
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
