// Members: what a peer says in a body or a query, read one by one and strictly: a wrong type, a value out of range, a name that nobody asked for are errors that name it.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "result.h"
#include "value/value.h"

namespace heddle {

class Members {
 public:
  // The members of a JSON object.
  static Members of_body(Value body) { return Members(std::move(body), false); }
  // The parameters of a request: texts, in which numbers are written, too.
  static Members of_parameters(Value parameters) { return Members(std::move(parameters), true); }

  // Each gives nothing for what is absent or wrong; what was wrong first is the error of end().
  std::optional<std::string> text(std::string_view name, size_t least = 1, size_t most = 256);
  std::optional<uint64_t> count(std::string_view name, uint64_t least, uint64_t most);
  std::vector<uint64_t> counts(std::string_view name, size_t most);
  // Empty: absent.
  Value any(std::string_view name);
  void need(std::string_view name);  // it must be there
  void wrong(std::string message);
  // After all were asked for. Error "invalid".
  Result<void> end() const;

 private:
  Members(Value map, bool as_texts);
  std::optional<uint64_t> number(const Value& value) const;

  Value map_;
  const bool as_texts_;
  std::vector<std::string> asked_;
  std::string wrong_;
};

// `; did you mean "…"?`, or nothing.
std::string suggestion(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace heddle
