#include "secret_bytes.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <new>
#include <utility>

namespace chain_evm {

SecretBytes::SecretBytes(size_t size) : size_(size) {
  if (size == 0) return;
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  mapped_ = (size + page - 1) / page * page;
  void* const at = ::mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) throw std::bad_alloc();
  data_ = static_cast<unsigned char*>(at);
  // Each is best effort: a limit may forbid the first, an old kernel lack the others.
  (void)::mlock(at, mapped_);
  (void)::madvise(at, mapped_, MADV_DONTDUMP);
  (void)::madvise(at, mapped_, MADV_DONTFORK);
}

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)), mapped_(std::exchange(other.mapped_, 0)) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  if (this == &other) return *this;
  drop();
  data_ = std::exchange(other.data_, nullptr);
  size_ = std::exchange(other.size_, 0);
  mapped_ = std::exchange(other.mapped_, 0);
  return *this;
}

SecretBytes::~SecretBytes() { drop(); }

void SecretBytes::shrink(size_t size) {
  if (size >= size_) return;
  ::explicit_bzero(data_ + size, size_ - size);
  size_ = size;
}

void SecretBytes::drop() noexcept {
  if (!data_) return;
  ::explicit_bzero(data_, mapped_);
  (void)::munmap(data_, mapped_);  // unlocks, too
  data_ = nullptr;
}

}  // namespace chain_evm
