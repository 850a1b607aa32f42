// gzip, piece by piece, in constant memory. The streams know nothing of files.
#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace node_file {

// Undoes gzip, of one member or of several in a row.
class Gunzip {
 public:
  Gunzip();
  ~Gunzip();

  // Takes from the front of `in`, puts at most `room` bytes at `out`, returns how many. 0: more input is needed. Throws Error (INVALID) on
  // what is no gzip data.
  size_t inflate(std::string_view& in, char* out, size_t room);
  // True between members: here the input may end.
  bool at_end() const { return at_end_; }

 private:
  struct Stream;
  std::unique_ptr<Stream> stream_;
  bool at_end_ = true;
};

// Makes one gzip member.
class Gzip {
 public:
  Gzip();
  ~Gzip();

  // Appends the compressed form to `out`, all of it: whoever reads that far gets the whole of `in`. `last` ends the member.
  void deflate(std::string_view in, bool last, std::string& out);

 private:
  struct Stream;
  std::unique_ptr<Stream> stream_;
};

}  // namespace node_file
