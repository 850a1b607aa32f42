#include "pipeline/recursion.h"

#include <algorithm>
#include <optional>
#include <set>

#include "manifest/chain_link.h"
#include "plugin/node_handle.h"

namespace heddle {
namespace {

std::string text_of(const Value& map, std::string_view key) {
  const Value text = map.find(key);
  return std::string(text ? text.as_text().value_or("") : "");
}

std::string first_error(const Diagnostics& diagnostics) {
  for (const Diagnostic& d : diagnostics.all()) {
    if (d.severity == Severity::kError) return (d.pointer.empty() ? "" : d.pointer + ": ") + d.message;
  }
  return "it is no manifest";
}

class Follower {
 public:
  Follower(const Catalog& catalog, const ServedHere& served, Diagnostics& diagnostics) : catalog_(catalog), served_(served), diagnostics_(diagnostics) {}

  void follow(std::string_view name, const Manifest& manifest) {
    const uint64_t hash = hash_of(manifest);
    const bool is_again = std::find(stack_.begin(), stack_.end(), hash) != stack_.end();
    stack_.push_back(hash);
    chain_.push_back(chain_link(name, manifest));
    if (is_again) refuse("recursion", "the pipeline would run itself: " + chain());
    else if (stack_.size() > kMostLinks) refuse("too-deep", "more than " + std::to_string(kMostLinks) + " pipelines would have each other run: " + chain());
    else if (done_.insert(hash).second) follow_nodes(manifest);
    stack_.pop_back();
    chain_.pop_back();
  }

 private:
  void follow_nodes(const Manifest& manifest) {
    for (const NodeSettings& node : manifest.nodes) {
      const CatalogEntry entry = catalog_.find("node", node.node_type);
      if (!entry.type || !entry.type->sources) continue;
      const bool is_outermost = stack_.size() == 1;
      if (is_outermost) at_ = &node;
      follow_sources(entry, node);
    }
  }

  void follow_sources(const CatalogEntry& entry, const NodeSettings& node) {
    const auto params = Value::parse(node.params.json());
    const auto made = params ? NodeHandle::create(entry, node.id, *params, nullptr, 0) : Result<std::unique_ptr<NodeHandle>>(params.error());
    if (!made) return;  // whoever runs it says so
    const auto sources = (*made)->sources();
    if (!sources) return refuse("bad-source", sources.error().text(), sources.error().error_class == ErrorClass::kRetryable ? Severity::kWarning : Severity::kError);
    for (size_t i = 0; *sources && i < sources->size(); ++i) follow_source(node, sources->at(i));
  }

  void follow_source(const NodeSettings& node, const Value& source) {
    const Value sent = source.find("manifest");
    if (!sent) return follow_served(source);
    const std::string text = sent.json();
    Diagnostics found("", text);
    const auto manifest = read_manifest(text, "", {.params = {}, .takes_in = false}, found);
    if (!manifest) return refuse("bad-source", "the manifest that node \"" + node.id + "\" has run elsewhere cannot be read: " + first_error(found));
    follow(manifest->name.empty() ? "a manifest" : manifest->name, *manifest);
  }

  void follow_served(const Value& source) {
    if (!served_) return;
    const Value list = source.find("endpoints");
    std::vector<std::string> endpoints;
    for (size_t i = 0; list && i < list.size(); ++i) endpoints.emplace_back(list.at(i).as_text().value_or(""));
    const std::string name = text_of(source, "name");
    if (const Manifest* const manifest = served_(name, endpoints)) follow(name, *manifest);
  }

  void refuse(std::string code, std::string message, Severity severity = Severity::kError) {
    diagnostics_.add({.severity = severity, .code = std::move(code), .pointer = at_ ? at_->pointer + "/params" : "", .span = at_ ? at_->params_span : Span(), .message = std::move(message), .hint = {}});
  }

  std::string chain() const {
    std::string out;
    for (const std::string& link : chain_) out += (out.empty() ? "" : " -> ") + link;
    return out;
  }

  const Catalog& catalog_;
  const ServedHere& served_;
  Diagnostics& diagnostics_;
  const NodeSettings* at_ = nullptr;  // of the outermost manifest
  std::vector<uint64_t> stack_;
  std::vector<std::string> chain_;  // of the same
  std::set<uint64_t> done_;
};

}  // namespace

void check_recursion(std::string_view name, const Manifest& manifest, const Catalog& catalog, const ServedHere& served, Diagnostics& diagnostics) {
  Follower(catalog, served, diagnostics).follow(name.empty() ? "a manifest" : name, manifest);
}

}  // namespace heddle
