// Processes that a bench talks to: hosts that serve a pipeline, and the proxy that spoils connections. Each goes with its object.
#pragma once
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "value/value.h"

extern char** environ;

namespace heddle {

[[noreturn]] inline void give_up(const std::string& why) {
  std::fprintf(stderr, "bench: %s\n", why.c_str());
  std::exit(1);
}

// The processes that are to go with this one, however it ends.
class Running {
 public:
  ~Running() {
    for (const pid_t pid : pids) ::kill(pid, SIGKILL);
  }
  std::set<pid_t> pids;
};
inline Running running;

// A program with pipes to its input and from its output. One thread.
class Program {
 public:
  explicit Program(std::vector<std::string> words) {
    std::array<int, 2> in{}, out{};
    if (::pipe2(in.data(), O_CLOEXEC) != 0 || ::pipe2(out.data(), O_CLOEXEC) != 0) give_up("no pipes");
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    if (::posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(), environ) != 0) give_up("cannot start " + words[0]);
    running.pids.insert(pid_);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(in[0]);
    ::close(out[1]);
    in_ = ::fdopen(in[1], "w");
    out_ = ::fdopen(out[0], "r");
  }
  ~Program() { kill(); }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  Value next_line() {
    char* line = nullptr;
    size_t size = 0;
    const ssize_t got = ::getline(&line, &size, out_);
    auto value = Value::parse(got > 0 ? std::string_view(line, static_cast<size_t>(got)) : std::string_view());
    std::free(line);
    if (!value) give_up("a process of this bench has ended");
    return *std::move(value);
  }
  void say(const std::string& line) {
    std::fputs((line + "\n").c_str(), in_);
    std::fflush(in_);
  }
  void kill() {
    if (pid_ == 0) return;
    running.pids.erase(pid_);
    ::kill(pid_, SIGKILL);
    ::waitpid(std::exchange(pid_, 0), nullptr, 0);
    std::fclose(in_);
    std::fclose(out_);
  }

 private:
  pid_t pid_ = 0;
  FILE* in_ = nullptr;
  FILE* out_ = nullptr;
};

// `heddle serve` with the pipeline "double", over both transports.
class BenchHost {
 public:
  // `at`: where it listens for HTTP.
  explicit BenchHost(const std::string& name, const std::string& at = "127.0.0.1:0")
      : folder_(std::filesystem::temp_directory_path() / ("heddle-remote-bench-" + std::to_string(::getpid()) + "-" + name)) {
    std::filesystem::create_directories(folder_ / "pipelines");
    std::ofstream(folder_ / "pipelines/double.json") << R"({"version":"heddle/1","metadata":{"name":"double"},"nodes":[{"id":"m","node_type":"Multiply","params":{"multiplier":2}}]})";
    std::ofstream(folder_ / "host.json") << R"({"listen":[{"transport":"http","endpoint":")" << at << R"(","limits":{"requests":1000}},{"transport":"grpc","endpoint":"127.0.0.1:0","limits":{"requests":1000}}],"pipelines":"pipelines"})";
    program_ = std::make_unique<Program>(std::vector<std::string>{HEDDLE_BENCH_PROGRAM, "serve", "--config", folder_ / "host.json", "--json"});
    const Value listeners = program_->next_line().find("listeners");
    for (size_t i = 0; i < listeners.size(); ++i) {
      const Value one = listeners.at(i);
      (one.find("transport").as_text() == "http" ? http : grpc) = *one.find("endpoint").as_text();
    }
  }
  ~BenchHost() {
    program_.reset();
    std::filesystem::remove_all(folder_);
  }
  void kill() { program_->kill(); }
  std::string http, grpc;

 private:
  std::filesystem::path folder_;
  std::unique_ptr<Program> program_;
};

}  // namespace heddle
