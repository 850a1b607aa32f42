#include "broker.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <heddle/sdk/fake_host.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

namespace broker_s3 {
namespace {

using heddle::sdk::Error;
using heddle::sdk::Value;

constexpr uint64_t kSecond = 1'000'000'000;
constexpr char kSecret[] = "the-secret-key-of-it";

class S3BrokerTest : public testing::Test {
 protected:
  // A broker of the params, with the credential added.
  Broker broker(std::string params, const std::string& secret = std::string("\"") + kSecret + "\"") {
    params.insert(1, "\"access_key\":\"AKID\",\"secret_key\":" + secret + (params == "{}" ? "" : ","));
    const Value value = Value::parse(params);
    return Broker(heddle::sdk::Config(host.table(), value), [this] { return now; });
  }
  std::string why_not(const std::string& params) {
    try {
      broker(params);
    } catch (const Error& why) {
      EXPECT_EQ(std::string(why.what()).find(kSecret), std::string::npos);
      return why.what();
    }
    return "it was made";
  }
  static Url granted(const Broker& from, const std::string& object, uint64_t lifetime_ns = 0, uint32_t method = HEDDLE_GRANT_GET) {
    heddle_grant g{};
    g.struct_size = sizeof g;
    g.method = method;
    g.object = {object.data(), object.size()};
    g.lifetime_ns = lifetime_ns;
    return from.grant(g);
  }
  // Up to the query.
  static std::string place(const Broker& from, const std::string& object) {
    const std::string url = granted(from, object).text;
    return url.substr(0, url.find('?'));
  }
  static std::string refusal(const Broker& from, const std::string& object, uint64_t lifetime_ns = 0, uint32_t method = HEDDLE_GRANT_GET) {
    try {
      granted(from, object, lifetime_ns, method);
    } catch (const Refusal& why) {
      EXPECT_EQ(std::string(why.what()).find(kSecret), std::string::npos);
      return std::string(why.code()) + ": " + why.what();
    }
    return "it was granted";
  }

  heddle::sdk::FakeHost host;
  int64_t now = 1369353600;
};

TEST_F(S3BrokerTest, TheBucketStandsInThePathOrBeforeTheHost) {
  EXPECT_EQ(place(broker(R"({"endpoint":"https://S3.example:443","bucket":"jobs"})"), "a/b c"), "https://s3.example/jobs/a/b%20c");
  EXPECT_EQ(place(broker(R"({"endpoint":"https://s3.example:9000/","bucket":"jobs","style":"virtual"})"), "a//b"), "https://jobs.s3.example:9000/a//b");
  EXPECT_EQ(place(broker(R"({"endpoint":"http://127.0.0.1:80","bucket":"jobs","prefix":"out"})"), "x"), "http://127.0.0.1/jobs/out/x");
  EXPECT_EQ(place(broker(R"({"endpoint":"http://[::1]:9000"})"), "s3://any-bucket/ü"), "http://[::1]:9000/any-bucket/%C3%BC");
}

TEST_F(S3BrokerTest, OnlyWhatIsInItsBucketAndUnderItsPrefixIsGranted) {
  const Broker one = broker(R"({"endpoint":"https://s3.example","bucket":"jobs","prefix":"out/"})");
  EXPECT_EQ(place(one, "s3://jobs/out/a"), place(one, "a"));
  EXPECT_EQ(refusal(one, "s3://other/out/a"), "not-its-object: \"s3://other/out/a\" is no object of this broker: its bucket is \"jobs\"");
  EXPECT_EQ(refusal(one, "s3://jobs/in/a"), "not-its-object: \"s3://jobs/in/a\" is no object of this broker: it answers for what begins with \"out/\"");
  for (const char* const name : {"", "s3://jobs/out/", "s3://jobs", "../in/a", "a/../../in", "a/./b", "..", "https://s3.example/jobs/out/a"})
    EXPECT_TRUE(refusal(one, name).starts_with("not-its-object: ")) << name;
  EXPECT_TRUE(refusal(one, std::string(1021, 'k')).starts_with("not-its-object: "));
  EXPECT_NE(granted(one, std::string(1020, 'k')).text, "");
  EXPECT_TRUE(refusal(broker(R"({"endpoint":"https://s3.example"})"), "a").ends_with("no \"bucket\" is configured: write s3://bucket/key"));
}

TEST_F(S3BrokerTest, ABucketThatCannotStandBeforeTheHostIsNotGranted) {
  const Broker any = broker(R"({"endpoint":"https://s3.example","style":"virtual"})");
  EXPECT_EQ(place(any, "s3://some-bucket/k"), "https://some-bucket.s3.example/k");
  for (const char* const name : {"s3://UPPER/k", "s3://a.b.c/k", "s3://-abc/k", "s3://a_bc/k", "s3://ab/k", "s3:///k", "s3://evil.example#/k", "s3://..../k"})
    EXPECT_TRUE(refusal(any, name).starts_with("not-its-object: ")) << name;
}

TEST_F(S3BrokerTest, AUrlGivenAsAnObjectIsNotRepeatedWithItsQuery) {
  EXPECT_EQ(refusal(broker(R"({"endpoint":"https://s3.example","bucket":"jobs"})"), "https://elsewhere/a?signature=abc").find("abc"), std::string::npos);
}

TEST_F(S3BrokerTest, AUrlLivesFromOneSecondToSevenDays) {
  const Broker one = broker(R"({"endpoint":"https://s3.example","bucket":"jobs","lifetime_s":60})");
  EXPECT_EQ(granted(one, "a").expires_unix, now + 60);
  EXPECT_EQ(granted(one, "a", kSecond).expires_unix, now + 1);
  EXPECT_EQ(granted(one, "a", 2 * kSecond - 1).expires_unix, now + 1);
  const Url longest = granted(one, "a", 604800 * kSecond);
  EXPECT_EQ(longest.expires_unix, now + 604800);
  EXPECT_NE(longest.text.find("&X-Amz-Expires=604800&"), longest.text.npos);
  EXPECT_TRUE(refusal(one, "a", kSecond - 1).starts_with("invalid: "));
  EXPECT_TRUE(refusal(one, "a", 604801 * kSecond).starts_with("invalid: "));
  EXPECT_TRUE(refusal(one, "a", 0, 3).starts_with("invalid: "));
  EXPECT_EQ(why_not(R"({"endpoint":"https://s3.example","lifetime_s":0})"), "\"lifetime_s\" must be 1 to 604800, which are seven days");
  EXPECT_EQ(why_not(R"({"endpoint":"https://s3.example","lifetime_s":604801})"), "\"lifetime_s\" must be 1 to 604800, which are seven days");
}

TEST_F(S3BrokerTest, TheSignatureDependsOnMethodKeyTimeAndSecret) {
  const Broker one = broker(R"({"endpoint":"https://s3.example","bucket":"jobs"})"), other = broker(R"({"endpoint":"https://s3.example","bucket":"jobs"})", R"("another-secret")");
  const auto signature = [](const Url& url) { return url.text.substr(url.text.rfind('=') + 1); };
  const std::string first = signature(granted(one, "a"));
  EXPECT_EQ(first, signature(granted(one, "a")));
  EXPECT_NE(first, signature(granted(one, "b")));
  EXPECT_NE(first, signature(granted(one, "a", 0, HEDDLE_GRANT_PUT)));
  EXPECT_NE(first, signature(granted(other, "a")));
  ++now;
  EXPECT_NE(first, signature(granted(one, "a")));
}

TEST_F(S3BrokerTest, PlainHttpBeyondLoopbackMustBeAllowed) {
  for (const char* const name : {"s3.example", "10.0.0.1", "127.evil.example", "localhost.example"})
    EXPECT_NE(why_not(R"({"endpoint":"http://)" + std::string(name) + R"("})").find("\"insecure\": true"), std::string::npos) << name;
  for (const char* const name : {"localhost:1", "127.0.0.9", "s3.localhost", "[::1]"}) EXPECT_EQ(why_not(R"({"endpoint":"http://)" + std::string(name) + R"("})"), "it was made") << name;
  EXPECT_EQ(why_not(R"({"endpoint":"http://s3.example","insecure":true})"), "it was made");
}

TEST_F(S3BrokerTest, ParamsThatCannotBeMeantAreRefused) {
  for (const char* const params :
       {R"({"endpoint":"s3.example"})", R"({"endpoint":"ftp://s3.example"})", R"({"endpoint":"https://"})", R"({"endpoint":"https://h/path"})", R"({"endpoint":"https://h:0"})",
        R"({"endpoint":"https://h:"})", R"({"endpoint":"https://h:65536"})", R"({"endpoint":"https://h?x"})", R"({"endpoint":"https://[::1"})", R"({"endpoint":"https://[beef]"})", R"({"endpoint":"https://h","bucket":"a"})",
        R"({"endpoint":"https://h","bucket":"a/b"})", R"({"endpoint":"https://h","style":"other"})", R"({"endpoint":"https://1.2.3.4","style":"virtual"})",
        R"({"endpoint":"https://h","style":"virtual","bucket":"a.b.c"})", R"({"endpoint":"https://h","prefix":"../a"})", R"({"endpoint":"https://h","region":"a/b"})",
        R"({"endpoint":"https://h","session_token":{"file":7}})", R"({"endpoint":"https://h","session_token":"a b"})"})
    EXPECT_NE(why_not(params), "it was made") << params;
  const std::string why = why_not(R"({"endpoint":"https://user:the-password@h"})");
  EXPECT_NE(why, "it was made");
  EXPECT_EQ(why.find("the-password"), why.npos);
}

TEST_F(S3BrokerTest, ASecretInAFileOfItsOwnerIsReadEachTime) {
  char folder[] = "/tmp/broker_s3_XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  const std::string path = std::string(folder) + "/secret", given = R"({"file":")" + path + R"("})", params = R"({"endpoint":"https://s3.example","bucket":"jobs"})";
  const auto write = [&](const std::string& text) { std::ofstream(path) << text << "\n"; };
  write(kSecret);
  ASSERT_EQ(::chmod(path.c_str(), 0640), 0);
  try {
    broker(params, given);
    ADD_FAILURE() << "others can read it";
  } catch (const Error& why) {
    EXPECT_EQ(why.what(), "\"secret_key\": the file " + path + " can be opened by others than its owner: chmod 600");
  }
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  const Broker one = broker(params, given);
  EXPECT_EQ(granted(one, "a").text, granted(broker(params), "a").text);
  write("another-secret");
  EXPECT_EQ(granted(one, "a").text, granted(broker(params, R"("another-secret")"), "a").text);
  write("");
  EXPECT_TRUE(refusal(one, "a").starts_with("no-credential: "));
  write(std::string(20000, 'x'));
  EXPECT_TRUE(refusal(one, "a").starts_with("no-credential: "));
  ::unlink(path.c_str());
  EXPECT_EQ(refusal(one, "a"), "no-credential: \"secret_key\": the file " + path + " cannot be read: No such file or directory");
  ::rmdir(folder);
}

}  // namespace
}  // namespace broker_s3
