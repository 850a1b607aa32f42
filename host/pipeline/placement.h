// Where a node runs, and why there.
#pragma once
#include <functional>
#include <optional>
#include <string>

#include "manifest/diagnostic.h"
#include "manifest/manifest.h"
#include "pipeline/capabilities.h"
#include "pipeline/remote_hosts.h"
#include "plugin/descriptor.h"

namespace heddle {

struct Placement {
  std::string where;     // "local"; "remote"; "none" for a standby node
  std::string reason;    // in the user's words
  std::string stand_in;  // the id of the node that must run in this one's place; empty: the node itself
  std::optional<RemoteHost> host;  // "remote": where
};

// Places one node. Local, if its type is installed here (`local_type` not null), this host has what node and type need, and nothing asks for another host; else on the first of the `others` that runs the
// type for us and has what is needed; else the node that "execution.fallback" names runs, with a warning "fallback-used"; else it is an error "cannot-place", with the reason of each host. Empty after an
// error. "prefer_remote" asks the others first. A standby node is not placed: its place is that of the node it stands in for. `others` null: there are none.
std::optional<Placement> place(const NodeSettings& node, const TypeDescriptor* local_type, const HostCapabilities& local, HostOffers* others, Diagnostics& diagnostics);

// As `place`, and goes on with the fallback of the fallback until one can run: `stand_in` is the last of them. `type_of` finds an installed type by its name, or null.
std::optional<Placement> place_or_fall_back(const Manifest& manifest, const NodeSettings& node, const std::function<const TypeDescriptor*(const std::string&)>& type_of,
                                            const HostCapabilities& local, HostOffers* others, Diagnostics& diagnostics);

}  // namespace heddle
