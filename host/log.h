// Lines for people, on stderr. Every line passes the redactor: no registered secret ever reaches it.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace heddle::log {

enum class Level : uint8_t { kDebug, kInfo, kWarn, kError, kOff };

// [any thread] Lines below `level` are dropped. Default: kWarn.
void set_level(Level level);
bool enabled(Level level);

// [any thread] One line. `who` is the node id or plugin name that speaks; empty: the host.
void write(Level level, std::string_view who, std::string_view message);

// [any thread] From here on every occurrence of `secret` in a line is written as "***", and a crash leaves no core file (core_files.h). Secrets of fewer than 4 bytes are ignored.
void redact(std::string secret);

// [any thread] `text` with every registered secret replaced by "***".
std::string redacted(std::string_view text);

struct Line {
  Level level;
  std::string_view who, message;  // redacted
};
std::string_view name_of(Level level);
// "heddle: warning: who: message".
std::string text_of(const Line& line);
// A place that lines go to instead of stderr while it is set (a progress bar that must be redrawn, a test). Null: stderr.
using Sink = void (*)(void* context, const Line& line);
void set_sink(Sink sink, void* context);

}  // namespace heddle::log
