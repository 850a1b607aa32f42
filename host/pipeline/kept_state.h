// What nodes with "state": "keep" remember from one run to the next: one JSON file per node.
#pragma once
#include <string>

#include "result.h"
#include "value/value.h"

namespace heddle {

// <directory>/<pipeline>/<node>.json; names are written so that they are one path component each.
std::string kept_state_path(const std::string& directory, const std::string& pipeline, const std::string& node);

// Empty if there is none yet.
Result<Value> load_kept_state(const std::string& path);

// Written beside, synced, and renamed: after a crash there is the old state or the new one, never a piece. Makes the directories (mode 0700).
Result<void> save_kept_state(const std::string& path, const Value& state);

}  // namespace heddle
