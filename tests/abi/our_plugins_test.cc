// Our own plugins, as the host finds and loads them: through the door that strangers use.
#include <gtest/gtest.h>

#include "plugin/catalog.h"
#include "plugin/library.h"

namespace heddle {
namespace {

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

TEST(OurPlugins, LoadIntoOneProcessInEitherOrder) {
  const Catalog catalog = Catalog::scan({HEDDLE_OUR_PLUGINS});
  const auto load = [](const PluginDescriptor& plugin) {
    auto library = Library::load(plugin);
    EXPECT_TRUE(library) << library.error().text();
  };
  const auto& plugins = catalog.plugins();
  // Each order in a process of its own, for nothing is ever unloaded.
  EXPECT_EXIT(
      {
        for (auto it = plugins.begin(); it != plugins.end(); ++it) load(**it);
        Library::deinit_all();
        std::exit(testing::Test::HasFailure() ? 1 : 0);
      },
      testing::ExitedWithCode(0), "");
  EXPECT_EXIT(
      {
        for (auto it = plugins.rbegin(); it != plugins.rend(); ++it) load(**it);
        Library::deinit_all();
        std::exit(testing::Test::HasFailure() ? 1 : 0);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace heddle
