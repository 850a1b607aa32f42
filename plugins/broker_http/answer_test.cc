#include "answer.h"

#include <gtest/gtest.h>
#include <heddle/sdk/fake_host.h>

#include "origin.h"

namespace broker_http {
namespace {

const Question kAsked{.where = "https://api.example", .token = "the-token", .now_unix = 1000, .lifetime_s = 60};

class AnswerTest : public testing::Test {
 protected:
  static std::string read(int status, const std::string& body, const Question& asked = kAsked) {
    try {
      const Url url = url_in({.status = status, .body = body}, asked);
      return url.text + " " + std::to_string(url.expires_unix);
    } catch (const Refusal& why) {
      EXPECT_EQ(std::string(why.what()).find("the-token"), std::string::npos) << why.what();
      return std::to_string(why.status()) + " " + why.code() + ": " + why.what();
    }
  }

  heddle::sdk::FakeHost host;
};

TEST_F(AnswerTest, AUrlIsGoodAsLongAsTheApiSaysOrAsWasAskedFor) {
  EXPECT_EQ(read(200, R"({"url":"https://s/a?b","expires_unix":1030})"), "https://s/a?b 1030");
  EXPECT_EQ(read(201, R"({"url":"https://s/a?b","expires_unix":null,"more":1})"), "https://s/a?b 1060");
  EXPECT_EQ(read(200, R"({"url":"http://127.0.0.1:9/a"})"), "http://127.0.0.1:9/a 1060");
  Question insecure = kAsked;
  insecure.insecure = true;
  EXPECT_EQ(read(200, R"({"url":"http://s/a"})", insecure), "http://s/a 1060");
}

TEST_F(AnswerTest, WhatIsNoUsableUrlIsNotPassedOn) {
  for (const char* const body : {"", "[]", "7", "{", "not JSON", "{}", R"({"url":7})", R"({"url":""})", R"({"url":"ftp://s/a"})", R"({"url":"s/a"})", R"({"url":"https://s/a b"})",
                                 R"({"url":"https://s/a\nb"})", R"({"url":"https://s/ü"})", R"({"url":"http://s/a"})", R"({"url":"https://s/a","expires_unix":1000})",
                                 R"({"url":"https://s/a","expires_unix":"soon"})", R"({"url":"https://s/a","expires_unix":1030.5})"})
    EXPECT_TRUE(read(200, body).starts_with(std::to_string(HEDDLE_UNAVAILABLE) + " unavailable: the API at https://api.example answers with")) << body << ": " << read(200, body);
  EXPECT_TRUE(read(200, R"({"url":"https://s/)" + std::string(16384, 'a') + "\"}").find("unavailable") != std::string::npos);
}

TEST_F(AnswerTest, ARefusalSaysWhetherItIsTheTokenTheObjectOrTheApi) {
  const auto begin = [](heddle_status status, const std::string& rest) { return std::to_string(status) + " " + rest; };
  EXPECT_EQ(read(401, ""), begin(HEDDLE_DENIED, "no-credential: the API at https://api.example does not take the token (401)"));
  EXPECT_EQ(read(403, R"({"error":"not yours"})"), begin(HEDDLE_DENIED, "refused: the API at https://api.example refuses it (403): not yours"));
  EXPECT_EQ(read(404, R"({"message":"no\nsuch"})"), begin(HEDDLE_NOT_FOUND, "refused: the API at https://api.example refuses it (404): no such"));
  EXPECT_TRUE(read(429, "").starts_with(begin(HEDDLE_EXHAUSTED, "refused: ")));
  EXPECT_TRUE(read(422, "").starts_with(begin(HEDDLE_INVALID, "refused: ")));
  EXPECT_TRUE(read(503, "").starts_with(begin(HEDDLE_UNAVAILABLE, "unavailable: ")));
  EXPECT_TRUE(read(302, "").starts_with(begin(HEDDLE_INVALID, "refused: ")));
}

TEST_F(AnswerTest, TheApisWordsAreRepeatedWithoutSecretsAndNotForEver) {
  EXPECT_EQ(read(400, R"({"error":"bad the-token, the-token"})").substr(read(400, "").size()), ": bad ***, ***");
  EXPECT_EQ(read(400, R"({"error":"try https://s/a?signature=1"})"), read(400, ""));
  EXPECT_LT(read(400, R"({"error":")" + std::string(5000, 'x') + "\"}").size(), 400u);
}

TEST_F(AnswerTest, TheOriginOfAUrlShowsNoSecretOfIt) {
  EXPECT_EQ(Origin::of("https://u:p@API.example:8443/a?key=1")->text.find('@'), std::string::npos);
  EXPECT_TRUE(Origin::of("https://u:p@api.example")->has_user);
  EXPECT_EQ(Origin::of("https://api.example/a?key=1")->text, "https://api.example");
  EXPECT_TRUE(Origin::of("http://localhost:80/")->is_loopback);
  EXPECT_FALSE(Origin::of("http://127.evil.example/")->is_loopback);
  EXPECT_FALSE(Origin::of("file:///etc/passwd"));
}

}  // namespace
}  // namespace broker_http
