// Manifests that lie somewhere on the web.
//
// What was fetched is kept for the process: for a minute it is not asked for again, after that only whether it has changed, and where that cannot be learned, the last good one counts.
#pragma once
#include <heddle/sdk.h>

#include <chrono>
#include <string>
#include <string_view>

namespace node_remote {

// UNAVAILABLE: another time it may be had; else never.
class FetchFailed : public heddle::sdk::Error {
 public:
  FetchFailed(heddle_status status, std::string url, std::string reason, int64_t took_ms);
  // As a failed item has them.
  heddle::sdk::Value details() const;

 private:
  std::string url_, reason_;
  int64_t took_ms_;
};

// Any thread; blocks, at most `timeout_ms`. `authorization`: what the field Authorization says there; empty: there is none. Follows up to five redirects, and goes to no address that is
// not public unless the operator allows it (README). Throws FetchFailed, which names the url without what may be a secret.
heddle::sdk::Value fetch_manifest(const std::string& url, const std::string& authorization, uint64_t timeout_ms, const heddle::sdk::Log& log,
                                  std::chrono::steady_clock::time_point now = std::chrono::steady_clock::now());

// As it may be shown: without user, password, query and fragment.
std::string shown_url(std::string_view url);

}  // namespace node_remote
