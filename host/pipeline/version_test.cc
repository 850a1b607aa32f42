#include "pipeline/version.h"

#include <gtest/gtest.h>

namespace heddle {
namespace {

TEST(Version, ComparesByNumbers) {
  EXPECT_TRUE(version_satisfies("1.10.0", ">=1.9"));
  EXPECT_FALSE(version_satisfies("1.10.0", "<1.9"));
  EXPECT_TRUE(version_satisfies("1.2.3", "=1.2.3"));
  EXPECT_TRUE(version_satisfies("1.2", "1.2.0"));
  EXPECT_FALSE(version_satisfies("1.2.4", "=1.2.3"));
  EXPECT_TRUE(version_satisfies("2.0.0-rc1", ">1.99"));
}

TEST(Version, AllTermsMustHold) {
  EXPECT_TRUE(version_satisfies("1.5.0", ">= 1.0, < 2"));
  EXPECT_FALSE(version_satisfies("2.0.0", ">=1.0,<2"));
  EXPECT_TRUE(version_satisfies("7", ""));
}

}  // namespace
}  // namespace heddle
