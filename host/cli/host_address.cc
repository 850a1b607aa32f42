#include "cli/host_address.h"

#include <cstdlib>

#include "cli/client_config.h"
#include "cli/configuration.h"
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

// "http://host:1" for "host:1/".
std::string normalised(std::string url) {
  if (url.find("://") == std::string::npos) url.insert(0, "http://");
  while (url.ends_with('/')) url.pop_back();
  return url;
}

bool is_address(const std::string& url) {
  const bool is_http = url.starts_with("http://") || url.starts_with("https://");
  const size_t name = url.find("://") + 3;
  return is_http && name < url.size() && url.find_first_of(" \t\r\n@?#", name) == std::string::npos;
}

struct Said {
  std::string text = {};
  Origin from = {};
};

// The first of the three that says something.
Said first_of(const std::string& given, const char* flag, const char* variable, const Said& configured) {
  if (!given.empty()) return {given, {flag}};
  if (std::string set = from_environment(variable); !set.empty()) return {std::move(set), {variable}};
  return configured;
}

Result<Said> find_token(const HostArguments& arguments, const HostAddress& address, const ClientConfig& config) {
  if (!arguments.token_file.empty()) {
    const Result<std::string> text = read_source(arguments.token_file);
    if (!text) return Error(text.error());
    std::string token(trimmed(*text));
    if (token.empty()) return Error("io", "the token file " + arguments.token_file + " is empty", ErrorClass::kConfig);
    return Said{std::move(token), {"--token-file"}};
  }
  if (std::string token(trimmed(from_environment("HEDDLE_TOKEN"))); !token.empty()) {
    if (address.url_from.name != kConfigHere) return Said{std::move(token), {"HEDDLE_TOKEN"}};
    return Error("usage", "HEDDLE_TOKEN is not sent to " + address.url + ", which only " + to_string(address.url_from) + " names: to send it there, name that host with --host or HEDDLE_HOST",
                 ErrorClass::kConfig);
  }
  return Said{config.token, config.token_from};
}

}  // namespace

bool HostAddress::is_here() const {
  const std::string_view name = std::string_view(url).substr(url.find("://") + 3);
  for (const std::string_view local : {"127.", "localhost", "[::1]"}) {
    if (name.starts_with(local)) return true;
  }
  return false;
}

Result<HostAddress> host_address(const HostArguments& arguments) { return host_address(arguments, config_files({})); }

Result<HostAddress> host_address(const HostArguments& arguments, const std::vector<std::string>& files) {
  Result<ClientConfig> config = read_client_config(files);
  if (!config) return std::move(config).error();
  HostAddress out;
  const Said url = first_of(arguments.url, "--host", "HEDDLE_HOST", {config->host, config->host_from});
  out.url = normalised(url.text.empty() ? kDefaultHost : url.text);
  out.url_from = url.from;
  if (!is_address(out.url)) return Error("usage", to_string(out.url_from) + " wants an address like " + kDefaultHost + ", not \"" + out.url + "\"", ErrorClass::kConfig);
  if (out.url != normalised(config->host.empty() ? kDefaultHost : config->host)) *config = {};  // its token and authorities are for another host
  const Said ca_file = first_of(arguments.ca_file, "--ca-file", "HEDDLE_CA_FILE", {config->ca_file, config->ca_file_from});
  out.ca_file = ca_file.text;
  out.ca_file_from = ca_file.from;
  const Result<Said> token = find_token(arguments, out, *config);
  if (!token) return Error(token.error());
  if (token->text.find_first_of(kBlank) != std::string::npos) {
    const std::string where = arguments.token_file.empty() ? to_string(token->from) : arguments.token_file;
    return Error("io", "the token holds a blank: " + where + " is to hold the token alone", ErrorClass::kConfig);
  }
  out.token = token->text;
  out.token_from = token->from;
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
