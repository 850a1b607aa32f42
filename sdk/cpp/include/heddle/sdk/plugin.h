// SPDX-License-Identifier: Apache-2.0
//
// The macros that make a plugin: HEDDLE_PLUGIN once, HEDDLE_NODE or HEDDLE_LAMBDA_NODE per type, in any source files of the plugin.
// Each writes its ELF note and the text that the code answers with as one and the same bytes. Types are collected by the linker, so nothing
// runs before init and the order of the files does not matter.
#pragma once
#include <heddle/chain.h>
#include <heddle/note.h>
#include <heddle/plugin.h>
#include <heddle/sidecar.h>
#include <heddle/store.h>
#include <heddle/transport.h>

#include "thunk.h"

namespace heddle::sdk::detail {

constexpr bool states_max_in_flight(std::string_view descriptor) { return descriptor.find("\"max_in_flight\"") != descriptor.npos; }

struct Type {
  heddle_type abi;
  heddle_status (*create)(const heddle_host* h, const heddle_value* params, void** self, const void** table) HEDDLE_FN;
};

using Types = std::span<const Type* const>;

// A kind of types. The linker collects pointers to them in an array, whose bounds are null in a plugin that has none of the kind.
#define HEDDLE_SDK_KIND(Kind, kind, id)                                                                     \
  extern "C" const Type* const __start_heddle_##kind##_types[] __attribute__((weak, visibility("hidden"))); \
  extern "C" const Type* const __stop_heddle_##kind##_types[] __attribute__((weak, visibility("hidden")));  \
  struct Kind {                                                                                             \
    static constexpr std::string_view kName = #kind, kId = id;                                              \
    static Types types() noexcept { return {__start_heddle_##kind##_types, __stop_heddle_##kind##_types}; } \
  }
HEDDLE_SDK_KIND(NodeKind, node, HEDDLE_KIND_NODE);
HEDDLE_SDK_KIND(StoreKind, store, HEDDLE_KIND_STORE);
HEDDLE_SDK_KIND(TransportKind, transport, HEDDLE_KIND_TRANSPORT);
HEDDLE_SDK_KIND(SidecarKind, sidecar, HEDDLE_KIND_SIDECAR);
HEDDLE_SDK_KIND(ChainKind, chain, HEDDLE_KIND_CHAIN);
#undef HEDDLE_SDK_KIND

// The factory of one kind.
template <class Kind>
struct Factory {
  static uint32_t count() noexcept { return static_cast<uint32_t>(Kind::types().size()); }
  static const heddle_type* at(uint32_t i) noexcept { return i < count() ? &Kind::types()[i]->abi : nullptr; }
  static heddle_status create(const heddle_host* h, const char* id, const heddle_value* params, void** self, const void** table) noexcept {
    for (const Type* const type : Kind::types())
      if (std::string_view(type->abi.id) == id) return type->create(h, params, self, table);
    guard([&] { h->fail(h, HEDDLE_NOT_FOUND, to_str("the plugin has no such " + std::string(Kind::kName) + " type"), nullptr); }, [](auto&&...) {});
    return HEDDLE_NOT_FOUND;
  }
  static constexpr heddle_factory kTable{sizeof(heddle_factory), &count, &at, &create};
};

template <class Kind>
const void* factory_of(std::string_view kind) noexcept {
  return kind == Kind::kId && !Kind::types().empty() ? &Factory<Kind>::kTable : nullptr;
}
inline const void* get_factory(const char* kind) noexcept {
  for (const auto of : {&factory_of<NodeKind>, &factory_of<StoreKind>, &factory_of<TransportKind>, &factory_of<SidecarKind>, &factory_of<ChainKind>})
    if (const void* const factory = of(kind)) return factory;
  return nullptr;
}

}  // namespace heddle::sdk::detail

// Once per plugin, at global namespace scope, with string literals; further members of the plugin's object may follow as one more:
//   HEDDLE_PLUGIN("node_acme", "1.4.2", "MIT", "Cuts and glues", R"("homepage":"https://acme.example")")
#define HEDDLE_PLUGIN(name, version, license, summary, ...)                                                            \
  HEDDLE_NOTE(heddle_sdk_plugin_note, HEDDLE_NOTE_PLUGIN,                                                              \
              "{\"plugin\":\"" name "\",\"version\":\"" version "\"," HEDDLE_NOTE_ABI ",\"license\":\"" license        \
              "\",\"summary\":\"" summary "\"" __VA_OPT__("," __VA_ARGS__) "}");                                       \
  const heddle_entry heddle_entry_v1 = {sizeof(heddle_entry), HEDDLE_ABI_MINOR, &::heddle::sdk::detail::init, nullptr, \
                                        &::heddle::sdk::detail::get_factory}

// Once per node type, in any namespace. `members`: the descriptor (heddle/node.h) without "node", as a string literal; "params" is
// required:
//   HEDDLE_NODE(Resize, "Resize", R"("summary":"…","params":{"type":"object",…})")
#define HEDDLE_NODE(Class, type_name, members) HEDDLE_SDK_NODE(__COUNTER__, Class, type_name, members)

// The "params" of a type that has none.
#define HEDDLE_NO_PARAMS "\"params\":{\"type\":\"object\",\"additionalProperties\":false}"

// The same from a captureless lambda in one of the shapes of process(), or one that takes (const Config&) and returns such a lambda:
//   HEDDLE_LAMBDA_NODE("Upper", HEDDLE_NO_PARAMS, [](ValueRef in) { … })
#define HEDDLE_LAMBDA_NODE(type_name, members, ...) HEDDLE_SDK_LAMBDA(__COUNTER__, type_name, members, __VA_ARGS__)

#define HEDDLE_SDK_LAMBDA(n, type_name, members, ...) HEDDLE_SDK_LAMBDA_(n, type_name, members, __VA_ARGS__)
#define HEDDLE_SDK_LAMBDA_(n, type_name, members, ...)       \
  static constexpr auto heddle_sdk_lambda_##n = __VA_ARGS__; \
  HEDDLE_SDK_NODE_(n, ::heddle::sdk::detail::LambdaNode<heddle_sdk_lambda_##n>, type_name, members)

#define HEDDLE_SDK_NODE(n, Class, type_name, members) HEDDLE_SDK_NODE_(n, Class, type_name, members)
#define HEDDLE_SDK_NODE_(n, Class, type_name, members)                                                                 \
  static_assert(::heddle::sdk::detail::states_max_in_flight(members) || !::heddle::sdk::detail::ProcessesAsync<Class>, \
                type_name ": a node whose process() is a coroutine states its max_in_flight");                         \
  HEDDLE_SDK_TYPE_(n, node, ::heddle::sdk::detail::Thunk<Class>, type_name, members)

// A type of any kind: `Table::create` as in heddle_factory.
#define HEDDLE_SDK_TYPE(n, kind, Table, type_name, members) HEDDLE_SDK_TYPE_(n, kind, Table, type_name, members)
#define HEDDLE_SDK_TYPE_(n, kind, Table, type_name, members)                                                                      \
  HEDDLE_NOTE(heddle_sdk_note_##n, HEDDLE_NOTE_TYPE, "{\"" #kind "\":\"" type_name "\"," members "}");                            \
  static constexpr ::heddle::sdk::detail::Type heddle_sdk_type_##n = {{sizeof(heddle_type), type_name, heddle_sdk_note_##n.desc}, \
                                                                      &Table::create};                                            \
  __attribute__((used, section("heddle_" #kind "_types"))) static const ::heddle::sdk::detail::Type* const heddle_sdk_entry_##n = \
      &heddle_sdk_type_##n
