#include "log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <vector>

#include "core_files.h"

namespace heddle::log {
namespace {

constexpr size_t kShortestSecret = 4;

struct State {
  std::mutex mutex;
  std::vector<std::string> secrets;  // guarded by mutex
  Sink sink = nullptr;               // guarded by mutex
  void* context = nullptr;           // guarded by mutex
  std::atomic<Level> level{Level::kWarn};
};

State& state() {
  static State s;
  return s;
}

spdlog::logger& logger() {
  static spdlog::logger l = [] {
    spdlog::logger made("heddle", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    made.set_pattern("%v");
    made.set_level(spdlog::level::trace);
    return made;
  }();
  return l;
}

}  // namespace

std::string_view name_of(Level level) {
  switch (level) {
    case Level::kDebug: return "debug";
    case Level::kInfo: return "info";
    case Level::kWarn: return "warning";
    default: return "error";
  }
}

void set_level(Level level) { state().level.store(level, std::memory_order_relaxed); }

bool enabled(Level level) { return level >= state().level.load(std::memory_order_relaxed); }

std::string text_of(const Line& line) {
  std::string text = "heddle: ";
  text.append(name_of(line.level)).append(": ");
  if (!line.who.empty()) text.append(line.who).append(": ");
  return text.append(line.message);
}

void write(Level level, std::string_view who, std::string_view message) {
  if (!enabled(level)) return;
  const std::string shown = redacted(message);
  const Line line = {level, who, shown};
  Sink sink;
  void* context;
  {
    std::lock_guard lock(state().mutex);
    sink = state().sink;
    context = state().context;
  }
  if (sink) sink(context, line);
  else logger().info(text_of(line));
}

void redact(std::string secret) {
  if (secret.size() < kShortestSecret) return;
  leave_no_core_file();
  std::lock_guard lock(state().mutex);
  std::vector<std::string>& secrets = state().secrets;
  if (std::find(secrets.begin(), secrets.end(), secret) == secrets.end()) secrets.push_back(std::move(secret));  // a configuration is read again and again
}

std::string redacted(std::string_view text) {
  std::string out(text);
  std::lock_guard lock(state().mutex);
  for (const std::string& secret : state().secrets) {
    for (size_t at = out.find(secret); at != std::string::npos; at = out.find(secret, at + 3)) out.replace(at, secret.size(), "***");
  }
  return out;
}

void set_sink(Sink sink, void* context) {
  std::lock_guard lock(state().mutex);
  state().sink = sink;
  state().context = context;
}

}  // namespace heddle::log
