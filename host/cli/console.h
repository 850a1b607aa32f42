// The person at the terminal: lines on stderr, and one status line below them that is redrawn.
#pragma once
#include <mutex>
#include <string>
#include <string_view>

#include "cli/arguments.h"
#include "result.h"

namespace heddle {

// Writes all of `text`, also to a descriptor that is non-blocking. The error names the reason ("No space left on device"); code
// "closed-pipe" where the reader is gone, else "io". `written`, if given: how many bytes were, also before an error.
Result<void> write_all(int fd, std::string_view text, size_t* written = nullptr);

// Data on stdout. False after an error, which was said on stderr.
bool print(std::string_view text);

// One line on stderr, "heddle: <line>", secrets redacted.
void complain(std::string_view line);

// Whether to colour what goes to `fd`: the option, then NO_COLOR, then whether it is a terminal that can.
bool use_color(ColorMode mode, int fd);

// [any thread] Lines and the status line never mix. While one lives, the log goes through it.
class Console {
 public:
  // `json`: lines of the log are written as {"time":"2026-11-21T07:45:00.250Z","level":"warning","who":"…","message":"…"}. Otherwise they are text, and begin
  // with their priority where stderr is the journal's (sd-daemon(3)).
  explicit Console(bool json = false);
  ~Console();
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  void line(std::string_view text);    // "heddle: <text>"
  void raw(std::string_view text);     // as it is; ends in a newline
  void status(std::string_view text);  // replaces the status line; empty: removes it

 private:
  void write_above(std::string_view text);

  std::mutex mutex_;
  std::string status_;  // guarded by mutex_
};

// Columns of the terminal behind `fd`, or 80.
unsigned terminal_columns(int fd);

}  // namespace heddle
