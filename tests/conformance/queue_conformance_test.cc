// What heddle/queue.h promises.
#include <ctime>

#include "opened_store.h"

namespace heddle {
namespace {

class Queue : public EveryStore {
 protected:
  static constexpr uint64_t kHour = 3'600'000;

  Queue() { EXPECT_TRUE(store->has_queue()); }

  static uint64_t now_ms() {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1000 + static_cast<uint64_t>(now.tv_nsec) / 1'000'000;
  }
  template <class Ask>
  Result<Value> ask(Ask&& asked) {
    Answer answer;
    asked(answer.done());
    return answer.wait();
  }
  Result<Value> enqueue(const std::string& queue, const std::string& payload, const std::string& dedupe = "", uint64_t run_at_ms = 0) {
    return ask([&](auto done) { store->enqueue(queue, payload, dedupe, run_at_ms, done); });
  }
  heddle_id added(const std::string& queue, const std::string& payload, const std::string& dedupe = "", uint64_t run_at_ms = 0) {
    auto outcome = enqueue(queue, payload, dedupe, run_at_ms);
    EXPECT_TRUE(outcome) << outcome.error().text();
    EXPECT_TRUE(*outcome->at(1).as_bool());
    return static_cast<heddle_id>(*outcome->at(0).as_int());
  }
  Value lease(const std::string& queue, uint32_t limit = 10, uint64_t ms = kHour, const std::string& owner = "host-a") {
    auto outcome = ask([&](auto done) { store->lease(queue, owner, limit, ms, done); });
    EXPECT_TRUE(outcome) << outcome.error().text();
    return *outcome;
  }
  static std::vector<std::string> payloads(const Value& leased) {
    std::vector<std::string> out;
    const Value jobs = leased.find("jobs");
    for (size_t i = 0; i < jobs.size(); ++i) out.push_back(content(jobs.at(i).at(2)));
    return out;
  }
  std::string ack(const QueueLease& l) { return code(ask([&](auto done) { store->ack(l, done); })); }
  std::string extend(const QueueLease& l, uint64_t ms) { return code(ask([&](auto done) { store->extend(l, ms, done); })); }
  std::string nack(const QueueLease& l, uint64_t ms) { return code(ask([&](auto done) { store->nack(l, ms, done); })); }
  static std::string code(const Result<Value>& outcome) { return outcome ? "ok" : outcome.error().code; }
};
INSTANTIATE_TEST_SUITE_P(Of, Queue, testing::Values("Memory", "Sqlite"), [](const auto& one) { return std::string(one.param); });

using Strings = std::vector<std::string>;

TEST_P(Queue, LeasesInOrderAndEachJobOnce) {
  for (const char* payload : {"a", "b", "c"}) added("q", payload);
  added("other", "x");
  EXPECT_EQ(payloads(lease("q", 2)), (Strings{"a", "b"}));
  EXPECT_EQ(payloads(lease("q")), Strings{"c"});
  EXPECT_EQ(payloads(lease("q")), Strings());
  EXPECT_EQ(payloads(lease("other")), Strings{"x"});
}

TEST_P(Queue, AnAckedJobIsGone) {
  const heddle_id id = added("q", "a");
  lease("q", 1, 0);
  EXPECT_EQ(ack({"q", id, 1}), "ok");
  EXPECT_EQ(ack({"q", id, 1}), "not-found");
  EXPECT_EQ(payloads(lease("q")), Strings());
  EXPECT_EQ(ack({"elsewhere", id, 1}), "not-found");
}

// A lease of no time has ended when it is given.
TEST_P(Queue, AJobWhoseLeaseEndedIsGivenToTheNextAndTheFirstIsFencedOff) {
  const heddle_id id = added("q", "a");
  EXPECT_EQ(*lease("q", 1, 0).find("jobs").at(0).at(1).as_int(), 1);
  const Value again = lease("q", 1, kHour, "host-b");
  EXPECT_EQ(*again.find("jobs").at(0).at(1).as_int(), 2);
  EXPECT_EQ(ack({"q", id, 1}), "conflict");
  EXPECT_EQ(extend({"q", id, 1}, kHour), "conflict");
  EXPECT_EQ(nack({"q", id, 1}, 0), "conflict");
  auto refused = ask([&](auto done) { store->ack({"q", id, 1}, done); });
  EXPECT_NE(refused.error().message.find("host-b"), std::string::npos) << refused.error().message;
  EXPECT_EQ(ack({"q", id, 3}), "conflict");
  EXPECT_EQ(ack({"q", id, 2}), "ok");
}

TEST_P(Queue, AnEndedLeaseThatNobodyTookIsStillGood) {
  const heddle_id id = added("q", "a");
  lease("q", 1, 0);
  EXPECT_EQ(extend({"q", id, 1}, kHour), "ok");
  EXPECT_EQ(payloads(lease("q")), Strings());
  EXPECT_EQ(ack({"q", id, 1}), "ok");
}

TEST_P(Queue, ANackedJobIsDueAgainAfterItsDelay) {
  const heddle_id id = added("q", "a");
  lease("q");
  EXPECT_EQ(nack({"q", id, 1}, 0), "ok");
  EXPECT_EQ(ack({"q", id, 1}), "conflict");
  EXPECT_EQ(payloads(lease("q")), Strings{"a"});
  EXPECT_EQ(nack({"q", id, 2}, kHour), "ok");
  const Value later = lease("q");
  EXPECT_EQ(payloads(later), Strings());
  ASSERT_TRUE(later.find("next_ms"));
  EXPECT_GT(static_cast<uint64_t>(*later.find("next_ms").as_int()), now_ms() + kHour / 2);
}

TEST_P(Queue, AJobIsNotDueBeforeItsTime) {
  added("q", "late", "", now_ms() + kHour);
  added("q", "early", "", now_ms() - kHour);
  added("q", "now");
  const Value due = lease("q");
  EXPECT_EQ(payloads(due), (Strings{"now", "early"}));  // "now" has been due since the beginning of time
  EXPECT_TRUE(due.find("next_ms"));
  EXPECT_FALSE(lease("empty").find("next_ms"));
}

TEST_P(Queue, ADedupeKeyAddsOneJobUntilItIsDone) {
  const heddle_id id = added("q", "a", "key");
  auto second = enqueue("q", "b", "key");
  ASSERT_TRUE(second);
  EXPECT_EQ(static_cast<heddle_id>(*second->at(0).as_int()), id);
  EXPECT_FALSE(*second->at(1).as_bool());
  added("other", "c", "key");
  EXPECT_EQ(payloads(lease("q")), Strings{"a"});
  EXPECT_FALSE(*enqueue("q", "b", "key")->at(1).as_bool());
  EXPECT_EQ(ack({"q", id, 1}), "ok");
  EXPECT_NE(added("q", "d", "key"), id);
}

TEST_P(Queue, RefusesNamesThatAreNone) {
  EXPECT_EQ(code(enqueue("", "a")), "invalid");
  EXPECT_EQ(code(enqueue(std::string(HEDDLE_QUEUE_NAME_MAX + 1, 'q'), "a")), "invalid");
  EXPECT_EQ(code(enqueue(std::string("q\0x", 3), "a")), "invalid");
  EXPECT_EQ(code(enqueue("q", "a", std::string(HEDDLE_QUEUE_NAME_MAX + 1, 'd'))), "invalid");
  EXPECT_EQ(code(enqueue(std::string(HEDDLE_QUEUE_NAME_MAX, 'q'), "")), "ok");
}

TEST_P(Queue, IsNotAmongTheKeysAndOutlivesDeactivation) {
  const heddle_id id = added("q", std::string("\0bytes", 6));
  lease("q");
  EXPECT_EQ(rows_of(store.scan()), Strings());
  store.close();
  ASSERT_TRUE(store.open());
  EXPECT_EQ(payloads(lease("q")), Strings());
  EXPECT_EQ(nack({"q", id, 1}, 0), "ok");
  EXPECT_EQ(payloads(lease("q")), Strings{std::string("\0bytes", 6)});
}

}  // namespace
}  // namespace heddle
