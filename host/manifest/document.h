// A JSON text as a tree in which every value and key knows its place in the source.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "manifest/diagnostic.h"

namespace heddle {

enum class JsonKind : uint8_t { kNull, kBool, kNumber, kString, kList, kMap };

struct JsonNode {
  JsonKind kind = JsonKind::kNull;
  bool boolean = false;
  std::string text;  // STRING: unescaped; NUMBER: as written
  struct Member;
  std::vector<JsonNode> items;  // LIST
  std::vector<Member> members;  // MAP, in the order written
  Span span;

  const JsonNode* find(std::string_view key) const;
  std::string json() const;    // compact JSON text
  std::string pretty() const;  // JSON text with two spaces of indentation
};

struct JsonNode::Member {
  std::string key;
  Span key_span;
  JsonNode value;
};

inline constexpr size_t kMaxManifestBytes = size_t{16} << 20;
inline constexpr size_t kMaxManifestDepth = 64;
inline constexpr size_t kMaxManifestValues = 2'000'000;  // of any kind: bounds the memory that 16 MiB of text can take

// Parses iteratively (no recursion on input). Reports syntax errors, duplicate keys, depth and size over the limit. False if there is no
// usable tree.
bool parse_document(std::string_view text, JsonNode& root, Diagnostics& diagnostics);

}  // namespace heddle
