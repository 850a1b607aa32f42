#include "serve/openapi.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "serve/openapi_schemas.h"
#include "serve/route.h"
#include "value/json_value.h"

namespace heddle {
namespace {

using Members = std::vector<std::pair<std::string, Value>>;

Value schema_ref(std::string_view name) { return json_object({{"$ref", json_text("#/components/schemas/" + std::string(name))}}); }

// Of a content; without a schema it is text.
Value schema_of(std::string_view schema) {
  return json_object({{"schema", schema.empty() ? json_object({{"type", json_text("string")}}) : schema_ref(schema)}});
}

Value parameter(std::string_view name, std::string_view where, std::string_view type, std::string_view description) {
  Members members = {{"name", json_text(name)}, {"in", json_text(where)}, {"required", Value::boolean(where == "path")}};
  if (!description.empty()) members.emplace_back("description", json_text(description));
  members.emplace_back("schema", json_object({{"type", json_text(type)}}));
  return json_object(std::move(members));
}

Value parameters_of(const Route& route) {
  std::vector<Value> all;
  for (size_t open = route.path.find('{'); open != route.path.npos; open = route.path.find('{', open + 1)) {
    const std::string_view name = route.path.substr(open + 1, route.path.find('}', open) - open - 1);
    all.push_back(parameter(name, "path", name == "id" ? "integer" : "string", ""));
  }
  for (const QueryParameter& one : route.query) all.push_back(parameter(one.name, "query", one.type, one.description));
  return Value::list(std::move(all));
}

Value failure_answer(std::string_view description) {
  return json_object({{"description", json_text(description)}, {"content", json_object({{"application/json", schema_of("Failure")}})}});
}

Value answers_of(const Route& route) {
  Members content = {{std::string(route.answer_type), schema_of(route.answer_schema)}};
  if (route.takes_lines) {
    content.emplace_back("application/x-ndjson", schema_of("ExecutedLine"));
    content.emplace_back("text/event-stream", schema_of(""));
  }
  const Value good = json_object({{"description", json_text(route.summary)}, {"content", json_object(std::move(content))}});
  Members answers = {{"200", good}};
  if (route.may_accept) answers.emplace_back("202", good);
  answers.emplace_back("401", failure_answer("No token, or none of this host's."));
  answers.emplace_back("403", failure_answer("The token has not the scope " + std::string(name_of(route.scope)) + "."));
  answers.emplace_back("default", failure_answer("What went wrong, in words. Where Retry-After is given, it may be asked for again after that."));
  return json_object(std::move(answers));
}

Value body_of(const Route& route) {
  Members content = {{"application/json", schema_of(route.body_schema)}};
  if (route.takes_lines) content.emplace_back("application/x-ndjson", schema_of(route.body_schema));
  return json_object({{"required", Value::boolean(true)}, {"content", json_object(std::move(content))}});
}

Value operation_of(const Route& route) {
  Members members = {{"operationId", json_text(route.name)},
                     {"summary", json_text(route.summary)},
                     {"x-heddle-scope", json_text(name_of(route.scope))},
                     {"parameters", parameters_of(route)}};
  if (!route.body_schema.empty()) members.emplace_back("requestBody", body_of(route));
  members.emplace_back("responses", answers_of(route));
  return json_object(std::move(members));
}

std::string lower(std::string_view method) {
  std::string out;
  for (const char c : method) out += static_cast<char>(c | 0x20);
  return out;
}

Value paths() {
  std::map<std::string, Members> by_path;
  for (const Route& route : routes()) by_path[std::string(route.path)].emplace_back(lower(route.method), operation_of(route));
  Members all;
  for (auto& [path, operations] : by_path) all.emplace_back(path, json_object(std::move(operations)));
  return json_object(std::move(all));
}

}  // namespace

Value openapi_document(std::string_view version) {
  const Value bearer = json_object({{"type", json_text("http")}, {"scheme", json_text("bearer")}});
  return json_object({{"openapi", json_text("3.0.3")},
                      {"info", json_object({{"title", json_text("heddle")},
                                            {"description", json_text("Jobs, lanes and pipelines of a running host.")},
                                            {"version", json_text(version.empty() ? "0" : version)}})},
                      {"security", Value::list({json_object({{"token", Value::list({})}})})},
                      {"paths", paths()},
                      {"components", json_object({{"securitySchemes", json_object({{"token", bearer}})}, {"schemas", openapi_schemas()}})}});
}

}  // namespace heddle
