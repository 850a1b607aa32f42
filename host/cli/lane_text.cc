#include "cli/lane_text.h"

#include <cmath>
#include <cstdio>

#include "cli/members.h"
#include "cli/progress.h"
#include "cli/text_table.h"
#include "cli/time_text.h"
#include "manifest/utf8.h"

namespace heddle {
namespace {

std::string rate_text(const LaneRates& rates, const std::string& lane) {
  const auto found = rates.find(lane);
  if (found == rates.end()) return "-";
  if (found->second >= 100) return grouped(static_cast<uint64_t>(found->second));
  char text[16];
  std::snprintf(text, sizeof text, "%.1f", found->second);
  return text;
}

std::string running_text(const Value& lane) {
  const uint64_t most = count_member(lane, "max_concurrency");  // absent: no limit
  return std::to_string(count_member(lane.find("stats"), "running")) + (most ? "/" + std::to_string(most) : "");
}

std::string time_at(const Value& times, const char* key) {
  if (count_member(times, "count") == 0) return "-";
  return brief_duration(times.find(key).as_float().value_or(0));
}

std::string age_text(const Value& stats) {
  if (count_member(stats, "waiting") == 0) return "-";
  return brief_duration(static_cast<double>(count_member(stats, "oldest_waiting_ms")));
}

std::string note_of(const Value& stats) {
  const std::string paused = flag_member(stats, "paused") ? "paused" : "";
  if (!flag_member(stats, "under_pressure")) return paused;
  return paused + (paused.empty() ? "" : ", ") + "under pressure";
}

void add_members(std::string& out, const Value& map, const std::string& prefix) {
  for (size_t i = 0; i < map.size(); ++i) {
    std::string_view key;
    const Value value = map.at(i, &key);
    const std::string name = prefix + std::string(key);
    if (value.kind() == HEDDLE_MAP) {
      add_members(out, value, name + ".");
      continue;
    }
    const std::string text(value.as_text() ? std::string(*value.as_text()) : value.json());
    out.append(name).append(name.size() < 28 ? 28 - name.size() : 1, ' ').append(printable(text)).append("\n");
  }
}

}  // namespace

std::string lane_table(const Value& lanes, const LaneRates& rates, size_t columns) {
  using enum TextTable::Align;
  TextTable table({{"LANE", kLeft, true}, {"PRIO", kRight}, {"WAITING", kRight}, {"RUNNING", kRight}, {"PER S", kRight}, {"P50", kRight}, {"P95", kRight},
                   {"P99", kRight}, {"DEAD", kRight}, {"OLDEST", kRight}, {"NOTE", kLeft, true}});
  for (size_t i = 0; i < lanes.size(); ++i) {
    const Value lane = lanes.at(i), stats = lane.find("stats"), ran = lane.find("ran");
    const std::string name = text_member(lane, "name");
    table.add({name, std::to_string(count_member(lane, "priority")), grouped(count_member(stats, "waiting")), running_text(lane), rate_text(rates, name), time_at(ran, "p50_ms"),
               time_at(ran, "p95_ms"), time_at(ran, "p99_ms"), grouped(count_member(lane.find("counts"), "dead_lettered")), age_text(stats), note_of(stats)});
  }
  return table.text(columns);
}

std::string lane_detail(const Value& lane) {
  std::string out;
  add_members(out, lane, "");
  return out;
}

}  // namespace heddle
