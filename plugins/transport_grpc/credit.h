// Credit: how many parts of an answer the host may be granted, between the credit of the peer and what may lie here unsent.
#pragma once
#include <algorithm>
#include <cstdint>

namespace transport_grpc {

class Credit {
 public:
  // How many parts may lie here.
  static constexpr uint64_t kWindow = 64;

  // What the peer says at first; 0: it does not count, and what has been sent makes room.
  void open(uint32_t credit) {
    counted_ = credit > 0;
    allowed_ = credit;
  }
  void add(uint32_t credit) { allowed_ += credit; }
  bool is_counted() const { return counted_; }
  // The peer takes nothing before it says so.
  bool is_used_up() const { return counted_ && sent_ >= allowed_; }
  void sent() { ++sent_; }

  // To be granted to the host now; not one by one where it has some left.
  uint32_t take() {
    const uint64_t room = sent_ + kWindow, most = counted_ ? std::min(room, allowed_) : room;
    const uint64_t due = most - granted_;
    if (due < kWindow / 2 && granted_ > sent_) return 0;
    granted_ += due;
    return static_cast<uint32_t>(due);
  }

 private:
  bool counted_ = false;
  uint64_t allowed_ = 0, granted_ = 0, sent_ = 0;
};

}  // namespace transport_grpc
