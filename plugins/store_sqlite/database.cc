#include "database.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace store_sqlite {
namespace {

using heddle::sdk::Error;

constexpr uint32_t kApplicationId = 0x4864646C;  // "Hddl"
constexpr uint32_t kVersion = 1;
constexpr int kCheckpointPages = 1000;
constexpr const char* kSettings =
    "PRAGMA locking_mode=EXCLUSIVE; PRAGMA synchronous=FULL; PRAGMA cache_size=-16384; PRAGMA journal_size_limit=67108864;";
constexpr const char* kOther = "; give another path, or move this file away";
constexpr const char* kDamaged = "; restore it from a backup, or move it away, with its -wal file, to begin with an empty store";

void execute(sqlite3* connection, const char* sql, const char* doing) {
  const int code = sqlite3_exec(connection, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) throw_failure(connection, sqlite3_extended_errcode(connection), doing);
}

Connection open_connection(const std::string& file, int flags) {
  sqlite3* made = nullptr;
  const int code = sqlite3_open_v2(file.c_str(), &made, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  Connection connection(made);
  if (code != SQLITE_OK) throw_failure(made, code, "open it");
  return connection;
}

// The path with links followed; its last part need not exist.
std::string resolve(const std::string& path) {
  char resolved[PATH_MAX];
  if (realpath(path.c_str(), resolved)) return resolved;
  const size_t slash = path.rfind('/');
  const std::string folder = slash == path.npos ? "." : path.substr(0, slash + 1), name = slash == path.npos ? path : path.substr(slash + 1);
  if (!realpath(folder.c_str(), resolved))
    throw Error(HEDDLE_INVALID, path + ": cannot be opened: the folder " + folder + ": " + std::strerror(errno));
  return std::string(resolved) + "/" + name;
}

uint32_t big_endian(const unsigned char* at) { return uint32_t{at[0]} << 24 | uint32_t{at[1]} << 16 | uint32_t{at[2]} << 8 | at[3]; }

struct File {
  explicit File(int opened) : number(opened) {}
  ~File() {
    if (number >= 0) ::close(number);
  }
  File(const File&) = delete;
  const int number;
};

}  // namespace

void Database::open() {
  file_ = resolve(path_);
  struct stat status;
  const bool exists = stat(file_.c_str(), &status) == 0;
  if (exists && !S_ISREG(status.st_mode))
    throw Error(HEDDLE_INVALID, path_ + (S_ISDIR(status.st_mode) ? ": is a folder; give the path of a file in it" : ": is not a file; give another path"));
  lock_.take(file_);
  const std::string log = file_ + "-wal";
  const bool had_log = access(log.c_str(), F_OK) == 0;
  try {
    if (stat(file_.c_str(), &status) != 0) create();
    check_header();
    connect();
  } catch (const Error& e) {
    disconnect();
    if (!had_log) unlink(log.c_str());  // SQLite has made an empty one
    lock_.release();
    throw Error(e.status(), path_ + ": " + e.what());
  }
}

// Built under another name, and given its own when it is complete and on the disk.
void Database::create() {
  // SQLite would take the log of a file that is gone for the new one's.
  if (access((file_ + "-wal").c_str(), F_OK) == 0)
    throw Error(HEDDLE_INVALID, "is not there, but its log " + path_ + "-wal is; restore the file, or move the log away to begin with an empty store");
  const std::string unfinished = file_ + "-new";
  for (const char* const part : {"", "-wal", "-journal"}) unlink((unfinished + part).c_str());
  try {
    const Connection connection = open_connection(unfinished, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    const std::string schema = "PRAGMA application_id=" + std::to_string(kApplicationId) + "; PRAGMA user_version=" + std::to_string(kVersion) +
                               "; PRAGMA synchronous=FULL; "
                               "CREATE TABLE stored (key BLOB NOT NULL PRIMARY KEY, version INTEGER NOT NULL, value BLOB NOT NULL) STRICT, WITHOUT ROWID; "
                               "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL;";
    execute(connection.get(), schema.c_str(), "make a new store");
  } catch (const Error&) {
    unlink(unfinished.c_str());
    throw;
  }
  if (rename(unfinished.c_str(), file_.c_str()) != 0) throw Error(HEDDLE_DENIED, std::string("cannot be named: ") + std::strerror(errno));
  const File folder(::open(file_.substr(0, file_.rfind('/') + 1).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.number < 0 || fsync(folder.number) != 0) throw Error(HEDDLE_UNAVAILABLE, std::string("its folder cannot be synced: ") + std::strerror(errno));
}

// Whose file it is, before SQLite sees it: https://www.sqlite.org/fileformat2.html, "The Database Header".
void Database::check_header() const {
  const File file(::open(file_.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.number < 0) throw Error(HEDDLE_DENIED, std::string("cannot be read: ") + std::strerror(errno) + "; make it readable and writable for this user");
  unsigned char header[100];
  static constexpr char kMagic[] = "SQLite format 3";
  if (pread(file.number, header, sizeof header, 0) != sizeof header || std::memcmp(header, kMagic, sizeof kMagic) != 0)
    throw Error(HEDDLE_INVALID, std::string("is no store: not an SQLite file") + kOther);
  if (const uint32_t id = big_endian(header + 68); id != kApplicationId)
    throw Error(HEDDLE_INVALID, "is no store: an SQLite file of another application (application_id " + std::to_string(id) + ")" + kOther);
  if (const uint32_t version = big_endian(header + 60); version != kVersion)
    throw Error(HEDDLE_INVALID, "is a store of format " + std::to_string(version) + ", and this plugin knows format " + std::to_string(kVersion) +
                                    "; use the version of heddle that wrote it, or a newer one");
}

void Database::connect() {
  connection_ = open_connection(file_, SQLITE_OPEN_READWRITE);
  // Until it is accepted, closing it changes nothing.
  sqlite3_db_config(connection_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  if (sqlite3_db_readonly(connection_.get(), "main"))
    throw Error(HEDDLE_DENIED, "cannot be written; make it writable for this user");
  try {
    execute(connection_.get(), kSettings, "open it");
    Statement check(connection_.get(), "PRAGMA quick_check(1)");
    const std::string found = check.step("check it") ? std::string(check.bytes(0)) : "nothing was checked";
    if (found != "ok") throw Error(HEDDLE_INVALID, "is damaged: " + found + kDamaged);
    check.reset();
    prepare();
  } catch (const Error& e) {
    const int code = sqlite3_errcode(connection_.get()) & 0xff;
    if (code != SQLITE_CORRUPT && code != SQLITE_NOTADB && code != SQLITE_ERROR) throw;
    throw Error(HEDDLE_INVALID, std::string("is damaged: ") + e.what() + kDamaged);
  }
  sqlite3_wal_autocheckpoint(connection_.get(), kCheckpointPages);
  sqlite3_db_config(connection_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
}

void Database::prepare() {
  sqlite3* const c = connection_.get();
  begin_ = Statement(c, "BEGIN IMMEDIATE");
  commit_ = Statement(c, "COMMIT");
  get_ = Statement(c, "SELECT version, value FROM stored WHERE key = ?1");
  version_ = Statement(c, "SELECT version FROM stored WHERE key = ?1");
  put_ = Statement(c, "INSERT INTO stored VALUES (?1, ?2, ?3) ON CONFLICT (key) DO UPDATE SET version = ?2, value = ?3");
  erase_ = Statement(c, "DELETE FROM stored WHERE key = ?1");
  scan_ = Statement(c, "SELECT key, version, value FROM stored WHERE key >= ?1 AND key < ?2 ORDER BY key");
}

void Database::disconnect() noexcept {
  for (Statement* s : {&begin_, &commit_, &get_, &version_, &put_, &erase_, &scan_}) *s = {};
  connection_.reset();
}

void Database::close() noexcept {
  disconnect();
  lock_.release();
}

bool Database::get(std::string_view key, Stored& out) {
  get_.bind(1, key);
  const Rows rows(get_);
  if (!get_.step("read")) return false;
  value_ = get_.bytes(1);
  out = {value_, static_cast<uint64_t>(get_.number(0))};
  return true;
}

uint64_t Database::version(std::string_view key) {
  version_.bind(1, key);
  const Rows rows(version_);
  return version_.step("read") ? static_cast<uint64_t>(version_.number(0)) : 0;
}

void Database::put(std::string_view key, std::string_view value, uint64_t version) {
  put_.bind(1, key).bind(2, static_cast<int64_t>(version)).bind(3, value).run("write");
}

void Database::erase(std::string_view key) { erase_.bind(1, key).run("erase"); }

void Database::flush() { commit_.run("write to the disk"); }

// Where the disk is full, moving what is committed from the log into the database lets the log be written from its start again.
void Database::roll_back() noexcept {
  const bool full = (sqlite3_errcode(connection_.get()) & 0xff) == SQLITE_FULL;
  if (!sqlite3_get_autocommit(connection_.get())) sqlite3_exec(connection_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
  if (full) sqlite3_wal_checkpoint_v2(connection_.get(), "main", SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
}

}  // namespace store_sqlite
