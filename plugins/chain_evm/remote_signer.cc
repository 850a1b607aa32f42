#include "remote_signer.h"

#include <heddle/sdk/quiet.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "curve.h"
#include "hex.h"

namespace chain_evm {
namespace {

using heddle::sdk::Error;
using heddle::sdk::Value;

constexpr size_t kMostShown = 300, kSignatureSize = 65;

// What the other side said, fit for a message.
std::string quotable(std::string_view text) {
  std::string shown(text.substr(0, kMostShown));
  std::replace_if(
      shown.begin(), shown.end(), [](char c) { return c < ' ' || c > '~'; }, '.');
  return shown;
}

// The STRING `name` of an answer.
std::string text_in(const std::string& answer, std::string_view name) {
  Value map;
  try {
    map = Value::parse(answer);
  } catch (const Error&) {
    throw std::runtime_error("its answer is not JSON");
  }
  if (const auto error = map.find("error").as_text())
    throw Refusal(HEDDLE_DENIED, "refused", "the remote signer does not sign: " + quotable(*error));
  const auto text = map.find(name);
  if (!text.is(HEDDLE_STRING)) throw std::runtime_error("its answer has no \"" + std::string(name) + "\"");
  return std::string(*text.as_text());
}

Refusal unavailable(const std::string& path, const char* why) {
  return {HEDDLE_UNAVAILABLE, "unavailable", "the remote signer at " + path + ": " + why};
}

}  // namespace

std::string address_in(const std::string& answer) {
  auto address = parse_hex(text_in(answer, "address"), kAddressSize);
  if (!address) throw std::runtime_error("the address that it gives is none");
  return *std::move(address);
}

Signature signature_in(const std::string& answer) {
  const auto bytes = parse_hex(text_in(answer, "signature"), kSignatureSize);
  const auto v = bytes ? static_cast<unsigned char>(bytes->back()) : 255;
  // Both ways to write the last byte are in use: the bit itself, and with 27 added.
  if (v != 0 && v != 1 && v != 27 && v != 28) throw std::runtime_error("the signature that it gives is none");
  return {amount_of(std::string_view(*bytes).substr(0, 32)), amount_of(std::string_view(*bytes).substr(32, 32)),
          static_cast<uint8_t>(v % 27)};
}

RemoteSigner::StopFlag::StopFlag() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (fd_ < 0) throw Error(HEDDLE_EXHAUSTED, "no file descriptor is left for the remote signer");
}
RemoteSigner::StopFlag::~StopFlag() { ::close(fd_); }
void RemoteSigner::StopFlag::raise() const { (void)::eventfd_write(fd_, 1); }

RemoteSigner::RemoteSigner(std::string path, std::chrono::milliseconds timeout)
    : path_(std::move(path)), timeout_(timeout), socket_(path_, stop_.fd()) {
  try {
    address_ = address_in(socket_.ask(R"({"address":true})", LineSocket::Clock::now() + timeout_));
  } catch (const std::runtime_error& why) {
    throw unavailable(path_, why.what());
  } catch (const Refusal& why) {
    throw unavailable(path_, why.what());
  }
  thread_ = heddle::sdk::quiet_thread([this] { run(); });
}

RemoteSigner::~RemoteSigner() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_.raise();
  wakes_.notify_all();
  if (thread_.joinable()) thread_.join();
  for (const Request& request : waiting_) request.then(Refusal(HEDDLE_CANCELLED, "cancelled", "the signer is closed"));
}

void RemoteSigner::sign(const Transaction& transaction, Signed then) {
  {
    std::lock_guard lock(mutex_);
    if (waiting_.size() < kMostWaiting) {
      waiting_.push_back({transaction, std::move(then)});
      wakes_.notify_one();
      return;
    }
  }
  then(Refusal(HEDDLE_EXHAUSTED, "full", "more than 4096 transactions wait for the remote signer"));
}

void RemoteSigner::run() {
  for (;;) {
    Request next;
    {
      std::unique_lock lock(mutex_);
      wakes_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      if (stopping_) return;  // whoever waits is answered by the destructor
      next = std::move(waiting_.front());
      waiting_.pop_front();
    }
    next.then(answer_of(next.transaction));
  }
}

Signer::Outcome RemoteSigner::answer_of(const Transaction& transaction) {
  const std::string payload = transaction.unsigned_payload(), hash = transaction.signing_hash();
  const std::string question = R"({"sign":")" + to_hex(hash) + R"(","chain_id":)" + std::to_string(transaction.chain_id) +
                               R"(,"transaction":")" + to_hex(payload) + "\"}";
  try {
    const Signature signature = signature_in(socket_.ask(question, LineSocket::Clock::now() + timeout_));
    if (recover_address(hash, signature) != address_) throw std::runtime_error("the signature that it gives is not that of its account");
    return signature;
  } catch (const Refusal& why) {
    return why;
  } catch (const std::runtime_error& why) {
    socket_.close();  // it may be the answer to something else, and then the next one would be, too
    std::lock_guard lock(mutex_);
    if (stopping_) return Refusal(HEDDLE_CANCELLED, "cancelled", "the signer is closed");
    return unavailable(path_, why.what());
  }
}

}  // namespace chain_evm
