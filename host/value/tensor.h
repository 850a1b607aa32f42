// TENSOR values: a DLPack tensor that the value owns, and views of it that own the value.
#pragma once
#include <string>

#include "value/object.h"

namespace heddle {

// A new value that owns `t`. Null with `why` set: t is no sound tensor, and still the caller's; null and `why` null: out of memory.
heddle_value* make_tensor(DLManagedTensorVersioned* t, const char** why) noexcept;
void free_tensor(TensorObject* v) noexcept;

// A tensor over the same memory; its deleter gives back a reference to `v`. It is marked read-only. Null: out of memory.
DLManagedTensorVersioned* export_tensor(const heddle_value* v) noexcept;

// Bytes of the elements.
size_t tensor_bytes(const heddle_value* v) noexcept;

// Appends {"dtype":"float32","shape":[2,3],"data":[…]}: the numbers row by row, null for those that JSON has not; the bytes in base64 where
// elements are no single numbers; null, and false, where the memory cannot be read from here.
bool append_tensor(std::string& out, const heddle_value* v);

// The same type, shape and elements.
bool same_tensor(const heddle_value* a, const heddle_value* b);

}  // namespace heddle
