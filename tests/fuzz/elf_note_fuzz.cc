// Any bytes as a plugin file: the reader of ELF notes answers with a descriptor or an error.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "plugin/note.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto plugin = heddle::read_note(std::string_view(reinterpret_cast<const char*>(data), size), "fuzz.so");
  // What the rest of the host relies on.
  if (plugin && plugin->name.empty()) std::abort();
  if (!plugin && (plugin.error().code.empty() || !plugin.error().message.starts_with("fuzz.so: "))) std::abort();
  if (plugin)
    for (const heddle::TypeDescriptor& type : plugin->types)
      if (type.type.empty() || type.kind.empty() || type.params_schema.empty() || type.max_batch == 0) std::abort();
  return 0;
}
