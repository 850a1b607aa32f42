// The limit of bench 2: every line of a file validated by simdjson and spliced into Echo's text, in one loop without a host.
// splice INPUT OUTPUT
#include <fcntl.h>
#include <simdjson.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>

namespace {

constexpr size_t kBlock = size_t{1} << 20;

bool write_all(int fd, const std::string& text) {
  for (size_t at = 0; at < text.size();) {
    ssize_t n = ::write(fd, text.data() + at, text.size() - at);
    if (n < 0) return false;
    at += static_cast<size_t>(n);
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  int in = ::open(argv[1], O_RDONLY), out = ::open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0666);
  if (in < 0 || out < 0) return 1;
  simdjson::dom::parser parser;
  std::string block(2 * kBlock + simdjson::SIMDJSON_PADDING, '\0'), result;
  size_t kept = 0, counter = 0, bad = 0;
  for (ssize_t n; (n = ::read(in, block.data() + kept, kBlock)) > 0;) {
    const char* at = block.data();
    const char* end = at + kept + n;
    while (const char* newline = static_cast<const char*>(std::memchr(at, '\n', static_cast<size_t>(end - at)))) {
      size_t length = static_cast<size_t>(newline - at);
      // The block is padded, so the parser may read past the line.
      if (parser.parse(at, length, false).error() == simdjson::SUCCESS) {
        result.append("{\"input\":")
            .append(at, length)
            .append(",\"counter\":")
            .append(std::to_string(++counter))
            .append(",\"node\":\"Echo\"}\n");
      } else {
        ++bad;
      }
      at = newline + 1;
    }
    if (!write_all(out, result)) return 1;
    result.clear();
    kept = static_cast<size_t>(end - at);
    if (kept > kBlock) return 1;
    std::memmove(block.data(), at, kept);
  }
  std::fprintf(stderr, "%zu lines, %zu bad\n", counter, bad);
  return ::close(out) == 0 ? 0 : 1;
}
