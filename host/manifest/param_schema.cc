#include "manifest/param_schema.h"

// RapidJSON first, with its own assertions: those of the adapter build a string each, and would differ from those of the other files that
// use RapidJSON. The adapter warns about it (-Wno-cpp).
#include <rapidjson/document.h>
#define VALIJSON_USE_EXCEPTIONS 1
#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <valijson/adapters/rapidjson_adapter.hpp>
#include <valijson/constraint_builder.hpp>
#include <valijson/constraints/concrete_constraints.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include "manifest/json_number.h"
#include "manifest/param_faults.h"
#include "manifest/param_words.h"
#include "manifest/path.h"
#include "manifest/pattern.h"
#include "manifest/schema_form.h"

namespace heddle {
namespace {

using Adapter = valijson::adapters::RapidJsonAdapter;
using Allocator = rapidjson::Document::AllocatorType;

// What "pattern" is called in the schema that the validator gets: its own would run std::regex over texts of any length.
constexpr const char* kPatternKeyword = "x-heddle-pattern";
// What is written into each schema, so that every look at one is counted: of schemas that refer to one another, each twice, there are 2^n.
constexpr const char* kStepKeyword = "x-heddle-step";
constexpr uint64_t kMostSteps = 1'000'000;  // of one check
thread_local uint64_t steps_left = 0;

struct TooManySteps : std::runtime_error {
  TooManySteps() : std::runtime_error("to check the params takes too many steps") {}
};

class StepConstraint : public valijson::constraints::PolyConstraint {
 public:
  bool validate(const valijson::adapters::Adapter&, const std::vector<std::string>&, valijson::ValidationResults*) const override {
    if (steps_left == 0) throw TooManySteps();
    --steps_left;
    return true;
  }

 private:
  Constraint* cloneInto(void* place) const override { return new (place) StepConstraint(*this); }
  size_t sizeOf() const override { return sizeof(StepConstraint); }
};

class StepBuilder : public valijson::ConstraintBuilder {
 public:
  valijson::constraints::Constraint* make(const valijson::adapters::Adapter&) const override { return new StepConstraint; }
};

rapidjson::Value borrowed(const std::string& text) {
  return rapidjson::Value(rapidjson::StringRef(text.data(), static_cast<rapidjson::SizeType>(text.size())));
}

// Texts are borrowed from `node`. Bounded recursion: no parsed tree is deeper than kMaxManifestDepth.
rapidjson::Value converted(const JsonNode& node, Allocator& allocator) {
  switch (node.kind) {
    case JsonKind::kNull:
      return rapidjson::Value();
    case JsonKind::kBool:
      return rapidjson::Value(node.boolean);
    case JsonKind::kString:
      return borrowed(node.text);
    case JsonKind::kNumber: {
      const JsonNumber number = read_number(node.text);
      return number.whole ? rapidjson::Value(number.integer) : rapidjson::Value(number.value);
    }
    case JsonKind::kList: {
      rapidjson::Value list(rapidjson::kArrayType);
      list.Reserve(static_cast<rapidjson::SizeType>(node.items.size()), allocator);
      for (const JsonNode& item : node.items) list.PushBack(converted(item, allocator), allocator);
      return list;
    }
    case JsonKind::kMap:
      break;
  }
  rapidjson::Value map(rapidjson::kObjectType);
  for (const JsonNode::Member& member : node.members) map.AddMember(borrowed(member.key), converted(member.value, allocator), allocator);
  return map;
}

class PatternConstraint : public valijson::constraints::PolyConstraint {
 public:
  explicit PatternConstraint(Pattern pattern) : pattern_(std::move(pattern)) {}

  bool validate(const valijson::adapters::Adapter& target, const std::vector<std::string>& context,
                valijson::ValidationResults* results) const override {
    if (!target.isString() || pattern_.matches(target.asString())) return true;
    if (results) results->pushError(context, "pattern");
    return false;
  }

 private:
  Constraint* cloneInto(void* place) const override { return new (place) PatternConstraint(*this); }
  size_t sizeOf() const override { return sizeof(PatternConstraint); }

  Pattern pattern_;
};

class PatternBuilder : public valijson::ConstraintBuilder {
 public:
  valijson::constraints::Constraint* make(const valijson::adapters::Adapter& expression) const override {
    Result<Pattern> pattern = Pattern::compile(expression.asString());
    if (!pattern) valijson::throwRuntimeError(pattern.error().message);
    return new PatternConstraint(std::move(pattern).value());
  }
};

// The schema as the validator gets it.
void adapt(JsonNode& schema) {
  std::erase_if(schema.members, [](const JsonNode::Member& member) { return member.key == "format" || member.key == kPatternKeyword || member.key == kStepKeyword; });
  for (JsonNode::Member& member : schema.members) {
    if (member.key == "pattern") member.key = kPatternKeyword;
  }
  if (schema.kind == JsonKind::kMap) {
    JsonNode::Member& step = schema.members.emplace_back();
    step.key = kStepKeyword;
    step.value.kind = JsonKind::kBool;
  }
  for_each_subschema(schema, [](std::string_view, JsonNode& sub) { adapt(sub); });
}

bool matches_names(const JsonNode& schema) {
  bool found = schema.find("patternProperties") != nullptr;
  for_each_subschema(schema, [&](std::string_view, const JsonNode& sub) { found = found || matches_names(sub); });
  return found;
}

// The first key that is too long for a pattern, below `node`.
const JsonNode::Member* overlong_key(const JsonNode& node) {
  for (const JsonNode::Member& member : node.members) {
    if (member.key.size() > Pattern::kLongestText) return &member;
    if (const JsonNode::Member* found = overlong_key(member.value)) return found;
  }
  for (const JsonNode& item : node.items) {
    if (const JsonNode::Member* found = overlong_key(item)) return found;
  }
  return nullptr;
}

struct Location {
  const JsonNode* value;
  std::string pointer;
};

// Follows a context of the validator, `<root>` and then `[key]` or `[3]` each, as far as it goes.
Location located(const JsonNode& params, const std::string& pointer, const std::vector<std::string>& context) {
  Location at{&params, pointer};
  for (size_t i = 1; i < context.size(); ++i) {
    std::string_view step = context[i];
    if (step.size() < 2) break;
    step = step.substr(1, step.size() - 2);
    const JsonNode* below = nullptr;
    if (at.value->kind == JsonKind::kMap) {
      below = at.value->find(step);
    } else if (size_t index = 0; std::from_chars(step.data(), step.data() + step.size(), index).ec == std::errc()) {
      if (index < at.value->items.size()) below = &at.value->items[index];
    }
    if (!below) break;
    at.value = below;
    append_token(at.pointer, step);
  }
  return at;
}

}  // namespace

struct ParamSchema::Content {
  JsonNode text;  // as written
  valijson::Schema schema;
  bool matches_names = false;
  bool accepts_empty = false;

  // Whether `params` satisfy the schema; the reasons go to `results`, if given. False also where the validator cannot tell; `too_dear`, if given: because it takes too long.
  bool accepts(const JsonNode& params, valijson::ValidationResults* results, bool* too_dear = nullptr) const {
    char buffer[4096];
    Allocator allocator(buffer, sizeof buffer);
    try {
      const rapidjson::Value value = converted(params, allocator);
      valijson::Validator validator(valijson::Validator::kStrongTypes);
      steps_left = kMostSteps;
      return validator.validate(schema, Adapter(value), results);
    } catch (const TooManySteps&) {
      if (too_dear) *too_dear = true;
      return false;
    } catch (const std::exception&) {
      return false;
    }
  }
};

ParamSchema::ParamSchema(std::unique_ptr<const Content> content) : content_(std::move(content)) {}
ParamSchema::ParamSchema(ParamSchema&&) noexcept = default;
ParamSchema& ParamSchema::operator=(ParamSchema&&) noexcept = default;
ParamSchema::~ParamSchema() = default;

bool ParamSchema::accepts_empty() const { return content_->accepts_empty; }

Result<ParamSchema> ParamSchema::compile(std::string_view json_schema_text) {
  auto content = std::make_unique<Content>();
  Diagnostics problems("params schema", json_schema_text);
  if (!parse_document(json_schema_text, content->text, problems) || problems.has_errors()) {
    std::string why;
    if (!problems.all().empty()) {
      const Diagnostic& first = problems.all().front();
      const Diagnostics::Place place = problems.place(first.span.offset);
      why = ": line " + std::to_string(place.line) + ", column " + std::to_string(place.column) + ": " + first.message;
    }
    return Error("bad-schema", "the params schema is not valid JSON" + why, ErrorClass::kConfig);
  }
  if (auto form = check_schema_form(content->text); !form) return std::move(form).error();

  JsonNode adapted = content->text;
  adapt(adapted);
  try {
    Allocator allocator;
    const rapidjson::Value value = converted(adapted, allocator);
    valijson::SchemaParser parser(valijson::SchemaParser::kDraft7);
    parser.addConstraintBuilder(kPatternKeyword, new PatternBuilder);
    parser.addConstraintBuilder(kStepKeyword, new StepBuilder);
    parser.populateSchema(Adapter(value), content->schema);
  } catch (const std::exception& e) {
    return Error("bad-schema", std::string("the params schema is broken: ") + e.what(), ErrorClass::kConfig);
  }
  content->matches_names = matches_names(content->text);
  JsonNode empty;
  empty.kind = JsonKind::kMap;
  content->accepts_empty = content->accepts(empty, nullptr);
  return ParamSchema(std::move(content));
}

void ParamSchema::check(const JsonNode& params, const std::string& pointer, std::string_view owner, Diagnostics& diagnostics) const {
  if (content_->accepts_empty && params.kind == JsonKind::kMap && params.members.empty()) return;
  const auto report = [&](std::string where, Span span, const std::string& message, std::string hint) {
    diagnostics.add({.code = "bad-param",
                     .pointer = std::move(where),
                     .span = span,
                     .message = std::string(owner) + ": " + message,
                     .hint = std::move(hint)});
  };
  if (content_->matches_names) {
    if (const JsonNode::Member* key = overlong_key(params)) {
      return report(pointer, key->key_span, "a key is longer than " + std::to_string(Pattern::kLongestText) + " bytes", {});
    }
  }
  bool too_dear = false;
  if (content_->accepts(params, nullptr, &too_dear)) return;
  if (too_dear) return report(pointer, params.span, "to check its params by its schema takes more than " + std::to_string(kMostSteps) + " steps", {});
  std::vector<ParamFault> faults = find_param_faults(content_->text, params, pointer);
  for (ParamFault& fault : faults) report(std::move(fault.pointer), fault.span, fault.message, std::move(fault.hint));
  if (!faults.empty()) return;

  valijson::ValidationResults results;
  content_->accepts(params, &results);
  std::vector<std::string> deepest;
  for (const valijson::ValidationResults::Error& error : results) {
    if (error.context.size() > deepest.size()) deepest = error.context;
  }
  const Location at = located(params, pointer, deepest);
  const std::string_view below = std::string_view(at.pointer).substr(pointer.size());
  report(at.pointer, at.value->span,
         (below.empty() ? std::string("the params are") : "the param at \"" + std::string(below) + "\" is") +
             " not what its schema asks for: " + shown(*at.value),
         "heddle inspect shows what the params of a node type may be");
}

}  // namespace heddle
