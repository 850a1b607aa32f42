// Connections: how one worker is asked: a few threads, each with one kept connection, and one that watches that nothing takes for ever.
#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "target.h"
#include "worker.h"

namespace sidecar_rest {

struct Patience {
  uint64_t connections = 4;   // at a time, and one more for what must not wait behind others
  uint64_t answer_ms = 10'000;  // without a byte; ten times that for the whole of an answer
};

class Connections {
 public:
  using Answered = std::function<void(uint64_t number, Answer answer)>;

  // `answered`: on threads of its own, one at a time for each ask. Throws heddle::sdk::Error.
  Connections(Target target, Patience patience, Answered answered);
  // What is open is broken off, and nothing is answered any more. Not from within `answered`.
  ~Connections();
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  // [any]
  void ask(uint64_t number, Ask what);

 private:
  class Line;  // one thread with its connection
  struct Waiting {
    uint64_t number;
    Ask what;
  };
  using Queue = std::deque<Waiting>;

  void begin_line(bool is_urgent);
  void work(Line& line, bool is_urgent);
  void keep();

  const Target target_;
  const Patience patience_;
  const Answered answered_;
  std::mutex mutex_;
  std::condition_variable came_;  // something to ask, or the end
  std::condition_variable look_;  // for the keeper
  // Guarded by mutex_:
  Queue waiting_, urgent_;
  std::vector<std::unique_ptr<Line>> lines_;
  size_t busy_ = 0, working_ = 0, living_ = 0;  // working: of the lines that are not for what is urgent
  bool has_urgent_line_ = false, stopping_ = false;
  std::thread keeper_;
};

}  // namespace sidecar_rest
