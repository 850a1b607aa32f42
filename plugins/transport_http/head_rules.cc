#include "head_rules.h"

#include <cctype>
#include <string_view>
#include <utility>

namespace transport_http {
namespace {

constexpr size_t kMostHead = size_t{32} << 10;
constexpr size_t kMostLine = 8190;  // just under what the library refuses without saying why

// RFC 9110, "token"
bool is_name_character(char c) {
  const auto u = static_cast<unsigned char>(c);
  return std::isalnum(u) != 0 || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

}  // namespace

int HeadRules::take(char c) {
  const char before = std::exchange(before_, c);
  int wrong = 0;
  if (c == '\n') {
    const bool blank = line_bytes_ == 1;
    if (before != '\r' || (lines_ > 0 && !blank && !named_)) wrong = 400;
    over_ = lines_ > 0 && blank;
    line_bytes_ = 0;
    named_ = false;
    ++lines_;
  } else if (before == '\r' || c == '\0' || (lines_ > 0 && !named_ && c != ':' && c != '\r' && !is_name_character(c)) ||
             (lines_ > 0 && c == ':' && line_bytes_ == 0)) {
    wrong = 400;
  } else {
    named_ = named_ || c == ':';
    if (++line_bytes_ > kMostLine) wrong = lines_ == 0 ? 414 : 431;
  }
  if (++bytes_ > kMostHead && wrong == 0) wrong = 431;
  return wrong;
}

}  // namespace transport_http
