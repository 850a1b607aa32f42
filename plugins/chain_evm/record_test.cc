#include "record.h"

#include <gtest/gtest.h>
#include <heddle/sdk/fake_host.h>

namespace chain_evm {
namespace {

using heddle::sdk::Error;
using heddle::sdk::FakeHost;
using heddle::sdk::Value;

Record whole() {
  return {.number = 7,
          .intent = {.key = "a \"key\"\n", .what = "call", .to = std::string(20, '\x11'), .value = parse_decimal("123456789012345678901234567890"), .data = "\x01\x02", .gas = 21000, .not_after_unix = 99},
          .attempts = {{.hash = std::string(32, '\xaa'), .raw = "raw", .fee = {.tip = 1, .cap = 2}, .does_nothing = false, .at_unix = 5, .error = "no"},
                       {.hash = std::string(32, '\xbb'), .raw = "war", .fee = {.tip = 3, .cap = 4}, .does_nothing = true, .at_unix = 6}},
          .stage = Stage::kIncluded,
          .receipt = {.hash = std::string(32, '\xbb'), .block_hash = std::string(32, '\xcc'), .block = 12, .succeeded = false, .paid = 42, .reason = R"({"name":"NotYours"})"},
          .stored_unix = 3};
}

TEST(Records, ComeBackAsTheyWereStored) {
  FakeHost host;
  const Record record = whole();
  const Record back = read_record(Value::parse(to_text(record)));
  EXPECT_EQ(to_text(back), to_text(record));
  EXPECT_EQ(back.intent.key, record.intent.key);
  EXPECT_EQ(back.intent.value, record.intent.value);
  EXPECT_EQ(back.intent.data, record.intent.data);
  EXPECT_EQ(back.attempts[1].raw, "war");
  EXPECT_EQ(back.attempts[1].fee, (Fee{.tip = 3, .cap = 4}));
  EXPECT_TRUE(back.attempts[1].does_nothing);
  EXPECT_EQ(back.receipt.block, 12u);
  EXPECT_FALSE(back.receipt.succeeded);
  EXPECT_EQ(back.receipt.reason, record.receipt.reason);
  EXPECT_EQ(back.current()->hash, record.attempts[1].hash);
}

TEST(Records, TheBytesOfTheLastAttemptThatCanBeSentAreKeptAndNoOthers) {
  FakeHost host;
  Record record = whole();
  EXPECT_EQ(read_record(Value::parse(to_text(record))).attempts[0].raw, "");
  EXPECT_EQ(read_record(Value::parse(to_text(record))).attempts[0].hash, record.attempts[0].hash);
  record.attempts[1].raw = "";
  EXPECT_EQ(read_record(Value::parse(to_text(record))).attempts[0].raw, "raw");
  record.attempts[0].raw = std::string(size_t{300} << 10, 'r');
  const size_t one = to_text(record).size();
  while (record.attempts.size() < 64) record.attempts.push_back(record.attempts[0]);
  EXPECT_LT(to_text(record).size(), one + 64 * 400);
}

TEST(Records, OfWhatIsOverTheBytesAreNotKept) {
  FakeHost host;
  Record record = whole();
  record.stage = Stage::kFinal;
  const Record back = read_record(Value::parse(to_text(record)));
  EXPECT_EQ(back.attempts[0].raw, "");
  EXPECT_EQ(back.intent.data, "");
  EXPECT_EQ(back.stage, Stage::kFinal);
}

TEST(Records, DamagedOnesAreRefused) {
  FakeHost host;
  for (const char* const text : {"null", "{}", R"({"number":-1,"intent":{},"stage":"stored"})", R"({"number":1,"intent":{},"stage":"nowhere"})", R"({"number":1,"intent":{"to":"zz"},"stage":"stored"})",
                                 R"({"number":1,"intent":{},"stage":"stored","attempts":[{"hash":"0x01"}]})", R"({"number":1,"intent":{"value":"x"},"stage":"stored"})"})
    EXPECT_THROW(read_record(Value::parse(text)), Error) << text;
}

}  // namespace
}  // namespace chain_evm
