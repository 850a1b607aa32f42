// The note records of owner "heddle" in an ELF file. The file is taken as hostile: truncated, overlapping, with sizes that lie.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "result.h"

namespace heddle {

struct NoteRecord {
  uint32_t type = 0;
  std::string text;  // the content up to its terminating NUL, which is checked to be there
};

// All records of the PT_NOTE segments in file order, or, where there is none of ours, of the SHT_NOTE sections. May be empty.
// Errors: "cannot-read", "not-elf", "wrong-machine", "bad-note". Every message begins with the path.
Result<std::vector<NoteRecord>> read_elf_notes(const std::string& path);

// The same from the bytes of a whole ELF file; `path` is for messages only.
Result<std::vector<NoteRecord>> read_elf_notes(std::string_view elf, const std::string& path);

}  // namespace heddle
