// RemoteSigner: the key is in another process, which signs what it is asked to over a Unix socket. The protocol stands in README.md.
#pragma once
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

#include "line_socket.h"
#include "signer.h"

namespace chain_evm {

// The address of the account in an answer to {"address": true}, and the signature in one to {"sign": …}. Throw Refusal ("refused": the
// other side says why not) or std::runtime_error: it is none.
std::string address_in(const std::string& answer);
Signature signature_in(const std::string& answer);

class RemoteSigner : public Signer {
 public:
  static constexpr size_t kMostWaiting = 4096;

  // Blocks until the other side has said its address. Throws Refusal ("unavailable").
  RemoteSigner(std::string path, std::chrono::milliseconds timeout);
  ~RemoteSigner() override;
  const std::string& address() const override { return address_; }
  void sign(const Transaction& transaction, Signed then) override;

 private:
  struct Request {
    Transaction transaction;
    Signed then;
  };
  class StopFlag {  // an eventfd
   public:
    StopFlag();
    ~StopFlag();
    StopFlag(const StopFlag&) = delete;
    StopFlag& operator=(const StopFlag&) = delete;
    void raise() const;
    int fd() const { return fd_; }

   private:
    const int fd_;
  };

  void run();
  Outcome answer_of(const Transaction& transaction);  // on the thread

  const std::string path_;
  const std::chrono::milliseconds timeout_;
  const StopFlag stop_;
  LineSocket socket_;  // of the thread, once it runs
  std::string address_;

  std::mutex mutex_;
  std::condition_variable wakes_;
  // Guarded by mutex_:
  std::deque<Request> waiting_;
  bool stopping_ = false;

  std::thread thread_;  // the last: it uses all of the above
};

}  // namespace chain_evm
