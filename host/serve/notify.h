// What the daemon tells the supervisor that started it (systemd, or anything that speaks sd_notify's protocol).
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace heddle {

// Where to tell it, and how often: as the environment said at the start. Without a supervisor it does nothing.
class Supervisor {
 public:
  // Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, and removes them: they are not for children.
  Supervisor();

  // [any] Lines of sd_notify: "READY=1\nSTATUS=…". What cannot be sent is lost: the supervisor is the one who would notice.
  void tell(std::string_view lines) const;
  // How often "WATCHDOG=1" is expected, halved as is the custom; 0: never.
  uint64_t watchdog_every_ns() const { return watchdog_every_ns_; }

 private:
  std::string socket_;  // a path, or an abstract name after '@'; empty: nobody listens
  uint64_t watchdog_every_ns_ = 0;
};

}  // namespace heddle
