// The lines of a file, in constant memory: a block, or the longest line up to a limit.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "input_file.h"

namespace node_file {

struct Line {
  std::string_view text;  // without its end; of a line over the limit: its beginning. Valid until the next call
  std::string_view end;   // "\n", "\r\n", or empty at the end of the file
  uint64_t number = 0;    // from 1
  uint64_t length = 0;    // bytes of the whole line without its end
  bool too_long = false;
};

class LineReader {
 public:
  LineReader(std::string path, size_t max_line_bytes);
  // False: the end. A byte order mark at the start is skipped; a missing newline at the end is no fault. Throws what InputFile throws.
  bool next(Line& line);
  const std::string& path() const { return file_.path(); }

 private:
  // Reads more behind the unread part; false: the file has ended.
  bool fill();
  bool skip_rest(Line& line);

  InputFile file_;
  const size_t max_line_;
  std::string buffer_;
  size_t begin_ = 0, end_ = 0;  // the unread part of buffer_
  uint64_t number_ = 0;
};

}  // namespace node_file
