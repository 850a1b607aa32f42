#include "plugin/note_cache.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <sstream>

#include "plugin/catalog.h"
#include "plugin/elf_for_test.h"

namespace heddle {
namespace {

namespace fs = std::filesystem;

// All that the notes can say.
constexpr const char* kWhole = R"({"node":"Whole","summary":"a summary","aliases":["W","H"],"params":{"type":"object"},"inputs":[{"name":"a","summary":"one"}],)"
                               R"("outputs":[{"name":"b"},{"name":"c","failures":true}],"concurrency":"parallel","lane":"io","max_in_flight":7,"max_batch":9,)"
                               R"("timeout_ms":11,"idempotent":true,"capabilities":{"gpu":true}})";

class NoteCacheTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "notesXXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    file_ = root_ + "/cache/plugins";
    offer("one", kWhole);
    offer("two", R"({"node":"Two","params":{}})");
  }
  void TearDown() override { fs::remove_all(root_); }

  std::string path(const std::string& plugin) const { return root_ + "/" + plugin + ".so"; }
  void offer(const std::string& plugin, const std::string& type) {
    std::ofstream(path(plugin), std::ios::binary) << elf_with_notes({{HEDDLE_NOTE_PLUGIN, plugin_note(plugin)}, {HEDDLE_NOTE_TYPE, type}});
  }
  struct stat status(const std::string& plugin) const {
    struct stat out {};
    EXPECT_EQ(::stat(path(plugin).c_str(), &out), 0);
    return out;
  }
  NoteCache::Places places() const { return {{file_}, file_}; }
  // As a program does when it starts: the types that there are, in the order of the files.
  std::string types() {
    NoteCache cache(places());
    const Catalog catalog = Catalog::scan({root_}, nullptr, &cache);
    EXPECT_TRUE(cache.save());
    std::string out;
    for (const auto& plugin : catalog.plugins())
      for (const TypeDescriptor& type : plugin->types) out += type.type + " ";
    for (const RefusedPlugin& one : catalog.refused()) out += "refused: " + one.why.text();
    return out;
  }
  bool knows(const std::string& plugin) { return NoteCache(places()).find(path(plugin), status(plugin)).has_value(); }
  std::string content() const {
    std::ostringstream out;
    out << std::ifstream(file_, std::ios::binary).rdbuf();
    return out.str();
  }
  void put(const std::string& text) { std::ofstream(file_, std::ios::binary) << text; }

  std::string root_, file_;
};

TEST_F(NoteCacheTest, GivesWhatTheFileSaid) {
  NoteCache cache(places());
  const Catalog read = Catalog::scan({root_}, nullptr, &cache);
  ASSERT_TRUE(cache.save());
  const auto kept = NoteCache(places()).find(path("one"), status("one"));
  ASSERT_TRUE(kept);
  const PluginDescriptor& wanted = *read.find("node", "Whole").plugin;
  EXPECT_EQ(kept->path, wanted.path);
  EXPECT_EQ(kept->name, wanted.name);
  EXPECT_EQ(kept->version, wanted.version);
  EXPECT_EQ(kept->abi_major, wanted.abi_major);
  EXPECT_EQ(kept->abi_minor, wanted.abi_minor);
  ASSERT_EQ(kept->types.size(), 1u);
  const TypeDescriptor &a = kept->types[0], &b = wanted.types[0];
  EXPECT_EQ(a.type, "Whole");
  EXPECT_EQ(a.aliases, b.aliases);
  EXPECT_EQ(a.params_schema, b.params_schema);
  ASSERT_EQ(a.outputs.size(), 2u);
  EXPECT_EQ(a.outputs[1].name, "c");
  EXPECT_TRUE(a.outputs[1].failures);
  EXPECT_EQ(a.inputs[0].summary, "one");
  EXPECT_EQ(a.concurrency, Concurrency::kParallel);
  EXPECT_EQ(a.lane, b.lane);
  EXPECT_EQ(a.max_in_flight, 7u);
  EXPECT_EQ(a.max_batch, 9u);
  EXPECT_EQ(a.timeout_ms, 11u);
  EXPECT_TRUE(a.idempotent);
  EXPECT_EQ(a.capabilities, b.capabilities);
  EXPECT_EQ(a.text, kWhole);
}

TEST_F(NoteCacheTest, AFileThatChangedIsReadAgain) {
  EXPECT_EQ(types(), "Whole Two ");
  EXPECT_TRUE(knows("two"));
  offer("two", R"({"node":"Tow","params":{}})");  // as long as before
  EXPECT_FALSE(knows("two"));
  EXPECT_EQ(types(), "Whole Tow ");
  EXPECT_TRUE(knows("two"));
}

TEST_F(NoteCacheTest, WhatIsNotWholeIsAsIfItWereNotThere) {
  types();
  const std::string whole = content();
  ASSERT_GT(whole.size(), 100u);
  for (size_t i = 0; i < whole.size(); i += 7) {
    std::string wrong = whole;
    wrong[i] = static_cast<char>(wrong[i] ^ 0x20);
    put(wrong);
    EXPECT_FALSE(knows("one")) << "byte " << i;
  }
  for (size_t size = 0; size < whole.size(); size += 7) {
    put(whole.substr(0, size));
    EXPECT_FALSE(knows("one")) << size << " bytes";
  }
  put("no cache at all");
  EXPECT_EQ(types(), "Whole Two ");
  EXPECT_EQ(content(), whole) << "it is written anew";
}

TEST_F(NoteCacheTest, WhatOthersCouldHaveWrittenIsNotUsed) {
  types();
  EXPECT_TRUE(knows("one"));
  ASSERT_EQ(::chmod(file_.c_str(), 0646), 0);
  EXPECT_FALSE(knows("one"));
}

TEST_F(NoteCacheTest, WhatIsGoneIsForgotten) {
  types();
  const std::string both = content();
  fs::remove(path("one"));
  offer("three", R"({"node":"Three","params":{}})");
  EXPECT_EQ(types(), "Three Two ");
  EXPECT_LT(content().size(), both.size()) << "a plugin with many words is gone, one with few has come";
}

TEST_F(NoteCacheTest, AProgramThatFindsNothingNewWritesNothing) {
  types();
  fs::remove(file_);
  NoteCache cache(places());
  EXPECT_TRUE(cache.save());
  EXPECT_FALSE(fs::exists(file_));
}

TEST_F(NoteCacheTest, WhereItCannotBeWrittenPluginsAreFoundAllTheSame) {
  NoteCache cache({{"/proc/none/plugins"}, "/proc/none/plugins"});
  EXPECT_EQ(Catalog::scan({root_}, nullptr, &cache).plugins().size(), 2u);
  EXPECT_FALSE(cache.save());
}

}  // namespace
}  // namespace heddle
