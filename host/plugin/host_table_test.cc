#include "plugin/host_table.h"

#include <gtest/gtest.h>
#include <heddle/call.h>
#include <heddle/log.h>
#include <heddle/sched.h>
#include <heddle/value.h>

#include <atomic>
#include <cstring>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include "clock.h"
#include "log.h"
#include "plugin/posted_work.h"

namespace heddle {
namespace {

constexpr uint64_t kFarAway = 3600 * kNsPerSecond;

heddle_str str(std::string_view text) { return {text.data(), text.size()}; }

const heddle_sched_service& sched_of(const HostTable& table) {
  return *static_cast<const heddle_sched_service*>(table.get()->get_service(table.get(), HEDDLE_SCHED));
}

// Runs on its worker until it is told to go on.
struct Plug : Job {
  std::binary_semaphore entered{0}, go{0}, left{0};
  Plug() {
    run = [](Job* job) noexcept {
      auto* const self = static_cast<Plug*>(job);
      self->entered.release();
      self->go.acquire();
      self->left.release();
    };
  }
};

LaneId default_lane(const Lanes& lanes) { return lanes.find("default").value(); }

TEST(HostTable, SaysWhoseItIsAndGivesTheServices) {
  const HostTable table("node-1", nullptr, LaneId{});
  const heddle_host* h = table.get();
  EXPECT_EQ(h->struct_size, sizeof(heddle_host));
  EXPECT_EQ(h->abi_minor, HEDDLE_ABI_MINOR);
  EXPECT_EQ(std::string(h->owner.ptr, h->owner.len), "node-1");
  for (const char* id : {HEDDLE_VALUE, HEDDLE_OP, HEDDLE_CALL, HEDDLE_LOG, HEDDLE_SCHED}) {
    const void* service = h->get_service(h, id);
    ASSERT_NE(service, nullptr) << id;
    uint32_t size;
    std::memcpy(&size, service, sizeof size);
    EXPECT_GT(size, sizeof size) << id;
  }
  EXPECT_EQ(h->get_service(h, "heddle.unheard/1"), nullptr);
  EXPECT_EQ(h->get_service(h, nullptr), nullptr);
}

TEST(HostTable, KeepsTheLastFailureOfThisThreadUntilItIsTaken) {
  const HostTable table("n", nullptr, LaneId{});
  const heddle_host* h = table.get();
  h->fail(h, HEDDLE_INVALID, str("first"), nullptr);
  h->fail(h, HEDDLE_UNAVAILABLE, str("second"), nullptr);
  auto failure = HostTable::take_failure();
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->code, "unavailable");
  EXPECT_EQ(failure->error_class, ErrorClass::kRetryable);
  EXPECT_EQ(failure->message, "second");
  EXPECT_FALSE(HostTable::take_failure());
}

TEST(HostTable, AFailureCarriesItsDetails) {
  const HostTable table("n", nullptr, LaneId{});
  const heddle_host* h = table.get();
  const auto* values = static_cast<const heddle_value_service*>(h->get_service(h, HEDDLE_VALUE));
  heddle_value* details = values->make_json(h, str(R"({"tried":3})"));
  ASSERT_NE(details, nullptr);
  h->fail(h, HEDDLE_INVALID, str("no"), details);
  values->release(details);
  EXPECT_EQ(HostTable::take_failure()->text(), R"(no: {"tried":3})");
}

TEST(HostTable, AFailureIsMadeFitForATerminalAndForJson) {
  const HostTable table("n", nullptr, LaneId{});
  table.get()->fail(table.get(), HEDDLE_INVALID, str("a\nb\x1b[31m\xff\xc0\x80"), nullptr);
  EXPECT_EQ(HostTable::take_failure()->message, "a b [31m\uFFFD\uFFFD\uFFFD");
}

TEST(HostTable, AnUnknownStatusIsInternal) {
  EXPECT_EQ(error_of_status(-77, "x").code, "internal");
  EXPECT_EQ(error_of_status(HEDDLE_IO, "x").code, "io");
  EXPECT_EQ(error_of_status(HEDDLE_IO, "x").error_class, ErrorClass::kPermanent);
  EXPECT_EQ(error_of_status(HEDDLE_CANCELLED, "x").error_class, ErrorClass::kCancelled);
  EXPECT_EQ(error_of_status(HEDDLE_DEADLINE, "x").error_class, ErrorClass::kRetryable);
  EXPECT_EQ(error_of_status(HEDDLE_INVALID, "x").error_class, ErrorClass::kPermanent);
}

TEST(HostTable, EveryLoggedLineIsWrittenOrCounted) {
  std::vector<std::string> lines;
  log::set_sink([](void* context, const log::Line& line) { static_cast<std::vector<std::string>*>(context)->push_back(log::text_of(line)); }, &lines);
  {
    const HostTable table("chatty", nullptr, LaneId{});
    const heddle_host* h = table.get();
    const auto* log = static_cast<const heddle_log_service*>(h->get_service(h, HEDDLE_LOG));
    EXPECT_TRUE(log->enabled(h, HEDDLE_ERROR));
    EXPECT_FALSE(log->enabled(h, HEDDLE_DEBUG));
    log->write(h, HEDDLE_DEBUG, str("not wanted"));
    for (int i = 0; i < 5000; ++i) log->write(h, HEDDLE_ERROR, str("hello"));
  }
  log::set_sink(nullptr, nullptr);
  uint64_t written = 0, dropped = 0;
  for (const std::string& line : lines) {
    if (line == "heddle: error: chatty: hello")
      ++written;
    else if (line.find(" lines dropped") != line.npos)
      dropped += std::stoull(line.substr(line.find("chatty: ") + 8));
    else
      ADD_FAILURE() << line;
  }
  EXPECT_GE(written, HostTable::kLinesPerSecond);
  EXPECT_EQ(written + dropped, 5000u);
}

TEST(HostTable, WithoutLanesNothingCanBePosted) {
  const HostTable table("n", nullptr, LaneId{});
  const heddle_host* h = table.get();
  const auto nothing = [](void*) noexcept {};
  EXPECT_EQ(sched_of(table).post(h, nothing, nullptr), HEDDLE_UNSUPPORTED);
  EXPECT_EQ(HostTable::take_failure()->code, "unsupported");
  EXPECT_EQ(sched_of(table).after(h, 1, nothing, nullptr), 0u);
  EXPECT_EQ(HostTable::take_failure()->code, "unsupported");
  EXPECT_FALSE(sched_of(table).cancel(h, 1));
}

TEST(HostTable, NoFunctionCannotBePosted) {
  Lanes lanes(1);
  const HostTable table("node-1", &lanes, default_lane(lanes));
  EXPECT_EQ(sched_of(table).post(table.get(), nullptr, nullptr), HEDDLE_INVALID);
  EXPECT_EQ(HostTable::take_failure()->message, "there is no function to post");
  EXPECT_EQ(sched_of(table).after(table.get(), 0, nullptr, nullptr), 0u);
  EXPECT_EQ(HostTable::take_failure()->code, "invalid");
}

TEST(HostTable, PostedFunctionsRunOneAtATime) {
  Lanes lanes(4);
  struct Count {
    int n = 0;  // no lock: that is the point
    std::binary_semaphore full{0};
  } count;
  HostTable table("n", &lanes, default_lane(lanes));
  const auto add = [](void* ctx) noexcept {
    auto& c = *static_cast<Count*>(ctx);
    if (++c.n == 2000) c.full.release();
  };
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(sched_of(table).post(table.get(), add, &count), HEDDLE_OK);
    ASSERT_NE(sched_of(table).after(table.get(), 1000, add, &count), 0u);
  }
  count.full.acquire();
  EXPECT_EQ(count.n, 2000);
}

TEST(HostTable, ACancelledTimerDoesNotRun) {
  Lanes lanes(1);
  HostTable table("n", &lanes, default_lane(lanes));
  const auto never = [](void*) noexcept { FAIL() << "a cancelled function ran"; };
  const heddle_id far = sched_of(table).after(table.get(), kFarAway, never, nullptr);
  ASSERT_NE(far, 0u);
  EXPECT_TRUE(sched_of(table).cancel(table.get(), far));
  EXPECT_FALSE(sched_of(table).cancel(table.get(), far));
  EXPECT_FALSE(sched_of(table).cancel(table.get(), 424242));
}

TEST(HostTable, ATimerThatRanCannotBeCancelled) {
  Lanes lanes(2);
  HostTable table("n", &lanes, default_lane(lanes));
  std::binary_semaphore ran{0};
  const auto run = [](void* ctx) noexcept { static_cast<std::binary_semaphore*>(ctx)->release(); };
  const heddle_id timer = sched_of(table).after(table.get(), 0, run, &ran);
  ran.acquire();
  EXPECT_FALSE(sched_of(table).cancel(table.get(), timer));
}

TEST(HostTable, ItsEndWaitsForTheFunctionThatRuns) {
  Lanes lanes(1);
  struct Work {
    std::binary_semaphore entered{0};
    bool done = false;
  } work;
  {
    HostTable table("n", &lanes, default_lane(lanes));
    const auto run = [](void* ctx) noexcept {
      auto& w = *static_cast<Work*>(ctx);
      w.entered.release();
      for (int i = 0; i < 100; ++i) std::this_thread::yield();
      w.done = true;
    };
    ASSERT_EQ(sched_of(table).post(table.get(), run, &work), HEDDLE_OK);
    work.entered.acquire();
  }
  EXPECT_TRUE(work.done);
}

TEST(HostTable, ItsEndDropsTheFunctionsThatWait) {
  Lanes lanes(1);
  Plug first, last;
  const LaneId lane = default_lane(lanes);
  lanes.post(lane, &first);
  first.entered.acquire();
  {
    HostTable table("n", &lanes, lane);
    const auto never = [](void*) noexcept { FAIL() << "a dropped function ran"; };
    for (int i = 0; i < 10; ++i) ASSERT_EQ(sched_of(table).post(table.get(), never, nullptr), HEDDLE_OK);
    ASSERT_NE(sched_of(table).after(table.get(), kFarAway, never, nullptr), 0u);
    table.stop_posted();
    EXPECT_EQ(sched_of(table).post(table.get(), never, nullptr), HEDDLE_EXHAUSTED);
    HostTable::take_failure();
  }
  first.go.release();
  lanes.post(lane, &last);  // comes up after all that waited
  last.go.release();
  last.left.acquire();
}

TEST(HostTable, LanesThatEndDropWhatWaitedWithoutALeak) {
  Plug plug;
  {
    Lanes lanes(1);
    const LaneId lane = default_lane(lanes);
    lanes.post(lane, &plug);
    plug.entered.acquire();
    {
      HostTable table("n", &lanes, lane);
      ASSERT_EQ(sched_of(table).post(
                    table.get(), [](void*) noexcept {}, nullptr),
                HEDDLE_OK);
    }
    plug.go.release();
  }
}

TEST(HostTable, TooManyPostedFunctionsAreRefused) {
  Lanes lanes(1);
  Plug plug;
  const LaneId lane = default_lane(lanes);
  lanes.post(lane, &plug);
  plug.entered.acquire();
  HostTable table("n", &lanes, lane);
  const auto nothing = [](void*) noexcept {};
  for (size_t i = 0; i < PostedWork::kMaxOutstanding; ++i) ASSERT_EQ(sched_of(table).post(table.get(), nothing, nullptr), HEDDLE_OK);
  EXPECT_EQ(sched_of(table).post(table.get(), nothing, nullptr), HEDDLE_EXHAUSTED);
  EXPECT_EQ(HostTable::take_failure()->code, "exhausted");
  EXPECT_EQ(sched_of(table).after(table.get(), 1, nothing, nullptr), 0u);
  HostTable::take_failure();
  plug.go.release();
  plug.left.acquire();
}

}  // namespace
}  // namespace heddle
