// Manifests that lie somewhere on the web.
//
// What was fetched is kept for the process: for a minute it is not asked for again, after that only whether it has changed, and where that cannot be learned, the last good one counts.
#pragma once
#include <heddle/sdk.h>

#include <string>

namespace node_remote {

// Any thread; blocks, at most `timeout_ms`. `authorization`: what the field Authorization says there; empty: there is none. Follows up to five redirects, and goes to no address that is
// not public unless the operator allows it (README). Throws Error, whose text begins with ManifestFetchFailed and names the url without what may be a secret.
heddle::sdk::Value fetch_manifest(const std::string& url, const std::string& authorization, uint64_t timeout_ms, const heddle::sdk::Log& log);

// As it may be shown: without user, password, query and fragment.
std::string shown_url(std::string_view url);

}  // namespace node_remote
