// broker_s3 as the host has it, against a store that speaks S3; who uses its URLs is curl, without any credential.
#include <chrono>
#include <fstream>
#include <sstream>

#include "brokers.h"

namespace heddle {
namespace {

constexpr char kSecret[] = "the-secret-of-the-store";

class BrokerS3Test : public BrokersTest {
 protected:
  BrokerS3Test() : BrokersTest("s3") { secrets = {kSecret, "another-secret"}; }

  std::string params(const std::string& more = "", const std::string& secret = kSecret) const {
    return R"({"endpoint":"http://127.0.0.1:)" + std::to_string(store_.port) + R"(","region":"eu-test-1","bucket":"jobs","access_key":"S3RVER","secret_key":")" + secret + "\"" + more + "}";
  }
  // The status; 0: there was no answer. curl reads no file of its own, and knows nothing but the URL.
  int curl(const std::string& url, const std::vector<std::string>& more = {}) {
    std::vector<std::string> words = {"curl", "-q", "-g", "-sS", "--noproxy", "*", "--max-time", "60", "-o", folder_ / "got", "-w", "%{http_code}"};
    words.insert(words.end(), more.begin(), more.end());
    words.push_back(url);
    Program program(std::move(words));
    const int status = std::atoi(program.all().c_str());
    program.status();
    return status;
  }
  int read(const std::string& url) { return curl(url); }
  int write(const std::string& url, const std::string& text) {
    std::ofstream(folder_ / "sent", std::ios::binary) << text;
    return curl(url, {"-T", folder_ / "sent"});
  }
  std::string got() const {
    std::ostringstream text;
    text << std::ifstream(folder_ / "got", std::ios::binary).rdbuf();
    return text.str();
  }

  const Folder folder_;
  const Server store_{{"node", HEDDLE_TESTS "/conformance/s3rver/store.js", HEDDLE_S3RVER, folder_ / "data"}};
};

TEST_F(BrokerS3Test, WhatIsPutWithOneUrlIsReadWithAnother) {
  const auto broker = make(params());
  std::string bytes(300'000, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31 + i / 256);
  ASSERT_EQ(write(put(*broker, "in/a.bin"), bytes), 200) << got();
  ASSERT_EQ(read(get(*broker, "s3://jobs/in/a.bin")), 200) << got();
  EXPECT_EQ(got(), bytes);
  EXPECT_EQ(read(get(*broker, "in/other.bin")), 404);
}

TEST_F(BrokerS3Test, KeysOfEveryKindAreSignedAsTheStoreReadsThem) {
  const auto broker = make(params(R"(,"prefix":"out")"));
  for (const std::string key : {"a b", "a+b", "a%2Fb", "~tilde", "ü/€/😀", "q?x=1&y#z", "(a)!*'", "a=b,c;d:e@f$", "[1]{2}|^`", "\"quoted\\\"", "..."}) {
    ASSERT_EQ(write(put(*broker, key), "of " + key), 200) << key << got();
    ASSERT_EQ(read(get(*broker, key)), 200) << key << got();
    EXPECT_EQ(got(), "of " + key);
  }
  EXPECT_EQ(write(put(*broker, "a//b"), "x"), 404) << "s3rver keeps no such keys, but its signature is right";
}

TEST_F(BrokerS3Test, TheBucketMayStandBeforeTheHost) {
  const std::string endpoint = "http://s3.localhost:" + std::to_string(store_.port);
  const auto broker = make(R"({"endpoint":")" + endpoint + R"(","style":"virtual","region":"eu-test-1","bucket":"jobs","access_key":"S3RVER","secret_key":"the-secret-of-the-store"})");
  const std::string url = put(*broker, "in/b");
  EXPECT_TRUE(url.starts_with("http://jobs.s3.localhost:")) << url.substr(0, url.find('?'));
  const std::vector<std::string> here = {"--resolve", "jobs.s3.localhost:" + std::to_string(store_.port) + ":127.0.0.1"};
  std::ofstream(folder_ / "sent") << "text";
  ASSERT_EQ(curl(url, {here[0], here[1], "-T", folder_ / "sent"}), 200) << got();
  ASSERT_EQ(read(get(*make(params()), "in/b")), 200) << got();
  EXPECT_EQ(got(), "text");
}

TEST_F(BrokerS3Test, ASessionTokenGoesAlong) {
  const auto broker = make(params(R"(,"session_token":"to+ken/=")"));
  ASSERT_EQ(write(put(*broker, "a"), "x"), 200) << got();
  EXPECT_EQ(read(get(*broker, "a")), 200) << got();
}

TEST_F(BrokerS3Test, AUrlForAnotherKeyOrMethodIsRefused) {
  const auto broker = make(params());
  ASSERT_EQ(write(put(*broker, "a"), "x"), 200);
  ASSERT_EQ(write(put(*broker, "b"), "x"), 200);
  std::string url = get(*broker, "a");
  EXPECT_EQ(write(url, "y"), 403);
  EXPECT_EQ(curl(url, {"-X", "DELETE"}), 403);
  EXPECT_EQ(read(put(*broker, "a")), 403);
  const size_t key = url.find("/jobs/a?");
  ASSERT_NE(key, url.npos);
  std::string other = url, longer = url;
  other.replace(key, 8, "/jobs/b?");
  EXPECT_EQ(read(other), 403);
  const size_t lifetime = longer.find("X-Amz-Expires=900");
  ASSERT_NE(lifetime, longer.npos);
  longer.replace(lifetime, 17, "X-Amz-Expires=901");
  EXPECT_EQ(read(longer), 403);
  EXPECT_EQ(read(url.substr(0, url.find('?'))), 403);
  EXPECT_EQ(read(url), 200);
  EXPECT_EQ(got(), "x");
}

TEST_F(BrokerS3Test, AUrlIsRefusedOnceItHasExpired) {
  const auto broker = make(params());
  ASSERT_EQ(write(put(*broker, "a"), "x"), 200);
  const auto short_lived = ask(*broker, GrantMethod::kGet, "a", 1);
  ASSERT_TRUE(short_lived);
  const auto began = std::chrono::steady_clock::now();
  int status;
  while ((status = read(short_lived->url)) == 200 && std::chrono::steady_clock::now() - began < std::chrono::minutes(2)) continue;
  EXPECT_EQ(status, 403);
  EXPECT_NE(got().find("expired"), std::string::npos) << got();
  EXPECT_EQ(read(get(*broker, "a")), 200);
}

TEST_F(BrokerS3Test, WhatAnotherSecretOrRegionSignsIsRefused) {
  const auto broker = make(params()), wrong = make(params("", "another-secret"));
  ASSERT_EQ(write(put(*broker, "a"), "x"), 200);
  EXPECT_EQ(read(get(*wrong, "a")), 403);
  EXPECT_EQ(write(put(*wrong, "a"), "y"), 403);
  std::string elsewhere = params();
  elsewhere.replace(elsewhere.find("eu-test-1"), 9, "eu-test-2");
  EXPECT_EQ(read(get(*make(elsewhere), "a")), 403);
  EXPECT_EQ(read(get(*broker, "a")), 200);
  EXPECT_EQ(got(), "x");
}

TEST_F(BrokerS3Test, TheSecretsOfABrokerAreRedactedInTheLog) {
  make(params(R"(,"session_token":"a-session-token")"));
  EXPECT_EQ(log::redacted("it is the-secret-of-the-store, a-session-token"), "it is ***, ***");
}

TEST_F(BrokerS3Test, WhyThereIsNoUrlIsSaidWithACode) {
  const auto broker = make(params(R"(,"prefix":"out/")"));
  EXPECT_EQ(ask(*broker, GrantMethod::kGet, "s3://other/a").error().code, "not-its-object");
  EXPECT_EQ(ask(*broker, GrantMethod::kPut, "../a").error().code, "not-its-object");
  EXPECT_EQ(ask(*broker, GrantMethod::kGet, "a", 604801).error().code, "invalid");
  EXPECT_FALSE(create(params("", "another-secret with spaces")));
  EXPECT_FALSE(create(R"({"endpoint":"http://s3.example","access_key":"S3RVER","secret_key":"the-secret-of-the-store"})"));
}

}  // namespace
}  // namespace heddle
