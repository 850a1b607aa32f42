// Our own plugins, as the host finds and loads them: through the door that strangers use.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <vector>

#include "plugin/catalog.h"
#include "plugin/library.h"

namespace heddle {
namespace {

// Does not return.
void load_all(const std::vector<const PluginDescriptor*>& plugins) {
  for (const PluginDescriptor* const plugin : plugins) {
    if (const auto library = Library::load(*plugin); !library) std::cerr << library.error().text() << "\n", std::_Exit(1);
  }
  Library::deinit_all();
  std::exit(0);
}

TEST(OurPlugins, AreAllAcceptedByTheCatalog) {
  const Catalog catalog = Catalog::scan({HEDDLE_OUR_PLUGINS});
  EXPECT_FALSE(catalog.plugins().empty());
  for (const RefusedPlugin& refused : catalog.refused()) ADD_FAILURE() << refused.why.text();
}

TEST(OurPlugins, AreKnownWithTheirPackageWhereTheyAreNotInstalled) {
  const Catalog catalog = Catalog::scan({HEDDLE_OUR_PLUGINS});
  for (const auto& plugin : catalog.plugins())
    for (const TypeDescriptor& type : plugin->types)
      EXPECT_EQ(Catalog::package_of(type.kind, type.type), plugin->package) << type.type << " of " << plugin->name;
}

// Two of them that register the same .proto file with one protobuf would abort the process.
TEST(OurPlugins, LoadIntoOneProcessInManyOrders) {
  const Catalog catalog = Catalog::scan({HEDDLE_OUR_PLUGINS});
  std::vector<const PluginDescriptor*> plugins;
  for (const auto& plugin : catalog.plugins()) plugins.push_back(plugin.get());
  // Whatever is loaded first, and both ways round: each order in a process of its own, for nothing is ever unloaded.
  for (size_t first = 0; first < plugins.size(); ++first) {
    std::rotate(plugins.begin(), plugins.begin() + 1, plugins.end());
    EXPECT_EXIT(load_all(plugins), testing::ExitedWithCode(0), "");
    EXPECT_EXIT(load_all({plugins.rbegin(), plugins.rend()}), testing::ExitedWithCode(0), "");
  }
}

}  // namespace
}  // namespace heddle
