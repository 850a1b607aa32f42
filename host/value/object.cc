#include "value/object.h"

#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "value/buffer.h"
#include "value/json_index.h"
#include "value/number.h"
#include "value/tensor.h"

namespace heddle {
namespace {

struct StaticText {
  AttachedText head;
  char bytes[8];
};

struct StaticScalar {
  StaticText json;
  heddle_value object;

  StaticScalar(heddle_kind kind, int64_t integer, std::string_view text) {
    json.head.size = text.size();
    std::memcpy(json.bytes, text.data(), text.size());
    object.refs.store(1, std::memory_order_relaxed);
    object.storage = Storage::kScalar;
    object.flags = kImmortal;
    object.size_class = 0;
    object.kind_cache.store(static_cast<int8_t>(kind), std::memory_order_relaxed);
    object.lazy.store(&json.head, std::memory_order_relaxed);
    object.integer = integer;
    object.size = 0;
  }
};

const heddle_value* counted(const heddle_value* v) noexcept {
  return v->storage == Storage::kMember ? static_cast<const Member*>(v)->root : v;
}

// Takes one reference from `v`, which is no Member. True: it was the last one.
bool drop(heddle_value* v) noexcept {
  if (v->flags & kImmortal) return false;
  // A sole owner needs no atomic read-modify-write: nobody else can be counting.
  return v->refs.load(std::memory_order_acquire) == 1 || v->refs.fetch_sub(1, std::memory_order_acq_rel) == 1;
}

void free_attachments(heddle_value* v) noexcept {
  Attachment* own = v->lazy.load(std::memory_order_relaxed);
  if (!own) return;
  if (v->storage == Storage::kText && kind_of(v) != HEDDLE_STRING) {
    Attachment* next = static_cast<Index*>(own)->attached.load(std::memory_order_relaxed);
    while (next) deallocate(std::exchange(next, next->next));
  }
  deallocate(own);
}

// Destroys `first` and all that dies with it, without recursion: the dead wait in a list through their `lazy`.
void destroy(heddle_value* first) noexcept {
  heddle_value* dead = nullptr;
  auto bury = [&dead](heddle_value* v) {
    free_attachments(v);
    v->lazy.store(reinterpret_cast<Attachment*>(dead), std::memory_order_relaxed);
    dead = v;
  };
  auto drop_child = [&bury](const heddle_value* child) {
    auto* v = const_cast<heddle_value*>(counted(child));
    if (drop(v)) bury(v);
  };
  bury(first);
  while (dead) {
    heddle_value* v = dead;
    dead = reinterpret_cast<heddle_value*>(v->lazy.load(std::memory_order_relaxed));
    switch (v->storage) {
      case Storage::kList:
        for (size_t i = 0; i < v->size; ++i) drop_child(static_cast<ListObject*>(v)->items()[i]);
        break;
      case Storage::kMap:
        for (size_t i = 0; i < v->size; ++i) drop_child(static_cast<MapObject*>(v)->entries()[i].value);
        break;
      case Storage::kBytes:
        free_buffer(static_cast<BytesObject*>(v)->buffer);
        break;
      case Storage::kTensor:
        free_tensor(static_cast<TensorObject*>(v));
        break;
      default:
        break;
    }
    free_object(v);
  }
}

}  // namespace

void* allocate(size_t bytes) noexcept { return std::malloc(bytes); }
void deallocate(void* memory) noexcept { std::free(memory); }

AttachedText* allocate_text(size_t size) noexcept {
  void* memory = allocate(sizeof(AttachedText) + size);
  if (!memory) return nullptr;
  auto* text = ::new (memory) AttachedText;
  text->size = size;
  return text;
}

void retain_object(const heddle_value* v) noexcept {
  auto* owner = const_cast<heddle_value*>(counted(v));
  if (!(owner->flags & kImmortal)) owner->refs.fetch_add(1, std::memory_order_relaxed);
}

void release_object(const heddle_value* v) noexcept {
  auto* owner = const_cast<heddle_value*>(counted(v));
  if (drop(owner)) destroy(owner);
}

heddle_kind kind_of(const heddle_value* v) noexcept {
  int8_t kind = v->kind_cache.load(std::memory_order_relaxed);
  if (kind == kKindUnknown) {
    kind = static_cast<int8_t>(number_kind(v->view()));
    const_cast<heddle_value*>(v)->kind_cache.store(kind, std::memory_order_relaxed);
  }
  return kind;
}

size_t weight_of(const heddle_value* v) noexcept {
  switch (v->storage) {
    case Storage::kScalar:
      return sizeof(heddle_value);
    case Storage::kString:
    case Storage::kText:
    case Storage::kMember:
      return sizeof(heddle_value) + v->size;
    case Storage::kList:
      return static_cast<const ListObject*>(v)->weight;
    case Storage::kMap:
      return static_cast<const MapObject*>(v)->weight;
    case Storage::kBytes:
      return sizeof(BytesObject) + v->size;
    case Storage::kTensor:
      return sizeof(TensorObject) + tensor_bytes(v);
  }
  return 0;
}

heddle_value* null_object() noexcept {
  static StaticScalar object(HEDDLE_NULL, 0, "null");
  return &object.object;
}

heddle_value* bool_object(bool b) noexcept {
  static StaticScalar no(HEDDLE_BOOL, 0, "false"), yes(HEDDLE_BOOL, 1, "true");
  return b ? &yes.object : &no.object;
}

heddle_value* make_integer(int64_t i) noexcept {
  auto* v = allocate_object<heddle_value>(Storage::kScalar, HEDDLE_INT);
  if (v) v->integer = i;
  return v;
}

heddle_value* make_real(double d) noexcept {
  auto* v = allocate_object<heddle_value>(Storage::kScalar, HEDDLE_FLOAT);
  if (v) v->real = d;
  return v;
}

heddle_value* make_text(Storage storage, heddle_kind kind, size_t size) noexcept {
  auto* v = size < SIZE_MAX / 2 ? allocate_object<heddle_value>(storage, kind, size + 1) : nullptr;
  if (!v) return nullptr;
  char* bytes = behind(v);
  bytes[size] = '\n';
  v->text = bytes;
  v->size = size;
  return v;
}

heddle_value* make_text_of(std::string_view json) noexcept {
  heddle_value* v = make_text(Storage::kText, kind_of_text(json.front()), json.size());
  if (v) std::memcpy(behind(v), json.data(), json.size());
  return v;
}

bool bool_of(const heddle_value* v, bool* out) noexcept {
  if (kind_of(v) != HEDDLE_BOOL) return false;
  *out = is_json_text(v) ? v->text[0] == 't' : v->integer != 0;
  return true;
}

bool integer_of(const heddle_value* v, int64_t* out) noexcept {
  if (kind_of(v) != HEDDLE_INT) return false;
  *out = is_json_text(v) ? integer_of_text(v->view()) : v->integer;
  return true;
}

bool real_of(const heddle_value* v, double* out) noexcept {
  heddle_kind kind = kind_of(v);
  if (kind != HEDDLE_INT && kind != HEDDLE_FLOAT && kind != HEDDLE_DECIMAL) return false;
  if (v->storage != Storage::kScalar) {
    *out = real_of_text(v->view());
  } else {
    *out = kind == HEDDLE_INT ? static_cast<double>(v->integer) : v->real;
  }
  return true;
}

}  // namespace heddle
