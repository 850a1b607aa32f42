// The plugins found, by kind and type name. Built from notes: no plugin code runs.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/descriptor.h"
#include "result.h"

namespace heddle {

struct CatalogEntry {
  const PluginDescriptor* plugin = nullptr;
  const TypeDescriptor* type = nullptr;
};

struct RefusedPlugin {
  std::string path;
  Error why;  // no note, another ABI major, minor too new, a name that an earlier directory already offers
};

class Catalog {
 public:
  // Reads every *.so of the directories, in order; the first plugin of a name wins. A directory that does not exist is passed over.
  static Catalog scan(const std::vector<std::string>& directories);

  // Null members if no plugin has the type. Aliases are followed.
  CatalogEntry find(std::string_view kind, std::string_view type) const;
  // The closest type name to a misspelt one, or empty.
  std::string suggest(std::string_view kind, std::string_view type) const;
  // The Debian package known to ship a type that is not installed, or empty: from a table of our own plugins.
  static std::string package_of(std::string_view kind, std::string_view type);

  const std::vector<std::unique_ptr<PluginDescriptor>>& plugins() const { return plugins_; }
  const std::vector<RefusedPlugin>& refused() const { return refused_; }

 private:
  std::vector<std::unique_ptr<PluginDescriptor>> plugins_;
  std::vector<RefusedPlugin> refused_;
};

// HEDDLE_PLUGIN_PATH (colon-separated), then `extra` (--plugin-dir), then ~/.local/lib/heddle/1, /usr/local/lib/heddle/1,
// /usr/lib/<triplet>/heddle/1, and the plugins folder of the build tree where the program runs from one.
std::vector<std::string> plugin_search_path(const std::vector<std::string>& extra);

}  // namespace heddle
