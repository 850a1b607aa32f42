#include "cli/host_address.h"

#include <cstdlib>

#include "cli/source_file.h"
#include "log.h"

namespace heddle {
namespace {

constexpr std::string_view kBlank = " \t\r\n";

std::string from_environment(const char* name) {
  const char* const value = ::getenv(name);
  return value ? value : "";
}

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(kBlank);
  return first == std::string_view::npos ? std::string_view() : text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

Result<std::string> read_token(const std::string& file) {
  if (file.empty()) return std::string(trimmed(from_environment("HEDDLE_TOKEN")));
  Result<std::string> text = read_source(file);
  if (!text) return text;
  const std::string token(trimmed(*text));
  if (token.empty()) return Error("io", "the token file " + file + " is empty", ErrorClass::kConfig);
  return token;
}

}  // namespace

bool HostAddress::is_here() const {
  const std::string_view name = std::string_view(url).substr(url.find("://") + 3);
  for (const std::string_view local : {"127.", "localhost", "[::1]"}) {
    if (name.starts_with(local)) return true;
  }
  return false;
}

Result<HostAddress> host_address(const HostArguments& arguments) {
  HostAddress out;
  const std::string set = from_environment("HEDDLE_HOST");
  const char* const origin = !arguments.url.empty() ? "--host" : "HEDDLE_HOST";
  out.url = !arguments.url.empty() ? arguments.url : !set.empty() ? set : kDefaultHost;
  if (out.url.find("://") == std::string::npos) out.url.insert(0, "http://");
  while (out.url.ends_with('/')) out.url.pop_back();
  const bool is_http = out.url.starts_with("http://") || out.url.starts_with("https://");
  const size_t name = out.url.find("://") + 3;
  if (!is_http || name >= out.url.size() || out.url.find_first_of(" \t\r\n@?#", name) != std::string::npos)
    return Error("usage", std::string(origin) + " wants an address like " + kDefaultHost + ", not \"" + out.url + "\"", ErrorClass::kConfig);
  out.ca_file = !arguments.ca_file.empty() ? arguments.ca_file : from_environment("HEDDLE_CA_FILE");
  Result<std::string> token = read_token(arguments.token_file);
  if (!token) return std::move(token).error();
  if (token->find_first_of(kBlank) != std::string::npos)
    return Error("io", "the token holds a blank: " + (arguments.token_file.empty() ? "HEDDLE_TOKEN" : arguments.token_file) + " is to hold the token alone", ErrorClass::kConfig);
  out.token = std::move(*token);
  log::redact(out.token);
  return out;
}

std::string url_escaped(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kHex[static_cast<unsigned char>(c) >> 4];
      out += kHex[static_cast<unsigned char>(c) & 15];
    }
  }
  return out;
}

}  // namespace heddle
