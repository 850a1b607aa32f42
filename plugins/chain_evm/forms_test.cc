// The published examples are those of EIP-55 (checksums of addresses), of the Keccak team (the hash of nothing; that of "abc" is in many
// places, for instance in go-ethereum's crypto package), and of ethereum.org, "Recursive-length prefix (RLP) serialization".
#include <gtest/gtest.h>

#include <cctype>
#include <vector>

#include "hex.h"
#include "keccak.h"
#include "rlp.h"
#include "test_values.h"

namespace chain_evm {
namespace {

class Forms : public testing::Test, protected TestValues {};

TEST_F(Forms, KeccakIsNotSha3) {
  EXPECT_EQ(to_hex(keccak256("")), "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
  EXPECT_EQ(to_hex(keccak256("abc")), "0x4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
}

TEST_F(Forms, HexIsReadStrictly) {
  EXPECT_EQ(to_hex(std::string_view("\x00\xff\x10", 3)), "0x00ff10");
  EXPECT_EQ(parse_hex("0x00Ff10"), std::string("\x00\xff\x10", 3));
  EXPECT_EQ(parse_hex("0x"), "");
  for (const char* const text : {"", "0", "x", "00", "0x0", "0x0g", "0X00", "0x 0", "0x00 "}) EXPECT_FALSE(parse_hex(text)) << text;
  EXPECT_TRUE(parse_hex("0x0102", 2));
  EXPECT_FALSE(parse_hex("0x0102", 3));
  EXPECT_FALSE(parse_hex("0x0102", SIZE_MAX / 2));
}

TEST_F(Forms, TheChecksumsOfEip55AreWrittenAndVerified) {
  for (const std::string text : {"0x52908400098527886E0F7030069857D2E4169EE7", "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
                                 "0xde709f2102306220921060314715629080e2fb77", "0x27b1fdb04752bbc536007a920d24acb045561c26",
                                 "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
                                 "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB", "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb"}) {
    const std::string address = parse_address(text);
    EXPECT_EQ(to_checksummed(address), text);
    std::string low = text, wrong = text;
    for (char& c : low) c = static_cast<char>(std::tolower(c));
    EXPECT_EQ(parse_address(low), address);
    for (size_t i = 2; i < wrong.size(); ++i) {
      if (!std::islower(static_cast<unsigned char>(wrong[i]))) continue;
      wrong[i] = static_cast<char>(std::toupper(wrong[i]));
      break;
    }
    const bool is_mixed = std::any_of(wrong.begin() + 2, wrong.end(), [](unsigned char c) { return std::islower(c); });
    if (wrong == text || !is_mixed) continue;
    EXPECT_NE(why_not([&] { parse_address(wrong); }).find("EIP-55"), std::string::npos) << wrong;
  }
}

TEST_F(Forms, WhatIsNoAddressIsRefused) {
  for (const char* const text :
       {"", "0x", "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beae",
        "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaedff", "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaeg", "vitalik.eth"})
    EXPECT_NE(why_not([&] { parse_address(text); }).find("is no address"), std::string::npos) << text;
}

TEST_F(Forms, TheExamplesOfRlpAreWritten) {
  EXPECT_EQ(rlp_bytes("dog"),
            "\x83"
            "dog");
  EXPECT_EQ(rlp_list(rlp_bytes("cat") + rlp_bytes("dog")),
            "\xc8\x83"
            "cat\x83"
            "dog");
  EXPECT_EQ(rlp_bytes(""), "\x80");
  EXPECT_EQ(rlp_list(""), "\xc0");
  EXPECT_EQ(rlp_number(0), "\x80");
  EXPECT_EQ(rlp_bytes(std::string_view("\0", 1)), std::string("\0", 1));
  EXPECT_EQ(rlp_number(15), "\x0f");
  EXPECT_EQ(rlp_number(1024), std::string("\x82\x04\x00", 3));
  // [ [], [[]], [ [], [[]] ] ]
  EXPECT_EQ(to_hex(rlp_list(rlp_list("") + rlp_list(rlp_list("")) + rlp_list(rlp_list("") + rlp_list(rlp_list(""))))),
            "0xc7c0c1c0c3c0c1c0");
  EXPECT_EQ(rlp_bytes("Lorem ipsum dolor sit amet, consectetur adipisicing elit"),
            "\xb8\x38"
            "Lorem ipsum dolor sit amet, consectetur adipisicing elit");
}

TEST_F(Forms, WhatIsWrittenIsRead) {
  for (const size_t size : {0, 1, 2, 55, 56, 255, 256, 70000}) {
    const std::string bytes(size, 'x'), encoded = rlp_list(rlp_bytes(bytes) + rlp_number(size));
    RlpReader outer(encoded);
    ASSERT_TRUE(outer.at_list());
    RlpReader items = outer.list();
    outer.end();
    EXPECT_FALSE(items.at_list());
    EXPECT_EQ(items.bytes(), bytes);
    EXPECT_EQ(items.small_number(), size);
    EXPECT_TRUE(items.at_end());
  }
}

TEST_F(Forms, OnlyTheOneRightFormIsRead) {
  const auto bytes = [](std::string_view hex) {
    const std::string encoded = *parse_hex(hex);
    return why_not([&] { RlpReader(encoded).bytes(); });
  };
  EXPECT_EQ(bytes("0x7f"), "");
  EXPECT_NE(bytes("0x817f"), "");  // a single byte, with a length
  EXPECT_EQ(bytes("0x8180"), "");
  EXPECT_NE(bytes("0xb801ff"), "");                          // a short length, written long
  EXPECT_NE(bytes("0xb90038" + std::string(112, '0')), "");  // a length with a zero in front
  EXPECT_NE(bytes("0x83646f"), "");                          // too short
  EXPECT_NE(bytes("0xbfffffffffffffffff"), "");
  EXPECT_NE(bytes("0xb8"), "");
  EXPECT_NE(bytes("0x"), "");
  EXPECT_NE(bytes("0xc0"), "");  // a list
  const auto number = [](std::string_view hex) {
    const std::string encoded = *parse_hex(hex);
    return why_not([&] { RlpReader(encoded).small_number(); });
  };
  EXPECT_EQ(number("0x80"), "");
  EXPECT_NE(number("0x00"), "");  // 0 has no bytes
  EXPECT_NE(number("0x820001"), "");
  EXPECT_EQ(number("0x88ffffffffffffffff"), "");
  EXPECT_NE(number("0x89010000000000000000"), "");
  EXPECT_NE(number("0xa1" + std::string(66, '1')), "");
  EXPECT_NE(why_not([] { RlpReader("\x80").list(); }), "");
  EXPECT_NE(why_not([] { RlpReader("\x80").end(); }), "");
}

}  // namespace
}  // namespace chain_evm
