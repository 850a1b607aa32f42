// A YAML text (1.2, core schema, one document) as the tree that a JSON text gives, in which every value and key knows its place in the source.
#pragma once
#include <string_view>

#include "manifest/diagnostic.h"
#include "manifest/document.h"

namespace heddle {

inline constexpr size_t kMaxYamlBytes = size_t{1} << 20;
inline constexpr size_t kMaxYamlValues = 100'000;  // aliases count as what they stand for
inline constexpr size_t kMaxYamlAliases = 1'000;

// Reports syntax errors, keys that repeat or are no text, tags of other than the core types, and what is over a limit. False if there is no usable tree.
bool parse_yaml(std::string_view text, JsonNode& root, Diagnostics& diagnostics);

}  // namespace heddle
