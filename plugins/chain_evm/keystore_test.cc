// The published files and their password are those of ethereum.org, "Web3 secret storage definition", section "Test Vectors"; that with
// scrypt as the page had it first, and go-ethereum's test data still have it: the one that stands there now has another password.
#include "keystore.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "hex.h"
#include "refusal.h"
#include "test_values.h"

namespace chain_evm {
namespace {

constexpr char kPassword[] = "testpassword", kSecret[] = "0x7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d";
constexpr char kPbkdf2[] =
    R"({"crypto":{"cipher":"aes-128-ctr","cipherparams":{"iv":"6087dab2f9fdbbfaddc31a909735c1e6"},"ciphertext":"5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46","kdf":"pbkdf2","kdfparams":{"c":262144,"dklen":32,)"
    R"("prf":"hmac-sha256","salt":"ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd"},"mac":"517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2"},"id":"3198bc9c-6672-5ab3-d995-4942343ae5b6","version":3})";
constexpr char kScrypt[] =
    R"({"crypto":{"cipher":"aes-128-ctr","cipherparams":{"iv":"83dbcc02d8ccb40e466191a123791e0e"},"ciphertext":"d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c","kdf":"scrypt","kdfparams":{"dklen":32,"n":262144,"p":8,)"
    R"("r":1,"salt":"ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19"},"mac":"2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097"},"id":"3198bc9c-6672-5ab3-d995-4942343ae5b6","version":3})";

class Keystore : public testing::Test, protected TestValues {};

std::string opened(std::string_view file) { return to_hex(open_keystore(file, kPassword).view()); }

// The file with `from` replaced.
std::string with(std::string file, std::string_view from, std::string_view to) {
  const size_t at = file.find(from);
  EXPECT_NE(at, file.npos) << from;
  return file.replace(at, from.size(), to);
}

struct Refused {
  std::string code, why;
};
Refused refused(std::string_view file, std::string_view password = kPassword, const KeystoreLimits& limits = {}) {
  try {
    open_keystore(file, password, limits);
  } catch (const Refusal& why) {
    return {why.code(), why.what()};
  }
  return {};
}

TEST_F(Keystore, ThePublishedFileWithPbkdf2IsOpened) { EXPECT_EQ(opened(kPbkdf2), kSecret); }

TEST_F(Keystore, ThePublishedFileWithScryptIsOpened) { EXPECT_EQ(opened(kScrypt), kSecret); }

TEST_F(Keystore, OtherWaysToWriteItAreRead) {
  EXPECT_EQ(opened(with(kPbkdf2, "\"crypto\"", "\"Crypto\"")), kSecret);
  EXPECT_EQ(opened(with(kPbkdf2, "\"iv\":\"", "\"iv\":\"0x")), kSecret);
}

TEST_F(Keystore, AWrongPasswordIsSaidToBeOne) {
  const Refused found = refused(kPbkdf2, "otherpassword");
  EXPECT_EQ(found.code, "bad-password");
  EXPECT_EQ(found.why.find("otherpassword"), std::string::npos);
  EXPECT_EQ(refused(kPbkdf2, "").code, "bad-password");
}

TEST_F(Keystore, AFileThatIsNoneSaysWhatIsWrong) {
  EXPECT_EQ(refused("").code, "no-key");
  EXPECT_EQ(refused("7a28").code, "no-key");
  EXPECT_EQ(refused("[]").code, "no-key");
  EXPECT_EQ(refused("{}").code, "no-key");
  for (const auto& [from, to] : {std::pair{"\"version\":3", "\"version\":4"},
                                 {"aes-128-ctr", "aes-256-ctr"},
                                 {"\"kdf\":\"pbkdf2\"", "\"kdf\":\"argon2\""},
                                 {"hmac-sha256", "hmac-sha1"},
                                 {"\"c\":262144", "\"c\":0"},
                                 {"\"c\":262144", "\"c\":-1"},
                                 {"\"c\":262144", "\"c\":\"262144\""},
                                 {"\"c\":262144", "\"c\":10000001"},
                                 {"\"dklen\":32", "\"dklen\":31"},
                                 {"\"dklen\":32", "\"dklen\":99999"},
                                 {"\"salt\":\"ae", "\"salt\":\"xx"},
                                 {"\"iv\":\"60", "\"iv\":\""},
                                 {"\"mac\":\"51", "\"mac\":\""},
                                 {"\"ciphertext\":\"53", "\"ciphertext\":\""},
                                 {"\"ciphertext\"", "\"other\""}})
    EXPECT_EQ(refused(with(kPbkdf2, from, to)).code, "no-key") << from << " -> " << to;
}

TEST_F(Keystore, AFileThatWantsTooMuchIsRefusedBeforeItGetsIt) {
  for (const auto& [from, to] : {std::pair{R"("n":262144)", R"("n":1073741824)"},
                                 {R"("n":262144)", R"("n":262143)"},
                                 {R"("n":262144)", R"("n":1)"},
                                 {R"("n":262144)", R"("n":9223372036854775807)"},
                                 {R"("r":1)", R"("r":65536)"},
                                 {R"("r":1)", R"("r":65537)"},
                                 {R"("p":8)", R"("p":1024)"},
                                 {R"("p":8)", R"("p":1025)"},
                                 {R"("p":8)", R"("p":0)"}})
    EXPECT_EQ(refused(with(kScrypt, from, to)).code, "no-key") << from << " -> " << to;
  EXPECT_NE(refused(kScrypt, kPassword, {.memory = 1 << 20}).why.find("33 MiB"), std::string::npos);
}

}  // namespace
}  // namespace chain_evm
