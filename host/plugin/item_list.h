// RawItem and ItemList: items on the hot path.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

#include "value/value.h"

namespace heddle {

// An Item whose reference is counted by hand: what the hot path moves.
struct RawItem {
  heddle_value* value = nullptr;  // owned by whoever holds the RawItem
  uint64_t id = 0, sequence = 0, deadline_ns = 0;
  uint32_t attempt = 1;
  uint32_t call = 0;              // in an outlet: the index of the call that emitted it
  uint32_t edge = 0;              // the edge it came in by
  uint32_t port = 0;              // the input port it goes to

  void drop() { Value::adopt(value); value = nullptr; }
};

// A growable array of RawItems, with the names of std::vector. It does not own the references. Unlike with std::vector, whoever is in a hurry can ask has_room() and
// then push without a branch to the allocator: that is a fifth of the time of a hop.
class ItemList {
 public:
  static_assert(std::is_trivially_copyable_v<RawItem>);
  ItemList() = default;
  ItemList(std::initializer_list<RawItem> items) { append({items.begin(), items.size()}); }
  ItemList(const ItemList& other) { append(other); }
  ItemList(ItemList&& other) noexcept { swap(other); }
  ItemList& operator=(ItemList other) noexcept {
    swap(other);
    return *this;
  }
  ~ItemList() { std::free(begin_); }

  size_t size() const { return static_cast<size_t>(end_ - begin_); }
  bool empty() const { return begin_ == end_; }
  // sizeof(RawItem) * size(): no division.
  size_t bytes() const { return static_cast<size_t>(reinterpret_cast<char*>(end_) - reinterpret_cast<char*>(begin_)); }
  RawItem* begin() { return begin_; }
  RawItem* end() { return end_; }
  const RawItem* begin() const { return begin_; }
  const RawItem* end() const { return end_; }
  RawItem* data() { return begin_; }
  const RawItem* data() const { return begin_; }
  RawItem& operator[](size_t i) { return begin_[i]; }
  const RawItem& operator[](size_t i) const { return begin_[i]; }
  RawItem& front() { return *begin_; }
  RawItem& back() { return end_[-1]; }

  bool has_room() const { return end_ != room_; }
  // The next place, not initialised; only with has_room().
  RawItem& push_in_room() { return *end_++; }
  RawItem& push_back(const RawItem& item) {
    if (!has_room()) [[unlikely]] return push_grown(item);
    return push_in_room() = item;
  }
  void append(std::span<const RawItem> items) {
    reserve(size() + items.size());
    end_ = std::copy(items.begin(), items.end(), end_);
  }
  void clear() { end_ = begin_; }
  void shrink(size_t size) { end_ = begin_ + size; }
  void reserve(size_t wanted) {
    if (wanted > static_cast<size_t>(room_ - begin_)) grow(wanted);
  }
  void swap(ItemList& other) noexcept {
    std::swap(begin_, other.begin_);
    std::swap(end_, other.end_);
    std::swap(room_, other.room_);
  }

 private:
  [[gnu::noinline, gnu::cold]] RawItem& push_grown(RawItem item) {  // a copy: it may lie in here
    grow(std::max<size_t>(16, size() * 2));
    return push_in_room() = item;
  }
  [[gnu::noinline, gnu::cold]] void grow(size_t wanted) {
    const size_t count = size();
    void* grown = std::realloc(static_cast<void*>(begin_), wanted * sizeof(RawItem));
    if (!grown) throw std::bad_alloc();
    begin_ = static_cast<RawItem*>(grown);
    end_ = begin_ + count;
    room_ = begin_ + wanted;
  }

  RawItem* begin_ = nullptr;
  RawItem* end_ = nullptr;
  RawItem* room_ = nullptr;  // the end of the memory
};

}  // namespace heddle
