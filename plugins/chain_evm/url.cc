#include "url.h"

#include <arpa/inet.h>
#include <heddle/sdk/error.h>

#include <algorithm>
#include <vector>

namespace chain_evm {
namespace {

[[noreturn]] void wrong(const char* what) { throw heddle::sdk::Error(HEDDLE_INVALID, std::string("the URL of an endpoint ") + what); }

bool is_plain(char c) { return c > ' ' && c <= '~' && c != '"' && c != '\\' && c != '<' && c != '>' && c != '#'; }
bool is_of_host(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' || c == '_'; }

// "host:port" or "[::1]:port" into its two; an empty port where there is none.
void split_authority(std::string_view authority, Url& url) {
  size_t colon = std::string_view::npos;
  if (authority.starts_with('[')) {
    const size_t end = authority.find(']');
    if (end == authority.npos) wrong("has a bracket that does not end");
    url.host = authority.substr(1, end - 1);
    in6_addr address{};
    if (::inet_pton(AF_INET6, url.host.c_str(), &address) != 1) wrong("has something in brackets that is no address");
    if (end + 1 < authority.size()) colon = end + 1;
  } else {
    colon = authority.find(':');
    url.host = authority.substr(0, colon);
    if (url.host.empty() || !std::all_of(url.host.begin(), url.host.end(), is_of_host)) wrong("has no host, or none that can be");
  }
  if (colon == authority.npos) return;
  url.port = authority.substr(colon + 1);
  const bool is_number = !url.port.empty() && url.port.size() <= 5 && std::all_of(url.port.begin(), url.port.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (authority[colon] != ':' || !is_number || std::stoul(url.port) == 0 || std::stoul(url.port) > 65535) wrong("has a port that is none");
}

}  // namespace

Url Url::parse(std::string_view text) {
  if (!std::all_of(text.begin(), text.end(), is_plain)) wrong("has characters that no URL has");
  const size_t end = text.find("://");
  const std::string_view scheme = text.substr(0, end);
  Url url{.has_tls = scheme == "https" || scheme == "wss", .is_websocket = scheme == "ws" || scheme == "wss", .host = {}, .port = {}, .target = {}, .origin = {}};
  if (end == text.npos || (!url.has_tls && !url.is_websocket && scheme != "http")) wrong("must begin with http://, https://, ws:// or wss://");
  const std::string_view rest = text.substr(end + 3);
  const size_t path = std::min(rest.find('/'), rest.find('?'));
  const std::string_view authority = rest.substr(0, path);
  if (authority.find('@') != authority.npos) wrong("must have no user and no password: give a \"token\"");
  split_authority(authority, url);
  url.origin = std::string(scheme) + "://" + std::string(authority);
  if (url.port.empty()) url.port = url.has_tls ? "443" : "80";
  url.target = path == rest.npos ? "/" : (rest[path] == '?' ? "/" : "") + std::string(rest.substr(path));
  return url;
}

std::string Url::hide(std::string_view text, std::string_view token) const {
  constexpr size_t kLeast = 8;
  std::vector<std::string_view> secrets = {token};
  for (size_t at = 0; at < target.size();) {
    const size_t end = std::min(target.find_first_of("/?&=;", at), target.size());
    const bool is_name = end < target.size() && target[end] == '=';  // of a value
    if (end - at >= kLeast && !is_name) secrets.push_back(std::string_view(target).substr(at, end - at));
    at = end + 1;
  }
  // One may be a part of another.
  std::sort(secrets.begin(), secrets.end(), [](std::string_view a, std::string_view b) { return a.size() > b.size(); });
  std::string shown(text);
  for (const std::string_view secret : secrets)
    for (size_t at = 0; !secret.empty() && (at = shown.find(secret, at)) != shown.npos; at += 3) shown.replace(at, secret.size(), "***");
  return shown;
}

bool Url::is_loopback() const {
  in_addr address{};
  return host == "localhost" || host.ends_with(".localhost") || host == "::1" || (host.starts_with("127.") && ::inet_pton(AF_INET, host.c_str(), &address) == 1);
}

}  // namespace chain_evm
