// SPDX-License-Identifier: Apache-2.0
//
// FakeObject: an object of a kind that delivers to the host through a service of its own, in a fake host. Used through fake_transport.h and fake_sidecar.h.
#pragma once
#include "fake_host.h"

namespace heddle::sdk {

class FakeObject {
 public:
  // Creates it; `service` is what it finds as `service_id`, where context_of(h) is `context`. Throws Error with the plugin's reason.
  FakeObject(FakeHost& host, const char* kind, std::string_view type, std::string_view params, const char* service_id, const void* service, void* context)
      : host_(host), own_{*host.table(), service_id, service, context} {
    own_.table.get_service = &get_service;
    const auto* const factory = static_cast<const heddle_factory*>(host.entry_.get_factory(kind));
    if (!factory) throw Error(HEDDLE_NOT_FOUND, std::string("the plugin has no factory for ") + kind);
    fake::Owned config(host.parse(params));
    const std::string id(type);
    const heddle_status status = factory->create(&own_.table, id.c_str(), fake::handle(config.value), &self_, &table_);
    if (status != HEDDLE_OK) host.throw_failure(status, "create failed");
  }
  FakeObject(const FakeObject&) = delete;

  FakeHost& host() const { return host_; }
  void* self() const { return self_; }
  template <class Table>
  const Table& table() const {
    return *static_cast<const Table*>(table_);
  }
  static void* context_of(const heddle_host* h) { return reinterpret_cast<const Own*>(h)->context; }

  // Calls start(op) and waits for the answer: the JSON of its result. Throws Error where it fails.
  template <class Start>
  std::string answered(Start&& start) const {
    const FakeCall& op = begun(std::forward<Start>(start));
    host_.wait(op);
    if (op.status() != HEDDLE_OK) throw Error(op.status(), op.why());
    return op.details();
  }
  // The same, without waiting.
  template <class Start>
  const FakeCall& begun(Start&& start) const {
    FakeCall& op = host_.add_call(nullptr, 0);
    start(reinterpret_cast<heddle_op*>(&op));
    return op;
  }
  void life(void (*step)(void*, heddle_op*) HEDDLE_FN) const {
    if (step) answered([&](heddle_op* op) { step(self_, op); });
  }

  // A value of JSON text; empty text: none.
  fake::FakeValue* value(std::string_view json) const { return json.empty() ? nullptr : host_.parse(json); }
  // The text of a STRING or of BYTES, else JSON; "" for none.
  static std::string text_of(const heddle_value* v) {
    if (!v) return {};
    const fake::FakeValue& value = fake::of(v);
    if (value.kind == HEDDLE_STRING || value.kind == HEDDLE_BYTES) return value.text;
    std::string json;
    value.write(json);
    return json;
  }
  static std::string text_of(heddle_str s) { return s.len ? std::string(s.ptr, s.len) : std::string(); }
  void fault(std::string sentence) const { host_.fault(std::move(sentence)); }

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

  FakeHost& host_;
  Own own_;
  void* self_ = nullptr;
  const void* table_ = nullptr;
};

}  // namespace heddle::sdk
