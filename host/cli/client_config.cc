#include "cli/client_config.h"

#include <filesystem>

#include "cli/config_section.h"
#include "log.h"

namespace heddle {
namespace {

constexpr std::string_view kClientKeys[] = {"host", "token", "ca_file"};

void read_client(const ConfigText& text, Reading& reading, JsonNode& client, const Path& path, ClientConfig& out) {
  Fields f(reading, client, path, kClientKeys, "\"client\"");
  const auto take = [&](std::string_view key, std::string& value, Origin& from) {
    if (f.get(key) && f.required_text(key, value)) from = {text.file, text.diagnostics.place(f.span_of(key).offset).line};
  };
  take("host", out.host, out.host_from);
  take("token", out.token, out.token_from);
  take("ca_file", out.ca_file, out.ca_file_from);
  if (!out.ca_file.empty()) out.ca_file = (std::filesystem::path(text.file).parent_path() / out.ca_file).string();
  log::redact(out.token);
}

}  // namespace

Result<ClientConfig> read_client_config(const std::vector<std::string>& files) {
  ClientConfig out;
  const auto read = read_section(files, "client", [&](ConfigText& text, Reading& reading, JsonNode& client, const Path& path) { read_client(text, reading, client, path, out); });
  if (!read) return read.error();
  return out;
}

}  // namespace heddle
