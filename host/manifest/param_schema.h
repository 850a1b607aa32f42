// ParamSchema: the JSON Schema (draft 7) that a node type declares for its params, and the check of params against it.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "manifest/diagnostic.h"
#include "manifest/document.h"
#include "result.h"

namespace heddle {

// Of draft 7, "format" is an annotation only, and a "$ref" leads to a schema inside the same text.
class ParamSchema {
 public:
  // The error says what is wrong with the schema itself, and where in it.
  static Result<ParamSchema> compile(std::string_view json_schema_text);
  ParamSchema(ParamSchema&&) noexcept;
  ParamSchema& operator=(ParamSchema&&) noexcept;
  ~ParamSchema();

  // [any] Adds one "bad-param" error per violation, each at the value that causes it. `pointer`: of the params in the manifest. `owner`
  // says whose they are: a message reads "<owner>: <what is wrong>".
  void check(const JsonNode& params, const std::string& pointer, std::string_view owner, Diagnostics& diagnostics) const;

  // Whether no params at all satisfy the schema.
  bool accepts_empty() const;

 private:
  struct Content;
  explicit ParamSchema(std::unique_ptr<const Content> content);
  std::unique_ptr<const Content> content_;
};

}  // namespace heddle
