// The door: notes, factory, and the table that leads from the ABI to GrpcTransport.
#include <heddle/transport.h>
#include <heddle/note.h>
#include <heddle/plugin.h>

#include "call.h"
#include "transport.h"
#include "words.h"

namespace transport_grpc {
namespace {

using namespace heddle::sdk;
using detail::guard;
using detail::to_str;

#define TRANSPORT_GRPC_TYPE                                                                                                              \
  R"({"transport":"grpc","summary":"gRPC: the methods of heddle.v1, health, reflection; TLS.",)"                                         \
  R"("params":{"type":"object","properties":{)"                                                                                          \
  R"("reflection":{"type":"boolean","default":true,"description":"tells peers which methods there are, without a token"},)"              \
  R"("tls":{"type":"object","description":"of what it serves: PEM files; without it, connections are plain","properties":{)"             \
  R"("certificate":{"type":"string","minLength":1,"description":"the certificate and its chain"},)"                                      \
  R"("key":{"type":"string","minLength":1,"description":"the certificate's private key"},)"                                              \
  R"("client_ca":{"type":"string","minLength":1,"description":"authorities; only clients with a certificate of theirs are served"}},)"   \
  R"("required":["certificate","key"],"additionalProperties":false}},"additionalProperties":false}})"

HEDDLE_NOTE(plugin_note, HEDDLE_NOTE_PLUGIN,
            R"({"plugin":"transport_grpc","version":"0.1.0",)" HEDDLE_NOTE_ABI
            R"(,"license":"Apache-2.0","summary":"Serves the host, and calls peers, over gRPC","package":"heddle-plugin-grpc"})");
HEDDLE_NOTE(type_note, HEDDLE_NOTE_TYPE, TRANSPORT_GRPC_TYPE);

GrpcTransport& of(void* self) { return *static_cast<GrpcTransport*>(self); }

void refuse(heddle_op* op, heddle_status status, std::string_view why) { detail::services.op->complete(op, status, nullptr, to_str(why)); }

void destroy(void* self) noexcept { delete static_cast<GrpcTransport*>(self); }

void listen(void* self, heddle_id listener, const heddle_value* offer, heddle_op* op) noexcept {
  guard(
      [&] {
        Value result = Value::map({{"endpoint", Value::string(of(self).listen(listener, ValueRef(offer)))}});
        detail::services.op->complete(op, HEDDLE_OK, result.release(), {});
      },
      [&](heddle_status status, std::string_view why) { refuse(op, status, why); });
}

void close(void* self, heddle_id listener, uint64_t until_ns, heddle_op* op) noexcept {
  const auto done = [op] { detail::services.op->complete(op, HEDDLE_OK, nullptr, {}); };
  guard(
      [&] {
        if (!of(self).close(listener, until_ns, done)) refuse(op, HEDDLE_NOT_FOUND, "there is no such listener, or it closes already");
      },
      [&](heddle_status status, std::string_view why) { refuse(op, status, why); });
}

bool is_call(heddle_id exchange) { return exchange % 2 == 1; }

void answer(void* self, heddle_id exchange, const heddle_answer* a) noexcept {
  if (const auto found = of(self).exchanges().find(exchange)) found->answer(*a);
  else Value::adopt(a->body);
}
void part(void* self, heddle_id exchange, heddle_value* v) noexcept {
  if (const auto found = of(self).exchanges().find(exchange)) found->part(v);
  else Value::adopt(v);
}
void end(void* self, heddle_id exchange, heddle_status status, heddle_str why) noexcept {
  if (const auto found = of(self).exchanges().find(exchange)) found->end(status, detail::to_view(why));
}
void cancel(void* self, heddle_id exchange) noexcept {
  if (is_call(exchange)) {
    if (const auto call = of(self).calls().find(exchange)) call->give_up();
  } else if (const auto found = of(self).exchanges().find(exchange)) {
    found->give_up();
  }
}
void grant(void* self, heddle_id exchange, uint32_t parts) noexcept {
  if (!is_call(exchange)) {
    if (const auto found = of(self).exchanges().find(exchange)) found->grant(parts);
  } else if (const auto call = of(self).calls().find(exchange)) {
    call->grant(parts);
  }
}

void connect(void* self, heddle_id channel, const heddle_value* options, heddle_op* op) noexcept {
  guard(
      [&] {
        of(self).connect(channel, ValueRef(options));
        detail::services.op->complete(op, HEDDLE_OK, nullptr, {});
      },
      [&](heddle_status status, std::string_view why) { refuse(op, status, why); });
}

void call(void* self, heddle_id channel, const heddle_request* r) noexcept { of(self).call(channel, *r); }

void probe(void* self, heddle_id channel, heddle_op* op) noexcept {
  if (!of(self).probe(channel, op)) refuse(op, HEDDLE_NOT_FOUND, "there is no such channel");
}

void disconnect(void* self, heddle_id channel, heddle_op* op) noexcept {
  const auto done = [op] { detail::services.op->complete(op, HEDDLE_OK, nullptr, {}); };
  if (!of(self).disconnect(channel, done)) refuse(op, HEDDLE_NOT_FOUND, "there is no such channel, or it is disconnected already");
}

constexpr heddle_transport table() noexcept {
  heddle_transport t{};
  t.struct_size = sizeof t;
  t.base.destroy = &destroy;
  t.listen = &listen;
  t.answer = &answer;
  t.close = &close;
  t.part = &part;
  t.end = &end;
  t.grant = &grant;
  t.cancel = &cancel;
  t.connect = &connect;
  t.call = &call;
  t.probe = &probe;
  t.disconnect = &disconnect;
  return t;
}

constexpr heddle_type kType = {sizeof(heddle_type), "grpc", type_note.desc};

uint32_t count() noexcept { return 1; }
const heddle_type* type(uint32_t i) noexcept { return i == 0 ? &kType : nullptr; }
heddle_status create(const heddle_host* h, const char*, const heddle_value* config, void** self, const void** table_out) noexcept {
  static constexpr heddle_transport kTable = table();
  heddle_status result = HEDDLE_OK;
  guard(
      [&] {
        *self = new GrpcTransport(Config(h, ValueRef(config)));
        *table_out = &kTable;
      },
      [&](heddle_status status, std::string_view why) { h->fail(h, result = status, to_str(why), nullptr); });
  return result;
}

const void* get_factory(const char* kind) noexcept {
  static constexpr heddle_factory kFactory = {sizeof(heddle_factory), &count, &type, &create};
  return std::string_view(kind) == HEDDLE_KIND_TRANSPORT ? &kFactory : nullptr;
}

heddle_status init(const heddle_host* h) noexcept {
  const heddle_status status = detail::init(h);
  if (status == HEDDLE_OK) take_words();
  return status;
}
void deinit() noexcept { release_words(); }

}  // namespace
}  // namespace transport_grpc

const heddle_entry heddle_entry_v1 = {sizeof(heddle_entry), HEDDLE_ABI_MINOR, &transport_grpc::init, &transport_grpc::deinit, &transport_grpc::get_factory};
