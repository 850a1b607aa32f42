#include "plugin/secrets.h"

#include <string>
#include <string_view>

#include "log.h"

namespace heddle {

void redact_secrets(const Value& schema, const Value& value) {
  const Value mark = schema.find("writeOnly"), properties = schema.find("properties"), items = schema.find("items");
  if (mark && mark.as_bool().value_or(false) && value.kind() == HEDDLE_STRING) log::redact(std::string(*value.as_text()));
  for (size_t i = 0; properties && value.kind() == HEDDLE_MAP && i < properties.size(); ++i) {
    std::string_view key;
    const Value property = properties.at(i, &key);
    if (const Value member = value.find(key)) redact_secrets(property, member);
  }
  for (size_t i = 0; items && value.kind() == HEDDLE_LIST && i < value.size(); ++i) redact_secrets(items, value.at(i));
}

}  // namespace heddle
