#include "value/pool.h"

#include <cstdlib>
#include <mutex>
#include <utility>

namespace heddle {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kPooled = false;
#elif defined(__has_feature)
constexpr bool kPooled = !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer) && !__has_feature(memory_sanitizer);
#else
constexpr bool kPooled = true;
#endif

constexpr size_t kClasses = 32;
constexpr size_t kStep = 32;  // objects of class c have c * kStep bytes; class 0 is malloc's
constexpr uint32_t kMagazine = 64;

struct Free {
  Free* next;
  Free* next_magazine;  // of the first of a magazine in the depot
};

struct Magazine {
  Free* first = nullptr;
  uint32_t count = 0;

  void push(Free* object) {
    object->next = first;
    first = object;
    ++count;
  }
  Free* pop() {
    --count;
    return std::exchange(first, first->next);
  }
};

// Full magazines of one class, for whoever needs one. Never destroyed: objects are freed until the very end of the process.
class Depot {
 public:
  Magazine take(size_t object_bytes) noexcept {
    {
      std::lock_guard lock(mutex_);
      if (full_) {
        Free* first = std::exchange(full_, full_->next_magazine);
        return {first, kMagazine};
      }
    }
    return make(object_bytes);
  }

  void give(Magazine magazine) noexcept {
    std::lock_guard lock(mutex_);
    magazine.first->next_magazine = std::exchange(full_, magazine.first);
  }

 private:
  // Empty when there is no memory left.
  static Magazine make(size_t object_bytes) noexcept {
    Magazine magazine;
    auto* memory = static_cast<char*>(std::malloc(object_bytes * kMagazine));
    if (!memory) return magazine;
    for (size_t i = kMagazine; i-- > 0;) magazine.push(reinterpret_cast<Free*>(memory + i * object_bytes));
    return magazine;
  }

  std::mutex mutex_;
  Free* full_ = nullptr;
};

constinit Depot depots[kClasses + 1];

// A thread's magazines. `spare` is full or empty; so an alternation of frees and allocations at the edge of a magazine stays here.
struct Shelf {
  Magazine loaded, spare;
};

constinit thread_local Shelf shelves[kClasses + 1];
constinit thread_local bool registered = false;

// Gives what an ending thread has to the others. The last, partly filled magazine of each class cannot be passed on as a full one: it is
// filled up from the depot or with new objects.
struct Farewell {
  ~Farewell() {
    for (size_t c = 1; c <= kClasses; ++c) {
      Shelf& shelf = shelves[c];
      if (shelf.spare.count == kMagazine) depots[c].give(std::exchange(shelf.spare, {}));
      if (shelf.loaded.count == 0) continue;
      while (shelf.loaded.count < kMagazine) {
        auto* object = static_cast<Free*>(std::malloc(c * kStep));
        if (!object) break;
        shelf.loaded.push(object);
      }
      if (shelf.loaded.count == kMagazine) depots[c].give(std::exchange(shelf.loaded, {}));
    }
  }
};

// Out of line, and once per thread: the destructor of a thread_local makes every access to it dearer.
[[gnu::noinline]] void register_thread() {
  thread_local Farewell farewell;
  (void)farewell;
  registered = true;
}

[[gnu::noinline]] bool refill(size_t c) noexcept {
  if (!registered) register_thread();
  Shelf& shelf = shelves[c];
  std::swap(shelf.loaded, shelf.spare);
  if (shelf.loaded.count == 0) shelf.loaded = depots[c].take(c * kStep);
  return shelf.loaded.count > 0;
}

[[gnu::noinline]] void unload(size_t c) noexcept {
  if (!registered) register_thread();
  Shelf& shelf = shelves[c];
  if (shelf.spare.count > 0) depots[c].give(shelf.spare);
  shelf.spare = std::exchange(shelf.loaded, {});
}

}  // namespace

uint8_t pool_class(size_t bytes) noexcept {
  const size_t c = (bytes + kStep - 1) / kStep;
  return kPooled && c <= kClasses ? static_cast<uint8_t>(c) : 0;
}

void* pool_allocate(size_t bytes, uint8_t* size_class) noexcept {
  const uint8_t c = *size_class = pool_class(bytes);
  if (c == 0) return std::malloc(bytes);
  Magazine& loaded = shelves[c].loaded;
  if (loaded.count == 0 && !refill(c)) return nullptr;
  Free* const object = loaded.pop();
  __builtin_prefetch(loaded.first, 1);  // the next one to be asked for
  return object;
}

void pool_free(void* memory, uint8_t size_class) noexcept {
  if (size_class == 0) return std::free(memory);
  Magazine& loaded = shelves[size_class].loaded;
  if (loaded.count == kMagazine) unload(size_class);
  loaded.push(static_cast<Free*>(memory));
}

}  // namespace heddle
