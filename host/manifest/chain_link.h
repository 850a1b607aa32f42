// What tells pipelines that have each other run apart, whatever host they are on and however they came there.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "manifest/manifest.h"

namespace heddle {

// So many pipelines may have each other run, over all hosts.
inline constexpr size_t kMostLinks = 10;

// A hash of what it is: its nodes, in canonical form, and its connections. Not of its name.
uint64_t hash_of(const Manifest& manifest);

// "score@0f3a8b…", the name and the hash, fit for metadata.
std::string chain_link(std::string_view name, const Manifest& manifest);

}  // namespace heddle
