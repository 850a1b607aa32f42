// Memory for small objects that are made on one thread and freed on another, in great numbers.
//
// Each thread keeps two magazines per size; full and empty ones are exchanged through a depot, 64 objects at a time, so that neither side
// waits for the other at every object. Memory is reused, not given back: the pool stays as large as the most that ever lived at once.
// Under a sanitizer there is no pool, for it would hide misuse.
#pragma once
#include <cstddef>
#include <cstdint>
#include <new>

namespace heddle {

// At least `bytes`, aligned for pointers; null when there is none left. `*size_class` is what pool_free wants to know: that of pool_class(bytes).
uint8_t pool_class(size_t bytes) noexcept;
void* pool_allocate(size_t bytes, uint8_t* size_class) noexcept;
void pool_free(void* memory, uint8_t size_class) noexcept;

// The pool for containers and shared pointers.
template <class T>
struct PoolAllocator {
  using value_type = T;
  PoolAllocator() = default;
  template <class U>
  PoolAllocator(const PoolAllocator<U>&) noexcept {}
  T* allocate(size_t n) {
    uint8_t size_class;  // follows from the size
    if (void* const memory = pool_allocate(n * sizeof(T), &size_class)) return static_cast<T*>(memory);
    throw std::bad_alloc();
  }
  void deallocate(T* memory, size_t n) noexcept { pool_free(memory, pool_class(n * sizeof(T))); }
  bool operator==(const PoolAllocator&) const = default;
};

}  // namespace heddle
