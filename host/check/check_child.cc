#include "check/check_child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>

#include "clock.h"
#include "value/json_value.h"

extern char** environ;

namespace heddle {
namespace {

constexpr size_t kMostReport = size_t{4} << 20;
constexpr size_t kMostShown = 600;  // bytes of what was under way, or of last words

std::string shortened(std::string text) {
  if (text.size() > kMostShown) text = text.substr(0, kMostShown) + " …";
  return repaired_utf8(text);
}

std::string signal_name(int signal) {
  const char* const name = ::sigabbrev_np(signal);
  const char* const words = ::sigdescr_np(signal);
  return (name ? std::string("SIG") + name : "signal " + std::to_string(signal)) + (words ? std::string(" (") + words + ")" : "");
}

struct FileActions {
  posix_spawn_file_actions_t actions;
  FileActions() { ::posix_spawn_file_actions_init(&actions); }
  ~FileActions() { ::posix_spawn_file_actions_destroy(&actions); }
};

// The process; the error's number is errno's.
Result<pid_t> spawn(const std::vector<std::string>& arguments, const std::string& folder, const std::string& words, int report) {
  FileActions files;
  ::posix_spawn_file_actions_addopen(&files.actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&files.actions, 1, words.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::posix_spawn_file_actions_adddup2(&files.actions, 1, 2);
  ::posix_spawn_file_actions_adddup2(&files.actions, report, kReportDescriptor);
  ::posix_spawn_file_actions_addchdir_np(&files.actions, folder.c_str());
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);  // what the plugin starts is killed with it
  ::posix_spawnattr_setpgroup(&attributes, 0);
  sigset_t none;  // whatever this process waits for
  sigemptyset(&none);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  std::string option = kReportOption;
  argv.push_back(option.data());
  argv.push_back(nullptr);
  pid_t pid = -1;
  const int failed = ::posix_spawn(&pid, "/proc/self/exe", &files.actions, &attributes, argv.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  if (failed != 0) return Error("no-process", std::string("a process for the check cannot be started: ") + std::strerror(failed));
  return pid;
}

}  // namespace

std::string report_line(const Verdict& verdict) {
  return json_object({{"result", json_text(name_of(verdict.kind))}, {"found", json_text(verdict.found)}, {"remedy", json_text(verdict.remedy)}}).json() + "\n";
}

std::string report_line_at(std::string_view doing) { return json_object({{"at", json_text(doing)}}).json() + "\n"; }

CheckChild::CheckChild(const std::vector<std::string>& arguments, const std::string& folder, uint64_t limit_ms)
    : begun_ns_(now_ns()), until_ns_(begun_ns_ + limit_ms * kNsPerMs), limit_ms_(limit_ms) {
  static int last = 0;
  words_path_ = folder + "/words-" + std::to_string(++last);
  int ends[2];
  if (folder.empty() || ::pipe2(ends, O_CLOEXEC) != 0) {
    verdict_ = failed(std::string("a folder and a pipe for the check cannot be made: ") + std::strerror(errno), "look after room and rights in TMPDIR");
    return;
  }
  report_ = ends[0];
  // Above the descriptors that the child will have, whatever this process was started without.
  const int written = ::fcntl(ends[1], F_DUPFD_CLOEXEC, kReportDescriptor + 1);
  ::close(ends[1]);
  ::fcntl(report_, F_SETFL, O_NONBLOCK);
  auto pid = spawn(arguments, folder, words_path_, written);
  ::close(written);
  if (!pid) {
    verdict_ = failed(pid.error().message, "");
    return;
  }
  pid_ = *pid;
  process_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
}

CheckChild::~CheckChild() {
  if (pid_ >= 0) {
    ::kill(-pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  if (process_ >= 0) ::close(process_);
  if (report_ >= 0) ::close(report_);
}

bool CheckChild::wait_for_one(std::span<CheckChild* const> children, int stop_fd) {
  std::vector<pollfd> all{{stop_fd, POLLIN, 0}};
  uint64_t until = UINT64_MAX;
  for (CheckChild* child : children) {
    if (child->is_over()) return true;
    all.push_back({child->process_, POLLIN, 0});
    all.push_back({child->report_, POLLIN, 0});
    until = std::min(until, child->until_ns_);
  }
  const uint64_t begin = now_ns();
  ::poll(all.data(), all.size(), until > begin ? static_cast<int>((until - begin) / kNsPerMs + 1) : 0);
  if (all[0].revents != 0) return false;
  for (CheckChild* child : children) child->look(now_ns());
  return true;
}

void CheckChild::look(uint64_t now) {
  read_report();
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) == pid_) {
    read_report();
    ::kill(-pid_, SIGKILL);  // what it has left
    if (WIFSIGNALED(status)) finish("the process was ended by " + signal_name(WTERMSIG(status)));
    else finish(WEXITSTATUS(status) == 0 ? "" : "the process ended with exit status " + std::to_string(WEXITSTATUS(status)));
  } else if (now >= until_ns_) {
    ::kill(-pid_, SIGKILL);
    ::waitpid(pid_, &status, 0);
    finish("it did not come to an end within " + std::to_string(limit_ms_) + " ms");
  }
}

void CheckChild::read_report() {
  char bytes[4'096];
  ssize_t got;
  while ((got = ::read(report_, bytes, sizeof bytes)) > 0)
    if (text_.size() < kMostReport) text_.append(bytes, static_cast<size_t>(got));
  if (got == 0 && report_ >= 0) ::close(std::exchange(report_, -1));  // poll passes over it
}

// `how`: why it ended before its time, or empty.
void CheckChild::finish(const std::string& how) {
  pid_ = -1;
  took_ms_ = (now_ns() - begun_ns_) / kNsPerMs;
  std::string doing;
  std::optional<Verdict> said;
  std::istringstream lines(text_);
  for (std::string line; std::getline(lines, line);) {
    const auto report = Value::parse(line);
    if (!report) continue;
    const auto text = [&](const char* key) { return std::string(report->find(key).as_text().value_or("")); };
    if (report->find("at")) doing = text("at");
    for (const auto kind : {Verdict::Kind::kPass, Verdict::Kind::kFail, Verdict::Kind::kNotApplicable})
      if (text("result") == name_of(kind)) said = {kind, text("found"), text("remedy")};
  }
  if (said && (how.empty() || said->kind == Verdict::Kind::kFail)) {
    verdict_ = *std::move(said);
    return;
  }
  std::string found = how.empty() ? "the process ended without an answer" : how;
  if (said) found += ", after the check itself was well";
  else if (!doing.empty()) found += ", in: " + shortened(std::move(doing));
  if (const std::string words = last_words(); !words.empty()) found += "; it said: " + shortened(words);
  verdict_ = failed(std::move(found), "run the command below under a debugger");
}

std::string CheckChild::last_words() const {
  std::ifstream file(words_path_);
  std::string last, ours;
  for (std::string line; std::getline(file, line);) {
    if (line.empty()) continue;
    if (line.starts_with("heddle: ")) ours = line;
    last = line;
  }
  return ours.empty() ? last : ours;
}

}  // namespace heddle
