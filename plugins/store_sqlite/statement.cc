#include "statement.h"

namespace store_sqlite {
namespace {

heddle_status status_of(int code) {
  switch (code & 0xff) {
    case SQLITE_FULL:
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG:
      return HEDDLE_EXHAUSTED;
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return HEDDLE_DENIED;
    case SQLITE_NOTADB:
      return HEDDLE_INVALID;
    default:
      return HEDDLE_UNAVAILABLE;
  }
}

}  // namespace

void throw_failure(sqlite3* connection, int code, std::string_view doing) {
  std::string why = std::string("cannot ").append(doing) + ": " + (connection ? sqlite3_errmsg(connection) : sqlite3_errstr(code));
  const int system = connection ? sqlite3_system_errno(connection) : 0;
  if ((code & 0xff) == SQLITE_IOERR && system != 0) why += " (errno " + std::to_string(system) + ")";
  throw heddle::sdk::Error(status_of(code), std::move(why));
}

Statement::Statement(sqlite3* connection, const char* sql) {
  sqlite3_stmt* made = nullptr;
  const int code = sqlite3_prepare_v3(connection, sql, -1, SQLITE_PREPARE_PERSISTENT, &made, nullptr);
  statement_.reset(made);
  if (code != SQLITE_OK) throw_failure(connection, code, "read what the file holds");
}

Statement& Statement::bind(int at, std::string_view bytes) {
  // A null pointer would be bound as NULL.
  const int code = sqlite3_bind_blob64(statement_.get(), at, bytes.empty() ? "" : bytes.data(), bytes.size(), SQLITE_STATIC);
  if (code != SQLITE_OK) throw_failure(sqlite3_db_handle(statement_.get()), code, "bind bytes");
  return *this;
}

Statement& Statement::bind(int at, int64_t number) {
  const int code = sqlite3_bind_int64(statement_.get(), at, number);
  if (code != SQLITE_OK) throw_failure(sqlite3_db_handle(statement_.get()), code, "bind a number");
  return *this;
}

bool Statement::step(std::string_view doing) {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  sqlite3* const connection = sqlite3_db_handle(statement_.get());
  const int extended = sqlite3_extended_errcode(connection);
  const Rows rows(*this);
  throw_failure(connection, extended, doing);
}

void Statement::run(std::string_view doing) {
  while (step(doing)) {}
  reset();
}

std::string_view Statement::bytes(int column) const noexcept {
  const void* const data = sqlite3_column_blob(statement_.get(), column);
  return {static_cast<const char*>(data), data ? static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column)) : 0};
}

}  // namespace store_sqlite
