// Lets something out of create, over the C ABI, that is no std::exception.
#include <heddle/heddle.h>

#include <string_view>

namespace {

#define DESCRIPTOR "{\"node\":\"BrokenThrowInt\",\"params\":{\"type\":\"object\",\"additionalProperties\":false}}"

HEDDLE_NOTE(plugin_note, HEDDLE_NOTE_PLUGIN, "{\"plugin\":\"broken_throws_an_int\",\"version\":\"1.0.0\"," HEDDLE_NOTE_ABI "}");
HEDDLE_NOTE(type_note, HEDDLE_NOTE_TYPE, DESCRIPTOR);

[[noreturn]] void refuse() { throw 7; }

heddle_status create(const heddle_host*, const char*, const heddle_value*, void**, const void**) noexcept { refuse(); }

const heddle_type kType = {sizeof(heddle_type), "BrokenThrowInt", DESCRIPTOR};
uint32_t count_types() noexcept { return 1; }
const heddle_type* type_at(uint32_t i) noexcept { return i == 0 ? &kType : nullptr; }
const heddle_factory kNodes = {sizeof(heddle_factory), count_types, type_at, create};
const void* get_factory(const char* kind) noexcept { return std::string_view(kind) == HEDDLE_KIND_NODE ? &kNodes : nullptr; }

}  // namespace

const heddle_entry heddle_entry_v1 = {sizeof(heddle_entry), HEDDLE_ABI_MINOR, nullptr, nullptr, get_factory};
