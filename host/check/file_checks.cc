// What can be seen of the file: none of its code runs.
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "check/check_runs.h"
#include "plugin/catalog.h"
#include "plugin/elf_links.h"
#include "plugin/note.h"

namespace heddle {
namespace {

constexpr std::string_view kEntry = "heddle_entry_v1";

std::string joined(const std::vector<std::string>& names, size_t most = 12) {
  std::string out;
  for (size_t i = 0; i < names.size() && i < most; ++i) out += (i ? ", " : "") + names[i];
  return names.size() > most ? out + " and " + std::to_string(names.size() - most) + " more" : out;
}

template <class Look>
Verdict with_links(const CheckSubject& subject, Look&& look) {
  auto links = read_elf_links(subject.path);
  if (!links) return failed(links.error().text(), "build it with a linker that leaves the table of sections in; strip(1) does");
  return look(*links);
}

// "GLIBC_2.34" → {2, 34}; empty: another one.
std::vector<unsigned> glibc_version(std::string_view text) {
  std::vector<unsigned> numbers;
  while (!text.empty()) {
    unsigned number = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failure != std::errc()) return {};
    numbers.push_back(number);
    text.remove_prefix(std::min(text.size(), static_cast<size_t>(end - text.data()) + 1));
  }
  return numbers;
}

std::string glibc_here() {
  char text[64] = "";  // "glibc 2.36"
  ::confstr(_CS_GNU_LIBC_VERSION, text, sizeof text);
  const std::string_view said(text);
  return std::string(said.substr(std::min(said.size(), said.find(' ') + 1)));
}

}  // namespace

Verdict check_note(const CheckSubject& subject) {
  auto plugin = read_note(subject.path);
  if (!plugin) return failed(plugin.error().text(), "a plugin has one HEDDLE_NOTE of the plugin and one of each type: see heddle/note.h");
  return passed(plugin->name + " " + plugin->version);
}

Verdict check_version(const CheckSubject& subject) {
  if (auto refusal = abi_refusal(subject.plugin)) return failed(refusal->text() + "; the host refuses it before its code runs", "build it against the plugin-api of this host, or of an older one");
  return with_links(subject, [](const ElfLinks& links) {
    std::vector<std::string> others;
    bool has_ours = false;
    for (const auto& symbol : links.exported) {
      has_ours = has_ours || symbol.name == kEntry;
      if (symbol.name.starts_with("heddle_entry_v") && symbol.name != kEntry) others.push_back(symbol.name);
    }
    if (has_ours || others.empty()) return passed();
    return failed("its notes are for this ABI, but it exports " + joined(others) + ", which is for another one", "export " + std::string(kEntry));
  });
}

Verdict check_entry(const CheckSubject& subject) {
  return with_links(subject, [](const ElfLinks& links) {
    for (const auto& symbol : links.exported) {
      if (symbol.name != kEntry) continue;
      return symbol.is_object ? passed() : failed(std::string(kEntry) + " is no data object", "define it as a const heddle_entry: see heddle/plugin.h");
    }
    return failed("it does not export " + std::string(kEntry), "define HEDDLE_EXPORT const heddle_entry heddle_entry_v1 = {…}: see heddle/plugin.h");
  });
}

Verdict check_one_symbol(const CheckSubject& subject) {
  return with_links(subject, [](const ElfLinks& links) {
    std::vector<std::string> others;
    for (const auto& symbol : links.exported) {
      const bool is_of_sanitizer = symbol.name.starts_with("__odr_asan.");  // how it finds two definitions of one name
      if (symbol.name != kEntry && !is_of_sanitizer) others.push_back(symbol.name);
    }
    if (!others.empty()) return failed("it exports " + joined(others, 4) + " beside it", "build with -fvisibility=hidden and a version script that names heddle_entry_v1 alone; heddle_add_plugin() does");
    return passed();
  });
}

Verdict check_foreign_symbols(const CheckSubject& subject) {
  return with_links(subject, [](const ElfLinks& links) {
    std::vector<std::string> ours;
    for (const std::string& name : links.undefined)
      if (name.starts_with("heddle_")) ours.push_back(name);
    if (ours.empty()) return passed();
    return failed("it wants to be given " + joined(ours) + ", which no host exports", "what the host offers comes through get_service (heddle/host.h); link with -Wl,-z,defs to be told of the rest");
  });
}

Verdict check_needed_libraries(const CheckSubject& subject) {
  return with_links(subject, [](const ElfLinks& links) {
    for (const std::string& library : links.libraries)
      if (library.find('/') != std::string::npos) return failed("it needs the file " + library, "link with -l, so that it needs the library's name");
    for (const std::string& folder : links.search) {
      const bool travels = folder.starts_with("$ORIGIN") || folder.starts_with("${ORIGIN}") || folder.starts_with("/usr/") || folder.starts_with("/lib");
      if (!travels) return failed("it looks for libraries in \"" + folder + "\" (RPATH)", "link without -rpath, or with one that begins with $ORIGIN");
    }
    return passed(links.libraries.empty() ? "needs none" : "needs " + joined(links.libraries, 40));
  });
}

Verdict check_needed_glibc(const CheckSubject& subject) {
  return with_links(subject, [](const ElfLinks& links) {
    constexpr std::string_view kPrefix = "GLIBC_";
    std::vector<unsigned> newest;
    std::string name;
    for (const std::string& version : links.versions) {
      if (!version.starts_with(kPrefix)) continue;
      auto numbers = glibc_version(std::string_view(version).substr(kPrefix.size()));
      if (numbers <= newest) continue;
      newest = std::move(numbers);
      name = version.substr(kPrefix.size());
    }
    const std::string here = glibc_here();
    if (newest > glibc_version(here)) return failed("it needs glibc " + name + "; this machine has " + here, "build it on the oldest distribution that it is to run on");
    return passed(name.empty() ? "needs no glibc" : "needs glibc " + name);
  });
}

}  // namespace heddle
