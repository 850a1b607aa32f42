#include "cli/manifest_schema.h"

#include <gtest/gtest.h>

#include "value/value.h"

namespace heddle {
namespace {

TEST(ManifestSchema, TheBuiltInOneIsJson) {
  Result<Value> schema = Value::parse(heddle1_schema());
  ASSERT_TRUE(schema.has_value());
  EXPECT_EQ(schema->find("$schema").as_text(), "http://json-schema.org/draft-07/schema#");
}

TEST(ManifestSchema, WithoutPluginsItIsTheBuiltInOne) {
  EXPECT_EQ(Value::parse(schema_with_types(Catalog::scan({}))).value(), Value::parse(heddle1_schema()).value());
}

}  // namespace
}  // namespace heddle
