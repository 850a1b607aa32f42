// Items that failed and had no error port: said to the person as they come, and kept in a file.
#pragma once
#include <mutex>
#include <optional>
#include <string>

#include "cli/console.h"
#include "pipeline/run.h"

namespace heddle {

// One JSON object per line:
// {"node","code","class","message","sequence","line","attempts":[{"number","error","took_ms"}],"item":…|"text":…,"text_bytes"}. The item is
// kept as it was, for a replay; messages have secrets redacted. "line" only of what could not be read; "text_bytes", its whole length, only
// if "text" is no more than its beginning.
class DeadLetterFile : public DeadLetters {
 public:
  // `path` empty: letters are only counted. The file is created at the first letter, for its owner alone; an existing one is appended to.
  // `console` null: nothing is said. Both must outlive this.
  DeadLetterFile(std::string path, Console* console) : path_(std::move(path)), console_(console) {}
  ~DeadLetterFile() override;
  DeadLetterFile(const DeadLetterFile&) = delete;
  DeadLetterFile& operator=(const DeadLetterFile&) = delete;

  Result<void> add(const DeadLetter& letter) override;

  // After the run.
  uint64_t count() const { return count_; }
  // Where they are; empty if there is no file.
  std::string written_path() const { return fd_ >= 0 ? path_ : std::string(); }

 private:
  Result<void> open();

  const std::string path_;
  Console* const console_;
  int fd_ = -1;
  uint64_t count_ = 0;
};

// Letters beyond this many are not said one by one.
inline constexpr uint64_t kToldErrors = 10;

std::string dead_letter_json(const DeadLetter& letter);
// "calc: item 7: message [code]"
std::string dead_letter_text(const DeadLetter& letter);

// Whether a file of dead letters can be put at `path`, without creating anything: code "io" where its folder is missing or not writable.
Result<void> check_dead_letter_path(const std::string& path);

// <state home>/heddle/dead-letters/<pipeline>-<UTC time>-<pid>.jsonl. Empty if there is neither XDG_STATE_HOME nor HOME.
std::string default_dead_letter_path(const std::string& pipeline);

// <state home>/heddle/<folder>, or empty.
std::string state_folder(const std::string& folder);

}  // namespace heddle
