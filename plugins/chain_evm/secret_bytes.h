// SecretBytes: a key or a password in memory: on pages of its own that are locked (as far as the limits allow), stand in no core dump, go
// to no child, and are wiped before they are given back.
#pragma once
#include <cstddef>
#include <string_view>

namespace chain_evm {

// Moves, and is not copied.
class SecretBytes {
 public:
  SecretBytes() = default;
  // Zeros. Throws std::bad_alloc.
  explicit SecretBytes(size_t size);
  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  ~SecretBytes();

  unsigned char* data() { return data_; }
  const unsigned char* data() const { return data_; }
  size_t size() const { return size_; }
  std::string_view view() const { return {reinterpret_cast<const char*>(data_), size_}; }
  // Wipes what is beyond. `size` is not more than size().
  void shrink(size_t size);

 private:
  void drop() noexcept;
  unsigned char* data_ = nullptr;
  size_t size_ = 0, mapped_ = 0;
};

}  // namespace chain_evm
