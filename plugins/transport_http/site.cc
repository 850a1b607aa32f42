#include "site.h"

#include <arpa/inet.h>

#include <algorithm>

#include "ascii.h"

namespace transport_http {
namespace {

// "name:80" or "[::1]:80", without the port: who forwards a port has another one.
std::string without_port(const std::string& host) {
  if (const size_t end = host.find(']'); host.starts_with('[') && end != host.npos) return host.substr(1, end - 1);
  return host.substr(0, host.find(':'));
}

bool is_loopback_address(const std::string& host) {
  in_addr four{};
  in6_addr six{};
  if (::inet_pton(AF_INET, host.c_str(), &four) == 1) return ntohl(four.s_addr) >> 24 == 127;
  return ::inet_pton(AF_INET6, host.c_str(), &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

}  // namespace

Site::Site(bool is_loopback, bool has_tls, std::string host, std::vector<std::string> more)
    : is_loopback_(is_loopback), has_tls_(has_tls), names_(std::move(more)), has_more_(!names_.empty()) {
  names_.push_back(std::move(host));
  for (std::string& name : names_) name = lower(std::move(name));
}

bool Site::is_named(const std::string& host) const {
  if (std::find(names_.begin(), names_.end(), host) != names_.end()) return true;
  return is_loopback_ && (host == "localhost" || is_loopback_address(host));
}

std::string Site::objection(const httplib::Request& request) const {
  const std::string host = lower(request.get_header_value("Host"));
  const bool asks_name = is_loopback_ || has_more_;
  if (asks_name && request.has_header("Host") && !is_named(without_port(host)))
    return "this host is not called \"" + without_port(host) + "\": name it in \"hosts\", if it is to be";
  const size_t origins = request.get_header_value_count("Origin");
  if (origins == 0) return {};
  const std::string origin = lower(request.get_header_value("Origin"));
  const bool is_own = !host.empty() && (origin == "https://" + host || (!has_tls_ && origin == "http://" + host));
  return origins == 1 && is_own ? "" : "requests of web pages of another origin are refused";
}

}  // namespace transport_http
