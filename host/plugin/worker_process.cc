#include "plugin/worker_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include "log.h"
#include "plugin/plugin_text.h"
#include "retry.h"

extern char** environ;

namespace heddle {
namespace {

constexpr RetryPolicy kAgain = {.max_attempts = UINT32_MAX, .first_ns = 100 * kNsPerMs, .cap_ns = 30 * kNsPerSecond, .jitter = RetryPolicy::Jitter::kNone};
constexpr uint64_t kLongNs = 10 * kNsPerSecond;  // who lived for so long begins again without a wait that has grown
constexpr uint64_t kLookNs = 500 * kNsPerMs;     // between two looks at its memory
constexpr size_t kMostLine = 4'096;
constexpr uint64_t kMostLines = 1'000;           // a second

Error no_way(const std::string& what) { return Error("no-process", what + ": " + std::strerror(errno), ErrorClass::kRetryable); }

// So many ports at which nobody is now, all different.
Result<std::vector<uint16_t>> free_ports(size_t count) {
  std::vector<uint16_t> ports;
  std::vector<int> held;
  std::optional<Error> why;
  while (ports.size() < count && !why) {
    held.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    const bool is_bound = held.back() >= 0 && ::bind(held.back(), reinterpret_cast<sockaddr*>(&at), size) == 0 && ::getsockname(held.back(), reinterpret_cast<sockaddr*>(&at), &size) == 0;
    if (is_bound) ports.push_back(ntohs(at.sin_port));
    else why = no_way("no port is free");
  }
  for (const int fd : held)
    if (fd >= 0) ::close(fd);
  if (why) return *std::move(why);
  return ports;
}

std::string how_it_ended(int status) {
  if (WIFEXITED(status)) return "ended with exit code " + std::to_string(WEXITSTATUS(status));
  return std::string("was ended by signal ") + std::to_string(WTERMSIG(status)) + " (" + ::strsignal(WTERMSIG(status)) + ")";
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

// After fork(): nothing but system calls.
[[noreturn]] void become(char* const* command, char* const* environment, const char* folder, int log_fd, int failed_fd, pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);  // it was over before that
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  const int nothing = ::open("/dev/null", O_RDONLY);
  if (nothing >= 0) ::dup2(nothing, STDIN_FILENO);
  ::dup2(log_fd, STDOUT_FILENO);
  ::dup2(log_fd, STDERR_FILENO);
  ::close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
  if (*folder == '\0' || ::chdir(folder) == 0) ::execvpe(command[0], command, environment);
  const int why = errno;
  static_cast<void>(!::write(failed_fd, &why, sizeof why));
  ::_exit(127);
}

}  // namespace

Result<std::vector<std::unique_ptr<WorkerProcess>>> WorkerProcess::start(const ProcessSpec& spec, size_t count) {
  const auto ports = free_ports(count);
  if (!ports) return ports.error();
  std::vector<std::unique_ptr<WorkerProcess>> all;
  for (const uint16_t port : *ports) {
    auto started = start_at(spec, port);
    if (!started) return std::move(started).error();
    all.push_back(*std::move(started));
  }
  return all;
}

Result<std::unique_ptr<WorkerProcess>> WorkerProcess::start_at(const ProcessSpec& spec, uint16_t port) {
  std::unique_ptr<WorkerProcess> process(new WorkerProcess);
  process->spec_ = spec;
  process->port_ = port;
  process->endpoint_ = "127.0.0.1:" + std::to_string(port);
  process->who_ = "worker " + process->endpoint_;
  process->end_fd_ = ::eventfd(0, EFD_CLOEXEC);
  if (process->end_fd_ < 0) return no_way("no descriptor");
  try {
    process->thread_ = std::thread([self = process.get()] { self->watch(); });
  } catch (const std::system_error& failed) {
    return Error("no-process", std::string("no thread: ") + failed.what(), ErrorClass::kRetryable);
  }
  return process;
}

WorkerProcess::~WorkerProcess() {
  if (end_fd_ < 0) return;
  ask_to_end();
  if (thread_.joinable()) thread_.join();
  ::close(end_fd_);
}

void WorkerProcess::ask_to_end() {
  const uint64_t one = 1;
  static_cast<void>(!::write(end_fd_, &one, sizeof one));
}

void WorkerProcess::watch() {
  uint32_t in_row = 0;
  while (true) {
    auto child = spawn();
    const uint64_t begun = now_ns();
    std::string what;
    if (child) {
      log::write(log::Level::kInfo, who_, "started, as process " + std::to_string(child->pid));
      follow(*child);
      ::kill(-child->pid, SIGKILL);  // and what it has started
      int status = 0;
      ::waitpid(child->pid, &status, 0);
      read_log(*child);
      ::close(child->pid_fd);
      if (child->log_fd >= 0) ::close(child->log_fd);
      if (!unread_.empty()) take_line(std::exchange(unread_, {}));
      what = how_it_ended(status);
    } else {
      what = "cannot be started: " + child.error().text();
    }
    if (is_asked_to_end(0)) return;
    in_row = now_ns() - begun > kLongNs ? 1 : std::min(in_row + 1, 100u);
    const uint64_t wait_ns = kAgain.wait_ns(in_row + 1);
    log::write(log::Level::kWarn, who_, "the process " + what + ", and is started again in " + std::to_string(wait_ns / kNsPerMs) + " ms" + (last_said_.empty() ? "" : "; it last said: " + last_said_));
    last_said_.clear();
    if (is_asked_to_end(wait_ns)) return;
  }
}

Result<WorkerProcess::Child> WorkerProcess::spawn() const {
  std::vector<std::string> words = spec_.command, variables;
  for (std::string& word : words)
    if (const size_t at = word.find("{port}"); at != word.npos) word.replace(at, 6, std::to_string(port_));
  for (char** one = environ; *one; ++one)
    if (log::redacted(*one) == *one) variables.emplace_back(*one);  // what has a secret of ours in it is not for it
  for (const auto& [name, value] : spec_.environment) {
    const std::string begin = name + "=";
    std::erase_if(variables, [&](const std::string& one) { return one.starts_with(begin); });
    variables.push_back(begin + value);
  }
  variables.push_back("HEDDLE_WORKER_PORT=" + std::to_string(port_));
  const std::vector<char*> command = pointers(words), environment = pointers(variables);
  int said[2], failed[2];
  if (::pipe2(said, O_CLOEXEC) != 0) return no_way("no pipe");
  if (::pipe2(failed, O_CLOEXEC) != 0) {
    const Error why = no_way("no pipe");
    for (const int fd : said) ::close(fd);
    return why;
  }
  const pid_t parent = ::getpid(), pid = ::fork();
  if (pid == 0) become(command.data(), environment.data(), spec_.folder.c_str(), said[1], failed[1], parent);
  Error why = no_way("no process");
  ::close(said[1]);
  ::close(failed[1]);
  int reason = 0;
  const bool has_failed = pid < 0 || ::read(failed[0], &reason, sizeof reason) == static_cast<ssize_t>(sizeof reason);
  ::close(failed[0]);
  Child child{.pid = pid, .log_fd = said[0], .begun_ns = now_ns()};
  if (!has_failed) child.pid_fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (!has_failed && child.pid_fd >= 0) {
    ::fcntl(child.log_fd, F_SETFL, O_NONBLOCK);
    return child;
  }
  if (pid > 0) {
    if (!has_failed) why = no_way("it cannot be watched");
    else why = Error("no-process", words[0] + (spec_.folder.empty() ? "" : " in " + spec_.folder) + ": " + std::strerror(reason), ErrorClass::kConfig);
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
  ::close(said[0]);
  return why;
}

// Until the process has ended, or is to.
void WorkerProcess::follow(Child& child) {
  while (true) {
    pollfd waits[] = {{child.pid_fd, POLLIN, 0}, {end_fd_, POLLIN, 0}, {child.log_fd, POLLIN, 0}};
    if (::poll(waits, child.log_fd < 0 ? 2 : 3, static_cast<int>(kLookNs / kNsPerMs)) < 0 && errno != EINTR) return end(child);
    if (waits[2].revents != 0) read_log(child);
    if (waits[0].revents != 0) return;
    if (waits[1].revents != 0) return end(child);
    if (!uses_too_much(child)) continue;
    log::write(log::Level::kError, who_, "the process has more than the " + std::to_string(spec_.memory_bytes >> 20) + " MiB of memory that it may have, and is ended");
    return;
  }
}

void WorkerProcess::end(Child& child) {
  ::kill(-child.pid, SIGTERM);
  const uint64_t until = now_ns() + spec_.stop_ns;
  for (uint64_t now = now_ns(); now < until; now = now_ns()) {
    pollfd waits[] = {{child.pid_fd, POLLIN, 0}, {child.log_fd, POLLIN, 0}};
    ::poll(waits, child.log_fd < 0 ? 1 : 2, static_cast<int>((until - now) / kNsPerMs + 1));
    if (waits[1].revents != 0) read_log(child);  // it may have much to say
    if (waits[0].revents != 0) return;
  }
  log::write(log::Level::kWarn, who_, "the process does not end by itself, and is ended");
}

// No more than a pipe has room for: one that never stops talking must not keep us from looking at it.
void WorkerProcess::read_log(Child& child) {
  char some[4'096];
  for (int i = 0; i < 16 && child.log_fd >= 0; ++i) {
    const ssize_t got = ::read(child.log_fd, some, sizeof some);
    if (got < 0 && errno != EINTR) return;
    if (got == 0) ::close(std::exchange(child.log_fd, -1));
    if (got <= 0) continue;
    unread_.append(some, static_cast<size_t>(got));
    for (size_t end = 0; (end = unread_.find('\n')) != unread_.npos || unread_.size() >= kMostLine;) {
      const size_t length = std::min({end, unread_.size(), kMostLine});
      take_line(unread_.substr(0, length));
      unread_.erase(0, length == end ? length + 1 : length);
    }
  }
}

void WorkerProcess::take_line(std::string line) {
  const uint64_t now = now_ns();
  if (now - second_ns_ >= kNsPerSecond) {
    if (left_out_ > 0) log::write(log::Level::kWarn, who_, std::to_string(left_out_) + " lines that it said in a second are left out");
    second_ns_ = now;
    lines_ = left_out_ = 0;
  }
  line = plugin_text(line);
  if (!line.empty()) last_said_ = line;
  if (++lines_ > kMostLines) ++left_out_;
  else log::write(log::Level::kInfo, who_, line);
}

bool WorkerProcess::uses_too_much(const Child& child) const {
  if (spec_.memory_bytes == 0) return false;
  std::ifstream file("/proc/" + std::to_string(child.pid) + "/statm");
  uint64_t all = 0, resident = 0;
  return file >> all >> resident && resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE)) > spec_.memory_bytes;
}

bool WorkerProcess::is_asked_to_end(uint64_t within_ns) const {
  pollfd asked{end_fd_, POLLIN, 0};
  return ::poll(&asked, 1, static_cast<int>(within_ns / kNsPerMs)) > 0;
}

}  // namespace heddle
