// What a running host shows on a terminal, drawn anew each second.
#pragma once
#include <functional>
#include <optional>
#include <string>

#include "cli/exit_codes.h"

namespace heddle {

struct LiveView {
  std::function<std::optional<std::string>()> look;                // asks the host again; what went wrong, if it did
  std::function<std::string(size_t lines, size_t columns)> text;  // what the host said last: at most so many lines
};

// Until q or a signal ends it. A host that goes away leaves what it said last, with the reason below; it is asked again each second. Made before the first thread starts.
ExitCode watch_live(const LiveView& view);

// The first `lines` lines of `text` (0: all), each at most `columns` wide (0: as it is).
std::string fitted(const std::string& text, size_t lines, size_t columns);

}  // namespace heddle
