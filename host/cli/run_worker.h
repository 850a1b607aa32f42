// `heddle run` of a manifest with a "worker": works for its chain until a signal ends it.
#pragma once
#include <string>

#include "cli/exit_codes.h"
#include "pipeline/pipeline.h"
#include "plugin/catalog.h"

namespace heddle {

struct WorkerRun {
  const Pipeline* pipeline = nullptr;
  const Catalog* catalog = nullptr;
  unsigned threads = 0;   // 0: one per core
  std::string state_dir;  // empty: there is no place for it
  bool quiet = false, json = false;
};

// The first signal stops taking work and waits for what is under way, the manifest's drain_ms at most; a second one gives it up. Whatever is left goes on with the next start.
ExitCode run_worker(const WorkerRun& run);

}  // namespace heddle
