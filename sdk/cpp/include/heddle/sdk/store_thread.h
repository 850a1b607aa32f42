// SPDX-License-Identifier: Apache-2.0
//
// StoreThread: the one thread that works on a medium (store.h): it answers the reads that wait, writes all commits that wait as one group, answers
// them, and begins again; with nothing to do it sleeps until it is woken.
#pragma once
#include <algorithm>
#include <thread>

#include "quiet.h"
#include "store_queue.h"

namespace heddle::sdk::detail {

// A key as an error message shows it.
inline std::string show_key(std::string_view key) {
  static constexpr size_t kShown = 80;
  const auto plain = [](unsigned char c) { return c >= ' ' && c < 0x7f; };
  const std::string_view part = key.substr(0, kShown);
  std::string out;
  if (std::all_of(part.begin(), part.end(), plain)) {
    out.append(1, '"').append(part).append(1, '"');
  } else {
    out = "0x";
    for (const unsigned char c : part) out.append(1, "0123456789abcdef"[c >> 4]).append(1, "0123456789abcdef"[c & 15]);
  }
  return key.size() > kShown ? out + "…" : out;
}

template <class Medium>
class StoreThread {
 public:
  explicit StoreThread(const Config& config) : medium_(config), queue_(medium_), log_(config.log()) {}
  ~StoreThread() { stop(); }

  // [start]
  void start() {
    medium_.open();
    broken_.clear();
    try {
      resume_numbers();
      inbox_.open();
      const BlockSignals blocked;  // signals are the host's, not this thread's
      thread_ = std::thread([this] { run(); });
      pthread_setname_np(thread_.native_handle(), "heddle-store");
    } catch (...) {
      inbox_.close();
      medium_.close();
      throw;
    }
  }
  // [start] Answers what waits, and closes the medium.
  void stop() {
    inbox_.close();
    if (!thread_.joinable()) return;
    thread_.join();
    medium_.close();
  }

  // [any]
  void push(Request::Owned request) noexcept {
    if (!inbox_.push(request)) request->answer();
  }

 private:
  using Verb = Request::Verb;
  using Stored = typename Medium::Stored;
  // Commit numbers are taken from blocks, so that one write in so many keeps them; the store's own keys begin with "m", the user's with "k", and
  // those of store_queue.h with others.
  static constexpr uint64_t kNumbersAtOnce = 65'536;
  static constexpr std::string_view kNumbersKey = "mnumbers";
  static constexpr uint64_t kPageRows = 1'000, kMaxPageRows = 65'536;
  static constexpr uint64_t kPageBytes = uint64_t{4} << 20, kMaxPageBytes = uint64_t{64} << 20;

  // Writes, too: so a medium that cannot be written is known at the start.
  void resume_numbers() {
    Stored found;
    last_number_ = medium_.get(kNumbersKey, found) ? read_number(found.value, 0) : 0;
    numbers_end_ = last_number_;
    medium_.begin();
    next_number();
    medium_.flush();
  }
  uint64_t next_number() {
    if (last_number_ == numbers_end_) {
      std::string end;
      append_number(end, numbers_end_ + kNumbersAtOnce);
      medium_.put(kNumbersKey, end, numbers_end_ + kNumbersAtOnce);
      numbers_end_ += kNumbersAtOnce;
    }
    return ++last_number_;
  }

  void run() noexcept {
    for (RequestList taken = inbox_.take(); !taken.empty(); taken = inbox_.take()) {
      RequestList reads, writes;
      size_t requests = 0, bytes = 0;
      while (Request::Owned r = taken.take_first()) {
        ++requests;
        bytes += r->weight;
        (r->reads() ? reads : writes).push(std::move(r));
      }
      while (Request::Owned r = reads.take_first()) {
        read(*r);
        r->answer();
      }
      if (!writes.empty()) write(writes);
      inbox_.give_back(requests, bytes);
      while (Request::Owned r = writes.take_first()) r->answer();
    }
  }

  // After UNAVAILABLE, what the medium holds is known again only when it is opened again.
  void note_failure(heddle_status status, std::string_view why) noexcept {
    if (status != HEDDLE_UNAVAILABLE || !broken_.empty()) return;
    log_.error(why);
    guard([&] { broken_ = std::string(why) + "; nothing is read or written until the store is opened again"; },
          [&](heddle_status, std::string_view) { broken_ = "failed"; });
  }

  void read(Request& r) noexcept {
    guard(
        [&] {
          if (!broken_.empty()) return r.fail(HEDDLE_UNAVAILABLE, broken_);
          r.verb == Verb::kGet ? get(r) : scan(r);
        },
        [&](heddle_status status, std::string_view why) {
          note_failure(status, why);
          fail(r, status, why);
        });
  }
  static void fail(Request& r, heddle_status status, std::string_view why) noexcept {
    r.status = status;
    r.result = Value();
    guard([&] { r.why = why; }, [&](heddle_status, std::string_view) { r.why.clear(); });
  }

  // All of the group, or none.
  void write(RequestList& group) noexcept {
    const uint64_t end_before = numbers_end_;
    const auto fail_all = [&](heddle_status status, std::string_view why) {
      for (Request* r = group.first(); r; r = r->next) fail(*r, status, why);
    };
    if (!broken_.empty()) return fail_all(HEDDLE_UNAVAILABLE, broken_);
    guard(
        [&] {
          medium_.begin();
          for (Request* r = group.first(); r; r = r->next) apply(*r);
          medium_.flush();
        },
        [&](heddle_status status, std::string_view why) {
          medium_.roll_back();
          if (numbers_end_ != end_before) last_number_ = numbers_end_ = end_before;  // this block was not kept: none of its numbers was given out
          note_failure(status, why);
          fail_all(status, why);
        });
  }

  void apply(Request& r) {
    const uint64_t number = next_number();
    switch (r.verb) {
      case Verb::kEnqueue:
        return queue_.enqueue(r, number);
      case Verb::kLease:
        return queue_.lease(r, number);
      case Verb::kExtend:
        return queue_.extend(r, number);
      case Verb::kAck:
        return queue_.ack(r);
      case Verb::kNack:
        return queue_.nack(r, number);
      default:
        return commit(r, number);
    }
  }

  void commit(Request& r, uint64_t number) {
    const std::span parts(r.parts(), r.count);
    for (const Request::Part& part : parts) {
      if (part.kind != HEDDLE_CHECK) continue;
      const uint64_t version = medium_.version(part.key);
      if (version == part.version) continue;
      const auto worded = [](uint64_t v) { return v ? "version " + std::to_string(v) : std::string("absent"); };
      return r.fail(HEDDLE_CONFLICT, "the key " + show_key(part.key.substr(1)) + " is " + worded(version) + ", not " + worded(part.version),
                    Value::map({{"write", Value::integer(&part - r.parts())}, {"version", Value::integer(static_cast<int64_t>(version))}}));
    }
    r.result = Value::integer(static_cast<int64_t>(number));
    for (const Request::Part& part : parts) {
      if (part.kind == HEDDLE_PUT) medium_.put(part.key, part.value, number);
      else if (part.kind == HEDDLE_ERASE) medium_.erase(part.key);
    }
  }

  static Value bytes_of(std::string_view bytes) { return Value::bytes(std::as_bytes(std::span(bytes))); }
  static Value version_of(uint64_t version) { return Value::integer(static_cast<int64_t>(version)); }

  void get(Request& r) {
    Stored found;
    if (!medium_.get(r.parts()[0].key, found)) return r.fail(HEDDLE_NOT_FOUND, "there is no key " + show_key(r.parts()[0].key.substr(1)));
    r.result = Value::list({bytes_of(found.value), version_of(found.version)});
  }

  void scan(Request& r) {
    const Request::Part& range = r.parts()[0];
    const uint64_t rows_limit = std::min(r.limit ? r.limit : kPageRows, kMaxPageRows);
    const uint64_t bytes_limit = std::min(r.max_bytes ? r.max_bytes : kPageBytes, kMaxPageBytes);
    std::vector<Value> rows;
    uint64_t bytes = 0;
    bool more = false;
    medium_.scan(range.key, range.value, [&](std::string_view key, std::string_view value, uint64_t version) {
      key.remove_prefix(1);
      bytes += key.size() + value.size();
      more = !rows.empty() && (rows.size() == rows_limit || bytes > bytes_limit);
      if (!more) rows.push_back(Value::list({bytes_of(key), bytes_of(value), version_of(version)}));
      return !more;
    });
    r.result = Value::map({{"rows", Value::list(std::move(rows))}, {"more", Value::boolean(more)}});
  }

  Inbox inbox_;
  Medium medium_;
  StoreQueue<Medium> queue_;
  Log log_;
  std::thread thread_;
  // The thread's own:
  uint64_t last_number_ = 0, numbers_end_ = 0;  // numbers up to numbers_end_ are kept as given out
  std::string broken_;                          // why nothing can be done any more; empty: all is well
};

}  // namespace heddle::sdk::detail
