#include "cli/host_address.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "cli/configuration.h"
#include "log.h"

namespace heddle {
namespace {

class HostAddressTest : public ::testing::Test {
 protected:
  void SetUp() override { TearDown(); }
  void TearDown() override {
    ::unsetenv("HEDDLE_HOST");
    ::unsetenv("HEDDLE_TOKEN");
  }
  static std::string url(const std::string& given) {
    Result<HostAddress> address = host_address({.url = given}, {});
    return address ? address->url : address.error().code;
  }
};

TEST_F(HostAddressTest, TheOptionGoesBeforeTheEnvironmentAndThatBeforeTheDefault) {
  EXPECT_EQ(url(""), "http://127.0.0.1:7433");
  ::setenv("HEDDLE_HOST", "http://there:1", 1);
  EXPECT_EQ(url(""), "http://there:1");
  EXPECT_EQ(url("https://here:2/"), "https://here:2");
}

TEST_F(HostAddressTest, ABareNameIsHttp) { EXPECT_EQ(url("localhost:80"), "http://localhost:80"); }

TEST_F(HostAddressTest, WhatIsNoAddressIsRefused) {
  for (const char* const wrong : {"ftp://x", "http://", "http://a b", "http://user:secret@x", "http://x?y"}) EXPECT_EQ(url(wrong), "usage") << wrong;
}

TEST_F(HostAddressTest, TheTokenComesFromAFileOrTheEnvironmentAndIsNeverShown) {
  const std::string path = ::testing::TempDir() + "heddle-token";
  std::ofstream(path) << "file-secret\n";
  ::setenv("HEDDLE_TOKEN", "environment-secret", 1);
  EXPECT_EQ(host_address({}, {})->token, "environment-secret");
  EXPECT_EQ(host_address({.token_file = path}, {})->token, "file-secret");
  EXPECT_EQ(log::redacted("it is file-secret"), "it is ***");
  std::ofstream(path) << "\n";
  EXPECT_EQ(host_address({.token_file = path}, {}).error().message, "the token file " + path + " is empty");
  EXPECT_EQ(host_address({.token_file = "/nowhere/at/all"}, {}).error().code, "io");
}

class ClientConfigTest : public HostAddressTest {
 protected:
  static std::string write(const std::string& name, const std::string& text) {
    const std::string path = ::testing::TempDir() + name;
    std::ofstream(path) << text;
    return path;
  }
};

TEST_F(ClientConfigTest, TheClientOfTheStrongestFileCountsAndAsAWhole) {
  const std::string weak = write("weak.json", R"({"client": {"host": "weak:1", "token": "weak-token", "ca_file": "ca.pem"}})");
  const std::string strong = write("strong.json", "{\n\"client\": {\"host\": \"strong:1\"}}"), other = write("other.json", R"({"threads": 1})");
  auto address = host_address({}, {weak, other});
  ASSERT_TRUE(address) << address.error().text();
  EXPECT_EQ(address->url, "http://weak:1");
  EXPECT_EQ(address->token, "weak-token");
  EXPECT_EQ(address->ca_file, ::testing::TempDir() + "ca.pem");
  EXPECT_EQ(log::redacted("a weak-token"), "a ***");
  address = host_address({}, {weak, strong});
  EXPECT_EQ(address->url, "http://strong:1");
  EXPECT_EQ(to_string(address->url_from), strong + ":2");
  EXPECT_EQ(address->token, "");
  EXPECT_EQ(address->ca_file, "");
}

TEST_F(ClientConfigTest, ATokenGoesToNobodyItWasNotMeantFor) {
  const std::string file = write("named.json", R"({"client": {"host": "https://mine:1/", "token": "token-for-mine", "ca_file": "/mine.pem"}})"), bare = write("bare.json", R"({"client": {"token": "token-for-here"}})");
  EXPECT_EQ(host_address({.url = "https://other:1"}, {file})->token, "");
  EXPECT_EQ(host_address({.url = "https://other:1"}, {file})->ca_file, "");
  EXPECT_EQ(host_address({}, {file})->ca_file, "/mine.pem");
  EXPECT_EQ(host_address({.url = "https://mine:1"}, {file})->token, "token-for-mine");
  EXPECT_EQ(host_address({}, {bare})->token, "token-for-here");
  EXPECT_EQ(host_address({.url = "other:1"}, {bare})->token, "");
  ::setenv("HEDDLE_TOKEN", "environment-token", 1);
  EXPECT_EQ(host_address({}, {file})->token, "environment-token");
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(::testing::TempDir());
  write(kConfigHere, R"({"client": {"host": "https://theirs:1"}})");
  const auto refused = host_address({}, {kConfigHere});
  const auto meant = host_address({.url = "https://theirs:1"}, {kConfigHere});
  std::filesystem::remove(kConfigHere);
  std::filesystem::current_path(before);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "HEDDLE_TOKEN is not sent to https://theirs:1, which only heddle.json:1 names: to send it there, name that host with --host or HEDDLE_HOST");
  EXPECT_EQ(meant->token, "environment-token");
}

TEST_F(ClientConfigTest, IsReadAsStrictlyAsTheRest) {
  const std::string file = write("wrong.json", "{\"client\": {\n\"hots\": \"x\"}}");
  const auto wrong = host_address({}, {file});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, "bad-config");
  EXPECT_NE(wrong.error().message.find("wrong.json:2:1: error[unknown-key]"), std::string::npos) << wrong.error().message;
  EXPECT_NE(wrong.error().message.find("did you mean \"host\"?"), std::string::npos) << wrong.error().message;
}

TEST_F(HostAddressTest, KnowsWhereATokenWouldBeSeen) {
  EXPECT_TRUE((HostAddress{"http://127.0.0.1:1"}.keeps_secrets()));
  EXPECT_TRUE((HostAddress{"https://far:1"}.keeps_secrets()));
  EXPECT_FALSE((HostAddress{"http://far:1"}.keeps_secrets()));
}

TEST_F(HostAddressTest, EscapesWhatAUrlCannotHold) { EXPECT_EQ(url_escaped("a/b c&ü"), "a%2Fb%20c%26%C3%BC"); }

}  // namespace
}  // namespace heddle
