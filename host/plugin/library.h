// One loaded .so: opened once, checked, initialised, and kept until the process ends.
#pragma once
#include <heddle/plugin.h>

#include <memory>
#include <mutex>
#include <string>

#include "plugin/descriptor.h"
#include "plugin/host_table.h"
#include "result.h"

namespace heddle {

class Library {
 public:
  // [any] Loads the plugin, or gives the one that is already loaded. Opens with RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE; checks entry, minor,
  // and that every note equals the code; runs init; compares process-wide state before and after. Errors name the plugin and the rule:
  // "not-trusted" (it has pins, and the file is another), "cannot-open", "no-entry", "wrong-major" (exports heddle_entry_vN), "minor-too-new", "note-differs", "init-failed", "state-changed"
  // (the state is restored). The returned library lives until the process ends. A file that was refused after it was opened is refused
  // again with the same error.
  static Result<Library*> load(const PluginDescriptor& plugin);

  // [setup] Calls deinit of every plugin whose init succeeded, in reverse order of loading. Once, when no object of any plugin is left;
  // nothing is loaded afterwards.
  static void deinit_all();

  const PluginDescriptor& descriptor() const { return descriptor_; }
  const heddle_entry& entry() const { return *entry_; }
  // [any] Null if the plugin has none of this kind.
  const heddle_factory* factory(const char* kind) const;
  // To be held around every [setup] call into the plugin.
  std::mutex& setup_mutex() { return setup_mutex_; }

 private:
  friend struct LibraryLoader;
  Library() = default;
  PluginDescriptor descriptor_;
  std::string subject_;  // for messages: `plugin "x" (x.so)`
  const heddle_entry* entry_ = nullptr;
  std::unique_ptr<HostTable> host_;  // for init and deinit
  std::mutex setup_mutex_;
};

}  // namespace heddle
