// One loaded .so: opened once, checked, initialised, and kept until the process ends.
#pragma once
#include <heddle/plugin.h>

#include <string>

#include "plugin/descriptor.h"
#include "result.h"

namespace heddle {

class Library {
 public:
  // [any] Loads the plugin, or gives the one that is already loaded. Opens with RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE; checks entry, minor, and that every note
  // equals the code; runs init; compares process-wide state before and after. Errors name the plugin and the rule: "cannot-open", "no-entry",
  // "wrong-major" (exports heddle_entry_vN), "minor-too-new", "note-differs", "init-failed", "state-changed".
  // The returned library lives until the process ends.
  static Result<Library*> load(const PluginDescriptor& plugin);

  const PluginDescriptor& descriptor() const { return descriptor_; }
  const heddle_entry& entry() const { return *entry_; }
  // [any] Null if the plugin has none of this kind.
  const heddle_factory* factory(const char* kind) const;

 private:
  friend struct LibraryLoader;
  PluginDescriptor descriptor_;
  const heddle_entry* entry_ = nullptr;
};

}  // namespace heddle
