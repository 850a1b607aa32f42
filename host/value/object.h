// The objects behind `heddle_value`: how each kind is stored, counted and freed. Private to host/value.
//
// Every object begins with the 32 bytes of heddle_value; its storage says what follows in the same allocation. All of it is constant once
// the object is published, except `refs`, `kind_cache` and `lazy`.
#pragma once
#include <heddle/value.h>

#include <atomic>
#include <cstdint>
#include <string_view>

#include "value/pool.h"

namespace heddle {

enum class Storage : uint8_t {
  kScalar,  // null, bool, int, float: in `number`
  kString,  // STRING or DECIMAL: `text`, UTF-8 without escapes, behind the object
  kText,    // JSON text of any kind: `text`, behind the object
  kMember,  // JSON text inside a kText, which is its `root`; a Member
  kList,    // a ListObject
  kMap,     // a MapObject
  kBytes,   // a BytesObject
  kTensor,  // a TensorObject
};

// Something made at first need and kept with its object: an index, an unescaped string, a JSON text. Those of members hang on their root's
// index, so that freeing them needs no walk.
struct Attachment {
  Attachment* next = nullptr;
};

struct AttachedText : Attachment {
  size_t size;
  char* bytes() { return reinterpret_cast<char*>(this + 1); }
  std::string_view view() const { return {reinterpret_cast<const char*>(this + 1), size}; }
};

inline constexpr uint8_t kImmortal = 1;  // a static object: never counted, never freed

}  // namespace heddle

struct heddle_value {
  std::atomic<uint32_t> refs;
  heddle::Storage storage;
  uint8_t flags;
  std::atomic<int8_t> kind_cache;
  uint8_t size_class;  // of its memory, for the pool
  // kText and kMember: their Index (LIST, MAP) or AttachedText (STRING with escapes). The others: the AttachedText of their JSON.
  // Published once, by compare-exchange. Of an object that is being destroyed: the next one to destroy.
  std::atomic<heddle::Attachment*> lazy;
  union {
    int64_t integer;  // also BOOL
    double real;
    const char* text;
  };
  size_t size;  // bytes of text or bytes; elements of a kList or kMap

  std::string_view view() const { return {text, size}; }
};

namespace heddle {

struct Member : heddle_value {
  heddle_value* root;  // what is counted and freed in its place
  const char* key;     // unescaped; null in a list
  size_t key_size;

  std::string_view key_view() const { return {key, key_size}; }
};

// The members of one LIST or MAP in a text, one level deep. Keys are unique, in order of their first appearance.
struct Index : Attachment {
  std::atomic<Attachment*> attached;  // of the root's index: all that was made for members below
  size_t count;
  const uint32_t* sorted;  // positions in order of key; null for a list or a small map
  Member* members;
};

struct ListObject : heddle_value {
  size_t weight;
  heddle_value** items() { return reinterpret_cast<heddle_value**>(this + 1); }
  heddle_value* const* items() const { return reinterpret_cast<heddle_value* const*>(this + 1); }
};

struct MapEntry {
  heddle_value* value;
  uint32_t key_offset, key_size;  // into the keys
};

struct MapObject : heddle_value {
  size_t weight;
  const char* keys;
  const uint32_t* sorted;  // as in Index
  MapEntry* entries() { return reinterpret_cast<MapEntry*>(this + 1); }
  const MapEntry* entries() const { return reinterpret_cast<const MapEntry*>(this + 1); }
  std::string_view key(size_t i) const { return {keys + entries()[i].key_offset, entries()[i].key_size}; }
};

struct BytesObject : heddle_value {
  heddle_buffer* buffer;
  heddle_view shown;  // the part of the buffer that is the value
};

struct TensorObject : heddle_value {
  DLManagedTensorVersioned* tensor;
};

// Maps of more members than this are searched by their sorted keys.
inline constexpr size_t kSmallMap = 16;

// Memory of attachments: null when there is none left.
void* allocate(size_t bytes) noexcept;
void deallocate(void* memory) noexcept;

// A new object with one reference and room for `bytes` behind the T; null when out of memory.
template <class T>
T* allocate_object(Storage storage, heddle_kind kind, size_t bytes = 0) noexcept {
  if (bytes > SIZE_MAX / 2) return nullptr;
  uint8_t size_class;
  void* memory = pool_allocate(sizeof(T) + bytes, &size_class);
  if (!memory) return nullptr;
  T* object = ::new (memory) T;
  object->refs.store(1, std::memory_order_relaxed);
  object->storage = storage;
  object->flags = 0;
  object->size_class = size_class;
  object->kind_cache.store(static_cast<int8_t>(kind), std::memory_order_relaxed);
  object->lazy.store(nullptr, std::memory_order_relaxed);
  object->size = 0;
  return object;
}

// The bytes behind an object made with room for them.
template <class T>
char* behind(T* object) noexcept {
  return reinterpret_cast<char*>(object + 1);
}

// Gives back the memory of an object that owns nothing.
inline void free_object(heddle_value* v) noexcept { pool_free(v, v->size_class); }

AttachedText* allocate_text(size_t size) noexcept;

void retain_object(const heddle_value* v) noexcept;
void release_object(const heddle_value* v) noexcept;

heddle_kind kind_of(const heddle_value* v) noexcept;
inline bool is_json_text(const heddle_value* v) noexcept { return v->storage == Storage::kText || v->storage == Storage::kMember; }
size_t weight_of(const heddle_value* v) noexcept;

// Makers. Null: out of memory. The bytes of a kString or kText are to be filled in by the caller; a kText's are followed by one '\n', which
// is there already, and must be one valid JSON value without white space around it.
heddle_value* null_object() noexcept;
heddle_value* bool_object(bool b) noexcept;
heddle_value* make_integer(int64_t i) noexcept;
heddle_value* make_real(double d) noexcept;
heddle_value* make_text(Storage storage, heddle_kind kind, size_t size) noexcept;
heddle_value* make_text_of(std::string_view json) noexcept;  // kText, copied
heddle_value* make_list(heddle_value* const* items, size_t count) noexcept;

enum class MapFault : uint8_t { kNone, kRepeatedKey, kBadKey, kNoMemory };
// Consumes the references in `items` on success only. `at`: the position of the key at fault.
MapFault make_map(const heddle_str* keys, heddle_value* const* items, size_t count, heddle_value** out, size_t* at) noexcept;

// Looking inside. Borrowed: they live as long as v. Null: nothing there.
const heddle_value* at_of(const heddle_value* v, size_t i, std::string_view* key) noexcept;
const heddle_value* find_of(const heddle_value* v, std::string_view key) noexcept;
size_t length_of(const heddle_value* v) noexcept;
bool text_of(const heddle_value* v, std::string_view* out) noexcept;
bool integer_of(const heddle_value* v, int64_t* out) noexcept;
bool real_of(const heddle_value* v, double* out) noexcept;
bool bool_of(const heddle_value* v, bool* out) noexcept;

bool same_value(const heddle_value* a, const heddle_value* b) noexcept;

}  // namespace heddle
