#include "origin.h"

#include <heddle/sdk/error.h>

#include <algorithm>

#include "address.h"

namespace transport_http {
namespace {

[[noreturn]] void fail(const std::string& endpoint, const std::string& what) {
  throw heddle::sdk::Error(HEDDLE_INVALID, "\"" + endpoint + "\" is no endpoint: " + what);
}

std::string bracketed(const std::string& host) { return host.find(':') == host.npos ? host : "[" + host + "]"; }

}  // namespace

std::string Origin::endpoint() const { return bracketed(host) + ":" + port; }

std::string Origin::authority() const { return port == (secure ? "443" : "80") ? bracketed(host) : endpoint(); }

Origin parse_origin(const std::string& endpoint, bool wants_tls) {
  Origin origin;
  origin.secure = wants_tls;
  std::string rest = endpoint;
  const bool visible = std::all_of(rest.begin(), rest.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (!visible) fail(endpoint, "it has a space or a character that is not ASCII");
  if (const size_t scheme = rest.find("://"); scheme != rest.npos) {
    const std::string name = rest.substr(0, scheme);
    if (name != "http" && name != "https") fail(endpoint, "its scheme is neither http nor https");
    if (name == "http" && wants_tls) fail(endpoint, "it says http, and TLS is asked for: write https");
    origin.secure = name == "https";
    rest.erase(0, scheme + 3);
    const size_t path = std::min(rest.find('/'), rest.size());
    origin.prefix = rest.substr(path);
    rest.erase(path);
    while (origin.prefix.ends_with('/')) origin.prefix.pop_back();
    if (rest.find('@') != rest.npos) fail("https://…@…", "no user and no password is taken in it: give a token");
    if (origin.prefix.find_first_of("?#") != origin.prefix.npos || rest.find_first_of("?#") != rest.npos) fail(endpoint, "it has a query or a fragment");
    const bool has_port = rest.find(':', rest.starts_with('[') ? std::min(rest.find(']'), rest.size()) : 0) != rest.npos;
    if (!has_port) rest += origin.secure ? ":443" : ":80";
  }
  HostAndPort parts = split_endpoint(rest, endpoint);
  if (parts.port == "0" || parts.port.find_first_not_of('0') == parts.port.npos) fail(endpoint, "port 0 cannot be reached");
  origin.host = std::move(parts.host);
  origin.port = std::move(parts.port);
  return origin;
}

}  // namespace transport_http
