// A file being written: buffered, compressed if asked, and seen under its name only when it is whole.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gzip.h"

namespace node_file {

struct OutputOptions {
  std::string path;
  bool append = false;
  bool gzip = false;
  bool sync = false;  // commit() returns when the data are on the disk
};

// A regular file that is not appended to is written under a temporary name beside it and takes its place in commit(); until then, and if
// that never comes, the old content stays. Anything else (a device, a pipe, append) is written in place.
class OutputFile {
 public:
  // Throws Error with the path and the reason.
  explicit OutputFile(OutputOptions options);
  ~OutputFile();  // without commit(): what was written is given up
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  // One item's bytes, into the buffer; a full buffer is written out. Throws Error if that fails, and from then on always the same.
  void add(std::string_view bytes);
  // Writes what is left and ends the file. Throws Error, which says how many items that add() took are lost.
  void commit();

  bool was_empty() const { return was_empty_; }  // true unless it appends to something

 private:
  void open_in_place();
  void open_beside(uint32_t mode);
  void flush(bool last);
  void write_all(std::string_view bytes);
  void sync_all();
  void sync_folder();

  OutputOptions options_;
  std::string temporary_;  // empty: written in place
  int fd_ = -1;
  bool was_empty_ = true;
  std::optional<Gzip> gzip_;
  std::string buffer_, packed_;
  uint64_t buffered_items_ = 0;  // taken and not yet written
  std::string failure_;          // the first one; empty: none
  int32_t failure_status_ = 0;
};

}  // namespace node_file
