// Any bytes as the configuration of a host: a configuration or at least one error; and every lane of it is one that the scheduler takes, and is
// read as it is written.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "serve/config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<heddle::ConfigText> texts;
  texts.emplace_back("/nonexistent/fuzz.json", std::string(text));
  const auto config = heddle::read_config(texts);
  const heddle::Diagnostics& diagnostics = texts[0].diagnostics;
  if (config.has_value() == diagnostics.has_errors()) std::abort();
  (void)diagnostics.text(true);
  (void)diagnostics.json();
  if (!config) return 0;
  if (config->listen.empty()) std::abort();
  for (const heddle::LaneSetup& setup : config->lanes) {
    if (!heddle::check(setup.lane)) std::abort();
    const auto again = heddle::read_lane_setup(heddle::lane_setup_json(setup).json(), heddle::default_setup(setup.lane.name));
    if (!again || !(heddle::lane_setup_json(*again) == heddle::lane_setup_json(setup))) std::abort();
  }
  return 0;
}
