#include <utility>
#include <vector>

#include "value/buffer.h"
#include "value/number.h"
#include "value/object.h"
#include "value/tensor.h"

namespace heddle {
namespace {

bool is_numeric(heddle_kind kind) { return kind == HEDDLE_INT || kind == HEDDLE_FLOAT || kind == HEDDLE_DECIMAL; }

// The number as text; `room` has kNumberRoom bytes.
std::string_view number_text(const heddle_value* v, char* room) {
  if (v->storage != Storage::kScalar) return v->view();
  char* end = kind_of(v) == HEDDLE_INT ? write_integer(room, v->integer) : write_real(room, v->real);
  return {room, static_cast<size_t>(end - room)};
}

bool same_numbers(const heddle_value* a, const heddle_value* b) {
  if (kind_of(a) == HEDDLE_INT && kind_of(b) == HEDDLE_INT) {
    int64_t i = 0, j = 0;
    return integer_of(a, &i) && integer_of(b, &j) && i == j;
  }
  char room_a[kNumberRoom], room_b[kNumberRoom];
  return same_number(number_text(a, room_a), number_text(b, room_b));
}

bool same_bytes(const heddle_value* a, const heddle_value* b) {
  std::string copy_a, copy_b;
  std::string_view bytes_a, bytes_b;
  if (a->size != b->size) return false;
  return read_view(static_cast<const BytesObject*>(a)->shown, &copy_a, &bytes_a) &&
         read_view(static_cast<const BytesObject*>(b)->shown, &copy_b, &bytes_b) && bytes_a == bytes_b;
}

// Pairs that are still to be compared: values can be nested deeper than the call stack goes.
using Pairs = std::vector<std::pair<const heddle_value*, const heddle_value*>>;

bool push_members(const heddle_value* a, const heddle_value* b, bool is_map, Pairs* pairs) {
  size_t count = length_of(a);
  if (count != length_of(b)) return false;
  for (size_t i = 0; i < count; ++i) {
    std::string_view key;
    const heddle_value* mine = at_of(a, i, &key);
    const heddle_value* theirs = is_map ? find_of(b, key) : at_of(b, i, nullptr);
    if (!mine || !theirs) return false;
    pairs->emplace_back(mine, theirs);
  }
  return true;
}

bool same_here(const heddle_value* a, const heddle_value* b, Pairs* pairs) {
  heddle_kind kind = kind_of(a), other = kind_of(b);
  if (is_numeric(kind)) return is_numeric(other) && same_numbers(a, b);
  if (kind != other) return false;
  switch (kind) {
    case HEDDLE_NULL:
      return true;
    case HEDDLE_BOOL: {
      bool x = false, y = false;
      return bool_of(a, &x) && bool_of(b, &y) && x == y;
    }
    case HEDDLE_STRING: {
      std::string_view x, y;
      return text_of(a, &x) && text_of(b, &y) && x == y;
    }
    case HEDDLE_BYTES:
      return same_bytes(a, b);
    case HEDDLE_TENSOR:
      return same_tensor(a, b);
    default:
      return push_members(a, b, kind == HEDDLE_MAP, pairs);
  }
}

}  // namespace

bool same_value(const heddle_value* a, const heddle_value* b) noexcept {
  Pairs pairs{{a, b}};
  while (!pairs.empty()) {
    auto [x, y] = pairs.back();
    pairs.pop_back();
    if (x != y && !same_here(x, y, &pairs)) return false;
  }
  return true;
}

}  // namespace heddle
