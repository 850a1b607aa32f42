#include "remote_signer.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <future>

#include "curve.h"
#include "hex.h"
#include "test_values.h"

namespace chain_evm {
namespace {

constexpr std::chrono::seconds kLong{120};  // for a test that hangs
constexpr std::chrono::milliseconds kPatient{60'000};

// A signer in this process: answers each line with what `answer` says of it; nothing: it ends the connection.
class FakeSigner {
 public:
  using Answer = std::function<std::optional<std::string>(const std::string&)>;
  FakeSigner(const std::string& path, Answer answer)
      : answer_(std::move(answer)), listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || ::listen(listener_, 8) != 0)
      throw std::runtime_error("no socket at " + path);
    thread_ = std::thread([this] { run(); });
  }
  ~FakeSigner() {
    stopping_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    ::shutdown(connection_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  int connections() const { return connections_; }

 private:
  void run() {
    while (!stopping_) {
      const int connection = ::accept(listener_, nullptr, nullptr);
      if (connection < 0) return;
      connection_ = connection;
      ++connections_;
      if (!stopping_) serve(connection);
      connection_ = -1;
      ::close(connection);
    }
  }
  void serve(int connection) const {
    std::string line;
    for (char c = 0; ::recv(connection, &c, 1, 0) == 1;) {
      if (c != '\n') {
        line += c;
        continue;
      }
      const std::optional<std::string> answer = answer_(line);
      if (!answer) return;
      if (::send(connection, answer->data(), answer->size(), MSG_NOSIGNAL) < 0) return;
      line.clear();
    }
  }

  const Answer answer_;
  const int listener_;
  std::atomic<int> connection_ = -1, connections_ = 0;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

SecretBytes key_of(unsigned char fill) {
  SecretBytes key(32);
  std::fill_n(key.data(), key.size(), fill);
  return key;
}

class RemoteSignerTest : public testing::Test, protected TestValues {
 protected:
  RemoteSignerTest() {
    std::string name = (std::filesystem::temp_directory_path() / "heddle_sock_XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    path_ = folder_ + "/signer.sock";
  }
  ~RemoteSignerTest() override { std::filesystem::remove_all(folder_); }

  std::string address_answer() const { return R"({"address":")" + to_hex(key_.address()) + "\"}\n"; }
  std::string signature_answer(const std::string& line, const CurveKey& key, int plus = 27) const {
    const size_t at = line.find("0x");
    const Signature made = key.sign(*parse_hex(line.substr(at, 66)));
    return R"({"signature":")" + to_hex(to_word(made.r) + to_word(made.s) + static_cast<char>(made.y_parity + plus)) + "\"}\n";
  }
  // As the protocol has it.
  FakeSigner::Answer honest() const {
    return [this](const std::string& line) { return line == R"({"address":true})" ? address_answer() : signature_answer(line, key_); };
  }
  static Signer::Outcome sign(Signer& signer, const Transaction& t) {
    std::promise<Signer::Outcome> answer;
    signer.sign(t, [&](Signer::Outcome outcome) { answer.set_value(std::move(outcome)); });
    auto coming = answer.get_future();
    if (coming.wait_for(kLong) != std::future_status::ready) throw std::runtime_error("no answer");
    return coming.get();
  }
  static std::string code_of(const Signer::Outcome& outcome) {
    return std::holds_alternative<Refusal>(outcome) ? std::get<Refusal>(outcome).code() : "";
  }
  std::string not_opened(std::chrono::milliseconds timeout = kPatient) const {
    try {
      RemoteSigner(path_, timeout);
    } catch (const Refusal& why) {
      return std::string(why.code()) + ": " + why.what();
    }
    return {};
  }

  const CurveKey key_{key_of(0x11)}, other_{key_of(0x22)};
  const Transaction transaction_{
      .chain_id = 31337, .nonce = 1, .max_priority_fee = 2, .max_fee = 3, .gas = 21000, .to = std::string(20, '\x33'), .value = 4};
  std::string folder_, path_;
};

TEST_F(RemoteSignerTest, ItSignsOverTheSocket) {
  std::string asked;
  const FakeSigner fake(path_, [&](const std::string& line) {
    asked = line;
    return honest()(line);
  });
  const auto signer = open_signer(json(R"({"signer":")" + path_ + R"(","timeout_ms":60000})"));
  EXPECT_EQ(signer->address(), key_.address());
  const Signer::Outcome outcome = sign(*signer, transaction_);
  ASSERT_EQ(code_of(outcome), "");
  EXPECT_EQ(recover_address(transaction_.signing_hash(), std::get<Signature>(outcome)), key_.address());
  EXPECT_EQ(asked, R"({"sign":")" + to_hex(transaction_.signing_hash()) + R"(","chain_id":31337,"transaction":")" +
                       to_hex(transaction_.unsigned_payload()) + "\"}");
  EXPECT_EQ(code_of(sign(*signer, transaction_)), "");
}

TEST_F(RemoteSignerTest, BothFormsOfTheLastByteAreTaken) {
  for (const int plus : {0, 27})
    EXPECT_EQ(signature_in(signature_answer("0x" + std::string(64, '5'), key_, plus)), key_.sign(std::string(32, '\x55')));
  EXPECT_THROW(signature_in(signature_answer("0x" + std::string(64, '5'), key_, 29)), std::runtime_error);
}

TEST_F(RemoteSignerTest, AnswersThatAreNoneAreRefused) {
  for (const char* const answer :
       {"", "x", "[]", "{}", R"({"signature":7})", R"({"signature":""})", R"({"signature":"0x00"})", R"({"address":"0x00"})"}) {
    EXPECT_THROW(signature_in(answer), std::runtime_error) << answer;
    EXPECT_THROW(address_in(answer), std::runtime_error) << answer;
  }
  EXPECT_THROW(signature_in(R"({"error":"no"})"), Refusal);
}

TEST_F(RemoteSignerTest, TheSignatureOfAnotherKeyIsNotUsedAndTheNextIsAskedForElsewhere) {
  std::atomic<bool> lies = true;
  const FakeSigner fake(path_, [&](const std::string& line) {
    return line == R"({"address":true})" ? address_answer() : signature_answer(line, lies ? other_ : key_);
  });
  RemoteSigner signer(path_, kPatient);
  EXPECT_EQ(code_of(sign(signer, transaction_)), "unavailable");
  EXPECT_EQ(fake.connections(), 1);
  lies = false;
  EXPECT_EQ(code_of(sign(signer, transaction_)), "");
  EXPECT_EQ(code_of(sign(signer, transaction_)), "");
  EXPECT_EQ(fake.connections(), 2);
}

TEST_F(RemoteSignerTest, WhatItWillNotSignIsRefusedInItsWords) {
  const FakeSigner fake(path_, [&](const std::string& line) {
    return line == R"({"address":true})" ? address_answer() : std::string("{\"error\":\"policy:\\nno\"}\n");
  });
  RemoteSigner signer(path_, kPatient);
  const Signer::Outcome outcome = sign(signer, transaction_);
  ASSERT_EQ(code_of(outcome), "refused");
  EXPECT_EQ(std::get<Refusal>(outcome).status(), HEDDLE_DENIED);
  EXPECT_NE(std::string(std::get<Refusal>(outcome).what()).find("policy:.no"), std::string::npos);
}

TEST_F(RemoteSignerTest, ASignerThatWasRestartedIsAskedAgain) {
  auto fake = std::make_unique<FakeSigner>(path_, honest());
  RemoteSigner signer(path_, kPatient);
  EXPECT_EQ(code_of(sign(signer, transaction_)), "");
  fake.reset();
  std::filesystem::remove(path_);
  EXPECT_EQ(code_of(sign(signer, transaction_)), "unavailable");
  fake = std::make_unique<FakeSigner>(path_, honest());
  EXPECT_EQ(code_of(sign(signer, transaction_)), "");
  fake.reset();
  std::filesystem::remove(path_);
  fake = std::make_unique<FakeSigner>(path_, honest());
  EXPECT_EQ(code_of(sign(signer, transaction_)), "");
}

TEST_F(RemoteSignerTest, ASignerThatSaysNonsenseIsUnavailable) {
  for (const std::string& answer : {std::string("nonsense\n"), std::string("{}\n{}\n"), std::string(70000, 'x')}) {
    const FakeSigner fake(path_, [&](const std::string& line) { return line == R"({"address":true})" ? address_answer() : answer; });
    RemoteSigner signer(path_, kPatient);
    EXPECT_EQ(code_of(sign(signer, transaction_)), "unavailable");
    std::filesystem::remove(path_);
  }
}

TEST_F(RemoteSignerTest, ASignerThatIsNotThereIsSaidToBe) {
  EXPECT_TRUE(not_opened().starts_with("unavailable: the remote signer at " + path_)) << not_opened();
  const FakeSigner fake(path_, [](const std::string&) { return std::nullopt; });
  EXPECT_TRUE(not_opened().starts_with("unavailable: ")) << not_opened();
}

TEST_F(RemoteSignerTest, ASignerThatIsSilentIsGivenUp) {
  std::promise<void> over;
  const auto until = over.get_future().share();
  const FakeSigner fake(path_, [&](const std::string&) -> std::optional<std::string> {
    until.wait_for(kLong);
    return std::nullopt;
  });
  EXPECT_NE(not_opened(std::chrono::milliseconds(20)).find("in time"), std::string::npos);
  over.set_value();
}

TEST_F(RemoteSignerTest, WhoeverWaitsWhenItClosesIsAnswered) {
  std::promise<void> asked, over;
  const auto until = over.get_future().share();
  const FakeSigner fake(path_, [&](const std::string& line) -> std::optional<std::string> {
    if (line == R"({"address":true})") return address_answer();
    asked.set_value();
    until.wait_for(kLong);
    return std::nullopt;
  });
  auto signer = std::make_unique<RemoteSigner>(path_, kPatient);
  std::atomic<int> cancelled = 0;
  for (int i = 0; i < 3; ++i)
    signer->sign(transaction_, [&](const Signer::Outcome& outcome) { cancelled += code_of(outcome) == "cancelled"; });
  ASSERT_EQ(asked.get_future().wait_for(kLong), std::future_status::ready);
  signer.reset();
  EXPECT_EQ(cancelled, 3);
  over.set_value();
}

TEST_F(RemoteSignerTest, TooManyAtOnceAreTurnedAway) {
  std::promise<void> over;
  const auto until = over.get_future().share();
  const FakeSigner fake(path_, [&](const std::string& line) -> std::optional<std::string> {
    if (line == R"({"address":true})") return address_answer();
    until.wait_for(kLong);
    return std::nullopt;
  });
  std::atomic<size_t> full = 0, others = 0;
  {
    RemoteSigner signer(path_, kPatient);
    for (size_t i = 0; i < RemoteSigner::kMostWaiting + 10; ++i)
      signer.sign(transaction_, [&](const Signer::Outcome& outcome) { ++(code_of(outcome) == "full" ? full : others); });
    EXPECT_GE(full, 9u);  // one may be on its way
  }
  EXPECT_EQ(full + others, RemoteSigner::kMostWaiting + 10);
  over.set_value();
}

}  // namespace
}  // namespace chain_evm
