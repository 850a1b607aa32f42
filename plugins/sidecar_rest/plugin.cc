// The door: notes, factory, and the table that leads from the ABI to Execution.
#include <heddle/sidecar.h>
#include <heddle/note.h>
#include <heddle/plugin.h>

#include "execution.h"

namespace sidecar_rest {
namespace {

using namespace heddle::sdk;
using detail::guard;
using detail::to_str;
using detail::to_view;

HEDDLE_NOTE(plugin_note, HEDDLE_NOTE_PLUGIN,
            R"({"plugin":"sidecar_rest","version":"0.1.0",)" HEDDLE_NOTE_ABI R"(,"license":"Apache-2.0","summary":"Has worker processes work, over REST","package":"heddle-plugins-base"})");
HEDDLE_NOTE(type_note, HEDDLE_NOTE_TYPE,
            R"({"sidecar":"execution_rest","summary":"Workers that speak execution.v1 over REST: assigned by POST, asked how far they are, or heard through a webhook.",)"
            R"("params":{"type":"object","properties":{)"
            R"("connections":{"type":"integer","minimum":1,"maximum":64,"default":4,"description":"To each worker at a time; one more is kept for what must not wait."},)"
            R"("answer_ms":{"type":"integer","minimum":1,"maximum":600000,"default":10000,"description":"The longest silence of a worker that is asked; ten times that for a whole answer."},)"
            R"("webhook":{"type":"object","description":"Where workers post completions: POST /tasks/{id}/complete. Without TLS.","properties":{)"
            R"("listen":{"type":"string","description":"HOST:PORT, as in 127.0.0.1:0; the log says which port it is."},)"
            R"("token":{"type":"string","description":"Asked for, as Authorization: Bearer TOKEN."},)"
            R"("insecure":{"type":"boolean","default":false,"description":"May listen beyond loopback."}},"required":["listen"],"additionalProperties":false}},)"
            R"("additionalProperties":false}})");

Execution& of(void* self) { return *static_cast<Execution*>(self); }

void refuse(heddle_op* op, heddle_status status, std::string_view why) { detail::services.op->complete(op, status, nullptr, to_str(why)); }
// What has nobody to tell: the host has named what is not there, and of an assignment the inbox hears.
void ignore(heddle_status, std::string_view) {}

void destroy(void* self) noexcept { delete static_cast<Execution*>(self); }

void connect(void* self, heddle_id worker, const heddle_value* options, heddle_op* op) noexcept {
  guard(
      [&] {
        of(self).connect(worker, ValueRef(options));
        detail::services.op->complete(op, HEDDLE_OK, nullptr, {});
      },
      [&](heddle_status status, std::string_view why) { refuse(op, status, why); });
}
void assign(void* self, heddle_id worker, const heddle_assignment* a) noexcept {
  guard([&] { of(self).assign(worker, *a); }, ignore);
}
void cancel(void* self, heddle_id assignment, heddle_str reason, uint64_t grace_ns) noexcept {
  guard([&] { of(self).cancel(assignment, std::string(to_view(reason)), grace_ns); }, ignore);
}
void drain(void* self, heddle_id worker) noexcept {
  guard([&] { of(self).drain(worker); }, ignore);
}
void probe(void* self, heddle_id worker, heddle_op* op) noexcept {
  const auto probed = [op](heddle_status status, Value facts, const std::string& why) { detail::services.op->complete(op, status, facts.release(), to_str(why)); };
  guard([&] { of(self).probe(worker, probed); }, [&](heddle_status status, std::string_view why) { refuse(op, status, why); });
}
void disconnect(void* self, heddle_id worker, heddle_op* op) noexcept {
  guard([&] { of(self).disconnect(worker, [op] { detail::services.op->complete(op, HEDDLE_OK, nullptr, {}); }); },
        [&](heddle_status status, std::string_view why) { refuse(op, status, why); });
}

constexpr heddle_sidecar table() noexcept {
  heddle_sidecar t{};
  t.struct_size = sizeof t;
  t.base.destroy = &destroy;
  t.connect = &connect;
  t.assign = &assign;
  t.cancel = &cancel;
  t.drain = &drain;
  t.probe = &probe;
  t.disconnect = &disconnect;
  return t;
}

constexpr heddle_type kType = {sizeof(heddle_type), "execution_rest", type_note.desc};

uint32_t count() noexcept { return 1; }
const heddle_type* type(uint32_t i) noexcept { return i == 0 ? &kType : nullptr; }
heddle_status create(const heddle_host* h, const char*, const heddle_value* config, void** self, const void** table_out) noexcept {
  static constexpr heddle_sidecar kTable = table();
  heddle_status result = HEDDLE_OK;
  guard(
      [&] {
        *self = new Execution(Config(h, ValueRef(config)));
        *table_out = &kTable;
      },
      [&](heddle_status status, std::string_view why) { h->fail(h, result = status, to_str(why), nullptr); });
  return result;
}

const void* get_factory(const char* kind) noexcept {
  static constexpr heddle_factory kFactory = {sizeof(heddle_factory), &count, &type, &create};
  return std::string_view(kind) == HEDDLE_KIND_SIDECAR ? &kFactory : nullptr;
}

heddle_status init(const heddle_host* h) noexcept { return detail::init(h); }
void deinit() noexcept {}

}  // namespace
}  // namespace sidecar_rest

const heddle_entry heddle_entry_v1 = {sizeof(heddle_entry), HEDDLE_ABI_MINOR, &sidecar_rest::init, &sidecar_rest::deinit, &sidecar_rest::get_factory};
