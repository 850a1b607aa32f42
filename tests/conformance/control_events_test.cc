// The events of the control as a peer hears them.
#include <gtest/gtest.h>

#include <thread>

#include "controlled.h"

namespace heddle {
namespace {

struct Heard {
  std::string event, id;
  Value data;
  int64_t number(std::string_view name) const {
    const Value found = data ? data.find(name) : Value();
    return found ? found.as_int().value_or(-1) : -1;
  }
};

class Subscriber {
 public:
  Subscriber(int port, const std::string& query, int receive_buffer = 0) : peer_(port, receive_buffer) {
    peer_.ask("GET /v1/events" + query);
    const Reply head = peer_.head();
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(head.header("content-type"), "text/event-stream");
  }
  // Empty event: the stream is over.
  Heard next() {
    size_t end;
    while ((end = text_.find("\n\n")) == text_.npos) {
      const std::string more = peer_.chunk();
      if (more.empty()) return {};
      text_ += more;
    }
    const std::string one = text_.substr(0, end + 1);
    text_.erase(0, end + 2);
    const auto field = [&](const std::string& name) {
      const size_t at = one.find(name + ": ");
      return at == one.npos ? "" : one.substr(at + name.size() + 2, one.find('\n', at) - at - name.size() - 2);
    };
    auto data = Value::parse(field("data"));
    return {field("event"), field("id"), data ? *std::move(data) : Value()};
  }
  Peer& peer() { return peer_; }

 private:
  Peer peer_;
  std::string text_;
};

TEST(ControlEvents, TellWhatHappensToAJob) {
  Controlled host;
  Subscriber events(host.served->port, "?prefix=queue.job.");
  const int64_t id = host.submit(R"({"type":"report","lane":"skill"})");
  uint64_t last = 0;
  for (const char* key : {"queue.job.submitted", "queue.job.started", "queue.job.progress", "queue.job.completed"}) {
    const Heard heard = events.next();
    EXPECT_EQ(heard.event, key);
    EXPECT_EQ(heard.number("job"), id);
    EXPECT_EQ(heard.data.find("lane").as_text(), "skill");
    EXPECT_GT(std::stoull(heard.id), last);
    last = std::stoull(heard.id);
    if (heard.event == "queue.job.progress") {
      EXPECT_EQ(heard.data.find("percent").as_float(), 50);
      EXPECT_EQ(heard.data.find("message").as_text(), "half way");
    }
  }
}

TEST(ControlEvents, AreFilteredByLaneAndJob) {
  Controlled host;
  Subscriber lane(host.served->port, "?lane=prompt&prefix=queue.job.completed");
  const int64_t other = host.submit(R"({"type":"echo","lane":"skill"})");
  host.over(other);
  const int64_t held = host.submit(R"({"type":"hold","lane":"prompt"})");
  Subscriber job(host.served->port, "?job=" + std::to_string(held));
  host.release_all();
  EXPECT_EQ(lane.next().number("job"), held);
  for (Heard heard = job.next(); heard.event != "queue.job.completed"; heard = job.next()) ASSERT_EQ(heard.number("job"), held);
  for (const char* query : {"?jb=1", "?job=x", "?job=0", "?last-event-id=x", "?lane="}) EXPECT_EQ(host.ask(std::string("GET /v1/events") + query).status, 400) << query;
}

TEST(ControlEvents, WhoComesAgainIsToldThatItMissedSome) {
  Controlled host;
  Subscriber events(host.served->port, "?last-event-id=41");
  const Heard gap = events.next();
  EXPECT_EQ(gap.event, "gap");
  EXPECT_EQ(gap.number("from"), 42);
  EXPECT_TRUE(gap.data.find("lost").is_null());
  Peer again(host.served->port);
  again.ask("GET /v1/events", "Last-Event-ID: 17\r\n");
  EXPECT_EQ(again.head().status, 200);
  EXPECT_NE(again.chunk().find("\"from\":18"), std::string::npos);
}

// Every number is either heard or in a gap, and the jobs are done while it does not read.
TEST(ControlEvents, WhoDoesNotReadLosesExactlyWhatItIsToldAndSlowsNobody) {
  Controlled host;
  Subscriber slow(host.served->port, "?prefix=queue.job.submitted", 4096);
  Subscriber all(host.served->port, "?prefix=queue.job.submitted");
  const std::string type(200, 't');
  host.jobs.add_type(type, [](JobRun run) { run.complete(Value::null()); });
  constexpr int kJobs = 60'000;
  host.jobs.set_policy(*host.lanes.find("default"), {.alerts = {.depth = {}}});  // so many at once are meant here
  std::atomic<int> heard{0};
  std::thread reading([&] {
    int counted = 0;
    while (counted < kJobs) {
      const Heard one = all.next();
      if (one.event.empty()) break;
      counted += one.event == "gap" ? static_cast<int>(one.number("lost")) : 1;
      if (one.event != "gap") ++heard;
    }
    EXPECT_EQ(counted, kJobs);
  });
  for (int i = 0; i < kJobs; ++i) ASSERT_TRUE(host.jobs.submit({.type = type}));
  reading.join();
  int counted = 0, gaps = 0;
  uint64_t last = 0;
  while (counted < kJobs) {
    const Heard one = slow.next();
    ASSERT_FALSE(one.event.empty());
    if (one.event == "gap") {
      ++gaps;
      counted += static_cast<int>(one.number("lost"));
      ASSERT_GT(static_cast<uint64_t>(one.number("from")), last);
      last = static_cast<uint64_t>(one.number("to"));
    } else {
      ++counted;
      ASSERT_GT(std::stoull(one.id), last);
      last = std::stoull(one.id);
    }
  }
  EXPECT_EQ(counted, kJobs);
  EXPECT_GT(gaps, 0);
}

TEST(ControlEvents, WhoLeavesIsForgottenAndWhoStaysIsToldOfTheEnd) {
  Controlled host;
  for (int i = 0; i < 20; ++i) Subscriber(host.served->port, "").peer().hang_up();
  Subscriber stays(host.served->port, "");
  host.control.close_streams();
  EXPECT_EQ(stays.next().event, "");
  host.submit(R"({"type":"echo"})");
}

}  // namespace
}  // namespace heddle
