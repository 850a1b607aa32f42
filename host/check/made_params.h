// MadeParams: params for a type, made up from its JSON Schema.
#pragma once
#include <cstdint>
#include <optional>
#include <random>
#include <string>

#include "manifest/param_schema.h"
#include "result.h"
#include "value/value.h"

namespace heddle {

class MadeParams {
 public:
  // The error: the type's schema is none.
  static Result<MadeParams> of(const std::string& schema);

  // What the schema says against params; empty: nothing.
  std::string fault(const Value& params) const;
  // Whether it asks for none.
  bool are_free() const { return fault(*Value::map({})).empty(); }
  // Whether there are any that could be given.
  bool are_any() const { return !are_free() || schema_.find("properties").size() > 0; }
  // The plainest ones: what is required, each as its default, first choice or smallest value says. The error: these do not satisfy the schema, and why.
  Result<Value> plainest() const;
  // Any at all, near to what the schema says and mostly not all of it.
  Value any(std::mt19937_64& random) const;

 private:
  MadeParams(ParamSchema check, Value schema) : check_(std::move(check)), schema_(std::move(schema)) {}
  ParamSchema check_;
  Value schema_;
};

// The params of a type that a check creates objects with: those given, or else the plainest.
Result<Value> params_for(const std::string& schema, const Value& given);

}  // namespace heddle
