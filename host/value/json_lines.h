// Reads JSON lines from a file descriptor in blocks: validates many lines at a time without building a tree, and hands each out as a Value
// that keeps its text. An invalid line is an error with its line and column, and stops nothing.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "result.h"
#include "value/value.h"

namespace heddle {

struct JsonLine {
  uint64_t line = 0;  // from 1
  Value value;        // empty: `error` says why
  Error error;        // code "bad-json", "bad-utf8", "line-too-long"; the message has line and column
  std::string text;   // of a bad line: its bytes, at most 4 KiB
  uint64_t text_bytes = 0;  // of a bad line: how many it has
};

// Blank lines (nothing but white space) are passed over and counted as lines. A missing final newline is no error; a byte order mark at the
// start is skipped; "\r\n" is a line end.
class JsonLines {
 public:
  enum class State : uint8_t { kLines, kWait, kEnd };
  static constexpr size_t kMaxLine = size_t{256} << 20;

  explicit JsonLines(size_t block_bytes = size_t{256} << 10, size_t max_line = kMaxLine);
  ~JsonLines();

  // Reads from `fd` (not owned; may be non-blocking) until `out` has lines. kLines: `count` of them (at least 1). kWait: the descriptor has
  // nothing now (only if non-blocking). kEnd: all lines were given. An error is an I/O error. Memory stays within a few blocks, or the
  // longest line.
  struct Got {
    State state;
    size_t count;
  };
  Result<Got> read(int fd, std::span<JsonLine> out);

  // The same from memory, for tests and fuzzing: `data` is a piece of the stream, `last` ends it.
  Result<Got> read(std::string_view& data, bool last, std::span<JsonLine> out);

  uint64_t bytes_read() const;

 private:
  struct Reader;
  std::unique_ptr<Reader> reader_;
};

}  // namespace heddle
