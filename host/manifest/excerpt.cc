#include "manifest/excerpt.h"

#include <algorithm>

#include "manifest/utf8.h"

namespace heddle {
namespace {

constexpr size_t kTabWidth = 4;
constexpr size_t kWindow = 120;    // columns of a long line that are shown
constexpr size_t kBefore = 60;     // of them before the caret
constexpr size_t kScan = 4 * 400;  // bytes to each side of the caret that can matter for the window

struct Cell {
  std::string_view text;
  size_t width;
};

// One character as it is shown: nothing that a terminal would obey.
Cell cell_of(std::string_view rest, const Utf8Char& c) {
  if (rest.front() == '\t') return {"    ", kTabWidth};
  if (!c.valid || c.code < 0x20 || (c.code >= 0x7F && c.code < 0xA0)) return {"\xEF\xBF\xBD", 1};
  return {rest.substr(0, c.length), display_width(c.code)};
}

// A byte at or after `offset` where a character may start.
size_t character_start(std::string_view text, size_t offset) {
  while (offset < text.size() && (static_cast<unsigned char>(text[offset]) & 0xC0) == 0x80) ++offset;
  return offset;
}

}  // namespace

Excerpt excerpt(std::string_view text, Span span) {
  const size_t at = std::min(span.offset, text.size());
  size_t begin = at == 0 ? 0 : text.rfind('\n', at - 1) + 1;  // npos + 1 is 0
  size_t end = std::min(text.find('\n', at), text.size());
  if (end > begin && text[end - 1] == '\r' && end > at) --end;
  if (begin == 0 && text.substr(0, 3) == "\xEF\xBB\xBF" && at >= 3) begin = 3;

  bool cut_left = false, cut_right = false;
  if (at - begin > kScan) {
    begin = character_start(text, at - kScan);
    cut_left = true;
  }
  if (end - at > kScan) {
    end = at + kScan;
    cut_right = true;
  }

  size_t caret_column = 0;
  for (size_t i = begin; i < at;) {
    const Utf8Char c = utf8_char(text.substr(i, end - i));
    caret_column += cell_of(text.substr(i), c).width;
    i += c.length;
  }
  size_t skip = caret_column > kWindow - 20 ? caret_column - kBefore : 0;  // columns to leave out on the left

  Excerpt out;
  size_t column = 0, caret = 0, underline = 0;
  bool caret_placed = false;
  if (skip > 0 || cut_left) {
    out.source = "… ";
    caret = 2;
  }
  for (size_t i = begin; i < end;) {
    const Utf8Char c = utf8_char(text.substr(i, end - i));
    const Cell cell = cell_of(text.substr(i), c);
    if (i >= at) caret_placed = true;
    if (column >= skip) {
      if (column + cell.width > skip + kWindow) {
        cut_right = true;
        break;
      }
      out.source += cell.text;
      if (!caret_placed)
        caret += cell.width;
      else if (i < at + span.length)
        underline += cell.width;
    }
    column += cell.width;
    i += c.length;
  }
  if (cut_right) out.source += " …";
  out.caret = std::string(caret, ' ') + '^';
  if (underline > 1) out.caret.append(underline - 1, '~');
  return out;
}

}  // namespace heddle
