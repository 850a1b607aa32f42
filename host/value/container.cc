// Lists and maps that nodes make, and looking inside those and inside texts.
#include <algorithm>
#include <cstring>
#include <vector>

#include "value/json_check.h"
#include "value/json_index.h"
#include "value/object.h"

namespace heddle {
namespace {

// A shared child counts in every container it is in: sums of sums can grow past any size.
size_t saturated(size_t a, size_t b) noexcept { return a > SIZE_MAX - b ? SIZE_MAX : a + b; }

bool same_key(std::string_view a, std::string_view b) { return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size()) == 0; }

// The position of a key that repeats an earlier one; SIZE_MAX: none does.
size_t repeated_small(const MapObject* map) noexcept {
  for (size_t i = 1; i < map->size; ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (same_key(map->key(i), map->key(j))) return i;
    }
  }
  return SIZE_MAX;
}

// The same, and sorts.
size_t repeated_large(const MapObject* map, uint32_t* sorted) {
  for (uint32_t i = 0; i < map->size; ++i) sorted[i] = i;
  std::sort(sorted, sorted + map->size, [map](uint32_t a, uint32_t b) { return map->key(a) < map->key(b); });
  for (size_t i = 1; i < map->size; ++i) {
    if (map->key(sorted[i]) == map->key(sorted[i - 1])) return std::max(sorted[i], sorted[i - 1]);
  }
  return SIZE_MAX;
}

size_t position_of(const MapObject* map, std::string_view key) noexcept {
  if (map->sorted) return find_sorted(map->sorted, map->size, key, [map](uint32_t i) { return map->key(i); });
  for (size_t i = 0; i < map->size; ++i) {
    if (same_key(map->key(i), key)) return i;
  }
  return SIZE_MAX;
}

size_t position_of(const Index* index, std::string_view key) noexcept {
  const Member* members = index->members;
  if (index->sorted) return find_sorted(index->sorted, index->count, key, [members](uint32_t i) { return members[i].key_view(); });
  for (size_t i = 0; i < index->count; ++i) {
    if (same_key(members[i].key_view(), key)) return i;
  }
  return SIZE_MAX;
}

}  // namespace

heddle_value* make_list(heddle_value* const* items, size_t count) noexcept {
  if (count > SIZE_MAX / 32) return nullptr;
  auto* list = allocate_object<ListObject>(Storage::kList, HEDDLE_LIST, count * sizeof(heddle_value*));
  if (!list) return nullptr;
  list->size = count;
  list->weight = sizeof(ListObject) + count * sizeof(heddle_value*);
  for (size_t i = 0; i < count; ++i) {
    list->items()[i] = items[i];
    list->weight = saturated(list->weight, weight_of(items[i]));
  }
  return list;
}

MapFault make_map(const heddle_str* keys, heddle_value* const* items, size_t count, heddle_value** out, size_t* at) noexcept {
  size_t key_bytes = 0;
  for (size_t i = 0; i < count; ++i) {
    key_bytes += keys[i].len;
    const bool is_nowhere = keys[i].len > 0 && !keys[i].ptr;
    if (is_nowhere || keys[i].len > UINT32_MAX || key_bytes > UINT32_MAX || !is_utf8({keys[i].ptr, keys[i].len})) return *at = i, MapFault::kBadKey;
  }
  if (count > UINT32_MAX) return MapFault::kNoMemory;
  bool sort = count > kSmallMap;
  size_t entry_bytes = count * sizeof(MapEntry), sorted_bytes = sort ? count * sizeof(uint32_t) : 0;
  auto* map = allocate_object<MapObject>(Storage::kMap, HEDDLE_MAP, entry_bytes + sorted_bytes + key_bytes);
  if (!map) return MapFault::kNoMemory;
  auto* sorted = reinterpret_cast<uint32_t*>(behind(map) + entry_bytes);
  char* key_text = behind(map) + entry_bytes + sorted_bytes;
  map->keys = key_text;
  map->sorted = sort ? sorted : nullptr;
  map->size = count;
  map->weight = sizeof(MapObject) + entry_bytes + sorted_bytes + key_bytes;
  uint32_t offset = 0;
  for (size_t i = 0; i < count; ++i) {
    auto size = static_cast<uint32_t>(keys[i].len);
    map->entries()[i] = {items[i], offset, size};
    if (size > 0) std::memcpy(key_text + offset, keys[i].ptr, size);
    offset += size;
    map->weight = saturated(map->weight, weight_of(items[i]));
  }
  size_t repeated = sort ? repeated_large(map, sorted) : repeated_small(map);
  if (repeated != SIZE_MAX) {
    free_object(map);
    return *at = repeated, MapFault::kRepeatedKey;
  }
  *out = map;
  return MapFault::kNone;
}

const heddle_value* at_of(const heddle_value* v, size_t i, std::string_view* key) noexcept {
  if (v->storage == Storage::kList) return i < v->size ? static_cast<const ListObject*>(v)->items()[i] : nullptr;
  if (v->storage == Storage::kMap) {
    if (i >= v->size) return nullptr;
    auto* map = static_cast<const MapObject*>(v);
    if (key) *key = map->key(i);
    return map->entries()[i].value;
  }
  heddle_kind kind = kind_of(v);
  if (kind != HEDDLE_LIST && kind != HEDDLE_MAP) return nullptr;
  const Index* index = index_of(v);
  if (!index || i >= index->count) return nullptr;
  if (key && kind == HEDDLE_MAP) *key = index->members[i].key_view();
  return &index->members[i];
}

const heddle_value* find_of(const heddle_value* v, std::string_view key) noexcept {
  if (kind_of(v) != HEDDLE_MAP) return nullptr;
  if (v->storage == Storage::kMap) {
    auto* map = static_cast<const MapObject*>(v);
    size_t i = position_of(map, key);
    return i == SIZE_MAX ? nullptr : map->entries()[i].value;
  }
  const Index* index = index_of(v);
  size_t i = index ? position_of(index, key) : SIZE_MAX;
  return i == SIZE_MAX ? nullptr : &index->members[i];
}

bool text_of(const heddle_value* v, std::string_view* out) noexcept {
  heddle_kind kind = kind_of(v);
  if (kind == HEDDLE_STRING && is_json_text(v)) return string_of(v, out);
  if (kind != HEDDLE_STRING && kind != HEDDLE_DECIMAL) return false;
  *out = v->view();
  return true;
}

size_t length_of(const heddle_value* v) noexcept {
  switch (kind_of(v)) {
    case HEDDLE_LIST:
    case HEDDLE_MAP: {
      if (!is_json_text(v)) return v->size;
      const Index* index = index_of(v);
      return index ? index->count : 0;
    }
    case HEDDLE_STRING: {
      std::string_view text;
      return text_of(v, &text) ? text.size() : 0;
    }
    case HEDDLE_BYTES:
      return v->size;
    default:
      return 0;
  }
}

}  // namespace heddle
