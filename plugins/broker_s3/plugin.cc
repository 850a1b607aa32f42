// The door: notes, factory, and the table that leads from the ABI to Broker.
#include <heddle/draft/broker.h>
#include <heddle/note.h>
#include <heddle/plugin.h>

#include <ctime>

#include "broker.h"

namespace broker_s3 {
namespace {

using namespace heddle::sdk;
using detail::guard;
using detail::to_str;

// A secret, or where it is.
#define SECRET(name, what)                                                                                                                                                     \
  R"(")" name R"(":{"type":["string","object"],"writeOnly":true,"minLength":1,"properties":{"file":{"type":"string","minLength":1}},"required":["file"],)"                     \
  R"("additionalProperties":false,"description":")" what R"(: from the environment (${env.NAME}), or {\"file\": path} of a file of mode 0600."})"

HEDDLE_NOTE(plugin_note, HEDDLE_NOTE_PLUGIN,
            R"({"plugin":"broker_s3","version":"0.1.0",)" HEDDLE_NOTE_ABI R"(,"license":"Apache-2.0","summary":"Makes presigned URLs of S3 stores","package":"heddle-plugins-base"})");
HEDDLE_NOTE(type_note, HEDDLE_NOTE_TYPE,
            R"({"broker":"s3","summary":"URLs for one object in a store that speaks S3, signed here (SigV4): the store is not asked.",)"
            R"("params":{"type":"object","properties":{)"
            R"("endpoint":{"type":"string","minLength":1,"description":"https://HOST or https://HOST:PORT. http only on loopback."},)"
            R"("insecure":{"type":"boolean","default":false,"description":"http may be used elsewhere, too."},)"
            R"("region":{"type":"string","minLength":1,"default":"us-east-1","description":"As the store calls it."},)"
            R"("bucket":{"type":"string","minLength":3,"description":"The only one. Without it an object is s3://bucket/key."},)"
            R"("prefix":{"type":"string","description":"Keys begin so; nothing else is granted."},)"
            R"("style":{"type":"string","enum":["path","virtual"],"default":"path","description":"Whether the bucket stands in the path or before the host's name."},)"
            SECRET("access_key", "The credential's name") ","
            SECRET("secret_key", "The credential") ","
            SECRET("session_token", "Of a credential for a limited time") ","
            R"("lifetime_s":{"type":"integer","minimum":1,"maximum":604800,"default":900,"description":"Of a URL, where nobody says."}},)"
            R"("required":["endpoint","access_key","secret_key"],"additionalProperties":false}})");

void destroy(void* self) noexcept { delete static_cast<Broker*>(self); }

// The reason with its code; where there is no memory for that, the reason alone.
void refuse(heddle_op* op, heddle_status status, const char* code, std::string_view why) {
  Value details;
  guard([&] { details = Value::map({{"code", Value::string(code)}}); }, [](heddle_status, std::string_view) {});
  detail::services.op->complete(op, status, details.release(), to_str(why));
}

void grant(void* self, const heddle_grant* wanted, heddle_op* op) noexcept {
  guard(
      [&] {
        Value made;
        try {
          const Url url = static_cast<Broker*>(self)->grant(*wanted);
          made = Value::map({{"url", Value::string(url.text)}, {"expires_unix", Value::integer(url.expires_unix)}});
        } catch (const Refusal& why) {
          return refuse(op, why.status(), why.code(), why.what());
        }
        detail::services.op->complete(op, HEDDLE_OK, made.release(), {});
      },
      [&](heddle_status status, std::string_view why) { detail::services.op->complete(op, status, nullptr, to_str(why)); });
}

constexpr heddle_broker table() noexcept {
  heddle_broker t{};
  t.struct_size = sizeof t;
  t.base.destroy = &destroy;
  t.grant = &grant;
  return t;
}

constexpr heddle_type kType = {sizeof(heddle_type), "s3", type_note.desc};

uint32_t count() noexcept { return 1; }
const heddle_type* type(uint32_t i) noexcept { return i == 0 ? &kType : nullptr; }
heddle_status create(const heddle_host* h, const char*, const heddle_value* config, void** self, const void** table_out) noexcept {
  static constexpr heddle_broker kTable = table();
  heddle_status result = HEDDLE_OK;
  guard(
      [&] {
        *self = new Broker(Config(h, ValueRef(config)), [] { return static_cast<int64_t>(std::time(nullptr)); });
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
}  // namespace broker_s3

const heddle_entry heddle_entry_v1 = {sizeof(heddle_entry), HEDDLE_ABI_MINOR, &broker_s3::init, &broker_s3::deinit, &broker_s3::get_factory};
