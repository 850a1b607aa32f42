// CheckPlan: the checks of one plugin file, and what they come to. Each is a process of its own, two at a time.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "check/plugin_check.h"
#include "result.h"

namespace heddle {

struct CheckOrder {
  std::string path;                              // of the plugin; of_host: of the hostile one
  bool of_host = false;                          // the checks of the host (host_check.h), not those of a plugin
  std::vector<std::string> only = {};            // names of checks; empty: all
  std::string type = {};                         // only this one of the types; empty: all
  std::map<std::string, std::string> params = {};  // of a type, as JSON
  uint64_t seed = 1;
  uint64_t limit_ms = 10'000;                    // for each
};

struct CheckAnswer {
  const PluginCheck* check = nullptr;
  std::string type = {};  // of a check of types
  Verdict verdict = {};
  uint64_t took_ms = 0;
  std::string again = {};  // the command that repeats it; empty unless it failed
};

// Answers in the order of the table, those of one check by type as the notes have them. Empty: `stop_fd` could be read (-1: there is none) before all were there; nothing is left behind.
std::optional<std::vector<CheckAnswer>> carry_out(const CheckOrder& order, int stop_fd);

// All there are of such an order, each behind that which it comes after.
std::span<const PluginCheck> checks_of(const CheckOrder& order);
const PluginCheck* find_check(const CheckOrder& order, std::string_view name);

// Carries one check out, here: for a debugger, and for the child that carry_out starts. `at` as in CheckSubject. The error: there is no such check or type.
Result<Verdict> carry_out_here(const CheckOrder& order, const std::string& check, const std::function<void(const std::string&)>& at);

}  // namespace heddle
