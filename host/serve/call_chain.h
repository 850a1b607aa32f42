// The chain of a call: the pipelines that have led to it, over all hosts. It keeps a pipeline from calling itself through others for ever, and travels as metadata "chain".
//
// A pipeline is a link of it: its name, and a hash of what it is, so that hosts that serve different ones under one name are told apart.
#pragma once
#include <string>
#include <string_view>

#include "manifest/manifest.h"
#include "plugin/request.h"
#include "result.h"

namespace heddle {

inline constexpr size_t kMostLinks = 10;

// "score@0f3a8b…", fit for metadata.
std::string chain_link(std::string_view name, const Manifest& manifest);

// The chain that `request` came by, with `link` at its end. Errors, of class config: "recursion" (the link is in it already; the message has the chain), "too-deep".
Result<std::string> chain_of(const Request& request, const std::string& link);

}  // namespace heddle
