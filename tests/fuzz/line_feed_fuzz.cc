// The input of a run gives, from a descriptor, for every line what the line is alone: its value, or the reason with the line's text and number; and
// nothing is left behind.
#include <unistd.h>

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "cli/line_feed.h"

namespace {

void require(bool ok) {
  if (!ok) std::abort();
}

// Those of `text`, one by one; a byte order mark is no part of the first.
class LinesOf {
 public:
  explicit LinesOf(std::string_view text) : text_(text) {
    if (text_.starts_with("\xEF\xBB\xBF")) text_.remove_prefix(3);
  }
  // The next that is not blank. False: there is none.
  bool next() {
    while (!text_.empty()) {
      line = text_.substr(0, text_.find('\n'));
      text_.remove_prefix(std::min(line.size() + 1, text_.size()));
      ++number;
      if (line.find_first_not_of(" \t\r") != line.npos) return true;
    }
    return false;
  }
  std::string_view line;
  uint64_t number = 0;

 private:
  std::string_view text_;
};

void check(const heddle::FeedItem& item, const LinesOf& expected) {
  require(item.line == expected.number);
  const auto alone = heddle::Value::parse(expected.line);
  require(alone.has_value() == static_cast<bool>(item.value));
  if (alone) return require(item.value == *alone);
  require(item.error.code == alone.error().code);
  require(item.text_bytes >= item.text.size());
  require(expected.line.starts_with(item.text));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const int fd = ::memfd_create("lines", 0);
  require(::ftruncate(fd, 0) == 0 && ::pwrite(fd, data, size, 0) == static_cast<ssize_t>(size) && ::lseek(fd, 0, SEEK_SET) == 0);
  bool idle = false;
  heddle::LineFeed feed(fd, "the input", [&](bool now) { idle = now; });
  LinesOf expected(text);
  std::array<heddle::FeedItem, 3> items;
  for (;;) {
    const auto got = feed.pull(items);
    require(got.has_value());
    require(got->state != heddle::Feed::State::kWait);  // a file never makes anybody wait
    if (got->state == heddle::Feed::State::kEnd) break;
    for (size_t i = 0; i < got->count; ++i) {
      require(expected.next());
      check(items[i], expected);
    }
  }
  require(!expected.next());
  require(idle && feed.bytes_read() == size);
  return 0;
}
