#include "pipeline/kept_state.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace heddle {
namespace {

Error io_error(const std::string& what, const std::string& path) {
  return Error("io", "cannot " + what + " " + path + ": " + std::strerror(errno));
}

// Percent-encodes what could leave the directory or clash with the file system.
std::string component(const std::string& name) {
  static const char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_') out += c;
    else out.append({'%', kHex[byte >> 4], kHex[byte & 15]});
  }
  return out.empty() ? "%" : out;
}

bool make_directories(const std::string& path) {
  for (size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1)) {
    if (::mkdir(path.substr(0, at).c_str(), 0700) != 0 && errno != EEXIST) return false;
  }
  return true;
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    text.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

}  // namespace

std::string kept_state_path(const std::string& directory, const std::string& pipeline, const std::string& node) {
  return directory + "/" + component(pipeline) + "/" + component(node) + ".json";
}

Result<Value> load_kept_state(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    if (errno == ENOENT) return Value();
    return io_error("open", path);
  }
  std::string text;
  char block[65536];
  ssize_t n;
  while ((n = ::read(fd, block, sizeof block)) > 0 || (n < 0 && errno == EINTR)) {
    if (n > 0) text.append(block, static_cast<size_t>(n));
  }
  const Error failed = n < 0 ? io_error("read", path) : Error();
  ::close(fd);
  if (n < 0) return failed;
  auto value = Value::parse(text);
  if (!value) return Error("bad-state", "the kept state " + path + " is damaged; remove it to start anew").because(std::move(value).error());
  return value;
}

Result<void> save_kept_state(const std::string& path, const Value& state) {
  if (!make_directories(path)) return io_error("make the directory of", path);
  const std::string fresh = path + ".new";
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return io_error("create", fresh);
  const bool written = write_all(fd, state.json()) && ::fsync(fd) == 0;
  const Error failed = written ? Error() : io_error("write", fresh);
  ::close(fd);
  if (!written) {
    ::unlink(fresh.c_str());
    return failed;
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0) return io_error("rename " + fresh + " to", path);
  const int directory = ::open(path.substr(0, path.rfind('/')).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory >= 0) {
    ::fsync(directory);
    ::close(directory);
  }
  return {};
}

}  // namespace heddle
