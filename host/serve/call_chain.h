// The chain of a call: the pipelines that have led to it, over all hosts. It keeps a pipeline from calling itself through others for ever, and travels as metadata "chain".
//
// A pipeline is a link of it (chain_link.h): its name, and a hash of what it is, so that hosts that serve different ones under one name are told apart.
#pragma once
#include <string>

#include "plugin/request.h"
#include "result.h"

namespace heddle {

// The chain that `request` came by, with `link` at its end. Errors, of class config: "recursion" (the link is in it already; the message has the chain), "too-deep".
Result<std::string> chain_of(const Request& request, const std::string& link);

}  // namespace heddle
