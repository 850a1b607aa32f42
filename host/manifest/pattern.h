// A regular expression of a JSON Schema, made safe to run on any text: the time it takes grows with the text times the expression, also for "(a+)+$". Only one with back-references may take long.
#pragma once
#include <memory>
#include <regex>
#include <string>
#include <string_view>

#include "result.h"

namespace heddle {

class Pattern {
 public:
  // std::regex recurses per character: a longer text could exhaust the stack. It never matches.
  static constexpr size_t kLongestText = 4096;

  static Result<Pattern> compile(const std::string& expression);
  // [any] Anywhere in the text, as JSON Schema has it.
  bool matches(std::string_view text) const;

 private:
  static Error refused(const std::string& expression, const char* why);
  explicit Pattern(std::regex regex) : regex_(std::make_shared<const std::regex>(std::move(regex))) {}
  std::shared_ptr<const std::regex> regex_;
};

}  // namespace heddle
