// What the "worker" of a manifest means, given the catalog.
#pragma once
#include "manifest/diagnostic.h"
#include "manifest/manifest.h"
#include "pipeline/pipeline.h"
#include "plugin/catalog.h"

namespace heddle {

// Fills pipeline.worker, and reports everything that is wrong with it. The nodes and lanes of the pipeline are there.
void resolve_worker(const Manifest& manifest, const Catalog& catalog, Pipeline& pipeline, Diagnostics& diagnostics);

}  // namespace heddle
