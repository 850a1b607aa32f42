// SPDX-License-Identifier: Apache-2.0
//
// Call: one unit of work, answered exactly once. Whoever holds it owes the answer; if it dies unanswered, it answers for itself.
#pragma once
#include <heddle/item.h>

#include "value.h"

namespace heddle::sdk {

// The envelope of a call's input: what the fields mean stands in heddle/item.h.
struct Item {
  heddle_id id = 0;
  uint64_t sequence = 0;
  uint64_t deadline_ns = 0;
  uint32_t attempt = 1;
};

// Names a call in `cancel` and `resume` of a node that keeps its calls; comparable, nothing else.
enum class CallId : uintptr_t {};

// Move-only. Any thread, one at a time.
class Call {
 public:
  explicit Call(heddle_call* c) noexcept : c_(c) {}
  Call(Call&& other) noexcept : c_(std::exchange(other.c_, nullptr)) {}
  Call& operator=(Call&& other) noexcept {
    Call old(std::exchange(c_, std::exchange(other.c_, nullptr)));
    return *this;
  }
  ~Call() {
    if (c_) abandon();
  }

  // True until it was answered or moved from. Every other member needs it true.
  explicit operator bool() const noexcept { return c_ != nullptr; }
  CallId id() const noexcept { return CallId(reinterpret_cast<uintptr_t>(c_)); }

  uint32_t port() const noexcept { return table().port(c_); }
  // Borrowed until the answer or take(); empty for a source's call and in finish.
  ValueRef input() const noexcept { return ValueRef(table().input(c_)); }
  // The input, now yours. Take it after the last point at which you can fail: then a failure still carries the original.
  Value take() noexcept { return Value::adopt(table().take(c_)); }
  Item item() const noexcept {
    heddle_item raw{};
    raw.struct_size = sizeof raw;
    if (!table().item(c_, &raw)) return {};
    return {raw.id, raw.sequence, raw.deadline_ns, raw.attempt};
  }

  // Sends v out of a port (its index in the descriptor). Throws Error on a wrong port, and where there is no room: a type without `resume`
  // is never told AGAIN by a correct host.
  void emit(Value v) { emit(0, std::move(v)); }
  void emit(uint32_t port, Value v) {
    if (!try_emit(port, v)) throw Error(HEDDLE_EXHAUSTED, "no room on output port " + std::to_string(port));
  }
  // False: no room; v is untouched, and `resume` of the node follows. Only for nodes that have one.
  [[nodiscard]] bool try_emit(uint32_t port, Value& v) {
    if (!v) throw Error(HEDDLE_INTERNAL, "emit of an empty value");
    heddle_status status = table().emit(c_, port, const_cast<heddle_value*>(v.get()));
    if (status == HEDDLE_OK) {
      v.release();
      return true;
    }
    if (status == HEDDLE_AGAIN) return false;
    throw Error(status, "cannot emit to output port " + std::to_string(port));
  }

  // The answer. To filter is to complete without an emit.
  void complete() noexcept { answer(HEDDLE_OK, {}); }
  // `details`, a MAP, goes with the failure: its member "code" names it.
  void fail(heddle_status status, std::string_view why, Value details = {}) noexcept { answer(status < 0 ? status : HEDDLE_INTERNAL, why, std::move(details)); }

  // How far it is, for whoever watches: see heddle/call.h.
  void progress(ValueRef said) const noexcept {
    if (HEDDLE_HAS(&table(), progress)) table().progress(c_, said.get());
  }

  // Nobody wants the answer any more; it is still owed.
  bool is_cancelled() const noexcept { return detail::services.op->is_cancelled(op()); }
  uint64_t deadline_ns() const noexcept { return detail::services.op->deadline_ns(op()); }  // CLOCK_MONOTONIC; 0: none
  std::string_view trace() const noexcept { return detail::to_view(detail::services.op->trace(op())); }

 private:
  static const heddle_call_service& table() noexcept { return *detail::services.call; }
  heddle_op* op() const noexcept { return reinterpret_cast<heddle_op*>(c_); }  // the same handle (call.h)
  void answer(heddle_status status, std::string_view why, Value details = {}) noexcept {
    heddle_op* o = op();
    c_ = nullptr;
    detail::services.op->complete(o, status, details.release(), detail::to_str(why));
  }
  [[gnu::cold]] void abandon() noexcept {
    if (is_cancelled()) return answer(HEDDLE_CANCELLED, "cancelled");
    answer(HEDDLE_INTERNAL, "process returned without an answer");
  }

  heddle_call* c_;
};

}  // namespace heddle::sdk
