#include "value/json_lines.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>

#include "value/json_check.h"
#include "value/object.h"

namespace heddle {
namespace {

constexpr size_t kShownOfBadLine = size_t{4} << 10;
// What is checked in one go: few enough bytes for text and positions to stay in the cache.
constexpr size_t kWindow = size_t{64} << 10;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// A growing block of raw memory: bytes [begin, end) are read and not yet handed out. One byte behind `end` is always there.
struct Block {
  char* data = nullptr;
  size_t capacity = 0;
  size_t begin = 0, end = 0;

  ~Block() { std::free(data); }

  void resize(size_t bytes) {
    auto* moved = static_cast<char*>(std::realloc(data, bytes + 1));
    if (!moved) throw std::bad_alloc();
    data = moved;
    capacity = bytes;
  }

  const char* find_newline(size_t from, size_t to) const { return static_cast<const char*>(std::memchr(data + from, '\n', to - from)); }
};

}  // namespace

struct JsonLines::Reader {
  Reader(size_t block_bytes, size_t max_line) : block_bytes_(std::max<size_t>(block_bytes, 16)), max_line_(max_line) {
    block_.resize(block_bytes_);
  }

  size_t take_lines(std::span<JsonLine> out);
  std::span<char> make_room();
  void received(size_t bytes);
  void end_of_input();

  bool ended = false;
  uint64_t bytes_read = 0;

 private:
  enum class Window : uint8_t { kOpen, kNeedsMore, kTooLong, kSkipped };
  Window open_window();
  bool skip_discarded();
  bool take_line(JsonLine* out);
  bool take_checked(std::string_view whole, bool valid, JsonLine* out);
  void refuse(std::string_view whole, JsonLine* out);
  void refuse_long(std::string_view begin, uint64_t bytes, JsonLine* out);

  const size_t block_bytes_, max_line_;
  Block block_;
  JsonStructure structure_;
  // Complete lines, from `begin` of the block up to here; `structured_` if the structure of all of them was found at once.
  size_t window_begin_ = 0, window_end_ = 0;
  bool structured_ = false;
  size_t next_backslash_ = 0;  // the first at or behind the present line, or window_end_
  size_t searched_ = 0;        // no newline lies before this
  uint64_t line_ = 0;
  bool at_start_ = true;
  bool discarding_ = false;  // the rest of a line that is too long
  std::string long_begin_;   // of that line, and how much of it has gone by
  uint64_t long_bytes_ = 0;
};

// Where the next bytes go.
std::span<char> JsonLines::Reader::make_room() {
  size_t tail = block_.end - block_.begin;
  if (block_.begin > 0) {
    std::memmove(block_.data, block_.data + block_.begin, tail);
    searched_ -= std::min(searched_, block_.begin);
    block_.begin = 0;
    block_.end = tail;
    window_end_ = 0;
  }
  if (block_.capacity > block_bytes_ && tail < block_bytes_ / 2) block_.resize(block_bytes_);
  // At least half a block of room, so that lines longer than a block are not read in crumbs.
  if (block_.capacity - tail < block_.capacity / 2) block_.resize(block_.capacity * 2);
  return {block_.data + tail, block_.capacity - tail};
}

void JsonLines::Reader::received(size_t bytes) {
  block_.end += bytes;
  bytes_read += bytes;
}

void JsonLines::Reader::end_of_input() {
  ended = true;
  if (block_.begin < block_.end || discarding_) block_.data[block_.end++] = '\n';
}

// True: the line that is too long has ended.
bool JsonLines::Reader::skip_discarded() {
  const char* newline = block_.find_newline(block_.begin, block_.end);
  long_bytes_ += newline ? static_cast<size_t>(newline - block_.data) - block_.begin : block_.end - block_.begin;
  block_.begin = newline ? static_cast<size_t>(newline + 1 - block_.data) : block_.end;
  searched_ = window_end_ = block_.begin;
  discarding_ = !newline;
  return newline != nullptr;
}

JsonLines::Reader::Window JsonLines::Reader::open_window() {
  if (discarding_) return skip_discarded() ? Window::kSkipped : Window::kNeedsMore;
  size_t begin = block_.begin, limit = std::min(begin + kWindow, block_.end);
  size_t from = std::clamp(searched_, begin, block_.end);
  const char* newline = nullptr;
  if (from < limit) newline = static_cast<const char*>(::memrchr(block_.data + from, '\n', limit - from));
  if (!newline) newline = block_.find_newline(std::max(limit, from), block_.end);
  if (!newline) {
    searched_ = block_.end;
    return block_.end - begin > max_line_ ? Window::kTooLong : Window::kNeedsMore;
  }
  if (at_start_ && std::string_view(block_.data + begin, limit - begin).starts_with(kByteOrderMark)) begin += kByteOrderMark.size();
  at_start_ = false;
  block_.begin = window_begin_ = begin;
  window_end_ = static_cast<size_t>(newline + 1 - block_.data);
  next_backslash_ = 0;
  std::string_view window(block_.data + begin, window_end_ - begin - 1);
  structure_.shrink();  // after the last window was walked, before this one is scanned
  structured_ = window.size() <= JsonStructure::kLargeText && structure_.scan(window);
  return Window::kOpen;
}

size_t JsonLines::Reader::take_lines(std::span<JsonLine> out) {
  size_t count = 0;
  while (count < out.size()) {
    if (block_.begin >= window_end_) {
      Window window = open_window();
      if (window == Window::kNeedsMore) break;
      if (window == Window::kTooLong) {
        long_begin_.assign(block_.data + block_.begin, std::min(kShownOfBadLine, block_.end - block_.begin));
        long_bytes_ = 0;
        discarding_ = true;
        continue;
      }
      if (window == Window::kSkipped) {
        refuse_long(long_begin_, long_bytes_, &out[count++]);
        continue;
      }
    }
    count += take_line(&out[count]) ? 1 : 0;
  }
  return count;
}

// Takes one line off the window. False: it was blank.
bool JsonLines::Reader::take_line(JsonLine* out) {
  size_t begin = block_.begin;
  size_t end = static_cast<size_t>(block_.find_newline(begin, window_end_) - block_.data);
  block_.begin = end + 1;
  std::string_view whole(block_.data + begin, end - begin);
  if (whole.size() > max_line_) {
    refuse_long(whole, whole.size(), out);
    if (structured_) structure_.skip_to(end - window_begin_);
    return true;
  }
  if (!structured_) {
    if (trim(whole).empty()) return ++line_, false;
    return take_checked(whole, is_json(whole), out);
  }
  size_t line_end = end - window_begin_;
  if (structure_.next() >= line_end) return ++line_, false;
  bool valid = structure_.walk(line_end) && structure_.next() >= line_end;
  if (next_backslash_ < begin) {
    auto* found = static_cast<const char*>(std::memchr(block_.data + begin, '\\', window_end_ - begin));
    next_backslash_ = found ? static_cast<size_t>(found - block_.data) : window_end_;
  }
  if (valid && next_backslash_ < end) valid = escapes_are_valid(whole);
  if (!valid) structure_.skip_to(line_end);
  return take_checked(whole, valid, out);
}

bool JsonLines::Reader::take_checked(std::string_view whole, bool valid, JsonLine* out) {
  if (!valid) return refuse(whole, out), true;
  heddle_value* v = make_text_of(trim(whole));
  if (!v) throw std::bad_alloc();
  out->line = ++line_;
  out->value = Value::adopt(v);
  if (!out->error.code.empty()) {
    out->error = Error();
    out->text.clear();
  }
  return true;
}

void JsonLines::Reader::refuse(std::string_view whole, JsonLine* out) {
  JsonFault fault;
  out->line = ++line_;
  out->value = Value();
  out->text = whole.substr(0, kShownOfBadLine);
  out->text_bytes = whole.size();
  if (!find_fault(whole, &fault)) throw std::bad_alloc();  // what was refused without a fault was refused for want of memory
  out->error =
      Error(fault.bad_utf8 ? "bad-utf8" : "bad-json",
            "line " + std::to_string(line_) + ", column " + std::to_string(place_of(whole, fault.offset).column) + ": " + fault.what);
}

void JsonLines::Reader::refuse_long(std::string_view begin, uint64_t bytes, JsonLine* out) {
  out->line = ++line_;
  out->value = Value();
  out->text = begin.substr(0, kShownOfBadLine);
  out->text_bytes = bytes;
  out->error = Error("line-too-long", "line " + std::to_string(line_) + ", column 1: longer than " + std::to_string(max_line_) + " bytes");
}

JsonLines::JsonLines(size_t block_bytes, size_t max_line) : reader_(std::make_unique<Reader>(block_bytes, max_line)) {}
JsonLines::~JsonLines() = default;

uint64_t JsonLines::bytes_read() const { return reader_->bytes_read; }

Result<JsonLines::Got> JsonLines::read(int fd, std::span<JsonLine> out) {
  for (;;) {
    if (size_t count = reader_->take_lines(out)) return Got{State::kLines, count};
    if (reader_->ended) return Got{State::kEnd, 0};
    std::span<char> room = reader_->make_room();
    ssize_t got = ::read(fd, room.data(), room.size());
    if (got > 0) {
      reader_->received(static_cast<size_t>(got));
    } else if (got == 0) {
      reader_->end_of_input();
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return Got{State::kWait, 0};
    } else if (errno != EINTR) {
      return Error("io", std::string("the input cannot be read: ") + std::strerror(errno));
    }
  }
}

Result<JsonLines::Got> JsonLines::read(std::string_view& data, bool last, std::span<JsonLine> out) {
  for (;;) {
    if (size_t count = reader_->take_lines(out)) return Got{State::kLines, count};
    if (reader_->ended) return Got{State::kEnd, 0};
    if (data.empty() && !last) return Got{State::kWait, 0};
    if (data.empty()) {
      reader_->end_of_input();
      continue;
    }
    std::span<char> room = reader_->make_room();
    size_t size = std::min(room.size(), data.size());
    std::memcpy(room.data(), data.data(), size);
    data.remove_prefix(size);
    reader_->received(size);
  }
}

}  // namespace heddle
