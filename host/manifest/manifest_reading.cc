#include "manifest/manifest_reading.h"

namespace heddle {
namespace {

// The pointer of the innermost value, with its key, that holds the byte at `offset`.
std::string pointer_at(const JsonNode& root, size_t offset, size_t length) {
  std::string out;
  const JsonNode* node = &root;
  while (node) {
    const JsonNode* inner = nullptr;
    if (node->span.offset == offset && node->span.length == length) return out;
    for (const JsonNode::Member& m : node->members) {
      if (offset < m.key_span.offset || offset >= m.value.span.offset + m.value.span.length) continue;
      append_token(out, m.key);
      inner = &m.value;
      break;
    }
    for (size_t i = 0; i < node->items.size(); ++i) {
      const Span& span = node->items[i].span;
      if (offset < span.offset || offset >= span.offset + span.length) continue;
      out += '/' + std::to_string(i);
      inner = &node->items[i];
      break;
    }
    node = inner;
  }
  return out;
}

}  // namespace

const char* ManifestReading::variable(const std::string& name) const {
  return options_.environment ? options_.environment(name.c_str()) : Reading::variable(name);
}

bool ManifestReading::is_open(std::string_view value) const {
  return !options_.substitute && !imported && value.find("${") != std::string_view::npos;
}

std::string ManifestReading::canonical(const Path& path) const {
  std::string out = path.pointer();
  if (in_wrapper) out.erase(0, std::string_view("/manifest").size());
  const std::string written = '/' + std::string(connections);
  if (connections != "connections" && out.starts_with(written)) out.replace(0, written.size(), "/connections");
  return out;
}

std::string ManifestReading::pointer_in_text(const Path& path, Span span) {
  if (!imported || span.offset == Span::kNone) return path.pointer();
  if (!has_original_) {
    Diagnostics ignored("", "");
    has_original_ = parse_document(text(), original_, ignored);
  }
  return pointer_at(original_, span.offset, span.length);
}

}  // namespace heddle
