#include "secret.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace broker_http {
namespace {

using heddle::sdk::Error;

constexpr size_t kMost = 16384;

struct File {
  explicit File(const std::string& path) : fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {}
  ~File() {
    if (fd >= 0) ::close(fd);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  const int fd;
};

void check(const std::string& where, const std::string& text) {
  const auto fits = [](char c) { return c > ' ' && c <= '~'; };
  if (text.empty() || text.size() > kMost || !std::all_of(text.begin(), text.end(), fits)) throw Error(HEDDLE_DENIED, where + " must be 1 to 16384 characters of ASCII, without spaces");
}

}  // namespace

Secret::Secret(std::string_view param, heddle::sdk::ValueRef value) : param_(param) {
  if (!value) return;
  const std::string where = "\"" + param_ + "\"";
  if (value.is(HEDDLE_STRING)) {
    text_ = *value.as_text();
    check(where, text_);
    return;
  }
  const heddle::sdk::ValueRef file = value.find("file");
  if (!value.is(HEDDLE_MAP) || !file.is(HEDDLE_STRING) || file.size() == 0) throw Error(HEDDLE_INVALID, where + " must be a text, or {\"file\": path}");
  path_ = *file.as_text();
}

std::string Secret::read() const {
  if (path_.empty()) return text_;
  const std::string where = "\"" + param_ + "\": the file " + path_;
  const File file(path_);
  struct stat facts {};
  if (file.fd < 0 || ::fstat(file.fd, &facts) != 0) throw Error(HEDDLE_DENIED, where + " cannot be read: " + std::strerror(errno));
  if (!S_ISREG(facts.st_mode)) throw Error(HEDDLE_DENIED, where + " is no file");
  if (facts.st_mode & (S_IRWXG | S_IRWXO)) throw Error(HEDDLE_DENIED, where + " can be opened by others than its owner: chmod 600");
  std::string text(kMost + 2, '\0');
  size_t size = 0;
  for (ssize_t n; (n = ::read(file.fd, text.data() + size, text.size() - size)) != 0;) {
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw Error(HEDDLE_DENIED, where + " cannot be read: " + std::strerror(errno));
    size += static_cast<size_t>(n);
  }
  text.resize(size);
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  check(where + ": what is in it", text);
  return text;
}

}  // namespace broker_http
