#include <algorithm>
#include <array>

#include "manifest/import_v1.h"
#include "manifest/sections.h"

namespace heddle {
namespace {

constexpr std::string_view kNative = "heddle/1";
constexpr std::string_view kVersions[] = {"heddle/1", "v1", "1.0", "1.0.0"};

enum class Dialect : uint8_t { kUnknown, kHeddle1, kV1 };

// Keys that only heddle/1 has: with one of them, a missing version is an oversight.
bool looks_native(const JsonNode& document) {
  return std::any_of(document.members.begin(), document.members.end(), [](const JsonNode::Member& m) {
    return m.key == "lanes" || m.key == "policies" || m.key == "plugins" || m.key == "params";
  });
}

Dialect dialect_of(ManifestReading& reading, const JsonNode& document, const Path& path) {
  std::string& dialect = reading.manifest().dialect;
  const JsonNode* version = document.find("version");
  if (!version || version->kind == JsonKind::kNull) {
    dialect = "v1";
    if (!looks_native(document)) return Dialect::kV1;
    reading.error("missing-key", path, {document.span.offset, 1}, "the manifest has no \"version\"", "write \"version\": \"heddle/1\"");
    return Dialect::kUnknown;
  }
  if (version->kind == JsonKind::kNumber && (version->text == "1" || version->text == "1.0")) {
    dialect = "1.0";
    reading.manifest().import_report.push_back(Path(path, "version").pointer() + ": the number " + version->text +
                                               " is read as the version \"1.0\".");
    return Dialect::kV1;
  }
  const Path at(path, "version");
  if (version->kind != JsonKind::kString) {
    reading.error("wrong-type", at, version->span, "\"version\" must be a string, but this is " + std::string(name_of(version->kind)),
                  "write \"version\": \"heddle/1\"");
    return Dialect::kUnknown;
  }
  dialect = version->text;
  if (dialect == kNative) return Dialect::kHeddle1;
  if (std::find(std::begin(kVersions), std::end(kVersions), dialect) != std::end(kVersions)) return Dialect::kV1;
  const std::string hint = reading.suggestion(dialect, to_strings(kVersions));
  reading.error("unknown-version", at, version->span, "the version \"" + dialect + "\" is not known",
                hint.empty() ? "known are \"heddle/1\" and, of older files, \"v1\", \"1.0\" and \"1.0.0\"" : hint);
  return Dialect::kUnknown;
}

bool is_wrapper(const JsonNode& root) { return root.find("manifest") && !root.find("nodes") && !root.find("version"); }

// What stands beside "manifest" in a wrapper.
void read_wrapper(ManifestReading& reading, const JsonNode& root, Dialect dialect) {
  const Path path;
  Manifest& manifest = reading.manifest();
  for (const JsonNode::Member& m : root.members) {
    const Path at(path, m.key);
    if (m.key == "manifest" || is_extension(m.key)) continue;
    const bool is_input = m.key == "input_data" || (m.key == "inputData" && dialect == Dialect::kV1);
    if (is_input && m.value.kind == JsonKind::kList) {
      manifest.has_input = true;
      manifest.input = texts_of(m.value);
    } else if (is_input && dialect == Dialect::kV1) {
      manifest.has_input = m.value.kind != JsonKind::kNull;
      if (manifest.has_input) manifest.input = {m.value.json()};
      manifest.import_report.push_back(at.pointer() + ": it is no list; it is taken as one item.");
    } else if (is_input) {
      reading.error("wrong-type", at, m.value.span, "\"input_data\" must be a list, but this is " + std::string(name_of(m.value.kind)));
    } else if (dialect == Dialect::kV1) {
      manifest.import_report.push_back(at.pointer() + ": not used here; left out.");
    } else {
      reading.error("unknown-key", at, m.key_span, "beside \"manifest\" there is no key \"" + m.key + "\"",
                    reading.suggestion(m.key, {"input_data"}));
    }
  }
}

}  // namespace

const NodeSettings* Manifest::find(std::string_view id) const {
  const auto found = std::find_if(nodes.begin(), nodes.end(), [id](const NodeSettings& n) { return n.id == id; });
  return found == nodes.end() ? nullptr : &*found;
}

std::optional<Manifest> read_manifest(std::string_view text, const std::string& file, const ReadOptions& options,
                                      Diagnostics& diagnostics) {
  const size_t errors_before = diagnostics.errors();
  JsonNode root;
  if (!parse_document(text, root, diagnostics)) return {};
  Manifest manifest;
  manifest.file = file;
  manifest.metadata.kind = JsonKind::kMap;
  ManifestReading reading(text, options, diagnostics, manifest);
  const Path document, wrapped(document, "manifest");
  reading.in_wrapper = is_wrapper(root);
  const Path& path = reading.in_wrapper ? wrapped : document;
  JsonNode& body = reading.in_wrapper ? *find_member(root, "manifest") : root;
  if (body.kind != JsonKind::kMap) {
    reading.error("wrong-type", path, {body.span.offset, 1}, "a manifest must be a map, but this is " + std::string(name_of(body.kind)));
    return {};
  }
  const Dialect dialect = dialect_of(reading, body, path);
  if (dialect == Dialect::kUnknown) return {};
  if (reading.in_wrapper) read_wrapper(reading, root, dialect);
  if (dialect == Dialect::kV1) V1Import(reading, body, path).run();
  read_heddle1(reading, body, path);
  if (diagnostics.errors() > errors_before && !options.even_with_errors) return {};
  return manifest;
}

}  // namespace heddle
