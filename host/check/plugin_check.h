// PluginCheck: one promise that a plugin makes by being one, and how it is tried. `heddle check` runs each in a process of its own.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "plugin/descriptor.h"
#include "value/value.h"

namespace heddle {

struct Verdict {
  enum class Kind : uint8_t { kPass, kFail, kNotApplicable };
  Kind kind = Kind::kPass;
  std::string found = {};   // what was seen; of kNotApplicable: why
  std::string remedy = {};  // what the author can do; of kPass: empty
};
std::string_view name_of(Verdict::Kind kind);
inline Verdict passed(std::string found = {}) { return {Verdict::Kind::kPass, std::move(found), {}}; }
inline Verdict failed(std::string found, std::string remedy) { return {Verdict::Kind::kFail, std::move(found), std::move(remedy)}; }
inline Verdict not_applicable(std::string why, std::string remedy = {}) { return {Verdict::Kind::kNotApplicable, std::move(why), std::move(remedy)}; }

// What is checked.
struct CheckSubject {
  std::string path;                      // of the file
  PluginDescriptor plugin;               // empty where only the check "note" runs
  const TypeDescriptor* type = nullptr;  // of a check of types
  Value params = {};                     // that the author gave for the type; empty: they are made up from its schema
  uint64_t seed = 1;
  uint64_t limit_ms = 10'000;            // after which the process ends; a check that can do less in less time stays below
  // Says what is about to be done: shown where the process does not come back from it.
  std::function<void(const std::string&)> at = [](const std::string&) {};
};

struct PluginCheck {
  enum class Scope : uint8_t {
    kFile,    // looks at the file; runs no code of it
    kPlugin,  // once
    kType,    // once for each type
    kHost,    // of the host: what it does about a plugin that breaks the contract (host_check.h)
  };
  const char* name;
  const char* promise;
  Scope scope;
  const char* kinds;  // of a check of types: those it is for, with a space between; "": all
  const char* after;  // the check without whose pass this one says nothing; "": none
  bool is_seeded;
  Verdict (*run)(const CheckSubject& subject);  // null: of the host

  bool is_for(std::string_view kind) const;
};

// All there are of plugins, each behind that which it comes after.
std::span<const PluginCheck> plugin_checks();

}  // namespace heddle
