// SPDX-License-Identifier: Apache-2.0
//
// heddle.value/1 of the fake host. Tensors are not kept: their makers and getters fail as for a host that refuses them.
#pragma once
#include <heddle/host.h>

#include <algorithm>
#include <cstring>

#include "fake_json.h"

namespace heddle::sdk::fake {

// Bytes on their way to becoming a value.
struct FakeBuffer {
  std::string own;
  heddle_view view{};
  heddle_free_fn free_fn = nullptr;
  void* ctx = nullptr;
  ~FakeBuffer() {
    if (free_fn) free_fn(ctx);
  }
};

inline heddle_value* refuse(const heddle_host* h, std::string_view why) {
  h->fail(h, HEDDLE_INVALID, {why.data(), why.size()}, nullptr);
  return nullptr;
}

inline heddle_value* make_container(heddle_kind kind, heddle_value* const* items, size_t n) {
  auto* v = new FakeValue(kind);
  for (size_t i = 0; i < n; ++i) v->children.push_back(mutable_of(items[i]));
  return handle(v);
}

inline heddle_value_service make_value_service() {
  heddle_value_service s{};
  s.struct_size = sizeof s;
  s.retain = [](const heddle_value* v) noexcept { mutable_of(v)->retain(); };
  s.release = [](const heddle_value* v) noexcept { mutable_of(v)->release(); };
  s.kind = [](const heddle_value* v) noexcept { return of(v).kind; };
  s.get_bool = [](const heddle_value* v, bool* out) noexcept {
    if (of(v).kind != HEDDLE_BOOL) return false;
    *out = of(v).boolean;
    return true;
  };
  s.get_int = [](const heddle_value* v, int64_t* out) noexcept {
    if (of(v).kind != HEDDLE_INT) return false;
    *out = of(v).integer;
    return true;
  };
  s.get_float = [](const heddle_value* v, double* out) noexcept {
    if (of(v).kind < HEDDLE_INT || of(v).kind > HEDDLE_DECIMAL) return false;
    *out = of(v).number;
    return true;
  };
  s.get_text = [](const heddle_value* v, heddle_str* out) noexcept {
    if (of(v).kind != HEDDLE_STRING && of(v).kind != HEDDLE_DECIMAL) return false;
    *out = {of(v).text.data(), of(v).text.size()};
    return true;
  };
  s.get_view = [](const heddle_value* v, heddle_view* out) noexcept {
    if (of(v).kind != HEDDLE_BYTES) return false;
    *out = {out->struct_size, HEDDLE_MEM_CPU, 0, -1, of(v).text.data(), of(v).text.size(), 0};
    return true;
  };
  s.length = [](const heddle_value* v) noexcept {
    heddle_kind k = of(v).kind;
    return k == HEDDLE_LIST || k == HEDDLE_MAP ? of(v).children.size() : k == HEDDLE_STRING || k == HEDDLE_BYTES ? of(v).text.size() : 0;
  };
  s.at = [](const heddle_value* v, size_t i, heddle_str* key) noexcept -> const heddle_value* {
    if (i >= of(v).children.size()) return nullptr;
    if (key && of(v).kind == HEDDLE_MAP) *key = {of(v).keys[i].data(), of(v).keys[i].size()};
    return handle(of(v).children[i]);
  };
  s.find = [](const heddle_value* v, heddle_str key) noexcept -> const heddle_value* {
    auto found = std::ranges::find(of(v).keys, std::string_view(key.ptr, key.len));
    return found == of(v).keys.end() ? nullptr : handle(of(v).children[static_cast<size_t>(found - of(v).keys.begin())]);
  };
  s.json = [](const heddle_value* v, heddle_str* out) noexcept {
    FakeValue& value = *mutable_of(v);
    std::call_once(value.json_once, [&] { value.write(value.json); });
    *out = {value.json.data(), value.json.size()};
    return true;
  };
  s.export_tensor = [](const heddle_value*, DLManagedTensorVersioned**) noexcept { return false; };

  s.make_null = [](const heddle_host*) noexcept { return handle(new FakeValue(HEDDLE_NULL)); };
  s.make_bool = [](const heddle_host*, bool b) noexcept {
    auto* v = new FakeValue(HEDDLE_BOOL);
    v->boolean = b;
    return handle(v);
  };
  s.make_int = [](const heddle_host*, int64_t i) noexcept { return handle(make_number(std::to_string(i)).take()); };
  s.make_float = [](const heddle_host* h, double d) noexcept {
    return std::isfinite(d) ? handle(make_number(number_text(d)).take()) : refuse(h, "not a finite number");
  };
  s.make_decimal = [](const heddle_host* h, heddle_str text) noexcept {
    auto v = JsonReader({text.ptr, text.len}).read();
    bool number = v && (*v)->kind >= HEDDLE_INT && (*v)->kind <= HEDDLE_DECIMAL && (*v)->text.size() == text.len;
    return number ? handle(v->take()) : refuse(h, "not a number");
  };
  s.make_string = [](const heddle_host* h, heddle_str utf8) noexcept {
    if (!is_utf8({utf8.ptr, utf8.len})) return refuse(h, "not UTF-8");
    auto* v = new FakeValue(HEDDLE_STRING);
    v->text.assign(utf8.ptr, utf8.len);
    return handle(v);
  };
  s.make_list = [](const heddle_host*, heddle_value* const* items, size_t n) noexcept { return make_container(HEDDLE_LIST, items, n); };
  s.make_map = [](const heddle_host* h, const heddle_str* keys, heddle_value* const* items, size_t n) noexcept {
    std::vector<std::string> names;
    for (size_t i = 0; i < n; ++i) {
      names.emplace_back(keys[i].ptr, keys[i].len);
      if (!is_utf8(names[i]) || std::find(names.begin(), names.end() - 1, names[i]) != names.end() - 1)
        return refuse(h, "a bad or repeated key");
    }
    heddle_value* v = make_container(HEDDLE_MAP, items, n);
    mutable_of(v)->keys = std::move(names);
    return v;
  };
  s.make_json = [](const heddle_host* h, heddle_str json) noexcept {
    auto v = JsonReader({json.ptr, json.len}).read();
    return v ? handle(v->take()) : refuse(h, "not JSON");
  };
  s.make_tensor = [](const heddle_host* h, DLManagedTensorVersioned*) noexcept { return refuse(h, "the fake host keeps no tensors"); };

  s.alloc = [](const heddle_host*, uint64_t size, uint32_t, void** writable) noexcept {
    auto* b = new FakeBuffer;
    b->own.resize(size);
    b->view.data = *writable = b->own.data();
    b->view.size = size;
    return reinterpret_cast<heddle_buffer*>(b);
  };
  s.wrap = [](const heddle_host*, const heddle_view* view, heddle_free_fn free_fn, void* ctx) noexcept {
    auto* b = new FakeBuffer{{}, *view, free_fn, ctx};
    return reinterpret_cast<heddle_buffer*>(b);
  };
  s.make_bytes = [](const heddle_host* h, heddle_buffer* buffer, uint64_t offset, uint64_t size) noexcept {
    auto* b = reinterpret_cast<FakeBuffer*>(buffer);
    if (offset > b->view.size || size > b->view.size - offset) return refuse(h, "past the end of the buffer");
    auto* v = new FakeValue(HEDDLE_BYTES);
    v->text.assign(static_cast<const char*>(b->view.data) + offset, size);
    delete b;
    return handle(v);
  };
  s.drop_buffer = [](heddle_buffer* b) noexcept { delete reinterpret_cast<FakeBuffer*>(b); };
  return s;
}

}  // namespace heddle::sdk::fake
