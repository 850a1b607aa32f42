// LineSocket: a connection to a Unix socket over which one line is asked and one is answered.
#pragma once
#include <chrono>
#include <string>
#include <string_view>

namespace chain_evm {

// Not for several threads at once.
class LineSocket {
 public:
  using Clock = std::chrono::steady_clock;

  // `stop_fd`: becomes readable when nobody wants an answer any more; -1: never.
  LineSocket(std::string path, int stop_fd) : path_(std::move(path)), stop_fd_(stop_fd) {}
  ~LineSocket() { close(); }
  LineSocket(const LineSocket&) = delete;
  LineSocket& operator=(const LineSocket&) = delete;

  // Sends `line` with a line feed, and gives back the next line, without it. Connects where there is no connection, and once more where the
  // old one has ended. Throws std::runtime_error: what went wrong; the connection is closed then.
  std::string ask(std::string_view line, Clock::time_point until);
  // The next one to ask connects again: what else may come over this connection is not waited for.
  void close();

 private:
  static constexpr size_t kMostLine = 65536;
  void open();
  void wait(short events, Clock::time_point until);
  void send(std::string_view text, Clock::time_point until);
  std::string receive(Clock::time_point until);
  std::string exchange(std::string_view text, Clock::time_point until);

  const std::string path_;
  const int stop_fd_;
  int fd_ = -1;
};

}  // namespace chain_evm
