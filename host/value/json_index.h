// The members of a JSON text, found when first asked for.
#pragma once
#include <string_view>

#include "value/object.h"

namespace heddle {

// [any thread] The members of `v`, a LIST or MAP that is JSON text; made at the first call and kept with v. Null: out of memory.
const Index* index_of(const heddle_value* v) noexcept;

// [any thread] The text of `v`, a STRING that is JSON text, escapes resolved. False: out of memory.
bool string_of(const heddle_value* v, std::string_view* out) noexcept;

// [any thread] The JSON text of `v`, made at the first call and kept with v. False: out of memory, or v holds bytes that cannot be read
// from here.
bool json_of(const heddle_value* v, std::string_view* out) noexcept;

// The position of `key` among keys given by key_at(i), of which `sorted` lists the positions in order of key. SIZE_MAX: absent.
template <class KeyAt>
size_t find_sorted(const uint32_t* sorted, size_t count, std::string_view key, KeyAt key_at) noexcept {
  size_t low = 0, high = count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    int order = key_at(sorted[middle]).compare(key);
    if (order == 0) return sorted[middle];
    if (order < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return SIZE_MAX;
}

}  // namespace heddle
