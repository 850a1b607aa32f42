#include "cli/checkup.h"

#include <algorithm>

#include "cli/text_table.h"
#include "manifest/utf8.h"
#include "log.h"
#include "value/json_value.h"

namespace heddle {
namespace {

constexpr size_t kLevelWidth = 9, kCheckWidth = 14;

std::string padded(std::string_view text, size_t width) { return std::string(text) + std::string(text.size() < width ? width - text.size() : 1, ' '); }

const char* color_of(Finding::Level level) {
  switch (level) {
    case Finding::Level::kOk:
      return "\033[32m";
    case Finding::Level::kWarning:
      return "\033[33m";
    case Finding::Level::kError:
      return "\033[31m";
    case Finding::Level::kUnknown:
      break;
  }
  return "\033[2m";
}

}  // namespace

std::string_view name_of(Finding::Level level) {
  static constexpr std::string_view kNames[] = {"ok", "warning", "error", "unknown"};
  return kNames[static_cast<size_t>(level)];
}

bool Checkup::has_errors() const {
  return std::any_of(findings_.begin(), findings_.end(), [](const Finding& one) { return one.level == Finding::Level::kError; });
}

std::string Checkup::text(bool all, bool color) const {
  std::string out;
  for (const Finding& one : findings_) {
    const bool well = one.level == Finding::Level::kOk || one.level == Finding::Level::kUnknown;
    if (well && !all) continue;
    const std::string level = padded(name_of(one.level), kLevelWidth);
    out += (color ? color_of(one.level) + level + "\033[0m" : level) + padded(one.check, kCheckWidth) + printable(log::redacted(one.message)) + "\n";
    if (!one.remedy.empty()) out += std::string(kLevelWidth + kCheckWidth, ' ') + "-> " + printable(log::redacted(one.remedy)) + "\n";
  }
  return out;
}

std::string Checkup::json() const {
  std::vector<Value> rows;
  for (const Finding& one : findings_)
    rows.push_back(json_object({{"level", json_text(name_of(one.level))}, {"check", json_text(one.check)}, {"message", json_text(log::redacted(one.message))}, {"remedy", json_text(log::redacted(one.remedy))}}));
  return json_object({{"ok", Value::boolean(!has_errors())}, {"findings", Value::list(std::move(rows))}}).json() + "\n";
}

}  // namespace heddle
