#include "plugin/library.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <filesystem>
#include <thread>
#include <vector>

#include "log.h"
#include "plugin/elf_for_test.h"
#include "plugin/note.h"

namespace heddle {
namespace {

PluginDescriptor note_of(const std::string& name) {
  auto plugin = read_note(broken_plugin(name));
  EXPECT_TRUE(plugin) << plugin.error().text();
  return plugin ? *plugin : PluginDescriptor{};
}

// The error of a load that must fail.
Error refusal(const std::string& name) {
  auto library = Library::load(note_of(name));
  EXPECT_FALSE(library) << name;
  return library ? Error() : library.error();
}

TEST(Library, LoadsAPluginOnceAndFindsItsFactory) {
  const PluginDescriptor plugin = note_of("completes_twice");
  auto library = Library::load(plugin);
  ASSERT_TRUE(library) << library.error().text();
  EXPECT_EQ((*library)->descriptor().name, "broken_completes_twice");
  ASSERT_NE((*library)->factory("heddle.node/1"), nullptr);
  EXPECT_EQ((*library)->factory("heddle.node/1")->count(), 1u);
  EXPECT_EQ((*library)->factory("heddle.unheard/1"), nullptr);

  PluginDescriptor other_way = plugin;
  other_way.path = HEDDLE_BROKEN_PLUGINS "/../broken/completes_twice.so";
  auto again = Library::load(other_way);
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, *library);
}

TEST(Library, LoadsFromManyThreadsGiveOneLibrary) {
  const PluginDescriptor plugin = note_of("never_completes");
  std::vector<Library*> got(8);
  {
    std::vector<std::jthread> threads;
    for (Library*& place : got)
      threads.emplace_back([&plugin, &place] {
        auto library = Library::load(plugin);
        place = library ? *library : nullptr;
      });
  }
  ASSERT_NE(got[0], nullptr);
  for (const Library* library : got) EXPECT_EQ(library, got[0]);
}

TEST(Library, ARelativePathIsAFileAndNothingToSearchFor) {
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(HEDDLE_BROKEN_PLUGINS);
  auto plugin = read_note("hangs.so");
  ASSERT_TRUE(plugin);
  auto library = Library::load(*plugin);
  std::filesystem::current_path(before);
  EXPECT_TRUE(library) << library.error().text();
}

TEST(Library, WhatCannotBeOpenedIsSaidWithItsReason) {
  PluginDescriptor plugin = note_of("hangs");
  plugin.path = testing::TempDir() + "absent.so";
  EXPECT_EQ(Library::load(plugin).error().code, "cannot-open");

  // Notes, and nothing that a loader could load.
  plugin.path = testing::TempDir() + "only_notes.so";
  std::ofstream(plugin.path, std::ios::binary) << elf_with_notes({{HEDDLE_NOTE_PLUGIN, plugin_note("broken_hangs")}});
  const Error error = Library::load(plugin).error();
  EXPECT_EQ(error.code, "cannot-open");
  EXPECT_NE(error.message.find("only_notes.so"), std::string::npos) << error.message;
  std::filesystem::remove(plugin.path);
}

TEST(Library, VersionsAreRefusedBeforeAnyCodeRuns) {
  PluginDescriptor plugin = note_of("aborts_in_constructor");  // would end this test
  plugin.abi_minor = HEDDLE_ABI_MINOR + 1;
  EXPECT_EQ(Library::load(plugin).error().code, "minor-too-new");
  plugin.abi_major = 2;
  EXPECT_EQ(Library::load(plugin).error().code, "wrong-major");
}

TEST(Library, AMissingOrForeignEntryIsNamed) {
  EXPECT_EQ(refusal("no_entry").code, "no-entry");
  EXPECT_EQ(refusal("wrong_symbol").code, "no-entry");
  const Error major = refusal("other_major_symbol");
  EXPECT_EQ(major.code, "wrong-major");
  EXPECT_NE(major.message.find("ABI major 2 by its entry symbol, this host has major 1"), std::string::npos) << major.message;
  EXPECT_EQ(refusal("minor_too_new_in_code").code, "minor-too-new");
}

TEST(Library, CodeThatDisagreesWithItsNoteIsNamedWithTheType) {
  const std::pair<std::string, std::string> cases[] = {{"note_lies", "BrokenLiar"},
                                                       {"type_without_note", "BrokenUnnoted"},
                                                       {"note_without_type", "BrokenAbsent"},
                                                       {"type_table_null", "type 0 of 1"}};
  for (const auto& [name, type] : cases) {
    const Error error = refusal(name);
    EXPECT_EQ(error.code, "note-differs");
    EXPECT_NE(error.message.find(type), std::string::npos) << error.message;
    EXPECT_NE(error.message.find("broken_" + name), std::string::npos) << error.message;
  }
}

TEST(Library, AFailedInitGivesItsReasonAndIsNotTriedAgain) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    const Error error = refusal("init_fails");
    EXPECT_EQ(error.code, "init-failed");
    EXPECT_NE(error.text().find("the licence server does not answer"), std::string::npos) << error.text();
  }
}

TEST(Library, APluginThatChangesTheUmaskIsNamedAndTheUmaskRestored) {
  const mode_t before = ::umask(027);
  const Error error = refusal("changes_umask");
  EXPECT_EQ(::umask(before), 027u);
  EXPECT_EQ(error.code, "state-changed");
  EXPECT_NE(error.message.find("the umask"), std::string::npos) << error.message;
}

TEST(Library, WhatAConstructorChangesIsNamedAndRestored) {
  const auto folder = std::filesystem::current_path();
  const Error error = refusal("changes_everything");
  EXPECT_EQ(error.code, "state-changed");
  for (const char* what : {"the handler of signal 10", "the signal mask", "the locale", "the umask", "the working directory"})
    EXPECT_NE(error.message.find(what), std::string::npos) << what << " in: " << error.message;
#if defined(__x86_64__)
  EXPECT_NE(error.message.find("the floating-point mode"), std::string::npos) << error.message;
#endif
  EXPECT_EQ(std::filesystem::current_path(), folder);
  struct sigaction action;
  ::sigaction(SIGUSR1, nullptr, &action);
  EXPECT_EQ(action.sa_handler, SIG_DFL);
  volatile double tiny = 4.9406564584124654e-324;
  EXPECT_GT(tiny * 1.0, 0.0);
}

// The last test of the file: nothing is loaded after it.
TEST(Library, InitAndDeinitAreCalledOnce) {
  std::vector<std::string> lines;
  log::set_sink([](void* context, const log::Line& line) { static_cast<std::vector<std::string>*>(context)->push_back(log::text_of(line)); }, &lines);
  EXPECT_TRUE(Library::load(note_of("sound")));
  EXPECT_TRUE(Library::load(note_of("sound")));
  Library::deinit_all();
  Library::deinit_all();
  log::set_sink(nullptr, nullptr);
  EXPECT_EQ(lines, (std::vector<std::string>{"heddle: error: broken_sound: init", "heddle: error: broken_sound: deinit"}));
}

}  // namespace
}  // namespace heddle
