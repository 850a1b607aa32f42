#include "serve/access.h"

#include <gtest/gtest.h>

namespace heddle {
namespace {

const Access kAccess({{"watcher", "w-secret", {Scope::kRead}}, {"boss", "boss-secret", {Scope::kRead, Scope::kAdmin}}, {"empty", "", {Scope::kAdmin}}}, {"health"});

std::string outcome(std::string_view token, Scope scope) {
  const auto checked = kAccess.check(token, scope);
  return checked ? "fine" : checked.error().code;
}

TEST(Access, ATokenMayDoWhatItsScopesSayAndNothingElse) {
  EXPECT_EQ(outcome("w-secret", Scope::kRead), "fine");
  EXPECT_EQ(outcome("boss-secret", Scope::kAdmin), "fine");
  EXPECT_EQ(outcome("w-secret", Scope::kAdmin), "denied");
  EXPECT_EQ(outcome("boss-secret", Scope::kSubmit), "denied");
  EXPECT_EQ(kAccess.check("w-secret", Scope::kAdmin).error().message, "this needs the scope \"admin\"; the token \"watcher\" has read");
}

TEST(Access, OnlyTheWholeTokenCounts) {
  for (const char* token : {"", "w", "w-secre", "w-secretw", "w-secretw-secret", "W-secret", "x-secret", "boss-secretx", "\xff"}) {
    EXPECT_EQ(outcome(token, Scope::kRead), "unauthenticated") << token;
    EXPECT_FALSE(kAccess.check(token)) << token;
  }
  EXPECT_TRUE(kAccess.check("w-secret"));
}

TEST(Access, WithoutTokensEverybodyMayDoEverything) {
  const Access open({});
  EXPECT_TRUE(open.is_open());
  EXPECT_TRUE(open.check("", Scope::kAdmin));
  EXPECT_TRUE(open.is_open("jobs.list"));
}

TEST(Access, SomeOperationsMayBeOpenToAll) {
  EXPECT_FALSE(kAccess.is_open());
  EXPECT_TRUE(kAccess.is_open("health"));
  EXPECT_FALSE(kAccess.is_open("metrics"));
}

}  // namespace
}  // namespace heddle
