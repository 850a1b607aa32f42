#include "cli/progress.h"

#include <algorithm>
#include <cmath>

#include "clock.h"

namespace heddle {
namespace {

constexpr double kSmoothingSeconds = 2.0;
constexpr unsigned kNarrowestBar = 10, kWidestBar = 30;

std::string counted(uint64_t n, const char* noun) { return grouped(n) + " " + noun + (n == 1 ? "" : "s"); }

std::string bar(double part, unsigned width) {
  unsigned full = static_cast<unsigned>(part * width);
  std::string inside(full, '=');
  if (full < width) inside += '>';
  inside.resize(width, ' ');
  return "[" + inside + "] ";
}

}  // namespace

std::string grouped(uint64_t n) {
  std::string digits = std::to_string(n);
  for (size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, 1, ',');
  return digits;
}

std::string short_duration(uint64_t seconds) {
  auto two = [](uint64_t n) { return std::string(n < 10 ? "0" : "").append(std::to_string(n)); };
  if (seconds >= 3600) return std::to_string(seconds / 3600) + ":" + two(seconds / 60 % 60) + ":" + two(seconds % 60);
  return std::to_string(seconds / 60) + ":" + two(seconds % 60);
}

std::string progress_bar(const ProgressView& view, unsigned columns) {
  std::string text = counted(view.counts.input_items, "item") + "  " + grouped(static_cast<uint64_t>(view.items_per_second)) + "/s";
  if (view.counts.errors) text += "  " + counted(view.counts.errors, "error");
  if (!view.input_bytes || *view.input_bytes == 0) return (short_duration(view.elapsed_ns / kNsPerSecond) + "  " + text).substr(0, columns);
  double part = std::min(1.0, static_cast<double>(view.bytes_read) / static_cast<double>(*view.input_bytes));
  if (part > 0) {
    double seconds = static_cast<double>(view.elapsed_ns) / kNsPerSecond * (1 - part) / part;
    text += "  ETA " + short_duration(static_cast<uint64_t>(std::ceil(seconds)));
  }
  std::string percent = std::to_string(static_cast<unsigned>(part * 100)) + " %";
  text.insert(0, std::string(5 - percent.size(), ' ').append(percent).append("  "));
  unsigned room = columns > text.size() + 3 ? columns - static_cast<unsigned>(text.size()) - 3 : 0;
  if (room >= kNarrowestBar) text.insert(0, bar(part, std::min(room, kWidestBar)));
  return text.substr(0, columns);
}

std::string progress_line(const ProgressView& view) {
  return counted(view.counts.input_items, "item") + " read, " + grouped(view.counts.output_items) + " written, " +
         counted(view.counts.errors, "error") + ", " + grouped(static_cast<uint64_t>(view.items_per_second)) + " items/s";
}

double CounterRate::update(uint64_t count, uint64_t now_ns) {
  double seconds = static_cast<double>(now_ns - at_ns_) / kNsPerSecond;
  if (seen_ && seconds > 0) {
    double latest = static_cast<double>(count - count_) / seconds;
    double weight = at_first_ ? 1.0 : 1 - std::exp(-seconds / kSmoothingSeconds);
    per_second_ += weight * (latest - per_second_);
    at_first_ = false;
  }
  seen_ = true;
  count_ = count;
  at_ns_ = now_ns;
  return per_second_;
}

}  // namespace heddle
