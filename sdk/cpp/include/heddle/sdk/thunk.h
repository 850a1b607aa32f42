// SPDX-License-Identifier: Apache-2.0
//
// From a class to a heddle_node table. A node class T has a constructor, T(const Config&) or T(), and `process` in one of these shapes:
//   Value process(ValueRef in)                 one in, one out; the input is borrowed
//   std::optional<Value> process(ValueRef in)  the same; nullopt filters
//   (the same two) process(Value in)           the input is yours. If process is noexcept it is moved to you; if not you get a shared
//                                              reference, so that a failure still carries the original
//   void process(Call& call)                   emits and answers by hand; or moves the call away to answer later ("max_in_flight" ≥ 1)
//   void process(std::span<Call> calls)        the same for all calls of a batch, answered in any order before it returns
//   Async process(Call call)                   a coroutine that may wait: see async.h ("max_in_flight" ≥ 1)
// and may have activate(), deactivate(), finish(Call&), Value save() with restore(ValueRef), Value sources(), cancel(CallId), resume(CallId, uint32_t port),
// const void* get_extension(const char* id). All of them may throw: see error.h.
#pragma once
#include <heddle/node.h>
#include <heddle/draft/sources.h>
#include <heddle/state.h>

#include <concepts>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include "async.h"
#include "config.h"

namespace heddle::sdk::detail {

template <class T>
concept ProcessesCall = requires(T& t, Call& call) {
  t.process(call);
};
template <class T>
concept ProcessesBatch = requires(T& t, std::span<Call> calls) {
  t.process(calls);
};
template <class T>
concept ProcessesAsync = requires(T& t, Call call) {
  { t.process(std::move(call)) } -> std::same_as<Async>;
};
template <class T>
concept ProcessesRef = requires(T& t, ValueRef in) {
  t.process(in);
};
template <class T>
concept ProcessesValue = requires(T& t, Value in) {
  t.process(std::move(in));
};
template <class T>
concept HasActivate = requires(T& t) {
  t.activate();
};
template <class T>
concept HasDeactivate = requires(T& t) {
  t.deactivate();
};
template <class T>
concept HasSources = requires(T& t) {
  { t.sources() } -> std::convertible_to<Value>;
};
template <class T>
concept HasFinish = requires(T& t, Call& call) {
  t.finish(call);
};
template <class T>
concept HasCancel = requires(T& t, CallId id) {
  t.cancel(id);
};
template <class T>
concept HasResume = requires(T& t, CallId id) {
  t.resume(id, 0u);
};
template <class T>
concept HasState = requires(T& t, ValueRef saved) {
  { t.save() } -> std::convertible_to<Value>;
  t.restore(saved);
};
template <class T>
concept HasExtension = requires(T& t, const char* id) {
  { t.get_extension(id) } -> std::convertible_to<const void*>;
};

inline void deliver(Call& call, Value out) {
  call.emit(std::move(out));
  call.complete();
}
inline void deliver(Call& call, std::optional<Value> out) {
  if (out) call.emit(std::move(*out));
  call.complete();
}

struct NoFrames {
  explicit NoFrames(const heddle_host*) noexcept {}
};

// What `self` points to.
template <class T>
struct Object {
  Object(const heddle_host* h, const Config& config) requires std::constructible_from<T, const Config&>
      : host(h), node(config), frames(h) {}
  Object(const heddle_host* h, const Config&) requires(!std::constructible_from<T, const Config&>) : host(h), node(), frames(h) {}
  const heddle_host* host;
  T node;
  // After the node, so that its coroutines end before it.
  [[no_unique_address]] std::conditional_t<ProcessesAsync<T>, Frames, NoFrames> frames;
};

template <class T>
struct Thunk {
  static_assert(ProcessesCall<T> || ProcessesBatch<T> || ProcessesAsync<T> || ProcessesRef<T> || ProcessesValue<T>,
                "the node has no process() of a known shape: see heddle/sdk/thunk.h");

  static T& node(void* self) noexcept { return static_cast<Object<T>*>(self)->node; }
  static CallId id(heddle_call* c) noexcept { return CallId(reinterpret_cast<uintptr_t>(c)); }

  static void one(T& t, Call& call) {
    if constexpr (ProcessesCall<T>) {
      t.process(call);
    } else {
      if constexpr (ProcessesRef<T>) {
        deliver(call, t.process(present(call.input())));
      } else if constexpr (noexcept(t.process(std::declval<Value>()))) {
        deliver(call, t.process(present(call.take())));
      } else {
        deliver(call, t.process(Value::share(present(call.input()))));
      }
    }
  }
  template <class V>
  static V present(V in) {
    if (!in) throw Error(HEDDLE_INVALID, "this node needs an input");
    return in;
  }

  // Answers `c` with what `fn` throws, unless it answered or moved the call away.
  template <class Fn>
  static void answering(heddle_call* c, Fn&& fn) noexcept {
    Call call(c);
    guard([&] { fn(call); },
          [&](heddle_status status, std::string_view why) {
            if (call) call.fail(status, why);
          });
  }

  static void process(void* self, heddle_call* const* calls, uint32_t n) noexcept {
    if constexpr (ProcessesBatch<T>) return all(self, calls, n);
    for (uint32_t i = 0; i < n; ++i) {
      if constexpr (ProcessesBatch<T>) {
        // all() has done it
      } else if constexpr (ProcessesAsync<T>) {
        answering(calls[i], [self](Call& call) { node(self).process(std::move(call)).start(static_cast<Object<T>*>(self)->frames); });
      } else {
        answering(calls[i], [self](Call& call) { one(node(self), call); });
      }
    }
  }
  // What the node throws is the answer of all calls that it has not answered.
  static void all(void* self, heddle_call* const* calls, uint32_t n) noexcept {
    std::vector<Call> batch;
    guard(
        [&] {
          batch.reserve(n);
          for (uint32_t i = 0; i < n; ++i) batch.emplace_back(calls[i]);
          node(self).process(std::span<Call>(batch));
        },
        [&](heddle_status status, std::string_view why) {
          if (batch.empty()) {
            for (uint32_t i = 0; i < n; ++i) Call(calls[i]).fail(status, why);
          }
          for (Call& call : batch) {
            if (call) call.fail(status, why);
          }
        });
  }
  static void finish(void* self, heddle_call* c) noexcept {
    answering(c, [self](Call& call) { node(self).finish(call); });
  }

  template <class Fn>
  static void completing(heddle_op* op, Fn&& fn) noexcept {
    heddle_status failed = HEDDLE_OK;
    guard(fn, [&](heddle_status status, std::string_view why) { services.op->complete(op, failed = status, nullptr, to_str(why)); });
    if (failed == HEDDLE_OK) services.op->complete(op, HEDDLE_OK, nullptr, {});
  }
  static void activate(void* self, heddle_op* op) noexcept {
    completing(op, [self] { node(self).activate(); });
  }
  static void deactivate(void* self, heddle_op* op) noexcept {
    completing(op, [self] { node(self).deactivate(); });
  }
  static void destroy(void* self) noexcept { delete static_cast<Object<T>*>(self); }

  // A hint that cannot be followed is no failure of the call.
  static void cancel(void* self, heddle_call* c) noexcept {
    if constexpr (ProcessesAsync<T>) {
      static_cast<Object<T>*>(self)->frames.cancel(id(c));
    } else {
      guard([&] { node(self).cancel(id(c)); }, [](auto&&...) {});
    }
  }
  static void resume(void* self, heddle_call* c, uint32_t port) noexcept {
    if constexpr (ProcessesAsync<T>) {
      static_cast<Object<T>*>(self)->frames.resume(id(c));
    } else {
      guard([&] { node(self).resume(id(c), port); },
            [&](heddle_status, std::string_view why) { Log(static_cast<Object<T>*>(self)->host).error(why); });
    }
  }

  static heddle_value* save(void* self) noexcept {
    heddle_value* saved = nullptr;
    guard([&] { saved = Value(node(self).save()).release(); }, reporter(self));
    return saved;
  }
  static heddle_status restore(void* self, const heddle_value* saved) noexcept {
    heddle_status result = HEDDLE_OK;
    guard([&] { node(self).restore(ValueRef(saved)); },
          [&](heddle_status status, std::string_view why) { reporter(self)(result = status, why); });
    return result;
  }
  static auto reporter(void* self) noexcept {
    return
        [h = static_cast<Object<T>*>(self)->host](heddle_status status, std::string_view why) { h->fail(h, status, to_str(why), nullptr); };
  }

  static const void* get_extension(void* self, const char* ext) noexcept {
    static constexpr heddle_state kState = state_table();
    static constexpr heddle_sources kSources = sources_table();
    if (HasState<T> && std::string_view(ext) == HEDDLE_STATE) return &kState;
    if (HasSources<T> && std::string_view(ext) == HEDDLE_SOURCES) return &kSources;
    if constexpr (HasExtension<T>) {
      const void* found = nullptr;
      guard([&] { found = node(self).get_extension(ext); }, [](auto&&...) {});
      return found;
    }
    return nullptr;
  }
  static constexpr heddle_state state_table() noexcept {
    if constexpr (HasState<T>) {
      return {sizeof(heddle_state), &save, &restore};
    } else {
      return {};
    }
  }

  static heddle_value* sources(void* self) noexcept {
    heddle_value* list = nullptr;
    guard([&] { list = Value(node(self).sources()).release(); }, reporter(self));
    return list;
  }
  static constexpr heddle_sources sources_table() noexcept {
    if constexpr (HasSources<T>) {
      return {sizeof(heddle_sources), &sources};
    } else {
      return {};
    }
  }

  static constexpr heddle_node table() noexcept {
    heddle_node t{};
    t.struct_size = sizeof t;
    t.base.destroy = &destroy;
    t.process = &process;
    if constexpr (HasActivate<T>) t.base.activate = &activate;
    if constexpr (HasDeactivate<T>) t.base.deactivate = &deactivate;
    if constexpr (HasState<T> || HasSources<T> || HasExtension<T>) t.base.get_extension = &get_extension;
    if constexpr (HasFinish<T>) t.finish = &finish;
    if constexpr (HasCancel<T> || ProcessesAsync<T>) t.cancel = &cancel;
    if constexpr (HasResume<T> || ProcessesAsync<T>) t.resume = &resume;
    return t;
  }

  // As heddle_factory::create.
  static heddle_status create(const heddle_host* h, const heddle_value* params, void** self, const void** table_out) noexcept {
    static constexpr heddle_node kTable = table();
    return created(h, params, self, table_out, &kTable, [&](const Config& config) { return new Object<T>(h, config); });
  }
};

template <auto Lambda>
auto lambda_process(const Config& config) {
  if constexpr (std::invocable<decltype(Lambda), const Config&>) {
    return Lambda(config);
  } else {
    return Lambda;
  }
}

// A captureless lambda as a node class: either its process(), or a factory that takes the Config and returns a lambda for process().
template <auto Lambda>
class LambdaNode {
  using Process = decltype(lambda_process<Lambda>(std::declval<const Config&>()));

 public:
  explicit LambdaNode(const Config& config) : process_(lambda_process<Lambda>(config)) {}
  template <class In>
  requires std::invocable<Process&, In>
  auto process(In&& in) noexcept(std::is_nothrow_invocable_v<Process&, In>) { return process_(std::forward<In>(in)); }

 private:
  Process process_;
};

}  // namespace heddle::sdk::detail
