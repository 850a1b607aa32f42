// SPDX-License-Identifier: Apache-2.0
//
// Stores in C++: a medium, which keeps keys in order and writes them in transactions, becomes a store of kind "heddle.store/1" with heddle.queue/1: this
// header and those that it includes bring the thread, the bounded inbox, group commit, commit numbers, checks, pages and queues.
//
//   class Medium {                     // one thread at a time; all of it may throw Error, but what says noexcept
//    public:
//     struct Stored { std::string_view value; uint64_t version; };  // borrowed until the next call
//     explicit Medium(const Config&);
//     void open();                     // [start] refuses what is damaged or not its own; throws: it is closed
//     void close() noexcept;           // open() may follow
//     // On the store's own thread, while open:
//     bool get(std::string_view key, Stored& out);    // false: absent
//     uint64_t version(std::string_view key);         // 0: absent
//     // Calls row(key, value, version), which are borrowed until it returns, of from ≤ key < until, in order, until it answers false.
//     template <class Row> void scan(std::string_view from, std::string_view until, Row&& row);
//     void begin();
//     void put(std::string_view key, std::string_view value, uint64_t version);  // between begin and flush, as erase
//     void erase(std::string_view key);               // an absent key is no failure
//     void flush();                    // all since begin is durable; throws: none of it is there
//     void roll_back() noexcept;       // after begin, put, erase or flush has thrown
//   };
//   HEDDLE_STORE(Medium, "Sqlite", R"("summary":"…","params":{…})");
//
// An Error of UNAVAILABLE says that the medium has failed, and what it holds is not known: nothing more is asked of it until it is opened
// again. After any other one the store goes on.
#pragma once
#include "plugin.h"
#include "store_thread.h"

namespace heddle::sdk {

namespace detail {

// From a medium to the tables of a store: arguments are checked and copied here, on the caller's thread.
template <class Medium>
class StoreThunk {
  using Store = StoreThread<Medium>;
  using Verb = Request::Verb;
  static constexpr char kUserKey = 'k';

 public:
  static heddle_status create(const heddle_host* h, const heddle_value* params, void** self, const void** table) noexcept {
    static constexpr heddle_store kTable = {sizeof(heddle_store), {&activate, &deactivate, &destroy, &get_extension}, &commit, &get, &scan};
    return created(h, params, self, table, &kTable, [&](const Config& config) { return new Store(config); });
  }

 private:
  static Store& store(void* self) noexcept { return *static_cast<Store*>(self); }
  static void answer(heddle_op* op, heddle_status status, std::string_view why) noexcept { services.op->complete(op, status, nullptr, to_str(why)); }

  static void activate(void* self, heddle_op* op) noexcept {
    heddle_status status = HEDDLE_OK;
    guard([&] { store(self).start(); },
          [&](heddle_status failed, std::string_view why) { answer(op, status = failed, why); });
    if (status == HEDDLE_OK) answer(op, HEDDLE_OK, {});
  }
  static void deactivate(void* self, heddle_op* op) noexcept {
    store(self).stop();
    answer(op, HEDDLE_OK, {});
  }
  static void destroy(void* self) noexcept { delete &store(self); }

  // Makes a request and hands it to the store's thread; what `make` throws is the answer.
  template <class Make>
  static void push(void* self, heddle_op* op, Make&& make) noexcept {
    Request::Owned request;
    guard([&] { request = make(); }, [&](heddle_status status, std::string_view why) { answer(op, status, why); });
    if (request) store(self).push(std::move(request));
  }

  static void check_key(const heddle_bytes& key, const std::string& where) {
    if (key.len == 0 || key.len > HEDDLE_KEY_MAX)
      throw Error(HEDDLE_INVALID, where + "a key has 1 to 1,024 bytes, this one has " + std::to_string(key.len));
  }
  static void check_stored(size_t bytes, const std::string& where) {
    if (bytes > HEDDLE_STORED_MAX)
      throw Error(HEDDLE_INVALID, where + "a value has at most 16 MiB, this one has " + std::to_string(bytes) + " bytes");
  }
  static std::string_view keep_key(Request& r, const heddle_bytes& key) noexcept {
    const std::string_view mark = r.keep(&kUserKey, 1);
    return {mark.data(), 1 + r.keep(key.ptr, key.len).size()};
  }

  static void commit(void* self, const heddle_write* writes, uint32_t n, heddle_op* op) noexcept {
    push(self, op, [&] { return make_commit(std::span(writes, n), op); });
  }
  static Request::Owned make_commit(std::span<const heddle_write> writes, heddle_op* op) {
    size_t bytes = 0, weight = 0;
    for (const heddle_write& w : writes) {
      const auto where = [&] { return "write " + std::to_string(&w - writes.data()) + " of the commit: "; };
      if (w.kind < HEDDLE_PUT || w.kind > HEDDLE_CHECK) throw Error(HEDDLE_INVALID, where() + "there is no kind " + std::to_string(w.kind));
      const size_t value = w.kind == HEDDLE_PUT ? w.value.len : 0;
      if (w.key.len - 1 >= HEDDLE_KEY_MAX) check_key(w.key, where());
      if (value > HEDDLE_STORED_MAX) check_stored(value, where());
      bytes += 1 + w.key.len + value;
      weight += w.key.len + value + HEDDLE_WRITE_COST;
      if (weight > HEDDLE_COMMIT_MAX) throw Error(HEDDLE_INVALID, "a commit has at most 32 MiB, counting 64 bytes for each write, this one has more");
    }
    auto r = Request::make(Verb::kCommit, op, static_cast<uint32_t>(writes.size()), bytes);
    Request::Part* part = r->parts();
    for (const heddle_write& w : writes) {
      part->kind = w.kind;
      part->key = keep_key(*r, w.key);
      if (w.kind == HEDDLE_PUT) part->value = r->keep(w.value.ptr, w.value.len);
      if (w.kind == HEDDLE_CHECK) part->version = w.version;
      ++part;
    }
    return r;
  }

  static void get(void* self, const heddle_bytes* key, heddle_op* op) noexcept {
    push(self, op, [&] {
      check_key(*key, "");
      auto r = Request::make(Verb::kGet, op, 1, 1 + key->len);
      r->parts()[0].key = keep_key(*r, *key);
      return r;
    });
  }

  static void scan(void* self, const heddle_range* range, heddle_op* op) noexcept {
    push(self, op, [&] {
      if (range->from.len > HEDDLE_KEY_MAX + 1 || range->until.len > HEDDLE_KEY_MAX + 1)
        throw Error(HEDDLE_INVALID, "an end of a range has at most 1,025 bytes");
      auto r = Request::make(Verb::kScan, op, 1, 2 + range->from.len + range->until.len);
      r->parts()[0].key = keep_key(*r, range->from);
      r->parts()[0].value = keep_key(*r, range->until);
      static constexpr char kAfterUserKeys = kUserKey + 1;
      if (range->until.len == 0) r->parts()[0].value = {&kAfterUserKeys, 1};
      r->limit = range->limit;
      r->max_bytes = range->max_bytes;
      return r;
    });
  }

  static void check_name(heddle_str name, const char* what, size_t least) {
    if (name.len >= least && name.len <= HEDDLE_QUEUE_NAME_MAX && to_view(name).find('\0') == std::string_view::npos) return;
    throw Error(HEDDLE_INVALID, std::string(what) + " has " + std::to_string(least) + " to 256 bytes, without NUL");
  }
  static Request::Owned make_queued(Verb verb, heddle_op* op, heddle_str queue, heddle_bytes payload, heddle_str second) {
    check_name(queue, "the name of a queue", 1);
    auto r = Request::make(verb, op, 2, queue.len + payload.len + second.len);
    r->parts()[0].key = r->keep(queue.ptr, queue.len);
    r->parts()[0].value = r->keep(payload.ptr, payload.len);
    r->parts()[1].key = r->keep(second.ptr, second.len);
    return r;
  }
  static void push_leased(void* self, Verb verb, const heddle_queue_lease* lease, uint64_t time, heddle_op* op) noexcept {
    push(self, op, [&] {
      auto r = make_queued(verb, op, lease->queue, {}, {});
      r->id = lease->id;
      r->attempt = lease->attempt;
      r->time = time;
      return r;
    });
  }

  static void enqueue(void* self, heddle_str queue, const heddle_queue_job* job, heddle_op* op) noexcept {
    push(self, op, [&] {
      check_stored(job->payload.len, "");
      check_name(job->dedupe, "a dedupe key", 0);
      auto r = make_queued(Verb::kEnqueue, op, queue, job->payload, job->dedupe);
      r->time = std::min(job->run_at_ms, UINT64_MAX / 4);
      return r;
    });
  }
  static void lease(void* self, heddle_str queue, heddle_str owner, uint32_t limit, uint64_t lease_ms, heddle_op* op) noexcept {
    push(self, op, [&] {
      check_name(owner, "the owner of a lease", 0);
      auto r = make_queued(Verb::kLease, op, queue, {}, owner);
      r->limit = limit;
      r->time = lease_ms;
      return r;
    });
  }
  static void extend(void* self, const heddle_queue_lease* lease, uint64_t lease_ms, heddle_op* op) noexcept {
    push_leased(self, Verb::kExtend, lease, lease_ms, op);
  }
  static void ack(void* self, const heddle_queue_lease* lease, heddle_op* op) noexcept { push_leased(self, Verb::kAck, lease, 0, op); }
  static void nack(void* self, const heddle_queue_lease* lease, uint64_t delay_ms, heddle_op* op) noexcept {
    push_leased(self, Verb::kNack, lease, delay_ms, op);
  }

  static const void* get_extension(void*, const char* id) noexcept {
    static constexpr heddle_queue kQueue = {sizeof(heddle_queue), &enqueue, &lease, &extend, &ack, &nack};
    return std::string_view(id) == HEDDLE_QUEUE ? &kQueue : nullptr;
  }
};

}  // namespace detail
}  // namespace heddle::sdk

// Once per store type, in any namespace. `members`: the descriptor (heddle/store.h) without "store", as a string literal.
#define HEDDLE_STORE(Medium, type_name, members) \
  HEDDLE_SDK_TYPE(__COUNTER__, store, ::heddle::sdk::detail::StoreThunk<Medium>, type_name, members)
