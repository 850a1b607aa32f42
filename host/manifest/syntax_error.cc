#include "manifest/syntax_error.h"

#include <algorithm>
#include <cctype>
#include <string>

#include "manifest/utf8.h"

namespace heddle {
namespace {

using rapidjson::ParseErrorCode;

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '$' || c == '-' || c == '.'; }

struct Finding {
  std::string message, hint;
  Span span;
};

class SyntaxError {
 public:
  SyntaxError(std::string_view text, const SyntaxContext& context, const Diagnostics& diagnostics)
      : text_(text), context_(context), diagnostics_(diagnostics), at_(std::min(context.offset, text.size())) {
    token_ = context.previous_end;
    while (token_ < text.size() && std::string_view(" \t\r\n,:").find(text[token_]) != std::string_view::npos) ++token_;
    token_ = std::min(token_, at_);
  }

  Finding find() const {
    switch (context_.code) {
      case rapidjson::kParseErrorStringUnicodeEscapeInvalidHex:
        return {"\"\\u\" needs four hexadecimal digits after it", "", {at_, 2}};
      case rapidjson::kParseErrorStringUnicodeSurrogateInvalid:
        return {"this \"\\u\" escape is one half of a surrogate pair without the other", "", {at_, 6}};
      case rapidjson::kParseErrorStringInvalidEncoding:
        return {"this string is not valid UTF-8", "save the file as UTF-8", {at_, 1}};
      case rapidjson::kParseErrorStringMissQuotationMark:
      case rapidjson::kParseErrorStringEscapeInvalid:
        return string();
      case rapidjson::kParseErrorNumberTooBig:
        return {"this number is too big", "write it as a string", {at_, word_length(at_)}};
      case rapidjson::kParseErrorNumberMissFraction:
        return {"a digit must follow the \".\" of a number", "", {at_, 1}};
      case rapidjson::kParseErrorNumberMissExponent:
        return {"a digit must follow the exponent of a number", "", {at_, 1}};
      case rapidjson::kParseErrorDocumentEmpty:
      case rapidjson::kParseErrorDocumentRootNotSingular:
        return document();
      case rapidjson::kParseErrorObjectMissName:
        return key();
      case rapidjson::kParseErrorObjectMissColon:
        return colon();
      case rapidjson::kParseErrorObjectMissCommaOrCurlyBracket:
      case rapidjson::kParseErrorArrayMissCommaOrSquareBracket:
        return separator();
      default:
        return context_.open ? value() : document();
    }
  }

 private:
  char byte(size_t i) const { return i < text_.size() ? text_[i] : '\0'; }
  bool ended(size_t i) const { return i >= text_.size(); }

  size_t word_length(size_t from) const {
    size_t end = from;
    while (end < text_.size() && is_word(text_[end])) ++end;
    return std::max<size_t>(end - from, 1);
  }

  std::string word(size_t from) const { return std::string(text_.substr(from, std::min<size_t>(word_length(from), 40))); }

  // The character at `i` as it can be quoted in a message.
  std::string quoted(size_t i) const {
    if (std::isalnum(static_cast<unsigned char>(byte(i)))) return "\"" + word(i) + "\"";
    if (ended(i)) return "the end";
    const Utf8Char c = utf8_char(text_.substr(i));
    return "\"" + printable(text_.substr(i, c.length)) + "\"";
  }

  std::string line_column(size_t offset) const {
    const Diagnostics::Place p = diagnostics_.place(offset);
    return "line " + std::to_string(p.line) + ", column " + std::to_string(p.column);
  }

  // The last byte before `i` that is not white space.
  size_t before(size_t i) const {
    while (i > 0 && std::isspace(static_cast<unsigned char>(text_[i - 1]))) --i;
    return i == 0 ? 0 : i - 1;
  }

  std::string closing() const { return context_.open == '{' ? "\"}\"" : "\"]\""; }

  Finding text_ends(const std::string& expected) const {
    const Span span{before(text_.size()) + 1, 1};
    if (!context_.open) return {"the text ends here; expected " + expected, "", span};
    return {
        "the text ends here, but the \"" + std::string(1, context_.open) + "\" of " + line_column(context_.open_offset) + " is still open",
        "expected " + expected, span};
  }

  // Mistakes that can stand wherever a token is expected. Empty if it is none of them.
  Finding common(size_t i) const {
    if (byte(i) == '\'') return {"strings are written in double quotes, not in single ones", "write \"…\"", {i, 1}};
    if (text_.substr(i, 3) == "\xE2\x80\x9C" || text_.substr(i, 3) == "\xE2\x80\x9D") {
      return {"this is a typographic quote; strings are written in plain double quotes", "write \"", {i, 3}};
    }
    if ((byte(i) == '/' && (byte(i + 1) == '/' || byte(i + 1) == '*')) || byte(i) == '#') {
      return {"JSON has no comments", "keep the note in a member of its own, such as \"x-note\"", {i, byte(i) == '#' ? 1u : 2u}};
    }
    if (byte(i) == '\0' && !ended(i)) return {"a NUL byte stands here", "save the file as UTF-8 text", {i, 1}};
    return {};
  }

  Finding string() const {
    if (ended(at_) || byte(at_) == '\n' || byte(at_) == '\r') {
      return {"this string is not terminated",
              ended(at_) ? "the closing \" is missing"
                         : "the closing \" is missing before the end of the line; a line break inside a string is written \\n",
              {token_, at_ - token_}};
    }
    if (static_cast<unsigned char>(byte(at_)) < 0x20) {
      return {"a control character inside a string must be escaped", byte(at_) == '\t' ? "write \\t" : "write it as \\u00XX", {at_, 1}};
    }
    return {"there is no escape \"" +
                printable(text_.substr(at_, 1 + utf8_char(text_.substr(std::min(at_ + 1, text_.size() - 1))).length)) + "\" in JSON",
            "a backslash itself is written \\\\",
            {at_, 2}};
  }

  Finding document() const {
    if (text_.substr(0, 2) == "\xFF\xFE" || text_.substr(0, 2) == "\xFE\xFF")
      return {"this text is UTF-16", "save the file as UTF-8", {0, 2}};
    if (context_.code != rapidjson::kParseErrorDocumentRootNotSingular) {
      if (ended(at_)) return {"the text is empty; expected \"{\"", "", {at_, 1}};
      if (Finding f = common(at_); !f.message.empty()) return f;
      return {"expected \"{\", found " + quoted(token_), "", {token_, 1}};
    }
    if (Finding f = common(at_); !f.message.empty()) return f;
    return {"the document ends before this " + quoted(at_), "one file holds one document; is there a bracket too many?", {at_, 1}};
  }

  Finding key() const {
    if (ended(at_)) return text_ends(byte(before(at_)) == ',' ? "another key" : "a key or \"}\"");
    if (byte(at_) == '}') return {"a trailing comma: nothing follows it in this map", "remove the comma", {before(at_), 1}};
    if (Finding f = common(at_); !f.message.empty()) return f;
    if (byte(at_) == ',') return {"a comma without a member before it", "remove the comma", {at_, 1}};
    if (byte(at_) == ']') return mismatched();
    if (is_word(byte(at_))) return {"keys are written in double quotes", "write \"" + word(at_) + "\"", {at_, word_length(at_)}};
    return {"expected a key in double quotes, found " + quoted(at_), "", {at_, 1}};
  }

  Finding colon() const {
    if (ended(at_)) return text_ends("\":\" and a value");
    if (Finding f = common(at_); !f.message.empty()) return f;
    if (byte(at_) == '=') return {"a key and its value are separated by \":\", not by \"=\"", "", {at_, 1}};
    if (byte(at_) == ',' || byte(at_) == '}') return {"this key has no value; expected \":\"", "", {at_, 1}};
    return {"expected \":\" after the key, found " + quoted(at_), "", {at_, 1}};
  }

  Finding mismatched() const {
    return {"this " + quoted(at_) + " does not close the \"" + std::string(1, context_.open) + "\" of " + line_column(context_.open_offset),
            "expected " + closing(),
            {at_, 1}};
  }

  Finding separator() const {
    if (ended(at_)) return text_ends("\",\" or " + closing());
    if (Finding f = common(at_); !f.message.empty()) return f;
    const char c = byte(at_);
    if (c == '}' || c == ']') return mismatched();
    const bool adjacent = at_ == context_.previous_end;
    if (adjacent && byte(at_ - 1) == '"' && is_word(c)) {
      return {"the string ends before this; expected \",\" or " + closing(),
              "a quote inside a string is written \\\"",
              {at_, word_length(at_)}};
    }
    if (adjacent && byte(at_ - 1) == '0' && (std::isdigit(static_cast<unsigned char>(c)) || c == 'x')) {
      return {"a number does not begin with 0, and is decimal", "", {at_ - 1, 1 + word_length(at_)}};
    }
    if (c == '"' || c == '{' || c == '[' || is_word(c)) {
      return {"a comma is missing here",
              "write \",\" between two " + std::string(context_.open == '{' ? "members" : "items"),
              {context_.previous_end, 1}};
    }
    return {"expected \",\" or " + closing() + ", found " + quoted(at_), "", {at_, 1}};
  }

  Finding value() const {
    if (ended(token_)) return text_ends("a value");
    const char c = byte(token_);
    if ((c == ']' || c == '}') && byte(before(token_)) == ',')
      return {"a trailing comma: nothing follows it in this list", "remove the comma", {before(token_), 1}};
    if (byte(at_) == ',') return {"a value is missing before this comma", "", {at_, 1}};
    if (c == ']' || c == '}') {
      return context_.open == '[' && c == '}' ? mismatched() : Finding{"a value is missing before this " + quoted(token_), "", {token_, 1}};
    }
    if (Finding f = common(token_); !f.message.empty()) return f;
    const std::string w = word(token_);
    const Span span{token_, word_length(token_)};
    if (w == "True" || w == "False" || w == "TRUE" || w == "FALSE")
      return {"the values true and false are written in small letters", "", span};
    if (w == "None" || w == "nil" || w == "NULL" || w == "Null" || w == "undefined")
      return {"\"" + w + "\" is not a JSON value", "write null", span};
    if (w == "NaN" || w == "Infinity" || w == "-Infinity" || w == "inf") return {"JSON has no number \"" + w + "\"", "", span};
    if (c == '+' || c == '.') return {"a number begins with a digit or \"-\"", "", {token_, 1}};
    if (ended(token_ + span.length) && at_ == text_.size()) return text_ends("the rest of a value");
    if (is_word(c)) return {"expected a value, found " + quoted(token_), "strings are written in double quotes", span};
    return {"expected a value, found " + quoted(token_), "", {token_, 1}};
  }

  std::string_view text_;
  const SyntaxContext& context_;
  const Diagnostics& diagnostics_;
  size_t at_;     // where the parser stopped
  size_t token_;  // where the token begins in which, or before which, it stopped
};

}  // namespace

Diagnostic syntax_error(std::string_view text, const SyntaxContext& context, const Diagnostics& diagnostics) {
  Finding f = SyntaxError(text, context, diagnostics).find();
  Diagnostic d;
  d.code = "syntax";
  d.span = f.span;
  d.message = std::move(f.message);
  d.hint = std::move(f.hint);
  return d;
}

}  // namespace heddle
