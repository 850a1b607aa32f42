// RFC 4180 records from the lines of a file: quoted fields may hold delimiters, line ends and doubled quotes.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "bad_item.h"
#include "line_reader.h"

namespace node_file {

class CsvRecords {
 public:
  struct Field {
    std::string text;
    bool quoted = false;
    uint64_t line = 0, column = 0;  // where it begins; the column in bytes, from 1
  };
  enum class Outcome { kRecord, kFault, kEnd };

  CsvRecords(std::string path, char delimiter, size_t max_record_bytes);

  // The next record into fields(), or what is wrong with it into fault(). After a fault it goes on with the line after the one where the
  // fault is. Blank lines are passed over.
  Outcome next();
  const std::vector<Field>& fields() const { return fields_; }
  const Fault& fault() const { return fault_; }
  // The record as it stands in the file; of a long one the beginning.
  std::string_view text() const { return text_; }
  uint64_t text_bytes() const { return text_bytes_; }  // of the whole record, as far as it was read
  uint64_t line() const { return first_line_; }  // where the record begins
  const std::string& path() const { return lines_.path(); }

 private:
  // Where the reading of a record stands between two of its lines.
  enum class State { kFieldStart, kPlain, kQuoted, kQuoteInQuoted };
  bool take(const Line& line);  // false: a fault
  bool fail(uint64_t line, uint64_t column, std::string why);
  Field& add_field(uint64_t line, uint64_t column);

  LineReader lines_;
  const char delimiter_;
  const size_t max_record_;
  std::vector<Field> fields_;
  size_t used_ = 0;  // of fields_ while a record is read: the strings are used again
  State state_ = State::kFieldStart;
  uint64_t first_line_ = 0;
  uint64_t bytes_ = 0;  // of the record so far
  std::string text_;
  uint64_t text_bytes_ = 0;
  Fault fault_;
};

}  // namespace node_file
