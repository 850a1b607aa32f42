#include "manifest/param_faults.h"

#include <algorithm>
#include <cmath>

#include "manifest/json_number.h"
#include "manifest/param_words.h"
#include "manifest/path.h"
#include "manifest/pattern.h"
#include "manifest/schema_form.h"

namespace heddle {
namespace {

constexpr size_t kMostSteps = 100'000;  // schemas that branch could be walked for ever

// Where in the params the walk stands.
struct Spot {
  const JsonNode& value;
  std::string name;  // `"cases[0].port"`; empty: the params themselves
  std::string pointer;

  std::string subject() const { return name.empty() ? "\"params\"" : quoted(name); }
  Spot member(const JsonNode::Member& m) const {
    std::string below = pointer;
    append_token(below, m.key);
    return {m.value, name.empty() ? m.key : name + "." + m.key, std::move(below)};
  }
  Spot item(size_t i) const { return {value.items[i], name + "[" + std::to_string(i) + "]", pointer + "/" + std::to_string(i)}; }
};

class FaultWalk {
 public:
  explicit FaultWalk(const JsonNode& root) : root_(root) {}

  void walk(const JsonNode& schema, const Spot& at) {
    if (++steps_ > kMostSteps) return;
    if (schema.kind == JsonKind::kBool && !schema.boolean) return add(at, at.subject() + " is not allowed here");
    if (const JsonNode* reference = reference_of(schema)) {
      if (const JsonNode* target = follow_reference(root_, reference->text)) walk(*target, at);
      return;
    }
    if (!type_fits(schema, at)) return;  // anything else that is wrong follows from it
    check_choice(schema, at);
    switch (at.value.kind) {
      case JsonKind::kNumber:
        check_number(schema, at);
        break;
      case JsonKind::kString:
        check_text(schema, at);
        break;
      case JsonKind::kList:
        check_list(schema, at);
        break;
      case JsonKind::kMap:
        check_map(schema, at);
        break;
      default:
        break;
    }
    check_combinations(schema, at);
  }

  std::vector<ParamFault> take() { return std::move(faults_); }

 private:
  void add(const Spot& at, std::string message, std::string hint = {}) {
    add(at.pointer, at.value.span, std::move(message), std::move(hint));
  }

  void add(const std::string& pointer, Span span, std::string message, std::string hint = {}) {
    for (const ParamFault& known : faults_) {
      if (known.pointer == pointer && known.message == message) return;
    }
    faults_.push_back({pointer, span, std::move(message), std::move(hint)});
  }

  bool type_fits(const JsonNode& schema, const Spot& at) {
    const std::vector<std::string> types = types_of(schema);
    if (types.empty() || std::any_of(types.begin(), types.end(), [&](const std::string& type) { return has_type(at.value, type); }))
      return true;
    std::vector<std::string> names;
    for (const std::string& type : types) names.push_back(name_of_type(type));
    const bool too_long = at.value.kind == JsonKind::kNumber && at.value.text.find_first_of(".eE") == std::string::npos;
    const bool wants_number = std::find(types.begin(), types.end(), "integer") != types.end();
    std::string message = at.subject() + " must be " + joined(names, "or");
    add(at, message + (too_long && wants_number ? " of 64 bits" : "") + ", not " + shown(at.value));
    return false;
  }

  void check_choice(const JsonNode& schema, const Spot& at) {
    if (const JsonNode* only = schema.find("const"); only && !json_equal(*only, at.value)) {
      add(at, at.subject() + " must be " + shown(*only) + ", not " + shown(at.value));
    }
    const JsonNode* choices = schema.find("enum");
    if (!choices ||
        std::any_of(choices->items.begin(), choices->items.end(), [&](const JsonNode& choice) { return json_equal(choice, at.value); }))
      return;
    std::vector<std::string> names, texts;
    for (const JsonNode& choice : choices->items) {
      names.push_back(choice.kind == JsonKind::kString ? quoted(choice.text) : shown(choice));
      if (choice.kind == JsonKind::kString) texts.push_back(choice.text);
    }
    const std::string near = at.value.kind == JsonKind::kString ? nearest(at.value.text, texts) : std::string();
    add(at, at.subject() + " must be " + (names.size() > 2 ? "one of " : "") + joined(names, "or") + ", not " + shown(at.value),
        near.empty() ? std::string() : "did you mean " + quoted(near) + "?");
  }

  void check_number(const JsonNode& schema, const Spot& at) {
    const double value = read_number(at.value.text).value;
    const auto limit = [&](std::string_view keyword, std::string_view words, auto holds) {
      const JsonNode* bound = schema.find(keyword);
      if (bound && bound->kind == JsonKind::kNumber && !holds(value, read_number(bound->text).value)) {
        add(at, at.subject() + " must be " + std::string(words) + " " + bound->text + ", but is " + at.value.text);
      }
    };
    limit("minimum", "at least", [](double v, double b) { return v >= b; });
    limit("maximum", "at most", [](double v, double b) { return v <= b; });
    limit("exclusiveMinimum", "more than", [](double v, double b) { return v > b; });
    limit("exclusiveMaximum", "less than", [](double v, double b) { return v < b; });
    limit("multipleOf", "a multiple of", [](double v, double b) { return std::abs(std::remainder(v, b)) <= 1e-9 * b; });
  }

  // minLength and its like: `keyword` holds when `have` is not below (or above) it.
  void check_size(const JsonNode& schema, const Spot& at, std::string_view keyword, uint64_t have, bool is_minimum, std::string_view what) {
    const JsonNode* bound = schema.find(keyword);
    if (!bound || bound->kind != JsonKind::kNumber) return;
    const auto limit = static_cast<uint64_t>(read_number(bound->text).integer);
    if (is_minimum ? have >= limit : have <= limit) return;
    if (is_minimum && limit == 1) return add(at, at.subject() + " must not be empty");
    add(at,
        at.subject() + " must have at " + (is_minimum ? "least " : "most ") + count_of(limit, what) + ", but has " + std::to_string(have));
  }

  void check_text(const JsonNode& schema, const Spot& at) {
    const size_t length = character_count(at.value.text);
    check_size(schema, at, "minLength", length, true, "character");
    check_size(schema, at, "maxLength", length, false, "character");
    const JsonNode* expression = schema.find("pattern");
    if (!expression) return;
    const Result<Pattern> pattern = Pattern::compile(expression->text);
    if (!pattern || pattern.value().matches(at.value.text)) return;
    if (at.value.text.size() > Pattern::kLongestText) {
      add(at, at.subject() + " is too long: a text with a pattern may have " + std::to_string(Pattern::kLongestText) + " bytes");
    } else {
      add(at, at.subject() + " must match the pattern " + expression->text + ", which " + shown(at.value) + " does not");
    }
  }

  void check_list(const JsonNode& schema, const Spot& at) {
    const std::vector<JsonNode>& items = at.value.items;
    check_size(schema, at, "minItems", items.size(), true, "element");
    check_size(schema, at, "maxItems", items.size(), false, "element");
    const JsonNode* each = schema.find("items");
    const JsonNode* rest = schema.find("additionalItems");
    for (size_t i = 0; each && i < items.size(); ++i) {
      if (each->kind != JsonKind::kList)
        walk(*each, at.item(i));
      else if (i < each->items.size())
        walk(each->items[i], at.item(i));
      else if (rest)
        walk(*rest, at.item(i));
    }
    const JsonNode* unique = schema.find("uniqueItems");
    if (!unique || !unique->boolean) return;
    for (size_t i = 1; i < items.size(); ++i) {
      for (size_t j = 0; j < i && ++steps_ < kMostSteps; ++j) {
        if (!json_equal(items[i], items[j])) continue;
        const Spot again = at.item(i);
        return add(again, again.subject() + " is the same as element " + std::to_string(j) + ": the elements must differ");
      }
    }
  }

  void check_map(const JsonNode& schema, const Spot& at) {
    const std::vector<JsonNode::Member>& members = at.value.members;
    const JsonNode* properties = schema.find("properties");
    if (const JsonNode* required = schema.find("required")) {
      for (const JsonNode& key : required->items) {
        if (!at.value.find(key.text)) add(at, missing(key.text, at));
      }
    }
    for (const JsonNode::Member& member : members) check_member(schema, properties, member, at);
    check_size(schema, at, "minProperties", members.size(), true, "key");
    check_size(schema, at, "maxProperties", members.size(), false, "key");
    const JsonNode* dependencies = schema.find("dependencies");
    for (size_t i = 0; dependencies && i < dependencies->members.size(); ++i) {
      const auto& [key, key_span, needs] = dependencies->members[i];
      if (!at.value.find(key)) continue;
      if (needs.kind != JsonKind::kList) walk(needs, at);
      for (const JsonNode& need : needs.items) {
        if (!at.value.find(need.text)) add(at, missing(need.text, at) + ": " + quoted(key) + " needs it");
      }
    }
  }

  static std::string missing(const std::string& key, const Spot& at) {
    return at.name.empty() ? "required param " + quoted(key) + " is missing"
                           : "required key " + quoted(key) + " is missing in " + at.subject();
  }

  void check_member(const JsonNode& schema, const JsonNode* properties, const JsonNode::Member& member, const Spot& at) {
    const Spot below = at.member(member);
    bool known = false;
    if (const JsonNode* property = properties ? properties->find(member.key) : nullptr) {
      known = true;
      walk(*property, below);
    }
    const JsonNode* patterns = schema.find("patternProperties");
    for (size_t i = 0; patterns && i < patterns->members.size(); ++i) {
      const Result<Pattern> pattern = Pattern::compile(patterns->members[i].key);
      if (!pattern || !pattern.value().matches(member.key)) continue;
      known = true;
      walk(patterns->members[i].value, below);
    }
    const JsonNode* additional = schema.find("additionalProperties");
    if (known || !additional) return;
    if (additional->kind == JsonKind::kBool && !additional->boolean)
      unknown_key(properties, member, below, at);
    else
      walk(*additional, below);
  }

  void unknown_key(const JsonNode* properties, const JsonNode::Member& member, const Spot& below, const Spot& at) {
    std::vector<std::string> keys, names;
    for (size_t i = 0; properties && i < properties->members.size(); ++i) {
      keys.push_back(properties->members[i].key);
      names.push_back(quoted(keys.back()));
    }
    std::string message =
        at.name.empty() ? "unknown param " + quoted(member.key) : "unknown key " + quoted(member.key) + " in " + at.subject();
    std::string hint;
    if (const std::string near = nearest(member.key, keys); !near.empty())
      hint = "did you mean " + quoted(near) + "?";
    else if (names.empty())
      hint = at.name.empty() ? "it takes no params" : "it takes no keys";
    else
      hint = "known: " + joined(names, "and");
    add(below.pointer, member.key_span, std::move(message), std::move(hint));
  }

  std::vector<ParamFault> faults_of(const JsonNode& schema, const Spot& at) {
    FaultWalk inner(root_);
    inner.steps_ = steps_;
    inner.walk(schema, at);
    steps_ = inner.steps_;
    return inner.take();
  }

  void adopt(std::vector<ParamFault> faults) {
    for (ParamFault& fault : faults) add(fault.pointer, fault.span, std::move(fault.message), std::move(fault.hint));
  }

  void check_combinations(const JsonNode& schema, const Spot& at) {
    if (const JsonNode* all = schema.find("allOf")) {
      for (const JsonNode& part : all->items) walk(part, at);
    }
    check_alternatives(schema.find("anyOf"), false, at);
    check_alternatives(schema.find("oneOf"), true, at);
    if (const JsonNode* condition = schema.find("if")) {
      const JsonNode* then = schema.find(faults_of(*condition, at).empty() ? "then" : "else");
      if (then) walk(*then, at);
    }
  }

  // Of alternatives that differ in one required key each, these keys; else empty.
  std::vector<std::string> keys_to_choose_from(const JsonNode& alternatives) const {
    std::vector<std::string> keys;
    for (const JsonNode& alternative : alternatives.items) {
      const JsonNode* reference = reference_of(alternative);
      const JsonNode* schema = reference ? follow_reference(root_, reference->text) : &alternative;
      const JsonNode* required = schema ? schema->find("required") : nullptr;
      if (!required || required->items.size() != 1) return {};
      if (std::find(keys.begin(), keys.end(), required->items[0].text) != keys.end()) return {};
      keys.push_back(required->items[0].text);
    }
    return keys;
  }

  static std::string listed(const std::vector<std::string>& keys, std::string_view last) {
    std::vector<std::string> names;
    for (const std::string& key : keys) names.push_back(quoted(key));
    return joined(names, last);
  }

  // The alternative that the value is nearest to is the one that was meant, if it has the type for it.
  void check_alternatives(const JsonNode* alternatives, bool exactly_one, const Spot& at) {
    if (!alternatives || alternatives->items.empty()) return;
    std::vector<ParamFault> best;
    std::vector<std::string> types;
    bool any_type = false;  // some alternative takes a value of this type
    size_t fitting = 0;
    for (const JsonNode& alternative : alternatives->items) {
      std::vector<ParamFault> faults = faults_of(alternative, at);
      if (faults.empty()) ++fitting;
      const JsonNode* reference = reference_of(alternative);
      const JsonNode* schema = reference ? follow_reference(root_, reference->text) : &alternative;
      const std::vector<std::string> own = schema ? types_of(*schema) : std::vector<std::string>();
      const bool fits_type =
          own.empty() || std::any_of(own.begin(), own.end(), [&](const std::string& type) { return has_type(at.value, type); });
      for (const std::string& type : own) {
        if (std::string name = name_of_type(type); std::find(types.begin(), types.end(), name) == types.end())
          types.push_back(std::move(name));
      }
      if (fits_type && (!any_type || faults.size() < best.size())) best = std::move(faults);
      any_type = any_type || fits_type;
    }
    const std::vector<std::string> choices = keys_to_choose_from(*alternatives);
    if (fitting > 1 && exactly_one) {
      if (choices.empty()) return add(at, at.subject() + " fits more than one of the forms it may have: exactly one must fit");
      std::vector<std::string> present;
      for (const std::string& key : choices) {
        if (at.value.find(key)) present.push_back(quoted(key));
      }
      return add(at, at.subject() + " may have only one of " + listed(choices, "and") + ", but has " + joined(present, "and"));
    }
    if (fitting > 0) return;
    const auto has = [&](const std::string& key) { return at.value.find(key) != nullptr; };
    if (!choices.empty() && at.value.kind == JsonKind::kMap && std::none_of(choices.begin(), choices.end(), has)) {
      return add(at, (at.name.empty() ? "one of the params " : at.subject() + " needs one of ") + listed(choices, "and") +
                         (at.name.empty() ? " is required" : ""));
    }
    if (any_type)
      adopt(std::move(best));
    else
      add(at, at.subject() + " must be " + joined(types, "or") + ", not " + shown(at.value));
  }

  const JsonNode& root_;
  std::vector<ParamFault> faults_;
  size_t steps_ = 0;
};

}  // namespace

std::vector<ParamFault> find_param_faults(const JsonNode& schema, const JsonNode& params, const std::string& pointer) {
  FaultWalk walk(schema);
  walk.walk(schema, {params, "", pointer});
  return walk.take();
}

}  // namespace heddle
