// Addresses that a manifest may be fetched from.
#pragma once
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace node_remote {

// An address of either family: IPv4 as the IPv6 address that stands for it.
class Address {
 public:
  static std::optional<Address> of(const sockaddr* address);
  static Address of(const in_addr& v4);
  static std::optional<Address> parse(std::string_view text);
  std::string text() const;
  // What keeps a host of this address from being one of the public network: "loopback", "private", …; empty: nothing.
  std::string_view closed() const;
  bool is_within(const Address& net, unsigned bits) const;
  bool is_v4() const;

 private:
  in6_addr bytes_{};
};

// What the operator lets manifests be fetched from beside the public network.
class AllowList {
 public:
  // "127.0.0.1, 10.0.0.0/8, [::1]": addresses and networks, separated by commas or blanks. Throws heddle::sdk::Error for anything else.
  explicit AllowList(std::string_view text);
  bool allows(const Address& address) const;

 private:
  struct Net {
    Address address;
    unsigned bits;
  };
  std::vector<Net> nets_;
};

}  // namespace node_remote
