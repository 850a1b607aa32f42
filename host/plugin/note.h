// Reads the notes of a plugin file without running any of its code.
#pragma once
#include <string>
#include <string_view>

#include "plugin/descriptor.h"
#include "result.h"

namespace heddle {

// Errors (all say the path): "cannot-read", "not-elf", "wrong-machine", "no-note", "bad-note" (with what is wrong in it).
// A note for another ABI major, or a newer minor, is no error here: the catalog refuses it. Its types are not read, for their form is not
// known: `types` is empty.
Result<PluginDescriptor> read_note(const std::string& path);

// The same from bytes in memory (a whole ELF file): for fuzzing and tests.
Result<PluginDescriptor> read_note(std::string_view elf, const std::string& path);

}  // namespace heddle
