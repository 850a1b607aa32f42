#include "plugin/elf_links.h"

#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sstream>

namespace heddle {
namespace {

struct Opened {
  int fd = -1;
  Elf* elf = nullptr;
  ~Opened() {
    elf_end(elf);  // null is allowed
    if (fd >= 0) ::close(fd);
  }
};

// libelf gives out nothing that lies outside of the file: a size that lies costs an empty answer, no more.
class Reader {
 public:
  explicit Reader(Elf* elf) : elf_(elf) {}

  // False: there is no section to look at.
  bool read(ElfLinks& links) {
    bool any = false;
    for (Elf_Scn* section = elf_nextscn(elf_, nullptr); section; section = elf_nextscn(elf_, section)) {
      GElf_Shdr header;
      if (!gelf_getshdr(section, &header)) continue;
      any = true;
      Elf_Data* const data = elf_getdata(section, nullptr);
      if (!data || !data->d_buf) continue;
      if (header.sh_type == SHT_DYNSYM) read_symbols(header, data, links);
      if (header.sh_type == SHT_DYNAMIC) read_dynamic(header, data, links);
      if (header.sh_type == SHT_GNU_verneed) read_versions(header, data, links);
    }
    return any;
  }

 private:
  std::string text(size_t strings, size_t offset) const {
    const char* const found = elf_strptr(elf_, strings, offset);
    return found ? found : "";
  }

  void read_symbols(const GElf_Shdr& header, Elf_Data* data, ElfLinks& links) const {
    const size_t count = header.sh_entsize ? data->d_size / header.sh_entsize : 0;
    for (size_t i = 1; i < count && i <= INT32_MAX; ++i) {
      GElf_Sym symbol;
      if (!gelf_getsym(data, static_cast<int>(i), &symbol)) return;
      const auto binding = GELF_ST_BIND(symbol.st_info);
      const auto visibility = GELF_ST_VISIBILITY(symbol.st_other);
      std::string name = text(header.sh_link, symbol.st_name);
      if (name.empty() || binding == STB_LOCAL) continue;
      if (symbol.st_shndx == SHN_UNDEF) {
        if (binding != STB_WEAK) links.undefined.push_back(std::move(name));
      } else if (symbol.st_shndx != SHN_ABS && visibility != STV_HIDDEN && visibility != STV_INTERNAL) {
        links.exported.push_back({std::move(name), GELF_ST_TYPE(symbol.st_info) == STT_OBJECT});
      }
    }
  }

  void read_dynamic(const GElf_Shdr& header, Elf_Data* data, ElfLinks& links) const {
    const size_t count = header.sh_entsize ? data->d_size / header.sh_entsize : 0;
    for (size_t i = 0; i < count && i <= INT32_MAX; ++i) {
      GElf_Dyn entry;
      if (!gelf_getdyn(data, static_cast<int>(i), &entry) || entry.d_tag == DT_NULL) return;
      if (entry.d_tag == DT_NEEDED) links.libraries.push_back(text(header.sh_link, entry.d_un.d_val));
      if (entry.d_tag != DT_RPATH && entry.d_tag != DT_RUNPATH) continue;
      std::istringstream folders(text(header.sh_link, entry.d_un.d_val));
      for (std::string folder; std::getline(folders, folder, ':');) links.search.push_back(folder);
    }
  }

  void read_versions(const GElf_Shdr& header, Elf_Data* data, ElfLinks& links) const {
    for (size_t at = 0; at < data->d_size;) {
      GElf_Verneed need;
      if (!gelf_getverneed(data, static_cast<int>(at), &need)) return;
      size_t aux = at + need.vn_aux;
      for (unsigned i = 0; i < need.vn_cnt && aux < data->d_size; ++i) {
        GElf_Vernaux version;
        if (!gelf_getvernaux(data, static_cast<int>(aux), &version)) return;
        links.versions.push_back(text(header.sh_link, version.vna_name));
        if (version.vna_next == 0) break;
        aux += version.vna_next;
      }
      if (need.vn_next == 0) return;
      at += need.vn_next;
    }
  }

  Elf* const elf_;
};

}  // namespace

Result<ElfLinks> read_elf_links(const std::string& path) {
  Opened file;
  file.fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file.fd < 0) return Error("cannot-read", path + ": " + std::strerror(errno), ErrorClass::kConfig);
  elf_version(EV_CURRENT);
  file.elf = elf_begin(file.fd, ELF_C_READ, nullptr);
  if (!file.elf || elf_kind(file.elf) != ELF_K_ELF) return Error("not-elf", path + ": no ELF file", ErrorClass::kConfig);
  ElfLinks links;
  if (!Reader(file.elf).read(links)) return Error("not-elf", path + ": has no table of sections: it was taken out", ErrorClass::kConfig);
  std::sort(links.versions.begin(), links.versions.end());
  links.versions.erase(std::unique(links.versions.begin(), links.versions.end()), links.versions.end());
  return links;
}

}  // namespace heddle
