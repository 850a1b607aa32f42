// The published examples are those of docs.soliditylang.org, "Contract ABI Specification", sections "Examples" and "Use of Dynamic Types".
// The others were made by ethers 6.13.5 (AbiCoder).
#include "abi_codec.h"

#include <gtest/gtest.h>

#include "amount.h"
#include "declaration.h"
#include "hex.h"
#include "keccak.h"
#include "test_values.h"

namespace chain_evm {
namespace {

class AbiCodec : public testing::Test, protected TestValues {};

AbiTypes types_of(const std::string& inputs) { return parse_declaration("f(" + inputs + ")").inputs; }

std::string encoded(const std::string& types, std::string_view values) { return to_hex(encode(types_of(types), json(values))); }
std::string decoded(const std::string& types, const std::string& hex) { return json_of(decode(types_of(types), *parse_hex(hex))); }
std::string not_encoded(const std::string& types, std::string_view values) {
  return why_not([&] { encode(types_of(types), json(values)); });
}
std::string not_decoded(const std::string& types, const std::string& hex) {
  return why_not([&] { decode(types_of(types), *parse_hex(hex)); });
}

// Words of 32 bytes: a number is filled from the left, a text of hex digits that begins with a point from the right.
std::string words(std::initializer_list<std::string> all) {
  std::string hex = "0x";
  for (const std::string& one : all)
    hex += one.starts_with('.') ? one.substr(1) + std::string(65 - one.size(), '0') : std::string(64 - one.size(), '0') + one;
  return hex;
}

std::string call(const std::string& declaration, std::string_view values) {
  const Declaration declared = parse_declaration(declaration);
  return to_hex(keccak256(declared.signature()).substr(0, 4) + encode(declared.inputs, json(values)));
}

TEST_F(AbiCodec, TheExamplesOfSolidityAreEncoded) {
  EXPECT_EQ(call("baz(uint32 x, bool y)", "[69, true]"), "0xcdcd77c0" + words({"45", "1"}).substr(2));
  EXPECT_EQ(call("bar(bytes3[2] memory)", R"([["0x616263", "0x646566"]])"), "0xfce353f6" + words({".616263", ".646566"}).substr(2));
  EXPECT_EQ(call("sam(bytes memory, bool, uint[] memory)", R"(["0x64617665", true, [1, 2, 3]])"),
            "0xa5643bf2" + words({"60", "1", "a0", "4", ".64617665", "3", "1", "2", "3"}).substr(2));
  EXPECT_EQ(
      call("f(uint,uint32[],bytes10,bytes)", R"(["0x123", [1110, 1929], "0x31323334353637383930", "0x48656c6c6f2c20776f726c6421"])"),
      "0x8be65246" + words({"123", "80", ".31323334353637383930", "e0", "2", "456", "789", "d", ".48656c6c6f2c20776f726c6421"}).substr(2));
  EXPECT_EQ(call("g(uint[][],string[])", R"([[[1, 2], [3]], ["one", "two", "three"]])"),
            "0x2289b18c" + words({"40", "140", "2",  "40", "a0", "2",       "1", "2",       "1", "3",
                                  "3",  "60",  "a0", "e0", "3",  ".6f6e65", "3", ".74776f", "5", ".7468726565"})
                               .substr(2));
}

TEST_F(AbiCodec, WhatEthersEncodesIsEncodedSoAndDecoded) {
  const std::string ints =
      "0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff80ff"
      "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe"
      "00000000000000000000000000000000000000000000000000000000000000ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";
  const char kInts[] = "[-1,-128,-2,255,115792089237316195423570985008687907853269984665640564039457584007913129639935]";
  EXPECT_EQ(encoded("int256,int8,int16,uint8,uint256", kInts), ints);
  EXPECT_EQ(decoded("int256,int8,int16,uint8,uint256", ints), kInts);

  const std::string arrays = words({"1", "2", "3", "4", "5", "6", "100", "1c0", "40", "80", "1", ".61", "2", ".6263", "1", ".010203"});
  const char kArrays[] = R"([[[1,2],[3,4],[5,6]],["a","bc"],["0x010203"]])";
  EXPECT_EQ(encoded("uint8[2][3],string[2],bytes3[]", kArrays), arrays);
  EXPECT_EQ(decoded("uint8[2][3],string[2],bytes3[]", arrays), kArrays);
}

TEST_F(AbiCodec, ATupleIsAMapWhereItsComponentsHaveNames) {
  const std::string types = "(bytes32 id, string name, uint16[] parts, (address who, bytes data)[] more) one, bool";
  const std::string id(64, 'a'), who = "70997970c51812dc3a010c7d01b50e0d17dc79c8";
  const std::string encoding = words({"40", "1",  id,  "80",      "c0", "120", "7", ".6772c3bcc39f65", "2", "1", "ffff", "2", "40", "c0",
                                      who,  "40", "3", ".010203", "1",  "40",  "0"});
  EXPECT_EQ(
      encoded(
          types,
          R"([{"id":"0x)" + id +
              R"(","name":"grüße","parts":[1,65535],"more":[{"who":"0x70997970C51812dc3A010C7d01b50e0d17dc79C8","data":"0x010203"},["0x0000000000000000000000000000000000000001","0x"]]},true])"),
      encoding);
  const heddle::sdk::Value values = decode(types_of(types), *parse_hex(encoding));
  ASSERT_TRUE(values.at(0).is(HEDDLE_MAP));
  EXPECT_EQ(*values.at(0).find("id").as_text(), "0x" + id);
  EXPECT_EQ(*values.at(0).find("name").as_text(), "grüße");
  EXPECT_EQ(json_of(values.at(0).find("parts")), "[1,65535]");
  const heddle::sdk::ValueRef first = values.at(0).find("more").at(0);
  EXPECT_EQ(*first.find("who").as_text(), "0x" + who);
  ASSERT_TRUE(first.find("data").is(HEDDLE_BYTES));
  EXPECT_EQ(first.find("data").size(), 3u);
  EXPECT_EQ(to_hex(encode(types_of(types), values)), encoding);
  // Without names, or with the same name twice, it is a list.
  EXPECT_TRUE(decode(types_of("(bool a, bool)"), *parse_hex(words({"1", "0"}))).at(0).is(HEDDLE_LIST));
  EXPECT_TRUE(decode(types_of("(bool a, bool a)"), *parse_hex(words({"1", "0"}))).at(0).is(HEDDLE_LIST));
  EXPECT_EQ(json_of(decode_tuple(types_of("bool a, uint8 b"), *parse_hex(words({"1", "9"})))), R"({"a":true,"b":9})");
  EXPECT_EQ(json_of(decode_tuple({}, "")), "[]");
}

TEST_F(AbiCodec, NumbersThatDoNotFitAreRefused) {
  EXPECT_EQ(not_encoded("uint8", "[255]"), "");
  EXPECT_NE(not_encoded("uint8", "[256]"), "");
  EXPECT_NE(not_encoded("uint8", "[-1]"), "");
  EXPECT_EQ(not_encoded("int8", "[-128]"), "");
  EXPECT_NE(not_encoded("int8", "[-129]"), "");
  EXPECT_NE(not_encoded("int8", "[128]"), "");
  EXPECT_EQ(not_encoded("int256", R"(["-57896044618658097711785492504343953926634992332820282019728792003956564819968"])"), "");
  EXPECT_NE(not_encoded("int256", R"(["-57896044618658097711785492504343953926634992332820282019728792003956564819969"])"), "");
  EXPECT_NE(not_encoded("int256", R"(["57896044618658097711785492504343953926634992332820282019728792003956564819968"])"), "");
  EXPECT_NE(not_decoded("uint8", words({"100"})), "");
  EXPECT_NE(not_decoded("int8", words({"80"})), "");
  EXPECT_NE(not_decoded("bool", words({"2"})), "");
  EXPECT_NE(not_decoded("address", words({"1" + std::string(40, '0')})), "");
  EXPECT_NE(not_decoded("bytes3", words({".01020304"})), "");
}

TEST_F(AbiCodec, AnErrorNamesThePlace) {
  EXPECT_EQ(not_encoded("(uint8 a, (bool b, string[] c) d) activity", R"([{"a":1,"d":{"b":true,"c":["x",7]}}])"),
            "the value \"activity.d.c[1]\" (string): it must be a text");
  EXPECT_NE(not_encoded("uint8, uint8", R"([1,"x"])").find("\"[1]\" (uint8)"), std::string::npos);
  EXPECT_NE(not_encoded("(uint8 a, uint8 b) t", R"([{"a":1,"c":2}])").find("\"t.b\" (uint8): it is missing"), std::string::npos);
  EXPECT_NE(not_decoded("uint8[] parts", words({"20", "2", "1", "100"})).find("\"parts[1]\" (uint8)"), std::string::npos);
}

TEST_F(AbiCodec, ValuesOfTheWrongKindAreRefused) {
  for (const auto& [types, values] : {std::pair{"uint8", "[true]"},
                                      {"uint8", "[]"},
                                      {"uint8", "[1,2]"},
                                      {"uint8", "7"},
                                      {"uint8", "{\"a\":1}"},
                                      {"bool", "[1]"},
                                      {"bool", "[\"true\"]"},
                                      {"address", "[1]"},
                                      {"address", "[\"0x01\"]"},
                                      {"bytes3", "[\"0x0102\"]"},
                                      {"bytes3", "[\"0x01020304\"]"},
                                      {"bytes", "[\"01\"]"},
                                      {"bytes", "[\"0x1\"]"},
                                      {"string", "[1]"},
                                      {"uint8[]", "[1]"},
                                      {"uint8[2]", "[[1]]"},
                                      {"uint8[2]", "[[1,2,3]]"},
                                      {"(uint8 a)", "[{\"a\":1,\"b\":2}]"},
                                      {"(uint8 a)", "[{}]"},
                                      {"(uint8)", "[{\"\":1}]"}})
    EXPECT_NE(not_encoded(types, values), "") << types << " " << values;
}

TEST_F(AbiCodec, OffsetsAndLengthsThatLieAreRefused) {
  EXPECT_EQ(decoded("string", words({"20", "1", ".61"})), R"(["a"])");
  EXPECT_EQ(decoded("string", words({"40", "0", "1", ".61"})), R"(["a"])");  // a gap
  EXPECT_EQ(decoded("string", words({"20", "1"}) + "61"), R"(["a"])");       // without padding
  EXPECT_NE(not_decoded("string", words({"0", "1", ".61"})), "");            // into the head
  EXPECT_NE(not_decoded("string", words({"20", "2"}) + "61"), "");           // beyond the end
  EXPECT_NE(not_decoded("string", words({"21", "1", ".61"})), "");
  EXPECT_NE(not_decoded("string", words({"80", "1", ".61"})), "");
  EXPECT_NE(not_decoded("string", words({std::string(64, 'f'), "1", ".61"})), "");
  EXPECT_NE(not_decoded("string", words({"20", std::string(64, 'f'), ".61"})), "");
  EXPECT_NE(not_decoded("string", words({"20"})), "");
  EXPECT_NE(not_decoded("string", "0x"), "");
  EXPECT_NE(not_decoded("string,string", words({"40", "40", "1", ".61"})), "");              // the same bytes twice
  EXPECT_NE(not_decoded("string,string", words({"80", "40", "1", ".61", "1", ".61"})), "");  // backwards
  EXPECT_NE(not_decoded("uint8[]", words({"20", "2", "1"})), "");
  EXPECT_NE(not_decoded("uint8[]", words({"20", "ffffffffffff", "1"})), "");
  EXPECT_NE(not_decoded("uint8[][]", words({"20", "2", "0", "0"})), "");  // each list would be itself
  EXPECT_NE(not_decoded("string", words({"20", "1", ".ff"})).find("UTF-8"), std::string::npos);
  EXPECT_NE(not_decoded("uint256", "0x01"), "");
}

TEST_F(AbiCodec, WhatComesAfterIsLeft) { EXPECT_EQ(decoded("uint8", words({"1", "2", "3"})), "[1]"); }

}  // namespace
}  // namespace chain_evm
