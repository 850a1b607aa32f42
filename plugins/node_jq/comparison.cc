#include "comparison.h"

#include <charconv>

namespace node_jq {

using heddle::sdk::Error;
using heddle::sdk::Value;
using heddle::sdk::ValueRef;
using Op = Comparison::Op;
using Node = Comparison::Node;

namespace {

constexpr int kMaxNesting = 100;

bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name(char c) { return is_name_start(c) || is_digit(c); }

// Bytes, tensors and kinds of later hosts: jq sees their JSON text.
ValueRef as_json_kind(ValueRef v, Value& held) {
  if (v.kind() <= HEDDLE_STRING || v.is(HEDDLE_LIST) || v.is(HEDDLE_MAP)) return v;
  held = Value::parse(v.json());
  return held;
}

// `v` may be empty: a missing field. A list or object keeps its kind only: it is compared with scalars.
Scalar scalar_of(ValueRef v) {
  using Kind = Scalar::Kind;
  switch (v.kind()) {
    case HEDDLE_BOOL:
      return {*v.as_bool() ? Kind::kTrue : Kind::kFalse, 0, {}};
    case HEDDLE_INT:
    case HEDDLE_FLOAT:
    case HEDDLE_DECIMAL:
      return {Kind::kNumber, *v.as_float(), {}};
    case HEDDLE_STRING:
      return {Kind::kString, 0, *v.as_text()};
    case HEDDLE_LIST:
      return {Kind::kList, 0, {}};
    case HEDDLE_MAP:
      return {Kind::kObject, 0, {}};
    default:
      return {};
  }
}

const char* kind_name(Scalar::Kind kind) {
  switch (kind) {
    case Scalar::Kind::kNull:
      return "null";
    case Scalar::Kind::kFalse:
    case Scalar::Kind::kTrue:
      return "boolean";
    case Scalar::Kind::kNumber:
      return "number";
    case Scalar::Kind::kString:
      return "string";
    case Scalar::Kind::kList:
      return "array";
    case Scalar::Kind::kObject:
      break;
  }
  return "object";
}

// jq's order. One of the two is neither list nor object.
int order(const Scalar& a, const Scalar& b) {
  if (a.kind != b.kind) return a.kind < b.kind ? -1 : 1;
  if (a.kind == Scalar::Kind::kNumber) return a.number < b.number ? -1 : a.number == b.number ? 0 : 1;
  if (a.kind == Scalar::Kind::kString) return a.text.compare(b.text);  // bytes of UTF-8, as in jq
  return 0;
}

bool truth(Scalar::Kind kind) { return kind != Scalar::Kind::kNull && kind != Scalar::Kind::kFalse; }

bool compare(Op op, int ordered) {
  switch (op) {
    case Op::kEqual:
      return ordered == 0;
    case Op::kNotEqual:
      return ordered != 0;
    case Op::kLess:
      return ordered < 0;
    case Op::kLessEqual:
      return ordered <= 0;
    case Op::kGreater:
      return ordered > 0;
    default:
      return ordered >= 0;
  }
}

Op mirrored(Op op) {
  switch (op) {
    case Op::kLess:
      return Op::kGreater;
    case Op::kLessEqual:
      return Op::kGreaterEqual;
    case Op::kGreater:
      return Op::kLess;
    case Op::kGreaterEqual:
      return Op::kLessEqual;
    default:
      return op;
  }
}

// Reads the language of comparison.h, and gives up (false, npos) at whatever else it meets.
class Parser {
 public:
  Parser(std::string_view text, ValueRef vars, std::vector<Node>& nodes) : text_(text), vars_(vars), nodes_(nodes) {}

  size_t whole() {
    const size_t root = piped(0);
    space();
    return at_ == text_.size() ? root : kNone;
  }

  static constexpr size_t kNone = SIZE_MAX;

 private:
  size_t piped(int depth) {
    size_t left = any(depth);
    while (left != kNone && accept_sign('|')) {
      if (!accept_word("not")) return kNone;
      left = add({Op::kNot, {}, {}, 0, {}, left, 0});
    }
    return left;
  }

  size_t any(int depth) {
    size_t left = all(depth);
    while (left != kNone && accept_word("or")) {
      const size_t right = all(depth);
      left = right == kNone ? kNone : add({Op::kOr, {}, {}, 0, {}, left, right});
    }
    return left;
  }

  size_t all(int depth) {
    size_t left = one(depth);
    while (left != kNone && accept_word("and")) {
      const size_t right = one(depth);
      left = right == kNone ? kNone : add({Op::kAnd, {}, {}, 0, {}, left, right});
    }
    return left;
  }

  size_t one(int depth) {
    if (accept_sign('(')) {
      if (depth == kMaxNesting) return kNone;
      const size_t inside = piped(depth + 1);
      return inside != kNone && accept_sign(')') && !comparison_follows() ? inside : kNone;
    }
    Node left, right;
    if (!operand(left)) return kNone;
    const auto op = comparison();
    if (!op) return add(std::move(left));
    if (!operand(right) || (left.op == Op::kTruth) == (right.op == Op::kTruth)) return kNone;
    Node compared = left.op == Op::kTruth ? std::move(right) : std::move(left);
    compared.path = left.op == Op::kTruth ? std::move(left.path) : std::move(right.path);
    compared.op = left.op == Op::kTruth ? *op : mirrored(*op);
    return add(std::move(compared));
  }

  // A path (kTruth) or something that is known now (kConstant).
  bool operand(Node& out) {
    space();
    if (at_ == text_.size()) return false;
    const char c = text_[at_];
    if (c == '.' && !(at_ + 1 < text_.size() && is_digit(text_[at_ + 1]))) return path(out);
    out.op = Op::kConstant;
    if (c == '$') return variable(out);
    if (c == '"') {
      out.kind = Scalar::Kind::kString;
      return string(out.text);
    }
    if (is_digit(c) || c == '.' || c == '-') return number(out);
    if (accept_word("null")) return true;
    if (accept_word("true")) return out.kind = Scalar::Kind::kTrue, true;
    if (accept_word("false")) return out.kind = Scalar::Kind::kFalse, true;
    return false;
  }

  bool path(Node& out) {
    out.op = Op::kTruth;
    ++at_;
    if (peek() == '.') return false;
    bool dot = true;  // behind one
    for (bool first = true;; first = false) {
      std::string key;
      if (dot && is_name_start(peek())) {
        while (is_name(peek())) key += text_[at_++];
      } else if (dot && peek() == '"') {
        if (!string(key)) return false;
      } else if (peek() == '[' && (!dot || first)) {
        ++at_;
        if (!string(key) || peek() != ']') return false;
        ++at_;
      } else {
        return !dot || first;
      }
      out.path.push_back(std::move(key));
      dot = peek() == '.';
      if (dot) ++at_;
    }
  }

  bool variable(Node& out) {
    ++at_;
    std::string name;
    if (!is_name_start(peek())) return false;
    while (is_name(peek())) name += text_[at_++];
    const ValueRef value = vars_.find(name);
    if (!value || name == "__loc__" || name == "ENV" || value.kind() > HEDDLE_STRING) return false;
    const Scalar scalar = scalar_of(value);
    out.kind = scalar.kind;
    out.number = scalar.number;
    out.text = scalar.text;
    return true;
  }

  bool number(Node& out) {
    out.kind = Scalar::Kind::kNumber;
    const bool negative = peek() == '-';
    if (negative) ++at_;
    if (!is_digit(peek()) && !(peek() == '.' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1]))) return false;
    const char* const end = text_.data() + text_.size();
    const auto [stop, failed] = std::from_chars(text_.data() + at_, end, out.number);
    if (failed != std::errc()) return false;
    at_ = static_cast<size_t>(stop - text_.data());
    if (negative) out.number = -out.number;
    return !is_name(peek()) && peek() != '.';
  }

  bool string(std::string& out) {
    if (peek() != '"') return false;
    const size_t end = text_.find_first_of("\"\\", at_ + 1);
    if (end == text_.npos || text_[end] == '\\') return false;
    out = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return true;
  }

  std::optional<Op> comparison() {
    static constexpr std::pair<std::string_view, Op> kOps[] = {{"==", Op::kEqual},        {"!=", Op::kNotEqual}, {"<=", Op::kLessEqual},
                                                               {">=", Op::kGreaterEqual}, {"<", Op::kLess},      {">", Op::kGreater}};
    space();
    for (const auto& [sign, op] : kOps) {
      if (!text_.substr(at_).starts_with(sign)) continue;
      at_ += sign.size();
      return op;
    }
    return std::nullopt;
  }

  bool comparison_follows() {
    const size_t before = at_;
    const bool follows = comparison().has_value();
    at_ = before;
    return follows;
  }

  bool accept_word(std::string_view word) {
    space();
    const std::string_view rest = text_.substr(at_);
    if (!rest.starts_with(word) || (rest.size() > word.size() && (is_name(rest[word.size()]) || rest[word.size()] == ':'))) return false;
    at_ += word.size();
    return true;
  }

  bool accept_sign(char sign) {
    space();
    if (peek() != sign) return false;
    ++at_;
    return peek() != '=';  // "|=" is another operator
  }

  size_t add(Node node) {
    nodes_.push_back(std::move(node));
    return nodes_.size() - 1;
  }

  void space() {
    while (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r') ++at_;
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  std::string_view text_;
  ValueRef vars_;
  std::vector<Node>& nodes_;
  size_t at_ = 0;
};

// The value at the path, as jq finds it: a missing field and what lies in it are null.
Scalar scalar_at(const std::vector<std::string>& path, ValueRef v, Value& held) {
  for (const std::string& key : path) {
    v = as_json_kind(v, held);
    if (v.is(HEDDLE_MAP)) {
      const ValueRef found = v.find(key);
      if (!found) return {};
      v = found;
    } else if (!v.is_null()) {
      throw Error(HEDDLE_INVALID, std::string("jq: Cannot index ") + kind_name(scalar_of(v).kind) + " with string \"" + key + "\"");
    }
  }
  return scalar_of(as_json_kind(v, held));
}

}  // namespace

std::optional<Comparison> Comparison::parse(std::string_view program, ValueRef vars) {
  Comparison made;
  made.root_ = Parser(program, vars, made.nodes_).whole();
  if (made.root_ == Parser::kNone) return std::nullopt;
  return made;
}

bool Comparison::holds(size_t index, ValueRef input) const {
  const Node& node = nodes_[index];
  switch (node.op) {
    case Op::kAnd:
      return holds(node.left, input) && holds(node.right, input);
    case Op::kOr:
      return holds(node.left, input) || holds(node.right, input);
    case Op::kNot:
      return !holds(node.left, input);
    case Op::kConstant:
      return truth(node.kind);
    default:
      break;
  }
  Value held;
  const Scalar found = scalar_at(node.path, input, held);
  if (node.op == Op::kTruth) return truth(found.kind);
  return compare(node.op, order(found, {node.kind, node.number, node.text}));
}

}  // namespace node_jq
