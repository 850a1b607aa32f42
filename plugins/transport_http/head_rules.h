// HeadRules: what the head of a message may look like, byte by byte: how large it is, and nothing in it that the library would pass over and another
// program perhaps would not: lines that end in a mere LF, control characters, headers without a name, names with spaces, folded lines.
#pragma once
#include <cstddef>

namespace transport_http {

class HeadRules {
 public:
  // 0, or the HTTP status that the head is refused with: 400, 414 (its first line is too long), 431.
  int take(char c);
  // The blank line that ends it was taken.
  bool is_over() const { return over_; }

 private:
  size_t bytes_ = 0, line_bytes_ = 0, lines_ = 0;
  char before_ = 0;
  bool named_ = false;  // the header's name has ended
  bool over_ = false;
};

}  // namespace transport_http
