// Database: one SQLite file, opened for one owner, as the medium of a store (heddle/sdk/store.h).
//
// One table of keys in WAL mode with synchronous=FULL, under an exclusive lock: with one connection there is no shared-memory file, and a commit costs
// one sync of the log. A new file appears complete or not at all.
#pragma once
#include <heddle/sdk/config.h>

#include <string>

#include "owner_lock.h"
#include "statement.h"

namespace store_sqlite {

class Database {
 public:
  struct Stored {
    std::string_view value;
    uint64_t version = 0;
  };
  explicit Database(const heddle::sdk::Config& config) : path_(config.get<std::string>("path")) {}
  ~Database() { close(); }

  // Nothing of a file that is refused is changed.
  void open();
  void close() noexcept;

  bool get(std::string_view key, Stored& out);
  uint64_t version(std::string_view key);
  template <class Row>
  void scan(std::string_view from, std::string_view until, Row&& row) {
    scan_.bind(1, from).bind(2, until);
    const Rows rows(scan_);
    while (scan_.step("read") && row(scan_.bytes(0), scan_.bytes(2), static_cast<uint64_t>(scan_.number(1)))) {}
  }

  void begin() { begin_.run("begin to write"); }
  void put(std::string_view key, std::string_view value, uint64_t version);
  void erase(std::string_view key);
  void flush();
  void roll_back() noexcept;

 private:
  void create();
  void check_header() const;
  void connect();
  void prepare();
  void disconnect() noexcept;

  const std::string path_;
  std::string file_;  // the same without links; set by open
  OwnerLock lock_;
  Connection connection_;
  Statement begin_, commit_, get_, version_, put_, erase_, scan_;
  std::string value_;  // what get found
};

}  // namespace store_sqlite
