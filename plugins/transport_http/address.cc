#include "address.h"

#include <heddle/sdk/error.h>
#include <netdb.h>
#include <netinet/in.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace transport_http {
namespace {

using heddle::sdk::Error;

bool is_loopback(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) return ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr) >> 24 == 127;
  const in6_addr& six = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  return address.ss_family == AF_INET6 && (IN6_IS_ADDR_LOOPBACK(&six) || (IN6_IS_ADDR_V4MAPPED(&six) && six.s6_addr[12] == 127));
}

[[noreturn]] void fail(const std::string& endpoint, int code) {
  const heddle_status status = code == EADDRINUSE ? HEDDLE_CONFLICT : code == EACCES ? HEDDLE_DENIED : HEDDLE_INVALID;
  throw Error(status, "cannot listen on " + endpoint + ": " + std::strerror(code));
}

}  // namespace

HostAndPort split_endpoint(const std::string& text, const std::string& endpoint) {
  const size_t colon = text.rfind(':');
  HostAndPort parts;
  if (colon != text.npos) parts = {text.substr(0, colon), text.substr(colon + 1)};
  if (parts.host.size() > 2 && parts.host.front() == '[' && parts.host.back() == ']') parts.host = parts.host.substr(1, parts.host.size() - 2);
  const bool digits = !parts.port.empty() && parts.port.size() <= 5 && parts.port.find_first_not_of("0123456789") == parts.port.npos;
  if (parts.host.empty() || !digits || std::stoul(parts.port) > 65535)
    throw Error(HEDDLE_INVALID, "\"" + endpoint + "\" is no endpoint: it must be HOST:PORT, as in 127.0.0.1:8080 or [::1]:8080");
  return parts;
}

Listening listen_on(const std::string& endpoint, int backlog) {
  const HostAndPort parts = split_endpoint(endpoint, endpoint);
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_PASSIVE;
  addrinfo* list = nullptr;
  if (const int failed = ::getaddrinfo(parts.host.c_str(), parts.port.c_str(), &wanted, &list); failed != 0)
    throw Error(HEDDLE_INVALID, "cannot listen on " + endpoint + ": " + ::gai_strerror(failed));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> found(list, &::freeaddrinfo);

  Descriptor fd(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int yes = 1;
  if (!fd || ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0) fail(endpoint, errno);
  if (::bind(fd.get(), found->ai_addr, found->ai_addrlen) != 0 || ::listen(fd.get(), backlog) != 0) fail(endpoint, errno);
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&bound), &size) != 0) fail(endpoint, errno);
  return {std::move(fd), text_of(bound), parts.host, is_loopback(bound)};
}

std::string text_of(const sockaddr_storage& address) {
  char host[NI_MAXHOST], port[NI_MAXSERV];
  if (::getnameinfo(reinterpret_cast<const sockaddr*>(&address), sizeof address, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    return "unknown";
  const bool six = address.ss_family == AF_INET6;
  return (six ? "[" : "") + std::string(host) + (six ? "]:" : ":") + port;
}

}  // namespace transport_http
