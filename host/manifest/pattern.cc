#include "manifest/pattern.h"

namespace heddle {

Result<Pattern> Pattern::compile(const std::string& expression) {
  try {
    return Pattern(std::regex(expression, std::regex::ECMAScript | std::regex::optimize));
  } catch (const std::regex_error& e) {
    return Error("bad-pattern", "the pattern \"" + expression + "\" is no regular expression: " + e.what(), ErrorClass::kConfig);
  }
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
