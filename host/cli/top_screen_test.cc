#include "cli/top_screen.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "cli/text_table.h"
#include "clock.h"

namespace heddle {
namespace {

TopSample sample(uint64_t completed) {
  TopSample out;
  out.address = "http://127.0.0.1:7433";
  out.host = *Value::parse(R"({"version":"0.1.0","pid":42,"started_ms":1795235200000})");
  out.lanes = *Value::parse(R"([{"name":"system","priority":0,"max_concurrency":5,"stats":{"completed":)" + std::to_string(completed) + R"(,"waiting":4,"delayed":1,"running":1},"counts":{"dead_lettered":2}}])");
  out.running = *Value::parse(R"([{"id":7,"lane":"system","type":"resize","attempt":1,"started_ms":1795245998800,"progress":{"percent":40.7,"message":"half way"}}])");
  out.at_ms = 1'795'246'000'000;
  return out;
}

TEST(TopScreen, ShowsTheHostItsLanesAndWhatRuns) {
  const std::string text = top_screen(sample(0), {}, 0, 0);
  for (const char* const part : {"heddle 0.1.0 at http://127.0.0.1:7433, pid 42, up 3 h", "1 running, 4 waiting, 1 for later, 2 dead\n", "system", "1/5",
                                 "  7  system  resize    1     1.2 s  40 % half way\n"})
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
}

TEST(TopScreen, FitsTheTerminal) {
  for (size_t lines : {1, 3, 6, 24}) {
    for (size_t columns : {5, 20, 80}) {
      const std::string text = top_screen(sample(0), {}, lines, columns);
      EXPECT_LE(static_cast<size_t>(std::count(text.begin(), text.end(), '\n')), lines);
      for (size_t begin = 0; begin < text.size(); begin = text.find('\n', begin) + 1)
        EXPECT_LE(width_of(std::string_view(text).substr(begin, text.find('\n', begin) - begin)), columns);
    }
  }
}

TEST(TopScreen, RatesNeedTwoSamples) {
  TopRates rates;
  rates.update(sample(100), kNsPerSecond);
  EXPECT_TRUE(rates.rates().empty());
  rates.update(sample(150), 2 * kNsPerSecond);
  EXPECT_EQ(rates.rates().at("system"), 50);
}

}  // namespace
}  // namespace heddle
