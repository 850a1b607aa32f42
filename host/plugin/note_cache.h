// NoteCache: what the notes of plugin files said, kept from one run of the program to the next, so that with hundreds of plugins no file has
// to be opened to list them.
//
// It is only ever a shortcut. A file is known by device, inode, size and times: another file, or a changed one, is read itself. A cache that
// is absent, not whole, written by another program, or open for others to write is as if it were not there, and is written anew.
#pragma once
#include <sys/stat.h>

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/descriptor.h"

namespace heddle {

class NoteCache {
 public:
  struct Places {
    std::vector<std::string> read = {};  // the files, the first that knows a plugin wins
    std::string written = {};            // the one that save() writes; empty: none
  };
  // /var/cache/heddle/plugins, which root writes (`heddle inspect --refresh`, when packages change), and heddle/plugins in XDG_CACHE_HOME,
  // or ~/.cache for others than root.
  static Places usual_places();

  // What is at the places, as far as it can be used.
  explicit NoteCache(Places places);
  // The same without what is there: every file is read again.
  static NoteCache empty(Places places);

  std::optional<PluginDescriptor> find(const std::string& path, const struct stat& status) const;
  void keep(const PluginDescriptor& plugin, const struct stat& status);
  // Writes what was kept, and of what was there all whose file has not changed; does nothing where nothing was kept. False: it could not be
  // written, and the next program reads the files itself.
  bool save() const;

 private:
  using Key = std::array<uint64_t, 5>;  // device, inode, size, times of modification and change
  struct Record {
    std::string path, bytes;
  };
  struct Unread {};
  NoteCache(Places places, Unread) : places_(std::move(places)) {}
  static Key key_of(const struct stat& status);
  void take(std::string_view body);
  static std::string encoded(const std::map<Key, Record>& records);

  Places places_;
  std::map<Key, Record> found_, kept_;
};

}  // namespace heddle
