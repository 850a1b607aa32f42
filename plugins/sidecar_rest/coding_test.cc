#include "coding.h"

#include <gtest/gtest.h>

namespace sidecar_rest {
namespace {

std::string encoded(std::string_view text) { return to_base64(std::as_bytes(std::span(text))); }

TEST(Coding, Base64IsThatOfTheStandardAndComesBack) {
  const std::pair<const char*, const char*> known[] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, code] : known) {
    EXPECT_EQ(encoded(plain), code);
    EXPECT_EQ(from_base64(code), plain);
  }
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  EXPECT_EQ(from_base64(encoded(all)), all);
}

TEST(Coding, WhatIsNoBase64IsRefused) {
  for (const char* bad : {"Zg", "Zg=", "Z===", "====", "Zm9v\n", "Zm 9", "Zm9-", "Zg==Zg=="}) EXPECT_FALSE(from_base64(bad)) << bad;
}

TEST(Coding, AnIdIsOneSegmentOfAPathWhateverIsInIt) {
  for (const std::string& id : {std::string("a-b_c.d~9"), std::string("a/b?c#d%e f"), std::string("."), std::string(".."), std::string("\xc3\xa4\0x", 4)}) {
    const std::string segment = to_segment(id);
    EXPECT_EQ(segment.find_first_of("/?# "), segment.npos) << segment;
    EXPECT_EQ(from_segment(segment), id);
  }
  EXPECT_EQ(to_segment("a/b"), "a%2Fb");
  EXPECT_EQ(to_segment(".."), "%2E%2E");
  for (const char* bad : {"%", "%4", "%zz", "a%4"}) EXPECT_FALSE(from_segment(bad)) << bad;
}

}  // namespace
}  // namespace sidecar_rest
