// Statement: one prepared statement. What SQLite answers becomes an Error in words here, and nowhere else.
#pragma once
#include <heddle/sdk/error.h>
#include <sqlite3.h>

#include <memory>
#include <string_view>

namespace store_sqlite {

struct CloseConnection {
  void operator()(sqlite3* c) const noexcept { sqlite3_close_v2(c); }
};
using Connection = std::unique_ptr<sqlite3, CloseConnection>;

// EXHAUSTED: the disk, or the memory, is full. DENIED: the file cannot be written. INVALID: the file is damaged or not a database. UNAVAILABLE: all else.
[[noreturn]] void throw_failure(sqlite3* connection, int code, std::string_view doing);

class Statement {
 public:
  Statement() = default;
  Statement(sqlite3* connection, const char* sql);

  // Parameters, from 1; the bytes are borrowed until the next bind.
  Statement& bind(int at, std::string_view bytes);
  Statement& bind(int at, int64_t number);
  // True: a row is there, its columns are valid until the next step or reset.
  bool step(std::string_view doing);
  // Steps a statement that gives no row, and resets it.
  void run(std::string_view doing);
  void reset() noexcept { sqlite3_reset(statement_.get()); }

  std::string_view bytes(int column) const noexcept;
  int64_t number(int column) const noexcept { return sqlite3_column_int64(statement_.get(), column); }

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* s) const noexcept { sqlite3_finalize(s); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

// Resets a statement that was stepped, whatever happens: no read stays open.
class Rows {
 public:
  explicit Rows(Statement& statement) noexcept : statement_(statement) {}
  ~Rows() { statement_.reset(); }
  Rows(const Rows&) = delete;

 private:
  Statement& statement_;
};

}  // namespace store_sqlite
