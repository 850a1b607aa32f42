// The jq programs that most filters are, answered without jq: by finding the field in the value, without a tree.
//
//   condition = and-or-terms of:  PATH | LITERAL | $var | PATH OP LITERAL | LITERAL OP PATH | ( condition ) ; then "| not" any number of
//   times PATH = .  .a  .a.b  ."a b"  .["a b"]      OP = ==  !=  <  <=  >  >=      LITERAL: null, a truth value, a number, a text without
//   escapes In place of a literal: a $var that is no list or object.
//
// It means exactly what jq means by it, errors and their messages included; a test compares the two.
#pragma once
#include <heddle/sdk.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace node_jq {

// A value that is no list and no object, as jq sees it.
struct Scalar {
  enum class Kind { kNull, kFalse, kTrue, kNumber, kString, kList, kObject };  // in jq's order
  Kind kind = Kind::kNull;
  double number = 0;
  std::string_view text;
};

class Comparison {
 public:
  // Nothing: the program is not one of these (or no program at all: jq will say). `vars` is borrowed during the call.
  static std::optional<Comparison> parse(std::string_view program, heddle::sdk::ValueRef vars);

  // Throws Error (INVALID) as jq would. Any thread.
  bool holds_for(heddle::sdk::ValueRef input) const { return holds(root_, input); }

  enum class Op { kTruth, kConstant, kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual, kAnd, kOr, kNot };
  struct Node {
    Op op = Op::kConstant;
    std::vector<std::string> path;            // of what is compared or tested
    Scalar::Kind kind = Scalar::Kind::kNull;  // what it is compared with; of a constant: what it is
    double number = 0;
    std::string text;
    size_t left = 0, right = 0;  // of and, or, not
  };

 private:
  bool holds(size_t node, heddle::sdk::ValueRef input) const;

  std::vector<Node> nodes_;
  size_t root_ = 0;
};

}  // namespace node_jq
