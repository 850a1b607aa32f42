#include "cli/source_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "cli/console.h"
#include "manifest/document.h"

namespace heddle {
namespace {

Error io_error(const std::string& doing, const std::string& path, int why) {
  return Error("io", doing + " " + path + ": " + std::strerror(why));
}

Result<std::string> read_all(int fd, const std::string& name) {
  std::string text;
  char block[64 * 1024];
  for (;;) {
    ssize_t n = ::read(fd, block, sizeof block);
    if (n == 0) return text;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io_error("cannot read", name, errno);
    text.append(block, static_cast<size_t>(n));
    if (text.size() > kMaxManifestBytes) return text;  // more than is allowed: the reader of manifests says so
  }
}

}  // namespace

std::string source_name(const std::string& path) { return path == "-" ? "standard input" : path; }

Result<std::string> read_source(const std::string& path) {
  if (path == "-") return read_all(STDIN_FILENO, source_name(path));
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return io_error("cannot open", path, errno);
  struct stat info;
  Result<std::string> text =
      ::fstat(fd, &info) == 0 && S_ISDIR(info.st_mode) ? Result<std::string>(io_error("cannot read", path, EISDIR)) : read_all(fd, path);
  ::close(fd);
  return text;
}

Result<void> write_target(const std::string& path, std::string_view text) {
  bool to_stdout = path.empty() || path == "-";
  int fd = to_stdout ? STDOUT_FILENO : ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return io_error("cannot create", path, errno);
  Result<void> written = write_all(fd, text);
  if (!to_stdout && ::close(fd) < 0 && written) return io_error("cannot write", path, errno);
  if (written) return {};
  return Error(written.error().code,
               "cannot write " + (to_stdout ? std::string("standard output") : path) + ": " + written.error().message);
}

}  // namespace heddle
