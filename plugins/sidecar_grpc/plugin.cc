// The door: notes, factory, and the table that leads from the ABI to a Sidecar.
#include <heddle/sidecar.h>
#include <heddle/note.h>
#include <heddle/plugin.h>

#include <iterator>

#include "execution.h"
#include "nsn.h"

namespace sidecar_grpc {
namespace {

using namespace heddle::sdk;
using detail::guard;
using detail::to_str;
using detail::to_view;

HEDDLE_NOTE(plugin_note, HEDDLE_NOTE_PLUGIN,
            R"({"plugin":"sidecar_grpc","version":"0.1.0",)" HEDDLE_NOTE_ABI R"(,"license":"Apache-2.0","summary":"Has worker processes work, over gRPC","package":"heddle-plugin-grpc"})");
HEDDLE_NOTE(execution_note, HEDDLE_NOTE_TYPE,
            R"({"sidecar":"execution","summary":"Workers that speak execution.v1 over gRPC: one stream for each task, or all on one.","params":{"type":"object","properties":{},"additionalProperties":false}})");
HEDDLE_NOTE(
    nsn_note, HEDDLE_NOTE_TYPE,
    R"({"sidecar":"nsn","summary":"Sidecars that speak nsn.sidecar over gRPC: one call for each task, run by models and plugins in a container.","params":{"type":"object","properties":{)"
    R"("container":{"type":"object","properties":{"id":{"type":"string","minLength":1},"image_cid":{"type":"string"},"gpu_ids":{"type":"array","items":{"type":"string"}},)"
    R"("env":{"type":"object","additionalProperties":{"type":"string"}},"memory_bytes":{"type":"integer","minimum":0},"cpu_shares":{"type":"integer","minimum":0,"maximum":4294967295},)"
    R"("vram_limit_gb":{"type":"number","minimum":0},"stop_seconds":{"type":"integer","minimum":0,"maximum":600,"default":10},"force":{"type":"boolean","default":false}},)"
    R"("required":["id"],"additionalProperties":false},)"
    R"("models":{"type":"array","items":{"type":"object","properties":{"id":{"type":"string","minLength":1},"priority":{"type":"integer","minimum":0,"maximum":3,"default":2},"config":{}},)"
    R"("required":["id"],"additionalProperties":false}},)"
    R"("model_id":{"type":"string"},"lane":{"type":"integer","minimum":0,"maximum":4294967295,"default":0},)"
    R"("timeout_ms":{"type":"integer","minimum":1,"maximum":604800000,"default":600000},"prepare_ms":{"type":"integer","minimum":1,"maximum":604800000,"default":600000}},)"
    R"("additionalProperties":false}})");

Sidecar& of(void* self) { return *static_cast<Sidecar*>(self); }

void refuse(heddle_op* op, heddle_status status, std::string_view why) { detail::services.op->complete(op, status, nullptr, to_str(why)); }
// What has nobody to tell: the host has named what is not there.
void ignore(heddle_status, std::string_view) {}

void destroy(void* self) noexcept { delete static_cast<Sidecar*>(self); }

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
  const auto answer = [op](Value facts, const std::string& why) {
    if (facts) detail::services.op->complete(op, HEDDLE_OK, facts.release(), {});
    else refuse(op, HEDDLE_UNAVAILABLE, why);
  };
  guard([&] { of(self).probe(worker, answer); },
        [&](heddle_status status, std::string_view why) { refuse(op, status, why); });
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

constexpr heddle_type kTypes[] = {{sizeof(heddle_type), "execution", execution_note.desc}, {sizeof(heddle_type), "nsn", nsn_note.desc}};

uint32_t count() noexcept { return std::size(kTypes); }
const heddle_type* type(uint32_t i) noexcept { return i < count() ? &kTypes[i] : nullptr; }
heddle_status create(const heddle_host* h, const char* name, const heddle_value* config, void** self, const void** table_out) noexcept {
  static constexpr heddle_sidecar kTable = table();
  heddle_status result = HEDDLE_OK;
  guard(
      [&] {
        const ValueRef params(config);
        *self = new Sidecar(Config(h, params), std::string_view(name) == "nsn" ? nsn_peers(params) : PeerMaker(&execution_peer));
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
}  // namespace sidecar_grpc

const heddle_entry heddle_entry_v1 = {sizeof(heddle_entry), HEDDLE_ABI_MINOR, &sidecar_grpc::init, &sidecar_grpc::deinit, &sidecar_grpc::get_factory};
