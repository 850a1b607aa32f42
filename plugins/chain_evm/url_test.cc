#include "url.h"

#include <gtest/gtest.h>
#include <heddle/sdk/error.h>

namespace chain_evm {
namespace {

TEST(Urls, AreReadIntoTheirParts) {
  const Url url = Url::parse("https://node.example/v3/SECRET?x=1");
  EXPECT_TRUE(url.has_tls);
  EXPECT_EQ(url.host, "node.example");
  EXPECT_EQ(url.port, "443");
  EXPECT_EQ(url.target, "/v3/SECRET?x=1");
  EXPECT_EQ(url.origin, "https://node.example");
  EXPECT_EQ(Url::parse("http://[::1]:8545").host, "::1");
  EXPECT_EQ(Url::parse("http://[::1]:8545").port, "8545");
  EXPECT_EQ(Url::parse("ws://localhost:8546").target, "/");
  EXPECT_TRUE(Url::parse("wss://x?y").is_websocket);
  EXPECT_EQ(Url::parse("wss://x?y").target, "/?y");
}

TEST(Urls, OnlyThisMachineIsLoopback) {
  for (const char* const url : {"http://localhost:1", "http://127.0.0.1:1", "http://127.8.9.1", "http://[::1]"}) EXPECT_TRUE(Url::parse(url).is_loopback()) << url;
  for (const char* const url : {"http://127.0.0.1.example:1", "http://localhost.example", "http://10.0.0.1", "http://[::2]"}) EXPECT_FALSE(Url::parse(url).is_loopback()) << url;
}

TEST(Urls, WhatMayBeATokenIsHidden) {
  const Url url = Url::parse("https://node.example/v3/0123456789abcdef/ethereum-0123456789abcdef?apikey=SECRETSECRET&longer_name=x");
  EXPECT_EQ(url.hide("no v3 for 0123456789abcdef at /v3/0123456789abcdef, SECRETSECRET (TOKEN), longer_name, ethereum-0123456789abcdef", "TOKEN"),
            "no v3 for *** at /v3/***, *** (***), longer_name, ***");
  EXPECT_EQ(Url::parse("http://x").hide("as it is"), "as it is");
  EXPECT_EQ(Url::parse("http://x/0123456789").hide("0123456789"), "***");
}

TEST(Urls, WhatIsNoneIsRefusedAndNotRepeated) {
  for (const char* const url : {"", "node.example", "ftp://x", "http://", "http://u:SECRET@x", "http://x:0", "http://x:99999", "http://x:8y", "http://[zz]:1", "http://x y", "http://x/\"", "http://[::1"}) {
    try {
      Url::parse(url);
      ADD_FAILURE() << url;
    } catch (const heddle::sdk::Error& why) {
      EXPECT_EQ(std::string(why.what()).find("SECRET"), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace chain_evm
