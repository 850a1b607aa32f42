// Channel: the calls to one peer, over one connection that gRPC keeps.
#pragma once
#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_set>

#include "calls.h"

namespace transport_grpc {

// Any thread.
class Channel {
 public:
  // Throws heddle::sdk::Error.
  Channel(Calls& calls, heddle::sdk::ValueRef options);
  ~Channel();  // disconnect, and wait
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  void call(const heddle_request& r);
  void probe(heddle_op* op);
  // Gives up every call. `done` is called once, on a thread of the channel, when nothing of it is left but that thread. False: it is disconnected already.
  bool disconnect(std::function<void()> done);
  bool is_gone() const { return gone_; }  // that thread, too

 private:
  Asked asked(const heddle_request& r) const;
  void begin(Asked asked);
  void ended(const std::shared_ptr<Call>& call);
  void close_down();

  Calls& calls_;
  std::string endpoint_;
  Texts headers_;
  std::unordered_set<std::string> operations_;
  uint64_t connect_ms_ = 0;
  std::atomic<bool> gone_{false};

  std::mutex mutex_;
  // Guarded by mutex_:
  std::shared_ptr<grpc::Channel> channel_;  // null: it is gone
  std::shared_ptr<grpc::GenericStub> stub_;
  std::unordered_set<std::shared_ptr<Call>> open_;
  bool stopping_ = false;
  std::function<void()> done_;
  std::condition_variable ended_;

  std::thread closing_;  // gRPC's channel must not go on one of gRPC's threads
};

}  // namespace transport_grpc
