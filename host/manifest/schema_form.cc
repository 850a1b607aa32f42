#include "manifest/schema_form.h"

#include <charconv>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "manifest/path.h"
#include "manifest/pattern.h"

namespace heddle {
namespace {

// References that apply to the same value, one after the other, are followed by recursion.
constexpr size_t kMaxChain = 64;

Error broken(const std::string& pointer, const std::string& what) {
  return Error("bad-schema", "the params schema is broken at " + (pointer.empty() ? "its root" : "\"" + pointer + "\"") + ": " + what,
               ErrorClass::kConfig);
}

std::string unescaped(std::string_view token) {
  std::string out;
  for (size_t i = 0; i < token.size(); ++i) {
    if (token[i] == '~' && i + 1 < token.size() && (token[i + 1] == '0' || token[i + 1] == '1'))
      out += token[++i] == '0' ? '~' : '/';
    else
      out += token[i];
  }
  return out;
}

bool applies_to_same_value(std::string_view keyword) {
  for (std::string_view name : {"allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependencies"}) {
    if (name == keyword) return true;
  }
  return false;
}

class FormCheck {
 public:
  explicit FormCheck(const JsonNode& root) : root_(root) {}

  Result<void> run() {
    if (auto listed = list(root_, "", 1); !listed) return listed;
    for (const Place& place : places_) {
      if (auto checked = check(place); !checked) return checked;
    }
    for (const Place& place : places_) {
      if (!ends(*place.schema, 0)) return broken(place.pointer, "it refers to itself without going into the value");
    }
    return {};
  }

 private:
  struct Place {
    const JsonNode* schema;
    std::string pointer;
  };

  // Bounded recursion: no parsed tree is deeper than kMaxManifestDepth.
  Result<void> list(const JsonNode& schema, const std::string& pointer, size_t depth) {
    if (places_.size() == kMaxSubschemas) return broken(pointer, "it has more than " + std::to_string(kMaxSubschemas) + " schemas");
    places_.push_back({&schema, pointer});
    deepest_ = std::max(deepest_, depth);
    known_.emplace(&schema, false);
    Result<void> result;
    for_each_subschema(schema, [&](std::string_view keyword, const JsonNode& sub) {
      if (!result) return;
      std::string below = pointer;
      append_token(below, keyword);
      result = list(sub, below, depth + 1);
    });
    return result;
  }

  Result<void> check(const Place& place) {
    const JsonNode& schema = *place.schema;
    if (schema.kind != JsonKind::kMap && schema.kind != JsonKind::kBool) return broken(place.pointer, "a schema is a map or a boolean");
    if (const JsonNode* pattern = schema.find("pattern")) {
      if (pattern->kind != JsonKind::kString) return broken(place.pointer, "\"pattern\" must be a string");
      if (auto compiled = Pattern::compile(pattern->text); !compiled) return broken(place.pointer, compiled.error().message);
    }
    if (const JsonNode* patterns = schema.find("patternProperties"); patterns && patterns->kind == JsonKind::kMap) {
      for (const JsonNode::Member& member : patterns->members) {
        if (auto compiled = Pattern::compile(member.key); !compiled) return broken(place.pointer, compiled.error().message);
      }
    }
    if (const JsonNode* step = schema.find("multipleOf")) {
      double value = 0;
      std::from_chars(step->text.data(), step->text.data() + step->text.size(), value);
      if (step->kind != JsonKind::kNumber || !(value > 0)) return broken(place.pointer, "\"multipleOf\" must be a number above 0");
    }
    if (const JsonNode* reference = schema.find("$ref")) {
      if (reference->kind != JsonKind::kString) return broken(place.pointer, "\"$ref\" must be a string");
      const JsonNode* target = follow_reference(root_, reference->text);
      if (!target || !known_.contains(target)) {
        return broken(place.pointer, "\"$ref\": \"" + reference->text + "\" leads to no schema of this text");
      }
      targets_.insert(target);
      if ((targets_.size() + 1) * deepest_ > kMaxSchemaDepth) return broken(place.pointer, "it is too deep, with all that it refers to");
    }
    return {};
  }

  // Whether evaluating `schema` on one value comes to an end; false also where the chain is too long to be followed.
  bool ends(const JsonNode& schema, size_t depth) {
    bool& done = known_.at(&schema);
    if (done) return true;
    if (depth > kMaxChain) return false;
    bool all = true;
    if (const JsonNode* reference = reference_of(schema)) {
      all = ends(*follow_reference(root_, reference->text), depth + 1);
    } else {
      for_each_subschema(schema, [&](std::string_view keyword, const JsonNode& sub) {
        if (all && applies_to_same_value(keyword)) all = ends(sub, depth + 1);
      });
    }
    return done = all;
  }

  const JsonNode& root_;
  std::vector<Place> places_;
  size_t deepest_ = 0;
  std::unordered_set<const JsonNode*> targets_;  // of references
  std::unordered_map<const JsonNode*, bool> known_;  // every schema; true: known to end
};

}  // namespace

Result<void> check_schema_form(const JsonNode& schema) { return FormCheck(schema).run(); }

const JsonNode* reference_of(const JsonNode& schema) {
  const JsonNode* reference = schema.find("$ref");
  return reference && reference->kind == JsonKind::kString ? reference : nullptr;
}

const JsonNode* follow_reference(const JsonNode& root, std::string_view reference) {
  if (reference.empty() || reference.front() != '#') return nullptr;
  reference.remove_prefix(1);
  const JsonNode* node = &root;
  while (node && !reference.empty()) {
    if (reference.front() != '/') return nullptr;
    reference.remove_prefix(1);
    const size_t end = std::min(reference.find('/'), reference.size());
    const std::string token = unescaped(reference.substr(0, end));
    reference.remove_prefix(end);
    if (node->kind == JsonKind::kList) {
      size_t index = 0;
      const auto [stop, error] = std::from_chars(token.data(), token.data() + token.size(), index);
      const bool valid = error == std::errc() && stop == token.data() + token.size() && index < node->items.size();
      node = valid ? &node->items[index] : nullptr;
    } else {
      node = node->find(token);
    }
  }
  return node;
}

}  // namespace heddle
