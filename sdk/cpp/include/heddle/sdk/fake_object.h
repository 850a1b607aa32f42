// SPDX-License-Identifier: Apache-2.0
//
// FakeObject: an object of any kind in the fake host: its functions are called by hand, and its answers awaited, whatever thread they come from.
//
//   FakeHost host;
//   FakeObject<heddle_store> store(host, HEDDLE_KIND_STORE, "Kept", R"({"path":"jobs"})");
//   store.ask(&heddle_store::get, &key).details()   // the result, in JSON; bytes in base64
//
// Kinds that deliver to the host through a service of their own have more in fake_transport.h and fake_sidecar.h.
#pragma once
#include "fake_host.h"

namespace heddle::sdk {

// Created and activated; deactivated and destroyed when it dies.
template <class Table>
class FakeObject {
 public:
  // `service` is what the object finds as `service_id`, where context_of(h) is `context`. Throws Error with the plugin's reason where any of it fails.
  FakeObject(FakeHost& host, const char* kind, std::string_view type, std::string_view params = "{}", const char* service_id = "", const void* service = nullptr, void* context = nullptr)
      : host_(host), own_{*host.table(), service_id, service, context} {
    own_.table.get_service = &get_service;
    const fake::Owned config = host.value(params);
    const void* table = nullptr;
    const heddle_status status = host.factory(kind).create(&own_.table, std::string(type).c_str(), fake::handle(config.value), &self_, &table);
    if (status != HEDDLE_OK) host.throw_failure(status, "create failed");
    table_ = static_cast<const Table*>(table);
    try {
      activate();
    } catch (const Error&) {
      table_->base.destroy(self_);
      throw;
    }
  }
  FakeObject(const FakeObject&) = delete;
  ~FakeObject() { close(); }
  // What it does when it dies, before that. That the plugin fails to deactivate is a fault.
  void close() noexcept {
    if (!self_) return;
    if (is_active_) detail::guard([&] { deactivate(); }, [&](heddle_status, std::string_view why) { fault("deactivate: " + std::string(why)); });
    table_->base.destroy(std::exchange(self_, nullptr));
  }

  // Throw Error with the plugin's reason.
  void activate() {
    life(table_->base.activate);
    is_active_ = true;
  }
  void deactivate() {
    is_active_ = false;
    life(table_->base.deactivate);
  }

  // Calls a function that takes an op after these arguments, and waits until that is complete.
  template <class Slot, class... Args>
  const FakeCall& ask(Slot Table::*slot, const Args&... args) {
    const FakeCall& op = begin(slot, args...);
    host_.wait(op);
    return op;
  }
  // The same: the JSON of its result. Throws Error where it fails.
  template <class Slot, class... Args>
  std::string answered(Slot Table::*slot, const Args&... args) {
    return require(ask(slot, args...)).details();
  }
  // Without the wait: that is FakeHost::wait.
  template <class Slot, class... Args>
  FakeCall& begin(Slot Table::*slot, const Args&... args) {
    FakeCall& op = host_.add_call(nullptr, 0);
    (table_->*slot)(self_, args..., reinterpret_cast<heddle_op*>(&op));
    return op;
  }
  // Nobody wants the answer any more.
  static void cancel(FakeCall& op) { op.cancelled_ = true; }

  // Calls a function that takes no op.
  template <class Slot, class... Args>
  void call(Slot Table::*slot, const Args&... args) const {
    (table_->*slot)(self_, args...);
  }

  const Table& table() const { return *table_; }
  // As FakeHost::value; of an empty text: none.
  fake::Owned value(std::string_view json) const { return json.empty() ? fake::Owned(nullptr) : host_.value(json); }
  void fault(std::string sentence) const { host_.fault(std::move(sentence)); }
  static void* context_of(const heddle_host* h) { return reinterpret_cast<const Own*>(h)->context; }

 private:
  struct Own {
    heddle_host table;  // first: what the object gets points to both
    const char* service_id;
    const void* service;
    void* context;
  };
  static const void* get_service(const heddle_host* h, const char* id) noexcept {
    const Own& own = *reinterpret_cast<const Own*>(h);
    return std::string_view(id) == own.service_id ? own.service : FakeHost::get_service(h, id);
  }

  static const FakeCall& require(const FakeCall& done) {
    if (done.status() != HEDDLE_OK) throw Error(done.status(), done.why());
    return done;
  }
  void life(void (*step)(void*, heddle_op*) HEDDLE_FN) {
    if (!step) return;
    FakeCall& op = host_.add_call(nullptr, 0);
    step(self_, reinterpret_cast<heddle_op*>(&op));
    host_.wait(op);
    require(op);
  }

  FakeHost& host_;
  Own own_;
  void* self_ = nullptr;
  const Table* table_ = nullptr;
  bool is_active_ = false;
};

}  // namespace heddle::sdk
