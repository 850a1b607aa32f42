#include "signer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "curve.h"
#include "hex.h"
#include "test_values.h"

namespace chain_evm {
namespace {

// The first account that anvil and hardhat give to everybody.
constexpr char kDigits[] = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
               kAddress[] = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";
// Of that key; a scrypt that costs nothing. Made by Python's hashlib, openssl enc and the Keccak-256 of ethers.
constexpr char kPassword[] = "pässword";
constexpr char kKeystore[] =
    R"({"version":3,"crypto":{"cipher":"aes-128-ctr","cipherparams":{"iv":"000102030405060708090a0b0c0d0e0f"},"ciphertext":"7e253dd7c006c8a0eec38d323d129c8e7f0046c1a6dfa7629d20e384995a150b",)"
    R"("kdf":"scrypt","kdfparams":{"dklen":32,"n":2,"r":1,"p":1,"salt":"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"},"mac":"f398a7f3ca20475fc0ebe068a6e47ed12d8d22c6b012578816a8d2ad92e6ab06"}})";

class SignerTest : public testing::Test, protected TestValues {
 protected:
  SignerTest() {
    std::string name = (std::filesystem::temp_directory_path() / "heddle_keys_XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~SignerTest() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& name, std::string_view text, mode_t mode = 0600) const {
    const std::string path = folder_ + "/" + name;
    std::ofstream(path) << text;
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path;
  }
  static std::unique_ptr<Signer> open(std::string_view params) { return open_signer(json(params)); }
  static std::unique_ptr<Signer> open_file(const std::string& path) { return open(R"({"file":")" + path + "\"}"); }

  // "code: why" of the refusal, which must hold nothing of the key; "invalid: why" where the params are none.
  static std::string refused(std::string_view params) {
    try {
      open(params);
    } catch (const Refusal& why) {
      EXPECT_EQ(std::string(why.what()).find(std::string(kDigits).substr(0, 8)), std::string::npos);
      EXPECT_EQ(std::string(why.what()).find("ssword\""), std::string::npos);
      return std::string(why.code()) + ": " + why.what();
    } catch (const heddle::sdk::Error& why) {
      return std::string("invalid: ") + why.what();
    }
    return {};
  }
  static std::string refused_file(const std::string& path) { return refused(R"({"file":")" + path + "\"}"); }

  std::string folder_;
};

TEST_F(SignerTest, AKeyFileSignsAtOnce) {
  const auto signer = open_file(write("key", std::string("0x") + kDigits + "\n"));
  EXPECT_EQ(to_hex(signer->address()), kAddress);
  const Transaction t{
      .chain_id = 1, .nonce = 2, .max_priority_fee = 3, .max_fee = 4, .gas = 21000, .to = std::string(20, '\x11'), .value = 5};
  int answers = 0;
  signer->sign(t, [&](const Signer::Outcome& outcome) {
    ++answers;
    ASSERT_TRUE(std::holds_alternative<Signature>(outcome));
    EXPECT_EQ(recover_address(t.signing_hash(), std::get<Signature>(outcome)), signer->address());
  });
  EXPECT_EQ(answers, 1);
}

TEST_F(SignerTest, AKeyFileIsReadOnlyWhereNobodyElseCan) {
  EXPECT_NO_THROW(open_file(write("k600", kDigits, 0600)));
  EXPECT_NO_THROW(open_file(write("k400", kDigits, 0400)));
  for (const auto& [mode, shown] :
       {std::pair<mode_t, const char*>{0644, "0644"}, {0640, "0640"}, {0660, "0660"}, {0604, "0604"}, {0700, "0700"}, {0601, "0601"}}) {
    const std::string why = refused_file(write("open", kDigits, mode));
    EXPECT_TRUE(why.starts_with("no-key: ")) << why;
    EXPECT_NE(why.find(std::string("has mode ") + shown), std::string::npos) << why;
    EXPECT_NE(why.find(folder_ + "/open"), std::string::npos) << why;
  }
}

TEST_F(SignerTest, WhatIsNoFileOfOursIsRefused) {
  EXPECT_TRUE(refused_file(folder_ + "/none").starts_with("no-key: "));
  EXPECT_NE(refused_file(folder_).find("is no regular file"), std::string::npos);
  ASSERT_EQ(::mkfifo((folder_ + "/pipe").c_str(), 0600), 0);
  EXPECT_NE(refused_file(folder_ + "/pipe").find("is no regular file"), std::string::npos);
  EXPECT_NE(refused_file("/dev/null").find("is no regular file"), std::string::npos);
  if (::geteuid() != 0) return;
  const std::string path = write("theirs", kDigits);
  ASSERT_EQ(::chown(path.c_str(), 12345, 12345), 0);
  EXPECT_NE(refused_file(path).find("belongs to the user 12345"), std::string::npos);
}

TEST_F(SignerTest, AKeyFileThatHoldsNoKeyIsRefusedWithoutShowingIt) {
  for (const std::string& text :
       {std::string(), std::string("0x"), std::string(kDigits).substr(1), std::string(kDigits) + "0", std::string(kDigits) + "\n" + kDigits,
        "0x" + std::string(63, 'a') + "g", std::string(64, '0'), std::string(64, 'f'), std::string(5000, 'a')}) {
    const std::string why = refused_file(write("key", text));
    EXPECT_TRUE(why.starts_with("no-key: ")) << why;
    EXPECT_EQ(why.find("aaaa"), std::string::npos) << why;
  }
}

TEST_F(SignerTest, AKeystoreIsOpenedWithAPasswordFromAFile) {
  const std::string store = write("store", kKeystore);
  for (const std::string ending : {"", "\n", "\r\n"}) {
    const std::string password = write("password", kPassword + ending);
    EXPECT_EQ(to_hex(open(R"({"keystore":")" + store + R"(","password_file":")" + password + "\"}")->address()), kAddress);
  }
  const std::string wrong = write("wrong", "password");
  EXPECT_TRUE(
      refused(R"({"keystore":")" + store + R"(","password_file":")" + wrong + "\"}").starts_with("bad-password: the keystore " + store));
  const std::string open_to_all = write("open", kPassword, 0644);
  EXPECT_TRUE(refused(R"({"keystore":")" + store + R"(","password_file":")" + open_to_all + "\"}")
                  .starts_with("bad-password: the file " + open_to_all + " has mode 0644"));
  EXPECT_TRUE(
      refused(R"({"keystore":")" + write("store2", kKeystore, 0644) + R"(","password_file":")" + wrong + "\"}").starts_with("no-key: "));
}

TEST_F(SignerTest, APasswordComesOutOfADescriptorOnceAndItIsClosed) {
  const std::string store = write("store", kKeystore);
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const std::string password = std::string(kPassword) + "\n";
  ASSERT_EQ(::write(ends[1], password.data(), password.size()), static_cast<ssize_t>(password.size()));
  ::close(ends[1]);
  const std::string params = R"({"keystore":")" + store + R"(","password_fd":)" + std::to_string(ends[0]) + "}";
  EXPECT_EQ(to_hex(open(params)->address()), kAddress);
  EXPECT_EQ(::fcntl(ends[0], F_GETFD), -1);
  EXPECT_NE(refused(params).find("was read already"), std::string::npos);
}

TEST_F(SignerTest, APasswordIsACredentialOfSystemd) {
  const std::string store = write("store", kKeystore);
  write("chain", kPassword, 0440);
  write("open", kPassword, 0444);
  const auto with = [&](const std::string& name) { return R"({"keystore":")" + store + R"(","password_credential":")" + name + "\"}"; };
  ASSERT_EQ(::unsetenv("CREDENTIALS_DIRECTORY"), 0);
  EXPECT_TRUE(refused(with("chain")).starts_with("bad-password: "));
  ASSERT_EQ(::setenv("CREDENTIALS_DIRECTORY", folder_.c_str(), 1), 0);
  EXPECT_EQ(to_hex(open(with("chain"))->address()), kAddress);
  for (const char* const name : {"open", "none", "..", "../store", "."})
    EXPECT_TRUE(refused(with(name)).starts_with("bad-password: ")) << name;
  ASSERT_EQ(::unsetenv("CREDENTIALS_DIRECTORY"), 0);
}

TEST_F(SignerTest, TheAddressMayBeSaidAndMustBeThatOfTheKey) {
  const std::string file = write("key", kDigits);
  EXPECT_NO_THROW(open(R"({"file":")" + file + R"(","address":"0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"})"));
  EXPECT_TRUE(refused(R"({"file":")" + file + R"(","address":"0x70997970C51812dc3A010C7d01b50e0d17dc79C8"})")
                  .starts_with("no-key: the key is that of 0xf39f"));
}

TEST_F(SignerTest, ParamsThatMeanNothingAreRefused) {
  const std::string file = R"("file":")" + write("key", kDigits) + "\"", store = R"("keystore":")" + write("store", kKeystore) + "\"";
  const std::vector<std::string> all = {
      "\"key\"",
      "{}",
      R"({"file":""})",
      R"({"file":7})",
      "{" + file + R"(,"signer":"/s"})",
      "{" + file + R"(,"address":"0x1"})",
      "{" + store + "}",
      "{" + store + R"(,"password_file":"a","password_fd":3})",
      "{" + store + R"(,"password_fd":"3"})",
      "{" + store + R"(,"password_fd":-1})",
      "{" + store + R"(,"password":"secret"})",
      R"({"signer":"/s","timeout_ms":0})",
  };
  for (const std::string& params : all) EXPECT_TRUE(refused(params).starts_with("invalid: ")) << params << ": " << refused(params);
  EXPECT_EQ(refused(std::string("{\"") + kDigits + "\":true}").find(kDigits), std::string::npos);
}

TEST_F(SignerTest, ASecretIsWipedWhereItIsCutAndMovesWhole) {
  SecretBytes one(10);
  std::fill_n(one.data(), 10, 'x');
  one.shrink(4);
  EXPECT_EQ(one.view(), "xxxx");
  EXPECT_EQ(one.data()[4], 0);
  EXPECT_EQ(one.data()[9], 0);
  SecretBytes two(std::move(one));
  EXPECT_EQ(two.view(), "xxxx");
  EXPECT_EQ(one.size(), 0u);
  one = std::move(two);
  EXPECT_EQ(one.view(), "xxxx");
  EXPECT_EQ(SecretBytes().view(), "");
}

// "dd" in a line of VmFlags: MADV_DONTDUMP; "dc": MADV_DONTFORK; "lo": locked.
TEST_F(SignerTest, ASecretStandsInNoCoreDump) {
  const SecretBytes secret(32);
  std::ifstream maps("/proc/self/smaps");
  const auto at = reinterpret_cast<uintptr_t>(secret.data());
  bool inside = false, found = false;
  for (std::string line; std::getline(maps, line);) {
    uintptr_t begin = 0, end = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &begin, &end) == 2) inside = begin <= at && at < end;
    if (!inside || !line.starts_with("VmFlags:")) continue;
    found = true;
    EXPECT_NE(line.find(" dd"), std::string::npos) << line;
    EXPECT_NE(line.find(" dc"), std::string::npos) << line;
  }
  if (!found) GTEST_SKIP() << "this kernel says nothing of the flags of memory";
}

}  // namespace
}  // namespace chain_evm
