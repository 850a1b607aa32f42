// SPDX-License-Identifier: Apache-2.0
//
// Chains in C++: a ledger that is asked one thing at a time, and may block for it, becomes a chain of kind "heddle.chain/1". What questions and answers hold is said in
// heddle/chain.h; this header and the one that it includes bring the thread, the waits, and every answer that is owed.
//
//   class Ledger {                     // one thread at a time; all of it may throw Refusal or Error, but what says noexcept
//    public:
//     explicit Ledger(const Config&);
//     void open();                     // [start] as base.activate; throws: it is closed
//     void close() noexcept;           // open() may follow
//     // On the chain's own thread, while open:
//     Value read(ValueRef question);
//     std::optional<Value> submit(std::string_view key, ValueRef intent);  // none: it was taken, and is not as far as "until" says: it is asked again
//     Value events(ValueRef filter);   // what there is at once: "wait_ms" is seen to here
//     Value transactions(ValueRef filter);
//     int news() const noexcept;       // a descriptor that is readable once something may have happened; -1: none. What waits is asked again then, or twice a second
//     void take_news() noexcept;       // makes it unreadable
//   };
//   HEDDLE_CHAIN(Ledger, "MyChain", R"("summary":"…","params":{…})");
#pragma once
#include <heddle/chain.h>

#include "chain_thread.h"
#include "plugin.h"

namespace heddle::sdk::detail {

// From a ledger to the table of a chain.
template <class Ledger>
class ChainThunk {
  using Chain = ChainThread<Ledger>;
  using Verb = typename Chain::Verb;

 public:
  static heddle_status create(const heddle_host* h, const heddle_value* params, void** self, const void** table) noexcept {
    static constexpr heddle_chain kTable = {sizeof(heddle_chain), {&activate, &deactivate, &destroy, nullptr}, &read, &submit, &events, &transactions};
    return created(h, params, self, table, &kTable, [&](const Config& config) { return new Chain(config); });
  }

 private:
  static constexpr size_t kMostKey = 200;
  static constexpr int64_t kMostWaitMs = 86'400'000;
  static Chain& chain(void* self) noexcept { return *static_cast<Chain*>(self); }

  static void activate(void* self, heddle_op* op) noexcept {
    if (!refusing(op, [&] { chain(self).start(); })) complete_coded(op, HEDDLE_OK, {}, {});
  }
  static void deactivate(void* self, heddle_op* op) noexcept {
    chain(self).stop();
    complete_coded(op, HEDDLE_OK, {}, {});
  }
  static void destroy(void* self) noexcept { delete &chain(self); }

  static void push(void* self, Verb verb, const heddle_value* what, heddle_op* op) noexcept {
    refusing(op, [&] { chain(self).push({.verb = verb, .op = op, .what = Value::share(ValueRef(what))}); });
  }
  static void read(void* self, const heddle_value* question, heddle_op* op) noexcept { push(self, Verb::kRead, question, op); }
  static void transactions(void* self, const heddle_value* filter, heddle_op* op) noexcept { push(self, Verb::kTransactions, filter, op); }

  static void submit(void* self, heddle_str key, const heddle_value* intent, heddle_op* op) noexcept {
    refusing(op, [&] {
      if (key.len == 0 || key.len > kMostKey) throw Refusal(HEDDLE_INVALID, "invalid", "a key has 1 to 200 bytes, this one has " + std::to_string(key.len));
      chain(self).push({.verb = Verb::kSubmit, .op = op, .what = Value::share(ValueRef(intent)), .key = std::string(to_view(key))});
    });
  }
  static void events(void* self, const heddle_value* filter, heddle_op* op) noexcept {
    refusing(op, [&] {
      const int64_t wait_ms = std::clamp<int64_t>(ValueRef(filter).find("wait_ms").as_int().value_or(0), 0, kMostWaitMs);
      chain(self).push({.verb = Verb::kEvents, .op = op, .what = Value::share(ValueRef(filter)), .until = std::chrono::steady_clock::now() + std::chrono::milliseconds(wait_ms)});
    });
  }
};

}  // namespace heddle::sdk::detail

// Once per chain type, in any namespace. `members`: the descriptor (heddle/chain.h) without "chain", as a string literal.
#define HEDDLE_CHAIN(Ledger, type_name, members) HEDDLE_SDK_TYPE(__COUNTER__, chain, ::heddle::sdk::detail::ChainThunk<Ledger>, type_name, members)
