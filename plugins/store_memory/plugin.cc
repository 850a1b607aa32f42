// A store that ends with its object: the contract of heddle/store.h without a disk.
#include <heddle/sdk/store.h>

#include <map>

HEDDLE_PLUGIN("store_memory", "0.1.0", "Apache-2.0", "A store in memory, for tests", R"("package":"heddle-plugins-base")");

namespace {

class MemoryMedium {
 public:
  struct Stored {
    std::string_view value;
    uint64_t version = 0;
  };
  explicit MemoryMedium(const heddle::sdk::Config&) {}
  void open() {}
  void close() noexcept { undo_.clear(); }

  bool get(std::string_view key, Stored& out) const {
    const auto found = entries_.find(key);
    if (found == entries_.end()) return false;
    out = {found->second.value, found->second.version};
    return true;
  }
  uint64_t version(std::string_view key) const {
    Stored found;
    return get(key, found) ? found.version : 0;
  }
  template <class Row>
  void scan(std::string_view from, std::string_view until, Row&& row) const {
    for (auto at = entries_.lower_bound(from); at != entries_.end() && at->first.compare(until) < 0; ++at)
      if (!row(at->first, at->second.value, at->second.version)) return;
  }

  void begin() {}
  void put(std::string_view key, std::string_view value, uint64_t version) {
    const auto found = remember(key);
    if (found == entries_.end()) entries_.emplace(key, Entry{std::string(value), version});
    else found->second = {std::string(value), version};
  }
  void erase(std::string_view key) {
    const auto found = remember(key);
    if (found != entries_.end()) entries_.erase(found);
  }
  void flush() noexcept { undo_.clear(); }
  void roll_back() noexcept {
    // Backwards. Nothing is allocated: what was there is moved back, into its node where it was erased.
    for (; !undo_.empty(); undo_.pop_back()) {
      Undo& last = undo_.back();
      const auto found = entries_.find(last.key);
      if (found != entries_.end()) entries_.erase(found);
      if (last.before) entries_.insert(std::move(last.before));
    }
  }

 private:
  struct Entry {
    std::string value;
    uint64_t version;
  };
  using Entries = std::map<std::string, Entry, std::less<>>;
  struct Undo {
    std::string key;
    Entries::node_type before;  // empty: it was absent
  };

  // Where a key that is about to change is, and what undoes the change.
  Entries::iterator remember(std::string_view key) {
    const auto found = entries_.find(key);
    Undo undo{std::string(key), {}};
    if (found != entries_.end()) {
      Entries copy;
      copy.emplace(found->first, found->second);
      undo.before = copy.extract(copy.begin());
    }
    undo_.push_back(std::move(undo));
    return found;
  }

  Entries entries_;
  std::vector<Undo> undo_;  // of the transaction
};
HEDDLE_STORE(MemoryMedium, "Memory", R"("summary":"Ordered keys in memory, gone with the store","durable":false,)" HEDDLE_NO_PARAMS);

}  // namespace
