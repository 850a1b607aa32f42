#include "plugin/note.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <random>

#include "plugin/elf_for_test.h"

namespace heddle {
namespace {

Result<PluginDescriptor> read_type_note(const std::string& descriptor) {
  return read_note(elf_with_notes({{HEDDLE_NOTE_PLUGIN, plugin_note("p")}, {HEDDLE_NOTE_TYPE, descriptor}}), "p.so");
}

TEST(Note, ReadsARealPluginWithoutLoadingIt) {
  auto plugin = read_note(broken_plugin("aborts_in_constructor"));
  ASSERT_TRUE(plugin) << plugin.error().text();
  EXPECT_EQ(plugin->name, "broken_aborts_in_constructor");
  EXPECT_EQ(plugin->version, "1.0.0");
  EXPECT_EQ(plugin->abi_major, HEDDLE_ABI_MAJOR);
  ASSERT_EQ(plugin->types.size(), 1u);
  EXPECT_EQ(plugin->types[0].type, "BrokenAbort");
}

TEST(Note, FillsTheDefaultsOfADescriptor) {
  auto plugin = read_type_note(R"({"node":"T","params":{"type":"object"}})");
  ASSERT_TRUE(plugin) << plugin.error().text();
  const TypeDescriptor& t = plugin->types.at(0);
  EXPECT_EQ(t.kind, "node");
  EXPECT_EQ(t.params_schema, R"({"type":"object"})");
  ASSERT_EQ(t.inputs.size(), 1u);
  EXPECT_EQ(t.inputs[0].name, "in");
  ASSERT_EQ(t.outputs.size(), 1u);
  EXPECT_EQ(t.outputs[0].name, "out");
  EXPECT_EQ(t.concurrency, Concurrency::kSerial);
  EXPECT_EQ(t.lane, LaneClass::kCpu);
  EXPECT_EQ(t.max_in_flight, 0u);
  EXPECT_EQ(t.max_batch, 64u);
  EXPECT_EQ(t.timeout_ms, 0u);
  EXPECT_FALSE(t.idempotent);
  EXPECT_FALSE(t.stateless);
  EXPECT_EQ(t.text, R"({"node":"T","params":{"type":"object"}})");
}

TEST(Note, ReadsEveryMemberOfADescriptorAndIgnoresUnknownOnes) {
  auto plugin = read_type_note(
      R"({"node":"T","summary":"s","aliases":["U","V"],"params":{},"inputs":[],"outputs":[{"name":"a","summary":"b"},{"name":"c","failures":true}],)"
      R"("output_ports_from":["/cases/-/port"],"concurrency":"keyed","lane":"device","max_in_flight":7,"max_batch":1,"timeout_ms":5000000000,)"
      R"("idempotent":true,"create_is_pure":true,"stateless":true,"policy":"own","capabilities":{"gpu":1},"from_the_future":[{}]})");
  ASSERT_TRUE(plugin) << plugin.error().text();
  const TypeDescriptor& t = plugin->types.at(0);
  EXPECT_EQ(t.summary, "s");
  EXPECT_EQ(t.aliases, (std::vector<std::string>{"U", "V"}));
  EXPECT_TRUE(t.inputs.empty());
  ASSERT_EQ(t.outputs.size(), 2u);
  EXPECT_EQ(t.outputs[0].summary, "b");
  EXPECT_EQ(t.outputs[1].name, "c");
  EXPECT_FALSE(t.outputs[0].failures);
  EXPECT_TRUE(t.outputs[1].failures);
  EXPECT_EQ(t.output_ports_from, std::vector<std::string>{"/cases/-/port"});
  EXPECT_EQ(t.concurrency, Concurrency::kKeyed);
  EXPECT_EQ(t.lane, LaneClass::kDevice);
  EXPECT_EQ(t.max_in_flight, 7u);
  EXPECT_EQ(t.max_batch, 1u);
  EXPECT_EQ(t.timeout_ms, 5'000'000'000u);
  EXPECT_TRUE(t.idempotent);
  EXPECT_TRUE(t.create_is_pure);
  EXPECT_TRUE(t.stateless);
  EXPECT_TRUE(t.own_policy);
  EXPECT_EQ(t.capabilities, R"({"gpu":1})");
}

TEST(Note, AWrongMemberIsNamed) {
  const std::pair<std::string, std::string> cases[] = {
      {R"({"node":"T"})", R"("params" is missing)"},
      {R"({"node":"T","params":"none"})", R"("params" must be an object)"},
      {R"({"node":7,"params":{}})", R"("node" must be a text)"},
      {R"({"node":"","params":{}})", R"("node" must have 1 to 128 bytes)"},
      {R"({"node":"a b","params":{}})", R"("node" must have)"},
      {R"({"nod":"T","params":{}})", "names no kind"},
      {R"({"node":"T","params":{},"aliases":"U"})", R"("aliases" must be a list of texts)"},
      {R"({"node":"T","params":{},"aliases":["U",1]})", R"("aliases"[1] must be a text)"},
      {R"({"node":"T","params":{},"inputs":[1]})", R"("inputs"[0] must be an object)"},
      {R"({"node":"T","params":{},"outputs":[{"summary":"x"}]})", R"("name" is missing)"},
      {R"({"node":"T","params":{},"outputs":[{"name":"a"},{"name":"a"}]})", R"(the port "a" twice)"},
      {R"({"node":"T","params":{},"outputs":[{"name":"error"}]})", R"("error" is the host's port)"},
      {R"({"node":"T","params":{},"concurrency":"wild"})", R"("concurrency" has the unknown value "wild")"},
      {R"({"node":"T","params":{},"lane":3})", R"("lane" must be a text)"},
      {R"({"node":"T","params":{},"max_batch":0})", R"("max_batch" is 0)"},
      {R"({"node":"T","params":{},"max_in_flight":-1})", R"("max_in_flight" is -1)"},
      {R"({"node":"T","params":{},"max_in_flight":4294967296})", R"("max_in_flight" is 4294967296)"},
      {R"({"node":"T","params":{},"timeout_ms":1.5})", R"("timeout_ms" must be a whole number)"},
      {R"({"node":"T","params":{},"idempotent":"yes"})", R"("idempotent" must be true or false)"},
      {R"({"node":"T","params":{},"capabilities":[]})", R"("capabilities" must be an object)"},
      {R"({"node":"T","params":{},"output_ports_from":["cases"]})", "is no JSON Pointer"},
      {R"(["node"])", "must be an object"},
      {R"({"node":"T","params":{})", "not JSON"},
      {R"({"node":"T","params":)" + std::string(100, '[') + std::string(100, ']') + "}", "nested deeper than 64"},
  };
  for (const auto& [descriptor, complaint] : cases) {
    auto plugin = read_type_note(descriptor);
    ASSERT_FALSE(plugin) << descriptor;
    EXPECT_EQ(plugin.error().code, "bad-note");
    EXPECT_NE(plugin.error().text().find(complaint), std::string::npos) << plugin.error().text() << "\nfor " << descriptor;
    EXPECT_TRUE(plugin.error().message.starts_with("p.so: ")) << plugin.error().message;
  }
}

TEST(Note, AWrongMemberOfThePluginsNoteIsNamed) {
  const std::pair<std::string, std::string> cases[] = {
      {R"({"version":"1","abi":[1,0]})", R"("plugin" is missing)"},
      {R"({"plugin":"p","abi":[1,0]})", R"("version" is missing)"},
      {R"({"plugin":"p","version":"1"})", R"("abi" is missing)"},
      {R"({"plugin":"p","version":"1","abi":1})", R"("abi" must be a list)"},
      {R"({"plugin":"p","version":"1","abi":[1]})", R"("abi" must be a list of two)"},
      {R"({"plugin":"p","version":"1","abi":[1,-1]})", R"("abi" must be a list of two)"},
      {R"({"plugin":"p","version":"1","abi":[1,0],"license":{}})", R"("license" must be a text)"},
  };
  for (const auto& [note, complaint] : cases) {
    auto plugin = read_note(elf_with_notes({{HEDDLE_NOTE_PLUGIN, note}}), "p.so");
    ASSERT_FALSE(plugin) << note;
    EXPECT_EQ(plugin.error().code, "bad-note");
    EXPECT_NE(plugin.error().text().find(complaint), std::string::npos) << plugin.error().text();
  }
}

TEST(Note, OfAnotherMajorOrANewerMinorIsReadButNotItsTypes) {
  for (const char* abi : {"[2,0]", "[1,4000]"}) {
    auto plugin = read_note(elf_with_notes({{HEDDLE_NOTE_PLUGIN, plugin_note("p", abi)}, {HEDDLE_NOTE_TYPE, "of another form"}}), "p.so");
    ASSERT_TRUE(plugin) << plugin.error().text();
    EXPECT_EQ(plugin->name, "p");
    EXPECT_TRUE(plugin->types.empty());
  }
}

TEST(Note, UnknownRecordTypesAndOtherOwnersArePassedOver) {
  std::string segment = note_segment({{HEDDLE_NOTE_PLUGIN, plugin_note("p")}, {77, "of a later minor"}});
  const uint32_t other[] = {4, 4, 3, 0x00554e47, 0x12345678};  // owner "GNU"
  segment.append(reinterpret_cast<const char*>(other), sizeof other);
  segment += note_segment({{HEDDLE_NOTE_TYPE, R"({"node":"T","params":{}})"}});
  auto plugin = read_note(elf_with_segment(bytes_of(broken_plugin("hangs")), segment), "p.so");
  ASSERT_TRUE(plugin) << plugin.error().text();
  EXPECT_EQ(plugin->types.size(), 1u);
}

TEST(Note, PaddingBetweenRecordsIsPassedOver) {
  for (const size_t words : {1u, 2u, 3u, 7u}) {
    const std::string segment = note_segment({{HEDDLE_NOTE_PLUGIN, plugin_note("p")}}) + std::string(4 * words, '\0') +
                                note_segment({{HEDDLE_NOTE_TYPE, R"({"node":"T","params":{}})"}}) + std::string(4 * words, '\0');
    auto plugin = read_note(elf_with_segment(bytes_of(broken_plugin("hangs")), segment), "p.so");
    ASSERT_TRUE(plugin) << plugin.error().text();
    EXPECT_EQ(plugin->types.size(), 1u);
  }
}

TEST(Note, RecordsThatContradictEachOtherAreRefused) {
  const std::string type = R"({"node":"T","params":{}})";
  const NoteTexts cases[] = {
      {{HEDDLE_NOTE_TYPE, type}},
      {{HEDDLE_NOTE_PLUGIN, plugin_note("p")}, {HEDDLE_NOTE_PLUGIN, plugin_note("q")}},
      {{HEDDLE_NOTE_PLUGIN, plugin_note("p")}, {HEDDLE_NOTE_TYPE, type}, {HEDDLE_NOTE_TYPE, type}},
  };
  for (const NoteTexts& notes : cases) {
    auto plugin = read_note(elf_with_notes(notes), "p.so");
    ASSERT_FALSE(plugin);
    EXPECT_EQ(plugin.error().code, "bad-note");
  }
}

TEST(Note, SizesThatLieAreRefused) {
  const std::string good = note_segment({{HEDDLE_NOTE_PLUGIN, plugin_note("p")}});
  for (const size_t field : {0u, 4u}) {
    for (const uint32_t lie : {0xffffffffu, 0x7fffffffu, 0x1000u}) {
      std::string segment = good;
      std::memcpy(segment.data() + field, &lie, sizeof lie);
      auto plugin = read_note(elf_with_segment(bytes_of(broken_plugin("hangs")), segment), "p.so");
      ASSERT_FALSE(plugin);
      EXPECT_EQ(plugin.error().code, "bad-note") << plugin.error().text();
    }
  }
}

TEST(Note, WhatIsNoPluginIsSaidToBeNone) {
  EXPECT_EQ(read_note(broken_plugin("no_note")).error().code, "no-note");
  EXPECT_EQ(read_note(broken_plugin("text_file")).error().code, "not-elf");
  EXPECT_EQ(read_note(broken_plugin("params_no_object")).error().code, "bad-note");
  EXPECT_EQ(read_note(broken_plugin("absent")).error().code, "cannot-read");
  EXPECT_EQ(read_note("/proc/self/exe").error().code == "no-note" || read_note("/proc/self/exe").error().code == "not-elf", true);
  EXPECT_EQ(read_note("/").error().code, "not-elf");
  EXPECT_EQ(read_note(std::string_view(), "empty").error().code, "not-elf");
}

TEST(Note, AFifoStopsNobody) {
  const std::string path = testing::TempDir() + "note_fifo.so";
  ::unlink(path.c_str());
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(read_note(path).error().code, "not-elf");
  ::unlink(path.c_str());
}

TEST(Note, AnotherMachinesLibraryIsNamedSo) {
  std::string elf = elf_with_notes({{HEDDLE_NOTE_PLUGIN, plugin_note("p")}});
  elf[18] ^= 0x40;  // e_machine
  EXPECT_EQ(read_note(elf, "p.so").error().code, "wrong-machine");
}

TEST(Note, NoTruncationOfARealPluginIsReadWrongly) {
  const std::string whole = bytes_of(broken_plugin("hangs"));
  for (size_t length = 0; length < whole.size(); length += length < 4096 ? 1 : 97) {
    // A copy of exactly that length: a read past its end is seen by the sanitizers.
    const std::vector<char> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
    auto plugin = read_note(std::string_view(cut.data(), cut.size()), "cut");
    if (plugin) {
      EXPECT_EQ(plugin->name, "broken_hangs");
    }
  }
}

TEST(Note, RandomDamageNeverCrashes) {
  const std::string whole = bytes_of(broken_plugin("hangs"));
  const size_t note_at = whole.find("{\"plugin\"");
  ASSERT_NE(note_at, std::string::npos);
  std::mt19937 random(20240607);
  const auto below = [&](size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random); };
  for (int round = 0; round < 4000; ++round) {
    std::string damaged = whole;
    for (size_t hits = 1 + below(6); hits > 0; --hits) {
      const size_t region = below(3);
      const size_t at = region == 0 ? below(1024) : region == 1 ? note_at - 20 + below(400) : damaged.size() - 1 - below(4096);
      damaged[at] = static_cast<char>(below(256));
    }
    auto plugin = read_note(damaged, "damaged");
    if (!plugin) {
      EXPECT_FALSE(plugin.error().code.empty());
    }
  }
}

}  // namespace
}  // namespace heddle
