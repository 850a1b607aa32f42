#include "broker.h"

#include <algorithm>
#include <cctype>
#include <stdexcept>

#include "signing.h"

namespace broker_s3 {
namespace {

using heddle::sdk::Config;
using heddle::sdk::Error;

constexpr uint64_t kSecond = 1'000'000'000;

PlaceParams place_in(const Config& config) {
  return {.endpoint = config.get<std::string>("endpoint"),
          .bucket = config.get<std::string>("bucket", ""),
          .prefix = config.get<std::string>("prefix", ""),
          .style = config.get<std::string>("style", "path"),
          .insecure = config.get<bool>("insecure", false)};
}

std::string region_in(const Config& config) {
  std::string region = config.get<std::string>("region", "us-east-1");
  const auto fits = [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_'; };
  if (region.empty() || region.size() > 64 || !std::all_of(region.begin(), region.end(), fits)) throw Error(HEDDLE_INVALID, "\"region\" is no name of a region, as in us-east-1");
  return region;
}

uint64_t lifetime_in(const Config& config) {
  const auto lifetime = config.get<uint64_t>("lifetime_s", 900);
  if (lifetime < 1 || lifetime > Broker::kMostLifetime) throw Error(HEDDLE_INVALID, "\"lifetime_s\" must be 1 to 604800, which are seven days");
  return lifetime;
}

}  // namespace

Broker::Broker(const Config& config, Clock clock)
    : place_(place_in(config)),
      access_key_("access_key", config.find("access_key")),
      secret_key_("secret_key", config.find("secret_key")),
      session_token_("session_token", config.find("session_token")),
      region_(region_in(config)),
      lifetime_s_(lifetime_in(config)),
      clock_(std::move(clock)) {
  if (access_key_.read().empty() || secret_key_.read().empty()) throw Error(HEDDLE_DENIED, "it needs both, \"access_key\" and \"secret_key\"");
  session_token_.read();  // throws what is wrong with its file while somebody hears it
}

Url Broker::grant(const heddle_grant& wanted) const {
  if (wanted.method != HEDDLE_GRANT_GET && wanted.method != HEDDLE_GRANT_PUT) throw Refusal(HEDDLE_INVALID, "invalid", "the method is neither GET nor PUT");
  // Not longer than it was asked for: parts of a second are left out.
  const uint64_t lifetime = wanted.lifetime_ns == 0 ? lifetime_s_ : wanted.lifetime_ns / kSecond;
  if (lifetime < 1 || lifetime > kMostLifetime) throw Refusal(HEDDLE_INVALID, "invalid", "a URL lives from 1 second to 7 days, and " + std::to_string(wanted.lifetime_ns / 1'000'000) + " ms were asked for");
  Address address;
  try {
    address = place_.find(heddle::sdk::detail::to_view(wanted.object));
  } catch (const std::invalid_argument& why) {
    throw Refusal(HEDDLE_INVALID, "not-its-object", why.what());
  }
  Credentials credentials;
  try {
    credentials = {access_key_.read(), secret_key_.read(), session_token_.read()};
  } catch (const Error& why) {
    throw Refusal(HEDDLE_DENIED, "no-credential", why.what());
  }
  const int64_t now = clock_();
  const Request request{.method = wanted.method == HEDDLE_GRANT_GET ? "GET" : "PUT", .scheme = place_.scheme(), .host = address.host, .path = address.path, .region = region_};
  return {presigned(request, credentials, now, lifetime), now + static_cast<int64_t>(lifetime)};
}

}  // namespace broker_s3
