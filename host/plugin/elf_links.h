// What an ELF file gives to other files and needs of them: symbols, libraries, versions. Read without running any of its code; the file is taken as hostile.
#pragma once
#include <string>
#include <vector>

#include "result.h"

namespace heddle {

struct ElfLinks {
  struct Symbol {
    std::string name;
    bool is_object = false;  // data, not code
  };
  std::vector<Symbol> exported;         // what others could find by name
  std::vector<std::string> undefined;   // what must come from elsewhere
  std::vector<std::string> libraries;   // DT_NEEDED
  std::vector<std::string> search;      // the folders of DT_RPATH and DT_RUNPATH
  std::vector<std::string> versions;    // needed of other libraries: "GLIBC_2.34"
};

// Errors: "cannot-read", "not-elf" (also where it has no table of sections, which tells where the rest is).
Result<ElfLinks> read_elf_links(const std::string& path);

}  // namespace heddle
