// SPDX-License-Identifier: Apache-2.0
//
// Sidecars in C++: from a class to a heddle_sidecar table. What each function promises, and what a worker and an assignment are, stands in heddle/sidecar.h:
//
//   class Mine {
//    public:
//     explicit Mine(const Config&);      // Assignments(config.host()) is where it delivers
//     void activate();                   // [start] may be absent, as deactivate
//     void deactivate();
//     // What throws before it has moved the op away has answered it.
//     void connect(heddle_id worker, ValueRef options, Op& op);
//     void assign(heddle_id worker, const Assignment& a);  // one that throws was not taken on: what it throws is why it is done, as "unsent"
//     void cancel(heddle_id assignment, std::string_view reason, uint64_t grace_ns);
//     void drain(heddle_id worker);
//     void probe(heddle_id worker, Op& op);
//     void disconnect(heddle_id worker, Op& op);
//   };
//   HEDDLE_SIDECAR(Mine, "mine", R"("summary":"…","params":{…})");
#pragma once
#include <heddle/sidecar.h>

#include "op.h"
#include "plugin.h"

namespace heddle::sdk {

// One run of an activity; all of it is borrowed until assign() returns.
struct Assignment {
  heddle_id id = 0;
  std::string_view activity = {}, run = {}, workflow = {}, kind = {}, version = {}, upload_prefix = {}, checkpoint = {};
  uint32_t heartbeat_ms = 0;
  uint64_t deadline_ns = 0;  // CLOCK_MONOTONIC; 0: none
  ValueRef inputs = {};      // LIST of MAP: "name", and one of "value", "bytes", "ref"
  ValueRef params = {};      // MAP; empty: nothing
};

// Where a sidecar delivers what workers say. Any thread.
class Assignments {
 public:
  // Throws Error where the host has none for this object.
  explicit Assignments(Host host) : host_(host.get()), table_(host.service<heddle_assignments_service>(HEDDLE_ASSIGNMENTS)) {
    if (!HEDDLE_HAS(table_, here) || !HEDDLE_HAS(table_, grant) || !HEDDLE_HAS(table_, gone) || !HEDDLE_HAS(table_, progress) || !HEDDLE_HAS(table_, done))
      throw Error(HEDDLE_UNSUPPORTED, "the host has no " HEDDLE_ASSIGNMENTS " for this object");
  }

  void here(heddle_id worker, ValueRef facts) const noexcept { table_->here(host_, worker, facts.get()); }
  void grant(heddle_id worker, uint32_t assignments) const noexcept { table_->grant(host_, worker, assignments); }
  void gone(heddle_id worker, heddle_status status, std::string_view why) const noexcept { table_->gone(host_, worker, status, detail::to_str(why)); }
  void progress(heddle_id assignment, ValueRef said) const noexcept { table_->progress(host_, assignment, said.get()); }
  void done(heddle_id assignment, Value result) const noexcept { table_->done(host_, assignment, HEDDLE_OK, result.release()); }
  // The codes stand in heddle/sidecar.h; "class" is "retryable", "permanent", "config" or "cancelled".
  void failed(heddle_id assignment, heddle_status status, std::string_view code, std::string_view error_class, std::string_view message) const noexcept {
    Value result;  // where there is no memory for the reason, there is none
    detail::guard([&] { result = Value::map({{"code", Value::string(code)}, {"class", Value::string(error_class)}, {"message", Value::string(message)}}); }, [](auto&&...) {});
    table_->done(host_, assignment, status, result.release());
  }

 private:
  const heddle_host* host_;
  const heddle_assignments_service* table_;
};

namespace detail {

template <class T>
struct SidecarThunk {
  static heddle_status create(const heddle_host* h, const heddle_value* params, void** self, const void** table) noexcept {
    static constexpr heddle_sidecar kTable = {sizeof(heddle_sidecar), {&activate, &deactivate, &destroy, nullptr}, &connect, &assign, &cancel, &drain, &probe, &disconnect};
    return created(h, params, self, table, &kTable, [&](const Config& config) { return new Mine(h, config); });
  }

 private:
  struct Mine {
    Mine(const heddle_host* h, const Config& config) : host(h), sidecar(config) {}
    const heddle_host* host;
    T sidecar;
  };
  static T& of(void* self) noexcept { return static_cast<Mine*>(self)->sidecar; }
  static auto log(void* self) noexcept {
    return [self](heddle_status, std::string_view why) { Log(static_cast<Mine*>(self)->host).error(why); };
  }

  static void destroy(void* self) noexcept { delete static_cast<Mine*>(self); }
  static void activate(void* self, heddle_op* o) noexcept {
    answering(o, [&](Op& op) {
      if constexpr (HasActivate<T>) of(self).activate();
      op.complete();
    });
  }
  static void deactivate(void* self, heddle_op* o) noexcept {
    answering(o, [&](Op& op) {
      if constexpr (HasDeactivate<T>) of(self).deactivate();
      op.complete();
    });
  }
  static void connect(void* self, heddle_id worker, const heddle_value* options, heddle_op* o) noexcept {
    answering(o, [&](Op& op) { of(self).connect(worker, ValueRef(options), op); });
  }
  static void assign(void* self, heddle_id worker, const heddle_assignment* a) noexcept {
    const Assignment given{.id = a->assignment, .activity = to_view(a->activity), .run = to_view(a->run), .workflow = to_view(a->workflow), .kind = to_view(a->kind), .version = to_view(a->version),
                           .upload_prefix = to_view(a->upload_prefix), .checkpoint = to_view(a->checkpoint), .heartbeat_ms = a->heartbeat_ms, .deadline_ns = a->deadline_ns,
                           .inputs = ValueRef(a->inputs), .params = ValueRef(HEDDLE_HAS(a, params) ? a->params : nullptr)};
    guard([&] { of(self).assign(worker, given); },
          [&](heddle_status status, std::string_view why) {
            const bool passes = status == HEDDLE_UNAVAILABLE || status == HEDDLE_EXHAUSTED;
            guard([&] { Assignments(Host(static_cast<Mine*>(self)->host)).failed(given.id, status, "unsent", passes ? "retryable" : "permanent", why); }, log(self));
          });
  }
  static void cancel(void* self, heddle_id assignment, heddle_str reason, uint64_t grace_ns) noexcept {
    guard([&] { of(self).cancel(assignment, to_view(reason), grace_ns); }, log(self));
  }
  static void drain(void* self, heddle_id worker) noexcept {
    guard([&] { of(self).drain(worker); }, log(self));
  }
  static void probe(void* self, heddle_id worker, heddle_op* o) noexcept {
    answering(o, [&](Op& op) { of(self).probe(worker, op); });
  }
  static void disconnect(void* self, heddle_id worker, heddle_op* o) noexcept {
    answering(o, [&](Op& op) { of(self).disconnect(worker, op); });
  }
};

}  // namespace detail
}  // namespace heddle::sdk

// Once per sidecar type, in any namespace. `members`: the descriptor (heddle/sidecar.h) without "sidecar", as a string literal.
#define HEDDLE_SIDECAR(Class, type_name, members) HEDDLE_SDK_TYPE(__COUNTER__, sidecar, ::heddle::sdk::detail::SidecarThunk<Class>, type_name, members)
