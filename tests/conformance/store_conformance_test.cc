// What heddle/store.h promises of keys, versions, commits and pages.
#include <atomic>
#include <map>
#include <random>
#include <thread>

#include "opened_store.h"

namespace heddle {
namespace {

using Strings = std::vector<std::string>;

class Store : public EveryStore {};
INSTANTIATE_TEST_SUITE_P(Of, Store, testing::Values("Memory", "Sqlite"), [](const auto& one) { return std::string(one.param); });

TEST_P(Store, GivesBackBytesOfAnyContentWithTheirVersion) {
  const std::string key("\0\xff key", 6), value("\0\x80\xff", 3);
  const uint64_t version = store.must(Put{key, value}, Put{"empty", ""});
  EXPECT_EQ(store.seen(key), value + "@" + std::to_string(version));
  EXPECT_EQ(store.seen("empty"), "@" + std::to_string(version));
  EXPECT_EQ(store.seen("absent"), "not-found");
}

TEST_P(Store, GivesVersionsThatGrowAlsoAfterAnErase) {
  const uint64_t first = store.must(Put{"k", "1"});
  const uint64_t second = store.must(Put{"k", "2"});
  store.must(Erase{"k"}, Erase{"never there"});
  EXPECT_EQ(store.seen("k"), "not-found");
  const uint64_t third = store.must(Put{"k", "3"});
  EXPECT_GT(first, 0u);
  EXPECT_LT(first, second);
  EXPECT_LT(second + 1, third);
}

TEST_P(Store, WritesInOrderWithinACommit) {
  store.must(Put{"k", "1"}, Erase{"k"}, Put{"k", "2"}, Put{"gone", "1"}, Erase{"gone"});
  EXPECT_EQ(store.value("k"), "2");
  EXPECT_EQ(store.value("gone"), "not-found");
}

TEST_P(Store, ChecksBeforeItWritesAndThenWritesNothing) {
  const uint64_t version = store.must(Put{"k", "1"});
  store.must(Put{"k", "2"}, Check{"k", version}, Check{"absent", 0});
  auto refused = store.commit(Put{"other", "1"}, Erase{"k"}, Check{"k", version});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "conflict");
  EXPECT_NE(refused.error().message.find("the key \"k\""), std::string::npos) << refused.error().message;
  EXPECT_EQ(refused.error().details, "{\"write\":2,\"version\":" + std::to_string(version + 1) + "}");
  EXPECT_EQ(store.value("other"), "not-found");
  EXPECT_EQ(store.value("k"), "2");
  EXPECT_EQ(store.commit(Check{"k", 0}).error().code, "conflict");
  EXPECT_EQ(store.commit(Check{"absent", 1}).error().code, "conflict");
}

TEST_P(Store, ChecksSeeEveryEarlierCommitDurableOrNot) {
  std::vector<Answer> answers;
  for (int i = 0; i < 200; ++i) answers.push_back(store.start(Check{"once", 0}, Put{"once", std::to_string(i)}));
  int accepted = 0;
  for (size_t i = 0; i < answers.size(); ++i) {
    auto outcome = answers[i].wait();
    accepted += outcome.has_value();
    EXPECT_EQ(outcome.has_value(), i == 0);
  }
  EXPECT_EQ(accepted, 1);
  EXPECT_EQ(store.value("once"), "0");
}

TEST_P(Store, AnswersCommitsInTheOrderOfTheCalls) {
  constexpr int kCommits = 500;
  std::promise<void> all;
  std::vector<uint64_t> numbers;  // by the store's answers, which come one after the other
  for (int i = 0; i < kCommits; ++i) {
    const Put put{"k" + std::to_string(i), "v"};
    const heddle_write write = raw(put);
    store->commit({&write, 1}, [&](Result<Value> outcome) {
      numbers.push_back(outcome ? static_cast<uint64_t>(*outcome->as_int()) : 0);
      if (numbers.size() == kCommits) all.set_value();
    });
  }
  all.get_future().wait();
  for (int i = 1; i < kCommits; ++i) EXPECT_LT(numbers[static_cast<size_t>(i - 1)], numbers[static_cast<size_t>(i)]);
}

TEST_P(Store, AnEmptyCommitIsAnsweredAfterThoseBeforeIt) {
  std::atomic<bool> before{false};
  const Put put{"k", "v"};
  const heddle_write write = raw(put);
  store->commit({&write, 1}, [&](Result<Value>) { before = true; });
  Answer answer;
  bool in_order = false;
  store->commit({}, [&, done = answer.done()](Result<Value> outcome) {
    in_order = before;
    done(std::move(outcome));
  });
  EXPECT_TRUE(answer.wait());
  EXPECT_TRUE(in_order);
}

TEST_P(Store, CountsRightWhenManyThreadsCompareAndSet) {
  constexpr int kThreads = 4, kEach = 50;
  store.must(Put{"n", "0"});
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int done = 0; done < kEach;) {
        auto found = store.get("n");
        ASSERT_TRUE(found);
        const int n = std::stoi(content(found->at(0)));
        auto outcome = store.commit(Check{"n", static_cast<uint64_t>(*found->at(1).as_int())}, Put{"n", std::to_string(n + 1)});
        done += outcome.has_value();
        EXPECT_EQ(outcome ? "conflict" : outcome.error().code, "conflict");
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(store.value("n"), std::to_string(kThreads * kEach));
}

TEST_P(Store, CommitsFromInsideAnAnswer) {
  Answer last;
  const Put first{"a", "1"}, second{"b", "2"};
  const heddle_write one = raw(first), two = raw(second);
  store->commit({&one, 1}, [&](Result<Value>) { store->commit({&two, 1}, last.done()); });
  EXPECT_TRUE(last.wait());
  EXPECT_EQ(store.value("b"), "2");
}

TEST_P(Store, ScansInOrderOfBytes) {
  store.must(Put{"b", "2"}, Put{"a", "1"}, Put{std::string("a\0", 2), "3"}, Put{"\xff", "5"}, Put{"ab", "4"});
  EXPECT_EQ(rows_of(store.scan()), (Strings{"a=1", std::string("a\0=3", 4), "ab=4", "b=2", "\xff=5"}));
  EXPECT_EQ(rows_of(store.scan({.from = "ab"})), (Strings{"ab=4", "b=2", "\xff=5"}));
  EXPECT_EQ(rows_of(store.scan({.from = "a", .until = "ab"})), (Strings{"a=1", std::string("a\0=3", 4)}));
  EXPECT_EQ(rows_of(store.scan({.from = "b", .until = "a"})), Strings());
}

TEST_P(Store, ScansPageByPage) {
  for (int i = 0; i < 25; ++i) store.must(Put{"k" + std::to_string(100 + i), std::string(10, 'v')});
  Strings all;
  std::string from;
  int pages = 0;
  for (bool more = true; more; ++pages) {
    auto page = store.scan({.from = from, .limit = 10});
    ASSERT_TRUE(page);
    more = *page->find("more").as_bool();
    const Value rows = page->find("rows");
    ASSERT_GT(rows.size(), 0u);
    for (const std::string& row : rows_of(page)) all.push_back(row);
    from = content(rows.at(rows.size() - 1).at(0)) + '\0';
    ASSERT_LT(pages, 10);
  }
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(all.size(), 25u);
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
}

TEST_P(Store, BoundsAPageByBytesButGivesOneRowAtLeast) {
  store.must(Put{"a", std::string(100, 'x')}, Put{"b", "y"}, Put{"c", "z"});
  auto page = store.scan({.max_bytes = 10});
  ASSERT_TRUE(page);
  EXPECT_EQ(page->find("rows").size(), 1u);
  EXPECT_TRUE(*page->find("more").as_bool());
  EXPECT_EQ(rows_of(store.scan({.from = "b", .max_bytes = 4})), (Strings{"b=y", "c=z"}));
}

TEST_P(Store, TakesTheLargestAndRefusesWhatIsLarger) {
  const std::string key(HEDDLE_KEY_MAX, 'k'), value(HEDDLE_STORED_MAX, 'v');
  store.must(Put{key, value});
  EXPECT_EQ(store.value(key), value);
  const auto invalid = [&](Result<Value> outcome) { return outcome ? "accepted" : outcome.error().code; };
  EXPECT_EQ(invalid(store.commit(Put{"ok", ""}, Put{key + "k", ""})), "invalid");
  EXPECT_EQ(invalid(store.commit(Put{"ok", ""}, Put{"k", value + "v"})), "invalid");
  EXPECT_EQ(invalid(store.commit(Put{"ok", ""}, Put{"", ""})), "invalid");
  EXPECT_EQ(invalid(store.commit(Put{"ok", value}, Put{"k", value})), "invalid");  // 32 MiB and two keys
  EXPECT_EQ(invalid(store.get("")), "invalid");
  EXPECT_EQ(invalid(store.get(key + "k")), "invalid");
  const heddle_write unknown = {99, {"k", 1}, {}, 0};
  Answer answer;
  store->commit({&unknown, 1}, answer.done());
  EXPECT_EQ(invalid(answer.wait()), "invalid");
  EXPECT_EQ(store.value("ok"), "not-found");
}

// Keeps the store's thread in an answer until it is opened.
class Gate {
 public:
  explicit Gate(OpenedStore& store) {
    store->commit({}, [opened = opened_.get_future().share(), &inside = inside_](Result<Value>) {
      inside.set_value();
      opened.wait();
    });
    inside_.get_future().wait();
  }
  void open() { opened_.set_value(); }

 private:
  std::promise<void> opened_, inside_;
};

TEST_P(Store, RefusesWhatIsTooMuchInFlightAndKeepsWhatItAccepted) {
  const std::string value(HEDDLE_STORED_MAX, 'v');
  Gate gate(store);
  std::vector<Answer> answers;
  for (int i = 0; i < 6; ++i) answers.push_back(store.start(Put{"k" + std::to_string(i), value}));
  gate.open();
  for (size_t i = 0; i < answers.size(); ++i) {
    auto outcome = answers[i].wait();
    EXPECT_EQ(outcome.has_value(), i < 3) << i;
    if (!outcome) {
      EXPECT_EQ(outcome.error().code, "exhausted");
      EXPECT_EQ(outcome.error().error_class, ErrorClass::kRetryable);
    }
    EXPECT_EQ(store.value("k" + std::to_string(i)), outcome ? value : "not-found");
  }
  store.must(Put{"after", "1"});
}

TEST_P(Store, RefusesTooManyInFlight) {
  constexpr int kMany = 70'000;
  Gate gate(store);
  std::atomic<int> found{0}, exhausted{0};
  std::promise<void> all;
  for (int i = 0; i < kMany; ++i) {
    store->get("absent", [&](Result<Value> outcome) {
      (outcome.error().code == "exhausted" ? exhausted : found)++;
      if (found + exhausted == kMany) all.set_value();
    });
  }
  EXPECT_EQ(found, 0);
  EXPECT_GT(exhausted, 1000);
  gate.open();
  all.get_future().wait();
  EXPECT_GT(found, 60'000);
}

TEST_P(Store, KeepsKeysAndNumbersOverDeactivation) {
  const uint64_t before = store.must(Put{"k", "v"});
  store.close();
  Answer answer;
  store->get("k", answer.done());
  EXPECT_EQ(answer.wait().error().code, "unavailable");
  ASSERT_TRUE(store.open());
  EXPECT_EQ(store.seen("k"), "v@" + std::to_string(before));
  EXPECT_LT(before, store.must(Put{"k", "w"}));
}

// Random commits, with checks, against a map.
TEST_P(Store, DoesAsASimpleModelSays) {
  std::mt19937 random(7);
  struct Entry {
    std::string value;
    uint64_t version;
  };
  std::map<std::string, Entry> model;
  const auto any = [&](uint32_t n) { return static_cast<uint32_t>(random() % n); };
  for (int round = 0; round < 400; ++round) {
    std::vector<Put> puts;
    std::vector<heddle_write> writes;
    std::vector<std::string> keys;
    for (uint32_t i = 0; i < 8; ++i) keys.push_back("key" + std::to_string(any(30)));
    bool conflict = false;
    const std::string value = std::to_string(round);
    for (uint32_t i = 0, n = any(8); i < n; ++i) {
      const std::string& key = keys[i];
      const auto at = model.find(key);
      const uint64_t version = at == model.end() ? 0 : at->second.version;
      switch (any(3)) {
        case 0:
          writes.push_back({HEDDLE_PUT, bytes_of(key), bytes_of(value), 0});
          break;
        case 1:
          writes.push_back({HEDDLE_ERASE, bytes_of(key), {}, 0});
          break;
        default:
          const uint64_t wanted = any(10) == 0 ? version + 1 : version;
          conflict = conflict || wanted != version;
          writes.push_back({HEDDLE_CHECK, bytes_of(key), {}, wanted});
      }
    }
    Answer answer;
    store->commit(writes, answer.done());
    auto outcome = answer.wait();
    ASSERT_EQ(outcome.has_value(), !conflict);
    if (conflict) continue;
    for (const heddle_write& w : writes) {
      const std::string key(static_cast<const char*>(w.key.ptr), w.key.len);
      if (w.kind == HEDDLE_PUT) model[key] = {value, static_cast<uint64_t>(*outcome->as_int())};
      if (w.kind == HEDDLE_ERASE) model.erase(key);
    }
  }
  Strings expected;
  for (const auto& [key, entry] : model) expected.push_back(key + "=" + entry.value);
  EXPECT_EQ(rows_of(store.scan()), expected);
  for (const auto& [key, entry] : model) EXPECT_EQ(store.seen(key), entry.value + "@" + std::to_string(entry.version));
}

}  // namespace
}  // namespace heddle
