#include "serve/notify.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace heddle {
namespace {

// A supervisor's end of the socket.
class Listening {
 public:
  explicit Listening(const std::string& name) : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un here{};
    here.sun_family = AF_UNIX;
    std::memcpy(here.sun_path, name.data(), name.size());
    here.sun_path[0] = '\0';
    bound_ = ::bind(fd_, reinterpret_cast<sockaddr*>(&here), static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size())) == 0;
  }
  ~Listening() { ::close(fd_); }
  bool bound() const { return bound_; }
  std::string heard() const {
    char text[512];
    const ssize_t n = ::recv(fd_, text, sizeof text, MSG_DONTWAIT);
    return n < 0 ? "" : std::string(text, static_cast<size_t>(n));
  }

 private:
  int fd_;
  bool bound_ = false;
};

TEST(Supervisor, IsToldAndTheEnvironmentIsCleanAfterwards) {
  const std::string name = "@heddle-notify-test-" + std::to_string(::getpid());
  const Listening listening(name);
  ASSERT_TRUE(listening.bound());
  ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  ::setenv("WATCHDOG_USEC", "3000000", 1);
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  const Supervisor supervisor;
  EXPECT_EQ(supervisor.watchdog_every_ns(), 1'500'000'000u);
  EXPECT_EQ(std::getenv("NOTIFY_SOCKET"), nullptr);
  EXPECT_EQ(std::getenv("WATCHDOG_USEC"), nullptr);
  supervisor.tell("READY=1\nSTATUS=here");
  EXPECT_EQ(listening.heard(), "READY=1\nSTATUS=here");
}

TEST(Supervisor, IsNobodyWithoutASocketAndTheWatchdogOfAnotherProcessIsNotOurs) {
  ::unsetenv("NOTIFY_SOCKET");
  ::setenv("WATCHDOG_USEC", "3000000", 1);
  const Supervisor nobody;
  EXPECT_EQ(nobody.watchdog_every_ns(), 0u);
  nobody.tell("READY=1");
  ::setenv("NOTIFY_SOCKET", "@nobody-is-here", 1);
  ::setenv("WATCHDOG_USEC", "3000000", 1);
  ::setenv("WATCHDOG_PID", "1", 1);
  EXPECT_EQ(Supervisor().watchdog_every_ns(), 0u);
}

}  // namespace
}  // namespace heddle
