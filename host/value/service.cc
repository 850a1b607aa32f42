#include "value/service.h"

#include <heddle/host.h>

#include <cmath>
#include <cstring>

#include "value/buffer.h"
#include "value/json_check.h"
#include "value/json_index.h"
#include "value/number.h"
#include "value/object.h"
#include "value/parse.h"
#include "value/tensor.h"

namespace heddle {
namespace {

heddle_value* fail(const heddle_host* h, heddle_status status, std::string_view why) {
  if (HEDDLE_HAS(h, fail)) h->fail(h, status, {why.data(), why.size()}, nullptr);
  return nullptr;
}

heddle_value* made(const heddle_host* h, heddle_value* v) { return v ? v : fail(h, HEDDLE_EXHAUSTED, "out of memory"); }

// A plugin's empty text may have a null pointer; one that is nowhere, whatever its length, is taken for empty where that is an answer.
std::string_view view(heddle_str text) { return text.ptr ? std::string_view(text.ptr, text.len) : std::string_view(); }
bool is_nowhere(heddle_str text) { return text.len > 0 && !text.ptr; }

bool give(bool ok, std::string_view text, heddle_str* out) {
  if (ok) *out = {text.data(), text.size()};
  return ok;
}

bool all_there(heddle_value* const* items, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    if (!items[i]) return false;
  }
  return true;
}

bool get_text(const heddle_value* v, heddle_str* out) noexcept {
  std::string_view text;
  return give(text_of(v, &text), text, out);
}

bool get_view(const heddle_value* v, heddle_view* out) noexcept {
  if (v->storage != Storage::kBytes) return false;
  // The caller may know a shorter or a longer heddle_view than ours.
  uint32_t size = out->struct_size;
  std::memcpy(out, &static_cast<const BytesObject*>(v)->shown, std::min<size_t>(size, sizeof(heddle_view)));
  out->struct_size = size;
  return true;
}

const heddle_value* at(const heddle_value* v, size_t i, heddle_str* key_or_null) noexcept {
  std::string_view key;
  const heddle_value* member = at_of(v, i, &key);
  if (member && key_or_null) *key_or_null = {key.data(), key.size()};
  return member;
}

const heddle_value* find(const heddle_value* v, heddle_str key) noexcept { return find_of(v, view(key)); }

bool json(const heddle_value* v, heddle_str* out) noexcept {
  std::string_view text;
  return give(json_of(v, &text), text, out);
}

bool export_value_tensor(const heddle_value* v, DLManagedTensorVersioned** out) noexcept {
  if (v->storage != Storage::kTensor) return false;
  DLManagedTensorVersioned* t = export_tensor(v);
  if (t) *out = t;
  return t != nullptr;
}

heddle_value* make_null(const heddle_host*) noexcept { return null_object(); }
heddle_value* make_bool(const heddle_host*, bool b) noexcept { return bool_object(b); }
heddle_value* make_int(const heddle_host* h, int64_t i) noexcept { return made(h, make_integer(i)); }

heddle_value* make_float(const heddle_host* h, double d) noexcept {
  if (!std::isfinite(d)) return fail(h, HEDDLE_INVALID, std::isnan(d) ? "NaN is no number of JSON" : "infinity is no number of JSON");
  return made(h, make_real(d));
}

heddle_value* make_decimal_text(const heddle_host* h, heddle_str text) noexcept {
  std::string_view number = view(text);
  if (!is_number(number)) return fail(h, HEDDLE_INVALID, "\"" + std::string(number.substr(0, 40)) + "\" is no number of JSON");
  return made(h, make_decimal(number));
}

heddle_value* make_string(const heddle_host* h, heddle_str utf8) noexcept {
  if (is_nowhere(utf8)) return fail(h, HEDDLE_INVALID, "the text has a length, and lies nowhere");
  if (!is_utf8(view(utf8))) return fail(h, HEDDLE_INVALID, "the text is not UTF-8");
  heddle_value* v = make_text(Storage::kString, HEDDLE_STRING, utf8.len);
  if (v && utf8.len) std::memcpy(behind(v), utf8.ptr, utf8.len);
  return made(h, v);
}

heddle_value* make_list_of(const heddle_host* h, heddle_value* const* items, size_t n) noexcept {
  if (!all_there(items, n)) return fail(h, HEDDLE_INVALID, "an element of the list is missing");
  return made(h, make_list(items, n));
}

heddle_value* make_map_of(const heddle_host* h, const heddle_str* keys, heddle_value* const* items, size_t n) noexcept {
  if (!all_there(items, n)) return fail(h, HEDDLE_INVALID, "a member of the object is missing");
  heddle_value* map = nullptr;
  size_t wrong = 0;
  switch (make_map(keys, items, n, &map, &wrong)) {
    case MapFault::kNone:
      return map;
    case MapFault::kRepeatedKey:
      return fail(h, HEDDLE_INVALID, "the key \"" + std::string(view(keys[wrong])) + "\" comes twice");
    case MapFault::kBadKey:
      return fail(h, HEDDLE_INVALID, "key " + std::to_string(wrong + 1) + " of the object is not UTF-8, or too long");
    case MapFault::kNoMemory:
      break;
  }
  return made(h, nullptr);
}

heddle_value* make_json(const heddle_host* h, heddle_str json_text) noexcept {
  if (heddle_value* v = parse_json(view(json_text))) return v;
  Error error = json_error(view(json_text));
  return fail(h, error.code == "out-of-memory" ? HEDDLE_EXHAUSTED : HEDDLE_INVALID, error.message);
}

heddle_value* make_tensor_of(const heddle_host* h, DLManagedTensorVersioned* t) noexcept {
  const char* why = nullptr;
  heddle_value* v = make_tensor(t, &why);
  return why ? fail(h, HEDDLE_INVALID, why) : made(h, v);
}

heddle_buffer* alloc(const heddle_host* h, uint64_t size, uint32_t align, void** writable) noexcept {
  if (align & (align - 1)) {
    fail(h, HEDDLE_INVALID, "the alignment is no power of two");
    return nullptr;
  }
  heddle_buffer* buffer = allocate_buffer(size, align, writable);
  if (!buffer) fail(h, HEDDLE_EXHAUSTED, "out of memory");
  return buffer;
}

heddle_buffer* wrap(const heddle_host* h, const heddle_view* part, heddle_free_fn free_fn, void* ctx) noexcept {
  if (part->struct_size < sizeof(heddle_view)) {
    fail(h, HEDDLE_INVALID, "the view has no struct_size");
    return nullptr;
  }
  bool placed = part->memory == HEDDLE_MEM_FD ? part->fd >= 0 : part->data != nullptr;
  if (!placed && part->size > 0) {
    fail(h, HEDDLE_INVALID, "the view shows no memory");
    return nullptr;
  }
  heddle_buffer* buffer = wrap_buffer(*part, free_fn, ctx);
  if (!buffer) fail(h, HEDDLE_EXHAUSTED, "out of memory");
  return buffer;
}

heddle_value* make_bytes_of(const heddle_host* h, heddle_buffer* b, uint64_t offset, uint64_t size) noexcept {
  if (!b) return fail(h, HEDDLE_INVALID, "there is no buffer");
  if (offset > b->view.size || size > b->view.size - offset) return fail(h, HEDDLE_INVALID, "the bytes are not inside the buffer");
  return made(h, make_bytes(b, offset, size));
}

void drop_buffer(heddle_buffer* b) noexcept {
  if (b) free_buffer(b);
}

}  // namespace

const heddle_value_service& value_service() {
  static constexpr heddle_value_service table = {
      .struct_size = sizeof(heddle_value_service),
      .retain = retain_object,
      .release = release_object,
      .kind = kind_of,
      .get_bool = bool_of,
      .get_int = integer_of,
      .get_float = real_of,
      .get_text = get_text,
      .get_view = get_view,
      .length = length_of,
      .at = at,
      .find = find,
      .json = json,
      .export_tensor = export_value_tensor,
      .make_null = make_null,
      .make_bool = make_bool,
      .make_int = make_int,
      .make_float = make_float,
      .make_decimal = make_decimal_text,
      .make_string = make_string,
      .make_list = make_list_of,
      .make_map = make_map_of,
      .make_json = make_json,
      .make_tensor = make_tensor_of,
      .alloc = alloc,
      .wrap = wrap,
      .make_bytes = make_bytes_of,
      .drop_buffer = drop_buffer,
  };
  return table;
}

}  // namespace heddle
