// The plugins found, by kind and type name. Built from notes: no plugin code runs.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "plugin/descriptor.h"
#include "plugin/policy.h"
#include "result.h"

namespace heddle {

class NoteCache;

struct CatalogEntry {
  const PluginDescriptor* plugin = nullptr;
  const TypeDescriptor* type = nullptr;
};

// A plugin, or a directory of plugins, that is not used at all ("cannot-read", what read_note says, "wrong-major", "minor-too-new",
// "name-taken", "not-trusted"), or a plugin that is used but for one of its types or aliases, which another one offers already ("type-taken",
// "alias-taken").
struct RefusedPlugin {
  std::string path;
  Error why;
  PluginDescriptor plugin = {};  // what it would be; without a name where that is not known
};

// Why this host cannot use a plugin of that ABI ("wrong-major", "minor-too-new"); empty: it can.
std::optional<Error> abi_refusal(const PluginDescriptor& plugin);

// Immutable once made; safe from any thread.
class Catalog {
 public:
  // Reads every *.so of the directories, in order, by file name; the first plugin of a name and the first type of a name win. A directory
  // that does not exist is passed over; a file that is reached twice counts once. `policy`: a daemon's. `cache`: what it knows is not read
  // again, what is read it is told.
  static Catalog scan(const std::vector<std::string>& directories, const PluginPolicy* policy = nullptr, NoteCache* cache = nullptr);
  // The same with the cache that there is for this user, which is brought up to date.
  static Catalog installed(const std::vector<std::string>& directories, const PluginPolicy* policy = nullptr);

  // Null members if no plugin has the type. Aliases are followed; no alias hides a type's own name.
  CatalogEntry find(std::string_view kind, std::string_view type) const;
  // The closest type name to a misspelt one, installed or of our own packages, or empty.
  std::string suggest(std::string_view kind, std::string_view type) const;
  // The Debian package known to ship a type that is not installed, or empty: from a table of our own plugins.
  static std::string package_of(std::string_view kind, std::string_view type);

  // The plugin that has a type (or alias) which no other has, and that is not used; null if there is none.
  const RefusedPlugin* refused_with(std::string_view kind, std::string_view name) const;
  // Whether something was refused because it is not trusted.
  bool distrusts() const;
  // What to do about a type that no plugin has: the package to install, the name that was meant, the plugin files that were refused.
  std::string hint_for(std::string_view kind, std::string_view type) const;

  // `types` of a plugin may hold some that `find` gives to another plugin: see refused().
  const std::vector<std::unique_ptr<PluginDescriptor>>& plugins() const { return plugins_; }
  const std::vector<RefusedPlugin>& refused() const { return refused_; }

 private:
  void add_file(const std::string& path, const PluginPolicy* policy, NoteCache* cache);
  void index_types();
  void index_aliases();

  std::vector<std::unique_ptr<PluginDescriptor>> plugins_;
  std::vector<RefusedPlugin> refused_;
  std::unordered_map<std::string, CatalogEntry> index_;  // "kind/type" and "kind/alias"
};

// The directories of HEDDLE_PLUGIN_PATH, which is separated by colons.
std::vector<std::string> plugin_path_of_environment();

// Where plugins are looked for, in order: HEDDLE_PLUGIN_PATH (colon-separated), `extra` (--plugin-dir), the plugins folder of the build
// tree where the program runs from one, ~/.local/lib/heddle/1, /usr/local/lib/heddle/1, /usr/lib/<triplet>/heddle/1.
std::vector<std::string> plugin_search_path(const std::vector<std::string>& extra);

}  // namespace heddle
