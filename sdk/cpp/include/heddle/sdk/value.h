// SPDX-License-Identifier: Apache-2.0
//
// Value: an owning reference to an immutable payload. ValueRef: a borrowed one. Both are one pointer wide, and safe on any thread.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host.h"

namespace heddle::sdk {

// Valid as long as the Value, or the call, that it was borrowed from. Empty: no value at all, which is not JSON null; every getter of an
// empty reference answers as for a value of another kind.
class ValueRef {
 public:
  constexpr ValueRef() noexcept = default;
  explicit constexpr ValueRef(const heddle_value* v) noexcept : v_(v) {}
  explicit operator bool() const noexcept { return v_ != nullptr; }
  const heddle_value* get() const noexcept { return v_; }

  heddle_kind kind() const noexcept { return v_ ? table().kind(v_) : HEDDLE_NULL; }
  bool is(heddle_kind k) const noexcept { return v_ && table().kind(v_) == k; }
  bool is_null() const noexcept { return is(HEDDLE_NULL); }
  bool is_number() const noexcept { return is(HEDDLE_INT) || is(HEDDLE_FLOAT) || is(HEDDLE_DECIMAL); }

  std::optional<bool> as_bool() const noexcept { return getter<bool>(&heddle_value_service::get_bool); }
  std::optional<int64_t> as_int() const noexcept { return getter<int64_t>(&heddle_value_service::get_int); }
  std::optional<double> as_float() const noexcept { return getter<double>(&heddle_value_service::get_float); }  // INT, FLOAT, DECIMAL
  std::optional<std::string_view> as_text() const noexcept {                                                    // STRING, DECIMAL
    auto s = getter<heddle_str>(&heddle_value_service::get_text);
    return s ? std::optional(detail::to_view(*s)) : std::nullopt;
  }
  // BYTES in this process's memory.
  std::optional<std::span<const std::byte>> as_bytes() const noexcept {
    heddle_view view{};
    view.struct_size = sizeof view;
    if (!v_ || !table().get_view(v_, &view) || (!view.data && view.size)) return std::nullopt;
    return std::span(static_cast<const std::byte*>(view.data), view.size);
  }

  // Elements of LIST and MAP, bytes of STRING and BYTES; else 0.
  size_t size() const noexcept { return v_ ? table().length(v_) : 0; }
  // Element i of a LIST or MAP, and its key where it has one; empty past the end.
  ValueRef at(size_t i, std::string_view* key = nullptr) const noexcept {
    heddle_str k{};
    ValueRef found(v_ ? table().at(v_, i, key ? &k : nullptr) : nullptr);
    if (key) *key = detail::to_view(k);
    return found;
  }
  // Member of a MAP; empty if absent.
  ValueRef find(std::string_view key) const noexcept { return ValueRef(v_ ? table().find(v_, detail::to_str(key)) : nullptr); }
  // RFC 6901; "" is the value itself; empty if it leads nowhere.
  ValueRef pointer(std::string_view path) const;
  // The JSON text; lives with the value.
  std::string_view json() const {
    heddle_str s{};
    if (!v_) return {};
    if (!table().json(v_, &s)) throw std::bad_alloc();
    return detail::to_view(s);
  }

 protected:
  static const heddle_value_service& table() noexcept { return *detail::services.value; }
  const heddle_value* v_ = nullptr;

 private:
  template <class T>
  std::optional<T> getter(bool (*heddle_value_service::*get)(const heddle_value*, T*) HEDDLE_FN) const noexcept {
    T out{};
    if (!v_ || !(table().*get)(v_, &out)) return std::nullopt;
    return out;
  }
};

class Value : public ValueRef {
 public:
  struct Entry;

  constexpr Value() noexcept = default;
  Value(const Value& other) noexcept : ValueRef(other.v_) {
    if (v_) table().retain(v_);
  }
  Value(Value&& other) noexcept : ValueRef(std::exchange(other.v_, nullptr)) {}
  Value& operator=(Value other) noexcept {
    std::swap(v_, other.v_);
    return *this;
  }
  ~Value() {
    if (v_) table().release(v_);
  }

  static Value adopt(heddle_value* v) noexcept { return Value(v); }  // takes over a reference
  static Value share(ValueRef v) noexcept {                          // a new reference
    if (v) table().retain(v.get());
    return Value(v.get());
  }
  heddle_value* release() noexcept { return const_cast<heddle_value*>(std::exchange(v_, nullptr)); }  // gives the reference away

  // Makers. They throw Error (INVALID: what cannot be a value; EXHAUSTED: out of memory).
  static Value null() { return made(table().make_null(host()), "null"); }
  static Value boolean(bool b) { return made(table().make_bool(host(), b), "a truth value"); }
  static Value integer(int64_t i) { return made(table().make_int(host(), i), "an integer"); }
  static Value number(double d) { return made(table().make_float(host(), d), "a number (not finite?)"); }
  static Value decimal(std::string_view text) { return made(table().make_decimal(host(), detail::to_str(text)), "a decimal"); }
  static Value string(std::string_view utf8) { return made(table().make_string(host(), detail::to_str(utf8)), "a text (not UTF-8?)"); }
  static Value parse(std::string_view json) { return made(table().make_json(host(), detail::to_str(json)), "a value from this JSON text"); }
  static Value bytes(std::span<const std::byte> data);  // copied
  static Value list(std::span<Value> items);            // the items are moved out of
  static Value list(std::vector<Value> items) { return list(std::span<Value>(items)); }
  // Value::map({{"input", std::move(in)}, {"counter", Value::integer(3)}})
  template <size_t N>
  static Value map(Entry (&&entries)[N]);
  static Value map(std::span<Entry> entries);  // the values are moved out of

 private:
  friend class Call;
  explicit Value(const heddle_value* v) noexcept : ValueRef(v) {}
  static const heddle_host* host() noexcept { return detail::services.host; }
  static Value made(heddle_value* v, const char* what) {
    if (!v) throw Error(HEDDLE_INVALID, std::string("cannot make ") + what);
    return Value(v);
  }
  static Value make_map(Entry* entries, heddle_str* keys, heddle_value** values, size_t n);
};

struct Value::Entry {
  std::string_view key;
  Value value;
};

inline Value Value::make_map(Entry* entries, heddle_str* keys, heddle_value** values, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    keys[i] = detail::to_str(entries[i].key);
    values[i] = const_cast<heddle_value*>(entries[i].value.get());
  }
  Value map = made(table().make_map(host(), keys, values, n), "an object (a key twice?)");
  for (size_t i = 0; i < n; ++i) entries[i].value.release();  // consumed by make_map
  return map;
}

template <size_t N>
Value Value::map(Entry (&&entries)[N]) {
  heddle_str keys[N];
  heddle_value* values[N];
  return make_map(entries, keys, values, N);
}

inline Value Value::map(std::span<Entry> entries) {
  std::vector<heddle_str> keys(entries.size());
  std::vector<heddle_value*> values(entries.size());
  return make_map(entries.data(), keys.data(), values.data(), entries.size());
}

inline Value Value::list(std::span<Value> items) {
  static_assert(sizeof(Value) == sizeof(heddle_value*));
  std::vector<heddle_value*> raw;
  raw.reserve(items.size());
  for (const Value& item : items) raw.push_back(const_cast<heddle_value*>(item.get()));
  Value made_list = made(table().make_list(host(), raw.data(), raw.size()), "a list");
  for (Value& item : items) item.release();  // consumed by make_list
  return made_list;
}

inline Value Value::bytes(std::span<const std::byte> data) {
  void* room = nullptr;
  heddle_buffer* buffer = table().alloc(host(), data.size(), 1, &room);
  if (!buffer) throw Error(HEDDLE_EXHAUSTED, "no memory for " + std::to_string(data.size()) + " bytes");
  if (!data.empty()) std::memcpy(room, data.data(), data.size());
  heddle_value* v = table().make_bytes(host(), buffer, 0, data.size());
  if (!v) table().drop_buffer(buffer);
  return made(v, "bytes");
}

inline ValueRef ValueRef::pointer(std::string_view path) const {
  ValueRef at_now = *this;
  while (at_now && !path.empty()) {
    if (path[0] != '/') return {};
    path.remove_prefix(1);
    std::string_view step = path.substr(0, path.find('/'));
    path.remove_prefix(step.size());
    if (at_now.is(HEDDLE_LIST)) {
      size_t index = 0;
      if (step.empty() || step.size() > 18 || (step.size() > 1 && step[0] == '0')) return {};
      for (char c : step) {
        if (c < '0' || c > '9') return {};
        index = index * 10 + static_cast<size_t>(c - '0');
      }
      at_now = at_now.at(index);
    } else if (step.find('~') == step.npos) {
      at_now = at_now.find(step);
    } else {
      std::string key;
      for (size_t i = 0; i < step.size(); ++i) {
        bool escape = step[i] == '~' && i + 1 < step.size() && (step[i + 1] == '0' || step[i + 1] == '1');
        key += escape ? (step[++i] == '0' ? '~' : '/') : step[i];
      }
      at_now = at_now.find(key);
    }
  }
  return at_now;
}

}  // namespace heddle::sdk
