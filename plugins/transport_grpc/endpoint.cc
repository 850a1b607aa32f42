#include "endpoint.h"

#include <heddle/sdk/error.h>

#include <algorithm>

namespace transport_grpc {
namespace {

[[noreturn]] void fail(const std::string& endpoint, const std::string& what) {
  throw heddle::sdk::Error(HEDDLE_INVALID, "\"" + endpoint + "\" is no endpoint: " + what);
}

}  // namespace

Endpoint parse_endpoint(const std::string& text) {
  Endpoint out;
  std::string rest = text;
  if (!std::all_of(rest.begin(), rest.end(), [](char c) { return c > ' ' && c <= '~'; })) fail(text, "it has a space or a character that is not ASCII");
  if (const size_t scheme = rest.find("://"); scheme != rest.npos) {
    const std::string name = rest.substr(0, scheme);
    if (name != "http" && name != "https" && name != "grpc" && name != "grpcs") fail(text, "its scheme is none of http, https, grpc, grpcs");
    out.secure = name == "https" || name == "grpcs";
    rest.erase(0, scheme + 3);
    if (rest.find('@') != rest.npos) fail(name + "://…@…", "no user and no password is taken in it: give a token");
    while (rest.ends_with('/')) rest.pop_back();
    if (rest.find_first_of("/?#") != rest.npos) fail(text, "gRPC has no path, query or fragment there");
  }
  const size_t colon = rest.rfind(':');
  const size_t bracket = rest.find(']');
  if (colon == rest.npos || (bracket != rest.npos && colon < bracket)) fail(text, "it has no port");
  out.host = rest.substr(0, colon);
  out.port = rest.substr(colon + 1);
  if (out.host.starts_with('[') && out.host.ends_with(']')) out.host = out.host.substr(1, out.host.size() - 2);
  else if (out.host.find(':') != out.host.npos) fail(text, "an address of IPv6 stands in brackets");
  const bool digits = !out.port.empty() && out.port.size() <= 5 && std::all_of(out.port.begin(), out.port.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits || std::stoi(out.port) > 65535) fail(text, "\"" + out.port + "\" is no port");
  if (out.host.empty() || out.host.find_first_of("[]/?#") != out.host.npos) fail(text, "it has no host");
  return out;
}

}  // namespace transport_grpc
