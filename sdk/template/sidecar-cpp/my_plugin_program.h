// What is peculiar to this sidecar: what a worker is, and how it does an assignment. Put what you have in its place.
//
// A worker is this machine; each assignment is a program that is run for it. The program reads the item from stdin and writes the result to stdout; that it exits with 0 says that all went
// well. What it writes to stderr last is the reason where it did not. It is the leader of a process group, and has in its environment HEDDLE_ACTIVITY, HEDDLE_RUN, HEDDLE_KIND and HEDDLE_CHECKPOINT.
#pragma once
#include <heddle/sdk/poll_thread.h>
#include <heddle/sdk/sidecar.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace plugin {

// What a program is given: all of it copied, so that it can wait.
struct Order {
  Order() = default;
  // Throws Error for what a program cannot be given.
  explicit Order(const heddle::sdk::Assignment& a);
  std::vector<std::pair<std::string, std::string>> environment = {};
  std::string input = {};
};

// How it ended.
struct Ending {
  int exit_code = 0;  // -1: by a signal
  int by_signal = 0;
  bool too_much = false;  // it was cut off for what it wrote
  std::string output = {}, complaint = {};  // all of stdout; the last line of stderr
};

// The file that a command names, as a shell would find it; empty: there is none that can be run.
std::string find_program(const std::string& name);

// All of it on the thread.
class Program : public std::enable_shared_from_this<Program> {
 public:
  // `ended` is called once, when nothing of the program is left. Throws Error where it cannot be started.
  static std::shared_ptr<Program> start(heddle::sdk::PollThread& thread, const std::vector<std::string>& command, Order order, size_t most_output, std::function<void(Ending)> ended);
  explicit Program(heddle::sdk::PollThread& thread) : thread_(thread) {}
  ~Program();
  Program(const Program&) = delete;

  void signal(int number);  // to it, and to what it has started

 private:
  struct End {  // of a pipe
    int fd = -1;
    heddle::sdk::PollThread::Id watch = 0;
  };
  void spawn(const std::vector<std::string>& command, const Order& order);
  void open_pipe(End& ours, int& theirs, bool reads);
  void watch(End& end, short events, void (Program::*then)());
  void close(End& end);
  void write();
  void read_output();
  void read_complaint();
  bool read(End& end, std::string& into, size_t keep);
  void exited();

  heddle::sdk::PollThread& thread_;
  int pid_ = -1;
  End process_, input_, output_, complaint_;
  std::string to_write_;
  size_t written_ = 0, most_output_ = 0;
  Ending ending_;
  std::function<void(Ending)> ended_;
};

}  // namespace plugin
