// Value: an immutable, reference-counted payload. `heddle_value` is the object, `Value` an owning reference to it.
//
// A value read from JSON text keeps the text (validated once) and finds its members when first asked: `find` costs a scan of the text, not
// a tree. Every member is safe from any thread; what looks lazy is published atomically.
#pragma once
#include <heddle/value.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "result.h"

namespace heddle {

class Value {
 public:
  Value() = default;  // empty: no value at all (not JSON null)
  Value(Value&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Value(const Value& other) noexcept : object_(other.object_) {
    if (object_) retain(object_);
  }
  Value& operator=(Value other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Value() {
    if (object_) release(object_);
  }

  static Value adopt(heddle_value* v) noexcept {
    Value r;
    r.object_ = v;
    return r;
  }  // takes over a reference
  static Value share(const heddle_value* v) noexcept {
    if (v) retain(v);
    return adopt(const_cast<heddle_value*>(v));
  }
  heddle_value* release() noexcept { return std::exchange(object_, nullptr); }  // gives the reference away
  heddle_value* get() const noexcept { return object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }

  static Value null();
  static Value boolean(bool b);
  static Value integer(int64_t i);
  static Result<Value> number(double d);                // NaN and infinities are refused
  static Result<Value> decimal(std::string_view text);  // JSON number grammar; becomes the smallest exact kind: INT, FLOAT, DECIMAL
  static Result<Value> string(std::string_view utf8);   // copied; refused if not UTF-8
  static Value bytes(std::string_view data);            // copied
  static Value list(std::vector<Value> items);
  static Result<Value> map(std::vector<std::pair<std::string, Value>> members);  // refused if a key repeats
  // Validated (RFC 8259, UTF-8, depth at most kMaxDepth), copied, not parsed. The error says line and column.
  static Result<Value> parse(std::string_view json);

  static constexpr size_t kMaxDepth = 1024;

  heddle_kind kind() const noexcept;
  bool is_null() const noexcept { return kind() == HEDDLE_NULL; }
  std::optional<bool> as_bool() const noexcept;
  std::optional<int64_t> as_int() const noexcept;
  std::optional<double> as_float() const noexcept;           // INT, FLOAT, DECIMAL
  std::optional<std::string_view> as_text() const noexcept;  // STRING, DECIMAL; lives with this object
  std::optional<std::string_view> as_bytes() const noexcept; // BYTES in this machine's memory; lives with this object
  size_t size() const noexcept;                              // elements of LIST and MAP; bytes of STRING and BYTES
  Value at(size_t i, std::string_view* key = nullptr) const noexcept;
  Value find(std::string_view key) const noexcept;              // empty if absent, or no map
  Value pointer(std::string_view json_pointer) const noexcept;  // RFC 6901; empty if it leads nowhere

  // The JSON text: the original bytes where there are any. `append_json` writes without keeping a copy.
  void append_json(std::string& out) const;
  std::string json() const;
  // What this value weighs in a queue: its text, bytes and children, in bytes; an estimate that never parses.
  size_t weight() const noexcept;

  // Structural equality: numbers by exact value, maps without regard to order.
  friend bool operator==(const Value& a, const Value& b) noexcept;

 private:
  static void retain(const heddle_value* v) noexcept;
  static void release(const heddle_value* v) noexcept;
  heddle_value* object_ = nullptr;
};

// "an object", "the text \"abc\"", "a list of 3": how an error message names what came.
std::string describe(const Value& v);

}  // namespace heddle
