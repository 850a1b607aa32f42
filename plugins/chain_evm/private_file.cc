#include "private_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <set>
#include <stdexcept>

namespace chain_evm {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kMostWait{30};

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

[[noreturn]] void fail(const std::string& where, const std::string& why) { throw std::invalid_argument(where + " " + why); }

std::string octal(mode_t mode) {
  std::string digits = "0";
  for (const int shift : {6, 3, 0}) digits += static_cast<char>('0' + (mode >> shift & 7));
  return digits;
}

void wait_for(int fd, Clock::time_point until, const std::string& where) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    if (left <= 0) fail(where, "does not end");
    pollfd one{fd, POLLIN, 0};
    const int ready = ::poll(&one, 1, static_cast<int>(left));
    if (ready > 0) return;
    if (ready < 0 && errno != EINTR) fail(where, std::string("cannot be read: ") + std::strerror(errno));
  }
}

SecretBytes read_all(int fd, size_t most, const std::string& where) {
  const auto until = Clock::now() + kMostWait;
  SecretBytes text(most + 1);
  size_t size = 0;
  while (size <= most) {
    wait_for(fd, until, where);
    const ssize_t n = ::read(fd, text.data() + size, text.size() - size);
    if (n == 0) break;
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n < 0) fail(where, std::string("cannot be read: ") + std::strerror(errno));
    size += static_cast<size_t>(n);
  }
  if (size > most) fail(where, "has more than " + std::to_string(most) + " bytes");
  text.shrink(size);
  return text;
}

struct stat facts_of(int fd, const std::string& where) {
  struct stat facts {};
  if (fd < 0 || ::fstat(fd, &facts) != 0) fail(where, std::string("cannot be read: ") + std::strerror(errno));
  if (!S_ISREG(facts.st_mode)) fail(where, "is no regular file");
  return facts;
}

int open_file(const std::string& path) { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); }

}  // namespace

SecretBytes read_private_file(const std::string& path, size_t most) {
  const std::string where = "the file " + path;
  const Descriptor file(open_file(path));
  const struct stat facts = facts_of(file.get(), where);
  const mode_t mode = facts.st_mode & 07777;
  if (facts.st_uid != ::geteuid())
    fail(where, "belongs to the user " + std::to_string(facts.st_uid) + ", and this process runs as " + std::to_string(::geteuid()));
  if (mode != 0600 && mode != 0400) fail(where, "has mode " + octal(mode) + ": nobody but its owner may get at it: chmod 600");
  return read_all(file.get(), most, where);
}

SecretBytes read_credential(const std::string& name, size_t most) {
  const char* const folder = std::getenv("CREDENTIALS_DIRECTORY");  // nobody here changes the environment
  if (!folder || *folder == '\0')
    fail("the credential " + name, "is not there: systemd has given none to this process ($CREDENTIALS_DIRECTORY)");
  if (name.empty() || name.find('/') != name.npos || name == "." || name == "..") fail("\"" + name + "\"", "is no name of a credential");
  const std::string where = "the credential " + name;
  const Descriptor file(open_file(std::string(folder) + "/" + name));
  const struct stat facts = facts_of(file.get(), where);
  if (facts.st_uid != ::geteuid() && facts.st_uid != 0) fail(where, "belongs to the user " + std::to_string(facts.st_uid));
  if (facts.st_mode & 027) fail(where, "has mode " + octal(facts.st_mode & 07777) + ": others can get at it");
  return read_all(file.get(), most, where);
}

SecretBytes read_descriptor(int fd, size_t most) {
  static std::mutex mutex;
  static std::set<int> read_before;  // guarded by mutex
  const std::string where = "the file descriptor " + std::to_string(fd);
  if (fd < 0 || fd == STDOUT_FILENO || fd == STDERR_FILENO) fail(where, "is none that can be read");
  {
    // Its number may be another's by now.
    std::lock_guard lock(mutex);
    if (!read_before.insert(fd).second) fail(where, "was read already, and can be read only once");
  }
  const Descriptor file(fd);
  return read_all(file.get(), most, where);
}

}  // namespace chain_evm
