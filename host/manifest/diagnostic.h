// What is wrong with a manifest, said so that a person can act on it: code, place, the line with a caret, a suggestion.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace heddle {

enum class Severity : uint8_t { kError, kWarning, kNote };

// A piece of the source: bytes [offset, offset + length). offset npos: no place (a synthesised value).
struct Span {
  static constexpr size_t kNone = static_cast<size_t>(-1);
  size_t offset = kNone;
  size_t length = 0;
};

struct Diagnostic {
  Severity severity = Severity::kError;
  std::string code;     // stable: "unknown-key", "cycle", …
  std::string pointer;  // JSON Pointer of the value meant
  Span span;
  std::string message;  // what is wrong
  std::string hint;     // what to do: "did you mean \"nodes\"?", or empty
  bool verbatim = false;  // the message holds nothing of a secret, whatever it looks like: it is not redacted
};

// Collects diagnostics of one source text. At most kMax errors, and as many of lesser severity, are kept; the rest is counted.
class Diagnostics {
 public:
  static constexpr size_t kMax = 200;

  Diagnostics(std::string file, std::string_view text) : file_(std::move(file)), text_(text) {}
  void add(Diagnostic d);
  bool has_errors() const { return errors_ > 0; }
  size_t errors() const { return errors_; }
  const std::vector<Diagnostic>& all() const { return all_; }

  // The value at `span` is not known (a reference that cannot be resolved, params that are no map): what is wrong with it is said already,
  // and what would follow from it is not worth saying.
  void doubt(Span span);
  // Some error or doubt lies in `span` or around it: a further finding there may only follow from the first.
  bool is_doubtful(Span span) const;
  // `span` lies in a value that is not known.
  bool is_unknown(Span span) const;

  // Ready for stderr: "file:line:column: error[code]: message", the line with a caret, the hint. Sorted by place. `color`: ANSI colours.
  // Nothing of it can steer a terminal, and no secret known to log::redact is in it.
  std::string text(bool color) const;
  // The same as a JSON list of {severity, code, file, line, column, pointer, message, hint}.
  std::string json() const;

  struct Place {
    size_t line = 0, column = 0;  // from 1; column in characters; 0: no place
  };
  Place place(size_t offset) const;

 private:
  std::string file_;
  std::string text_;  // a copy: the diagnostics outlive the reader
  std::vector<Diagnostic> all_;
  std::vector<Span> doubts_;
  size_t errors_ = 0;
  size_t lesser_ = 0;  // warnings and notes
};

// The candidate nearest to `word` (Damerau-Levenshtein, at most a third of its length, case ignored), or empty.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace heddle
