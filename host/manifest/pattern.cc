#include "manifest/pattern.h"

namespace heddle {

Result<Pattern> Pattern::compile(const std::string& expression) {
  constexpr auto kGrammar = std::regex::ECMAScript;
  try {
    return Pattern(std::regex(expression, kGrammar | std::regex_constants::__polynomial));
  } catch (const std::regex_error& e) {
    if (e.code() != std::regex_constants::error_complexity) return refused(expression, e.what());
  }
  try {  // it has back-references, of which no matcher is fast
    return Pattern(std::regex(expression, kGrammar | std::regex::optimize));
  } catch (const std::regex_error& e) {
    return refused(expression, e.what());
  }
}

Error Pattern::refused(const std::string& expression, const char* why) {
  return Error("bad-pattern", "the pattern \"" + expression + "\" is no regular expression: " + why, ErrorClass::kConfig);
}

bool Pattern::matches(std::string_view text) const {
  if (text.size() > kLongestText) return false;
  try {
    return std::regex_search(text.begin(), text.end(), *regex_);
  } catch (const std::regex_error&) {  // too complex to be decided
    return false;
  }
}

}  // namespace heddle
