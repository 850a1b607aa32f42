// SPDX-License-Identifier: Apache-2.0
//
// Op: one answer that is owed. Whoever holds it owes it; if it dies unanswered, it answers for itself.
#pragma once
#include <heddle/op.h>

#include "value.h"

namespace heddle::sdk {

// Move-only. Any thread, one at a time.
class Op {
 public:
  Op() noexcept = default;
  explicit Op(heddle_op* o) noexcept : o_(o) {}
  Op(Op&& other) noexcept : o_(std::exchange(other.o_, nullptr)) {}
  Op& operator=(Op&& other) noexcept {
    Op old(std::exchange(o_, std::exchange(other.o_, nullptr)));
    return *this;
  }
  ~Op() {
    if (o_) fail(HEDDLE_INTERNAL, "the plugin has dropped this without an answer");
  }

  // True until it was answered or moved from. The two below need it true.
  explicit operator bool() const noexcept { return o_ != nullptr; }
  void complete(Value result = {}) noexcept { answer(HEDDLE_OK, std::move(result), {}); }
  void fail(heddle_status status, std::string_view why, Value details = {}) noexcept { answer(status < 0 ? status : HEDDLE_INTERNAL, std::move(details), why); }

 private:
  void answer(heddle_status status, Value result, std::string_view why) noexcept {
    detail::services.op->complete(std::exchange(o_, nullptr), status, result.release(), detail::to_str(why));
  }
  heddle_op* o_ = nullptr;
};

namespace detail {

// Calls `fn` with the op; what it throws is the answer, unless it has moved the op away.
template <class Fn>
void answering(heddle_op* o, Fn&& fn) noexcept {
  Op op(o);
  guard([&] { fn(op); },
        [&](heddle_status status, std::string_view why) {
          if (op) op.fail(status, why);
        });
}

}  // namespace detail
}  // namespace heddle::sdk
