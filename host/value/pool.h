// Memory for small objects that are made on one thread and freed on another, in great numbers.
//
// Each thread keeps two magazines per size; full and empty ones are exchanged through a depot, 64 objects at a time, so that neither side
// waits for the other at every object. Memory is reused, not given back: the pool stays as large as the most that ever lived at once.
// Under a sanitizer there is no pool, for it would hide misuse.
#pragma once
#include <cstddef>
#include <cstdint>

namespace heddle {

// At least `bytes`, aligned for pointers; null when there is none left. `*size_class` is what pool_free wants to know.
void* pool_allocate(size_t bytes, uint8_t* size_class) noexcept;
void pool_free(void* memory, uint8_t size_class) noexcept;

}  // namespace heddle
