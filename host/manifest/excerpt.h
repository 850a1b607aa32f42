// The source line of a diagnostic, with a caret under the place meant.
#pragma once
#include <string>
#include <string_view>

#include "manifest/diagnostic.h"

namespace heddle {

struct Excerpt {
  std::string source;  // the line as a terminal can show it: tabs widened, control characters replaced, a window of it when it is long
  std::string caret;   // "    ^~~~", under it
};

// `span` lies in `text` or at its end; what goes on over several lines is shown on the first.
Excerpt excerpt(std::string_view text, Span span);

}  // namespace heddle
