#include "output_file.h"

#include <fcntl.h>
#include <heddle/sdk/error.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <utility>

#include "file_error.h"

namespace node_file {
namespace {

constexpr size_t kBuffer = size_t{256} << 10;
constexpr size_t kNameShown = 200;  // of the name in a temporary name, which must stay under 255 bytes

// The file behind symbolic links: what takes a link's place would leave the file it leads to untouched.
std::string resolved(const std::string& path) {
  const std::unique_ptr<char, decltype(&::free)> real(::realpath(path.c_str(), nullptr), &::free);
  return real ? std::string(real.get()) : path;
}

}  // namespace

OutputFile::OutputFile(OutputOptions options) : options_(std::move(options)) {
  options_.path = resolved(options_.path);
  struct stat about {};
  const bool exists = ::stat(options_.path.c_str(), &about) == 0;
  if (exists && S_ISDIR(about.st_mode)) throw file_error("write", options_.path, EISDIR);
  if (exists && S_ISREG(about.st_mode) && ::access(options_.path.c_str(), W_OK) != 0) throw file_error("write", options_.path, errno);
  if (options_.append || (exists && !S_ISREG(about.st_mode)))
    open_in_place();
  else
    open_beside(exists ? about.st_mode & 07777u : 0);
  was_empty_ = !(options_.append && exists && about.st_size > 0);
  if (options_.gzip) gzip_.emplace();
}

OutputFile::~OutputFile() {
  if (fd_ >= 0) ::close(fd_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void OutputFile::open_in_place() {
  const int how = options_.append ? O_APPEND | O_CREAT : 0;
  fd_ = ::open(options_.path.c_str(), O_WRONLY | O_CLOEXEC | how, 0666);
  if (fd_ < 0) throw file_error("open", options_.path, errno);
}

// `mode`: of the file that will be replaced; 0: there is none, and the umask decides.
void OutputFile::open_beside(uint32_t mode) {
  static std::atomic<unsigned> counter{0};
  const std::filesystem::path path(options_.path);
  do {
    const std::string name =
        "." + path.filename().string().substr(0, kNameShown) + "." + std::to_string(::getpid()) + "." + std::to_string(++counter) + ".tmp";
    temporary_ = (path.parent_path() / name).string();
    fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (fd_ < 0 && errno == EEXIST);
  if (fd_ < 0) {
    temporary_.clear();
    throw file_error("create", options_.path, errno);
  }
  if (mode) ::fchmod(fd_, mode);
}

void OutputFile::add(std::string_view bytes) {
  buffer_.append(bytes);
  ends_.push_back(buffer_.size());
}

bool OutputFile::is_full() const { return buffer_.size() >= kBuffer; }

void OutputFile::drop_buffer() {
  buffer_.clear();
  ends_.clear();
}

size_t OutputFile::flush() {
  if (failure_ || ends_.empty()) {
    drop_buffer();
    return 0;
  }
  size_t items = ends_.size(), written = 0;
  try {
    if (gzip_) {
      packed_.clear();
      gzip_->deflate(buffer_, false, packed_);
    }
    write_all(gzip_ ? packed_ : buffer_, written);
  } catch (const heddle::sdk::Error& failed) {
    failure_ = failed;
    // Of packed data nobody can tell which items a part of them holds.
    items = gzip_ ? 0 : static_cast<size_t>(std::ranges::upper_bound(ends_, written) - ends_.begin());
  }
  written_items_ += items;
  drop_buffer();
  return items;
}

// `written` counts the bytes that the system has taken, also where the rest fails.
void OutputFile::write_all(std::string_view bytes, size_t& written) {
  while (written < bytes.size()) {
    const ssize_t n = ::write(fd_, bytes.data() + written, bytes.size() - written);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw file_error("write", options_.path, errno);
    written += static_cast<size_t>(n);
  }
}

void OutputFile::sync_all() {
  if (::fsync(fd_) != 0 && errno != EINVAL && errno != EROFS) throw file_error("sync", options_.path, errno);  // EINVAL: a pipe or a device
}

// A rename is on the disk when the folder is.
void OutputFile::sync_folder() {
  const std::string folder = std::filesystem::path(options_.path).parent_path().string();
  fd_ = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd_ < 0) throw file_error("open", folder, errno);
  sync_all();
}

void OutputFile::commit() {
  try {
    if (failure_) throw *failure_;
    if (gzip_) {
      size_t written = 0;
      packed_.clear();
      gzip_->deflate({}, true, packed_);
      write_all(packed_, written);
    }
    if (options_.sync) sync_all();
    if (::close(std::exchange(fd_, -1)) != 0) throw file_error("close", options_.path, errno);
    if (temporary_.empty()) return;
    if (::rename(temporary_.c_str(), options_.path.c_str()) != 0) throw file_error("rename to", options_.path, errno);
    temporary_.clear();
    if (options_.sync) sync_folder();
  } catch (const heddle::sdk::Error& failed) {
    if (temporary_.empty() || written_items_ == 0) throw;
    throw heddle::sdk::Error(failed.status(), std::string(failed.what()) + "; the file stays as it was, and the " +
                                                  std::to_string(written_items_) + " items that were written for it are not in it");
  }
}

}  // namespace node_file
