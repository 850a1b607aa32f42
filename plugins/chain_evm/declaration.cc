#include "declaration.h"

#include <heddle/sdk/error.h>

#include <algorithm>
#include <array>
#include <optional>

namespace chain_evm {
namespace {

using heddle::sdk::Error;
using Kind = AbiType::Kind;

constexpr size_t kMostText = 16384, kMostName = 128, kShown = 200;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

template <size_t N>
bool is_one_of(std::string_view word, const std::array<std::string_view, N>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}
constexpr std::array<std::string_view, 4> kPlaces = {"memory", "calldata", "storage", "payable"};
constexpr std::array<std::string_view, 8> kModifiers = {"view",     "pure",   "payable", "nonpayable",
                                                        "external", "public", "virtual", "override"};

// A whole number of up to four digits without a zero in front: the size of a type.
std::optional<size_t> size_of(std::string_view digits) {
  if (digits.empty() || digits.size() > 4 || digits[0] == '0' || !std::all_of(digits.begin(), digits.end(), is_digit)) return std::nullopt;
  return std::stoul(std::string(digits));
}

std::optional<AbiType> elementary(std::string_view word) {
  if (word == "address") return AbiType{.kind = Kind::kAddress};
  if (word == "bool") return AbiType{.kind = Kind::kBool};
  if (word == "bytes") return AbiType{.kind = Kind::kBytes};
  if (word == "string") return AbiType{.kind = Kind::kString};
  if (word == "uint" || word == "int") return AbiType{.kind = word == "uint" ? Kind::kUint : Kind::kInt, .size = 256};
  const bool is_int = word.starts_with("int"), is_uint = word.starts_with("uint");
  const auto size = size_of(word.substr(std::min<size_t>(word.size(), is_int ? 3 : is_uint ? 4 : 5)));
  if (is_int || is_uint) {
    if (!size || *size > 256 || *size % 8 != 0) return std::nullopt;
    return AbiType{.kind = is_uint ? Kind::kUint : Kind::kInt, .size = *size};
  }
  if (!word.starts_with("bytes") || !size || *size > 32) return std::nullopt;
  return AbiType{.kind = Kind::kFixedBytes, .size = *size};
}

size_t depth_of(const AbiType& type) {
  size_t deepest = 0;
  for (const AbiType& part : type.parts) deepest = std::max(deepest, depth_of(part));
  return deepest + 1;
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Declaration read() {
    if (text_.size() > kMostText) throw Error(HEDDLE_INVALID, "a declaration has more than 16384 characters");
    Declaration declared;
    declared.name = word("a name");
    // "error(uint256)" is a function of that name.
    if (peek() != '(') {
      if (declared.name == "event")
        declared.kind = Declaration::Kind::kEvent;
      else if (declared.name == "error")
        declared.kind = Declaration::Kind::kError;
      else if (declared.name != "function")
        fail("it is \"function\", \"event\" or \"error\" and then a name");
      declared.name = word("a name");
    }
    if (declared.name == "function") fail("a function has a name");
    const bool is_event = declared.kind == Declaration::Kind::kEvent;
    declared.inputs = parameters(1, is_event);
    if (declared.kind == Declaration::Kind::kFunction) ends_of_function(declared);
    if (is_event && is_letter(peek())) declared.is_anonymous = expect("anonymous");
    if (peek() == ';') ++at_;
    if (peek() != '\0' || at_ < text_.size()) fail("there is more than belongs there");
    return declared;
  }

 private:
  [[noreturn]] void fail(const std::string& why) const {
    std::string shown(text_.substr(0, kShown));
    std::replace_if(
        shown.begin(), shown.end(), [](char c) { return c < ' ' || c > '~'; }, '.');
    throw Error(HEDDLE_INVALID, "\"" + shown + (text_.size() > kShown ? "…" : "") + "\" is no declaration: at character " +
                                    std::to_string(at_ + 1) + ": " + why);
  }

  // The next character that is no space; 0 at the end.
  char peek() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  void take(char c) {
    if (peek() != c) fail(std::string("\"") + c + "\" is missing");
    ++at_;
  }
  std::string word(const char* what) {
    if (!is_letter(peek())) fail(std::string(what) + " is missing");
    const size_t begin = at_;
    while (at_ < text_.size() && (is_letter(text_[at_]) || is_digit(text_[at_]))) ++at_;
    if (at_ - begin > kMostName) fail("a name has more than 128 characters");
    return std::string(text_.substr(begin, at_ - begin));
  }
  bool expect(std::string_view wanted) {
    if (word("a word") != wanted) fail("only \"" + std::string(wanted) + "\" may stand there");
    return true;
  }

  void ends_of_function(Declaration& declared) {
    while (is_letter(peek())) {
      const std::string next = word("a word");
      if (next == "returns") {
        declared.has_outputs = true;
        declared.outputs = parameters(1, false);
        return;
      }
      if (!is_one_of(next, kModifiers)) fail("\"" + next + "\" means nothing here");
    }
  }

  // With both parentheses.
  AbiTypes parameters(size_t depth, bool may_index) {
    AbiTypes types;
    take('(');
    if (peek() == ')') {
      ++at_;
      return types;
    }
    for (;;) {
      types.push_back(parameter(depth, may_index));
      if (peek() == ')') break;
      take(',');
    }
    ++at_;
    return types;
  }

  AbiType parameter(size_t depth, bool may_index) {
    AbiType found = type(depth);
    while (is_letter(peek())) {
      std::string next = word("a name");
      if (next == "indexed" && may_index && !found.is_indexed) {
        found.is_indexed = true;
      } else if (next == "indexed") {
        fail("\"indexed\" may stand there only in an event, and once");
      } else if (!is_one_of(next, kPlaces)) {
        found.name = std::move(next);
        break;
      }
    }
    return found;
  }

  AbiType type(size_t depth) {
    if (depth > AbiType::kMostDepth) fail("tuples and arrays are nested too deep");
    if (++parts_ > AbiType::kMostParts) fail("there are too many types");
    AbiType found = peek() == '(' ? tuple(depth) : named(depth);
    for (size_t arrays = 0; peek() == '['; ++arrays) {
      if (arrays == AbiType::kMostDepth) fail("tuples and arrays are nested too deep");
      ++at_;
      (void)peek();
      const size_t begin = at_;
      while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
      const std::string_view digits = text_.substr(begin, at_ - begin);
      take(']');
      found = array_of(std::move(found), digits);
    }
    if (depth_of(found) > AbiType::kMostDepth) fail("tuples and arrays are nested too deep");
    return found;
  }
  AbiType named(size_t depth) {
    const std::string name = word("a type");
    if (name == "tuple" && peek() == '(') return tuple(depth);
    std::optional<AbiType> found = elementary(name);
    if (!found) fail("\"" + name + "\" is no type: a contract is an address, an enum is uint8, a struct is (…)");
    return *std::move(found);
  }
  AbiType tuple(size_t depth) {
    AbiType found{.kind = Kind::kTuple, .parts = parameters(depth + 1, false)};
    if (found.parts.empty()) fail("a tuple has no components");
    return found;
  }
  AbiType array_of(AbiType element, std::string_view digits) {
    if (digits.empty()) {
      AbiType list{.kind = Kind::kList};
      list.parts.push_back(std::move(element));
      return list;
    }
    size_t size = 0;
    for (const char c : digits.substr(0, 8)) size = size * 10 + static_cast<size_t>(c - '0');
    if (digits.size() > 7 || size == 0 || digits[0] == '0' || size > AbiType::kMostHead / element.head_size())
      fail("an array has no size that can be used");
    AbiType array{.kind = Kind::kArray, .size = size};
    array.parts.push_back(std::move(element));
    return array;
  }

  const std::string_view text_;
  size_t at_ = 0, parts_ = 0;
};

}  // namespace

Declaration parse_declaration(std::string_view text) { return Reader(text).read(); }

}  // namespace chain_evm
