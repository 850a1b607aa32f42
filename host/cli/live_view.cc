#include "cli/live_view.h"

#include "cli/live_screen.h"
#include "cli/text_table.h"
#include "clock.h"
#include "manifest/utf8.h"

namespace heddle {
namespace {

constexpr uint64_t kEveryNs = kNsPerSecond;
constexpr const char* kBelow = "q ends";

}  // namespace

ExitCode watch_live(const LiveView& view) {
  LiveScreen screen;
  std::string below = kBelow;
  uint64_t seen_ns = now_ns();
  for (uint64_t next = seen_ns + kEveryNs;;) {
    const LiveScreen::Size size = screen.size();
    const std::string text = view.text(size.lines > 1 ? size.lines - 1 : 1, size.columns);
    if (!screen.draw(text + cut_to(printable(below), size.columns))) return ExitCode::kIo;
    switch (screen.wait(next)) {
      case LiveScreen::Event::kStop:
        return screen.stopped_by() == SIGTERM ? ExitCode::kTerminated : screen.stopped_by() == SIGINT ? ExitCode::kInterrupted : ExitCode::kIo;
      case LiveScreen::Event::kKey:
        if (screen.key() == 'q' || screen.key() == 'Q') return ExitCode::kOk;
        break;
      case LiveScreen::Event::kResized:
        break;
      case LiveScreen::Event::kTime:
        const std::optional<std::string> failed = view.look();
        if (!failed) seen_ns = now_ns();
        below = failed ? std::string(kBelow) + "; since " + std::to_string((now_ns() - seen_ns) / kNsPerSecond) + " s: " + *failed : kBelow;
        next = now_ns() + kEveryNs;
    }
  }
}

std::string fitted(const std::string& text, size_t lines, size_t columns) {
  std::string out;
  size_t begin = 0;
  for (size_t line = 0; begin < text.size() && (lines == 0 || line < lines); ++line) {
    const size_t end = text.find('\n', begin);
    const std::string_view one = std::string_view(text).substr(begin, end - begin);
    out += (columns ? cut_to(one, columns) : std::string(one)) + "\n";
    begin = end + 1;
  }
  return out;
}

}  // namespace heddle
