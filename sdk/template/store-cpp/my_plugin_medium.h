// Where the store's keys are: all in memory, and in one file, which is read when the store is opened and replaced at every commit. That is for little
// data: put what you have in its place. heddle/sdk/store.h says what is asked of a medium; one thread at a time calls it.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace plugin {

class Medium {
 public:
  struct Stored {
    std::string_view value;
    uint64_t version = 0;
  };

  explicit Medium(std::string path) : path_(std::move(path)) {}
  Medium(const Medium&) = delete;
  ~Medium() { close(); }

  // All that may fail throws heddle::sdk::Error. UNAVAILABLE: what is in the file is not known until it is opened again; EXHAUSTED: there is no room.
  void open();  // refuses a file that is damaged, no file of this store's, or another's at the moment
  void close() noexcept;

  bool get(std::string_view key, Stored& out) const;
  uint64_t version(std::string_view key) const;
  template <class Row>
  void scan(std::string_view from, std::string_view until, Row&& row) const {
    for (auto at = entries_.lower_bound(from); at != entries_.end() && at->first.compare(until) < 0; ++at)
      if (!row(std::string_view(at->first), std::string_view(at->second.value), at->second.version)) return;
  }

  void begin() { before_ = entries_; }
  void put(std::string_view key, std::string_view value, uint64_t version) { entries_.insert_or_assign(std::string(key), Entry{std::string(value), version}); }
  void erase(std::string_view key);
  void flush();  // the file is replaced and on the disk, or it is as it was
  void roll_back() noexcept { entries_.swap(before_); }

 private:
  struct Entry {
    std::string value;
    uint64_t version;
  };
  using Entries = std::map<std::string, Entry, std::less<>>;
  static std::string text_of(const Entries& entries);
  static bool read(std::string_view text, Entries& entries);

  const std::string path_;
  int lock_ = -1;  // of <path>.lock, held while open
  Entries entries_, before_;
};

}  // namespace plugin
