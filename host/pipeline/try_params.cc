#include "pipeline/try_params.h"

#include <algorithm>

#include "manifest/path.h"
#include "plugin/node_handle.h"

namespace heddle {
namespace {

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

bool names(std::string_view reason, std::string_view word) { return !word.empty() && reason.find(quoted(word)) != std::string_view::npos; }

// The param that a reason speaks of: plugins name it, or show its value, in quotes; of the same param in several places, the one whose
// neighbours are shown, too.
class ParamSearch {
 public:
  explicit ParamSearch(std::string_view reason) : reason_(reason) {}

  void look(const JsonNode& value, const std::string& pointer) {  // no tree of a manifest is deeper than kMaxManifestDepth
    size_t shown = 0;
    for (const JsonNode::Member& m : value.members) shown += m.value.kind == JsonKind::kString && names(reason_, m.value.text);
    for (const JsonNode::Member& m : value.members) {
      std::string below = pointer;
      append_token(below, m.key);
      const bool is_shown = m.value.kind == JsonKind::kString && names(reason_, m.value.text);
      const size_t score = (names(reason_, m.key) ? 2 : 0) + (is_shown || names(reason_, m.key) ? shown : 0);
      if (score > best_) {
        best_ = score;
        found_pointer = below;
        found_span = m.value.span;
      }
      look(m.value, below);
    }
    for (size_t i = 0; i < value.items.size(); ++i) look(value.items[i], pointer + "/" + std::to_string(i));
  }

  std::string found_pointer;
  Span found_span;

 private:
  const std::string_view reason_;
  size_t best_ = 0;
};

}  // namespace

Diagnostic refused_params(const PipelineNode& node, const Error& why) {
  const NodeSettings& settings = node.settings;
  const std::string reason = why.cause ? why.cause->text() : why.text();
  ParamSearch search(reason);
  search.look(settings.params, settings.pointer + "/params");
  const bool found = !search.found_pointer.empty() && search.found_span.offset != Span::kNone;
  return {.code = "bad-param",
          .pointer = found ? search.found_pointer : settings.pointer + "/params",
          .span = found ? search.found_span : settings.params_span,
          .message = "node " + quoted(settings.id) + " (" + node.entry.type->type + "): " + reason,
          .hint = {}};
}

void try_params(const Pipeline& pipeline, Diagnostics& diagnostics) {
  for (const PipelineNode& node : pipeline.nodes) {
    if (!node.entry.type->create_is_pure) continue;
    if (!node.params) continue;  // a run says so
    const auto made = NodeHandle::create(node.entry, node.settings.id, *node.params, nullptr, 0);
    if (!made) diagnostics.add(refused_params(node, made.error()));
  }
}

}  // namespace heddle
