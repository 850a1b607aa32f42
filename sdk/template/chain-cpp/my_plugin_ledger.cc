#include "my_plugin_ledger.h"

#include <fcntl.h>
#include <heddle/sdk/chain.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <optional>

namespace plugin {
namespace {

using heddle::sdk::Refusal;

constexpr std::string_view kFirstLine = "{\"ledger\":\"my_plugin 1\"}\n";

Refusal failure(const std::string& doing, const std::string& path) {
  return Refusal(HEDDLE_UNAVAILABLE, "unavailable", "cannot " + doing + " " + path + ": " + std::strerror(errno));
}

// Nobody writes while it lives; alone: nobody reads, either.
class Lock {
 public:
  Lock(int file, bool alone, const std::string& path) : file_(file) {
    if (::flock(file_, alone ? LOCK_EX : LOCK_SH) != 0) throw failure("lock", path);
  }
  Lock(const Lock&) = delete;
  ~Lock() { ::flock(file_, LOCK_UN); }

 private:
  const int file_;
};

std::optional<std::string> from_base64(std::string_view text) {
  static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text.substr(0, text.find('='))) {
    const size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(digit);
    count += 6;
    if (count >= 8) out += static_cast<char>(bits >> (count -= 8));
  }
  return out;
}

std::string hex(uint64_t number) {
  std::string out;
  for (int shift = 60; shift >= 0; shift -= 4) out += "0123456789abcdef"[number >> shift & 15];
  return out;
}

}  // namespace

std::string_view text_in(ValueRef map, std::string_view key) {
  const ValueRef found = map.find(key);
  return found.is(HEDDLE_STRING) ? found.as_text().value_or("") : std::string_view();
}
int64_t number_in(ValueRef map, std::string_view key) { return map.find(key).as_int().value_or(0); }
int64_t unix_now() { return ::time(nullptr); }

void Ledger::open() {
  try {
    file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file_ < 0) throw failure("open", path_);
    if (!account_.empty()) {
      const std::string lock = path_ + "." + account_ + ".lock";
      lock_ = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
      if (lock_ < 0) throw failure("open", lock);
      if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) throw Refusal(HEDDLE_CONFLICT, "in-use", "somebody else works as " + account_ + " on " + path_ + " at the moment");
    }
    news_ = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (news_ >= 0) ::inotify_add_watch(news_, path_.c_str(), IN_MODIFY);
    begin_file();
  } catch (const heddle::sdk::Error&) {
    close();
    throw;
  }
}

void Ledger::close() noexcept {
  for (int* const each : {&file_, &lock_, &news_})
    if (*each >= 0) ::close(std::exchange(*each, -1));
  read_ = sum_ = 0;
  tail_.clear();
  entries_.clear();
  activities_.clear();
  keys_.clear();
  numbers_.clear();
}

void Ledger::take_news() noexcept {
  char events[4096];
  while (::read(news_, events, sizeof events) > 0) {}
}

void Ledger::begin_file() {
  const Lock alone(file_, true, path_);
  read_new();
  const bool is_begun = entries_.empty() && kFirstLine.starts_with(tail_);
  if (is_begun) {
    cut_tail();
    append(std::string(kFirstLine));
  }
  if (entries_.empty() || text_in(entries_[0].said, "ledger") != "my_plugin 1") throw Refusal(HEDDLE_INVALID, "other-chain", path_ + " is no ledger of my_plugin");
}

void Ledger::catch_up() {
  const Lock lock(file_, false, path_);
  read_new();
}

void Ledger::read_new() {
  struct stat about;
  if (::fstat(file_, &about) != 0) throw failure("read", path_);
  if (static_cast<uint64_t>(about.st_size) < read_) throw Refusal(HEDDLE_UNAVAILABLE, "unavailable", path_ + " has lost entries that it had: it only ever grows");
  std::string text(static_cast<size_t>(about.st_size) - read_, '\0');
  const ssize_t n = text.empty() ? 0 : ::pread(file_, text.data(), text.size(), static_cast<off_t>(read_));
  if (n < 0) throw failure("read", path_);
  std::string_view left(text.data(), static_cast<size_t>(n));
  for (size_t end = left.find('\n'); end != std::string_view::npos; end = left.find('\n')) {
    take(left.substr(0, end + 1));
    read_ += end + 1;
    left.remove_prefix(end + 1);
  }
  tail_ = left;
}

// A line that is no entry is one that nobody heeds.
void Ledger::take(std::string_view line) {
  Entry entry;
  for (const char c : line) sum_ = (sum_ ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  entry.hash = hex(sum_);
  heddle::sdk::detail::guard([&] { entry.said = Value::parse(line); }, [](heddle_status, std::string_view) {});
  if (!entry.said.is(HEDDLE_MAP)) entry.said = Value::parse("{}");
  const std::string by(text_in(entry.said, "by"));
  if (!by.empty()) entry.number = numbers_[by]++;
  if (!entries_.empty()) entry.refused = try_out(entry.said, true);
  const std::string_view key = text_in(entry.said, "key");
  if (entry.refused.empty() && !account_.empty() && by == account_ && !key.empty()) keys_.emplace(key, entries_.size());
  entries_.push_back(std::move(entry));
}

// The rules: why this entry would change nothing, or nothing. An activity is his who claimed it until somebody else does.
std::string Ledger::try_out(ValueRef said, bool and_do) {
  const std::string_view deed = text_in(said, "do"), id = text_in(said, "activity"), by = text_in(said, "by");
  if (deed == "resume") return text_in(said, "workflow").empty() ? "it names no \"workflow\"" : "";
  if (id.empty()) return "it names no \"activity\"";
  const auto found = activities_.find(id);
  const int64_t at = number_in(said, "at_unix");
  if (deed == "offer") {
    const auto input = from_base64(text_in(said, "input"));
    if (found != activities_.end()) return "there is an activity " + std::string(id) + " already";
    if (text_in(said, "queue").empty() || text_in(said, "kind").empty()) return "an offer has a \"queue\" and a \"kind\"";
    if (!input) return "the \"input\" of an offer is base64";
    if (!and_do) return {};
    activities_[std::string(id)] = {entries_.size(), "offered", std::string(text_in(said, "workflow")), std::string(text_in(said, "kind")), std::string(text_in(said, "queue")), {}, *input,
                                    number_in(said, "partition"), number_in(said, "priority"), at, number_in(said, "expires_unix"), 0, 0};
    return {};
  }
  if (found == activities_.end()) return "there is no activity " + std::string(id);
  Activity next = found->second;
  if (deed == "claim") {
    if (!next.is_open(at)) return "the activity " + std::string(id) + " is not to be claimed: it is " + next.state + (next.state == "assigned" ? " to " + next.worker : next.state == "offered" ? ", and expired" : "");
    next.state = "assigned";
    next.worker = by;
  } else if (next.state != "assigned" || next.worker != by || by.empty()) {
    return "the activity " + std::string(id) + " is not " + std::string(by) + "'s: it is " + next.state + (next.worker.empty() ? "" : " (" + next.worker + ")");
  }
  if (deed == "claim" || deed == "heartbeat") next.lease_until_unix = number_in(said, "lease_until_unix");
  if (deed == "heartbeat") next.percent = number_in(said, "percent");
  else if (deed == "complete" || deed == "fail") next.state = deed == "complete" ? "completed" : "failed";
  else if (deed != "claim") return "nobody knows how to do \"" + std::string(deed) + "\"";
  if (and_do) found->second = std::move(next);
  return {};
}

// What somebody did not write to its end was never answered.
void Ledger::cut_tail() {
  if (tail_.empty()) return;
  if (::ftruncate(file_, static_cast<off_t>(read_)) != 0) throw failure("mend", path_);
  tail_.clear();
}

void Ledger::append(std::string line) {
  cut_tail();
  const ssize_t n = ::write(file_, line.data(), line.size());
  if (n != static_cast<ssize_t>(line.size()) || ::fsync(file_) != 0) {
    const Refusal why = n >= 0 && n < static_cast<ssize_t>(line.size()) ? Refusal(HEDDLE_UNAVAILABLE, "unavailable", "there is no room for another entry in " + path_) : failure("write", path_);
    static_cast<void>(!::ftruncate(file_, static_cast<off_t>(read_)));
    throw why;
  }
  read_new();
}

uint64_t Ledger::submit(std::string_view key, std::vector<Value::Entry> deed, int64_t not_after_unix) {
  if (account_.empty()) throw Refusal(HEDDLE_UNSUPPORTED, "no-key", "nothing can be written without an account: the param \"account\" names one");
  const Lock alone(file_, true, path_);
  read_new();
  if (const auto taken = keys_.find(key); taken != keys_.end()) {
    if (::fsync(file_) != 0) throw failure("write", path_);  // whoever wrote it may have been stopped before he knew
    return taken->second;
  }
  const int64_t now = unix_now();
  if (not_after_unix != 0 && now > not_after_unix) throw Refusal(HEDDLE_DEADLINE, "too-late", "it is later than it was wanted");
  deed.push_back({"by", Value::string(account_)});
  deed.push_back({"key", Value::string(key)});
  deed.push_back({"at_unix", Value::integer(now)});
  const Value said = Value::map(deed);
  if (const std::string why = try_out(said, false); !why.empty()) throw Refusal(HEDDLE_INVALID, "refused", why);
  append(std::string(said.json()) + "\n");
  const auto taken = keys_.find(key);
  if (taken == keys_.end()) throw Refusal(HEDDLE_UNAVAILABLE, "unavailable", "somebody has written to " + path_ + " without its lock");
  return taken->second;
}

}  // namespace plugin
