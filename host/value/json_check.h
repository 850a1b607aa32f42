// Is it JSON? RFC 8259, UTF-8, nesting at most Value::kMaxDepth; escapes of lone surrogates are refused, for they denote no text.
//
// The work is split in two. simdjson's first stage finds every structural character and every first character of a scalar in a block, and
// has checked UTF-8, control characters and closing quotes when it says yes. A walk over those positions then checks the grammar.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace heddle {

// The structure of one block of text. Not thread-safe; made once and used for many blocks.
class JsonStructure {
 public:
  JsonStructure();
  ~JsonStructure();

  // Finds the structure of `text`, which must be followed by white space. False: something in it is no JSON, or it is blank, or longer than
  // kMaxBlock, or memory is short. The text must stay where it is until the last call of `walk`.
  bool scan(std::string_view text);
  static constexpr size_t kMaxBlock = 0xFFFF'FFC0;
  // To check a longer text than this, find_fault needs less memory: it keeps no positions.
  static constexpr size_t kLargeText = size_t{4} << 20;

  // Walks the value that begins at the next position, and moves to the position behind it. False: it is no JSON value that ends before the
  // offset `end`; then nothing moves. Escapes in strings are not looked at: see `escapes_are_valid`.
  bool walk(size_t end);
  // Moves on to the first position at or behind `offset`.
  void skip_to(size_t offset);
  // The offset of the next position; the length of the text past the last.
  size_t next() const { return *next_; }
  // Takes the next position.
  size_t take() { return *next_++; }

  // Gives back memory that only a large block needed.
  void shrink();

 private:
  struct Stage;
  std::unique_ptr<Stage> stage_;
  const char* text_ = nullptr;
  const uint32_t* next_ = nullptr;
};

// This thread's JsonStructure, for one text at a time. Call its shrink() when done.
JsonStructure& thread_structure();

// Are all escapes in `text` right? Every backslash must be inside a closed string.
bool escapes_are_valid(std::string_view text);

bool is_utf8(std::string_view text);

// `text` must be followed by white space. White space around the value is allowed.
bool is_json(std::string_view text);

struct JsonFault {
  bool bad_utf8 = false;
  size_t offset = 0;
  std::string what;  // "expected ':' after the key"
};

// Finds the first fault of `text`, slowly. False: there is none.
bool find_fault(std::string_view text, JsonFault* out);

// The place of `offset` in `text` as people count: lines and columns from 1, columns in characters.
struct TextPlace {
  uint64_t line = 1, column = 1;
};
TextPlace place_of(std::string_view text, size_t offset);

inline bool is_json_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
std::string_view trim(std::string_view text);

}  // namespace heddle
