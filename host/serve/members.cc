#include "serve/members.h"

#include <algorithm>
#include <charconv>

#include "manifest/diagnostic.h"

namespace heddle {
namespace {

std::string quoted(std::string_view name) { return "\"" + std::string(name) + "\""; }

}  // namespace

std::string suggestion(std::string_view word, const std::vector<std::string>& candidates) {
  const std::string found = nearest(word, candidates);
  return found.empty() ? "" : "; did you mean " + quoted(found) + "?";
}

Members::Members(Value map, bool as_texts) : map_(std::move(map)), as_texts_(as_texts) {
  if (map_.kind() != HEDDLE_MAP) {
    if (map_) wrong("the body must be an object, not " + describe(map_));
    map_ = Value();
  }
}

void Members::wrong(std::string message) {
  if (wrong_.empty()) wrong_ = std::move(message);
}

Value Members::any(std::string_view name) {
  asked_.emplace_back(name);
  return map_ ? map_.find(name) : Value();
}

void Members::need(std::string_view name) {
  if (!map_ || !map_.find(name)) wrong(quoted(name) + " is missing");
}

std::optional<std::string> Members::text(std::string_view name, size_t least, size_t most) {
  const Value found = any(name);
  if (!found) return std::nullopt;
  const auto said = found.kind() == HEDDLE_STRING ? found.as_text() : std::nullopt;
  if (!said) return wrong(quoted(name) + " must be a text, not " + describe(found)), std::nullopt;
  if (said->size() < least) return wrong(quoted(name) + " must not be empty"), std::nullopt;
  if (said->size() > most) return wrong(quoted(name) + " must have at most " + std::to_string(most) + " bytes"), std::nullopt;
  return std::string(*said);
}

std::optional<uint64_t> Members::number(const Value& value) const {
  if (!as_texts_) {
    const auto n = value.kind() == HEDDLE_INT ? value.as_int() : std::nullopt;
    return n && *n >= 0 ? std::optional(static_cast<uint64_t>(*n)) : std::nullopt;
  }
  const std::string_view said = value.as_text().value_or("");
  uint64_t n = 0;
  const auto [end, failed] = std::from_chars(said.data(), said.data() + said.size(), n);
  return failed == std::errc() && !said.empty() && end == said.data() + said.size() ? std::optional(n) : std::nullopt;
}

std::optional<uint64_t> Members::count(std::string_view name, uint64_t least, uint64_t most) {
  const Value found = any(name);
  if (!found) return std::nullopt;
  const auto n = number(found);
  if (n && *n >= least && *n <= most) return n;
  wrong(quoted(name) + " must be a whole number from " + std::to_string(least) + " to " + std::to_string(most) + ", not " + describe(found));
  return std::nullopt;
}

std::vector<uint64_t> Members::counts(std::string_view name, size_t most) {
  std::vector<uint64_t> all;
  const Value found = any(name);
  if (!found) return all;
  if (found.kind() != HEDDLE_LIST || found.size() > most) {
    wrong(quoted(name) + " must be a list of at most " + std::to_string(most) + " numbers, not " + describe(found));
    return all;
  }
  for (size_t i = 0; i < found.size(); ++i) {
    const auto n = number(found.at(i));
    if (!n) return wrong(quoted(name) + " must be a list of whole numbers; it has " + describe(found.at(i))), all;
    all.push_back(*n);
  }
  return all;
}

Result<void> Members::end() const {
  std::string strange;  // what is misspelt explains what is missing
  for (size_t i = 0; map_ && strange.empty() && i < map_.size(); ++i) {
    std::string_view name;
    map_.at(i, &name);
    if (std::find(asked_.begin(), asked_.end(), name) == asked_.end())
      strange = std::string(as_texts_ ? "there is no parameter " : "there is no member ") + quoted(name) + " here" + suggestion(name, asked_);
  }
  if (strange.empty() && wrong_.empty()) return {};
  return Error("invalid", strange.empty() ? wrong_ : strange);
}

}  // namespace heddle
