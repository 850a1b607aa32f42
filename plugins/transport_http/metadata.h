// Metadata of a request, as HTTP carries it: the headers "heddle-NAME". The rules stand in heddle/transport.h.
#pragma once
#include <httplib.h>

#include <optional>
#include <string>
#include <string_view>

#include "failure.h"
#include "target.h"

namespace transport_http {

inline constexpr std::string_view kMetadataPrefix = "heddle-";
inline constexpr const char* kTimeoutHeader = "Heddle-Timeout-Ms";
inline constexpr uint64_t kMostTimeoutMs = 24ull * 3600 * 1000;

// What the headers hold, names in lower case; or why the request is refused.
struct MetadataOrRefusal {
  Parameters metadata;
  std::optional<Failure> refused;
};
MetadataOrRefusal read_metadata(const httplib::Headers& headers);

// A MAP of STRING.
heddle::sdk::Value map_of(const Parameters& texts);

}  // namespace transport_http
