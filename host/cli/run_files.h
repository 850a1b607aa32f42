// The descriptors that a run reads and writes: opened before it starts, closed after it ended.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "result.h"

namespace heddle {

// An open descriptor, closed at the end if it is ours.
class OpenFile {
 public:
  OpenFile() = default;
  OpenFile(int fd, std::string name, bool owned) : fd_(fd), owned_(owned), name_(std::move(name)) {}
  OpenFile(OpenFile&& other) noexcept;
  OpenFile& operator=(OpenFile&& other) noexcept;
  ~OpenFile();

  int fd() const { return fd_; }
  const std::string& name() const { return name_; }
  // Bytes from the current position to the end, of a regular file; else empty.
  std::optional<uint64_t> size() const;
  // True if both are the same regular file: writing one would destroy what is read from the other.
  bool same_file(const OpenFile& other) const;
  // True if this is the regular file at `path`.
  bool same_file(const std::string& path) const;
  // Closes now, to learn of what a file system reports only then.
  Result<void> close();

  // Makes the descriptor non-blocking until it is closed; only for what has to be shared with other programs.
  void set_nonblocking();

 private:
  int fd_ = -1;
  bool owned_ = false;
  bool restore_blocking_ = false;
  std::string name_;
};

// True if somebody gave the program a pipe or a file as standard input.
bool has_piped_input();

// "-": standard input, non-blocking where it is a pipe, a socket or a terminal. Errors: code "io".
Result<OpenFile> open_input(const std::string& path);

// "-": standard output. Else the file is created, or opened without being emptied: truncate() does that once nothing can go wrong any more.
Result<OpenFile> open_output(const std::string& path);
Result<void> truncate(const OpenFile& file);

}  // namespace heddle
