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
