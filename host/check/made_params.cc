#include "check/made_params.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "value/json_value.h"

namespace heddle {
namespace {

using Members = std::map<std::string, Value>;
constexpr int kMostDepth = 12;

Value map_of(const Members& members) {
  std::vector<std::pair<std::string, Value>> all(members.begin(), members.end());
  return json_object(std::move(all));
}

// The schema itself, or the one that it refers to.
Value resolved(const Value& root, Value schema) {
  for (int i = 0; i < kMostDepth; ++i) {
    const Value to = schema.find("$ref");
    if (!to || !to.as_text()) break;
    const std::string_view pointer = *to.as_text();
    schema = pointer.starts_with("#") ? root.pointer(pointer.substr(1)) : Value();
  }
  return schema;
}

std::string type_of(const Value& schema) {
  const Value type = schema.find("type");
  if (type && type.as_text()) return std::string(*type.as_text());
  if (type && type.size() > 0 && type.at(0).as_text()) return std::string(*type.at(0).as_text());
  if (schema.find("properties") || schema.find("required")) return "object";
  return schema.find("items") ? "array" : "";
}

double number_of(const Value& schema, std::string_view key, double otherwise) { return schema.find(key).as_float().value_or(otherwise); }

Value number(double n, bool whole) {
  if (whole || n == std::floor(n)) {
    if (std::fabs(n) < 9e15) return Value::integer(static_cast<int64_t>(n));
  }
  auto made = Value::number(n);
  return made ? *made : Value::integer(0);
}

class Plainest {
 public:
  explicit Plainest(const Value& root) : root_(root) {}

  Value of(const Value& asked, int depth = 0) const {
    const Value schema = resolved(root_, asked);
    if (!schema || depth > kMostDepth) return Value::integer(1);
    for (const char* said : {"const", "default"})
      if (Value value = schema.find(said)) return value;
    for (const char* said : {"examples", "enum"})
      if (const Value choices = schema.find(said); choices && choices.size() > 0) return choices.at(0);
    const std::string type = type_of(schema);
    if (type == "object") return object(schema, depth);
    if (type == "array") {
      const auto wanted = static_cast<size_t>(number_of(schema, "minItems", 0));
      return Value::list(std::vector<Value>(std::min<size_t>(wanted, 64), of(schema.find("items"), depth + 1)));
    }
    if (type == "string") return *Value::string(std::string(std::max<size_t>(1, static_cast<size_t>(number_of(schema, "minLength", 1))), 'a'));
    if (type == "boolean") return Value::boolean(false);
    if (type == "null") return Value::null();
    if (type == "integer" || type == "number") return number(smallest(schema), type == "integer");
    for (const char* said : {"anyOf", "oneOf", "allOf"})
      if (const Value choices = schema.find(said); choices && choices.size() > 0) return of(choices.at(0), depth + 1);
    return Value::integer(1);
  }

 private:
  static double smallest(const Value& schema) {
    if (schema.find("minimum")) return number_of(schema, "minimum", 0);
    if (schema.find("exclusiveMinimum")) return number_of(schema, "exclusiveMinimum", 0) + 1;
    return std::min(1.0, number_of(schema, "maximum", 1));
  }

  Value object(const Value& schema, int depth) const {
    Members members;
    add_required(schema, schema, members, depth);
    return map_of(members);
  }

  // What `part`, a branch of `whole` or itself, requires; the members' own schemas may stand in either.
  void add_required(const Value& whole, const Value& part, Members& members, int depth) const {
    if (depth > kMostDepth) return;
    const Value required = part.find("required");
    for (size_t i = 0; required && i < required.size(); ++i) {
      const std::string name(required.at(i).as_text().value_or(""));
      Value member = part.find("properties").find(name);
      if (!member) member = whole.find("properties").find(name);
      members.emplace(name, of(member, depth + 1));
    }
    if (const Value all = part.find("allOf"))
      for (size_t i = 0; i < all.size(); ++i) add_required(whole, resolved(root_, all.at(i)), members, depth + 1);
    for (const char* said : {"anyOf", "oneOf"})
      if (const Value choices = part.find(said); choices && choices.size() > 0) add_required(whole, resolved(root_, choices.at(0)), members, depth + 1);
  }

  const Value& root_;
};

class Any {
 public:
  Any(const Value& root, std::mt19937_64& random) : root_(root), random_(random) {}

  Value of(const Value& asked, int depth = 0) {
    const Value schema = resolved(root_, asked);
    if (!schema || depth > kMostDepth || one_in(25)) return junk(depth);
    if (const Value choices = schema.find("enum"); choices && choices.size() > 0) return choices.at(below(choices.size()));
    if (const Value only = schema.find("const")) return only;
    for (const char* said : {"anyOf", "oneOf"}) {
      const Value choices = schema.find(said);
      if (choices && choices.size() > 0 && !schema.find("properties")) return of(choices.at(below(choices.size())), depth + 1);
    }
    std::string type = type_of(schema);
    if (const Value types = schema.find("type"); types && types.kind() == HEDDLE_LIST && types.size() > 0)
      type = types.at(below(types.size())).as_text().value_or("");
    if (type == "object") return object(schema, depth);
    if (type == "array") return list(schema, depth);
    if (type == "string") return *Value::string(text(static_cast<size_t>(number_of(schema, "minLength", 0)), static_cast<size_t>(number_of(schema, "maxLength", 2'000))));
    if (type == "boolean") return Value::boolean(one_in(2));
    if (type == "integer" || type == "number") return some_number(schema, type == "integer");
    return type == "null" ? Value::null() : junk(depth);
  }

 private:
  size_t below(size_t n) { return n ? static_cast<size_t>(random_() % n) : 0; }
  bool one_in(size_t n) { return below(n) == 0; }

  Value object(const Value& schema, int depth) {
    Members members;
    const Value properties = schema.find("properties");
    const Value required = schema.find("required");
    for (size_t i = 0; properties && i < properties.size(); ++i) {
      std::string_view key;
      const Value member = properties.at(i, &key);
      bool wanted = one_in(3);
      for (size_t r = 0; required && r < required.size(); ++r) wanted = wanted || (required.at(r).as_text() == key && !one_in(25));
      if (wanted) members.emplace(key, of(member, depth + 1));
    }
    const Value more = schema.find("additionalProperties");
    if ((!more || more.as_bool() != false) && one_in(2)) members.emplace(text(1, 40), more && more.kind() == HEDDLE_MAP ? of(more, depth + 1) : junk(depth));
    if (one_in(50)) members.emplace("no such param", junk(depth));
    return map_of(members);
  }

  Value list(const Value& schema, int depth) {
    const auto least = static_cast<size_t>(number_of(schema, "minItems", 0));
    const size_t count = std::min<size_t>(least + below(4), static_cast<size_t>(number_of(schema, "maxItems", 1'000)));
    std::vector<Value> items;
    for (size_t i = 0; i < std::min<size_t>(count, 200); ++i) items.push_back(of(schema.find("items"), depth + 1));
    return Value::list(std::move(items));
  }

  Value some_number(const Value& schema, bool whole) {
    const double least = schema.find("exclusiveMinimum") ? number_of(schema, "exclusiveMinimum", 0) : number_of(schema, "minimum", -9e15);
    const double most = schema.find("exclusiveMaximum") ? number_of(schema, "exclusiveMaximum", 0) : number_of(schema, "maximum", 9e15);
    const double step = whole ? 1 : 0.5;
    const double edges[] = {least, least + step, most, most - step, 0, 1, -1, 7, 1e6};
    return number(edges[below(std::size(edges))], whole);
  }

  // No '/' and no NUL: nothing that is made up leads to somebody's file.
  std::string text(size_t least, size_t most) {
    static constexpr std::string_view kPieces[] = {"a", "b", "Z", "0", "9", " ", ".", "-", "_", "$", "{", "}", "[", "]", "(", ")", "\"", "'", "\\", "|", "*", "+", "?", "^", "%", "%s", "\n", "\t", "é", "漢", "\U0001F980", ":", "=", ",", "@"};
    size_t wanted = one_in(12) ? 1'500 : below(12);
    wanted = std::clamp(wanted, least, std::max(least, most));
    std::string out;
    for (size_t i = 0; i < wanted; ++i) out += kPieces[below(std::size(kPieces))];
    return out;
  }

  Value junk(int depth) {
    switch (below(depth > kMostDepth ? 5 : 7)) {
      case 0: return Value::null();
      case 1: return Value::boolean(true);
      case 2: return Value::integer(std::numeric_limits<int64_t>::min());
      case 3: return *Value::string(text(0, 200));
      case 4: return *Value::decimal("1e400");
      case 5: return Value::list({junk(depth + 4), junk(depth + 4)});
      default: return map_of({{text(1, 8), junk(depth + 4)}});
    }
  }

  const Value& root_;
  std::mt19937_64& random_;
};

}  // namespace

Result<MadeParams> MadeParams::of(const std::string& schema) {
  auto check = ParamSchema::compile(schema);
  if (!check) return std::move(check).error();
  auto tree = Value::parse(schema);
  if (!tree) return std::move(tree).error();
  return MadeParams(*std::move(check), *std::move(tree));
}

std::string MadeParams::fault(const Value& params) const {
  const std::string text = params.json();
  Diagnostics diagnostics("params", text);
  JsonNode root;
  if (parse_document(text, root, diagnostics)) check_.check(root, "", "params", diagnostics);
  return diagnostics.all().empty() ? std::string() : diagnostics.all().front().message;
}

Result<Value> MadeParams::plainest() const {
  Value made = are_free() ? *Value::map({}) : Plainest(schema_).of(schema_);
  std::string wrong = fault(made);
  if (wrong.empty()) return made;
  return Error("no-params", "params cannot be made up from its schema (" + std::move(wrong) + ")", ErrorClass::kConfig);
}

Value MadeParams::any(std::mt19937_64& random) const { return Any(schema_, random).of(schema_); }

Result<Value> params_for(const std::string& schema, const Value& given) {
  auto made = MadeParams::of(schema);
  if (!made) return std::move(made).error();
  if (!given) return made->plainest();
  const std::string wrong = made->fault(given);
  if (wrong.empty()) return given;
  return Error("bad-param", "the params that were given: " + wrong, ErrorClass::kConfig);
}

}  // namespace heddle
