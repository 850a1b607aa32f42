#include "line_reader.h"

#include <algorithm>
#include <cstring>

namespace node_file {
namespace {

constexpr size_t kBlock = size_t{256} << 10;
constexpr size_t kShownOfLongLine = size_t{4} << 10;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// Splits "\r\n" or "\n" off the end of `raw`, which ends in "\n".
void split_end(std::string_view raw, Line& line) {
  const size_t end = raw.ends_with("\r\n") ? 2 : 1;
  line.text = raw.substr(0, raw.size() - end);
  line.end = raw.substr(raw.size() - end);
}

}  // namespace

LineReader::LineReader(std::string path, size_t max_line_bytes)
    : file_(std::move(path)), max_line_(max_line_bytes), buffer_(kBlock, '\0') {}

bool LineReader::fill() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == buffer_.size()) buffer_.resize(buffer_.size() * 2);
  const size_t n = file_.read(buffer_.data() + end_, buffer_.size() - end_);
  end_ += n;
  return n > 0;
}

bool LineReader::next(Line& line) {
  line = {};
  if (number_ == 0) {
    while (end_ - begin_ < kByteOrderMark.size() && fill()) {
    }
    if (std::string_view(buffer_.data(), end_).starts_with(kByteOrderMark)) begin_ = kByteOrderMark.size();
  }
  size_t looked = 0;
  for (;;) {
    const char* const from = buffer_.data() + begin_;
    if (const void* const newline = std::memchr(from + looked, '\n', end_ - begin_ - looked)) {
      const size_t size = static_cast<size_t>(static_cast<const char*>(newline) - from) + 1;
      split_end({from, size}, line);
      begin_ += size;
      break;
    }
    looked = end_ - begin_;
    if (looked > max_line_) return skip_rest(line);
    if (fill()) continue;
    if (begin_ == end_) return false;
    line.text = {buffer_.data() + begin_, end_ - begin_};
    begin_ = end_;
    break;
  }
  line.number = ++number_;
  line.length = line.text.size();
  line.too_long = line.text.size() > max_line_;
  if (line.too_long) line.text = line.text.substr(0, kShownOfLongLine);
  return true;
}

// The unread part is the beginning of a line over the limit: keeps its first bytes and reads on to its end.
bool LineReader::skip_rest(Line& line) {
  const size_t shown = std::min(kShownOfLongLine, end_ - begin_);
  std::memmove(buffer_.data(), buffer_.data() + begin_, shown);
  line.number = ++number_;
  line.too_long = true;
  line.length = end_ - begin_;
  line.text = {buffer_.data(), shown};
  begin_ = end_ = shown;
  for (;;) {
    const size_t n = file_.read(buffer_.data() + shown, buffer_.size() - shown);
    const void* const newline = n ? std::memchr(buffer_.data() + shown, '\n', n) : nullptr;
    if (!newline) {
      line.length += n;
      if (n == 0) return true;
      continue;
    }
    const char* const at = static_cast<const char*>(newline);
    line.length += static_cast<size_t>(at - buffer_.data()) - shown;
    line.end = {at, 1};
    begin_ = static_cast<size_t>(at - buffer_.data()) + 1;
    end_ = shown + n;
    return true;
  }
}

}  // namespace node_file
