#include "cli/host_address.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

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
    Result<HostAddress> address = host_address({.url = given});
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
  EXPECT_EQ(host_address({})->token, "environment-secret");
  EXPECT_EQ(host_address({.token_file = path})->token, "file-secret");
  EXPECT_EQ(log::redacted("it is file-secret"), "it is ***");
  std::ofstream(path) << "\n";
  EXPECT_EQ(host_address({.token_file = path}).error().message, "the token file " + path + " is empty");
  EXPECT_EQ(host_address({.token_file = "/nowhere/at/all"}).error().code, "io");
}

TEST_F(HostAddressTest, KnowsWhereATokenWouldBeSeen) {
  EXPECT_TRUE((HostAddress{"http://127.0.0.1:1"}.keeps_secrets()));
  EXPECT_TRUE((HostAddress{"https://far:1"}.keeps_secrets()));
  EXPECT_FALSE((HostAddress{"http://far:1"}.keeps_secrets()));
}

TEST_F(HostAddressTest, EscapesWhatAUrlCannotHold) { EXPECT_EQ(url_escaped("a/b c&ü"), "a%2Fb%20c%26%C3%BC"); }

}  // namespace
}  // namespace heddle
