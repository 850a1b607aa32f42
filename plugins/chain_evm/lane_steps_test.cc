// A Lane, one step after the other: every answer is given by the test.
#include <gtest/gtest.h>
#include <heddle/sdk/fake_host.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lane.h"

namespace chain_evm {
namespace {

constexpr uint64_t kGwei = 1'000'000'000;

// What the Lane wanted, in order.
class Scripted : public Outside {
 public:
  struct Failed {
    std::string key, code;
  };

  void sign(const Wanted& wanted) override {
    signs.push_back({.number = wanted.number, .intent = nullptr, .fee = wanted.fee});
    does_nothing.push_back(!wanted.intent);
  }
  void commit(uint64_t commit, std::vector<Put> puts) override { commits.emplace_back(commit, std::move(puts)); }
  void send(uint64_t number, const Attempt& attempt) override { sends.emplace_back(number, attempt); }
  void look(uint64_t number, std::vector<std::string>) override { looks.push_back(number); }
  void trace(const Record& record) override { traces.push_back(record.number); }
  void again(const Record& record) override { agains.push_back(record.number); }
  void became(const Record& record) override { stages.emplace_back(record.number, record.stage); }
  void failed(const std::string& key, heddle_status, const char* code, const std::string&) override { fails.push_back({key, code}); }
  void alarm(const std::string& what, const std::string&) override { alarms.push_back(what); }
  uint64_t now_ms() const override { return clock_ms; }
  int64_t now_unix() const override { return static_cast<int64_t>(clock_ms / 1000); }

  uint64_t clock_ms = 1'000'000;
  std::vector<Wanted> signs;
  std::vector<bool> does_nothing;  // of signs
  std::vector<std::pair<uint64_t, std::vector<Put>>> commits;
  std::vector<std::pair<uint64_t, Attempt>> sends;
  std::vector<uint64_t> looks, traces, agains;
  std::vector<std::pair<uint64_t, Stage>> stages;
  std::vector<Failed> fails;
  std::vector<std::string> alarms;
};

class LaneSteps : public testing::Test {
 protected:
  void SetUp() override { start({}); }
  void start(FeeLimits limits) {
    LaneParams params;
    params.window = 2;
    params.account = std::string(20, 'a');
    lane.emplace(outside, Fees(limits), params);
    lane->start(0);
    head(0);
  }
  void head(uint64_t used, Amount base = kGwei) { lane->head({.used = used, .market = {.base = base, .tip = 100'000'000}}); }
  void accept(const std::string& key, int64_t not_after_unix = 0) { lane->accept({.key = key, .what = "call", .to = std::string(20, 't'), .gas = 50'000, .not_after_unix = not_after_unix}); }
  void made() {
    std::string hash = std::to_string(++serial_);
    hash.resize(32, '.');
    lane->made("raw " + hash, hash);
  }
  void committed(Committed how = Committed::kYes) { lane->committed(outside.commits.back().first, how, how == Committed::kYes ? "" : "no"); }
  void sent(Heard::What what, bool may_have = false) {
    const auto [number, attempt] = outside.sends.back();
    lane->sent(number, attempt.hash, {.what = what, .why = "no", .may_have = may_have});
  }
  void wait(uint64_t ms) {
    outside.clock_ms += ms;
    lane->tick();
  }

  heddle::sdk::FakeHost host_;
  Scripted outside;
  std::optional<Lane> lane;

 private:
  int serial_ = 0;
};

TEST_F(LaneSteps, ASignatureThatComesAfterTheJournalHasFailedIsForNobody) {
  accept("one");
  made();
  accept("two");
  ASSERT_EQ(outside.signs.size(), 2u);
  committed(Committed::kBroken);
  ASSERT_EQ(outside.fails.size(), 2u);
  made();
  EXPECT_EQ(outside.commits.size(), 1u);
  EXPECT_EQ(lane->waiting(), 0u);
}

TEST_F(LaneSteps, NorIsOneThatDoesNotCome) {
  accept("one");
  made();
  accept("two");
  committed(Committed::kBroken);
  lane->not_made(HEDDLE_UNAVAILABLE, "no signer");
  EXPECT_EQ(outside.fails.size(), 2u);
}

TEST_F(LaneSteps, ANumberIsGivenBackWhereEveryNodeSaysNever) {
  accept("one");
  made();
  committed();
  sent(Heard::What::kNever);
  wait(1000);
  sent(Heard::What::kNever);
  ASSERT_EQ(outside.commits.size(), 2u);
  EXPECT_TRUE(outside.commits.back().second[0].record.empty());
  committed();
  EXPECT_EQ(lane->next(), 0u);
}

TEST_F(LaneSteps, ANumberIsNotGivenBackOnceANodeMayHaveTheTransaction) {
  accept("one");
  made();
  committed();
  sent(Heard::What::kNotNow, true);  // of two nodes, one has not answered
  for (int i = 0; i < 2; ++i) {
    wait(1000);
    sent(Heard::What::kNever);  // only the other one is asked
  }
  EXPECT_EQ(outside.commits.size(), 1u);
  ASSERT_EQ(outside.signs.size(), 2u);
  EXPECT_EQ(outside.signs[1].number, 0u);
  EXPECT_TRUE(outside.does_nothing[1]);
}

TEST_F(LaneSteps, WhatNoNodeTakesPaysMoreAtOnceEightTimesInARowAndThenWaits) {
  accept("one");
  made();
  committed();
  for (int i = 0; i < 20; ++i) {
    const size_t before = outside.signs.size();
    sent(Heard::What::kUnderpriced);
    if (outside.signs.size() > before) {
      made();
      committed();
    } else {
      wait(10'000);  // it is only sent again
    }
    if (outside.clock_ms >= 1'000'000 + 20'000) break;
  }
  EXPECT_EQ(outside.signs.size(), 1u + 8);
  sent(Heard::What::kTaken);
  wait(30'000);
  EXPECT_EQ(outside.signs.size(), 1u + 8 + 1);
}

TEST_F(LaneSteps, OneThatDoesNothingTakesTheNumberOfOneAtTheCeiling) {
  start({.most_cap = 2 * kGwei});
  accept("one", outside.now_unix() + 1);
  made();
  committed();
  ASSERT_EQ(outside.signs.back().fee.cap, Amount(2 * kGwei));
  sent(Heard::What::kTaken);
  wait(10'000);  // its time has passed
  ASSERT_EQ(outside.signs.size(), 2u);
  EXPECT_TRUE(outside.does_nothing[1]);
  EXPECT_EQ(outside.signs.back().fee.cap, Amount(2'250'000'000));
  EXPECT_TRUE(outside.alarms.empty());
}

TEST_F(LaneSteps, WhereNoNodeHasOneTheOneThatDoesNothingPaysNoMoreThanAnother) {
  start({.most_cap = 2 * kGwei});
  accept("one", outside.now_unix() + 1);
  made();
  committed();
  sent(Heard::What::kFeeTooLow);
  wait(10'000);
  ASSERT_EQ(outside.signs.size(), 2u);
  EXPECT_TRUE(outside.does_nothing[1]);
  EXPECT_EQ(outside.signs.back().fee.cap, Amount(2 * kGwei));
  // And when the base fee leaves the ceiling behind, it goes on.
  made();
  committed();
  head(0, 3 * kGwei);
  sent(Heard::What::kNotNow);  // the one before, which was under way
  wait(100);
  sent(Heard::What::kFeeTooLow);
  ASSERT_EQ(outside.signs.size(), 3u);
  EXPECT_EQ(outside.signs.back().fee.cap, Amount(4 * kGwei));
}

TEST_F(LaneSteps, HowOftenOneWasSignedDoesNotCountForTheOneThatDoesNothing) {
  start({.bump_permille = 1});
  accept("one", outside.now_unix() + 30 * 100);
  made();
  committed();
  sent(Heard::What::kTaken);
  while (outside.alarms.empty() && outside.signs.size() < 100) {
    const size_t before = outside.signs.size();
    wait(30'000);
    if (outside.signs.size() == before) continue;
    made();
    committed();
    sent(Heard::What::kTaken);
  }
  EXPECT_EQ(outside.signs.size(), Lane::kMostAttempts);
  wait(30'000 * 100);
  ASSERT_EQ(outside.signs.size(), Lane::kMostAttempts + 1);
  EXPECT_TRUE(outside.does_nothing.back());
}

TEST_F(LaneSteps, NumbersThatNobodyCanHaveUsedAreNotBelieved) {
  for (const uint64_t said : {kMostAhead + 1, UINT64_MAX})
    for (int i = 0; i < Lane::kLooks; ++i) head(said);
  EXPECT_EQ(lane->next(), 0u);
  EXPECT_EQ(lane->gaps(), 0u);
  ASSERT_FALSE(outside.alarms.empty());
  EXPECT_EQ(outside.alarms[0], "numbers");
  accept("one");
  EXPECT_EQ(outside.signs.size(), 1u);
  made();
  for (int i = 0; i < Lane::kLooks; ++i) head(kMostAhead);
  EXPECT_EQ(lane->next(), kMostAhead);
}

TEST_F(LaneSteps, AnAttemptThatTheJournalDoesNotTakeIsLostAndNothingElse) {
  accept("one");
  made();
  committed();
  sent(Heard::What::kUnderpriced);
  ASSERT_EQ(outside.signs.size(), 2u);
  made();
  committed(Committed::kRefused);
  EXPECT_EQ(lane->at(0)->attempts.size(), 1u);
  EXPECT_EQ(outside.alarms, std::vector<std::string>{"journal"});
  wait(1000);
  EXPECT_EQ(outside.sends.back().second.hash, lane->at(0)->attempts[0].hash);
  accept("two");
  made();
  committed();
  EXPECT_TRUE(lane->is_stored(1));
}

TEST_F(LaneSteps, WhatTheJournalDoesNotTakeAtAllFailsAndItsNumberIsFilled) {
  accept("one");
  made();
  committed(Committed::kRefused);
  ASSERT_EQ(outside.fails.size(), 1u);
  EXPECT_EQ(outside.fails[0].code, "invalid");
  ASSERT_EQ(outside.signs.size(), 2u);
  EXPECT_EQ(outside.signs[1].number, 0u);
  EXPECT_TRUE(outside.does_nothing[1]);
}

TEST_F(LaneSteps, WhatWaitsForRoomIsPromisedToo) {
  for (const char* const key : {"one", "two", "three", "four"}) accept(key);
  for (int i = 0; i < 2; ++i) {
    made();
    committed();
  }
  ASSERT_EQ(lane->waiting(), 2u);
  EXPECT_EQ(lane->promised(), Amount(4) * outside.signs[0].fee.cap * 50'000);
}

TEST_F(LaneSteps, WhatWaitsForRoomHearsThatItsTimeHasPassed) {
  accept("one");
  accept("two");
  made();
  committed();
  made();
  committed();
  accept("three");
  accept("late", outside.now_unix() + 1);
  accept("four");
  wait(5000);
  ASSERT_EQ(outside.fails.size(), 1u);
  EXPECT_EQ(outside.fails[0].key, "late");
  EXPECT_EQ(outside.fails[0].code, "too-late");
  EXPECT_EQ(lane->waiting(), 2u);
}

TEST_F(LaneSteps, WhatIsBeingSignedIsNotTooLateYet) {
  accept("one", outside.now_unix() + 1);
  ASSERT_EQ(outside.signs.size(), 1u);
  wait(5000);
  EXPECT_TRUE(outside.fails.empty());
  made();
  committed();
  EXPECT_EQ(lane->at(0)->intent.key, "one");
}

}  // namespace
}  // namespace chain_evm
