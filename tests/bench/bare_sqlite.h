// The bare loop that durable jobs are measured against: SQLite by itself, putting n keys in one transaction and erasing them in the next.
#pragma once
#include <sqlite3.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "clock.h"

namespace heddle {

inline constexpr uint64_t kRunNs = 2 * kNsPerSecond;
inline const std::string kPayload(100, 'x');

inline std::string key_of(uint64_t n) {
  char text[24];
  return std::string(text, static_cast<size_t>(std::snprintf(text, sizeof text, "job/%012llu", static_cast<unsigned long long>(n))));
}

[[noreturn]] inline void give_up(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(1);
}

inline double middle(std::vector<double> rates) {
  std::sort(rates.begin(), rates.end());
  return rates[rates.size() / 2];
}

struct Closed {
  void operator()(sqlite3* c) const { sqlite3_close_v2(c); }
  void operator()(sqlite3_stmt* s) const { sqlite3_finalize(s); }
};

// The bare loop. `keyed`: the table that the store has; else the cheapest one that SQLite knows, with whole numbers as keys.
class BareLoop {
 public:
  BareLoop(const std::string& path, bool keyed) : keyed_(keyed) {
    sqlite3* opened = nullptr;
    check(sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr));
    db_.reset(opened);
    run("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL");
    run(keyed ? "CREATE TABLE job (key BLOB PRIMARY KEY NOT NULL, payload BLOB) STRICT, WITHOUT ROWID"
              : "CREATE TABLE job (key INTEGER PRIMARY KEY, payload BLOB) STRICT");
    begin_ = prepare("BEGIN IMMEDIATE");
    commit_ = prepare("COMMIT");
    put_ = prepare("INSERT INTO job VALUES (?1, ?2)");
    erase_ = prepare("DELETE FROM job WHERE key = ?1");
  }
  double per_second(uint32_t group) {
    const uint64_t began = now_ns();
    uint64_t next = 0;
    for (; now_ns() - began < kRunNs; next += group) {
      step(begin_);
      for (uint64_t n = next; n < next + group; ++n) one(put_, n);
      step(commit_);
      step(begin_);
      for (uint64_t n = next; n < next + group; ++n) one(erase_, n);
      step(commit_);
    }
    return static_cast<double>(next) * kNsPerSecond / static_cast<double>(now_ns() - began);
  }

 private:
  using Prepared = std::unique_ptr<sqlite3_stmt, Closed>;
  void check(int code) const {
    if (code != SQLITE_OK && code != SQLITE_DONE) give_up(sqlite3_errstr(code));
  }
  void run(const char* sql) { check(sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr)); }
  Prepared prepare(const char* sql) {
    sqlite3_stmt* made = nullptr;
    check(sqlite3_prepare_v3(db_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &made, nullptr));
    return Prepared(made);
  }
  void step(const Prepared& s) {
    check(sqlite3_step(s.get()));
    check(sqlite3_reset(s.get()));
  }
  void one(const Prepared& s, uint64_t n) {
    const std::string key = keyed_ ? key_of(n) : std::string();
    if (keyed_) sqlite3_bind_blob(s.get(), 1, key.data(), static_cast<int>(key.size()), SQLITE_STATIC);
    else sqlite3_bind_int64(s.get(), 1, static_cast<int64_t>(n));
    if (s == put_) sqlite3_bind_blob(s.get(), 2, kPayload.data(), static_cast<int>(kPayload.size()), SQLITE_STATIC);
    step(s);
  }

  const bool keyed_;
  std::unique_ptr<sqlite3, Closed> db_;
  Prepared begin_, commit_, put_, erase_;
};

}  // namespace heddle
