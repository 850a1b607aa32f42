// What a core dump of this process would have in it, after a key was used. A test of its own, for it looks at all memory of the process,
// and so must hold no copy of the key itself: it writes and compares by the digits in its constants.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <vector>

#include "signer.h"
#include "test_values.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED 1
#endif
#endif

namespace chain_evm {
namespace {

// The first account that anvil and hardhat give to everybody; and the same key in a keystore whose scrypt costs nothing.
constexpr char kDigits[] = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
constexpr char kPassword[] = "the password of the test of memory";
constexpr char kKeystore[] =
    R"({"version":3,"crypto":{"cipher":"aes-128-ctr","cipherparams":{"iv":"000102030405060708090a0b0c0d0e0f"},"ciphertext":"3ec3fda9296b1fcfb1c14f29ae9a1d8c2af3d2b0b31cdc0b46286d8b6dd36534",)"
    R"("kdf":"scrypt","kdfparams":{"dklen":32,"n":2,"r":1,"p":1,"salt":"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"},"mac":"6da32bb8d51136d8218a2c2b4c7723c77c7842ae48c3d70f96e4a1113b0f686b"}})";

unsigned nibble(char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10); }
unsigned char byte_of_key(size_t i) { return static_cast<unsigned char>(nibble(kDigits[2 * i]) << 4 | nibble(kDigits[2 * i + 1])); }

// Whether 16 bytes of a secret begin at `at`: the key, the key from its other end (as a number of the machine has it), its digits, or the
// password.
bool is_secret(const unsigned char* at) {
  bool forth = true, back = true, digits = true, password = true;
  for (size_t i = 0; i < 16 && (forth || back || digits || password); ++i) {
    forth = forth && at[i] == byte_of_key(i);
    back = back && at[i] == byte_of_key(31 - i);
    digits = digits && at[i] == static_cast<unsigned char>(kDigits[i]);
    password = password && at[i] == static_cast<unsigned char>(kPassword[i]);
  }
  return forth || back || digits || password;
}

struct Region {
  uintptr_t begin = 0, end = 0;
  std::string line;
};

// Memory that can be written, and that a core dump takes. `skipped`: what it leaves out.
std::vector<Region> dumped_regions(size_t* skipped) {
  std::vector<Region> regions;
  std::ifstream maps("/proc/self/smaps");
  for (std::string line; std::getline(maps, line);) {
    Region region{.line = line};
    char mode[5] = "";
    if (std::sscanf(line.c_str(), "%lx-%lx %4s ", &region.begin, &region.end, mode) == 3) {
      if (std::string_view(mode).starts_with("rw"))
        regions.push_back(region);
      else
        regions.emplace_back();  // its flags are not looked at
    } else if (line.starts_with("VmFlags:") && line.find(" dd") != line.npos && !regions.empty()) {
      regions.back() = {};
      ++*skipped;
    }
  }
  return regions;
}

// Where a secret was found.
std::vector<std::string> secrets_in_memory(size_t* skipped) {
  std::vector<std::string> found;
  const int memory = ::open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  std::vector<unsigned char> page(1 << 20);
  for (const Region& region : dumped_regions(skipped)) {
    for (uintptr_t at = region.begin; at < region.end; at += page.size() - 16) {
      const ssize_t n = ::pread(memory, page.data(), std::min(page.size(), region.end - at), static_cast<off_t>(at));
      for (ssize_t i = 0; i + 16 <= n; ++i)
        if (is_secret(page.data() + i)) found.push_back(region.line);
      std::fill(page.begin(), page.end(), 0);
    }
  }
  ::close(memory);
  return found;
}

void write_file(const std::string& path, const char* text, size_t size) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_EQ(::write(file, text, size), static_cast<ssize_t>(size));
  ::close(file);
}

class SecretMemory : public testing::Test, protected TestValues {
 protected:
  void SetUp() override {
#ifdef IS_SANITIZED
    GTEST_SKIP() << "the sanitizer keeps memory that was given back";
#endif
    char name[] = "/tmp/heddle_memory_XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  void TearDown() override {
    for (const char* const name : {"/key", "/store", "/password"}) ::unlink((folder_ + name).c_str());
    ::rmdir(folder_.c_str());
  }

  // Signs, and looks around while the signer is there and when it is gone.
  static void use(std::string_view params) {
    size_t skipped = 0;
    {
      const auto signer = open_signer(json(params));
      const Transaction t{
          .chain_id = 1, .nonce = 2, .max_priority_fee = 3, .max_fee = 4, .gas = 21000, .to = std::string(20, 'a'), .value = 5};
      signer->sign(t, [](const Signer::Outcome& outcome) { EXPECT_TRUE(std::holds_alternative<Signature>(outcome)); });
      EXPECT_EQ(secrets_in_memory(&skipped), std::vector<std::string>());
    }
    if (skipped == 0) GTEST_SKIP() << "this kernel says nothing of the flags of memory";
    EXPECT_EQ(secrets_in_memory(&skipped), std::vector<std::string>());
  }

  std::string folder_;
};

TEST_F(SecretMemory, NothingOfAKeyFileIsInACoreDump) {
  write_file(folder_ + "/key", kDigits, sizeof kDigits - 1);
  use(R"({"file":")" + folder_ + "/key\"}");
}

TEST_F(SecretMemory, NothingOfAKeystoreIsInACoreDump) {
  write_file(folder_ + "/store", kKeystore, sizeof kKeystore - 1);
  write_file(folder_ + "/password", kPassword, sizeof kPassword - 1);
  use(R"({"keystore":")" + folder_ + R"(/store","password_file":")" + folder_ + "/password\"}");
}

TEST_F(SecretMemory, AKeyThatLiesAroundWouldBeFound) {
  size_t skipped = 0;
  std::vector<unsigned char> raw(32), back(32);
  for (size_t i = 0; i < 32; ++i) raw[i] = byte_of_key(i);
  EXPECT_FALSE(secrets_in_memory(&skipped).empty());
  std::fill(raw.begin(), raw.end(), 0);
  for (size_t i = 0; i < 32; ++i) back[i] = byte_of_key(31 - i);
  EXPECT_FALSE(secrets_in_memory(&skipped).empty());
}

}  // namespace
}  // namespace chain_evm
