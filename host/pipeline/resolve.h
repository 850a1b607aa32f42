// The first half of building: what each node and connection of a manifest means, given the catalog.
#pragma once
#include "manifest/diagnostic.h"
#include "manifest/manifest.h"
#include "pipeline/pipeline.h"
#include "pipeline/remote_hosts.h"
#include "plugin/catalog.h"

namespace heddle {

// Fills nodes (types, ports, timeouts, retry, placement) and the manifest's edges (ports), and reports everything that is wrong with them.
void resolve_nodes(const Manifest& manifest, const Catalog& catalog, HostOffers* others, Pipeline& pipeline, Diagnostics& diagnostics);
void resolve_edges(const Manifest& manifest, Pipeline& pipeline, Diagnostics& diagnostics);
// What the schema of a type marks as "writeOnly" is shown to nobody from here on.
void redact_secrets(const TypeDescriptor& type, const JsonNode& params);
// The manifest's "plugins" against those that are installed.
void check_requirements(const Manifest& manifest, const Catalog& catalog, Diagnostics& diagnostics);

}  // namespace heddle
