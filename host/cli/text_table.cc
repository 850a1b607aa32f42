#include "cli/text_table.h"

#include <unistd.h>

#include <algorithm>
#include <numeric>

#include "cli/console.h"
#include "manifest/utf8.h"

namespace heddle {
namespace {

constexpr size_t kBetween = 2;
constexpr size_t kNarrowest = 8;  // a column is not cut below this

}  // namespace

size_t width_of(std::string_view text) {
  size_t width = 0;
  while (!text.empty()) {
    const Utf8Char c = utf8_char(text);
    width += c.valid ? display_width(c.code) : 1;
    text.remove_prefix(c.length);
  }
  return width;
}

std::string cut_to(std::string_view text, size_t width) {
  if (width_of(text) <= width) return std::string(text);
  if (width == 0) return {};
  size_t end = 0;
  for (size_t used = 0;;) {
    const Utf8Char c = utf8_char(text.substr(end));
    used += c.valid ? display_width(c.code) : 1;
    if (used > width - 1) return std::string(text.substr(0, end)) + "…";
    end += c.length;
  }
}

void TextTable::add(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  for (std::string& cell : cells) cell = printable(cell);
  rows_.push_back(std::move(cells));
}

std::vector<size_t> TextTable::widths(size_t columns) const {
  std::vector<size_t> out;
  for (size_t c = 0; c < columns_.size(); ++c) {
    size_t widest = width_of(columns_[c].title);
    for (const auto& row : rows_) widest = std::max(widest, width_of(row[c]));
    out.push_back(widest);
  }
  if (columns == 0) return out;
  const auto total = [&] { return std::accumulate(out.begin(), out.end(), kBetween * (out.empty() ? 0 : out.size() - 1)); };
  while (total() > columns) {
    size_t widest = columns_.size();
    for (size_t c = 0; c < columns_.size(); ++c) {
      if (columns_[c].may_shrink && out[c] > kNarrowest && (widest == columns_.size() || out[c] > out[widest])) widest = c;
    }
    if (widest == columns_.size()) break;
    --out[widest];
  }
  return out;
}

std::string TextTable::text(size_t columns) const {
  const std::vector<size_t> width = widths(columns);
  std::string out;
  const auto add_line = [&](const auto& cell_of) {
    std::string line;
    for (size_t c = 0; c < columns_.size(); ++c) {
      const std::string cell = cut_to(cell_of(c), width[c]);
      const std::string room(width[c] - width_of(cell), ' ');
      line += (c ? std::string(kBetween, ' ') : "") + (columns_[c].align == Align::kRight ? room + cell : cell + room);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += (columns ? cut_to(line, columns) : line) + "\n";
  };
  add_line([&](size_t c) { return std::string_view(columns_[c].title); });
  for (const auto& row : rows_) add_line([&](size_t c) { return std::string_view(row[c]); });
  return out;
}

size_t table_columns() { return ::isatty(STDOUT_FILENO) ? terminal_columns(STDOUT_FILENO) : 0; }

}  // namespace heddle
