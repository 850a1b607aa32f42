#include "place.h"

#include <arpa/inet.h>
#include <heddle/sdk.h>

#include <algorithm>
#include <cctype>
#include <stdexcept>

#include "signing.h"

namespace broker_s3 {
namespace {

using heddle::sdk::Error;

constexpr size_t kMostKey = 1024, kShown = 80;

[[noreturn]] void fail(const std::string& endpoint, const std::string& what) { throw Error(HEDDLE_INVALID, "\"" + endpoint + "\" is no endpoint of a store: " + what); }

bool is_ip4(const std::string& host) {
  in_addr address{};
  return ::inet_pton(AF_INET, host.c_str(), &address) == 1;
}
// In brackets, as in a URL.
bool is_ip6(const std::string& host) {
  in6_addr address{};
  return host.size() > 2 && host.front() == '[' && host.back() == ']' && ::inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &address) == 1;
}
bool is_loopback(const std::string& host) { return host == "localhost" || host.ends_with(".localhost") || host == "[::1]" || (is_ip4(host) && host.starts_with("127.")); }

bool is_bucket(std::string_view name) {
  const auto fits = [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '.' || c == '_'; };
  return name.size() >= 3 && name.size() <= 255 && name.find_first_not_of('.') != name.npos && std::all_of(name.begin(), name.end(), fits);
}
// As a part of a host's name.
bool is_label(std::string_view name) {
  const auto fits = [](unsigned char c) { return std::islower(c) || std::isdigit(c) || c == '-' || c == '.'; };
  const auto ends = [](char c) { return c == '-' || c == '.'; };
  return name.size() <= 63 && std::all_of(name.begin(), name.end(), fits) && !ends(name.front()) && !ends(name.back()) && name.find("..") == name.npos;
}

// A query may hold a secret, if a URL was given where a name belongs.
std::string shown(std::string_view object) {
  std::string text(object.substr(0, std::min({object.find_first_of("?#"), kShown, object.size()})));
  while (text.size() < object.size() && !text.empty() && (object[text.size()] & 0xC0) == 0x80) text.pop_back();  // not inside a character
  return "\"" + text + (text.size() < object.size() ? "…\"" : "\"");
}

bool has_dots(std::string_view key) {
  for (size_t at = 0; at <= key.size();) {
    const size_t end = std::min(key.find('/', at), key.size());
    const std::string_view part = key.substr(at, end - at);
    if (part == "." || part == "..") return true;
    at = end + 1;
  }
  return false;
}

}  // namespace

Place::Place(PlaceParams params) : bucket_(std::move(params.bucket)), is_virtual_(params.style == "virtual"), prefix_(std::move(params.prefix)) {
  const std::string& written = params.endpoint;
  if (written.find('@') != written.npos) fail("…@…", "no user and no password is taken in it");
  const size_t mark = written.find("://");
  scheme_ = written.substr(0, std::min(mark, written.size()));
  if (scheme_ != "http" && scheme_ != "https") fail(written, "it must begin with https:// or http://");
  std::string rest = written.substr(mark + 3);
  if (rest.ends_with('/')) rest.pop_back();
  const auto fits = [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '.' || c == '_' || c == ':' || c == '[' || c == ']'; };
  if (!std::all_of(rest.begin(), rest.end(), fits)) fail(written, "after the scheme it is a host and perhaps a port, and no path");
  std::transform(rest.begin(), rest.end(), rest.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const size_t colon = rest.find(':', rest.starts_with('[') ? std::min(rest.find(']'), rest.size()) : 0);
  const std::string name = rest.substr(0, colon), digits = colon == rest.npos ? "" : rest.substr(colon + 1);
  const bool is_port = digits.size() <= 5 && digits.find_first_not_of("0123456789") == digits.npos && !digits.starts_with('0') && (digits.empty() || std::stoul(digits) <= 65535);
  const bool is_bracketed = is_ip6(name);
  if (name.empty() || (colon != rest.npos && digits.empty()) || !is_port || (!is_bracketed && name.find_first_of("[]") != name.npos)) fail(written, "its host or its port is none");
  if (scheme_ == "http" && !params.insecure && !is_loopback(name))
    fail(written, "whoever listens on the way could use the URLs, for they would be sent without TLS: write https, or allow it with \"insecure\": true");
  // Clients leave the port out of the Host field where it is the scheme's own.
  host_ = digits.empty() || digits == (scheme_ == "https" ? "443" : "80") ? name : name + ":" + digits;

  if (params.style != "path" && params.style != "virtual") throw Error(HEDDLE_INVALID, "\"style\" is \"path\" or \"virtual\", not \"" + params.style + "\"");
  if (!bucket_.empty() && !is_bucket(bucket_)) throw Error(HEDDLE_INVALID, "\"bucket\": \"" + bucket_ + "\" is no name of a bucket");
  if (is_virtual_ && (is_bracketed || is_ip4(name))) throw Error(HEDDLE_INVALID, "\"style\": \"virtual\" puts the bucket before the host's name, and " + name + " is an address: use \"path\"");
  if (is_virtual_ && !bucket_.empty() && (!is_label(bucket_) || (scheme_ == "https" && bucket_.find('.') != bucket_.npos)))
    throw Error(HEDDLE_INVALID, "\"style\": \"virtual\": the bucket \"" + bucket_ + "\" cannot be a part of a host's name, or no certificate would fit it: use \"path\"");
  if (prefix_.starts_with('/') || has_dots(prefix_)) throw Error(HEDDLE_INVALID, "\"prefix\" begins with a slash, or has a part \".\" or \"..\"");
  if (!prefix_.empty() && !prefix_.ends_with('/')) prefix_ += '/';
}

Address Place::find(std::string_view object) const {
  const auto refuse = [&](const std::string& why) { throw std::invalid_argument(shown(object) + " is no object of this broker: " + why); };
  std::string bucket = bucket_, key;
  if (object.starts_with("s3://")) {
    const std::string_view rest = object.substr(5);
    const size_t slash = std::min(rest.find('/'), rest.size());
    bucket = rest.substr(0, slash);
    key = rest.substr(std::min(slash + 1, rest.size()));
    if (!bucket_.empty() && bucket != bucket_) refuse("its bucket is \"" + bucket_ + "\"");
    if (!is_bucket(bucket) || (is_virtual_ && (!is_label(bucket) || (scheme_ == "https" && bucket.find('.') != bucket.npos)))) refuse("its bucket has no name that can be used here");
    if (!key.starts_with(prefix_)) refuse("it answers for what begins with \"" + prefix_ + "\"");
  } else {
    if (object.find("://") != object.npos) refuse("write s3://bucket/key, or the key alone");
    if (bucket.empty()) refuse("no \"bucket\" is configured: write s3://bucket/key");
    key = prefix_ + std::string(object);
  }
  if (key.size() <= prefix_.size()) refuse("its key is empty");
  if (key.size() > kMostKey) refuse("its key has more than 1024 bytes");
  if (has_dots(key)) refuse("its key has a part \".\" or \"..\", which clients take out of a URL");
  const std::string path = "/" + encoded(key, true);
  return is_virtual_ ? Address{bucket + "." + host_, path} : Address{host_, "/" + encoded(bucket, false) + path};
}

}  // namespace broker_s3
