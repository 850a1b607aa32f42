#include "address.h"

#include <arpa/inet.h>
#include <heddle/sdk.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace node_remote {
namespace {

constexpr unsigned char kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct Range {
  const char* net;
  unsigned bits;
  std::string_view why;
};
// Of the registries of special addresses (RFC 6890), whatever is not global, and what leads to an IPv4 address by another name.
constexpr Range kV4[] = {{"0.0.0.0", 8, "unspecified"},      {"10.0.0.0", 8, "private"},        {"100.64.0.0", 10, "private"},   {"127.0.0.0", 8, "loopback"},
                         {"169.254.0.0", 16, "link-local"},  {"172.16.0.0", 12, "private"},     {"192.0.0.0", 24, "reserved"},   {"192.0.2.0", 24, "reserved"},
                         {"192.88.99.0", 24, "reserved"},    {"192.168.0.0", 16, "private"},    {"198.18.0.0", 15, "reserved"},  {"198.51.100.0", 24, "reserved"},
                         {"203.0.113.0", 24, "reserved"},    {"224.0.0.0", 4, "multicast"},     {"240.0.0.0", 4, "reserved"}};
constexpr Range kV6[] = {{"::", 128, "unspecified"},   {"::1", 128, "loopback"},  {"::", 96, "reserved"},        {"64:ff9b::", 96, "reserved"}, {"64:ff9b:1::", 48, "reserved"},
                         {"100::", 64, "reserved"},    {"2001::", 23, "reserved"}, {"2001:db8::", 32, "reserved"}, {"2002::", 16, "reserved"},    {"fc00::", 7, "private"},
                         {"fe80::", 10, "link-local"}, {"fec0::", 10, "private"}, {"ff00::", 8, "multicast"}};

}  // namespace

Address Address::of(const in_addr& v4) {
  Address out;
  std::memcpy(out.bytes_.s6_addr, kMapped, sizeof kMapped);
  std::memcpy(out.bytes_.s6_addr + sizeof kMapped, &v4, sizeof v4);
  return out;
}

std::optional<Address> Address::of(const sockaddr* address) {
  if (address->sa_family == AF_INET) return of(reinterpret_cast<const sockaddr_in*>(address)->sin_addr);
  if (address->sa_family != AF_INET6) return std::nullopt;
  Address out;
  out.bytes_ = reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
  return out;
}

std::optional<Address> Address::parse(std::string_view text) {
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  const std::string name(text);
  in_addr v4{};
  if (::inet_pton(AF_INET, name.c_str(), &v4) == 1) return of(v4);
  Address out;
  if (::inet_pton(AF_INET6, name.c_str(), &out.bytes_) == 1) return out;
  return std::nullopt;
}

bool Address::is_v4() const { return std::memcmp(bytes_.s6_addr, kMapped, sizeof kMapped) == 0; }

std::string Address::text() const {
  char out[INET6_ADDRSTRLEN] = {};
  if (is_v4()) ::inet_ntop(AF_INET, bytes_.s6_addr + sizeof kMapped, out, sizeof out);
  else ::inet_ntop(AF_INET6, &bytes_, out, sizeof out);
  return out;
}

bool Address::is_within(const Address& net, unsigned bits) const {
  for (unsigned i = 0; i < bits; ++i) {
    const unsigned mask = 0x80u >> (i % 8);
    if ((bytes_.s6_addr[i / 8] & mask) != (net.bytes_.s6_addr[i / 8] & mask)) return false;
  }
  return true;
}

std::string_view Address::closed() const {
  for (const Range& range : kV4)
    if (is_within(*parse(range.net), 96 + range.bits)) return range.why;
  if (is_v4()) return {};
  for (const Range& range : kV6)
    if (is_within(*parse(range.net), range.bits)) return range.why;
  return {};
}

AllowList::AllowList(std::string_view text) {
  while (!text.empty()) {
    const size_t end = std::min(text.find_first_of(", \t"), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word.empty()) continue;
    const size_t slash = std::min(word.find('/'), word.size());
    const auto address = Address::parse(word.substr(0, slash));
    const unsigned most = address && address->is_v4() ? 32 : 128;
    unsigned bits = most;
    const std::string_view digits = word.substr(std::min(slash + 1, word.size()));
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    const bool is_number = slash == word.size() || (read.ec == std::errc() && read.ptr == digits.data() + digits.size() && bits <= most);
    if (!address || !is_number) throw heddle::sdk::Error(HEDDLE_INVALID, "HEDDLE_FETCH_ALLOW holds addresses and networks, such as 127.0.0.1 or 10.0.0.0/8, not \"" + std::string(word) + "\"");
    nets_.push_back({*address, 128 - most + bits});
  }
}

bool AllowList::allows(const Address& address) const {
  return std::any_of(nets_.begin(), nets_.end(), [&](const Net& net) { return net.address.is_v4() == address.is_v4() && address.is_within(net.address, net.bits); });
}

}  // namespace node_remote
