// A table for people: columns aligned, numbers to the right, no wider than the terminal.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace heddle {

// Columns that `text`, which is printable, takes on a terminal.
size_t width_of(std::string_view text);

// `text`, cut to `width` columns with "…" at the end.
std::string cut_to(std::string_view text, size_t width);

class TextTable {
 public:
  enum class Align : uint8_t { kLeft, kRight };
  struct Column {
    std::string title;
    Align align = Align::kLeft;
    bool may_shrink = false;  // is cut where the terminal is too narrow
  };
  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // One cell per column; made printable.
  void add(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }
  // The titles and the rows, a line each. `columns` 0: as wide as it gets, for pipes and files.
  std::string text(size_t columns) const;

 private:
  std::vector<size_t> widths(size_t columns) const;
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// Columns for a table on stdout: those of the terminal, or 0 where it is none.
size_t table_columns();

}  // namespace heddle
