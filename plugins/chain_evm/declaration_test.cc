#include "declaration.h"

#include <gtest/gtest.h>

#include "test_values.h"

namespace chain_evm {
namespace {

std::string signature_of(std::string_view text) { return parse_declaration(text).signature(); }
std::string not_parsed(std::string_view text) {
  return why_not([&] { parse_declaration(text); });
}

TEST(Declaration, FunctionsAreWrittenAsInSolidity) {
  const Declaration declared = parse_declaration(
      "function poll(string calldata queue, uint16 partition) external view returns (tuple(bytes32 id, bytes[2][] data) activity, bool "
      "found);");
  EXPECT_EQ(declared.kind, Declaration::Kind::kFunction);
  EXPECT_EQ(declared.signature(), "poll(string,uint16)");
  EXPECT_EQ(declared.inputs[0].name, "queue");
  EXPECT_EQ(declared.inputs[1].name, "partition");
  EXPECT_EQ(text_of(declared.outputs), "((bytes32,bytes[2][]),bool)");
  EXPECT_EQ(declared.outputs[0].name, "activity");
  EXPECT_EQ(declared.outputs[0].parts[1].name, "data");
  EXPECT_TRUE(declared.has_outputs);
}

TEST(Declaration, TheShortFormsMeanTheSame) {
  EXPECT_EQ(signature_of("f()"), "f()");
  EXPECT_EQ(signature_of(" f ( uint , int [ 2 ] , ( address payable to , bool ) [ ] x ) "), "f(uint256,int256[2],(address,bool)[])");
  EXPECT_EQ(signature_of("error(uint256)"), "error(uint256)");
  EXPECT_EQ(parse_declaration("error(uint256)").kind, Declaration::Kind::kFunction);
  EXPECT_EQ(signature_of("function event(bool)"), "event(bool)");
}

TEST(Declaration, EventsAndErrorsAreKnown) {
  const Declaration event =
      parse_declaration("event ActivityClaimed(bytes32 indexed activityId, address indexed worker, uint8 p) anonymous");
  EXPECT_EQ(event.kind, Declaration::Kind::kEvent);
  EXPECT_TRUE(event.is_anonymous);
  EXPECT_TRUE(event.inputs[0].is_indexed && event.inputs[1].is_indexed && !event.inputs[2].is_indexed);
  EXPECT_EQ(event.inputs[1].name, "worker");
  EXPECT_EQ(parse_declaration("error NotYours(address worker)").kind, Declaration::Kind::kError);
}

TEST(Declaration, SizesInTheHeadAreCounted) {
  EXPECT_EQ(head_size(parse_declaration("f(uint8, bytes3[4], (bool, int8[2]), string, (bool, bytes), bytes[3], uint8[])").inputs),
            32u * (1 + 4 + 3 + 1 + 1 + 1 + 1));
}

TEST(Declaration, WhatIsNoneIsRefused) {
  for (const char* const text : {"",
                                 "f",
                                 "f(",
                                 "f(uint",
                                 "f(uint,)",
                                 "f(,)",
                                 "f()x",
                                 "f() returns",
                                 "f() returns (",
                                 "f() sometimes",
                                 "(uint)",
                                 "function (uint)",
                                 "function f",
                                 "thing f()",
                                 "f(uint7)",
                                 "f(uint264)",
                                 "f(uint0)",
                                 "f(uint08)",
                                 "f(bytes0)",
                                 "f(bytes33)",
                                 "f(mytype)",
                                 "f(int256 a b)",
                                 "f(uint[)",
                                 "f(uint[-1])",
                                 "f(uint[0])",
                                 "f(uint[01])",
                                 "f(uint[1 2])",
                                 "f(uint[99999999999])",
                                 "f(())",
                                 "f(tuple)",
                                 "f(fixed)",
                                 "f(uint indexed a)",
                                 "event E(uint indexed indexed)",
                                 "f()\nf()",
                                 "f();;",
                                 "event E() view",
                                 "f(uint256\xff)",
                                 "1f()",
                                 "f(uint[1000000][1000000])"})
    EXPECT_NE(not_parsed(text), "") << text;
  EXPECT_NE(not_parsed("f(uint7 a)").find("at character 8: \"uint7\" is no type"), std::string::npos) << not_parsed("f(uint7 a)");
}

TEST(Declaration, WhatIsTooLargeIsRefused) {
  const auto nested = [](size_t depth) { return "f" + std::string(depth, '(') + "uint" + std::string(depth, ')'); };
  EXPECT_EQ(not_parsed(nested(AbiType::kMostDepth)), "");
  EXPECT_NE(not_parsed(nested(AbiType::kMostDepth + 1)), "");
  EXPECT_NE(not_parsed(nested(8000)), "");
  std::string arrays = "f(uint";
  for (int i = 0; i < 15; ++i) arrays += "[]";
  EXPECT_EQ(not_parsed(arrays + ")"), "");
  EXPECT_NE(not_parsed(arrays + "[])"), "");
  std::string many = "f(uint";
  for (size_t i = 1; i < AbiType::kMostParts; ++i) many += ",uint";
  EXPECT_EQ(not_parsed(many + ")"), "");
  EXPECT_NE(not_parsed(many + ",uint)"), "");
  EXPECT_NE(not_parsed(std::string(20000, 'f') + "()"), "");
  EXPECT_NE(not_parsed(std::string(129, 'f') + "()"), "");
}

}  // namespace
}  // namespace chain_evm
