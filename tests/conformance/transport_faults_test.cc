// A transport that breaks the rules is named with each of them, and does not take the host with it.
#include "served.h"

namespace heddle {
namespace {

TEST(TransportFaults, EveryBrokenRuleIsNamed) {
  const Catalog catalog = Catalog::scan({HEDDLE_BROKEN_PLUGINS});
  const CatalogEntry entry = catalog.find("transport", "broken");
  ASSERT_TRUE(entry.type);
  std::vector<std::string> faults;
  auto made = TransportHandle::create(entry, "api", *Value::parse("{}"), nullptr, LaneId{0}, [&](std::string_view rule) { faults.emplace_back(rule); });
  ASSERT_TRUE(made) << made.error().text();

  ListenLimits limits;
  limits.requests = 1;
  std::vector<Request> kept;
  bool gone = false;
  int told = 0;
  const heddle_id listener = (*made)->listen(
      {"nowhere", limits, {{"known", "GET", "/known"}}},
      [&](Request r) {
        r.on_gone([&] { gone = true; });
        kept.push_back(std::move(r));
      },
      [&](Result<std::string> endpoint) {
        EXPECT_TRUE(endpoint);
        ++told;
      });
  EXPECT_EQ(told, 1);
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_FALSE(gone);
  bool closed = false;
  (*made)->close(listener, 0, [&](Result<void> result) { closed = static_cast<bool>(result); });
  EXPECT_TRUE(closed);
  EXPECT_TRUE(gone);
  EXPECT_EQ(kept[0].answer(Value::null()), Sent::kGone);

  const std::vector<std::string> wanted = {
      "it delivered a request for the listener 2, which does not exist",
      "it delivered a request for \"unheard-of\", which was not offered",
      "it delivered two requests as exchange 4",
      "it said that exchange 4 is over, which is not open",
      "it granted room in exchange 4, which is not open",
      "the listener 1 was lost: the cable is cut",
      "it completed an operation twice",
      "it closed a listener, and never said that 1 of its exchanges are over",
  };
  EXPECT_EQ(faults, wanted);
}

// Whatever it does wrong, a call is answered once, and a stream ends once.
TEST(TransportFaults, ACallIsAnsweredOnceWhateverTheTransportDoes) {
  const Catalog catalog = Catalog::scan({HEDDLE_BROKEN_PLUGINS});
  std::vector<std::string> faults;
  auto made = TransportHandle::create(catalog.find("transport", "broken"), "calls", *Value::parse("{}"), nullptr, LaneId{0},
                                      [&](std::string_view rule) { faults.emplace_back(rule); });
  ASSERT_TRUE(made) << made.error().text();
  std::unique_ptr<Channel> channel;
  (*made)->connect({.endpoint = "nowhere", .operations = {}}, [&](Result<std::unique_ptr<Channel>> connected) { channel = *std::move(connected); });
  ASSERT_TRUE(channel);
  struct Row {
    const char* operation;
    bool streams;
    std::string answer, end;
    std::vector<std::string> faults;
  };
  const Row rows[] = {
      {"never-answered", false, "the transport gave no reason", "", {"it said that a call is over well, and never answered it", "it said that call 3 is over, which is not open", "it answered a call that is not open (call 3)"}},
      {"answered-twice", false, "fine", "", {"it answered a call twice (call 5)", "it ended a stream twice, or none (call 5)", "it said that call 5 is over, which is not open", "it answered a call that is not open (call 5)"}},
      {"streamed", false, "the transport answered with parts where none were asked for", "", {"it answered with parts where none were asked for (call 7)", "it said that call 7 is over, which is not open", "it answered a call that is not open (call 7)"}},
      {"streamed", true, "fine", "the transport delivered a part without credit", {"it delivered a part without credit (call 9)", "it said that call 9 is over, which is not open", "it answered a call that is not open (call 9)"}},
  };
  for (const Row& row : rows) {
    faults.clear();
    std::vector<std::string> answers, ends;
    int parts = 0;
    Hearing hearing;
    hearing.answered = [&](const RemoteAnswer& a) { answers.push_back(a.is_ok() ? "fine" : a.why.text()); };
    hearing.credit = 1;
    if (row.streams) hearing.part = [&](const Value&) { ++parts; };
    if (row.streams) hearing.ended = [&](const Result<void>& r) { ends.push_back(r ? "well" : r.error().text()); };
    channel->call({.operation = row.operation}, hearing);
    EXPECT_EQ(answers, std::vector<std::string>{row.answer}) << row.operation;
    EXPECT_EQ(ends, row.streams ? std::vector<std::string>{row.end} : std::vector<std::string>()) << row.operation;
    EXPECT_EQ(parts, row.streams ? 1 : 0);
    EXPECT_EQ(faults, row.faults) << row.operation;
  }
  faults.clear();
  std::string answer;
  channel->call({.operation = "never-over"}, {.answered = [&](const RemoteAnswer& a) { answer = a.why.text(); }});
  EXPECT_EQ(answer, "");
  channel->disconnect([](const Result<void>&) {});
  EXPECT_EQ(answer, "the channel is disconnected");
  EXPECT_EQ(faults, std::vector<std::string>{"it disconnected a channel, and never said that 1 of its calls are over"});
}

TEST(TransportFaults, AListenerThatDoesNotExistCannotBeClosed) {
  const Catalog catalog = Catalog::scan({HEDDLE_OUR_PLUGINS});
  auto made = TransportHandle::create(catalog.find("transport", "http"), "api", *Value::parse("{}"), nullptr, LaneId{0});
  ASSERT_TRUE(made);
  bool activated = false;
  (*made)->activate([&](Result<void> result) { activated = static_cast<bool>(result); });
  EXPECT_TRUE(activated);
  bool closed = true;
  (*made)->close(77, 0, [&](Result<void> result) { closed = static_cast<bool>(result); });
  EXPECT_FALSE(closed);  // there is no such listener
}

}  // namespace
}  // namespace heddle
