// What gRPC says in words only: its log lines. They go to the host's log as its least important ones, for every failure is told in its own place; and
// why a server cannot be built is said nowhere else.
#pragma once
#include <string>

namespace transport_grpc {

// For the whole process; gRPC has one place for its words.
void take_words();
void release_words();

// The last error that gRPC named on this thread while this lives.
class Words {
 public:
  Words();
  ~Words();
  Words(const Words&) = delete;
  Words& operator=(const Words&) = delete;
  // ": …", or nothing.
  std::string why() const;
};

}  // namespace transport_grpc
