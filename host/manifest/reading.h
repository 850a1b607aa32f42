// What everybody shares who reads a JSON document strictly, a manifest or a configuration: errors with their place, and maps whose keys are
// all known.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "manifest/diagnostic.h"
#include "manifest/document.h"
#include "manifest/path.h"

namespace heddle {

inline constexpr uint64_t kMaxMilliseconds = uint64_t{366} * 24 * 60 * 60 * 1000;

class Reading {
 public:
  // `text` and `diagnostics` must outlive the reading. `file` names the text; what it takes in with ${file:path} lies in its folder.
  Reading(std::string_view text, std::string file, Diagnostics& diagnostics) : text_(text), file_(std::move(file)), diagnostics_(diagnostics) {}
  virtual ~Reading() = default;
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;

  std::string_view text() const { return text_; }
  const std::string& file() const { return file_; }
  Diagnostics& diagnostics() { return diagnostics_; }

  void error(std::string code, const Path& path, Span span, std::string message, std::string hint = {});

  // The same of a message in which no secret can be: it is shown as it is.
  void verbatim_error(std::string code, const Path& path, Span span, std::string message);

  // `did you mean "x"?`, or empty. Bounded over the whole reading, however many errors there are.
  std::string suggestion(std::string_view word, const std::vector<std::string>& candidates);

  // Whether the text may take in what lies on this host: variables of the environment, files.
  virtual bool takes_in() const { return true; }
  // What ${env.NAME} gives; null: it is not set.
  virtual const char* variable(const std::string& name) const;
  // A string whose `${…}` stays as it is: it may be anything, and is not checked.
  virtual bool is_open(std::string_view) const { return false; }
  // For a document that is written again: a string as it stands in the text, where substitution puts or would put another one; and an `x-*` member.
  virtual void keep_written(const Path&, const std::string&) {}
  virtual void take_in(const Path&, const JsonNode&) {}  // what substitution put there
  virtual void keep_extension(const Path&, const JsonNode&) {}

 private:
  virtual std::string pointer_in_text(const Path& path, Span) { return path.pointer(); }

  std::string_view text_;
  std::string file_;
  Diagnostics& diagnostics_;
  size_t comparisons_left_ = 1'000'000;
};

using Keys = std::span<const std::string_view>;

// One map with a fixed set of keys. The constructor reports the unknown ones and keeps `x-*`; the getters report what has the wrong type or
// is out of range, and leave their target alone then and when the key is absent. A getter answers whether the target was set.
class Fields {
 public:
  // `map` and `path` must outlive the fields. A value that is no map is reported, and then has no members.
  Fields(Reading& reading, JsonNode& map, const Path& path, Keys keys, std::string_view what);

  // The member, or null. For members with a form of their own.
  JsonNode* get(std::string_view key);
  JsonNode* require(std::string_view key);
  JsonNode* get_map(std::string_view key);
  JsonNode* get_list(std::string_view key);

  bool text(std::string_view key, std::string& out);
  bool required_text(std::string_view key, std::string& out);
  bool boolean(std::string_view key, bool& out);
  bool boolean(std::string_view key, std::optional<bool>& out);
  bool number(std::string_view key, double min, double max, double& out);
  bool choice(std::string_view key, std::initializer_list<std::string_view> choices, size_t& out);
  bool pointer(std::string_view key, std::string& out);  // a JSON Pointer
  template <class T>
  bool integer(std::string_view key, uint64_t min, uint64_t max, T& out) {
    uint64_t value;
    if (!whole(key, min, max, value)) return false;
    out = static_cast<T>(value);
    return true;
  }

  Path at(std::string_view key) const { return Path(path_, key); }
  Span span_of(std::string_view key) const;  // of the value; of the map where there is none
  void error(std::string code, std::string_view key, std::string message, std::string hint = {});

 private:
  bool whole(std::string_view key, uint64_t min, uint64_t max, uint64_t& out);
  void unknown(const JsonNode::Member& member, Keys keys);
  void wrong_type(std::string_view key, const JsonNode& value, std::string_view expected);
  // The value, if it is not one that substitution has been left out for.
  JsonNode* settled(std::string_view key);

  Reading& reading_;
  JsonNode& map_;
  const Path& path_;
  std::string_view what_;
};

std::string_view name_of(JsonKind kind);  // "a string", …
std::vector<std::string> to_strings(Keys keys);
bool is_extension(std::string_view key);  // "x-…"
bool is_name(std::string_view text);      // [A-Za-z_][A-Za-z0-9_-]*
bool is_json_pointer(std::string_view text);

// Numbers as written in JSON.
bool to_whole(std::string_view number, uint64_t& out);
bool to_double(std::string_view number, double& out);

// The place in the source of `length` bytes at `offset` of the unescaped text of the string at `span`.
Span span_inside(std::string_view source, Span span, size_t offset, size_t length);

}  // namespace heddle
