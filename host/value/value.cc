#include "value/value.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <new>

#include "value/buffer.h"
#include "value/json_check.h"
#include "value/json_index.h"
#include "value/json_write.h"
#include "value/number.h"
#include "value/object.h"
#include "value/parse.h"

namespace heddle {
namespace {

Value owned(heddle_value* v) {
  if (!v) throw std::bad_alloc();
  return Value::adopt(v);
}

// One step of a JSON Pointer with its escapes resolved: "~1" is '/', "~0" is '~'. False: another escape.
bool resolve_token(std::string_view token, std::string* out) {
  out->clear();
  for (size_t i = 0; i < token.size(); ++i) {
    if (token[i] != '~') {
      out->push_back(token[i]);
    } else if (++i < token.size() && (token[i] == '0' || token[i] == '1')) {
      out->push_back(token[i] == '0' ? '~' : '/');
    } else {
      return false;
    }
  }
  return true;
}

// SIZE_MAX: the token is no array index of RFC 6901.
size_t list_position(std::string_view token) {
  size_t i = SIZE_MAX;
  if (token.empty() || (token.size() > 1 && token[0] == '0')) return SIZE_MAX;
  auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), i);
  return error == std::errc() && end == token.data() + token.size() ? i : SIZE_MAX;
}

}  // namespace

void Value::retain(const heddle_value* v) noexcept { retain_object(v); }
void Value::release(const heddle_value* v) noexcept { release_object(v); }

Value Value::null() { return adopt(null_object()); }
Value Value::boolean(bool b) { return adopt(bool_object(b)); }
Value Value::integer(int64_t i) { return owned(make_integer(i)); }

Result<Value> Value::number(double d) {
  if (!std::isfinite(d)) return Error("bad-number", std::isnan(d) ? "NaN is no number of JSON" : "infinity is no number of JSON");
  return owned(make_real(d));
}

Result<Value> Value::decimal(std::string_view text) {
  if (!is_number(text)) return Error("bad-number", "\"" + std::string(text.substr(0, 40)) + "\" is no number of JSON");
  return owned(make_decimal(text));
}

Result<Value> Value::string(std::string_view utf8) {
  if (!is_utf8(utf8)) return Error("bad-utf8", "the text is not UTF-8");
  heddle_value* v = make_text(Storage::kString, HEDDLE_STRING, utf8.size());
  if (v && !utf8.empty()) std::memcpy(behind(v), utf8.data(), utf8.size());
  return owned(v);
}

Value Value::bytes(std::string_view data) {
  void* writable = nullptr;
  heddle_buffer* buffer = allocate_buffer(data.size(), 0, &writable);
  if (!buffer) throw std::bad_alloc();
  if (!data.empty()) std::memcpy(writable, data.data(), data.size());
  heddle_value* v = make_bytes(buffer, 0, data.size());
  if (!v) free_buffer(buffer);
  return owned(v);
}

Value Value::list(std::vector<Value> items) {
  static_assert(sizeof(Value) == sizeof(heddle_value*));
  Value list = owned(make_list(reinterpret_cast<heddle_value* const*>(items.data()), items.size()));
  for (Value& item : items) item.release();
  return list;
}

Result<Value> Value::map(std::vector<std::pair<std::string, Value>> members) {
  constexpr size_t kFew = 8;
  std::array<heddle_str, kFew> few_keys;
  std::array<heddle_value*, kFew> few_items;
  std::vector<heddle_str> many_keys(members.size() > kFew ? members.size() : 0);
  std::vector<heddle_value*> many_items(many_keys.size());
  heddle_str* const keys = many_keys.empty() ? few_keys.data() : many_keys.data();
  heddle_value** const items = many_keys.empty() ? few_items.data() : many_items.data();
  for (size_t i = 0; i < members.size(); ++i) {
    keys[i] = {members[i].first.data(), members[i].first.size()};
    items[i] = members[i].second.get();
  }
  heddle_value* map = nullptr;
  size_t at = 0;
  switch (make_map(keys, items, members.size(), &map, &at)) {
    case MapFault::kNone:
      break;
    case MapFault::kRepeatedKey:
      return Error("repeated-key", "the key \"" + members[at].first + "\" comes twice");
    case MapFault::kBadKey:
      return Error("bad-utf8", "key " + std::to_string(at + 1) + " of the object is not UTF-8, or too long");
    case MapFault::kNoMemory:
      throw std::bad_alloc();
  }
  for (auto& member : members) member.second.release();
  return adopt(map);
}

Result<Value> Value::parse(std::string_view json) {
  if (heddle_value* v = parse_json(json)) return adopt(v);
  return json_error(json);
}

heddle_kind Value::kind() const noexcept { return object_ ? kind_of(object_) : HEDDLE_NULL; }

std::optional<bool> Value::as_bool() const noexcept {
  bool b;
  return object_ && bool_of(object_, &b) ? std::optional(b) : std::nullopt;
}

std::optional<int64_t> Value::as_int() const noexcept {
  int64_t i;
  return object_ && integer_of(object_, &i) ? std::optional(i) : std::nullopt;
}

std::optional<double> Value::as_float() const noexcept {
  double d;
  return object_ && real_of(object_, &d) ? std::optional(d) : std::nullopt;
}

std::optional<std::string_view> Value::as_text() const noexcept {
  std::string_view text;
  return object_ && text_of(object_, &text) ? std::optional(text) : std::nullopt;
}

std::optional<std::string_view> Value::as_bytes() const noexcept {
  if (!object_ || object_->storage != Storage::kBytes) return std::nullopt;
  const heddle_view& shown = static_cast<const BytesObject*>(object_)->shown;
  if (shown.size > 0 && !is_addressable(shown)) return std::nullopt;
  return std::string_view(static_cast<const char*>(shown.data), shown.size);
}

size_t Value::size() const noexcept { return object_ ? length_of(object_) : 0; }
Value Value::at(size_t i, std::string_view* key) const noexcept { return object_ ? share(at_of(object_, i, key)) : Value(); }
Value Value::find(std::string_view key) const noexcept { return object_ ? share(find_of(object_, key)) : Value(); }

Value Value::pointer(std::string_view json_pointer) const noexcept {
  const heddle_value* v = object_;
  std::string token;
  while (v && !json_pointer.empty()) {
    if (json_pointer[0] != '/') return Value();
    json_pointer.remove_prefix(1);
    size_t end = std::min(json_pointer.find('/'), json_pointer.size());
    if (!resolve_token(json_pointer.substr(0, end), &token)) return Value();
    json_pointer.remove_prefix(end);
    v = kind_of(v) == HEDDLE_LIST ? at_of(v, list_position(token), nullptr) : find_of(v, token);
  }
  return share(v);
}

void Value::append_json(std::string& out) const {
  if (object_) append_json_of(out, object_);
}

std::string Value::json() const {
  std::string out;
  append_json(out);
  return out;
}

size_t Value::weight() const noexcept { return object_ ? weight_of(object_) : 0; }

bool operator==(const Value& a, const Value& b) noexcept {
  if (!a.object_ || !b.object_) return a.object_ == b.object_;
  return same_value(a.object_, b.object_);
}

}  // namespace heddle
