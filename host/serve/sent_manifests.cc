#include "serve/sent_manifests.h"

#include <algorithm>
#include <utility>

#include "log.h"
#include "pipeline/build.h"
#include "pipeline/recursion.h"
#include "pipeline/try_params.h"

namespace heddle {
namespace {

// Whoever sent it knows it by its values, not by lines.
Error bad(const Diagnostics& diagnostics) {
  std::string all;
  for (const Diagnostic& d : diagnostics.all()) {
    if (d.severity != Severity::kError) continue;
    all += (all.empty() ? "" : "; ") + (d.pointer.empty() ? "" : d.pointer + ": ") + d.message + (d.hint.empty() ? "" : " (" + d.hint + ")");
  }
  return Error("bad-pipeline", "the manifest cannot be run: " + log::redacted(all), ErrorClass::kConfig);
}

std::string list_of(const std::vector<const TypeDescriptor*>& types) {
  std::string out;
  for (const TypeDescriptor* type : types) out += (out.empty() ? "" : ", ") + type->type;
  return out.empty() ? "none" : out;
}

}  // namespace

void SentManifests::use(const ExecuteSettings& settings, std::shared_ptr<const Catalog> catalog) {
  auto rules = std::make_shared<Rules>();
  rules->allowed = settings.inline_manifests;
  for (const auto& type : settings.node_types) {
    if (const CatalogEntry entry = catalog->find("node", type.name); entry.type) rules->types.push_back(entry.type);
  }
  rules->catalog = std::move(catalog);
  std::unordered_map<std::string, Kept> before;  // goes after the lock
  std::lock_guard lock(mutex_);
  rules_ = std::move(rules);
  before.swap(kept_);
  bytes_ = 0;
}

Result<void> SentManifests::allowed() const {
  std::lock_guard lock(mutex_);
  if (rules_->allowed) return {};
  return Error("denied", "this host runs no manifests that are sent to it: its configuration would have to say \"execute\": {\"inline\": true, \"node_types\": [those that they may use]}");
}

bool SentManifests::allows(const TypeDescriptor& type) const {
  std::lock_guard lock(mutex_);
  const auto& types = rules_->types;
  return rules_->allowed && std::find(types.begin(), types.end(), &type) != types.end();
}

ServedPipelinePtr SentManifests::find(const std::string& text) {
  std::lock_guard lock(mutex_);
  const auto found = kept_.find(text);
  if (found == kept_.end()) return nullptr;
  found->second.used = ++uses_;
  return found->second.pipeline;
}

void SentManifests::check(const Manifest& manifest, const Rules& rules, Diagnostics& diagnostics) const {
  const auto refuse = [&](std::string pointer, Span span, std::string message, std::string hint) {
    diagnostics.add({.code = "not-allowed", .pointer = std::move(pointer), .span = span, .message = std::move(message), .hint = std::move(hint)});
  };
  for (const NodeSettings& node : manifest.nodes) {
    const TypeDescriptor* const type = rules.catalog->find("node", node.node_type).type;
    if (type && std::find(rules.types.begin(), rules.types.end(), type) == rules.types.end())
      refuse(node.pointer + "/node_type", node.type_span, "a manifest that is sent to this host may not use the node type \"" + node.node_type + "\"",
             "its configuration allows, in \"execute.node_types\": " + list_of(rules.types));
    if (node.keep_state) refuse(node.pointer + "/state", node.span_of("state"), "a manifest that is sent to a host keeps no state there", "remove \"state\", or have the host serve the pipeline");
  }
  for (const LaneSettings& lane : manifest.lanes) {
    if (!lanes_.find(lane.name)) refuse(lane.pointer, lane.span, "this host has no lane \"" + lane.name + "\", and a manifest that is sent to it brings none", "remove it, or have the host configure it");
  }
  if (manifest.has_input) refuse("/input_data", {}, "the input stands beside the manifest, not in it", "");
}

Result<ServedPipelinePtr> SentManifests::plan(const std::string& text) {
  std::shared_ptr<const Rules> rules;
  {
    std::lock_guard lock(mutex_);
    rules = rules_;
  }
  Diagnostics diagnostics("the manifest", text);
  auto manifest = read_manifest(text, "", {.params = {}, .takes_in = false}, diagnostics);
  if (!manifest) return bad(diagnostics);
  check(*manifest, *rules, diagnostics);
  auto pipeline = build_pipeline(*manifest, *rules->catalog, diagnostics);
  if (pipeline && !diagnostics.has_errors()) try_params(*pipeline, diagnostics);
  if (pipeline && !diagnostics.has_errors()) check_recursion(manifest->name, *manifest, *rules->catalog, nullptr, diagnostics);
  if (!pipeline || diagnostics.has_errors()) return bad(diagnostics);
  std::string name = manifest->name.empty() ? "a manifest" : manifest->name;
  Household household = pipelines_.household(rules->catalog);
  household.is_sent = true;
  ServedPipelinePtr planned = serve(std::move(name), "", "", *std::move(manifest), *std::move(pipeline), std::move(household));
  keep(text, rules, planned);
  return planned;
}

void SentManifests::keep(const std::string& text, const std::shared_ptr<const Rules>& rules, const ServedPipelinePtr& pipeline) {
  std::vector<ServedPipelinePtr> forgotten;  // go after the lock
  std::lock_guard lock(mutex_);
  if (rules != rules_ || text.size() > kMostKeptBytes) return;
  auto [at, is_new] = kept_.try_emplace(text);
  if (is_new) bytes_ += text.size();
  at->second = {pipeline, ++uses_};
  while (kept_.size() > kMostKept || bytes_ > kMostKeptBytes) {
    const auto oldest = std::min_element(kept_.begin(), kept_.end(), [](const auto& a, const auto& b) { return a.second.used < b.second.used; });
    bytes_ -= oldest->first.size();
    forgotten.push_back(std::move(oldest->second.pipeline));
    kept_.erase(oldest);
  }
}

}  // namespace heddle
