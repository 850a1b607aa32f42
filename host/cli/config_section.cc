#include "cli/config_section.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "cli/source_file.h"
#include "manifest/substitute.h"

namespace heddle {

Result<bool> read_section(const std::vector<std::string>& files, std::string_view key, const ReadSection& read) {
  for (auto file = files.rbegin(); file != files.rend(); ++file) {
    if (::access(file->c_str(), R_OK) != 0 && errno == EACCES) continue;
    auto content = read_source(*file);
    if (!content) return std::move(content).error();
    ConfigText text(*file, *std::move(content));
    JsonNode root;
    const bool is_parsed = parse_document(text.text, root, text.diagnostics);
    const auto section = std::find_if(root.members.begin(), root.members.end(), [&](const JsonNode::Member& m) { return m.key == key; });
    const bool has_it = is_parsed && section != root.members.end();
    if (has_it) {
      Reading reading(text.text, text.file, text.diagnostics);
      const Path top, path(top, key);
      Substitution(reading).apply(section->value, path);
      read(text, reading, section->value, path);
    }
    if (text.diagnostics.has_errors()) return Error("bad-config", "the configuration has errors:\n" + text.diagnostics.text(false), ErrorClass::kConfig);
    if (has_it) return true;
  }
  return false;
}

}  // namespace heddle
