#include "serve/signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <initializer_list>

namespace heddle {

Signals::Signals() {
  sigemptyset(&waited_);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
    struct sigaction action {};
    if (::sigaction(signal, nullptr, &action) == 0 && action.sa_handler != SIG_IGN) sigaddset(&waited_, signal);
  }
  ::pthread_sigmask(SIG_BLOCK, &waited_, &before_);
  fd_ = ::signalfd(-1, &waited_, SFD_CLOEXEC | SFD_NONBLOCK);
}

Signals::~Signals() {
  if (fd_ >= 0) ::close(fd_);
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

int Signals::take() {
  signalfd_siginfo info;
  return ::read(fd_, &info, sizeof info) == static_cast<ssize_t>(sizeof info) ? static_cast<int>(info.ssi_signo) : 0;
}

}  // namespace heddle
