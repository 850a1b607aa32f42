#include "owner_lock.h"

#include <fcntl.h>
#include <heddle/sdk/error.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace store_sqlite {
namespace {

using heddle::sdk::Error;

// "process 4711", or "another process" where its owner has not written it yet.
std::string owner_of(int file) {
  char text[32];
  const ssize_t got = pread(file, text, sizeof text, 0);
  const std::string number(text, got > 0 ? static_cast<size_t>(got) : 0);
  if (number.empty() || number.find_first_not_of("0123456789\n") != number.npos) return "another process";
  const std::string pid = number.substr(0, number.find('\n'));
  return pid == std::to_string(getpid()) ? "this process (" + pid + ")" : "process " + pid;
}

// True if the path still names this file: who releases the lock removes it.
bool is_at(int file, const std::string& path) {
  struct stat opened, named;
  return fstat(file, &opened) == 0 && stat(path.c_str(), &named) == 0 && opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

}  // namespace

void OwnerLock::take(const std::string& database) {
  const std::string path = database + "-lock";
  for (;;) {
    const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (file < 0)
      throw Error(HEDDLE_DENIED, database + ": cannot be opened: " + path + ": " + std::strerror(errno) + "; a store needs a folder it can write to");
    if (flock(file, LOCK_EX | LOCK_NB) != 0) {
      const int failed = errno;
      const std::string owner = owner_of(file);
      close(file);
      if (failed != EWOULDBLOCK) throw Error(HEDDLE_DENIED, database + ": cannot be locked: " + std::strerror(failed));
      throw Error(HEDDLE_CONFLICT, database + ": is in use by " + owner + "; stop that one, or choose another path");
    }
    if (!is_at(file, path)) {  // its last owner removed it just now
      close(file);
      continue;
    }
    file_ = file;
    path_ = path;
    const std::string pid = std::to_string(getpid()) + "\n";
    // The text is for people: a lock without it still holds.
    if (ftruncate(file, 0) != 0 || pwrite(file, pid.data(), pid.size(), 0) < 0) return;
    return;
  }
}

void OwnerLock::release() noexcept {
  if (file_ < 0) return;
  unlink(path_.c_str());
  close(file_);
  file_ = -1;
}

}  // namespace store_sqlite
