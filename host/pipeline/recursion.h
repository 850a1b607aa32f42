// Manifests that have others run, which have others run: followed before anything runs, so that none ends up running itself.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "manifest/diagnostic.h"
#include "manifest/manifest.h"
#include "plugin/catalog.h"

namespace heddle {

// What this host serves under a name at one of these endpoints; null: nothing, or they are not its own.
using ServedHere = std::function<const Manifest*(std::string_view name, const std::vector<std::string>& endpoints)>;

// [start] Depth first, as far as manifests can be had from here. Errors, at the node of `manifest` that leads there: "recursion", with the chain; "too-deep"; "bad-source", of a manifest that
// cannot be had or read; a warning, if it may be had later. Creates nodes whose type says that it has others run, and lets them look for these: it may block.
void check_recursion(std::string_view name, const Manifest& manifest, const Catalog& catalog, const ServedHere& served, Diagnostics& diagnostics);

}  // namespace heddle
