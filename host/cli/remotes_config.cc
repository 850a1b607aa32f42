#include "cli/remotes_config.h"

#include <algorithm>

#include "cli/configuration.h"
#include "cli/source_file.h"
#include "manifest/substitute.h"
#include "serve/remotes.h"

namespace heddle {

Result<std::vector<RemoteHost>> read_remotes_config() {
  const std::vector<std::string> files = config_files(std::nullopt);
  for (auto file = files.rbegin(); file != files.rend(); ++file) {
    auto content = read_source(*file);
    if (!content) return std::move(content).error();
    ConfigText text(*file, *std::move(content));
    JsonNode root;
    const auto read = [&]() -> std::optional<std::vector<RemoteHost>> {
      if (!parse_document(text.text, root, text.diagnostics)) return std::nullopt;
      const auto section = std::find_if(root.members.begin(), root.members.end(), [](const JsonNode::Member& m) { return m.key == "remotes"; });
      if (section == root.members.end()) return std::nullopt;
      Reading reading(text.text, text.file, text.diagnostics);
      const Path top, path(top, "remotes");
      Substitution(reading).apply(section->value, path);
      return read_remotes(reading, section->value, path);
    };
    auto remotes = read();
    if (text.diagnostics.has_errors()) return Error("bad-config", "the configuration has errors:\n" + text.diagnostics.text(false), ErrorClass::kConfig);
    if (remotes) return *std::move(remotes);
  }
  return std::vector<RemoteHost>();
}

}  // namespace heddle
