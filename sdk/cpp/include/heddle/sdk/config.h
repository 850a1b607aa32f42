// SPDX-License-Identifier: Apache-2.0
//
// Config: what a node is made from: its params, checked against the type's schema by the host, and the host table made for it.
#pragma once
#include <concepts>

#include "value.h"

namespace heddle::sdk {

// Lives during construction only: copy out what you need. `host()` lives as long as the node.
class Config {
 public:
  Config(const heddle_host* h, ValueRef params) noexcept : host_(h), params_(params) {}
  Host host() const noexcept { return host_; }
  Log log() const noexcept { return host_.log(); }
  ValueRef params() const noexcept { return params_; }
  ValueRef find(std::string_view key) const noexcept { return params_.find(key); }

  // A param as bool, an integer type, double or std::string. The first form throws where it is absent. Defaults stated in the schema are
  // not filled in by the host: give them here too.
  template <class T>
  T get(std::string_view key) const {
    if (auto v = find(key)) return convert<T>(key, v);
    throw Error(HEDDLE_INVALID, "the param \"" + std::string(key) + "\" is missing");
  }
  template <class T>
  T get(std::string_view key, T otherwise) const {
    auto v = find(key);
    return v ? convert<T>(key, v) : std::move(otherwise);
  }

 private:
  template <class T>
  static T convert(std::string_view key, ValueRef v) {
    if constexpr (std::same_as<T, bool>) {
      if (auto b = v.as_bool()) return *b;
    } else if constexpr (std::integral<T>) {
      if (auto i = v.as_int(); i && std::in_range<T>(*i)) return static_cast<T>(*i);
    } else if constexpr (std::floating_point<T>) {
      if (auto d = v.as_float()) return static_cast<T>(*d);
    } else {
      static_assert(std::same_as<T, std::string>, "a param is bool, an integer, a floating-point number or std::string");
      if (v.is(HEDDLE_STRING)) return std::string(*v.as_text());
    }
    throw Error(HEDDLE_INVALID, "the param \"" + std::string(key) + "\" has a value of the wrong type");
  }

  Host host_;
  ValueRef params_;
};

namespace detail {

// create() of any kind: the object that `make` gives for the params, and its table; or the reason why there is none.
template <class Make>
heddle_status created(const heddle_host* h, const heddle_value* params, void** self, const void** table_out, const void* table, Make&& make) noexcept {
  heddle_status result = HEDDLE_OK;
  guard(
      [&] {
        *self = make(Config(h, ValueRef(params)));
        *table_out = table;
      },
      [&](heddle_status status, std::string_view why) { h->fail(h, result = status, to_str(why), nullptr); });
  return result;
}

}  // namespace detail
}  // namespace heddle::sdk
