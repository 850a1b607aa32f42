#include "plugin/note_cache.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <type_traits>

namespace heddle {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic = "heddle notes 1\n";
constexpr size_t kMostBytes = size_t{256} << 20;
constexpr size_t kMostRecords = 16'384;

uint64_t nanoseconds(const timespec& t) { return static_cast<uint64_t>(t.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(t.tv_nsec); }

// Another program may understand notes otherwise.
std::array<uint64_t, 2> this_program() {
  struct stat status {};
  ::stat("/proc/self/exe", &status);
  return {static_cast<uint64_t>(status.st_size), nanoseconds(status.st_mtim)};
}

class Writer {
 public:
  std::string out;

  template <class Number>
    requires std::is_arithmetic_v<Number> || std::is_enum_v<Number>
  void operator()(const Number& n) {
    out.append(reinterpret_cast<const char*>(&n), sizeof n);
  }
  void operator()(const std::string& text) {
    (*this)(static_cast<uint32_t>(text.size()));
    out += text;
  }
  template <class T>
  void operator()(const std::vector<T>& list) {
    (*this)(static_cast<uint32_t>(list.size()));
    for (const T& one : list) (*this)(one);
  }
  template <class T>
    requires requires(Writer& w, T& t) { each_member(w, t); }
  void operator()(const T& t) {
    each_member(*this, t);
  }
};

// Gives zeros and empty texts once the bytes are used up.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : left_(bytes) {}
  bool ok() const { return ok_; }
  bool done() const { return left_.empty() || !ok_; }

  template <class Number>
    requires std::is_arithmetic_v<Number> || std::is_enum_v<Number>
  void operator()(Number& n) {
    const std::string_view bytes = take(sizeof n);
    if (ok_) std::memcpy(&n, bytes.data(), sizeof n);
  }
  void operator()(std::string& text) {
    uint32_t size = 0;
    (*this)(size);
    text = take(size);
  }
  template <class T>
  void operator()(std::vector<T>& list) {
    uint32_t size = 0;
    (*this)(size);
    for (uint32_t i = 0; i < size && ok_; ++i) (*this)(list.emplace_back());
  }
  template <class T>
    requires requires(Reader& r, T& t) { each_member(r, t); }
  void operator()(T& t) {
    each_member(*this, t);
  }

 private:
  std::string_view take(size_t size) {
    ok_ = ok_ && size <= left_.size();
    if (!ok_) return {};
    const std::string_view out = left_.substr(0, size);
    left_.remove_prefix(size);
    return out;
  }

  std::string_view left_;
  bool ok_ = true;
};

// The bindings name every member: one that is added does not compile until it is here too.
template <class Archive, class T>
  requires std::is_same_v<std::remove_const_t<T>, PortDescriptor>
void each_member(Archive& archive, T& port) {
  auto& [name, summary, failures] = port;
  archive(name), archive(summary), archive(failures);
}

template <class Archive, class T>
  requires std::is_same_v<std::remove_const_t<T>, TypeDescriptor>
void each_member(Archive& archive, T& t) {
  auto& [kind, type, summary, aliases, schema, inputs, outputs, ports_from, manifest_params, concurrency, lane, in_flight, batch, timeout_ms,
         idempotent, pure, stateless, own_policy, sources, capabilities, durable, text] = t;
  archive(kind), archive(type), archive(summary), archive(aliases), archive(schema), archive(inputs), archive(outputs), archive(ports_from);
  archive(manifest_params), archive(concurrency), archive(lane), archive(in_flight), archive(batch), archive(timeout_ms);
  archive(idempotent), archive(pure), archive(stateless), archive(own_policy), archive(sources), archive(capabilities);
  archive(durable), archive(text);
}

// The path and the pins are not the note's.
template <class Archive, class T>
  requires std::is_same_v<std::remove_const_t<T>, PluginDescriptor>
void each_member(Archive& archive, T& plugin) {
  auto& [path, pins, name, version, license, summary, homepage, package, abi_major, abi_minor, types] = plugin;
  (void)path, (void)pins;
  archive(name), archive(version), archive(license), archive(summary), archive(homepage), archive(package);
  archive(abi_major), archive(abi_minor), archive(types);
}

struct Header {
  std::array<uint64_t, 2> program = {};
  uint64_t digest = 0;  // of what follows
};

template <class Archive>
void each_member(Archive& archive, Header& header) {
  archive(header.program[0]), archive(header.program[1]), archive(header.digest);
}

// Empty if it is not there, or if somebody else could have written it.
std::string trusted_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (file < 0) return {};
  std::string out;
  struct stat status;
  const bool own = ::fstat(file, &status) == 0 && S_ISREG(status.st_mode) && (status.st_uid == 0 || status.st_uid == ::geteuid()) &&
                   !(status.st_mode & (S_IWGRP | S_IWOTH)) && static_cast<uint64_t>(status.st_size) <= kMostBytes;
  if (own) {
    out.resize(static_cast<size_t>(status.st_size));
    const ssize_t got = ::read(file, out.data(), out.size());
    out.resize(got < 0 ? 0 : static_cast<size_t>(got));
  }
  ::close(file);
  return out;
}

// What follows the header, or nothing if the file is not whole or another program's.
std::string_view body_of(std::string_view file) {
  if (!file.starts_with(kMagic)) return {};
  constexpr size_t kHeaderBytes = 3 * sizeof(uint64_t);
  if (file.size() < kMagic.size() + kHeaderBytes) return {};
  Header header;
  Reader(file.substr(kMagic.size(), kHeaderBytes))(header);
  const std::string_view body = file.substr(kMagic.size() + kHeaderBytes);
  return header.program == this_program() && header.digest == std::hash<std::string_view>()(body) ? body : std::string_view();
}

bool write_whole(const std::string& path, const std::string& text) {
  std::error_code failed;
  fs::create_directories(fs::path(path).parent_path(), failed);
  std::string beside = path + ".XXXXXX";
  const int file = ::mkostemp(beside.data(), O_CLOEXEC);
  if (file < 0) return false;
  const bool whole = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fchmod(file, 0644) == 0;
  ::close(file);
  if (whole && ::rename(beside.c_str(), path.c_str()) == 0) return true;
  ::unlink(beside.c_str());
  return false;
}

}  // namespace

NoteCache::Places NoteCache::usual_places() {
  static constexpr const char* kSystem = "/var/cache/heddle/plugins";
  const char *const cache = std::getenv("XDG_CACHE_HOME"), *const home = std::getenv("HOME");
  std::string own;
  if (cache && *cache == '/') own = std::string(cache) + "/heddle/plugins";
  else if (::geteuid() == 0) return {{kSystem}, kSystem};
  else if (home && *home == '/') own = std::string(home) + "/.cache/heddle/plugins";
  return own.empty() ? Places{{kSystem}, ""} : Places{{kSystem, own}, own};
}

NoteCache::NoteCache(Places places) : places_(std::move(places)) {
  for (const std::string& path : places_.read) {
    const std::string file = trusted_file(path);
    take(body_of(file));
  }
}

NoteCache NoteCache::empty(Places places) { return {std::move(places), Unread()}; }

NoteCache::Key NoteCache::key_of(const struct stat& status) {
  return {status.st_dev, status.st_ino, static_cast<uint64_t>(status.st_size), nanoseconds(status.st_mtim), nanoseconds(status.st_ctim)};
}

void NoteCache::take(std::string_view body) {
  Reader reader(body);
  while (!reader.done() && found_.size() < kMostRecords) {
    Key key{};
    Record record;
    for (uint64_t& part : key) reader(part);
    reader(record.path), reader(record.bytes);
    if (reader.ok()) found_.emplace(key, std::move(record));
  }
}

std::optional<PluginDescriptor> NoteCache::find(const std::string& path, const struct stat& status) const {
  const auto found = found_.find(key_of(status));
  if (found == found_.end()) return std::nullopt;
  PluginDescriptor plugin;
  Reader reader(found->second.bytes);
  reader(plugin);
  if (!reader.ok()) return std::nullopt;
  plugin.path = path;
  return plugin;
}

void NoteCache::keep(const PluginDescriptor& plugin, const struct stat& status) {
  Writer writer;
  writer(plugin);
  std::error_code failed;
  kept_.insert_or_assign(key_of(status), Record{fs::absolute(plugin.path, failed).string(), std::move(writer.out)});
}

std::string NoteCache::encoded(const std::map<Key, Record>& records) {
  Writer body;
  for (const auto& [key, record] : records) {
    for (const uint64_t part : key) body(part);
    body(record.path), body(record.bytes);
  }
  Writer header;
  Header head{this_program(), std::hash<std::string_view>()(body.out)};
  each_member(header, head);
  return std::string(kMagic) + header.out + body.out;
}

bool NoteCache::save() const {
  if (kept_.empty()) return true;
  if (places_.written.empty()) return false;
  std::map<Key, Record> records = kept_;
  for (const auto& [key, record] : found_) {
    struct stat status;
    if (records.size() < kMostRecords && ::stat(record.path.c_str(), &status) == 0 && key_of(status) == key) records.emplace(key, record);
  }
  return write_whole(places_.written, encoded(records));
}

}  // namespace heddle
