// The door: notes, factory, and the table that leads from the ABI to HttpTransport.
#include <heddle/transport.h>
#include <heddle/note.h>
#include <heddle/plugin.h>

#include "transport.h"

namespace transport_http {
namespace {

using namespace heddle::sdk;
using detail::guard;
using detail::to_str;

#define TRANSPORT_HTTP_TYPE                                                                                                             \
  R"({"transport":"http","summary":"HTTP/1.1: JSON, lines of JSON, server-sent events; TLS.",)"                            \
  R"("params":{"type":"object","properties":{)"                                                                                         \
  R"("connections":{"type":"integer","minimum":1,"maximum":4096,"default":128,"description":"connections at a time, each with a thread; more are answered 503"},)" \
  R"("backlog":{"type":"integer","minimum":1,"maximum":65535,"default":511,"description":"connections that may wait to be accepted"},)" \
  R"("hosts":{"type":"array","items":{"type":"string","minLength":1},"description":"further names that requests may be addressed to, as of a proxy"},)"  \
  R"("calls":{"type":"integer","minimum":1,"maximum":4096,"default":64,"description":"calls to a peer at a time, each with a connection and a thread"},)" \
  R"("waiting":{"type":"integer","minimum":0,"maximum":1000000,"default":1024,"description":"calls to a peer that may wait for those; more are refused"},)" \
  R"("keep_ms":{"type":"integer","minimum":0,"maximum":3600000,"default":30000,"description":"how long a connection to a peer, or a thread for its calls, is kept that nobody uses"},)" \
  R"("tls":{"type":"object","description":"PEM files; without it, connections are plain","properties":{)"                               \
  R"("certificate":{"type":"string","minLength":1,"description":"the certificate and its chain"},)"                                     \
  R"("key":{"type":"string","minLength":1,"description":"the certificate's private key"},)"                                             \
  R"("client_ca":{"type":"string","minLength":1,"description":"authorities; only clients with a certificate of theirs are served"}},)"  \
  R"("required":["certificate","key"],"additionalProperties":false}},"additionalProperties":false}})"

HEDDLE_NOTE(plugin_note, HEDDLE_NOTE_PLUGIN,
            R"({"plugin":"transport_http","version":"0.1.0",)" HEDDLE_NOTE_ABI
            R"(,"license":"Apache-2.0","summary":"Serves the host, and calls peers, over HTTP","package":"heddle-plugins-base"})");
HEDDLE_NOTE(type_note, HEDDLE_NOTE_TYPE, TRANSPORT_HTTP_TYPE);

HttpTransport& of(void* self) { return *static_cast<HttpTransport*>(self); }

void refuse(heddle_op* op, heddle_status status, std::string_view why) { detail::services.op->complete(op, status, nullptr, to_str(why)); }

void destroy(void* self) noexcept { delete static_cast<HttpTransport*>(self); }

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

// Where memory runs out on the way of an answer, the exchange is given up: better than an answer with a hole.
template <class Fn>
void tell(void* self, heddle_id exchange, Fn&& fn) noexcept {
  guard([&] { fn(of(self).exchanges()); }, [&](heddle_status, std::string_view) { of(self).exchanges().cancel(exchange); });
}
bool is_call(heddle_id exchange) { return exchange % 2 == 1; }

void answer(void* self, heddle_id exchange, const heddle_answer* a) noexcept {
  tell(self, exchange, [&](Exchanges& all) { all.answer(exchange, *a); });
}
void part(void* self, heddle_id exchange, heddle_value* v) noexcept {
  tell(self, exchange, [&](Exchanges& all) { all.part(exchange, v); });
}
void end(void* self, heddle_id exchange, heddle_status status, heddle_str why) noexcept {
  tell(self, exchange, [&](Exchanges& all) { all.end(exchange, status, why); });
}
void cancel(void* self, heddle_id exchange) noexcept {
  if (is_call(exchange)) of(self).cancel(exchange);
  else tell(self, exchange, [&](Exchanges& all) { all.cancel(exchange); });
}
void grant(void* self, heddle_id exchange, uint32_t parts) noexcept {
  if (is_call(exchange)) of(self).grant(exchange, parts);  // peers' requests have no parts
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

constexpr heddle_type kType = {sizeof(heddle_type), "http", type_note.desc};

uint32_t count() noexcept { return 1; }
const heddle_type* type(uint32_t i) noexcept { return i == 0 ? &kType : nullptr; }
heddle_status create(const heddle_host* h, const char*, const heddle_value* config, void** self, const void** table_out) noexcept {
  static constexpr heddle_transport kTable = table();
  heddle_status result = HEDDLE_OK;
  guard(
      [&] {
        *self = new HttpTransport(Config(h, ValueRef(config)));
        *table_out = &kTable;
      },
      [&](heddle_status status, std::string_view why) { h->fail(h, result = status, to_str(why), nullptr); });
  return result;
}

const void* get_factory(const char* kind) noexcept {
  static constexpr heddle_factory kFactory = {sizeof(heddle_factory), &count, &type, &create};
  return std::string_view(kind) == HEDDLE_KIND_TRANSPORT ? &kFactory : nullptr;
}

}  // namespace
}  // namespace transport_http

const heddle_entry heddle_entry_v1 = {sizeof(heddle_entry), HEDDLE_ABI_MINOR, &heddle::sdk::detail::init, nullptr, &transport_http::get_factory};
