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
bool collect_needs(const NodeSettings& node, const TypeDescriptor& type, const HostCapabilities& local, std::vector<Need>& needs,
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

// What keeps a node from this host by itself, if anything does.
std::optional<Obstacle> wish_for_remote(const NodeSettings& node) {
  if (!node.host.empty()) return Obstacle{"it is to run on the host " + quoted(node.host), node.pointer + "/host", node.span_of("host")};
  if (node.placement == "remote") return Obstacle{"its placement is \"remote\"", node.pointer + "/execution", node.span_of("execution")};
  return std::nullopt;
}

// Why `offer` cannot run the node; empty: it can, and `reason` gets why that is so.
std::string obstacle_there(const NodeSettings& node, const HostOffer& offer, std::string& reason) {
  if (offer.silent) return "it cannot be asked: " + offer.silent->text();
  const auto type = offer.types.find(node.node_type);
  if (type == offer.types.end()) return "it does not run the type " + quoted(node.node_type) + " for others";
  JsonNode stated;
  Diagnostics problems("", type->second);
  if (!parse_document(type->second, stated, problems)) return "what it says that the type needs is no JSON";
  for (const JsonNode* needed : {&node.capabilities, static_cast<const JsonNode*>(&stated)}) {
    Span fault;
    const auto needs = needs_of(*needed, offer.capabilities, fault);
    if (!needs) return needs.error().message;
    for (const Need& need : *needs) {
      if (!need.is_met && !need.is_optional) return "the node needs " + need.words + ", " + need.here;
      const std::string words = "needs " + need.words + ", " + need.here;
      if (need.is_met && reason.find(words) == std::string::npos) reason += (reason.empty() ? "" : "; ") + words;
    }
  }
  if (reason.empty()) reason = "it has the type";
  return {};
}

constexpr const char* kNoOthers = "no other host is named in the configuration (\"remotes\")";

// A place on another host; or none, and `why` gets what each of them said, or nothing if there are none.
std::optional<Placement> place_there(const NodeSettings& node, HostOffers* others, std::string& why) {
  if (node.placement == "local") return std::nullopt;
  std::vector<const HostOffer*> offers;
  if (!node.host.empty() && others) {
    const auto there = others->at(node.host);
    if (!there) why = there.error().text();
    else offers.push_back(*there);
  } else if (others) {
    const auto all = others->all();
    if (!all) why = all.error().text();
    else
      for (const HostOffer& offer : **all) offers.push_back(&offer);
  }
  for (const HostOffer* offer : offers) {
    std::string reason;
    const std::string obstacle = obstacle_there(node, *offer, reason);
    const std::string name = "host " + quoted(offer->host.name);
    if (obstacle.empty()) return Placement{"remote", name + ": " + reason, {}, offer->host};
    why += (why.empty() ? "" : "; ") + name + ": " + obstacle;
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

// It cannot run here: there, or its fallback in its place.
std::optional<Placement> leave(const NodeSettings& node, const Obstacle& obstacle, HostOffers* others, Diagnostics& diagnostics) {
  std::string there;
  if (auto placed = place_there(node, others, there)) {
    placed->reason = obstacle.words + "; " + placed->reason;
    return placed;
  }
  const std::string why = obstacle.words + (there.empty() ? "" : "; " + there), message = "node " + quoted(node.id) + " cannot run here: " + why;
  if (!node.placement_fallback.empty()) {
    diagnostics.add({.severity = Severity::kWarning,
                     .code = "fallback-used",
                     .pointer = obstacle.pointer,
                     .span = obstacle.span,
                     .message = message + "; its fallback " + quoted(node.placement_fallback) + " runs in its place",
                     .hint = {}});
    return Placement{"local", why + "; its fallback " + quoted(node.placement_fallback) + " runs in its place", node.placement_fallback, {}};
  }
  diagnostics.add({.code = "cannot-place",
                   .pointer = obstacle.pointer,
                   .span = obstacle.span,
                   .message = message + (there.empty() && node.placement != "local" ? "; " + std::string(kNoOthers) : ""),
                   .hint = "name a node that can run here in \"execution\": {\"fallback\": …}" + std::string(node.placement == "local" ? "" : ", or a host that can in \"remotes\"")});
  return std::nullopt;
}

}  // namespace

std::optional<Placement> place(const NodeSettings& node, const TypeDescriptor* local_type, const HostCapabilities& local, HostOffers* others, Diagnostics& diagnostics) {
  if (node.standby) return Placement{"none", "standby: it runs only in the place of a node that names it as its fallback", {}, {}};
  if (const std::optional<Obstacle> wish = wish_for_remote(node)) return leave(node, *wish, others, diagnostics);
  std::string not_there;
  if (node.placement == "prefer_remote") {
    if (auto placed = place_there(node, others, not_there)) return placed;
    not_there = "; " + (not_there.empty() ? kNoOthers : not_there);
  }
  if (!local_type) return leave(node, {"no installed plugin has its type " + quoted(node.node_type), node.pointer + "/node_type", node.type_span}, others, diagnostics);
  std::vector<Need> needs;
  if (!collect_needs(node, *local_type, local, needs, diagnostics)) return std::nullopt;
  for (const Need& need : needs) {
    if (!need.is_met && !need.is_optional) return leave(node, {"it needs " + need.words + ", " + need.here, need.pointer, need.span}, others, diagnostics);
  }
  return Placement{"local", reason_here(node, needs) + not_there, {}, {}};
}

std::optional<Placement> place_or_fall_back(const Manifest& manifest, const NodeSettings& node, const std::function<const TypeDescriptor*(const std::string&)>& type_of,
                                            const HostCapabilities& local, HostOffers* others, Diagnostics& diagnostics) {
  std::optional<Placement> first = place(node, type_of(node.node_type), local, others, diagnostics);
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
    const std::optional<Placement> next = place(stand_in, type_of(stand_in.node_type), local, others, diagnostics);
    if (!next) return std::nullopt;
    if (next->stand_in.empty()) return first;
    first->stand_in = next->stand_in;
    first->reason += ", which cannot either: " + next->reason;
  }
}

}  // namespace heddle
