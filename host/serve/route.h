// Route: one operation of the control, with everything that is said of it anywhere.
#pragma once
#include <string_view>
#include <vector>

#include "plugin/request.h"
#include "serve/access.h"
#include "serve/control.h"

namespace heddle {

struct QueryParameter {
  std::string_view name, type, description;  // type: "string" or "integer"
};

struct Route {
  std::string_view name, method, path;
  Scope scope;
  std::string_view summary;
  // One of the two: an answer at once, or one that the function owes.
  Result<Value> (*answer)(Control::State& control, const Request& request) = nullptr;
  void (*run)(Control::State& control, Request request) = nullptr;
  // For the document. Schemas are names of its components; empty: none.
  std::string_view body_schema = {}, answer_schema = {};
  std::vector<QueryParameter> query = {};
  std::string_view answer_type = "application/json";
  bool may_accept = false;  // 202
  bool takes_lines = false; // JSON lines, too, and answers with such
  bool stream = false;      // the answer may come in parts
};

// All of them.
const std::vector<Route>& routes();

}  // namespace heddle
