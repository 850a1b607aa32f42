#include "check/host_promise.h"

#include <algorithm>

#include "plugin/plugin_text.h"
#include "value/json_value.h"

namespace heddle {
namespace {

using Share = HostPromise::Share;

constexpr char kPlugin[] = "heddle_hostile";
constexpr char kFault[] = "broke the contract";
constexpr size_t kLongestText = 2 * kMaxPluginText;
constexpr size_t kMostShown = 300;

bool has(std::string_view text, std::string_view words) { return text.find(words) != std::string_view::npos; }

// What a plugin says is in it, and a terminal may be steered by nothing of that.
bool is_fit(const std::string& text) {
  if (text.size() > kLongestText || repaired_utf8(text) != text) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if ((c < ' ' && c != '\n') || c == 0x7f) return false;
    if (c == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0) return false;
  }
  return true;
}

std::string shown(const std::string& text) { return "\"" + plugin_text(std::string_view(text).substr(0, kMostShown)) + (text.size() > kMostShown ? "…\"" : "\""); }

std::vector<int64_t> items_of(Share share, uint64_t given) {
  std::vector<int64_t> items;
  for (int64_t n = 1; n <= static_cast<int64_t>(given); ++n)
    if (share == Share::kAll || (share == Share::kOdd && n % 2 == 1) || (share == Share::kEven && n % 2 == 0)) items.push_back(n);
  return items;
}

std::string difference(const char* what, std::vector<int64_t> meant, const std::vector<int64_t>& came) {
  if (came == meant) return {};
  const std::string counts = std::string(what) + ": " + std::to_string(meant.size()) + " items were to come, " + std::to_string(came.size()) + " came";
  for (size_t i = 0; i < std::max(meant.size(), came.size()); ++i) {
    if (i < meant.size() && i < came.size() && meant[i] == came[i]) continue;
    return counts + "; at " + std::to_string(i + 1) + (i < meant.size() ? ", item " + std::to_string(meant[i]) + " was meant" : "") +
           (i < came.size() ? ", item " + std::to_string(came[i]) + " came" : "");
  }
  return counts;
}

std::string unfit_text(const HostObservation& seen) {
  const auto fault = [](const char* what, const std::string& text) { return is_fit(text) ? std::string() : std::string(what) + " is not fit to be shown: " + shown(text); };
  for (const std::string& line : seen.lines)
    if (std::string found = fault("a line of the log", line); !found.empty()) return found;
  for (const auto& failure : seen.failures) {
    if (std::string found = fault("a failure", failure.error.text()); !found.empty()) return found;
    if (std::string found = fault("the code of a failure", failure.error.code); !found.empty()) return found;
  }
  return seen.refused ? fault("the refusal", seen.refused->text()) : std::string();
}

std::string wrong_fault(const HostPromise& promise, const HostObservation& seen) {
  const bool is_meant = *promise.fault != '\0';
  bool is_said = false;
  for (const std::string& line : seen.lines) {
    if (!has(line, kFault)) continue;
    if (!is_meant) return "it was said that a rule was broken, and none was: " + shown(line);
    if (!has(line, kPlugin) || !has(line, "\"hostile\"")) return "the plugin and the node that broke a rule are not named: " + shown(line);
    is_said = is_said || has(line, promise.fault);
  }
  if (is_meant && !is_said) return std::string("it was not said that the plugin broke the rule: ") + promise.fault;
  return {};
}

std::string wrong_failures(const HostPromise& promise, const HostObservation& seen) {
  std::vector<int64_t> items;
  for (const auto& failure : seen.failures) {
    if (failure.node != "hostile") return "an item failed at the node \"" + failure.node + "\": " + shown(failure.error.text());
    if (promise.failed == Share::kNone) return "item " + std::to_string(failure.item) + " failed: " + shown(failure.error.text());
    if (!has(failure.error.text(), promise.failure) && failure.error.code != promise.failure)
      return std::string("a failure does not say \"") + promise.failure + "\": " + shown(failure.error.text());
    items.push_back(failure.item);
  }
  if (promise.failed == Share::kAny) return {};
  std::sort(items.begin(), items.end());
  return difference("failures", items_of(promise.failed, seen.given), items);
}

std::string wrong_refusal(const HostPromise& promise, const HostObservation& seen) {
  const bool is_meant = *promise.refusal != '\0';
  if (!is_meant && seen.refused) return "the run does not start: " + shown(seen.refused->text());
  if (is_meant && !seen.refused) return std::string("the run starts, and had to be refused: ") + promise.refusal;
  if (!is_meant) return {};
  const std::string text = seen.refused->text();
  if (!has(text, promise.refusal)) return std::string("the refusal does not say \"") + promise.refusal + "\": " + shown(text);
  return has(text, "hostile") ? std::string() : "the refusal does not name the node: " + shown(text);
}

std::string wrong_counts(const HostObservation& seen) {
  if (!seen.report.ok) return "the run failed: " + shown(seen.report.error.text());
  if (!seen.report.balanced) return "not every item is accounted for: what went into a connection did not come out of it";
  return {};
}

std::string left_behind(const HostObservation& seen) {
  if (seen.released > seen.given) return std::to_string(seen.released) + " items were freed, of " + std::to_string(seen.given);
  if (seen.released < seen.given) return std::to_string(seen.given - seen.released) + " of " + std::to_string(seen.given) + " items were never freed";
  if (seen.descriptors_after > seen.descriptors_before) return std::to_string(seen.descriptors_after - seen.descriptors_before) + " descriptors were left open";
  return {};
}

}  // namespace

std::string breach_of(const HostPromise& promise, const HostObservation& seen) {
  if (std::string found = unfit_text(seen); !found.empty()) return found;
  if (std::string found = wrong_refusal(promise, seen); !found.empty()) return found;
  if (seen.refused) return wrong_fault(promise, seen);
  if (!seen.ended) return "the run did not come to an end";
  if (std::string found = wrong_counts(seen); !found.empty()) return found;
  if (std::string found = wrong_failures(promise, seen); !found.empty()) return found;
  if (std::string found = wrong_fault(promise, seen); !found.empty()) return found;
  if (std::string found = difference("the node beside it", items_of(Share::kAll, seen.given), seen.beside); !found.empty()) return found;
  if (promise.passed != Share::kAny)
    if (std::string found = difference("the node after it", items_of(promise.passed, seen.given), seen.after); !found.empty()) return found;
  const bool is_said = std::any_of(seen.lines.begin(), seen.lines.end(), [&](const std::string& line) { return has(line, promise.line); });
  if (*promise.line && !is_said) return std::string("no line of the log says \"") + promise.line + "\"";
  if (seen.leaves_thread != promise.leaves_thread) return seen.leaves_thread ? "a thread hangs in the node" : "no thread hangs in the node, and one was to";
  return seen.leaves_thread ? std::string() : left_behind(seen);
}

}  // namespace heddle
