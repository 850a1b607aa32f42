#include "plugin/endpoint.h"

#include <algorithm>

#include "manifest/reading.h"

namespace heddle {

std::string_view authority_of(std::string_view endpoint) {
  if (const size_t scheme = endpoint.find("://"); scheme != endpoint.npos) endpoint.remove_prefix(scheme + 3);
  return endpoint.substr(0, endpoint.find('/'));
}

std::optional<HostAndPort> split_endpoint(std::string_view text) {
  const size_t colon = text.rfind(':');
  HostAndPort out;
  if (colon == std::string_view::npos || colon == 0 || !to_whole(text.substr(colon + 1), out.port) || out.port > 65'535) return {};
  std::string_view host = text.substr(0, colon);
  if (host.front() == '[' && host.back() == ']' && host.size() > 2) host = host.substr(1, host.size() - 2);
  else if (host.find_first_of(":[] \t/") != std::string_view::npos) return {};
  out.host = host;
  return out;
}

bool is_loopback(std::string_view host) {
  const bool is_address = host.find_first_not_of("0123456789.") == std::string_view::npos && std::count(host.begin(), host.end(), '.') == 3;
  return host == "localhost" || host == "::1" || (is_address && host.starts_with("127."));
}

}  // namespace heddle
