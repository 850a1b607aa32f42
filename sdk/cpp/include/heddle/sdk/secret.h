// SPDX-License-Identifier: Apache-2.0
//
// Secret: a param that nobody may see: given as it is, or as {"file": path} of which only its owner may know what is in it. Not in sdk.h: include it where it is wanted.
#pragma once
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

#include "error.h"
#include "value.h"

namespace heddle::sdk {

// Immutable.
class Secret {
 public:
  // `value`: the param; empty where it is absent. Throws Error.
  Secret(std::string_view param, ValueRef value);
  // The file is read again each time, so that what is in it can be replaced; blocks. Empty: the param is absent. Throws Error (DENIED), which names the file and nothing that is in it.
  std::string read() const;

 private:
  std::string param_, text_, path_;  // one of the last two, or none
};

namespace detail {

inline constexpr size_t kMostSecret = 16384;

struct SecretFile {
  explicit SecretFile(const std::string& path) : fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {}
  ~SecretFile() {
    if (fd >= 0) ::close(fd);
  }
  SecretFile(const SecretFile&) = delete;
  SecretFile& operator=(const SecretFile&) = delete;
  const int fd;
};

inline void check_secret(const std::string& where, const std::string& text) {
  const auto fits = [](char c) { return c > ' ' && c <= '~'; };
  if (text.empty() || text.size() > kMostSecret || !std::all_of(text.begin(), text.end(), fits)) throw Error(HEDDLE_DENIED, where + " must be 1 to 16384 characters of ASCII, without spaces");
}

}  // namespace detail

inline Secret::Secret(std::string_view param, ValueRef value) : param_(param) {
  if (!value) return;
  const std::string where = "\"" + param_ + "\"";
  if (value.is(HEDDLE_STRING)) {
    text_ = *value.as_text();
    detail::check_secret(where, text_);
    return;
  }
  const ValueRef file = value.find("file");
  if (!value.is(HEDDLE_MAP) || !file.is(HEDDLE_STRING) || file.size() == 0) throw Error(HEDDLE_INVALID, where + " must be a text, or {\"file\": path}");
  path_ = *file.as_text();
}

inline std::string Secret::read() const {
  if (path_.empty()) return text_;
  const std::string where = "\"" + param_ + "\": the file " + path_;
  const detail::SecretFile file(path_);
  struct stat facts {};
  if (file.fd < 0 || ::fstat(file.fd, &facts) != 0) throw Error(HEDDLE_DENIED, where + " cannot be read: " + std::strerror(errno));
  if (!S_ISREG(facts.st_mode)) throw Error(HEDDLE_DENIED, where + " is no file");
  if (facts.st_mode & (S_IRWXG | S_IRWXO)) throw Error(HEDDLE_DENIED, where + " can be opened by others than its owner: chmod 600");
  std::string text(detail::kMostSecret + 2, '\0');
  size_t size = 0;
  for (ssize_t n; (n = ::read(file.fd, text.data() + size, text.size() - size)) != 0;) {
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw Error(HEDDLE_DENIED, where + " cannot be read: " + std::strerror(errno));
    size += static_cast<size_t>(n);
  }
  text.resize(size);
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  detail::check_secret(where + ": what is in it", text);
  return text;
}

}  // namespace heddle::sdk
