#include "pipeline/placement.h"

#include <unordered_set>
#include <vector>

namespace heddle {
namespace {

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

// Why a node cannot run here, and the place in the manifest that says so.
struct Obstacle {
  std::string words;  // "it needs 64 GB of memory, this host has 23 GB"
  std::string pointer;
  Span span;
};

// The needs of node and type; false after a diagnostic.
bool collect_needs(const NodeSettings& node, const TypeDescriptor& type, const LocalCapabilities& local, std::vector<Need>& needs,
                   Diagnostics& diagnostics) {
  Span fault;
  Result<std::vector<Need>> of_node = needs_of(node.capabilities, local, fault);
  if (!of_node) {
    diagnostics.add({.code = "bad-capability",
                     .pointer = node.pointer + "/capabilities",
                     .span = fault.offset == Span::kNone ? node.span_of("capabilities") : fault,
                     .message = "node " + quoted(node.id) + ": " + of_node.error().message,
                     .hint = {}});
    return false;
  }
  needs = std::move(of_node).value();
  for (Need& need : needs) need.pointer = node.pointer + "/capabilities" + need.pointer;
  if (type.capabilities.empty()) return true;

  const auto blame_type = [&](const std::string& why) {
    diagnostics.add({.code = "bad-capability",
                     .pointer = node.pointer + "/node_type",
                     .span = node.type_span,
                     .message = "the plugin's capabilities of the type " + type.type + " cannot be used: " + why,
                     .hint = {}});
    return false;
  };
  JsonNode stated;
  Diagnostics problems("capabilities", type.capabilities);
  if (!parse_document(type.capabilities, stated, problems) || problems.has_errors()) return blame_type("they are not valid JSON");
  Result<std::vector<Need>> of_type = needs_of(stated, local, fault);
  if (!of_type) return blame_type(of_type.error().message);
  for (Need& need : of_type.value()) {
    need.pointer = node.pointer + "/node_type";  // the place of what is stated in a plugin
    need.span = node.type_span;
    needs.push_back(std::move(need));
  }
  return true;
}

// What asks for another host, if anything does.
std::optional<Obstacle> wish_for_remote(const NodeSettings& node) {
  if (!node.host.empty()) return Obstacle{"it is to run on the host " + quoted(node.host), node.pointer + "/host", node.span_of("host")};
  if (node.placement == "remote" || node.placement == "prefer_remote") {
    return Obstacle{"its placement is " + quoted(node.placement), node.pointer + "/execution", node.span_of("execution")};
  }
  return std::nullopt;
}

std::string reason_here(const NodeSettings& node, const std::vector<Need>& needs) {
  std::string reason;
  for (const Need& need : needs) {
    const std::string words = (need.is_met ? "needs " : "would like ") + need.words + ", " + need.here;
    if (reason.find(words) == std::string::npos) reason += (reason.empty() ? "" : "; ") + words;
  }
  if (!reason.empty()) return reason;
  return node.placement == "local" ? "the manifest says so, and the type is installed here"
                                   : "the type is installed here and nothing asks for another host";
}

std::optional<Placement> leave(const NodeSettings& node, const Obstacle& obstacle, Diagnostics& diagnostics) {
  const std::string message = "node " + quoted(node.id) + " cannot run here: " + obstacle.words;
  if (!node.placement_fallback.empty()) {
    diagnostics.add({.severity = Severity::kWarning,
                     .code = "fallback-used",
                     .pointer = obstacle.pointer,
                     .span = obstacle.span,
                     .message = message + "; its fallback " + quoted(node.placement_fallback) + " runs in its place",
                     .hint = {}});
    return Placement{"local", obstacle.words + "; its fallback " + quoted(node.placement_fallback) + " runs in its place",
                     node.placement_fallback};
  }
  diagnostics.add({.code = "cannot-place",
                   .pointer = obstacle.pointer,
                   .span = obstacle.span,
                   .message = message + (node.placement == "local"
                                             ? ""
                                             : ", and no remote host is configured: this version of heddle runs nodes on this host only"),
                   .hint = "name a node that can run here in \"execution\": {\"fallback\": …}"});
  return std::nullopt;
}

}  // namespace

std::optional<Placement> place(const NodeSettings& node, const TypeDescriptor* local_type, const LocalCapabilities& local,
                               Diagnostics& diagnostics) {
  if (node.standby) return Placement{"none", "standby: it runs only in the place of a node that names it as its fallback", {}};
  if (const std::optional<Obstacle> wish = wish_for_remote(node)) return leave(node, *wish, diagnostics);
  if (!local_type) {
    return leave(node, {"no installed plugin has its type " + quoted(node.node_type), node.pointer + "/node_type", node.type_span},
                 diagnostics);
  }
  std::vector<Need> needs;
  if (!collect_needs(node, *local_type, local, needs, diagnostics)) return std::nullopt;
  for (const Need& need : needs) {
    if (!need.is_met && !need.is_optional)
      return leave(node, {"it needs " + need.words + ", " + need.here, need.pointer, need.span}, diagnostics);
  }
  return Placement{"local", reason_here(node, needs), {}};
}

std::optional<Placement> place_or_fall_back(const Manifest& manifest, const NodeSettings& node,
                                            const std::function<const TypeDescriptor*(const std::string&)>& type_of,
                                            const LocalCapabilities& local, Diagnostics& diagnostics) {
  std::optional<Placement> first = place(node, type_of(node.node_type), local, diagnostics);
  if (!first || first->stand_in.empty()) return first;
  std::unordered_set<std::string> tried{node.id};
  while (true) {
    const NodeSettings* found = manifest.find(first->stand_in);
    if (!found || diagnostics.is_doubtful(found->id == node.id ? node.span_of("execution") : Span()))
      return std::nullopt;  // reported by the reader
    if (!tried.insert(found->id).second) {
      diagnostics.add({.code = "cannot-place",
                       .pointer = node.pointer + "/execution",
                       .span = node.span_of("execution"),
                       .message = "node " + quoted(node.id) + " cannot run here, and its fallback " + quoted(first->stand_in) +
                                  " leads back to a node that cannot either",
                       .hint = {}});
      return std::nullopt;
    }
    NodeSettings stand_in = *found;
    stand_in.standby = false;  // it is called upon now
    const std::optional<Placement> next = place(stand_in, type_of(stand_in.node_type), local, diagnostics);
    if (!next) return std::nullopt;
    if (next->stand_in.empty()) return first;
    first->stand_in = next->stand_in;
    first->reason += ", which cannot either: " + next->reason;
  }
}

}  // namespace heddle
