#include "plugin/process_state.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <clocale>
#include <cstdlib>
#include <cstring>
#include <string_view>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace heddle {
namespace {

// Flush-to-zero and denormals-are-zero: what code that was linked with -ffast-math switches on as it is loaded.
#if defined(__x86_64__)
constexpr uint64_t kFlushBits = 0x8040;
uint64_t float_register() { return _mm_getcsr(); }
void set_float_register(uint64_t bits) { _mm_setcsr(static_cast<unsigned>(bits)); }
#elif defined(__aarch64__)
constexpr uint64_t kFlushBits = uint64_t{1} << 24;
uint64_t float_register() {
  uint64_t bits;
  __asm__ volatile("mrs %0, fpcr" : "=r"(bits));
  return bits;
}
void set_float_register(uint64_t bits) { __asm__ volatile("msr fpcr, %0" : : "r"(bits)); }
#else
constexpr uint64_t kFlushBits = 0;
uint64_t float_register() { return 0; }
void set_float_register(uint64_t) {}
#endif

uint64_t float_mode() { return float_register() & kFlushBits; }

// umask(2) can only be read by changing it, for every thread; the kernel also writes it here.
mode_t current_umask() {
  char text[4096];
  const int fd = ::open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  const ssize_t got = fd < 0 ? 0 : ::read(fd, text, sizeof text - 1);
  if (fd >= 0) ::close(fd);
  text[got > 0 ? got : 0] = '\0';
  if (const char* line = std::strstr(text, "\nUmask:")) return static_cast<mode_t>(std::strtoul(line + 7, nullptr, 8));
  const mode_t mask = ::umask(077);
  ::umask(mask);
  return mask;
}

struct sigaction action_of(int signal) {
  struct sigaction action;
  std::memset(&action, 0, sizeof action);
  ::sigaction(signal, nullptr, &action);
  return action;
}

// Flags say something only where there is a handler: signal(3) leaves some behind that it puts back to the default.
bool same(const struct sigaction& a, const struct sigaction& b) {
  const bool is_handled = a.sa_handler != SIG_DFL && a.sa_handler != SIG_IGN;
  return a.sa_handler == b.sa_handler && (!is_handled || a.sa_flags == b.sa_flags);
}

bool same(const sigset_t& a, const sigset_t& b) {
  for (int signal = 1; signal < NSIG; ++signal)
    if (sigismember(&a, signal) != sigismember(&b, signal)) return false;
  return true;
}

sigset_t current_mask() {
  sigset_t mask;
  sigemptyset(&mask);
  ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  return mask;
}

bool is_working_directory(int fd) {
  struct stat theirs, now;
  return ::fstat(fd, &theirs) != 0 || (::stat(".", &now) == 0 && theirs.st_dev == now.st_dev && theirs.st_ino == now.st_ino);
}

}  // namespace

ProcessState::ProcessState()
    : float_mode_(float_mode()),
      mask_(current_mask()),
      locale_(std::setlocale(LC_ALL, nullptr)),
      umask_(current_umask()),
      directory_(::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC)) {
  for (int signal = 1; signal <= kSignals; ++signal) actions_[signal - 1] = action_of(signal);
}

ProcessState::~ProcessState() {
  if (directory_ >= 0) ::close(directory_);
}

std::string ProcessState::restore() const {
  std::string changed;
  const auto name = [&](std::string_view what) { changed.append(changed.empty() ? "" : ", ").append(what); };

  if (float_mode() != float_mode_) {
    name("the floating-point mode (flush to zero)");
    set_float_register((float_register() & ~kFlushBits) | float_mode_);
  }
  for (int signal = 1; signal <= kSignals; ++signal) {
    const struct sigaction& before = actions_[signal - 1];
    if (same(before, action_of(signal))) continue;
    name("the handler of signal " + std::to_string(signal));
    ::sigaction(signal, &before, nullptr);
  }
  if (!same(mask_, current_mask())) {
    name("the signal mask");
    ::pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
  }
  if (locale_ != std::setlocale(LC_ALL, nullptr)) {
    name("the locale");
    std::setlocale(LC_ALL, locale_.c_str());
  }
  if (current_umask() != umask_) {
    name("the umask");
    ::umask(umask_);
  }
  if (directory_ >= 0 && !is_working_directory(directory_)) {
    name("the working directory");
    if (::fchdir(directory_) != 0) changed += " (which cannot be restored)";
  }
  return changed;
}

}  // namespace heddle
