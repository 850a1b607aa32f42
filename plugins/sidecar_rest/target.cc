#include "target.h"

#include <heddle/sdk.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace sidecar_rest {
namespace {

using heddle::sdk::Error;
using heddle::sdk::ValueRef;

[[noreturn]] void fail(const std::string& endpoint, const std::string& what) { throw Error(HEDDLE_INVALID, "\"" + endpoint + "\" is no endpoint of a worker: " + what); }

std::string text_of(ValueRef map, std::string_view key) { return std::string(map.find(key).as_text().value_or("")); }

uint64_t number_of(ValueRef options, std::string_view key) {
  const auto n = options.find(key).as_int();
  if (!n || *n < 1) throw Error(HEDDLE_INVALID, "the options of a worker have no \"" + std::string(key) + "\" of at least 1");
  return static_cast<uint64_t>(*n);
}

void check_pem(const std::string& path, const std::string& what) {
  if (path.empty()) return;
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(HEDDLE_INVALID, "cannot read the " + what + " " + path + ": " + std::strerror(errno));
  std::ostringstream text;
  text << file.rdbuf();
  if (text.str().find("-----BEGIN ") == std::string::npos) throw Error(HEDDLE_INVALID, "the " + what + " " + path + " is no PEM file");
}

}  // namespace

Target::Target(ValueRef options) : connect_ms(number_of(options, "connect_ms")), most_bytes(number_of(options, "most_bytes")) {
  const std::string written = text_of(options, "endpoint");
  const ValueRef tls = options.find("tls");
  std::string rest = written;
  if (rest.find('@') != rest.npos) fail("…@…", "no user and no password is taken in it");
  if (!std::all_of(rest.begin(), rest.end(), [](char c) { return c > ' ' && c <= '~'; })) fail(written, "it has a space or a character that is not ASCII");
  has_tls = static_cast<bool>(tls);
  bool has_scheme = false;
  if (const size_t scheme = rest.find("://"); scheme != rest.npos) {
    const std::string name = rest.substr(0, scheme);
    if (name != "http" && name != "https") fail(written, "its scheme is neither http nor https");
    if (name == "http" && tls) fail(written, "it says http, and TLS is asked for: write https");
    has_scheme = true;
    has_tls = name == "https";
    rest.erase(0, scheme + 3);
  }
  const size_t path = std::min(rest.find('/'), rest.size());
  prefix = rest.substr(path);
  rest.erase(path);
  while (prefix.ends_with('/')) prefix.pop_back();
  if (prefix.find_first_of("?#") != prefix.npos || rest.find_first_of("?#") != rest.npos) fail(written, "it has a query or a fragment");
  const size_t colon = rest.find(':', rest.starts_with('[') ? std::min(rest.find(']'), rest.size()) : 0);
  const std::string digits = colon != rest.npos ? rest.substr(colon + 1) : !has_scheme ? "" : has_tls ? "443" : "80";
  host = rest.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  const bool is_port = !digits.empty() && digits.size() <= 5 && digits.find_first_not_of("0123456789") == digits.npos && std::stoul(digits) > 0 && std::stoul(digits) <= 65535;
  if (host.empty() || !is_port) fail(written, "it must be HOST:PORT, as in 127.0.0.1:7071, or a URL");
  port = std::stoi(digits);
  endpoint = (host.find(':') == host.npos ? host : "[" + host + "]") + ":" + digits;
  ca = text_of(tls, "ca");
  certificate = text_of(tls, "certificate");
  key = text_of(tls, "key");
  server_name = text_of(tls, "server_name");
  if (certificate.empty() != key.empty()) throw Error(HEDDLE_INVALID, "TLS needs both, \"certificate\" and \"key\", or neither");
  check_pem(ca, "file of authorities");
  check_pem(certificate, "certificate");
  check_pem(key, "key");
}

}  // namespace sidecar_rest
