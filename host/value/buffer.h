// heddle_buffer: memory on its way to becoming a BYTES value, and the memory behind such a value.
#pragma once
#include <heddle/value.h>

#include <string>
#include <string_view>

struct heddle_buffer {
  heddle_view view;
  void (*free_fn)(void* context);  // null: the bytes lie behind this object
  void* context;
};

namespace heddle {

// `align`: a power of two, or 0 for any. Null: out of memory, or no such alignment.
heddle_buffer* allocate_buffer(uint64_t size, uint32_t align, void** writable) noexcept;
// `free_fn` may be null: then nobody needs to know when the memory is no longer used.
heddle_buffer* wrap_buffer(const heddle_view& view, heddle_free_fn free_fn, void* context) noexcept;
void free_buffer(heddle_buffer* buffer) noexcept;

// A new BYTES value over a part of `buffer`, which it consumes. Null: the part is not inside the buffer (`buffer` is still the caller's),
// or out of memory.
heddle_value* make_bytes(heddle_buffer* buffer, uint64_t offset, uint64_t size) noexcept;

// Whether its bytes can be read where `data` says: not those of a device, nor of a kind of memory that we do not know.
bool is_addressable(const heddle_view& view) noexcept;
// The bytes a view shows: in place where memory is addressable, read into `copy` where it is a descriptor. False: unreadable from here.
bool read_view(const heddle_view& view, std::string* copy, std::string_view* out);

}  // namespace heddle
