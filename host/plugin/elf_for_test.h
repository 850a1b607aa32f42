// Tests only: the smallest shared library that carries given notes, and the bytes of a file.
#pragma once
#include <heddle/note.h>
#include <link.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace heddle {

using NoteTexts = std::vector<std::pair<uint32_t, std::string>>;  // type and content, without the terminating NUL

inline std::string note_segment(const NoteTexts& notes) {
  std::string out;
  const auto pad = [&] { out.resize((out.size() + 3) / 4 * 4); };
  for (const auto& [type, text] : notes) {
    const uint32_t head[3] = {sizeof HEDDLE_NOTE_OWNER, static_cast<uint32_t>(text.size() + 1), type};
    out.append(reinterpret_cast<const char*>(head), sizeof head);
    out.append(HEDDLE_NOTE_OWNER, sizeof HEDDLE_NOTE_OWNER);
    pad();
    out.append(text.c_str(), text.size() + 1);
    pad();
  }
  return out;
}

// A header taken from the file at `model` (for class and machine), one PT_NOTE segment, and nothing else.
inline std::string elf_with_segment(std::string_view model, const std::string& segment) {
  ElfW(Ehdr) header{};
  std::memcpy(&header, model.data(), sizeof header);
  header.e_phoff = sizeof header;
  header.e_phnum = 1;
  header.e_shoff = 0;
  header.e_shnum = header.e_shstrndx = 0;
  ElfW(Phdr) note{};
  note.p_type = PT_NOTE;
  note.p_align = 4;
  note.p_offset = sizeof header + sizeof note;
  note.p_filesz = note.p_memsz = segment.size();
  std::string out(reinterpret_cast<const char*>(&header), sizeof header);
  out.append(reinterpret_cast<const char*>(&note), sizeof note);
  return out + segment;
}

inline std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline std::string broken_plugin(const std::string& name) { return HEDDLE_BROKEN_PLUGINS "/" + name + ".so"; }

inline std::string elf_with_notes(const NoteTexts& notes) {
  static const std::string model = bytes_of(broken_plugin("hangs"));
  return elf_with_segment(model, note_segment(notes));
}

inline std::string plugin_note(const std::string& name, const std::string& abi = "[1,0]") {
  return R"({"plugin":")" + name + R"(","version":"1.0.0","abi":)" + abi + "}";
}

}  // namespace heddle
