// Manifest + catalog → Pipeline: every check that needs the plugins' descriptors, placement, and fusing.
#pragma once
#include <optional>
#include <string>

#include "manifest/diagnostic.h"
#include "manifest/manifest.h"
#include "pipeline/pipeline.h"
#include "pipeline/remote_hosts.h"
#include "plugin/catalog.h"

namespace heddle {

// Takes a manifest that was read with errors, too: what is still meaningful is checked. Empty if there were errors; all of them are in `diagnostics`. The catalog must outlive the pipeline. Runs no plugin code, but that of transports where a node can only run on one of the `others` (null: there are none): these are asked then, which takes its time.
std::optional<Pipeline> build_pipeline(const Manifest& manifest, const Catalog& catalog, Diagnostics& diagnostics, HostOffers* others = nullptr);

// What would run where and why, as text for people, and as JSON. `full`: with every default that applies. Params are shown with secrets redacted.
std::string plan_text(const Pipeline& pipeline, bool full);
std::string plan_json(const Pipeline& pipeline, bool full);

}  // namespace heddle
