// broker_http as the host has it, against an API in Python that answers well, badly, or never.
#include <sys/stat.h>

#include <ctime>
#include <fstream>
#include <set>

#include "brokers.h"
#include "tls_files.h"

namespace heddle {
namespace {

constexpr char kToken[] = "the-token-of-the-api";

class BrokerHttpTest : public BrokersTest {
 protected:
  BrokerHttpTest() : BrokersTest("http_api") { secrets = {kToken, "another-token"}; }

  static std::vector<std::string> words(const std::vector<std::string>& more = {}) {
    std::vector<std::string> all = {"/usr/bin/python3", HEDDLE_TESTS "/conformance/broker_api.py", kToken};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  static std::string params(const std::string& where, const std::string& more = "", const std::string& token = kToken) {
    return R"({"url":")" + where + R"(/v1/grants","token":")" + token + R"(","connect_ms":60000)" + more + "}";
  }
  static std::string at(int port) { return "http://127.0.0.1:" + std::to_string(port); }
  // "code: message"
  std::string why_not(BrokerHandle& broker, const std::string& object) {
    const auto url = ask(broker, GrantMethod::kGet, object);
    return url ? "it was granted" : url.error().code + ": " + url.error().message;
  }
  std::unique_ptr<BrokerHandle> usual() { return make(params(at(api_.port), R"(,"answer_ms":60000)")); }

  Server api_{words()};
};

TEST_F(BrokerHttpTest, TheApiIsAskedAndItsUrlIsPassedOn) {
  const auto broker = usual();
  const std::time_t before = std::time(nullptr);
  const auto url = ask(*broker, GrantMethod::kPut, "a/ü \"b\"", 60);
  ASSERT_TRUE(url) << url.error().text();
  EXPECT_EQ(api_.line(), "a/ü \"b\"");
  EXPECT_EQ(url->url, "https://store.example/PUT/a/%C3%BC%20%22b%22?signature=1&lives=60");
  EXPECT_EQ(get(*broker, "b"), "https://store.example/GET/b?signature=1&lives=900");
  EXPECT_EQ(get(*broker, "b", 60), "https://store.example/GET/b?signature=1&lives=60");
  EXPECT_EQ(put(*broker, "b"), "https://store.example/PUT/b?signature=1&lives=900");
  const auto dated = ask(*broker, GrantMethod::kGet, "dated"), undated = ask(*broker, GrantMethod::kGet, "c", 60);
  ASSERT_TRUE(dated && undated);
  EXPECT_EQ(dated->expires_unix, 4'000'000'000);
  EXPECT_GE(undated->expires_unix, before + 60);
  EXPECT_LE(undated->expires_unix, std::time(nullptr) + 60);
}

TEST_F(BrokerHttpTest, ManyAreAskedAtTheSameTimeAndEachGetsItsOwn) {
  const auto broker = usual();
  constexpr int kAll = 200;
  std::vector<std::promise<Result<GrantedUrl>>> answers(kAll);
  for (int n = 0; n < kAll; ++n)
    broker->grant(GrantMethod::kGet, "o" + std::to_string(n), 0, [&answers, n](Result<GrantedUrl> url) { answers[static_cast<size_t>(n)].set_value(std::move(url)); });
  for (int n = 0; n < kAll; ++n) {
    const auto url = answers[static_cast<size_t>(n)].get_future().get();
    ASSERT_TRUE(url) << url.error().text();
    EXPECT_TRUE(url->url.starts_with("https://store.example/GET/o" + std::to_string(n) + "?"));
  }
}

TEST_F(BrokerHttpTest, WhyThereIsNoUrlIsSaidInTheApisWordsWithoutTheToken) {
  const auto broker = usual();
  const std::string it = "the API at " + at(api_.port) + " ";
  EXPECT_EQ(why_not(*broker, "403"), "refused: " + it + "refuses it (403): because of Bearer ***");
  EXPECT_TRUE(why_not(*broker, "404").starts_with("refused: "));
  EXPECT_TRUE(why_not(*broker, "503").starts_with("unavailable: "));
  EXPECT_EQ(why_not(*broker, "text"), "unavailable: " + it + "answers with something that is no JSON object");
  EXPECT_EQ(why_not(*broker, "large"), "unavailable: " + it + "answers with more than 64 KiB");
  EXPECT_EQ(why_not(*broker, "gone"), "unavailable: " + it + "ended the connection before its answer was whole");
  EXPECT_TRUE(why_not(*broker, "").starts_with("not-its-object: "));
  EXPECT_TRUE(why_not(*broker, std::string(5000, 'k')).starts_with("not-its-object: "));
  const auto wrong = make(params(at(api_.port), "", "another-token"));
  EXPECT_EQ(why_not(*wrong, "a"), "no-credential: " + it + "does not take the token (401): who are you, Bearer ***?");
  EXPECT_NE(get(*broker, "a"), "");
}

TEST_F(BrokerHttpTest, ARedirectIsNotFollowed) {
  const auto broker = usual();
  EXPECT_TRUE(why_not(*broker, "302").ends_with("redirects are not followed: set \"url\" to where it leads"));
  EXPECT_EQ(api_.line(), "302");
  EXPECT_TRUE(why_not(*broker, "307").starts_with("refused: "));
  EXPECT_EQ(api_.line(), "307");
}

TEST_F(BrokerHttpTest, AnApiThatDoesNotAnswerOrIsNotThereIsUnavailable) {
  const auto broker = make(R"({"url":")" + at(api_.port) + R"(/v1/grants","token":"the-token-of-the-api","connect_ms":200,"answer_ms":200})");
  EXPECT_TRUE(why_not(*broker, "never").starts_with("unavailable: the API at " + at(api_.port) + " gave no whole answer within 400 ms"));
  EXPECT_TRUE(why_not(*broker, "half").starts_with("unavailable: the API at " + at(api_.port) + " gave no whole answer within 400 ms"));
  int port;
  {
    const Server gone(words());
    port = gone.port;
  }
  EXPECT_EQ(why_not(*make(params(at(port))), "a"), "unavailable: the API at " + at(port) + " cannot be reached: nobody is there who takes a connection");
}

TEST_F(BrokerHttpTest, WhatIsOpenWhenTheBrokerGoesIsCancelledAndNotMoreThanSomeWait) {
  auto broker = make(params(at(api_.port), R"(,"answer_ms":600000)"));
  constexpr int kAll = 300;  // more than the 8 that are asked at a time and the 256 that wait
  std::mutex mutex;
  std::vector<std::string> codes;
  for (int n = 0; n < kAll; ++n) {
    broker->grant(GrantMethod::kGet, "never", 0, [&](const Result<GrantedUrl>& url) {
      std::lock_guard lock(mutex);
      codes.push_back(url ? "granted" : url.error().code);
    });
    if (n < 8) {
      EXPECT_EQ(api_.line(), "never");
    }
  }
  {
    std::lock_guard lock(mutex);
    EXPECT_EQ(codes, std::vector<std::string>(kAll - 8 - 256, "too-many"));
    codes.clear();
  }
  broker.reset();
  EXPECT_EQ(codes, std::vector<std::string>(8 + 256, "cancelled"));
}

TEST_F(BrokerHttpTest, TheApisCertificateIsVerified) {
  TlsFiles files;
  files.make_authority("ours");
  files.make_authority("theirs");
  files.make("api", "ours", "DNS:localhost");
  const Server api(words({files.path("api.pem"), files.path("api.key")}));
  const std::string port = std::to_string(api.port);
  const auto params_with = [&](const std::string& host, const std::string& ca) {
    return params("https://" + host + ":" + port, ca.empty() ? "" : R"(,"ca":")" + files.path(ca + ".pem") + "\"");
  };
  EXPECT_NE(get(*make(params_with("localhost", "ours")), "a"), "");
  for (const auto& [host, ca] : std::vector<std::pair<std::string, std::string>>{{"localhost", ""}, {"localhost", "theirs"}, {"127.0.0.1", "ours"}})
    EXPECT_TRUE(why_not(*make(params_with(host, ca)), "a").find(" is not trusted: its certificate ") != std::string::npos) << host << " " << ca;
  EXPECT_TRUE(why_not(*make(params("http://localhost:" + port)), "a").starts_with("unavailable: "));
}

TEST_F(BrokerHttpTest, ATokenIsNotSentInTheOpenAndMayLieInAFile) {
  for (const char* const url : {"http://api.example", "ftp://localhost", "api.example", "https://user:another-token@api.example"}) EXPECT_FALSE(create(params(url))) << url;
  EXPECT_TRUE(create(params("http://api.example", R"(,"insecure":true)")));
  EXPECT_FALSE(create(R"({"url":"https://api.example"})"));
  const Folder folder;
  const std::string path = folder / "token", given = R"({"url":")" + at(api_.port) + R"(/v1/grants","token":{"file":")" + path + R"("}})";
  EXPECT_FALSE(create(given));
  std::ofstream(path) << kToken << "\n";
  ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
  EXPECT_FALSE(create(given));
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  const auto broker = make(given);
  EXPECT_NE(get(*broker, "a"), "");
  make(params(at(api_.port), "", "a-third-token"));
  EXPECT_EQ(log::redacted("it is a-third-token"), "it is ***");
  std::ofstream(path) << "another-token";
  EXPECT_TRUE(why_not(*broker, "a").starts_with("no-credential: "));
}

}  // namespace
}  // namespace heddle
