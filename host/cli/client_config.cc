#include "cli/client_config.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "cli/source_file.h"
#include "log.h"
#include "manifest/reading.h"
#include "manifest/substitute.h"

namespace heddle {
namespace {

constexpr std::string_view kClientKeys[] = {"host", "token", "ca_file"};

JsonNode* client_of(JsonNode& root) {
  const auto found = std::find_if(root.members.begin(), root.members.end(), [](const JsonNode::Member& m) { return m.key == "client"; });
  return found == root.members.end() ? nullptr : &found->value;
}

void read_client(ConfigText& text, JsonNode& client, ClientConfig& out) {
  Reading reading(text.text, text.file, text.diagnostics);
  const Path root, path(root, "client");
  Substitution(reading).apply(client, path);
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
  for (auto file = files.rbegin(); file != files.rend(); ++file) {
    if (::access(file->c_str(), R_OK) != 0 && errno == EACCES) continue;
    auto content = read_source(*file);
    if (!content) return std::move(content).error();
    ConfigText text(*file, *std::move(content));
    JsonNode root;
    ClientConfig out;
    JsonNode* const client = parse_document(text.text, root, text.diagnostics) ? client_of(root) : nullptr;
    if (client) read_client(text, *client, out);
    if (text.diagnostics.has_errors()) return Error("bad-config", "the configuration has errors:\n" + text.diagnostics.text(false), ErrorClass::kConfig);
    if (client) return out;
  }
  return ClientConfig();
}

}  // namespace heddle
