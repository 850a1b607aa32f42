#include "my_plugin_medium.h"

#include <fcntl.h>
#include <heddle/sdk/error.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace plugin {
namespace {

using heddle::sdk::Error;

constexpr std::string_view kMark = "my_plugin 1\n";

[[noreturn]] void fail(const std::string& doing, const std::string& path) {
  const int why = errno;
  const bool full = why == ENOSPC || why == EDQUOT || why == EFBIG;
  throw Error(full ? HEDDLE_EXHAUSTED : HEDDLE_UNAVAILABLE, "cannot " + doing + " " + path + ": " + std::strerror(why));
}

// A descriptor that is closed in any case.
struct File {
  explicit File(int fd) : fd(fd) {}
  File(const File&) = delete;
  ~File() {
    if (fd >= 0) ::close(fd);
  }
  int fd;
};

void write_all(const File& file, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t n = ::write(file.fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("write", path);
    text.remove_prefix(static_cast<size_t>(n));
  }
}

std::string read_all(const File& file, const std::string& path) {
  std::string text;
  char block[65536];
  for (;;) {
    const ssize_t n = ::read(file.fd, block, sizeof block);
    if (n == 0) return text;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("read", path);
    text.append(block, static_cast<size_t>(n));
  }
}

uint64_t checksum(std::string_view text) {  // FNV-1a
  uint64_t sum = 0xcbf29ce484222325;
  for (const unsigned char c : text) sum = (sum ^ c) * 0x100000001b3;
  return sum;
}

void add_number(std::string& text, uint64_t n) { text.append(reinterpret_cast<const char*>(&n), sizeof n); }

bool take_number(std::string_view& text, uint64_t& n) {
  if (text.size() < sizeof n) return false;
  std::memcpy(&n, text.data(), sizeof n);
  text.remove_prefix(sizeof n);
  return true;
}

bool take_text(std::string_view& text, uint64_t size, std::string& out) {
  if (text.size() < size) return false;
  out = text.substr(0, size);
  text.remove_prefix(size);
  return true;
}

}  // namespace

// The mark, the checksum of what follows, and for each key: its size, that of its value, its version, key and value.
std::string Medium::text_of(const Entries& entries) {
  std::string body;
  for (const auto& [key, entry] : entries) {
    add_number(body, key.size());
    add_number(body, entry.value.size());
    add_number(body, entry.version);
    body += key + entry.value;
  }
  std::string text(kMark);
  add_number(text, checksum(body));
  return text + body;
}

bool Medium::read(std::string_view text, Entries& entries) {
  uint64_t sum = 0;
  if (!text.starts_with(kMark)) return false;
  text.remove_prefix(kMark.size());
  if (!take_number(text, sum) || sum != checksum(text)) return false;
  while (!text.empty()) {
    uint64_t key_size = 0, value_size = 0;
    std::string key;
    Entry entry{};
    if (!take_number(text, key_size) || !take_number(text, value_size) || !take_number(text, entry.version)) return false;
    if (!take_text(text, key_size, key) || !take_text(text, value_size, entry.value)) return false;
    entries.insert_or_assign(std::move(key), std::move(entry));
  }
  return true;
}

void Medium::open() {
  const std::string lock = path_ + ".lock";
  File held(::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (held.fd < 0) fail("open", lock);
  if (::flock(held.fd, LOCK_EX | LOCK_NB) != 0) throw Error(HEDDLE_UNAVAILABLE, path_ + " belongs to another store at the moment");
  File file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.fd < 0 && errno != ENOENT) fail("open", path_);
  Entries entries;
  if (file.fd >= 0 && !read(read_all(file, path_), entries)) throw Error(HEDDLE_UNAVAILABLE, path_ + " is damaged, or was not written by my_plugin");
  entries_.swap(entries);
  lock_ = std::exchange(held.fd, -1);
}

void Medium::close() noexcept {
  if (lock_ >= 0) ::close(std::exchange(lock_, -1));
  entries_.clear();
  before_.clear();
}

bool Medium::get(std::string_view key, Stored& out) const {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return false;
  out = {found->second.value, found->second.version};
  return true;
}

uint64_t Medium::version(std::string_view key) const {
  Stored found;
  return get(key, found) ? found.version : 0;
}

void Medium::erase(std::string_view key) {
  const auto found = entries_.find(key);
  if (found != entries_.end()) entries_.erase(found);
}

void Medium::flush() {
  const std::string next = path_ + ".new";
  File file(::open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (file.fd < 0) fail("create", next);
  write_all(file, text_of(entries_), next);
  if (::fsync(file.fd) != 0) fail("write", next);
  if (::rename(next.c_str(), path_.c_str()) != 0) fail("replace", path_);
  const size_t slash = path_.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path_.substr(0, slash + 1);
  File above(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (above.fd >= 0 && ::fsync(above.fd) != 0) throw Error(HEDDLE_UNAVAILABLE, "cannot write " + folder + ": " + std::strerror(errno));
  before_.clear();
}

}  // namespace plugin
