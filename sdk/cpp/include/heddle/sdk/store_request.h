// SPDX-License-Identifier: Apache-2.0
//
// Request: what was asked of a store, copied into one piece of memory, with its answer to be. Inbox: the requests that wait for the store's thread.
#pragma once
#include <heddle/queue.h>
#include <heddle/store.h>

#include <condition_variable>
#include <memory>
#include <mutex>

#include "value.h"

namespace heddle::sdk::detail {

class Request {
 public:
  enum class Verb : uint8_t { kCommit, kGet, kScan, kEnqueue, kLease, kExtend, kAck, kNack };
  struct Part {
    heddle_write_kind kind = 0;
    std::string_view key, value;
    uint64_t version = 0;
  };
  struct Free {
    void operator()(Request* r) const noexcept {
      r->~Request();
      ::operator delete(r);
    }
  };
  using Owned = std::unique_ptr<Request, Free>;

  // Room for `parts` parts and `bytes` bytes of what they point to. Throws std::bad_alloc.
  static Owned make(Verb verb, heddle_op* op, uint32_t parts, size_t bytes) {
    const size_t size = sizeof(Request) + parts * sizeof(Part) + bytes;
    return Owned(::new (::operator new(size)) Request(verb, op, parts, size));
  }

  Part* parts() noexcept { return reinterpret_cast<Part*>(this + 1); }
  // A copy of these bytes, which lives with the request.
  std::string_view keep(const void* bytes, size_t size) noexcept {
    char* const place = free_;
    if (size) std::memcpy(place, bytes, size);
    free_ += size;
    return {place, size};
  }

  bool reads() const noexcept { return verb == Verb::kGet || verb == Verb::kScan; }
  void fail(heddle_status with, std::string because, Value details = {}) {
    status = with;
    why = std::move(because);
    result = std::move(details);
  }
  // Once; the op is dead after it.
  void answer() noexcept { services.op->complete(op, status, result.release(), to_str(why)); }

  const Verb verb;
  const uint32_t count;  // of parts
  const size_t weight;   // bytes of memory
  heddle_op* const op;
  Request* next = nullptr;
  // Of scans and queues.
  uint64_t limit = 0, max_bytes = 0;       // 0: the store's own
  uint64_t id = 0, attempt = 0, time = 0;  // time: in ms, run_at or how long
  // The answer.
  heddle_status status = HEDDLE_OK;
  Value result;
  std::string why;

 private:
  Request(Verb v, heddle_op* o, uint32_t parts_, size_t size) noexcept
      : verb(v), count(parts_), weight(size), op(o), free_(reinterpret_cast<char*>(parts() + parts_)) {
    for (uint32_t i = 0; i < count; ++i) ::new (parts() + i) Part;
  }
  char* free_;
};

// A list of requests in order; owns them.
class RequestList {
 public:
  RequestList() = default;
  RequestList(RequestList&& other) noexcept : first_(std::exchange(other.first_, nullptr)), last_(std::exchange(other.last_, nullptr)) {}
  RequestList& operator=(RequestList&& other) noexcept {
    std::swap(first_, other.first_);
    std::swap(last_, other.last_);
    return *this;
  }
  ~RequestList() {
    while (take_first()) {}
  }
  bool empty() const noexcept { return !first_; }
  Request* first() const noexcept { return first_; }
  void push(Request::Owned request) noexcept {
    Request* const r = request.release();
    (last_ ? last_->next : first_) = r;
    last_ = r;
  }
  Request::Owned take_first() noexcept {
    Request::Owned taken(first_);
    if (!taken) return taken;
    first_ = std::exchange(taken->next, nullptr);
    if (!first_) last_ = nullptr;
    return taken;
  }

 private:
  Request* first_ = nullptr;
  Request* last_ = nullptr;
};

class Inbox {
 public:
  // What may wait or be worked on at a time: two of the largest commits.
  static constexpr size_t kMaxRequests = 65'536;
  static constexpr size_t kMaxBytes = 2 * size_t{HEDDLE_COMMIT_MAX};

  // [any] Takes the request in; or refuses it, says why in the request, and leaves it with the caller.
  bool push(Request::Owned& request) noexcept {
    bool wake = false;
    {
      std::lock_guard lock(mutex_);
      if (!open_) return refuse(*request, HEDDLE_UNAVAILABLE, "the store is not active");
      if (requests_ == kMaxRequests || (requests_ > 0 && bytes_ + request->weight > kMaxBytes))
        return refuse(*request, HEDDLE_EXHAUSTED, "too much is in flight in the store; try again when some of it is answered");
      ++requests_;
      bytes_ += request->weight;
      waiting_.push(std::move(request));
      wake = std::exchange(parked_, false);
    }
    if (wake) wake_.notify_one();
    return true;
  }

  void open() noexcept {
    std::lock_guard lock(mutex_);
    open_ = true;
  }
  // Nothing is taken in after it; take() gives what is there, and then nothing.
  void close() noexcept {
    {
      std::lock_guard lock(mutex_);
      open_ = false;
    }
    wake_.notify_one();
  }

  // Everything that waits; sleeps while there is nothing. Empty: closed.
  RequestList take() noexcept {
    std::unique_lock lock(mutex_);
    while (waiting_.empty() && open_) {
      parked_ = true;
      wake_.wait(lock);
    }
    parked_ = false;
    return std::move(waiting_);
  }
  // These are answered.
  void give_back(size_t requests, size_t bytes) noexcept {
    std::lock_guard lock(mutex_);
    requests_ -= requests;
    bytes_ -= bytes;
  }

 private:
  static bool refuse(Request& request, heddle_status status, const char* why) noexcept {
    guard([&] { request.fail(status, why); }, [&](heddle_status, std::string_view) { request.status = status; });
    return false;
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  // Guarded by mutex_:
  RequestList waiting_;
  size_t requests_ = 0, bytes_ = 0;
  bool open_ = false, parked_ = false;
};

}  // namespace heddle::sdk::detail
