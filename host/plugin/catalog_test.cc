#include "plugin/catalog.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "plugin/elf_for_test.h"

namespace heddle {
namespace {

namespace fs = std::filesystem;

class CatalogTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "catalogXXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override { fs::remove_all(root_); }

  std::string folder(const std::string& name) {
    fs::create_directories(root_ / name);
    return (root_ / name).string();
  }
  void offer(const std::string& path, const std::string& plugin, const std::vector<std::string>& descriptors) {
    NoteTexts notes = {{HEDDLE_NOTE_PLUGIN, plugin_note(plugin)}};
    for (const std::string& d : descriptors) notes.emplace_back(HEDDLE_NOTE_TYPE, d);
    std::ofstream(root_ / path, std::ios::binary) << elf_with_notes(notes);
  }
  static std::string node(const std::string& type, const std::string& aliases = "") {
    return R"({"node":")" + type + R"(","params":{},"aliases":[)" + aliases + "]}";
  }
  static const RefusedPlugin* refused(const Catalog& catalog, const std::string& file) {
    for (const RefusedPlugin& r : catalog.refused())
      if (fs::path(r.path).filename() == file) return &r;
    return nullptr;
  }
  static std::string code(const Catalog& catalog, const std::string& file) {
    const RefusedPlugin* r = refused(catalog, file);
    return r ? r->why.code : "not refused";
  }

  fs::path root_;
};

TEST_F(CatalogTest, HintsAtPackagesNamesAndRefusedFiles) {
  const Catalog empty = Catalog::scan({});
  EXPECT_EQ(empty.hint_for("node", "EchoNode"), "it is in the package heddle-plugins-base: apt install heddle-plugins-base");
  EXPECT_EQ(empty.hint_for("node", "ReadCvs"),
            "did you mean \"ReadCsv\"? it is in the package heddle-plugins-base: apt install heddle-plugins-base");
  EXPECT_EQ(empty.hint_for("chain", "evm"), "it is in the package heddle-plugin-evm: apt install heddle-plugin-evm");
  EXPECT_EQ(empty.hint_for("chain", "Filter"), "heddle inspect lists the types that are installed");
  const std::string bad = folder("bad");
  std::ofstream(bad + "/text.so") << "no plugin";
  EXPECT_NE(Catalog::scan({bad}).hint_for("node", "Xylophone").find("a plugin file was refused: " + bad + "/text.so: "), std::string::npos);
}

TEST_F(CatalogTest, ListsBrokenPluginsWithoutRunningTheirCode) {
  const Catalog catalog = Catalog::scan({HEDDLE_BROKEN_PLUGINS});
  EXPECT_NE(catalog.find("node", "BrokenAbort").type, nullptr);
  EXPECT_EQ(code(catalog, "no_note.so"), "no-note");
  EXPECT_EQ(code(catalog, "text_file.so"), "not-elf");
  EXPECT_EQ(code(catalog, "params_no_object.so"), "bad-note");
  EXPECT_EQ(code(catalog, "other_major.so"), "wrong-major");
  EXPECT_EQ(code(catalog, "minor_too_new.so"), "minor-too-new");
  EXPECT_EQ(catalog.refused().size(), 5u);
}

TEST_F(CatalogTest, ARefusalNamesBothNumbers) {
  const Catalog catalog = Catalog::scan({HEDDLE_BROKEN_PLUGINS});
  ASSERT_NE(refused(catalog, "other_major.so"), nullptr);
  const std::string major = refused(catalog, "other_major.so")->why.message;
  EXPECT_NE(major.find("ABI major 2, this host has major 1"), std::string::npos) << major;
  const std::string minor = refused(catalog, "minor_too_new.so")->why.message;
  EXPECT_NE(minor.find("ABI minor 4000, this host has minor 0"), std::string::npos) << minor;
}

TEST_F(CatalogTest, TheFirstPluginOfANameWins) {
  const auto first = folder("first"), second = folder("second");
  offer("second/p.so", "p", {node("New")});
  offer("first/p.so", "p", {node("Old")});
  const Catalog catalog = Catalog::scan({first, second});
  EXPECT_NE(catalog.find("node", "Old").type, nullptr);
  EXPECT_EQ(catalog.find("node", "New").type, nullptr);
  ASSERT_EQ(catalog.refused().size(), 1u);
  EXPECT_EQ(catalog.refused()[0].why.code, "name-taken");
  EXPECT_EQ(catalog.refused()[0].path, second + "/p.so");
}

TEST_F(CatalogTest, FilesOfAFolderCountByName) {
  const auto here = folder("here");
  offer("here/b.so", "b", {node("T")});
  offer("here/a.so", "a", {node("T")});
  offer("here/c.so.1", "c", {node("U")});
  const Catalog catalog = Catalog::scan({here});
  EXPECT_EQ(catalog.find("node", "T").plugin->name, "a");
  EXPECT_EQ(catalog.find("node", "U").type, nullptr);
}

TEST_F(CatalogTest, ATypeThatIsOfferedTwiceIsRefusedButThePluginStays) {
  const auto here = folder("here");
  offer("here/a.so", "a", {node("T")});
  offer("here/b.so", "b", {node("T"), node("Other")});
  const Catalog catalog = Catalog::scan({here});
  EXPECT_EQ(catalog.find("node", "T").plugin->name, "a");
  EXPECT_EQ(catalog.find("node", "Other").plugin->name, "b");
  EXPECT_EQ(code(catalog, "b.so"), "type-taken");
  EXPECT_EQ(catalog.plugins().size(), 2u);
}

TEST_F(CatalogTest, AliasesAreFollowedAndHideNoName) {
  const auto here = folder("here");
  offer("here/a.so", "a", {node("T", R"("U","Mine","Mine")")});
  offer("here/b.so", "b", {node("U")});
  const Catalog catalog = Catalog::scan({here});
  EXPECT_EQ(catalog.find("node", "Mine").type->type, "T");
  EXPECT_EQ(catalog.find("node", "U").plugin->name, "b");
  EXPECT_EQ(catalog.find("chain", "T").type, nullptr);
  EXPECT_EQ(code(catalog, "a.so"), "alias-taken");
  EXPECT_EQ(catalog.refused().size(), 1u);
}

TEST_F(CatalogTest, AFileThatIsReachedTwiceCountsOnce) {
  const auto here = folder("here"), there = folder("there");
  offer("here/a.so", "a", {node("T")});
  fs::create_symlink(root_ / "here/a.so", root_ / "there/link.so");
  const Catalog catalog = Catalog::scan({here, there, here + "/."});
  EXPECT_EQ(catalog.plugins().size(), 1u);
  EXPECT_TRUE(catalog.refused().empty());
}

TEST_F(CatalogTest, ASymbolicLinkIsFollowedAndABrokenOneReported) {
  const auto here = folder("here");
  offer("a.so.1.0", "a", {node("T")});
  fs::create_symlink("../a.so.1.0", root_ / "here/a.so");
  fs::create_symlink("nowhere", root_ / "here/b.so");
  const Catalog catalog = Catalog::scan({here, (root_ / "absent").string()});
  EXPECT_NE(catalog.find("node", "T").type, nullptr);
  EXPECT_EQ(code(catalog, "b.so"), "cannot-read");
  EXPECT_EQ(catalog.refused().size(), 1u);
}

TEST_F(CatalogTest, SuggestsTheNearestTypeOfTheKind) {
  const auto here = folder("here");
  offer("here/a.so", "a", {node("Multiply"), node("PassThrough", R"("Identity")")});
  const Catalog catalog = Catalog::scan({here});
  EXPECT_EQ(catalog.suggest("node", "Multipy"), "Multiply");
  EXPECT_EQ(catalog.suggest("node", "passthrough"), "PassThrough");
  EXPECT_EQ(catalog.suggest("node", "Identiti"), "Identity");
  EXPECT_EQ(catalog.suggest("node", "Xylophone"), "");
  EXPECT_EQ(catalog.suggest("chain", "Multipy"), "");
}

TEST_F(CatalogTest, KnowsThePackagesOfOurOwnTypes) {
  EXPECT_EQ(Catalog::package_of("node", "Filter"), "heddle-plugin-jq");
  EXPECT_EQ(Catalog::package_of("node", "PassThrough"), "heddle-plugins-base");
  EXPECT_EQ(Catalog::package_of("node", "Unheard"), "");
  EXPECT_EQ(Catalog::package_of("chain", "Filter"), "");
}

TEST_F(CatalogTest, TheSearchPathKeepsItsOrder) {
  ::setenv("HEDDLE_PLUGIN_PATH", "/one::/two", 1);
  ::setenv("HOME", "/home/somebody", 1);
  const std::vector<std::string> path = plugin_search_path({"/three"});
  const auto position = [&](const std::string& p) { return std::find(path.begin(), path.end(), p) - path.begin(); };
  EXPECT_EQ(path.at(0), "/one");
  EXPECT_EQ(path.at(1), "/two");
  EXPECT_EQ(path.at(2), "/three");
  EXPECT_LT(position("/home/somebody/.local/lib/heddle/1"), position("/usr/local/lib/heddle/1"));
  EXPECT_EQ(path.back().rfind("/usr/lib/", 0), 0u);
  ::unsetenv("HEDDLE_PLUGIN_PATH");
}

}  // namespace
}  // namespace heddle
