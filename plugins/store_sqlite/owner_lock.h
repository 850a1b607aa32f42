// OwnerLock: says that a database has one owner: this object of this process. The kernel frees it when the process dies, however it dies.
//
// It is a lock on a file of its own beside the database, "<path>-lock", which names the owner's process: closing any descriptor of the database itself would
// end SQLite's locks on it.
#pragma once
#include <string>

namespace store_sqlite {

class OwnerLock {
 public:
  OwnerLock() = default;
  ~OwnerLock() { release(); }
  OwnerLock(const OwnerLock&) = delete;
  OwnerLock& operator=(const OwnerLock&) = delete;

  // Throws Error: CONFLICT, with the owner's process, where there is one; DENIED where the lock's file cannot be made.
  void take(const std::string& database);
  // Removes the lock's file, too.
  void release() noexcept;

 private:
  int file_ = -1;
  std::string path_;
};

}  // namespace store_sqlite
