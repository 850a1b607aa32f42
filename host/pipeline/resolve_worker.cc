#include "pipeline/resolve_worker.h"

#include <algorithm>

#include "manifest/param_schema.h"
#include "pipeline/resolve.h"

namespace heddle {
namespace {

std::string quoted(std::string_view s) { return "\"" + std::string(s) + "\""; }

void check_chain(const ChainWork& work, const Catalog& catalog, Diagnostics& diagnostics) {
  const CatalogEntry entry = catalog.find("chain", work.chain);
  if (!entry.type) {
    diagnostics.add({.code = "unknown-type", .pointer = work.pointer + "/chain", .span = work.chain_span, .message = "no plugin has the chain " + quoted(work.chain),
                     .hint = catalog.hint_for("chain", work.chain)});
    return;
  }
  redact_secrets(*entry.type, work.chain_params);
  const auto schema = ParamSchema::compile(entry.type->params_schema);
  if (schema) {
    Diagnostics found("", "");
    schema->check(work.chain_params, work.pointer + "/chain_params", "the chain " + quoted(entry.type->type), found);
    for (const Diagnostic& d : found.all()) {
      if (!diagnostics.is_doubtful(d.span)) diagnostics.add(d);  // what substitution could not fill in was said
    }
    return;
  }
  diagnostics.add({.code = "bad-schema", .pointer = work.pointer + "/chain", .span = work.chain_span, .message = "plugin " + entry.plugin->name + ": " + schema.error().text(), .hint = {}});
}

// Items come from the chain, and from nowhere else.
void check_nodes(const ChainWork& work, const Pipeline& pipeline, Diagnostics& diagnostics) {
  for (const PipelineNode& node : pipeline.nodes) {
    if (!node.entry.type || !node.entry.type->inputs.empty()) continue;
    diagnostics.add({.code = "source-in-worker", .pointer = node.settings.pointer, .span = node.settings.type_span,
                     .message = "node " + quoted(node.settings.id) + " is a source of its own, but in a manifest with a \"worker\" every item is an activity", .hint = {}});
  }
  for (const WorkKind& kind : work.kinds) {
    const PipelineNode* const node = kind.node.empty() ? nullptr : pipeline.find(kind.node);
    if (!node || !node->settings.standby) continue;
    diagnostics.add({.code = "standby-in-worker", .pointer = work.pointer + "/kinds", .span = node->settings.id_span,
                     .message = "node " + quoted(kind.node) + " stands by for another one: activities cannot enter there", .hint = {}});
  }
}

}  // namespace

void resolve_worker(const Manifest& manifest, const Catalog& catalog, Pipeline& pipeline, Diagnostics& diagnostics) {
  if (!manifest.worker) return;
  pipeline.worker = manifest.worker;
  check_chain(*pipeline.worker, catalog, diagnostics);
  check_nodes(*pipeline.worker, pipeline, diagnostics);
  if (!manifest.has_input) return;
  diagnostics.add({.code = "input-in-worker", .pointer = manifest.worker->pointer, .span = manifest.worker->span, .message = "a manifest with a \"worker\" takes its items from the chain: input beside it has no effect",
                   .hint = "leave \"input_data\" out"});
}

}  // namespace heddle
