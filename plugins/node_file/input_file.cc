#include "input_file.h"

#include <fcntl.h>
#include <heddle/sdk/error.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "file_error.h"

namespace node_file {
namespace {
constexpr size_t kBlock = size_t{128} << 10;
constexpr std::string_view kGzipMagic = "\x1f\x8b";
}  // namespace

InputFile::InputFile(std::string path) : path_(std::move(path)) {
  fd_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd_ < 0) throw file_error("open", path_, errno);
  struct stat about {};
  if (::fstat(fd_, &about) == 0 && S_ISDIR(about.st_mode)) {
    ::close(fd_);
    throw file_error("read", path_, EISDIR);
  }
}

InputFile::~InputFile() { ::close(fd_); }

size_t InputFile::read_raw(char* out, size_t room) {
  ssize_t n = 0;
  do n = ::read(fd_, out, room);
  while (n < 0 && errno == EINTR);
  if (n < 0) throw file_error("read", path_, errno);
  return static_cast<size_t>(n);
}

void InputFile::look_at_magic() {
  looked_ = true;
  block_.resize(kBlock);
  size_t have = 0;
  while (have < kGzipMagic.size()) {
    const size_t n = read_raw(block_.data() + have, block_.size() - have);
    if (n == 0) break;
    have += n;
  }
  pending_ = {block_.data(), have};
  if (pending_.starts_with(kGzipMagic)) gunzip_.emplace();
}

size_t InputFile::read(char* out, size_t room) {
  if (!looked_) look_at_magic();
  if (!gunzip_) {
    if (pending_.empty()) return read_raw(out, room);
    const size_t n = std::min(room, pending_.size());
    std::memcpy(out, pending_.data(), n);
    pending_.remove_prefix(n);
    return n;
  }
  for (;;) {
    if (pending_.empty()) {
      pending_ = {block_.data(), read_raw(block_.data(), block_.size())};
      if (pending_.empty()) {
        if (gunzip_->at_end()) return 0;
        throw heddle::sdk::Error(HEDDLE_INVALID, "cannot read \"" + path_ + "\": the gzip data end too early");
      }
    }
    try {
      if (const size_t n = gunzip_->inflate(pending_, out, room)) return n;
    } catch (const heddle::sdk::Error& broken) {
      throw heddle::sdk::Error(broken.status(), "cannot read \"" + path_ + "\": " + broken.what());
    }
  }
}

}  // namespace node_file
