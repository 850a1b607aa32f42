// What the kernel counts of this process.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

namespace heddle {

// Whether memory that was freed is seen in resident_bytes(): not under a sanitizer, which keeps it to find misuse.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kMemoryTells = false;
#elif defined(__has_feature)
inline constexpr bool kMemoryTells = !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer) && !__has_feature(memory_sanitizer);
#else
inline constexpr bool kMemoryTells = true;
#endif

size_t thread_count();
size_t open_descriptors();
uint64_t resident_bytes();

// "2 threads were"
std::string counted(size_t n, const char* what);

}  // namespace heddle
