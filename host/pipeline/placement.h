// Where a node runs, and why there.
#pragma once
#include <functional>
#include <optional>
#include <string>

#include "manifest/diagnostic.h"
#include "manifest/manifest.h"
#include "pipeline/capabilities.h"
#include "plugin/descriptor.h"

namespace heddle {

struct Placement {
  std::string where;     // "local"; "none" for a standby node
  std::string reason;    // in the user's words
  std::string stand_in;  // the id of the node that must run in this one's place; empty: the node itself
};

// Places one node. Local, if its type is installed here (`local_type` not null), this host has what node and type need, and nothing asks
// for another host. This version has no remote transport: everything else goes to the node that "execution.fallback" names, with a warning
// "fallback-used", or is an error "cannot-place". Empty after an error. A standby node is not placed: its place is that of the node it
// stands in for.
std::optional<Placement> place(const NodeSettings& node, const TypeDescriptor* local_type, const LocalCapabilities& local,
                               Diagnostics& diagnostics);

// As `place`, and goes on with the fallback of the fallback until one can run: `stand_in` is the last of them. `type_of` finds an installed
// type by its name, or null.
std::optional<Placement> place_or_fall_back(const Manifest& manifest, const NodeSettings& node,
                                            const std::function<const TypeDescriptor*(const std::string&)>& type_of,
                                            const LocalCapabilities& local, Diagnostics& diagnostics);

}  // namespace heddle
