#include "plugin/operation.h"

namespace heddle {
namespace {

Result<Value> value_of(const Operation& operation) {
  auto name = Value::string(operation.name), method = Value::string(operation.method), path = Value::string(operation.path);
  if (!name || !method || !path) return Error("invalid", "an operation's name, method or path is not UTF-8", ErrorClass::kConfig);
  return Value::map({{"name", *name}, {"answer", *Value::string(operation.stream ? "stream" : "value")}, {"method", *method}, {"path", *path}});
}

}  // namespace

Result<Value> value_of(const std::vector<Operation>& operations) {
  std::vector<Value> values;
  for (const Operation& operation : operations) {
    auto value = value_of(operation);
    if (!value) return value;
    values.push_back(*std::move(value));
  }
  return Value::list(std::move(values));
}

}  // namespace heddle
