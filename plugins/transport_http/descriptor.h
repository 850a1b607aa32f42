// A file descriptor that closes itself, and Bell: one that makes a waiting poll(2) return.
#pragma once
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <utility>

namespace transport_http {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() { reset(); }
  void reset() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// Any thread rings; the one that polls get() for POLLIN quiets it.
class Bell {
 public:
  Bell() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
  int get() const { return fd_.get(); }
  explicit operator bool() const { return static_cast<bool>(fd_); }
  void ring() {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(fd_.get(), &one, sizeof one);  // fails only where it rings already
  }
  void quiet() {
    uint64_t rings;
    [[maybe_unused]] const ssize_t got = ::read(fd_.get(), &rings, sizeof rings);
  }

 private:
  Descriptor fd_;
};

}  // namespace transport_http
