// A file being written: buffered, compressed if asked, and seen under its name only when it is whole.
#pragma once
#include <heddle/sdk/error.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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

  // One item's bytes, into the buffer.
  void add(std::string_view bytes);
  bool is_full() const;  // flush() is due
  // Hands the buffer to the system. Gives how many of the items added since the last flush are written as a whole: the first ones. If that
  // is not all of them, failure() says why, and nothing is written any more.
  size_t flush();
  const std::optional<heddle::sdk::Error>& failure() const { return failure_; }
  // Forgets what was added since the last flush.
  void drop_buffer();
  // Ends the file. Throws Error, which says what becomes of the items written before.
  void commit();

  bool was_empty() const { return was_empty_; }  // true unless it appends to something

 private:
  void open_in_place();
  void open_beside(uint32_t mode);
  void write_all(std::string_view bytes, size_t& written);
  void sync_all();
  void sync_folder();

  OutputOptions options_;
  std::string temporary_;  // empty: written in place
  int fd_ = -1;
  bool was_empty_ = true;
  std::optional<Gzip> gzip_;
  std::string buffer_, packed_;
  std::vector<size_t> ends_;     // in buffer_, of each item there
  uint64_t written_items_ = 0;
  std::optional<heddle::sdk::Error> failure_;  // the first one
};

}  // namespace node_file
