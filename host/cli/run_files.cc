#include "cli/run_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace heddle {
namespace {

Error io_error(const std::string& what, int why) { return Error("io", what + ": " + std::strerror(why)); }

bool can_wait(mode_t mode, int fd) { return S_ISFIFO(mode) || S_ISSOCK(mode) || (S_ISCHR(mode) && ::isatty(fd)); }

// Standard input shares its file description, and with it O_NONBLOCK, with the programs around us. Opening it again gives one of our own.
OpenFile own_standard_input() {
  int fd = ::open("/proc/self/fd/0", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd >= 0) return OpenFile(fd, "standard input", true);
  OpenFile shared(STDIN_FILENO, "standard input", false);
  shared.set_nonblocking();
  return shared;
}

}  // namespace

OpenFile::OpenFile(OpenFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      owned_(std::exchange(other.owned_, false)),
      restore_blocking_(std::exchange(other.restore_blocking_, false)),
      name_(std::move(other.name_)) {}

OpenFile& OpenFile::operator=(OpenFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(owned_, other.owned_);
  std::swap(restore_blocking_, other.restore_blocking_);
  std::swap(name_, other.name_);
  return *this;
}

OpenFile::~OpenFile() {
  (void)close().has_value();  // whoever wants to know calls close
}

Result<void> OpenFile::close() {
  if (restore_blocking_) ::fcntl(fd_, F_SETFL, ::fcntl(fd_, F_GETFL) & ~O_NONBLOCK);
  restore_blocking_ = false;
  int fd = std::exchange(fd_, -1);
  if (owned_ && fd >= 0 && ::close(fd) < 0 && errno != EINTR) return io_error("cannot write " + name_, errno);
  return {};
}

void OpenFile::set_nonblocking() {
  int flags = ::fcntl(fd_, F_GETFL);
  if (flags < 0 || (flags & O_NONBLOCK)) return;
  restore_blocking_ = ::fcntl(fd_, F_SETFL, flags | O_NONBLOCK) == 0;
}

std::optional<uint64_t> OpenFile::size() const {
  struct stat info;
  if (fd_ < 0 || ::fstat(fd_, &info) < 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  off_t at = ::lseek(fd_, 0, SEEK_CUR);
  return static_cast<uint64_t>(std::max<off_t>(0, info.st_size - std::max<off_t>(at, 0)));
}

bool OpenFile::same_file(const OpenFile& other) const {
  struct stat a, b;
  if (::fstat(fd_, &a) < 0 || ::fstat(other.fd_, &b) < 0) return false;
  return S_ISREG(a.st_mode) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

bool OpenFile::same_file(const std::string& path) const {
  struct stat a, b;
  if (::fstat(fd_, &a) < 0 || ::stat(path.c_str(), &b) < 0) return false;
  return S_ISREG(a.st_mode) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

bool has_piped_input() {
  struct stat info;
  if (::fstat(STDIN_FILENO, &info) < 0) return false;
  return S_ISFIFO(info.st_mode) || (S_ISREG(info.st_mode) && info.st_size > 0);
}

Result<OpenFile> open_input(const std::string& path) {
  struct stat info;
  if (path == "-") {
    if (::fstat(STDIN_FILENO, &info) < 0) return io_error("cannot read standard input", errno);
    if (can_wait(info.st_mode, STDIN_FILENO)) return own_standard_input();
    if (S_ISDIR(info.st_mode)) return io_error("cannot read standard input", EISDIR);
    return OpenFile(STDIN_FILENO, "standard input", false);
  }
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return io_error("cannot open " + path, errno);
  OpenFile file(fd, path, true);
  if (::fstat(fd, &info) < 0) return io_error("cannot read " + path, errno);
  if (S_ISDIR(info.st_mode)) return io_error("cannot read " + path, EISDIR);
  if (can_wait(info.st_mode, fd)) file.set_nonblocking();
  return file;
}

Result<OpenFile> open_output(const std::string& path) {
  if (path == "-") {
    if (::fcntl(STDOUT_FILENO, F_GETFL) < 0) return io_error("cannot write standard output", errno);
    return OpenFile(STDOUT_FILENO, "standard output", false);
  }
  int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0) return io_error("cannot create " + path, errno);
  return OpenFile(fd, path, true);
}

Result<void> truncate(const OpenFile& file) {
  struct stat info;
  if (::fstat(file.fd(), &info) < 0 || !S_ISREG(info.st_mode)) return {};  // a device or a pipe has nothing to cut
  if (::ftruncate(file.fd(), 0) < 0) return io_error("cannot empty " + file.name(), errno);
  return {};
}

}  // namespace heddle
