// The door: notes, factory, and the table that leads from the ABI to Broker.
#include <heddle/draft/broker.h>
#include <heddle/note.h>
#include <heddle/plugin.h>

#include "broker.h"

namespace broker_http {
namespace {

using namespace heddle::sdk;
using detail::guard;
using detail::to_str;

HEDDLE_NOTE(plugin_note, HEDDLE_NOTE_PLUGIN,
            R"({"plugin":"broker_http","version":"0.1.0",)" HEDDLE_NOTE_ABI
            R"(,"license":"Apache-2.0","summary":"Asks an API for URLs of objects","package":"heddle-plugins-base"})");
HEDDLE_NOTE(type_note, HEDDLE_NOTE_TYPE,
            R"({"broker":"http_api","summary":"URLs for one object, asked of an API: POST {method, object, lifetime_s}, answered by {url, expires_unix}.",)"
            R"("params":{"type":"object","properties":{)"
            R"("url":{"type":"string","minLength":1,"description":"Of the API. http only on loopback."},)"
            R"("token":{"type":["string","object"],"writeOnly":true,"minLength":1,"properties":{"file":{"type":"string","minLength":1}},"required":["file"],"additionalProperties":false,)"
            R"("description":"Sent as Authorization: Bearer TOKEN: from the environment (${env.NAME}), or {\"file\": path} of a file of mode 0600."},)"
            R"("insecure":{"type":"boolean","default":false,"description":"http may be used beyond loopback, by the API and in what it answers."},)"
            R"("ca":{"type":"string","minLength":1,"description":"A PEM file of the authorities that are trusted, instead of those of the system."},)"
            R"("connect_ms":{"type":"integer","minimum":1,"maximum":600000,"default":5000,"description":"The longest until there is a connection."},)"
            R"("answer_ms":{"type":"integer","minimum":1,"maximum":600000,"default":10000,"description":"The longest for a whole answer after that."},)"
            R"("lifetime_s":{"type":"integer","minimum":1,"maximum":604800,"default":900,"description":"Of a URL, where nobody says."}},)"
            R"("required":["url","token"],"additionalProperties":false}})");

void destroy(void* self) noexcept { delete static_cast<Broker*>(self); }

// The reason with its code; where there is no memory for that, the reason alone.
void refuse(heddle_op* op, const Refusal& why) {
  Value details;
  guard([&] { details = Value::map({{"code", Value::string(why.code())}}); }, [](heddle_status, std::string_view) {});
  detail::services.op->complete(op, why.status(), details.release(), to_str(why.what()));
}
void refuse(heddle_op* op, heddle_status status, std::string_view why) { detail::services.op->complete(op, status, nullptr, to_str(why)); }

void answer(heddle_op* op, const Reply& reply, const Question& asked) noexcept {
  guard(
      [&] {
        Value made;
        try {
          const Url url = url_in(reply, asked);
          made = Value::map({{"url", Value::string(url.text)}, {"expires_unix", Value::integer(url.expires_unix)}});
        } catch (const Refusal& why) {
          return refuse(op, why);
        }
        detail::services.op->complete(op, HEDDLE_OK, made.release(), {});
      },
      [&](heddle_status status, std::string_view why) { refuse(op, status, why); });
}

void grant(void* self, const heddle_grant* wanted, heddle_op* op) noexcept {
  guard(
      [&] {
        try {
          static_cast<Broker*>(self)->grant(*wanted, [op](const Reply& reply, const Question& asked) { answer(op, reply, asked); });
        } catch (const Refusal& why) {
          refuse(op, why);
        }
      },
      [&](heddle_status status, std::string_view why) { refuse(op, status, why); });
}

constexpr heddle_broker table() noexcept {
  heddle_broker t{};
  t.struct_size = sizeof t;
  t.base.destroy = &destroy;
  t.grant = &grant;
  return t;
}

constexpr heddle_type kType = {sizeof(heddle_type), "http_api", type_note.desc};

uint32_t count() noexcept { return 1; }
const heddle_type* type(uint32_t i) noexcept { return i == 0 ? &kType : nullptr; }
heddle_status create(const heddle_host* h, const char*, const heddle_value* config, void** self, const void** table_out) noexcept {
  static constexpr heddle_broker kTable = table();
  heddle_status result = HEDDLE_OK;
  guard(
      [&] {
        *self = new Broker(Config(h, ValueRef(config)));
        *table_out = &kTable;
      },
      [&](heddle_status status, std::string_view why) { h->fail(h, result = status, to_str(why), nullptr); });
  return result;
}

const void* get_factory(const char* kind) noexcept {
  static constexpr heddle_factory kFactory = {sizeof(heddle_factory), &count, &type, &create};
  return std::string_view(kind) == HEDDLE_KIND_BROKER ? &kFactory : nullptr;
}

heddle_status init(const heddle_host* h) noexcept { return detail::init(h); }
void deinit() noexcept {}

}  // namespace
}  // namespace broker_http

const heddle_entry heddle_entry_v1 = {sizeof(heddle_entry), HEDDLE_ABI_MINOR, &broker_http::init, &broker_http::deinit, &broker_http::get_factory};
