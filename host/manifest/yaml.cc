#include "manifest/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "manifest/utf8.h"
#include "value/number.h"

namespace heddle {
namespace {

// Ends the parse from inside of it: what is wrong is in the diagnostics.
struct Refused {};

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) { return std::find(words.begin(), words.end(), word) != words.end(); }

class TreeMaker : public YAML::EventHandler {
 public:
  TreeMaker(std::string_view text, Diagnostics& diagnostics) : text_(text), diagnostics_(diagnostics) {
    for (size_t at = 0; at != text.npos; at = text.find('\n', at)) lines_.push_back(at == 0 && lines_.empty() ? 0 : ++at);
  }

  std::optional<JsonNode> take_root() { return std::exchange(root_, std::nullopt); }
  Span span_of(const YAML::Mark& mark, size_t length = 1) const {
    if (mark.line < 0 || static_cast<size_t>(mark.line) >= lines_.size()) return {text_.size(), 0};
    const size_t offset = std::min(lines_[static_cast<size_t>(mark.line)] + static_cast<size_t>(std::max(mark.column, 0)), text_.size());
    return {offset, std::min(length, text_.size() - offset)};
  }
  [[noreturn]] void refuse(std::string code, Span span, std::string message, std::string hint = {}) {
    diagnostics_.add({.code = std::move(code), .pointer = {}, .span = span, .message = std::move(message), .hint = std::move(hint)});
    throw Refused();
  }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    JsonNode node;
    node.span = span_of(mark, 0);
    add(std::move(node), anchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& text) override {
    JsonNode node;
    node.text = text;
    node.span = span_of(mark);
    if (text_.substr(node.span.offset, text.size()) == text && !text.empty()) node.span.length = text.size();
    node.kind = kind_of(tag, text, node.span);
    node.boolean = node.kind == JsonKind::kBool && (text[0] | 0x20) == 't';
    add(std::move(node), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const Span span = span_of(mark);
    if (++aliases_ > kMaxYamlAliases) refuse("too-many-aliases", span, "more than " + std::to_string(kMaxYamlAliases) + " aliases");
    const auto known = anchors_.find(anchor);
    if (known == anchors_.end()) refuse("bad-alias", span, "this alias stands for something that it is itself a part of");
    JsonNode copy = known->second.node;
    count(known->second.values, span);
    copy.span = span;
    put(std::move(copy));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YAML::EmitterStyle::value) override { open(JsonKind::kList, mark, tag, anchor); }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YAML::EmitterStyle::value) override { open(JsonKind::kMap, mark, tag, anchor); }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    JsonNode node;
    YAML::anchor_t anchor;
    size_t values_before;
    std::optional<JsonNode> key = {};  // of a map: its value is to come
  };
  struct Anchored {
    JsonNode node;
    size_t values;
  };

  JsonKind kind_of(const std::string& tag, std::string_view text, Span span) {
    if (tag == "!" || tag == "tag:yaml.org,2002:str") return JsonKind::kString;  // quoted, or in a block
    if (tag != "?" && !tag.empty() && !is_one_of(tag, {"tag:yaml.org,2002:int", "tag:yaml.org,2002:bool", "tag:yaml.org,2002:float", "tag:yaml.org,2002:null"})) unknown_tag(tag, span);
    if (is_one_of(text, {"", "~", "null", "Null", "NULL"})) return JsonKind::kNull;
    if (is_one_of(text, {"true", "True", "TRUE", "false", "False", "FALSE"})) return JsonKind::kBool;
    return is_number(text) ? JsonKind::kNumber : JsonKind::kString;
  }
  [[noreturn]] void unknown_tag(const std::string& tag, Span span) { refuse("unknown-tag", span, "the tag \"" + printable(tag) + "\" means nothing here"); }

  void count(size_t values, Span span) {
    values_ += values;
    if (values_ > kMaxYamlValues) refuse("too-large", span, "more than " + std::to_string(kMaxYamlValues) + " values, aliases counted as what they stand for");
  }
  void open(JsonKind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    const Span span = span_of(mark);
    if (tag != "?" && tag != "!" && !tag.empty() && !is_one_of(tag, {"tag:yaml.org,2002:seq", "tag:yaml.org,2002:map"})) unknown_tag(tag, span);
    if (open_.size() >= kMaxManifestDepth) refuse("too-deep", span, "nested more than " + std::to_string(kMaxManifestDepth) + " deep");
    const size_t before = values_;
    count(1, span);
    open_.push_back({{}, anchor, before});
    open_.back().node.kind = kind;
    open_.back().node.span = span;
  }
  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    if (done.anchor != YAML::NullAnchor) anchors_[done.anchor] = {done.node, values_ - done.values_before};
    put(std::move(done.node));
  }
  void add(JsonNode node, YAML::anchor_t anchor) {
    count(1, node.span);
    if (anchor != YAML::NullAnchor) anchors_[anchor] = {node, 1};
    put(std::move(node));
  }
  void put(JsonNode node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& in = open_.back();
    if (in.node.kind == JsonKind::kList) {
      in.node.items.push_back(std::move(node));
    } else if (in.key) {
      in.node.members.push_back({std::move(in.key->text), in.key->span, std::move(node)});
      in.key.reset();
    } else {
      if (node.kind == JsonKind::kList || node.kind == JsonKind::kMap || node.kind == JsonKind::kNull) refuse("bad-key", node.span, "a key must be a text");
      if (in.node.find(node.text)) refuse("duplicate-key", node.span, "the key \"" + printable(node.text) + "\" is there twice");
      in.key = std::move(node);
    }
  }

  const std::string_view text_;
  Diagnostics& diagnostics_;
  std::vector<size_t> lines_;  // where each begins
  std::optional<JsonNode> root_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Anchored> anchors_;
  size_t values_ = 0, aliases_ = 0;
};

}  // namespace

bool parse_yaml(std::string_view text, JsonNode& root, Diagnostics& diagnostics) {
  TreeMaker tree(text, diagnostics);
  try {
    if (text.size() > kMaxYamlBytes) tree.refuse("too-large", {}, "the text has " + std::to_string(text.size()) + " bytes, at most " + std::to_string(kMaxYamlBytes) + " are read");
    if (!is_valid_utf8(text)) tree.refuse("not-utf8", {}, "the text is not UTF-8");
    if (text.find('\0') != text.npos) tree.refuse("bad-character", {text.find('\0'), 1}, "a NUL character");
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    const bool any = parser.HandleNextDocument(tree);
    auto made = tree.take_root();
    if (!any || !made) tree.refuse("empty", {0, 0}, "there is nothing in it");
    if (parser.HandleNextDocument(tree)) tree.refuse("two-documents", tree.take_root().value_or(JsonNode()).span, "a second document: only one is read");
    root = *std::move(made);
    return true;
  } catch (const Refused&) {
    return false;
  } catch (const YAML::Exception& wrong) {
    diagnostics.add({.code = "yaml-syntax", .pointer = {}, .span = tree.span_of(wrong.mark), .message = printable(wrong.msg), .hint = {}});
    return false;
  }
}

}  // namespace heddle
