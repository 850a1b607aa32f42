#include "plugin/store_handle.h"

#include <gtest/gtest.h>

#include "log.h"
#include "plugin/elf_for_test.h"
#include "plugin/note.h"

namespace heddle {
namespace {

// The store that breaks the rules, and what was logged of it.
class StoreHandleTest : public testing::Test {
 protected:
  StoreHandleTest() {
    log::set_sink([](void* to, const log::Line& line) { static_cast<std::vector<std::string>*>(to)->push_back(log::text_of(line)); }, &lines);
    auto note = read_note(broken_plugin("store_answers_wrongly"));
    EXPECT_TRUE(note) << note.error().text();
    plugin = *note;
    auto made = StoreHandle::create({&plugin, &plugin.types.at(0)}, "kept", *Value::parse("{}"), nullptr, LaneId{0});
    EXPECT_TRUE(made) << made.error().text();
    store = std::move(*made);
    EXPECT_TRUE(store->activate());
  }
  ~StoreHandleTest() override { log::set_sink(nullptr, nullptr); }
  void expect_last_line(const std::string& rule) {
    ASSERT_FALSE(lines.empty());
    EXPECT_NE(lines.back().find("broken_store_answers_wrongly broke the contract: it " + rule), std::string::npos) << lines.back();
  }

  std::vector<std::string> lines;
  PluginDescriptor plugin;
  std::unique_ptr<StoreHandle> store;
};

TEST_F(StoreHandleTest, ASecondCompletionIsAFaultAndIsNotHeard) {
  int answers = 0;
  store->commit({}, [&](Result<Value> outcome) { answers += outcome.has_value(); });
  EXPECT_EQ(answers, 1);
  EXPECT_EQ(store->faults(), 1u);
  expect_last_line("completed an operation twice");
  EXPECT_TRUE(store->deactivate());
}

TEST_F(StoreHandleTest, ALateCompletionIsAFaultAndDoesNotAnswerAnother) {
  int first = 0, second = 0;
  store->get("a", [&](Result<Value>) { ++first; });
  store->get("b", [&](Result<Value>) { ++second; });
  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, 1);
  EXPECT_EQ(store->faults(), 1u);
  EXPECT_TRUE(store->deactivate());
}

TEST_F(StoreHandleTest, AMissingCompletionIsAFaultAndIsAnsweredAtTheEnd) {
  Error why;
  store->scan({}, [&](Result<Value> outcome) { why = outcome.error(); });
  EXPECT_EQ(store->faults(), 0u);
  EXPECT_TRUE(store->deactivate());
  EXPECT_EQ(why.code, "internal");
  EXPECT_EQ(why.message, "the plugin never answered");
  EXPECT_EQ(store->faults(), 1u);
  expect_last_line("was deactivated without completing an operation");
}

TEST_F(StoreHandleTest, AnswersMayAskAgain) {
  int depth = 0;
  std::function<void()> again = [&] {
    if (++depth < 5) store->get("k", [&](Result<Value>) { again(); });
  };
  again();
  EXPECT_EQ(depth, 5);
  EXPECT_TRUE(store->deactivate());
}

TEST_F(StoreHandleTest, HasNoQueueWhereTheTypeHasNone) {
  EXPECT_FALSE(store->has_queue());
  EXPECT_TRUE(store->deactivate());
}

TEST(StoreHandle, RefusesAPluginWithoutStores) {
  auto note = read_note(broken_plugin("sound"));
  ASSERT_TRUE(note);
  auto made = StoreHandle::create({&*note, &note->types.at(0)}, "kept", *Value::parse("{}"), nullptr, LaneId{0});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, "create-failed");
  EXPECT_NE(made.error().message.find("has no factory for stores"), std::string::npos) << made.error().text();
}

TEST(StoreThatDoesNotOpen, IsGivenUpAndNamed) {
  Lanes lanes(1);
  const auto expect = [](const char* file, Lanes* with, const std::string& why) {
    const auto plugin = read_note(broken_plugin(file));
    ASSERT_TRUE(plugin) << plugin.error().text();
    const auto made = StoreHandle::create({&*plugin, &plugin->types.at(0)}, "kept", *Value::parse("{}"), with, LaneId{0});
    ASSERT_TRUE(made) << made.error().text();
    const auto opened = (*made)->activate(30);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, "timeout");
    EXPECT_EQ(opened.error().text(), "store \"kept\" (" + plugin->types.at(0).type + " of plugin " + plugin->name + ") is given up: its activate " + why + " within 30 ms");
  };
  expect("store_never_opens", nullptr, "gave no answer");
  expect("store_never_opens", &lanes, "gave no answer");
  expect("store_hangs", &lanes, "did not return");
  expect("store_never_opens", &lanes, "gave no answer");  // another worker has taken the place
}

}  // namespace
}  // namespace heddle
