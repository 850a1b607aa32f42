#include "cli/dead_letter_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "value/json_value.h"
#include "log.h"

namespace heddle {
namespace {

// Creates the folders above `path`, for their owner alone where they are new.
void make_folders_above(const std::string& path) {
  for (size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1)) {
    ::mkdir(path.substr(0, at).c_str(), 0700);  // what went wrong is told by the open that follows
  }
}

std::string file_word(const std::string& name) {
  std::string out;
  for (char c : name.substr(0, 64)) {
    bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || (c == '.' && !out.empty());
    out += plain ? c : '_';
  }
  return out.empty() ? "pipeline" : out;
}

Value attempts_json(const std::vector<Attempt>& attempts) {
  std::vector<Value> list;
  for (const Attempt& a : attempts) {
    list.push_back(json_object(
        {{"number", json_count(a.number)}, {"error", json_text(log::redacted(a.error))}, {"took_ms", json_count(a.took_ns / 1'000'000)}}));
  }
  return Value::list(std::move(list));
}

}  // namespace

std::string dead_letter_json(const DeadLetter& letter) {
  std::vector<std::pair<std::string, Value>> members{{"node", json_text(letter.node)},
                                                     {"code", json_text(letter.error.code)},
                                                     {"class", json_text(name_of(letter.error.error_class))},
                                                     {"message", json_text(log::redacted(letter.error.text()))},
                                                     {"sequence", json_count(letter.sequence)}};
  if (!letter.error.details.empty()) members.emplace_back("details", json_or_text(log::redacted(letter.error.details)));
  if (letter.line) members.emplace_back("line", json_count(letter.line));
  members.emplace_back("attempts", attempts_json(letter.attempts));
  if (letter.is_partial) members.emplace_back("partial", Value::boolean(true));
  if (letter.item)
    members.emplace_back("item", letter.item);
  else if (!letter.text.empty())
    members.emplace_back("text", json_text(letter.text));
  if (!letter.item && letter.text_bytes > letter.text.size()) members.emplace_back("text_bytes", json_count(letter.text_bytes));
  return json_object(std::move(members)).json();
}

std::string dead_letter_text(const DeadLetter& letter) {
  std::string out = letter.node;
  // What is wrong with a line says the line itself.
  if (!letter.line && letter.sequence) out += ": item " + std::to_string(letter.sequence);
  return out + ": " + letter.error.text() + " [" + letter.error.code + "]";
}

std::string state_folder(const std::string& folder) {
  const char* state = ::getenv("XDG_STATE_HOME");
  if (state && state[0] == '/') return std::string(state) + "/heddle/" + folder;  // the XDG rules: relative paths are ignored
  const char* home = ::getenv("HOME");
  return home && home[0] == '/' ? std::string(home) + "/.local/state/heddle/" + folder : std::string();
}

std::string default_dead_letter_path(const std::string& pipeline) {
  std::string folder = state_folder("dead-letters");
  if (folder.empty()) return {};
  char when[32];
  std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  std::strftime(when, sizeof when, "%Y%m%dT%H%M%SZ", &utc);
  return folder + "/" + file_word(pipeline) + "-" + when + "-" + std::to_string(::getpid()) + ".jsonl";
}

Result<void> check_dead_letter_path(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  const auto refuse = [&](int why) {
    return Error("io", "cannot keep dead letters in " + path + ": " + std::strerror(why) + (why == ENOENT ? ": " + folder : ""));
  };
  struct stat info;
  if (::stat(folder.c_str(), &info) < 0) return refuse(errno);
  const bool exists = ::stat(path.c_str(), &info) == 0;
  if (exists && S_ISDIR(info.st_mode)) return refuse(EISDIR);
  if (::access(exists ? path.c_str() : folder.c_str(), W_OK) < 0) return refuse(errno);
  return {};
}

DeadLetterFile::~DeadLetterFile() {
  if (fd_ >= 0) ::close(fd_);
}

Result<void> DeadLetterFile::open() {
  make_folders_above(path_);
  fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd_ >= 0) return {};
  return Error(
      "io", "cannot create the file of dead letters " + path_ + ": " + std::strerror(errno) + " (--dead-letters FILE puts it elsewhere)");
}

Result<void> DeadLetterFile::add(const DeadLetter& letter) {
  ++count_;
  if (console_ && count_ <= kToldErrors) console_->line(dead_letter_text(letter));
  if (path_.empty()) return {};
  if (fd_ < 0) {
    if (Result<void> opened = open(); !opened) return opened;
  }
  // One write per letter: what was said to be kept is kept, whatever happens to the process.
  Result<void> written = write_all(fd_, dead_letter_json(letter) + "\n");
  if (written) return {};
  return Error("io", "cannot write the file of dead letters " + path_ + ": " + written.error().message);
}

}  // namespace heddle
