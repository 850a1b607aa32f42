#include "routes.h"

#include <algorithm>

namespace transport_http {
namespace {

using heddle::sdk::Error;
using heddle::sdk::ValueRef;

constexpr std::string_view kMethods[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};

std::string text_of(ValueRef operation, std::string_view key) {
  const auto text = operation.find(key).as_text();
  if (!text || text->empty()) throw Error(HEDDLE_INVALID, "an operation lacks \"" + std::string(key) + "\"");
  return std::string(*text);
}

Route read_route(ValueRef operation) {
  Route route;
  route.operation = text_of(operation, "name");
  route.method = text_of(operation, "method");
  route.stream = text_of(operation, "answer") == "stream";
  if (std::find(std::begin(kMethods), std::end(kMethods), route.method) == std::end(kMethods))
    throw Error(HEDDLE_INVALID, route.operation + ": the method " + route.method + " is not known here");
  const std::string path = text_of(operation, "path");
  auto target = parse_target(path);
  if (!target.target || !target.target->query.empty()) throw Error(HEDDLE_INVALID, route.operation + ": " + path + " is no path");
  route.segments = std::move(target.target->segments);
  return route;
}

bool same_path(const Route& a, const Route& b) {
  return std::equal(a.segments.begin(), a.segments.end(), b.segments.begin(), b.segments.end(), [](const std::string& x, const std::string& y) {
    return is_parameter(x) == is_parameter(y) && (is_parameter(x) || x == y);
  });
}

bool fits(const Route& route, const std::vector<std::string>& segments) {
  return std::equal(segments.begin(), segments.end(), route.segments.begin(), route.segments.end(),
                    [](const std::string& came, const std::string& wanted) { return is_parameter(wanted) ? !came.empty() : came == wanted; });
}

}  // namespace

bool is_parameter(std::string_view segment) { return segment.size() > 2 && segment.front() == '{' && segment.back() == '}'; }

Routes::Routes(ValueRef operations) {
  if (!operations.is(HEDDLE_LIST)) throw Error(HEDDLE_INVALID, "there is no list of operations");
  for (size_t i = 0; i < operations.size(); ++i) {
    Route route = read_route(operations.at(i));
    for (const Route& other : routes_)
      if (other.method == route.method && same_path(other, route))
        throw Error(HEDDLE_INVALID, route.operation + " has the method and path of " + other.operation);
    routes_.push_back(std::move(route));
  }
  std::stable_sort(routes_.begin(), routes_.end(), [](const Route& a, const Route& b) {
    return std::lexicographical_compare(a.segments.begin(), a.segments.end(), b.segments.begin(), b.segments.end(),
                                        [](const std::string& x, const std::string& y) { return !is_parameter(x) && is_parameter(y); });
  });
}

const Route* Routes::named(std::string_view operation) const {
  const auto found = std::find_if(routes_.begin(), routes_.end(), [&](const Route& route) { return route.operation == operation; });
  return found == routes_.end() ? nullptr : &*found;
}

Routes::Match Routes::find(std::string_view method, const std::vector<std::string>& segments) const {
  Match match;
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  const auto allow = [&](std::string_view name) {
    if (match.allow.find(name) == match.allow.npos) match.allow.append(match.allow.empty() ? "" : ", ").append(name);
  };
  for (const Route& route : routes_) {
    if (!fits(route, segments)) continue;
    if (route.method == wanted) {
      match.route = &route;
      for (size_t i = 0; i < segments.size(); ++i)
        if (const std::string& s = route.segments[i]; is_parameter(s)) match.parameters.emplace_back(s.substr(1, s.size() - 2), segments[i]);
      return match;
    }
    allow(route.method);
    if (route.method == "GET") allow("HEAD");
  }
  return match;
}

}  // namespace transport_http
