#include "cli/top_screen.h"

#include "cli/live_view.h"
#include "cli/members.h"
#include "cli/text_table.h"
#include "cli/time_text.h"
#include "manifest/utf8.h"

namespace heddle {
namespace {

std::string heading(const TopSample& sample) {
  std::string out = "heddle " + text_member(sample.host, "version") + " at " + sample.address;
  if (const uint64_t pid = count_member(sample.host, "pid")) out += ", pid " + std::to_string(pid);
  if (const uint64_t started = count_member(sample.host, "started_ms"); started && started <= sample.at_ms)
    out += ", up " + brief_duration(static_cast<double>(sample.at_ms - started));
  return out + "   " + local_time(sample.at_ms);
}

std::string totals(const TopSample& sample) {
  uint64_t waiting = 0, running = 0, delayed = 0, dead = 0;
  for (size_t i = 0; i < sample.lanes.size(); ++i) {
    const Value lane = sample.lanes.at(i), stats = lane.find("stats");
    waiting += count_member(stats, "waiting");
    running += count_member(stats, "running");
    delayed += count_member(stats, "delayed");
    dead += count_member(lane.find("counts"), "dead_lettered");
  }
  return grouped(running) + " running, " + grouped(waiting) + " waiting, " + grouped(delayed) + " for later, " + grouped(dead) + " dead";
}

std::string running_table(const TopSample& sample, size_t columns) {
  using enum TextTable::Align;
  TextTable table({{"JOB", kRight}, {"LANE", kLeft, true}, {"TYPE", kLeft, true}, {"TRY", kRight}, {"RUNS FOR", kRight}, {"PROGRESS", kLeft, true}});
  for (size_t i = 0; i < sample.running.size(); ++i) {
    const Value job = sample.running.at(i), progress = job.find("progress");
    const uint64_t started = count_member(job, "started_ms");
    const std::string percent = progress ? std::to_string(static_cast<int>(progress.find("percent").as_float().value_or(0))) + " % " + text_member(progress, "message") : "";
    table.add({std::to_string(count_member(job, "id")), text_member(job, "lane"), text_member(job, "type"), std::to_string(count_member(job, "attempt")),
               started && started <= sample.at_ms ? brief_duration(static_cast<double>(sample.at_ms - started)) : "-", percent});
  }
  return table.empty() ? "nothing runs now\n" : table.text(columns);
}

}  // namespace

void TopRates::update(const TopSample& sample, uint64_t now_ns) {
  for (size_t i = 0; i < sample.lanes.size(); ++i) {
    const Value lane = sample.lanes.at(i);
    const std::string name = text_member(lane, "name");
    const double rate = by_lane_[name].update(count_member(lane.find("stats"), "completed"), now_ns);
    if (seen_) rates_[name] = rate;
  }
  seen_ = true;
}

std::string top_screen(const TopSample& sample, const LaneRates& rates, size_t lines, size_t columns) {
  const std::string text = printable(heading(sample)) + "\n" + totals(sample) + "\n\n" + lane_table(sample.lanes, rates, columns) + "\n" + running_table(sample, columns);
  return fitted(text, lines, columns);
}

}  // namespace heddle
