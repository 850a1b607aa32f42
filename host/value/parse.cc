#include "value/parse.h"

#include <cstring>

#include "value/json_check.h"
#include "value/number.h"

namespace heddle {

heddle_value* parse_json(std::string_view json) noexcept {
  std::string_view inner = trim(json);
  if (inner.empty()) return nullptr;
  heddle_value* v = make_text_of(inner);
  if (!v) return nullptr;
  if (!is_json(v->view())) {
    free_object(v);
    return nullptr;
  }
  char *p = behind(v), *end = p + v->size;
  // Valid strings have no line breaks inside: all that are there stand between tokens.
  while ((p = static_cast<char*>(std::memchr(p, '\n', static_cast<size_t>(end - p))))) *p++ = ' ';
  return v;
}

Error json_error(std::string_view json) {
  JsonFault fault;
  if (!find_fault(json, &fault)) return Error("out-of-memory", "out of memory while reading JSON");
  TextPlace place = place_of(json, fault.offset);
  return Error(fault.bad_utf8 ? "bad-utf8" : "bad-json",
               "line " + std::to_string(place.line) + ", column " + std::to_string(place.column) + ": " + fault.what);
}

heddle_value* make_decimal(std::string_view text) noexcept {
  heddle_kind kind = number_kind(text);
  if (kind == HEDDLE_INT) return make_integer(integer_of_text(text));
  if (kind == HEDDLE_FLOAT) return make_real(real_of_text(text));
  heddle_value* v = make_text(Storage::kString, HEDDLE_DECIMAL, text.size());
  if (v) std::memcpy(behind(v), text.data(), text.size());
  return v;
}

}  // namespace heddle
