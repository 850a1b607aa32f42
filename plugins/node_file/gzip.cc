#include "gzip.h"

#include <heddle/sdk/error.h>
#include <zlib.h>

#include <algorithm>
#include <climits>
#include <new>

namespace node_file {
namespace {

constexpr int kGzipFormat = 16 + MAX_WBITS;  // zlib's way to say: gzip header and trailer
constexpr int kDefaultMemory = 8;

}  // namespace

struct Gunzip::Stream : z_stream {};

Gunzip::Gunzip() : stream_(new Stream{}) {
  if (inflateInit2(stream_.get(), kGzipFormat) != Z_OK) throw std::bad_alloc();
}

Gunzip::~Gunzip() { inflateEnd(stream_.get()); }

size_t Gunzip::inflate(std::string_view& in, char* out, size_t room) {
  size_t made = 0;
  while (made == 0 && !in.empty()) {
    const auto offered = static_cast<uInt>(std::min<size_t>(in.size(), UINT_MAX));
    const auto space = static_cast<uInt>(std::min<size_t>(room, UINT_MAX));
    stream_->next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    stream_->avail_in = offered;
    stream_->next_out = reinterpret_cast<Bytef*>(out);
    stream_->avail_out = space;
    at_end_ = false;
    const int outcome = ::inflate(stream_.get(), Z_NO_FLUSH);
    in.remove_prefix(offered - stream_->avail_in);
    made = space - stream_->avail_out;
    if (outcome == Z_STREAM_END) {
      at_end_ = true;
      inflateReset(stream_.get());
    } else if (outcome == Z_MEM_ERROR) {
      throw std::bad_alloc();
    } else if (outcome != Z_OK && outcome != Z_BUF_ERROR) {
      throw heddle::sdk::Error(HEDDLE_INVALID, std::string("broken gzip data: ") + (stream_->msg ? stream_->msg : zError(outcome)));
    }
  }
  return made;
}

struct Gzip::Stream : z_stream {};

Gzip::Gzip() : stream_(new Stream{}) {
  if (deflateInit2(stream_.get(), Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipFormat, kDefaultMemory, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::bad_alloc();
}

Gzip::~Gzip() { deflateEnd(stream_.get()); }

void Gzip::deflate(std::string_view in, bool last, std::string& out) {
  char room[size_t{64} << 10];
  do {
    const auto offered = static_cast<uInt>(std::min<size_t>(in.size(), UINT_MAX));
    stream_->next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    stream_->avail_in = offered;
    in.remove_prefix(offered);
    do {
      stream_->next_out = reinterpret_cast<Bytef*>(room);
      stream_->avail_out = sizeof room;
      ::deflate(stream_.get(), !in.empty() ? Z_NO_FLUSH : last ? Z_FINISH : Z_SYNC_FLUSH);
      out.append(room, sizeof room - stream_->avail_out);
    } while (stream_->avail_out == 0);
  } while (!in.empty());
}

}  // namespace node_file
