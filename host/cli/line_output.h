// Results as JSON lines through one large buffer.
#pragma once
#include <atomic>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "pipeline/run.h"

namespace heddle {

// Invariant: what a call of write took is either in the buffer or written, in order; after the first write error nothing is written any
// more. Flushed when the buffer is full, when nothing was written for a while, at the end, and at once while the feed has nothing to give,
// so that whoever reads the other end of a pipe sees results when they are made.
class LineOutput : public Output {
 public:
  // `fd` stays the caller's. `name` names it in messages. `tagged`: each line says which node it comes from.
  LineOutput(int fd, std::string name, bool tagged);

  Result<void> write(const PipelineNode& node, std::span<Item> items) override;
  Result<void> close() override;
  uint64_t lost(const PipelineNode& node) const override;

  // [any] The feed waits or has ended (true), or goes on (false). A failed flush is told by the next write or close.
  void set_idle(bool idle);

 private:
  const std::string& prefix_of(const PipelineNode& node);
  Result<void> flush();
  void forget(size_t written_bytes);

  // Items of one node that lie one after the other in the buffer.
  struct Part {
    const PipelineNode* node;
    size_t items;
  };

  const int fd_;
  const std::string name_;
  const bool tagged_;
  mutable std::mutex mutex_;
  // Guarded by mutex_:
  std::string buffer_;
  std::vector<size_t> ends_;  // in the buffer, of each item there
  std::vector<Part> parts_;   // whose they are
  std::unordered_map<const PipelineNode*, uint64_t> lost_;
  std::unordered_map<const PipelineNode*, std::string> prefixes_;
  std::optional<Error> failure_;
  uint64_t written_bytes_ = 0;
  uint64_t flushed_at_ns_ = 0;
  bool idle_ = false;
};

}  // namespace heddle
