#include "value/buffer.h"

#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>

#include "value/object.h"

namespace heddle {
namespace {

constexpr uint32_t kDefaultAlign = 64;  // what vector code and DLPack consumers like
constexpr uint32_t kMaxAlign = 1u << 21;

constexpr size_t round_up(size_t size, size_t align) { return (size + align - 1) / align * align; }

// A view says how much there is behind its descriptor; the descriptor knows.
bool is_in_file(const heddle_view& view) noexcept {
  struct stat file;
  if (::fstat(view.fd, &file) != 0 || file.st_size < 0) return false;
  const auto size = static_cast<uint64_t>(file.st_size);
  return view.fd_offset <= size && view.size <= size - view.fd_offset;
}

bool fits_memory(uint64_t size) noexcept {
  const long pages = ::sysconf(_SC_PHYS_PAGES), page = ::sysconf(_SC_PAGESIZE);
  return pages > 0 && page > 0 && size / static_cast<uint64_t>(page) < static_cast<uint64_t>(pages);
}

}  // namespace

heddle_buffer* allocate_buffer(uint64_t size, uint32_t align, void** writable) noexcept {
  if (align == 0) align = kDefaultAlign;
  if (!std::has_single_bit(align) || align > kMaxAlign || size > SIZE_MAX / 4) return nullptr;
  if (align < kDefaultAlign) align = kDefaultAlign;
  size_t head = round_up(sizeof(heddle_buffer), align);
  void* memory = std::aligned_alloc(align, head + round_up(size, align));
  if (!memory) return nullptr;
  auto* buffer = ::new (memory) heddle_buffer{};
  buffer->view = {sizeof(heddle_view), HEDDLE_MEM_CPU, 0, -1, static_cast<char*>(memory) + head, size, 0};
  if (writable) *writable = static_cast<char*>(memory) + head;
  return buffer;
}

heddle_buffer* wrap_buffer(const heddle_view& view, heddle_free_fn free_fn, void* context) noexcept {
  auto* buffer = static_cast<heddle_buffer*>(std::malloc(sizeof(heddle_buffer)));
  if (!buffer) return nullptr;
  ::new (buffer) heddle_buffer{view, free_fn, context};
  buffer->view.struct_size = sizeof(heddle_view);
  return buffer;
}

void free_buffer(heddle_buffer* buffer) noexcept {
  if (buffer->free_fn) buffer->free_fn(buffer->context);
  std::free(buffer);
}

heddle_value* make_bytes(heddle_buffer* buffer, uint64_t offset, uint64_t size) noexcept {
  const heddle_view& whole = buffer->view;
  if (offset > whole.size || size > whole.size - offset) return nullptr;
  auto* v = allocate_object<BytesObject>(Storage::kBytes, HEDDLE_BYTES);
  if (!v) return nullptr;
  v->buffer = buffer;
  v->shown = whole;
  v->shown.size = size;
  v->shown.fd_offset += offset;
  if (whole.data) v->shown.data = static_cast<const char*>(whole.data) + offset;
  v->size = size;
  return v;
}

bool is_addressable(const heddle_view& view) noexcept {
  return view.data && (view.memory == HEDDLE_MEM_CPU || view.memory == HEDDLE_MEM_PINNED || view.memory == HEDDLE_MEM_FD);
}

bool read_view(const heddle_view& view, std::string* copy, std::string_view* out) {
  if (view.size == 0 || is_addressable(view)) {
    *out = {static_cast<const char*>(view.data), view.size};
    return true;
  }
  if (view.memory != HEDDLE_MEM_FD || !is_in_file(view) || !fits_memory(view.size)) return false;
  try {
    copy->resize(view.size);
  } catch (const std::exception&) {
    return false;
  }
  for (size_t done = 0; done < view.size;) {
    ssize_t got = ::pread(view.fd, copy->data() + done, view.size - done, static_cast<off_t>(view.fd_offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    done += static_cast<size_t>(got);
  }
  *out = *copy;
  return true;
}

}  // namespace heddle
