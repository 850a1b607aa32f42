#include "manifest/document.h"

#include <rapidjson/reader.h>

#include <unordered_map>

#include "manifest/path.h"
#include "manifest/syntax_error.h"
#include "manifest/utf8.h"

namespace heddle {
namespace {

constexpr std::string_view kBom = "\xEF\xBB\xBF";

// RapidJSON's idea of an input, over bytes with a known end. A NUL byte inside looks like the end to the parser; parse_document finds it
// out.
class Stream {
 public:
  using Ch = char;
  Stream(std::string_view text, size_t begin) : begin_(text.data()), at_(begin_ + begin), end_(begin_ + text.size()) {}
  Ch Peek() const { return at_ == end_ ? '\0' : *at_; }
  Ch Take() { return at_ == end_ ? '\0' : *at_++; }
  size_t Tell() const { return static_cast<size_t>(at_ - begin_); }
  // Only parsing in place writes.
  Ch* PutBegin() { return nullptr; }
  void Put(Ch) {}
  void Flush() {}
  size_t PutEnd(Ch*) { return 0; }

 private:
  const char *begin_, *at_, *end_;
};

// Builds the tree from the parser's events. The open containers lie on a stack of their own; each moves into its parent when it is closed.
class TreeBuilder {
 public:
  TreeBuilder(std::string_view text, size_t begin, const Stream& stream, JsonNode& root, Diagnostics& diagnostics)
      : text_(text), previous_end_(begin), stream_(stream), root_(root), diagnostics_(diagnostics) {}

  bool Null() { return add(scalar(JsonKind::kNull)); }
  bool Bool(bool b) {
    JsonNode node = scalar(JsonKind::kBool);
    node.boolean = b;
    return add(std::move(node));
  }
  bool RawNumber(const char* s, rapidjson::SizeType length, bool) { return text(JsonKind::kNumber, s, length); }
  bool String(const char* s, rapidjson::SizeType length, bool) { return is_whole({s, length}) && text(JsonKind::kString, s, length); }
  bool Key(const char* s, rapidjson::SizeType length, bool) {
    if (!is_whole({s, length})) return false;
    Frame& top = open_.back();
    top.key.assign(s, length);
    top.key_span = token();
    top.has_key = true;
    return true;
  }
  bool StartObject() { return start(JsonKind::kMap); }
  bool StartArray() { return start(JsonKind::kList); }
  bool EndObject(rapidjson::SizeType) {
    check_duplicates(open_.back().node);
    return end();
  }
  bool EndArray(rapidjson::SizeType) { return end(); }
  // Never called with kParseNumbersAsStringsFlag.
  bool Int(int) { return false; }
  bool Uint(unsigned) { return false; }
  bool Int64(int64_t) { return false; }
  bool Uint64(uint64_t) { return false; }
  bool Double(double) { return false; }

  // The value that is being read, or the innermost open container.
  std::string pointer() const {
    std::string out;
    for (const Frame& f : open_) {
      if (f.node.kind == JsonKind::kList) {
        out += '/' + std::to_string(f.node.items.size());
      } else if (f.has_key) {
        append_token(out, f.key);
      }
    }
    return out;
  }

  // Where the second half of a surrogate pair stands alone: the parser lets it pass, and would give text that is no UTF-8. npos: nowhere.
  size_t lone_half() const { return lone_half_; }

  SyntaxContext context(rapidjson::ParseErrorCode code, size_t offset) const {
    SyntaxContext c{code, offset, previous_end_};
    if (!open_.empty()) {
      c.open = open_.back().node.kind == JsonKind::kMap ? '{' : '[';
      c.open_offset = open_.back().node.span.offset;
    }
    return c;
  }

 private:
  struct Frame {
    JsonNode node;
    std::string key;  // MAP: of the member that is being read
    Span key_span;
    bool has_key = false;
  };

  // The token that ends where the stream stands now.
  Span token() {
    const size_t begin = token_begin();
    previous_end_ = stream_.Tell();
    return {begin, previous_end_ - begin};
  }

  size_t token_begin() const {
    size_t i = previous_end_;
    while (i < text_.size() && std::string_view(" \t\r\n,:").find(text_[i]) != std::string_view::npos) ++i;
    return i;
  }

  JsonNode scalar(JsonKind kind) {
    JsonNode node;
    node.kind = kind;
    node.span = token();
    return node;
  }

  bool is_whole(std::string_view unescaped) {
    if (is_valid_utf8(unescaped)) return true;
    size_t i = token_begin();
    const auto begins = [&](std::string_view digits) {  // an escape of D800 to DBFF, or of DC00 to DFFF
      const std::string_view at = text_.substr(i, 4);
      return at.size() == 4 && at.starts_with("\\u") && (at[2] | 0x20) == 'd' && digits.find(at[3]) != std::string_view::npos;
    };
    while (i < text_.size() && !begins("cCdDeEfF")) i += begins("89aAbB") ? 12 : text_[i] == '\\' ? 2 : 1;
    lone_half_ = i;
    return false;
  }

  bool text(JsonKind kind, const char* s, size_t length) {
    JsonNode node = scalar(kind);
    node.text.assign(s, length);
    return add(std::move(node));
  }

  bool add(JsonNode node) {
    if (++values_ > kMaxManifestValues) {
      return refuse("too-many-values", node.span, "the document has more than " + std::to_string(kMaxManifestValues) + " values");
    }
    if (open_.empty()) {
      root_ = std::move(node);
      return true;
    }
    Frame& top = open_.back();
    if (top.node.kind == JsonKind::kList) {
      top.node.items.push_back(std::move(node));
    } else {
      top.node.members.push_back({std::move(top.key), top.key_span, std::move(node)});
      top.has_key = false;
    }
    return true;
  }

  // The parser tells of brackets before it takes them.
  bool start(JsonKind kind) {
    const Span bracket{stream_.Tell(), 1};
    if (open_.size() >= kMaxManifestDepth) {
      return refuse("too-deep", bracket, "maps and lists are nested deeper than " + std::to_string(kMaxManifestDepth) + " levels");
    }
    previous_end_ = bracket.offset + 1;
    Frame& frame = open_.emplace_back();
    frame.node.kind = kind;
    frame.node.span = bracket;
    return true;
  }

  bool end() {
    JsonNode node = std::move(open_.back().node);
    open_.pop_back();
    previous_end_ = stream_.Tell() + 1;
    node.span.length = previous_end_ - node.span.offset;
    return add(std::move(node));
  }

  bool refuse(std::string code, Span span, std::string message) {
    diagnostics_.add({Severity::kError, std::move(code), pointer(), span, std::move(message), ""});
    return false;
  }

  void check_duplicates(const JsonNode& map) {
    const auto& members = map.members;
    if (members.size() <= 16) {
      for (size_t i = 1; i < members.size(); ++i) {
        for (size_t j = 0; j < i; ++j) {
          if (members[i].key == members[j].key) {
            duplicate(members[i], members[j]);
            break;
          }
        }
      }
      return;
    }
    std::unordered_map<std::string_view, const JsonNode::Member*> seen(members.size());
    for (const JsonNode::Member& m : members) {
      auto [first, is_new] = seen.emplace(m.key, &m);
      if (!is_new) duplicate(m, *first->second);
    }
  }

  void duplicate(const JsonNode::Member& again, const JsonNode::Member& first) {
    Diagnostic d{Severity::kError, "duplicate-key", "", again.key_span, "", "remove one of the two"};
    if (diagnostics_.errors() < Diagnostics::kMax) {  // finding a place costs a walk over the text
      const Diagnostics::Place p = diagnostics_.place(first.key_span.offset);
      d.message = "the key \"" + again.key + "\" stands twice in this map, first at line " + std::to_string(p.line) + ", column " +
                  std::to_string(p.column);
      open_.back().has_key = false;
      d.pointer = pointer();
      append_token(d.pointer, again.key);
    }
    diagnostics_.add(std::move(d));
  }

  std::string_view text_;
  size_t previous_end_;  // the byte after the last whole token
  const Stream& stream_;
  JsonNode& root_;
  Diagnostics& diagnostics_;
  std::vector<Frame> open_;
  size_t lone_half_ = std::string_view::npos;
  size_t values_ = 0;
};

}  // namespace

const JsonNode* JsonNode::find(std::string_view key) const {
  for (const Member& m : members) {
    if (m.key == key) return &m.value;
  }
  return nullptr;
}

bool parse_document(std::string_view text, JsonNode& root, Diagnostics& diagnostics) {
  if (text.size() > kMaxManifestBytes) {
    diagnostics.add({Severity::kError,
                     "too-big",
                     "",
                     {},
                     "the text has " + std::to_string(text.size()) + " bytes; the limit is " + std::to_string(kMaxManifestBytes),
                     ""});
    return false;
  }
  const size_t begin = text.substr(0, kBom.size()) == kBom ? kBom.size() : 0;
  Stream stream(text, begin);
  TreeBuilder builder(text, begin, stream, root, diagnostics);
  rapidjson::Reader reader;
  constexpr unsigned kFlags =
      rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag | rapidjson::kParseNumbersAsStringsFlag;
  const rapidjson::ParseResult result = reader.Parse<kFlags>(stream, builder);
  rapidjson::ParseErrorCode code = result.Code();
  size_t offset = result.Offset();
  if (code == rapidjson::kParseErrorTermination) {
    if (builder.lone_half() == std::string_view::npos) return false;  // the builder has said why
    code = rapidjson::kParseErrorStringUnicodeSurrogateInvalid;
    offset = builder.lone_half();
  }
  if (code == rapidjson::kParseErrorNone) {
    if (stream.Tell() == text.size()) return true;
    code = rapidjson::kParseErrorDocumentRootNotSingular;
    offset = stream.Tell();
  }
  Diagnostic d = syntax_error(text, builder.context(code, offset), diagnostics);
  d.pointer = builder.pointer();
  diagnostics.add(std::move(d));
  return false;
}

}  // namespace heddle
