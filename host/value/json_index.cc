#include "value/json_index.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include "value/json_check.h"
#include "value/json_text.h"
#include "value/json_write.h"
#include "value/number.h"

namespace heddle {
namespace {

// Hangs `made` on `v` unless another thread was faster. Returns what hangs there now.
Attachment* publish(const heddle_value* v, Attachment* made) noexcept {
  auto* object = const_cast<heddle_value*>(v);
  Attachment* present = nullptr;
  if (!object->lazy.compare_exchange_strong(present, made, std::memory_order_acq_rel, std::memory_order_acquire)) {
    deallocate(made);
    return present;
  }
  if (v->storage == Storage::kMember) {
    auto* top = static_cast<Index*>(static_cast<const Member*>(v)->root->lazy.load(std::memory_order_acquire));
    made->next = top->attached.load(std::memory_order_relaxed);
    while (!top->attached.compare_exchange_weak(made->next, made, std::memory_order_release, std::memory_order_relaxed)) {
    }
  }
  return made;
}

// Where one member lies in the text of its container. Keys without their quotes.
struct Found {
  uint32_t value, value_end;
  uint32_t key, key_size;
  bool key_escaped;
};

// Steps over the value at the next position. Returns the end of the value if it is a container, 0 if it is a scalar.
uint32_t skip_value(JsonStructure& structure, const char* text) noexcept {
  size_t depth = 0;
  for (;;) {
    size_t at = structure.take();
    char c = text[at];
    if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      --depth;
    }
    if (depth == 0) return c == '}' || c == ']' ? static_cast<uint32_t>(at + 1) : 0;
  }
}

uint32_t trimmed_end(const char* text, size_t end) noexcept {
  while (is_json_space(text[end - 1])) --end;
  return static_cast<uint32_t>(end);
}

// Finds the members of the valid container `text`.
bool find_members(std::string_view container, bool is_map, std::vector<Found>* found) {
  JsonStructure& structure = thread_structure();
  if (!structure.scan(container)) return false;
  const char* text = container.data();
  structure.take();  // the bracket
  if (text[structure.next()] == '}' || text[structure.next()] == ']') return true;
  size_t after;
  do {
    Found member{};
    if (is_map) {
      member.key = static_cast<uint32_t>(structure.take()) + 1;
      member.key_size = trimmed_end(text, structure.take()) - 1 - member.key;
      member.key_escaped = std::memchr(text + member.key, '\\', member.key_size) != nullptr;
    }
    member.value = static_cast<uint32_t>(structure.next());
    uint32_t end = skip_value(structure, text);
    after = structure.take();
    member.value_end = end ? end : trimmed_end(text, after);
    found->push_back(member);
  } while (text[after] == ',');
  structure.shrink();
  return true;
}

void fill_member(Member* m, const heddle_value* parent, const Found& found) noexcept {
  ::new (m) Member;
  m->refs.store(1, std::memory_order_relaxed);
  m->storage = Storage::kMember;
  m->flags = 0;
  m->size_class = 0;
  m->lazy.store(nullptr, std::memory_order_relaxed);
  m->text = parent->text + found.value;
  m->size = found.value_end - found.value;
  m->kind_cache.store(static_cast<int8_t>(kind_of_text(*m->text)), std::memory_order_relaxed);
  m->root = parent->storage == Storage::kMember ? static_cast<const Member*>(parent)->root : const_cast<heddle_value*>(parent);
  m->key = nullptr;
  m->key_size = 0;
}

void take_value(Member* to, const Member& from) noexcept {
  to->text = from.text;
  to->size = from.size;
  to->kind_cache.store(from.kind_cache.load(std::memory_order_relaxed), std::memory_order_relaxed);
}

void move_member(Member* to, const Member& from) noexcept {
  if (to == &from) return;
  take_value(to, from);
  to->key = from.key;
  to->key_size = from.key_size;
}

// Leaves each key once: where it stood first, with the value it had last.
void merge_repeated_small(Index* index) noexcept {
  size_t kept = 0;
  for (size_t i = 0; i < index->count; ++i) {
    Member& member = index->members[i];
    size_t same = 0;
    while (same < kept && index->members[same].key_view() != member.key_view()) ++same;
    if (same < kept) {
      take_value(&index->members[same], member);
    } else {
      move_member(&index->members[kept++], member);
    }
  }
  index->count = kept;
}

// The same, and sorts.
void merge_repeated_large(Index* index, uint32_t* sorted) {
  Member* members = index->members;
  auto before = [members](uint32_t a, uint32_t b) {
    int order = members[a].key_view().compare(members[b].key_view());
    return order != 0 ? order < 0 : a < b;
  };
  for (uint32_t i = 0; i < index->count; ++i) sorted[i] = i;
  std::sort(sorted, sorted + index->count, before);
  bool repeated = false;
  for (size_t i = index->count - 1; i > 0; --i) {
    // From the last of equal keys down, so that the first gets the value of the last.
    if (members[sorted[i]].key_view() != members[sorted[i - 1]].key_view()) continue;
    take_value(&members[sorted[i - 1]], members[sorted[i]]);
    members[sorted[i]].text = nullptr;
    repeated = true;
  }
  if (!repeated) return;
  size_t kept = 0;
  for (size_t i = 0; i < index->count; ++i) {
    if (members[i].text) move_member(&members[kept++], members[i]);
  }
  index->count = kept;
  for (uint32_t i = 0; i < kept; ++i) sorted[i] = i;
  std::sort(sorted, sorted + kept, before);
}

Index* build_index(const heddle_value* v, bool is_map) {
  // Kept from call to call, as members are looked for again and again; not after a giant.
  thread_local std::vector<Found> found;
  constexpr size_t kKept = 4096;
  found.clear();
  if (!find_members(v->view(), is_map, &found)) return nullptr;

  size_t escaped_bytes = 0;
  for (const Found& f : found) escaped_bytes += f.key_escaped ? f.key_size : 0;
  size_t count = found.size();
  bool sort = is_map && count > kSmallMap;
  void* memory = allocate(sizeof(Index) + count * sizeof(Member) + (sort ? count * sizeof(uint32_t) : 0) + escaped_bytes);
  if (!memory) return nullptr;
  auto* index = ::new (memory) Index;
  index->attached.store(nullptr, std::memory_order_relaxed);
  index->count = count;
  index->members = reinterpret_cast<Member*>(index + 1);
  auto* sorted = reinterpret_cast<uint32_t*>(index->members + count);
  char* keys = reinterpret_cast<char*>(sorted + (sort ? count : 0));
  for (size_t i = 0; i < count; ++i) {
    Member* m = &index->members[i];
    fill_member(m, v, found[i]);
    if (!is_map) continue;
    std::string_view raw(v->text + found[i].key, found[i].key_size);
    m->key = found[i].key_escaped ? keys : raw.data();
    m->key_size = found[i].key_escaped ? static_cast<size_t>(unescape(raw, keys) - keys) : raw.size();
    if (found[i].key_escaped) keys += m->key_size;
  }
  if (found.capacity() > kKept) std::vector<Found>().swap(found);
  index->sorted = sort ? sorted : nullptr;
  if (sort) {
    merge_repeated_large(index, sorted);
  } else if (is_map) {
    merge_repeated_small(index);
  }
  return index;
}

}  // namespace

const Index* index_of(const heddle_value* v) noexcept {
  if (Attachment* present = v->lazy.load(std::memory_order_acquire)) return static_cast<Index*>(present);
  Index* made = build_index(v, kind_of(v) == HEDDLE_MAP);
  return made ? static_cast<Index*>(publish(v, made)) : nullptr;
}

bool string_of(const heddle_value* v, std::string_view* out) noexcept {
  std::string_view raw(v->text + 1, v->size - 2);
  Attachment* present = v->lazy.load(std::memory_order_acquire);
  if (!present) {
    if (!std::memchr(raw.data(), '\\', raw.size())) {
      *out = raw;
      return true;
    }
    AttachedText* made = allocate_text(raw.size());
    if (!made) return false;
    made->size = static_cast<size_t>(unescape(raw, made->bytes()) - made->bytes());
    present = publish(v, made);
  }
  *out = static_cast<AttachedText*>(present)->view();
  return true;
}

bool json_of(const heddle_value* v, std::string_view* out) noexcept {
  if (is_json_text(v)) {
    *out = v->view();
    return true;
  }
  Attachment* present = v->lazy.load(std::memory_order_acquire);
  if (!present) {
    std::string text;
    if (!append_json_of(text, v)) return false;
    AttachedText* made = allocate_text(text.size());
    if (!made) return false;
    std::memcpy(made->bytes(), text.data(), text.size());
    present = publish(v, made);
  }
  *out = static_cast<AttachedText*>(present)->view();
  return true;
}

}  // namespace heddle
