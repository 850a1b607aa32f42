#include <algorithm>

#include "manifest/activity_spec.h"
#include "manifest/reading.h"

namespace heddle {
namespace {

constexpr size_t kMostText = 1'000, kMostDepth = 16;

// By recursive descent; the text is short, and the depth bounded.
class TypeReader {
 public:
  explicit TypeReader(std::string_view text) : text_(text) {}

  Result<ActivityType> read() {
    auto type = read_type(0);
    skip_blanks();
    if (type && !text_.empty()) return Error("invalid", "nothing may follow \"" + type->text() + "\", but \"" + std::string(text_) + "\" does");
    return type;
  }

 private:
  Result<ActivityType> read_type(size_t depth) {
    using Kind = ActivityType::Kind;
    if (depth > kMostDepth) return Error("invalid", "nested more than " + std::to_string(kMostDepth) + " deep");
    skip_blanks();
    if (take("[]")) {
      auto of = read_type(depth + 1);
      if (!of) return of;
      ActivityType list{.kind = Kind::kList};
      list.of.push_back(*std::move(of));
      return list;
    }
    if (text_.starts_with("tuple(") || text_.starts_with("(")) {
      text_.remove_prefix(text_.find('(') + 1);
      return read_tuple(depth);
    }
    const std::string word = take_word();
    if (word == "string") return ActivityType{.kind = Kind::kString};
    if (word == "bool") return ActivityType{.kind = Kind::kBool};
    if (word == "int") return ActivityType{.kind = Kind::kInt};
    const std::string near = nearest(word, {"string", "bool", "int"});
    return Error("invalid", (word.empty() ? "a type is missing" : "there is no type \"" + word + "\"") + (near.empty() ? ": string, bool, int, []T, (T, T)" : "; did you mean \"" + near + "\"?"));
  }

  Result<ActivityType> read_tuple(size_t depth) {
    ActivityType tuple{.kind = ActivityType::Kind::kTuple};
    do {
      auto one = read_type(depth + 1);
      if (!one) return one;
      tuple.of.push_back(*std::move(one));
      skip_blanks();
      if (const std::string name = take_word(); !name.empty()) {
        if (std::find(tuple.names.begin(), tuple.names.end(), name) != tuple.names.end()) return Error("invalid", "\"" + name + "\" is twice in the tuple");
        tuple.names.push_back(name);
      }
      skip_blanks();
    } while (take(","));
    if (!take(")")) return Error("invalid", "the tuple has no end: \")\"");
    if (!tuple.names.empty() && tuple.names.size() != tuple.of.size()) return Error("invalid", "all parts of a tuple have a name, or none");
    return tuple;
  }

  void skip_blanks() { text_.remove_prefix(std::min(text_.find_first_not_of(' '), text_.size())); }
  bool take(std::string_view what) {
    if (!text_.starts_with(what)) return false;
    text_.remove_prefix(what.size());
    return true;
  }
  std::string take_word() {
    const auto in_word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; };
    const auto end = std::find_if_not(text_.begin(), text_.end(), in_word);
    std::string word(text_.begin(), end);
    text_.remove_prefix(word.size());
    return word;
  }

  std::string_view text_;
};

}  // namespace

std::string ActivityType::text() const {
  switch (kind) {
    case Kind::kString: return "string";
    case Kind::kBool: return "bool";
    case Kind::kInt: return "int";
    case Kind::kList: return "[]" + of[0].text();
    case Kind::kTuple: break;
  }
  std::string out = "(";
  for (size_t i = 0; i < of.size(); ++i) out += (i ? ", " : "") + of[i].text() + (names.empty() ? "" : " " + names[i]);
  return out + ")";
}

Result<ActivityType> read_activity_type(std::string_view text) {
  if (text.size() > kMostText) return Error("invalid", "longer than " + std::to_string(kMostText) + " characters");
  return TypeReader(text).read();
}

}  // namespace heddle
