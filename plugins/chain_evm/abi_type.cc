#include "abi_type.h"

#include <algorithm>

namespace chain_evm {
namespace {

constexpr size_t kWord = 32;

}  // namespace

bool AbiType::is_dynamic() const {
  switch (kind) {
    case Kind::kBytes:
    case Kind::kString:
    case Kind::kList:
      return true;
    case Kind::kArray:
    case Kind::kTuple:
      return std::any_of(parts.begin(), parts.end(), [](const AbiType& part) { return part.is_dynamic(); });
    default:
      return false;
  }
}

size_t AbiType::head_size() const {
  if (is_dynamic()) return kWord;
  if (kind == Kind::kArray) return size * parts[0].head_size();
  return kind == Kind::kTuple ? chain_evm::head_size(parts) : kWord;
}

std::string AbiType::text() const {
  switch (kind) {
    case Kind::kUint:
      return "uint" + std::to_string(size);
    case Kind::kInt:
      return "int" + std::to_string(size);
    case Kind::kAddress:
      return "address";
    case Kind::kBool:
      return "bool";
    case Kind::kFixedBytes:
      return "bytes" + std::to_string(size);
    case Kind::kBytes:
      return "bytes";
    case Kind::kString:
      return "string";
    case Kind::kArray:
      return parts[0].text() + "[" + std::to_string(size) + "]";
    case Kind::kList:
      return parts[0].text() + "[]";
    case Kind::kTuple:
      return text_of(parts);
  }
  return {};
}

size_t head_size(const AbiTypes& types) {
  size_t size = 0;
  for (const AbiType& type : types) size += type.head_size();
  return size;
}

std::string text_of(const AbiTypes& types) {
  std::string text = "(";
  for (const AbiType& type : types) text.append(text.size() > 1 ? "," : "").append(type.text());
  return text + ")";
}

bool are_named(const AbiTypes& types) {
  for (auto type = types.begin(); type != types.end(); ++type) {
    const auto is_same = [&](const AbiType& other) { return other.name == type->name; };
    if (type->name.empty() || std::any_of(types.begin(), type, is_same)) return false;
  }
  return !types.empty();
}

}  // namespace chain_evm
