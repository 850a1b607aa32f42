// A file to read from start to end. One that begins with the magic bytes of gzip is unpacked on the way.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gzip.h"

namespace node_file {

class InputFile {
 public:
  // Throws Error with the path and the reason.
  explicit InputFile(std::string path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  // Puts at most `room` bytes at `out`; 0: the end. Throws Error: the read failed, or the gzip data are broken or end too early.
  size_t read(char* out, size_t room);
  const std::string& path() const { return path_; }

 private:
  size_t read_raw(char* out, size_t room);
  void look_at_magic();

  std::string path_;
  int fd_ = -1;
  bool looked_ = false;
  std::optional<Gunzip> gunzip_;
  std::vector<char> block_;   // what was read and not yet given or unpacked
  std::string_view pending_;  // the rest of it
};

}  // namespace node_file
