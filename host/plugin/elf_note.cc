#include "plugin/elf_note.h"

#include <fcntl.h>
#include <gelf.h>
#include <heddle/note.h>
#include <libelf.h>
#include <link.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace heddle {
namespace {

#if defined(__x86_64__)
constexpr uint16_t kMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr uint16_t kMachine = EM_AARCH64;
#elif defined(__riscv)
constexpr uint16_t kMachine = EM_RISCV;
#elif defined(__powerpc64__)
constexpr uint16_t kMachine = EM_PPC64;
#elif defined(__s390x__)
constexpr uint16_t kMachine = EM_S390;
#elif defined(__i386__)
constexpr uint16_t kMachine = EM_386;
#elif defined(__arm__)
constexpr uint16_t kMachine = EM_ARM;
#else
#error "heddle does not know the ELF machine number of this architecture"
#endif
constexpr unsigned char kClass = sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32;
constexpr unsigned char kData = std::endian::native == std::endian::little ? ELFDATA2LSB : ELFDATA2MSB;

// What a plugin's notes may weigh in all. Segments may overlap, so the sum is bounded, not each one.
constexpr size_t kMaxNoteBytes = size_t{4} << 20;
constexpr size_t kMaxRecords = 4096;

using Header = ElfW(Ehdr);
using Records = std::vector<NoteRecord>;

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

struct ElfHandle {
  Elf* elf;
  ~ElfHandle() { elf_end(elf); }  // null is allowed
};

Error failure(const char* code, const std::string& path, const std::string& what) {
  return {code, path + ": " + what, ErrorClass::kConfig};
}

constexpr size_t align_up(size_t n, size_t alignment) { return (n + alignment - 1) / alignment * alignment; }

// What libelf would believe, checked before it sees it: numbers of sections and segments beyond 16 bits make it allocate what the file
// says.
Result<void> check_header(const Header& header, const std::string& path) {
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return failure("not-elf", path, "not a plugin: no ELF file");
  if (header.e_ident[EI_CLASS] != kClass || header.e_ident[EI_DATA] != kData || header.e_machine != kMachine)
    return failure("wrong-machine", path,
                   "a plugin for another machine: ELF machine " + std::to_string(header.e_machine) + ", not " + std::to_string(kMachine));
  if (header.e_type != ET_DYN) return failure("not-elf", path, "not a plugin: an ELF file, but no shared library");
  if ((header.e_shnum == 0 && header.e_shoff != 0) || header.e_phnum == PN_XNUM)
    return failure("not-elf", path, "not a plugin: an ELF file with more than 65,000 sections or segments");
  return {};
}

// Gathers our records from chunks of note data.
class Collector {
 public:
  Collector(Elf* elf, const std::string& path) : elf_(elf), path_(path) {}

  Result<void> add(uint64_t offset, uint64_t size, uint64_t alignment) {
    if (size == 0) return {};
    if (size > kMaxNoteBytes - bytes_) return failure("bad-note", path_, "its notes are larger than 4 MiB");
    bytes_ += size;
    const Elf_Data* data = elf_getdata_rawchunk(elf_, static_cast<int64_t>(offset), size, ELF_T_BYTE);
    if (!data || data->d_size < size) return failure("bad-note", path_, "a note segment lies outside the file");
    return walk({static_cast<const char*>(data->d_buf), size}, alignment == 8 ? 8 : 4);
  }

  Records take() { return std::move(records_); }
  bool empty() const { return records_.empty(); }

 private:
  Result<void> walk(std::string_view chunk, size_t alignment) {
    while (chunk.size() >= sizeof(ElfW(Nhdr))) {
      ElfW(Nhdr) head;
      std::memcpy(&head, chunk.data(), sizeof head);
      if (head.n_namesz == 0) {  // no owner: padding between records, as AddressSanitizer of clang puts it there
        chunk.remove_prefix(sizeof(uint32_t));
        continue;
      }
      const size_t content_at = align_up(sizeof head + head.n_namesz, alignment);  // 64-bit sums of 32-bit sizes: no overflow
      const size_t end = content_at + head.n_descsz;
      if (end > chunk.size()) return failure("bad-note", path_, "a note record runs past the end of its segment");
      const std::string_view name = chunk.substr(sizeof head, head.n_namesz);
      if (name == std::string_view(HEDDLE_NOTE_OWNER, sizeof HEDDLE_NOTE_OWNER)) {
        if (auto kept = keep(head.n_type, chunk.substr(content_at, head.n_descsz)); !kept) return kept;
      }
      chunk.remove_prefix(std::min(align_up(end, alignment), chunk.size()));
    }
    return {};
  }

  Result<void> keep(uint32_t type, std::string_view content) {
    if (records_.size() == kMaxRecords) return failure("bad-note", path_, "more than 4,096 note records");
    const size_t end = content.find('\0');
    if (end == content.npos) return failure("bad-note", path_, "a note record has no terminating NUL");
    records_.push_back({type, std::string(content.substr(0, end))});
    return {};
  }

  Elf* elf_;
  const std::string& path_;
  Records records_;
  size_t bytes_ = 0;
};

Result<Records> collect(Elf* elf, const std::string& path) {
  if (!elf || elf_kind(elf) != ELF_K_ELF) return failure("not-elf", path, "not a plugin: a damaged ELF file");
  Collector collector(elf, path);
  size_t segments = 0;
  if (elf_getphdrnum(elf, &segments) != 0) segments = 0;
  for (size_t i = 0; i < segments; ++i) {
    GElf_Phdr segment;
    if (!gelf_getphdr(elf, static_cast<int>(i), &segment)) return failure("not-elf", path, "not a plugin: a damaged ELF file");
    if (segment.p_type != PT_NOTE) continue;
    if (auto added = collector.add(segment.p_offset, segment.p_filesz, segment.p_align); !added) return added.error();
  }
  if (!collector.empty()) return collector.take();

  for (Elf_Scn* section = elf_nextscn(elf, nullptr); section; section = elf_nextscn(elf, section)) {
    GElf_Shdr header;
    if (!gelf_getshdr(section, &header) || header.sh_type != SHT_NOTE) continue;
    if (auto added = collector.add(header.sh_offset, header.sh_size, header.sh_addralign); !added) return added.error();
  }
  return collector.take();
}

}  // namespace

Result<Records> read_elf_notes(const std::string& path) {
  // O_NONBLOCK: a FIFO that somebody named x.so must not stop the scan.
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  const auto unreadable = [&] { return failure("cannot-read", path, std::generic_category().message(errno)); };
  if (file.fd < 0) return unreadable();
  struct stat status;
  if (::fstat(file.fd, &status) != 0) return unreadable();
  if (!S_ISREG(status.st_mode)) return failure("not-elf", path, "not a plugin: no regular file");

  Header header;
  const ssize_t got = ::pread(file.fd, &header, sizeof header, 0);
  if (got < 0) return unreadable();
  if (got < static_cast<ssize_t>(sizeof header)) return failure("not-elf", path, "not a plugin: no ELF file");
  if (auto checked = check_header(header, path); !checked) return checked.error();

  // Reading, not mapping: a file that is truncated while we look would otherwise be a SIGBUS.
  elf_version(EV_CURRENT);
  const ElfHandle handle{elf_begin(file.fd, ELF_C_READ, nullptr)};
  return collect(handle.elf, path);
}

Result<Records> read_elf_notes(std::string_view elf, const std::string& path) {
  Header header;
  if (elf.size() < sizeof header) return failure("not-elf", path, "not a plugin: no ELF file");
  std::memcpy(&header, elf.data(), sizeof header);
  if (auto checked = check_header(header, path); !checked) return checked.error();

  elf_version(EV_CURRENT);
  // elf_memory only reads the image, though it does not say so in its type.
  const ElfHandle handle{elf_memory(const_cast<char*>(elf.data()), elf.size())};
  return collect(handle.elf, path);
}

}  // namespace heddle
