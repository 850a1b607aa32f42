#include "check/host_promise.h"

#include <gtest/gtest.h>

#include <functional>

namespace heddle {
namespace {

using Share = HostPromise::Share;

constexpr char kFaultLine[] = "heddle: warning: plugin heddle_hostile broke the contract: node \"hostile\" (Hostile) completed a call twice";

// Of a run of four items that broke nothing.
HostObservation kept() {
  HostObservation seen;
  seen.ended = true;
  seen.report.ok = seen.report.balanced = true;
  seen.after = seen.beside = {1, 2, 3, 4};
  seen.given = seen.released = 4;
  return seen;
}

HostObservation kept_with_fault() {
  HostObservation seen = kept();
  seen.lines = {kFaultLine};
  return seen;
}

TEST(HostPromise, IsKeptByARunInWhichNothingHappens) { EXPECT_EQ(breach_of({}, kept()), ""); }

// Each of these is what a weak host would show.
TEST(HostPromise, IsBrokenByWhateverTheHostGetsWrong) {
  const std::pair<std::function<void(HostObservation&)>, const char*> all[] = {
      {[](HostObservation& seen) { seen.refused = Error("refused", "no"); }, "the run does not start: \"no\""},
      {[](HostObservation& seen) { seen.ended = false; }, "did not come to an end"},
      {[](HostObservation& seen) { seen.report.ok = false; }, "the run failed"},
      {[](HostObservation& seen) { seen.report.balanced = false; }, "not every item is accounted for"},
      {[](HostObservation& seen) { seen.beside.pop_back(); }, "the node beside it: 4 items were to come, 3 came; at 4, item 4 was meant"},
      {[](HostObservation& seen) { std::swap(seen.beside[0], seen.beside[1]); }, "at 1, item 1 was meant, item 2 came"},
      {[](HostObservation& seen) { seen.after.push_back(4); }, "the node after it: 4 items were to come, 5 came; at 5, item 4 came"},
      {[](HostObservation& seen) { seen.failures.push_back({"hostile", 2, Error("internal", "broken")}); }, "item 2 failed: \"broken\""},
      {[](HostObservation& seen) { seen.failures.push_back({"beside", 2, Error("internal", "broken")}); }, "failed at the node \"beside\""},
      {[](HostObservation& seen) { seen.lines = {kFaultLine}; }, "and none was"},
      {[](HostObservation& seen) { seen.lines = {"heddle: info: \x1b[2J"}; }, "a line of the log is not fit"},
      {[](HostObservation& seen) { seen.lines = {"\xff"}; }, "a line of the log is not fit"},
      {[](HostObservation& seen) { seen.lines = {std::string(100'000, 'x')}; }, "a line of the log is not fit"},
      {[](HostObservation& seen) { seen.lines = {"\xc2\x9b"}; }, "a line of the log is not fit"},
      {[](HostObservation& seen) { seen.leaves_thread = true; }, "a thread hangs"},
      {[](HostObservation& seen) { seen.released = 3; }, "1 of 4 items were never freed"},
      {[](HostObservation& seen) { seen.released = 5; }, "5 items were freed, of 4"},
      {[](HostObservation& seen) { seen.descriptors_after = 1; }, "1 descriptors were left open"},
  };
  for (const auto& [spoil, found] : all) {
    HostObservation seen = kept();
    spoil(seen);
    EXPECT_NE(breach_of({}, seen).find(found), std::string::npos) << breach_of({}, seen) << ", not: " << found;
  }
}

TEST(HostPromise, AFaultIsSaidOfThePluginAndTheNodeByItsName) {
  const HostPromise promise{.fault = "completed a call twice"};
  EXPECT_EQ(breach_of(promise, kept_with_fault()), "");
  EXPECT_NE(breach_of(promise, kept()).find("it was not said that the plugin broke the rule: completed a call twice"), std::string::npos);
  HostObservation seen = kept_with_fault();
  seen.lines = {"heddle: warning: plugin node_std broke the contract: node \"beside\" (PassThrough) completed a call twice"};
  EXPECT_NE(breach_of(promise, seen).find("are not named"), std::string::npos);
}

TEST(HostPromise, FailuresAreThoseOfTheItemsThatWereMeant) {
  const HostPromise promise{.passed = Share::kOdd, .failed = Share::kEven, .failure = "internal"};
  HostObservation seen = kept();
  seen.after = {1, 3};
  seen.failures = {{"hostile", 4, Error("internal", "x")}, {"hostile", 2, Error("internal", "x")}};
  EXPECT_EQ(breach_of(promise, seen), "");
  seen.failures.pop_back();
  EXPECT_NE(breach_of(promise, seen).find("failures: 2 items were to come, 1 came"), std::string::npos);
  seen.failures.push_back({"hostile", 2, Error("timeout", "x")});
  EXPECT_NE(breach_of(promise, seen).find("a failure does not say \"internal\""), std::string::npos);
  seen.failures[1] = {"hostile", 2, Error("internal", "\x1b[31mred")};
  EXPECT_NE(breach_of(promise, seen).find("a failure is not fit to be shown"), std::string::npos);
}

TEST(HostPromise, ARefusalSaysWhoAndWhy) {
  const HostPromise promise{.refusal = "refuses its params"};
  HostObservation seen;
  EXPECT_NE(breach_of(promise, kept()).find("the run starts, and had to be refused"), std::string::npos);
  seen.refused = Error("create-failed", "node \"hostile\" (Hostile of plugin heddle_hostile) refuses its params");
  EXPECT_EQ(breach_of(promise, seen), "");
  seen.refused = Error("create-failed", "it refuses its params");
  EXPECT_NE(breach_of(promise, seen).find("does not name the node"), std::string::npos);
  seen.refused = Error("create-failed", "node \"hostile\" is bad");
  EXPECT_NE(breach_of(promise, seen).find("does not say"), std::string::npos);
}

TEST(HostPromise, AThreadThatHangsIsSeenWhereItWasMeant) {
  HostObservation seen = kept();
  EXPECT_NE(breach_of({.leaves_thread = true}, seen).find("no thread hangs"), std::string::npos);
  seen.leaves_thread = true;
  seen.released = 1;  // what it holds
  EXPECT_EQ(breach_of({.leaves_thread = true}, seen), "");
}

}  // namespace
}  // namespace heddle
