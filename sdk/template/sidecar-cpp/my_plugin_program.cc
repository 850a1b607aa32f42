#include "my_plugin_program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace plugin {

using heddle::sdk::Error;
using heddle::sdk::PollThread;
using heddle::sdk::Value;
using heddle::sdk::ValueRef;

namespace {

constexpr size_t kMostComplaint = 4096;

// What an input is, as a program reads it.
Value content_of(ValueRef input) {
  for (const char* name : {"value", "bytes"})
    if (const ValueRef found = input.find(name)) return Value::share(found);
  return Value::map({{"ref", Value::share(input.find("ref"))}});
}

void check_started(int failed, const std::string& program) {
  if (failed != 0) throw Error(failed == ENOENT || failed == EACCES ? HEDDLE_UNAVAILABLE : HEDDLE_EXHAUSTED, "cannot run " + program + ": " + std::strerror(failed));
}

// How many bytes the character at the beginning of `text` has; 0: it is none of UTF-8, or one that no line has.
size_t character(std::string_view text) {
  const auto at = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const unsigned first = at(0), second = at(1);
  const size_t size = first < 0x80 ? 1 : first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0;
  if (first < ' ' || first == 0x7f || (first == 0xe0 && second < 0xa0) || (first == 0xed && second >= 0xa0) || (first == 0xf0 && second < 0x90) || (first == 0xf4 && second >= 0x90)) return 0;
  for (size_t i = 1; i < size; ++i)
    if ((at(i) & 0xc0) != 0x80) return 0;
  return size;
}

// A program may write anything.
std::string readable(std::string_view line) {
  std::string out;
  while (!line.empty()) {
    const size_t size = character(line);
    out.append(size ? line.substr(0, size) : std::string_view("?"));
    line.remove_prefix(size ? size : 1);
  }
  return out;
}

// What posix_spawn(3) is told; freed in any case.
struct Spawning {
  Spawning() {
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
  }
  ~Spawning() {
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
  }
  Spawning(const Spawning&) = delete;
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

std::vector<std::string> environment_with(const Order& order) {
  std::vector<std::string> all;
  for (char** one = environ; *one; ++one)
    if (std::strncmp(*one, "HEDDLE_", 7) != 0) all.emplace_back(*one);  // the host's own is not its business
  for (const auto& [name, text] : order.environment) all.push_back(name + "=" + text);
  return all;
}

}  // namespace

// The one input "item" is all there is to read, and BYTES are read as they are; else it is an object with each input by its name.
Order::Order(const heddle::sdk::Assignment& a) {
  for (const auto& [name, text] : {std::pair("HEDDLE_ACTIVITY", a.activity), {"HEDDLE_RUN", a.run}, {"HEDDLE_KIND", a.kind}, {"HEDDLE_CHECKPOINT", a.checkpoint}}) {
    if (text.find('\0') != text.npos) throw Error(HEDDLE_INVALID, std::string(name) + " has a NUL, which no environment can have");
    if (!text.empty()) environment.emplace_back(name, text);
  }
  if (a.inputs.size() == 1 && a.inputs.at(0).find("name").as_text() == "item") {
    const Value only = content_of(a.inputs.at(0));
    const auto bytes = only.as_bytes();
    input = bytes ? std::string(reinterpret_cast<const char*>(bytes->data()), bytes->size()) : std::string(only.json()) + "\n";
    return;
  }
  std::vector<Value::Entry> all;
  for (size_t i = 0; i < a.inputs.size(); ++i) all.push_back({a.inputs.at(i).find("name").as_text().value_or(""), content_of(a.inputs.at(i))});
  input = std::string(Value::map(all).json()) + "\n";
}

std::string find_program(const std::string& name) {
  const auto can_run = [](const std::string& path) {
    struct stat facts {};
    return ::stat(path.c_str(), &facts) == 0 && S_ISREG(facts.st_mode) && ::access(path.c_str(), X_OK) == 0;
  };
  if (name.find('/') != name.npos) return can_run(name) ? name : std::string();
  const char* const path = std::getenv("PATH");
  std::string folders = path ? path : "/usr/local/bin:/usr/bin:/bin";
  while (!folders.empty()) {
    const size_t end = std::min(folders.find(':'), folders.size());
    if (const std::string file = folders.substr(0, end) + "/" + name; end > 0 && can_run(file)) return file;
    folders.erase(0, end + 1);
  }
  return {};
}

std::shared_ptr<Program> Program::start(PollThread& thread, const std::vector<std::string>& command, Order order, size_t most_output, std::function<void(Ending)> ended) {
  const auto program = std::make_shared<Program>(thread);
  program->to_write_ = std::move(order.input);
  program->most_output_ = most_output;
  program->spawn(command, order);
  program->ended_ = std::move(ended);
  program->watch(program->process_, POLLIN, &Program::exited);
  program->watch(program->output_, POLLIN, &Program::read_output);
  program->watch(program->complaint_, POLLIN, &Program::read_complaint);
  program->watch(program->input_, POLLOUT, &Program::write);
  return program;
}

// Where it goes before the program has ended, so does the program.
Program::~Program() {
  if (pid_ > 0) {
    signal(SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  for (End* end : {&process_, &input_, &output_, &complaint_}) close(*end);
}

void Program::open_pipe(End& ours, int& theirs, bool reads) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw Error(HEDDLE_EXHAUSTED, std::string("no pipe to a program: ") + std::strerror(errno));
  ours.fd = ends[reads ? 0 : 1];
  theirs = ends[reads ? 1 : 0];
  ::fcntl(ours.fd, F_SETFL, O_NONBLOCK);
}

void Program::spawn(const std::vector<std::string>& command, const Order& order) {
  int theirs[3] = {-1, -1, -1};
  const auto close_theirs = [&] {
    for (const int fd : theirs)
      if (fd >= 0) ::close(fd);
  };
  int failed = 0;
  heddle::sdk::detail::guard(
      [&] {
        open_pipe(input_, theirs[0], false);
        open_pipe(output_, theirs[1], true);
        open_pipe(complaint_, theirs[2], true);
        Spawning how;
        for (int i = 0; i < 3; ++i) ::posix_spawn_file_actions_adddup2(&how.actions, theirs[i], i);
        sigset_t none, all;
        ::sigemptyset(&none);
        ::sigfillset(&all);
        ::posix_spawnattr_setsigmask(&how.attributes, &none);
        ::posix_spawnattr_setsigdefault(&how.attributes, &all);
        ::posix_spawnattr_setpgroup(&how.attributes, 0);
        ::posix_spawnattr_setflags(&how.attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
        std::vector<std::string> words = command, variables = environment_with(order);
        const std::string file = find_program(command[0]);
        failed = file.empty() ? ENOENT : ::posix_spawn(&pid_, file.c_str(), &how.actions, &how.attributes, pointers_to(words).data(), pointers_to(variables).data());
        if (failed != 0) pid_ = -1;
      },
      [&](heddle_status, std::string_view) { failed = ENOMEM; });
  close_theirs();
  check_started(failed, command[0]);
  process_.fd = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  if (process_.fd < 0) throw Error(HEDDLE_EXHAUSTED, "no descriptor for a program: " + std::string(std::strerror(errno)));
}

void Program::watch(End& end, short events, void (Program::*then)()) {
  end.watch = thread_.watch(end.fd, events, [self = shared_from_this(), then](short) { (self.get()->*then)(); });
}

void Program::close(End& end) {
  thread_.forget(end.watch);
  if (end.fd >= 0) ::close(std::exchange(end.fd, -1));
}

void Program::signal(int number) {
  if (pid_ > 0) ::kill(-pid_, number);
}

// A program need not read all of it.
void Program::write() {
  while (written_ < to_write_.size()) {
    const ssize_t n = ::write(input_.fd, to_write_.data() + written_, to_write_.size() - written_);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    if (n < 0) break;
    written_ += static_cast<size_t>(n);
  }
  close(input_);
}

// The last `keep` bytes, or more. False: there is an end of it.
bool Program::read(End& end, std::string& into, size_t keep) {
  char block[65'536];
  for (;;) {
    const ssize_t n = ::read(end.fd, block, sizeof block);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return true;
    if (n <= 0) return false;
    into.append(block, static_cast<size_t>(n));
    if (into.size() > 2 * keep) into.erase(0, into.size() - keep);
    if (&end == &output_ && into.size() > most_output_) return true;  // no more of that
  }
}

void Program::read_output() {
  if (!read(output_, ending_.output, SIZE_MAX / 2)) close(output_);
  if (ending_.output.size() <= most_output_ || std::exchange(ending_.too_much, true)) return;
  close(output_);
  signal(SIGKILL);
}

void Program::read_complaint() {
  if (!read(complaint_, ending_.complaint, kMostComplaint)) close(complaint_);
}

// What it has started and left behind goes with it; until it is waited for, the group is certainly its own.
void Program::exited() {
  int status = 0;
  signal(SIGKILL);
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) continue;
  pid_ = -1;
  if (output_.fd >= 0) read_output();
  if (complaint_.fd >= 0) read_complaint();
  for (End* end : {&process_, &input_, &output_, &complaint_}) close(*end);
  ending_.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  ending_.by_signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  std::string& said = ending_.complaint;
  while (!said.empty() && (said.back() == '\n' || said.back() == '\r')) said.pop_back();
  said = readable(std::string_view(said).substr(said.rfind('\n') + 1));  // of none: all of it is the last line
  ended_(std::move(ending_));
}

}  // namespace plugin
