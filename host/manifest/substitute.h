// `${param.x}`, `${env.NAME}`, `${env.NAME:-default}` and `${file:path}` in string values; `$${` is a literal `${`.
#pragma once
#include <string>
#include <string_view>

#include "manifest/sections.h"
#include "result.h"

namespace heddle {

// Text files that a manifest may take in are at most this long.
inline constexpr size_t kMaxFileBytes = size_t{1} << 20;
// What all references of a manifest may add up to.
inline constexpr size_t kMaxSubstitutedBytes = size_t{64} << 20;

class Substitution {
 public:
  // `params`: those of reading.manifest() that have a value.
  Substitution(ManifestReading& reading, const ParamValues& params) : reading_(reading), params_(&params), declared_(&reading.manifest().params) {}
  // Of a document that has no params, as a configuration.
  explicit Substitution(Reading& reading) : reading_(reading) {}

  // Replaces the references in every string of the tree, but for those under `x-*` keys outside of "params". A string that is one reference
  // to a param of another type becomes a value of that type. What was changed is told to the reading; what cannot be resolved is
  // reported and stays.
  void apply(JsonNode& node, const Path& path, bool in_params = false);

 private:
  void apply_text(JsonNode& node, const Path& path);
  void note(const JsonNode& node, const Path& path, const std::string& raw);
  bool resolve(std::string_view reference, const JsonNode& node, const Path& path, Span span, std::string& out);
  bool resolve_param(std::string_view name, const Path& path, Span span, std::string& out);
  const JsonNode* value_of(std::string_view param) const;  // null: there is none
  std::string forms() const;
  bool resolve_variable(std::string_view rest, const Path& path, Span span, std::string& out);

  Reading& reading_;
  const ParamValues* const params_ = nullptr;
  const std::vector<ParamDeclaration>* const declared_ = nullptr;  // there exactly if params_ is
  size_t bytes_ = 0;  // given out so far
};

// The text with every "${" escaped, so that substitution gives it back.
std::string escape_references(std::string_view text);

// The content without its last line end. `path` is relative to the folder of `beside`. Refuses what is no regular file, too long or not
// UTF-8.
Result<std::string> read_text_file(const std::string& beside, const std::string& path);

}  // namespace heddle
