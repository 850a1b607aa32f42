#include "abi_codec.h"

#include <algorithm>
#include <vector>

#include "amount.h"
#include "hex.h"

namespace chain_evm {
namespace {

using heddle::sdk::Error;
using heddle::sdk::Value;
using heddle::sdk::ValueRef;
using Kind = AbiType::Kind;

constexpr size_t kWord = 32;

// Where in the values we are; written down only when something is wrong.
struct Place {
  const Place* up = nullptr;
  const AbiType* type = nullptr;
  size_t index = 0;
  bool in_tuple = true;

  std::string text() const {
    if (!type) return {};
    const std::string before = up ? up->text() : "";
    if (!in_tuple || type->name.empty()) return before + "[" + std::to_string(index) + "]";
    return before + (before.empty() ? "" : ".") + type->name;
  }
};

[[noreturn]] void fail(const Place& place, const std::string& why) {
  const std::string where = place.text();
  throw Error(
      HEDDLE_INVALID,
      (where.empty() ? "the values: " : "the value \"" + where + "\"" + (place.type ? " (" + place.type->text() + "): " : ": ")) + why);
}

// What `fn` throws says where.
template <class Fn>
auto at_place(const Place& place, Fn&& fn) {
  try {
    return fn();
  } catch (const Error& why) {
    fail(place, why.what());
  }
}

// 2^(bits - 1)
Amount half_of(size_t bits) { return Amount(1) << (bits - 1); }

// --- Encoding ---------------------------------------------------------------------------------------------------------------------

std::string padded(std::string bytes) {
  bytes.resize((bytes.size() + kWord - 1) / kWord * kWord);
  return bytes;
}

std::string encode_int(const AbiType& type, ValueRef value, const Place& place) {
  const Whole number = at_place(place, [&] { return read_whole(value); });
  bool fits = false;
  if (type.kind == Kind::kUint)
    fits = !number.negative && (type.size == 256 || number.size < half_of(type.size + 1));
  else
    fits = number.negative ? number.size <= half_of(type.size) : number.size < half_of(type.size);
  if (!fits) fail(place, (number.negative ? "-" : "") + to_decimal(number.size) + " does not fit");
  return to_word(number.negative ? -number.size : number.size);
}

std::string bytes_in(ValueRef value, const Place& place) {
  if (const auto bytes = value.as_bytes()) return {reinterpret_cast<const char*>(bytes->data()), bytes->size()};
  auto bytes = value.is(HEDDLE_STRING) ? parse_hex(*value.as_text()) : std::nullopt;
  if (!bytes) fail(place, "it must be bytes, or a text of them: 0x and an even number of hex digits");
  return *std::move(bytes);
}

std::string encode_one(const AbiType& type, ValueRef value, const Place& place);

// The heads of all, and then the tails of those that are dynamic. `value_at(i)` is the value of the i-th.
template <class TypeAt, class ValueAt>
std::string encode_all(size_t n, const TypeAt& type_at, const ValueAt& value_at, size_t heads, const Place& up, bool in_tuple) {
  std::string head, tail;
  for (size_t i = 0; i < n; ++i) {
    const AbiType& type = type_at(i);
    const Place place{&up, &type, i, in_tuple};
    std::string one = encode_one(type, value_at(i, place), place);
    if (!type.is_dynamic()) {
      head += one;
      continue;
    }
    head += to_word(heads + tail.size());
    tail += one;
  }
  return head + tail;
}

std::string encode_tuple(const AbiTypes& types, ValueRef value, const Place& place) {
  const bool is_map = value.is(HEDDLE_MAP) && are_named(types);
  if (!is_map && !value.is(HEDDLE_LIST))
    fail(place, are_named(types) ? "it must be an object with its components, or a list of them" : "it must be a list of its components");
  if (value.size() != types.size())
    fail(place, "it has " + std::to_string(value.size()) + " components, and " + text_of(types) + " has " + std::to_string(types.size()));
  const auto value_at = [&](size_t i, const Place& at) {
    const ValueRef found = is_map ? value.find(types[i].name) : value.at(i);
    if (!found) fail(at, "it is missing");
    return found;
  };
  return encode_all(
      types.size(), [&](size_t i) -> const AbiType& { return types[i]; }, value_at, head_size(types), place, true);
}

std::string encode_array(const AbiType& type, ValueRef value, const Place& place) {
  if (!value.is(HEDDLE_LIST)) fail(place, "it must be a list");
  if (type.kind == Kind::kArray && value.size() != type.size) fail(place, "it has " + std::to_string(value.size()) + " elements");
  const AbiType& element = type.parts[0];
  const auto value_at = [&](size_t i, const Place&) { return value.at(i); };
  std::string elements = encode_all(
      value.size(), [&](size_t) -> const AbiType& { return element; }, value_at, value.size() * element.head_size(), place, false);
  return type.kind == Kind::kList ? to_word(value.size()) + elements : elements;
}

std::string encode_one(const AbiType& type, ValueRef value, const Place& place) {
  switch (type.kind) {
    case Kind::kUint:
    case Kind::kInt:
      return encode_int(type, value, place);
    case Kind::kAddress: {
      if (!value.is(HEDDLE_STRING)) fail(place, "it must be a text: 0x and 40 hex digits");
      const std::string address = at_place(place, [&] { return parse_address(*value.as_text()); });
      return std::string(kWord - kAddressSize, '\0') + address;
    }
    case Kind::kBool: {
      const auto is_true = value.as_bool();
      if (!is_true) fail(place, "it must be true or false");
      return to_word(*is_true ? 1 : 0);
    }
    case Kind::kFixedBytes: {
      std::string bytes = bytes_in(value, place);
      if (bytes.size() != type.size) fail(place, "it has " + std::to_string(bytes.size()) + " bytes");
      return padded(std::move(bytes));
    }
    case Kind::kBytes: {
      std::string bytes = bytes_in(value, place);
      const std::string size = to_word(bytes.size());
      return size + padded(std::move(bytes));
    }
    case Kind::kString: {
      if (!value.is(HEDDLE_STRING)) fail(place, "it must be a text");
      const std::string_view text = *value.as_text();
      return to_word(text.size()) + padded(std::string(text));
    }
    case Kind::kArray:
    case Kind::kList:
      return encode_array(type, value, place);
    case Kind::kTuple:
      return encode_tuple(type.parts, value, place);
  }
  return {};
}

// --- Decoding ---------------------------------------------------------------------------------------------------------------------

// The bytes of one tuple or array: offsets in it count from its beginning. `next` is the first byte that nobody has read.
struct Frame {
  std::string_view data;
  size_t at = 0;    // in the heads
  size_t next = 0;  // behind the heads and the tails so far
};

std::string_view word_at(std::string_view data, size_t at, const Place& place) {
  if (at > data.size() || data.size() - at < kWord) fail(place, "the data end too early");
  return data.substr(at, kWord);
}

size_t size_at(std::string_view data, size_t at, const Place& place) {
  const Amount size = amount_of(word_at(data, at, place));
  if (size > data.size()) fail(place, "a length or an offset in the data leads out of them");
  return static_cast<size_t>(size);
}

Value decode_int(const AbiType& type, const Amount& word, const Place& place) {
  if (type.kind == Kind::kUint) {
    if (type.size < 256 && (word >> type.size) != 0) fail(place, "a number in the data has too many bits");
    return to_value(word);
  }
  const bool negative = (word >> 255) != 0;
  const Amount size = negative ? -word : word;
  if (negative ? size > half_of(type.size) : size >= half_of(type.size)) fail(place, "a number in the data has too many bits");
  return to_value(Whole{negative, size});
}

Value decode_word(const AbiType& type, std::string_view word, const Place& place) {
  switch (type.kind) {
    case Kind::kAddress:
      if (word.substr(0, kWord - kAddressSize).find_first_not_of('\0') != word.npos)
        fail(place, "an address in the data has too many bytes");
      return Value::string(to_hex(word.substr(kWord - kAddressSize)));
    case Kind::kBool: {
      const Amount number = amount_of(word);
      if (number > 1) fail(place, "a truth value in the data is neither 0 nor 1");
      return Value::boolean(number == 1);
    }
    case Kind::kFixedBytes:
      if (word.substr(type.size).find_first_not_of('\0') != word.npos) fail(place, "there are more bytes in the data");
      return Value::string(to_hex(word.substr(0, type.size)));
    default:
      return decode_int(type, amount_of(word), place);
  }
}

Value decode_next(const AbiType& type, Frame& frame, const Place& place);

// `components` of the frame's heads, one after the other.
Value decode_parts(const AbiTypes& types, Frame& frame, const Place& up, bool as_map) {
  std::vector<Value> values;
  values.reserve(types.size());
  for (size_t i = 0; i < types.size(); ++i) values.push_back(decode_next(types[i], frame, Place{&up, &types[i], i, true}));
  if (!as_map) return Value::list(std::move(values));
  std::vector<Value::Entry> entries;
  entries.reserve(types.size());
  for (size_t i = 0; i < types.size(); ++i) entries.push_back({types[i].name, std::move(values[i])});
  return Value::map(entries);
}

Value decode_elements(const AbiType& element, size_t n, Frame& frame, const Place& up) {
  // No more than the data have room for: each takes a word at least.
  if (n > frame.data.size() / kWord) fail(up, "the data end too early");
  std::vector<Value> values;
  values.reserve(n);
  for (size_t i = 0; i < n; ++i) values.push_back(decode_next(element, frame, Place{&up, &element, i, false}));
  return Value::list(std::move(values));
}

// What takes its room in the heads of `frame`.
Value decode_static(const AbiType& type, Frame& frame, const Place& place) {
  if (type.kind == Kind::kTuple) return decode_parts(type.parts, frame, place, are_named(type.parts));
  if (type.kind == Kind::kArray) return decode_elements(type.parts[0], type.size, frame, place);
  const std::string_view word = word_at(frame.data, frame.at, place);
  frame.at += kWord;
  return decode_word(type, word, place);
}

// What begins at `data`; *used: how many bytes of them it took.
Value decode_tail(const AbiType& type, std::string_view data, size_t* used, const Place& place) {
  if (type.kind == Kind::kTuple || type.kind == Kind::kArray) {
    const size_t heads = type.kind == Kind::kTuple ? head_size(type.parts) : type.size * type.parts[0].head_size();
    Frame inner{data, 0, heads};
    Value value = type.kind == Kind::kTuple ? decode_parts(type.parts, inner, place, are_named(type.parts))
                                            : decode_elements(type.parts[0], type.size, inner, place);
    *used = inner.next;
    return value;
  }
  const size_t size = size_at(data, 0, place);
  const std::string_view rest = data.substr(kWord);
  if (type.kind == Kind::kList) {
    if (size > rest.size() / kWord) fail(place, "the data end too early");
    Frame inner{rest, 0, size * type.parts[0].head_size()};
    Value value = decode_elements(type.parts[0], size, inner, place);
    *used = kWord + inner.next;
    return value;
  }
  if (size > rest.size()) fail(place, "the data end too early");
  *used = kWord + size;
  const std::string_view bytes = rest.substr(0, size);
  if (type.kind == Kind::kString) return at_place(place, [&] { return Value::string(bytes); });
  return Value::bytes(std::as_bytes(std::span(bytes)));
}

Value decode_next(const AbiType& type, Frame& frame, const Place& place) {
  if (!type.is_dynamic()) return decode_static(type, frame, place);
  const size_t offset = size_at(frame.data, frame.at, place);
  frame.at += kWord;
  if (offset < frame.next) fail(place, "an offset in the data leads back to what was read already");
  size_t used = 0;
  Value value = decode_tail(type, frame.data.substr(offset), &used, place);
  frame.next = offset + used;
  return value;
}

Value decode_top(const AbiTypes& types, std::string_view data, bool as_map) {
  Frame frame{data, 0, head_size(types)};
  return decode_parts(types, frame, Place{}, as_map);
}

}  // namespace

std::string encode(const AbiTypes& types, ValueRef values) { return encode_tuple(types, values, Place{}); }

Value decode(const AbiTypes& types, std::string_view data) { return decode_top(types, data, false); }

Value decode_tuple(const AbiTypes& types, std::string_view data) { return decode_top(types, data, are_named(types)); }

}  // namespace chain_evm
