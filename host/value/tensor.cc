#include "value/tensor.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <span>

#include "value/dlpack.h"
#include "value/json_text.h"
#include "value/number.h"

namespace heddle {
namespace {

const DLTensor& tensor_of(const heddle_value* v) { return static_cast<const TensorObject*>(v)->tensor->dl_tensor; }
std::span<const int64_t> shape_of(const DLTensor& t) { return {t.shape, static_cast<size_t>(t.ndim)}; }
size_t element_bits(const DLTensor& t) { return size_t{t.dtype.bits} * t.dtype.lanes; }

// False: the count, in elements or in bytes, is beyond what memory can hold.
bool count_elements(const DLTensor& t, size_t* out) {
  size_t count = 1;
  bool fits = true;
  for (int64_t extent : shape_of(t)) {
    if (extent == 0) return *out = 0, true;
    fits = fits && !__builtin_mul_overflow(count, static_cast<size_t>(extent), &count);
  }
  size_t bits;
  *out = count;
  return fits && !__builtin_mul_overflow(count, element_bits(t), &bits);
}

const char* unsound(const DLManagedTensorVersioned& managed) {
  if (managed.version.major != 1) return "the tensor is not of DLPack 1";
  const DLTensor& t = managed.dl_tensor;
  if (t.ndim < 0 || (t.ndim > 0 && !t.shape)) return "the tensor has no shape";
  for (int64_t extent : shape_of(t)) {
    if (extent < 0) return "the tensor has a negative extent";
  }
  if (t.dtype.bits == 0 || t.dtype.lanes == 0) return "the tensor has elements of no size";
  size_t count;
  if (!count_elements(t, &count)) return "the tensor is larger than memory can be";
  if (count > 0 && !t.data) return "the tensor has no data";
  return nullptr;
}

bool is_readable(const DLTensor& t) {
  switch (t.device.device_type) {
    case dlpack::kCpu:
    case dlpack::kCudaHost:
    case dlpack::kRocmHost:
    case dlpack::kCudaManaged:
      return true;
    default:
      return false;
  }
}

// Calls each(element's address) row by row. Elements must be of whole bytes.
template <class Each>
void for_elements(const DLTensor& t, Each each) {
  size_t count, bytes = element_bits(t) / 8;
  count_elements(t, &count);
  const char* base = static_cast<const char*>(t.data) + t.byte_offset;
  if (!t.strides) {
    for (size_t i = 0; i < count; ++i) each(base + i * bytes);
    return;
  }
  std::string at_storage(static_cast<size_t>(t.ndim) * sizeof(int64_t), '\0');
  auto* at = reinterpret_cast<int64_t*>(at_storage.data());
  int64_t offset = 0;
  for (size_t i = 0; i < count; ++i) {
    each(base + offset * static_cast<int64_t>(bytes));
    for (int32_t d = t.ndim - 1; d >= 0; --d) {
      offset += t.strides[d];
      if (++at[d] < t.shape[d]) break;
      offset -= t.strides[d] * t.shape[d];
      at[d] = 0;
    }
  }
}

template <class T>
T load(const char* p) {
  T value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

float half_to_float(uint16_t half) {
  uint32_t sign = uint32_t{half} >> 15, exponent = half >> 10 & 31, fraction = half & 1023;
  float size = exponent == 0    ? std::ldexp(static_cast<float>(fraction), -24)
               : exponent == 31 ? (fraction ? NAN : HUGE_VALF)
                                : std::ldexp(static_cast<float>(fraction | 1024), static_cast<int>(exponent) - 25);
  return sign ? -size : size;
}

template <class T>
void append_number(std::string& out, T number) {
  char text[64];
  if constexpr (std::is_floating_point_v<T>) {
    if (!std::isfinite(number)) {
      out += "null";
      return;
    }
  }
  out.append(text, std::to_chars(text, text + sizeof text, number).ptr);
}

using AppendElement = void (*)(std::string& out, const char* element);

template <class T>
void append_element(std::string& out, const char* element) {
  append_number(out, load<T>(element));
}

// Null: elements of this type are no single numbers of JSON.
AppendElement appender(DLDataType type) {
  if (type.lanes != 1) return nullptr;
  switch (type.code << 8 | type.bits) {
    case dlpack::kInt << 8 | 8:
      return append_element<int8_t>;
    case dlpack::kInt << 8 | 16:
      return append_element<int16_t>;
    case dlpack::kInt << 8 | 32:
      return append_element<int32_t>;
    case dlpack::kInt << 8 | 64:
      return append_element<int64_t>;
    case dlpack::kUint << 8 | 8:
      return append_element<uint8_t>;
    case dlpack::kUint << 8 | 16:
      return append_element<uint16_t>;
    case dlpack::kUint << 8 | 32:
      return append_element<uint32_t>;
    case dlpack::kUint << 8 | 64:
      return append_element<uint64_t>;
    case dlpack::kFloat << 8 | 32:
      return append_element<float>;
    case dlpack::kFloat << 8 | 64:
      return append_element<double>;
    case dlpack::kFloat << 8 | 16:
      return [](std::string& out, const char* p) { append_number(out, half_to_float(load<uint16_t>(p))); };
    case dlpack::kBfloat << 8 | 16:
      return [](std::string& out, const char* p) { append_number(out, std::bit_cast<float>(uint32_t{load<uint16_t>(p)} << 16)); };
    case dlpack::kBool << 8 | 8:
      return [](std::string& out, const char* p) { out += *p ? "true" : "false"; };
    default:
      return nullptr;
  }
}

void append_type(std::string& out, DLDataType type) {
  static constexpr const char* kNames[] = {"int", "uint", "float", "opaque", "bfloat", "complex", "bool"};
  if (type.code < std::size(kNames)) {
    out += kNames[type.code];
  } else {
    out += "code" + std::to_string(type.code) + "_";
  }
  if (type.code != dlpack::kBool) out += std::to_string(type.bits);
  if (type.lanes != 1) out += "x" + std::to_string(type.lanes);
}

// The elements row by row, without gaps. Those of less than a byte must lie so already.
std::string compact_bytes(const DLTensor& t) {
  size_t count, bits = element_bits(t);
  count_elements(t, &count);
  if (bits % 8 != 0) return {static_cast<const char*>(t.data) + t.byte_offset, (count * bits + 7) / 8};
  std::string bytes;
  bytes.reserve(count * bits / 8);
  for_elements(t, [&](const char* element) { bytes.append(element, bits / 8); });
  return bytes;
}

}  // namespace

heddle_value* make_tensor(DLManagedTensorVersioned* t, const char** why) noexcept {
  *why = t ? unsound(*t) : "there is no tensor";
  if (*why) return nullptr;
  auto* v = allocate_object<TensorObject>(Storage::kTensor, HEDDLE_TENSOR);
  if (v) v->tensor = t;
  return v;
}

void free_tensor(TensorObject* v) noexcept {
  if (v->tensor->deleter) v->tensor->deleter(v->tensor);
}

DLManagedTensorVersioned* export_tensor(const heddle_value* v) noexcept {
  auto* memory = allocate(sizeof(DLManagedTensorVersioned));
  if (!memory) return nullptr;
  auto* copy = ::new (memory) DLManagedTensorVersioned(*static_cast<const TensorObject*>(v)->tensor);
  retain_object(v);
  copy->manager_ctx = const_cast<heddle_value*>(v);
  copy->deleter = [](DLManagedTensorVersioned* self) {
    release_object(static_cast<heddle_value*>(self->manager_ctx));
    deallocate(self);
  };
  copy->flags |= dlpack::kReadOnly;
  return copy;
}

size_t tensor_bytes(const heddle_value* v) noexcept {
  size_t count;
  count_elements(tensor_of(v), &count);
  return (count * element_bits(tensor_of(v)) + 7) / 8;
}

bool append_tensor(std::string& out, const heddle_value* v) {
  const DLTensor& t = tensor_of(v);
  out += "{\"dtype\":\"";
  append_type(out, t.dtype);
  out += "\",\"shape\":[";
  for (int32_t d = 0; d < t.ndim; ++d) {
    if (d > 0) out.push_back(',');
    append_number(out, t.shape[d]);
  }
  out += "],\"data\":";
  bool readable = is_readable(t);
  AppendElement append = readable ? appender(t.dtype) : nullptr;
  if (append) {
    char before = '[';
    for_elements(t, [&](const char* element) {
      out.push_back(before);
      append(out, element);
      before = ',';
    });
    out += before == '[' ? "[]" : "]";
  } else if (readable) {
    out.push_back('"');
    append_base64(out, compact_bytes(t));
    out.push_back('"');
  } else {
    out += "null";
  }
  out.push_back('}');
  return readable;
}

bool same_tensor(const heddle_value* a, const heddle_value* b) {
  const DLTensor &s = tensor_of(a), &t = tensor_of(b);
  if (std::memcmp(&s.dtype, &t.dtype, sizeof s.dtype) != 0 || s.ndim != t.ndim) return false;
  for (int32_t d = 0; d < s.ndim; ++d) {
    if (s.shape[d] != t.shape[d]) return false;
  }
  return is_readable(s) && is_readable(t) && compact_bytes(s) == compact_bytes(t);
}

}  // namespace heddle
