// Times as people write and read them.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace heddle {

// "47 µs", "0.4 ms", "12 ms", "1.2 s", "3 min", "2 h", "5 d".
std::string brief_duration(double ms);

// "now", "12 s ago", "3 min ago", "2 h ago", "in 5 min"; what is more than a month away is a date. Both are Unix milliseconds.
std::string relative_time(uint64_t then_ms, uint64_t now_ms);

// "2026-11-21 07:45:01", local time.
std::string local_time(uint64_t unix_ms);
// "2026-11-21T07:45:01.250Z".
std::string utc_time(uint64_t unix_ms);
// "07:45:01.250", local time.
std::string local_clock(uint64_t unix_ms);

// The date of what is made now, in UTC, as strftime(3) writes it; with SOURCE_DATE_EPOCH in the environment that one, so that it can be made again alike.
std::string utc_date(const char* format);

// Milliseconds of "1500", "250ms", "30s", "5m", "2h", "1d"; empty: it is none of that, or too long to count.
std::optional<uint64_t> read_duration(std::string_view text);

// Unix milliseconds of "1795246000000", "2026-11-21T07:45:00Z", "2026-11-21T07:45:00+01:00", or "2026-11-21 07:45" (local time); empty: it is none of that.
std::optional<uint64_t> read_time(std::string_view text);

}  // namespace heddle
