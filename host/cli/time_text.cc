#include "cli/time_text.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "clock.h"

namespace heddle {
namespace {

constexpr double kSecond = 1000, kMinute = 60 * kSecond, kHour = 60 * kMinute, kDay = 24 * kHour;

// Below 10 with one decimal, if that says something; never rounded up, so that no "60 s" comes out.
std::string with_unit(double amount, const char* unit) {
  const double tenths = std::floor(amount * 10 + 1e-6);
  const bool decimal = amount < 10 && std::fmod(tenths, 10) != 0;
  char text[40];
  std::snprintf(text, sizeof text, decimal ? "%.1f %s" : "%.0f %s", decimal ? tenths / 10 : std::floor(amount + 1e-6), unit);
  return text;
}

// One unit, whole: what an age needs.
std::string whole(double ms) {
  if (ms < kMinute) return with_unit(std::floor(ms / kSecond), "s");
  if (ms < kHour) return with_unit(std::floor(ms / kMinute), "min");
  return ms < 2 * kDay ? with_unit(std::floor(ms / kHour), "h") : with_unit(std::floor(ms / kDay), "d");
}

std::string formatted(uint64_t unix_ms, const char* format) {
  const time_t seconds = static_cast<time_t>(unix_ms / 1000);
  tm parts{};
  char text[64];
  if (!::localtime_r(&seconds, &parts)) return "?";
  return std::string(text, std::strftime(text, sizeof text, format, &parts));
}

// ".007"
std::string fraction(uint64_t unix_ms) {
  char text[8];
  std::snprintf(text, sizeof text, ".%03u", static_cast<unsigned>(unix_ms % 1000));
  return text;
}

std::optional<uint64_t> whole_number(std::string_view text) {
  uint64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  return error == std::errc() && end == text.data() + text.size() && !text.empty() ? std::optional(n) : std::nullopt;
}

}  // namespace

std::string brief_duration(double ms) {
  if (ms > 0 && ms < 0.1) return with_unit(ms * 1000, "µs");
  if (ms < kSecond) return with_unit(ms, "ms");
  if (ms < kMinute) return with_unit(ms / kSecond, "s");
  return whole(ms);
}

std::string relative_time(uint64_t then_ms, uint64_t now_ms) {
  const bool past = then_ms <= now_ms;
  const auto away = static_cast<double>(past ? now_ms - then_ms : then_ms - now_ms);
  if (away > 31 * kDay) return formatted(then_ms, "%Y-%m-%d");
  if (away < kSecond) return "now";
  return past ? whole(away) + " ago" : "in " + whole(away);
}

std::string local_time(uint64_t unix_ms) { return formatted(unix_ms, "%Y-%m-%d %H:%M:%S"); }

std::string utc_time(uint64_t unix_ms) {
  const auto seconds = static_cast<time_t>(unix_ms / 1000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  return std::string(text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts)) + fraction(unix_ms) + "Z";
}

std::string local_clock(uint64_t unix_ms) { return formatted(unix_ms, "%H:%M:%S") + fraction(unix_ms); }

std::string utc_date(const char* format) {
  const char* const stated = std::getenv("SOURCE_DATE_EPOCH");
  const std::optional<uint64_t> number = whole_number(stated ? stated : "");
  const time_t when = number ? static_cast<time_t>(*number) : unix_now();
  tm parts{};
  ::gmtime_r(&when, &parts);
  char text[128];
  return std::string(text, std::strftime(text, sizeof text, format, &parts));
}

std::optional<uint64_t> read_duration(std::string_view text) {
  struct Unit {
    std::string_view name;
    double ms;
  };
  constexpr Unit kUnits[] = {{"", 1}, {"ms", 1}, {"s", kSecond}, {"m", kMinute}, {"min", kMinute}, {"h", kHour}, {"d", kDay}};
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::optional<uint64_t> amount = whole_number(text.substr(0, digits));
  for (const Unit& unit : kUnits) {
    if (amount && unit.name == text.substr(digits) && static_cast<double>(*amount) * unit.ms < 1e15) return *amount * static_cast<uint64_t>(unit.ms);
  }
  return std::nullopt;
}

std::optional<uint64_t> read_time(std::string_view text) {
  if (const auto number = whole_number(text)) return number;
  const std::string copy(text);
  for (const char* const format : {"%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"}) {
    tm parts{};
    const char* const end = ::strptime(copy.c_str(), format, &parts);
    if (!end || *end) continue;
    const long offset = parts.tm_gmtoff;
    parts.tm_isdst = -1;
    const time_t seconds = std::string_view(format).ends_with("%z") ? ::timegm(&parts) - offset : ::mktime(&parts);
    if (seconds >= 0) return static_cast<uint64_t>(seconds) * 1000;
  }
  return std::nullopt;
}

}  // namespace heddle
