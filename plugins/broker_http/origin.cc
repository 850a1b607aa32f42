#include "origin.h"

#include <arpa/inet.h>
#include <curl/curl.h>

#include <algorithm>
#include <memory>

namespace broker_http {
namespace {

struct CurlEnds {
  void operator()(CURLU* url) const { ::curl_url_cleanup(url); }
  void operator()(char* text) const { ::curl_free(text); }
};

std::string part_of(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (::curl_url_get(url, part, &text, flags) != CURLUE_OK) return {};
  return std::unique_ptr<char, CurlEnds>(text).get();
}

bool is_loopback_host(const std::string& host) {
  in_addr address{};
  const bool is_ip4 = ::inet_pton(AF_INET, host.c_str(), &address) == 1;
  return host == "localhost" || host.ends_with(".localhost") || host == "[::1]" || (is_ip4 && host.starts_with("127."));
}

}  // namespace

std::optional<Origin> Origin::of(const std::string& url) {
  const auto fits = [](char c) { return c > ' ' && c <= '~'; };
  if (!std::all_of(url.begin(), url.end(), fits)) return std::nullopt;
  const std::unique_ptr<CURLU, CurlEnds> parsed(::curl_url());
  if (!parsed || ::curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return std::nullopt;
  const std::string scheme = part_of(parsed.get(), CURLUPART_SCHEME), host = part_of(parsed.get(), CURLUPART_HOST), port = part_of(parsed.get(), CURLUPART_PORT, CURLU_NO_DEFAULT_PORT);
  if ((scheme != "http" && scheme != "https") || host.empty()) return std::nullopt;
  return Origin{.has_tls = scheme == "https",
                .is_loopback = is_loopback_host(host),
                .has_user = !part_of(parsed.get(), CURLUPART_USER).empty() || !part_of(parsed.get(), CURLUPART_PASSWORD).empty(),
                .text = scheme + "://" + host + (port.empty() ? "" : ":" + port)};
}

}  // namespace broker_http
