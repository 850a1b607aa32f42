#include "cli/line_output.h"

#include <algorithm>

#include "cli/console.h"
#include "value/json_value.h"
#include "clock.h"

namespace heddle {
namespace {

constexpr size_t kFlushBytes = size_t{256} << 10;
constexpr size_t kKeepBytes = size_t{1} << 20;  // a buffer that one huge item made larger is given back
constexpr uint64_t kFlushAfterNs = 20 * kNsPerMs;

}  // namespace

LineOutput::LineOutput(int fd, std::string name, bool tagged) : fd_(fd), name_(std::move(name)), tagged_(tagged) {
  buffer_.reserve(kFlushBytes + 4096);
}

const std::string& LineOutput::prefix_of(const PipelineNode& node) {
  std::string& prefix = prefixes_[&node];
  if (prefix.empty()) prefix = "{\"node\":" + json_text(node.settings.id).json() + ",\"value\":";
  return prefix;
}

Result<void> LineOutput::write(const PipelineNode& node, std::span<Item> items) {
  std::lock_guard lock(mutex_);
  if (failure_) {
    lost_[&node] += items.size();
    return *failure_;
  }
  const std::string* prefix = tagged_ ? &prefix_of(node) : nullptr;
  parts_.push_back({&node, 0});
  for (size_t i = 0; i < items.size(); ++i) {
    if (prefix) buffer_ += *prefix;
    items[i].value.append_json(buffer_);
    buffer_ += prefix ? "}\n" : "\n";
    ends_.push_back(buffer_.size());
    ++parts_.back().items;
    if (buffer_.size() < kFlushBytes) continue;
    if (Result<void> done = flush(); !done) {
      lost_[&node] += items.size() - i - 1;
      return done;
    }
    parts_.push_back({&node, 0});
  }
  return idle_ || now_ns() - flushed_at_ns_ > kFlushAfterNs ? flush() : Result<void>();
}

Result<void> LineOutput::flush() {
  if (failure_) return *failure_;
  size_t written = 0;
  Result<void> done = write_all(fd_, buffer_, &written);
  written_bytes_ += written;
  if (!done) {
    forget(written);
    std::string why = done.error().code == "closed-pipe" ? "its reader has gone away" : done.error().message;
    failure_ =
        Error(done.error().code, "cannot write " + name_ + ": " + why + " (" + std::to_string(written_bytes_) + " bytes were written)");
    return *failure_;
  }
  buffer_.clear();
  ends_.clear();
  parts_.clear();
  if (buffer_.capacity() > kKeepBytes) std::string().swap(buffer_);
  flushed_at_ns_ = now_ns();
  return {};
}

// After a failed write: of the items in the buffer, those that are not wholly among its first bytes are lost.
void LineOutput::forget(size_t written_bytes) {
  size_t whole = 0;
  while (whole < ends_.size() && ends_[whole] <= written_bytes) ++whole;
  for (const Part& part : parts_) {
    const size_t out = std::min(whole, part.items);
    whole -= out;
    lost_[part.node] += part.items - out;
  }
  buffer_.clear();
  ends_.clear();
  parts_.clear();
}

uint64_t LineOutput::lost(const PipelineNode& node) const {
  std::lock_guard lock(mutex_);
  const auto found = lost_.find(&node);
  return found == lost_.end() ? 0 : found->second;
}

void LineOutput::set_idle(bool idle) {
  std::lock_guard lock(mutex_);
  idle_ = idle;
  if (!idle || buffer_.empty()) return;
  (void)flush().has_value();  // kept in failure_
}

Result<void> LineOutput::close() {
  std::lock_guard lock(mutex_);
  return flush();
}

}  // namespace heddle
