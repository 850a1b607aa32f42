// What `heddle check` says of a plugin: lines for people, one object for programs.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "check/check_plan.h"

namespace heddle {

struct CheckCount {
  size_t passed = 0, failed = 0, not_applicable = 0;
};
CheckCount count_answers(const std::vector<CheckAnswer>& answers);

// One line for each check; below it, for each failure, what was found, what to do, and how to repeat it. `all` false: the failures alone.
std::string check_text(const std::vector<CheckAnswer>& answers, bool all, bool verbose, bool color);
std::string check_json(const CheckOrder& order, const std::vector<CheckAnswer>& answers);

// The table of checks.
std::string check_list_text(std::span<const PluginCheck> checks);
std::string check_list_json(std::span<const PluginCheck> checks);

}  // namespace heddle
