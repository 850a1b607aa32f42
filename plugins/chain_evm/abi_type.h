// AbiType: a type of Solidity's contract ABI (docs.soliditylang.org, "Contract ABI Specification").
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace chain_evm {

// Within the bounds below when parse_declaration (declaration.h) made it.
struct AbiType {
  enum class Kind { kUint, kInt, kAddress, kBool, kFixedBytes, kBytes, kString, kArray, kList, kTuple };

  static constexpr size_t kMostDepth = 16;          // of tuples and arrays in each other
  static constexpr size_t kMostParts = 256;         // that one declaration names
  static constexpr size_t kMostHead = 1024 * 1024;  // bytes, of a type with fixed size: uint256[32768]

  Kind kind = Kind::kUint;
  size_t size = 0;                  // kUint, kInt: bits; kFixedBytes: bytes; kArray: elements (kList has as many as its data say)
  std::vector<AbiType> parts = {};  // kTuple: the components; kArray and kList: the type of the elements, one
  std::string name = {};            // of the parameter or the component; may be empty
  bool is_indexed = false;          // a parameter of an event that is in the topics

  bool is_dynamic() const;
  // How many bytes it takes in the head of what it is a part of: 32 if it is dynamic.
  size_t head_size() const;
  // As signatures have it: "(uint256,bytes32[2])[]".
  std::string text() const;
};

using AbiTypes = std::vector<AbiType>;

size_t head_size(const AbiTypes& types);
// "(uint256,address)"
std::string text_of(const AbiTypes& types);
// All have names, and no two the same: values are a MAP then.
bool are_named(const AbiTypes& types);

}  // namespace chain_evm
