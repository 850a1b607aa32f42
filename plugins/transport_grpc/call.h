// Call: one call of the host to a peer, from the first message to the last word, between gRPC's callbacks and the host.
#pragma once
#include <grpcpp/generic/generic_stub.h>
#include <heddle/transport.h>
#include <heddle/sdk/value.h>

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "methods.h"

namespace transport_grpc {

class Calls;

// What is asked for.
struct Asked {
  heddle_id id = 0;                // 0: whether the peer is well; then `probe` is answered
  heddle_op* probe = nullptr;
  std::string path = {};
  const Method* method = nullptr;  // null: of a probe
  grpc::ByteBuffer message = {};   // the only one, or the one that opens a stream
  std::string lines = {};          // the items of a stream of items
  bool is_whole = false;           // `message` has the only one of them
  uint64_t deadline_ns = 0;
  uint32_t credit = 0;
  Texts fields = {};
};

class Call final : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  Call(Calls& calls, Asked asked, std::string endpoint);
  const Asked& asked() const { return asked_; }

  // Once. `ended` is called after the last word on it, on a thread of gRPC; nothing here touches the channel any more.
  void begin(const std::shared_ptr<Call>& self, grpc::GenericStub& stub, std::function<void()> ended);
  // [any]
  void give_up();
  void grant(uint32_t parts);

  // By gRPC.
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;

 private:
  bool takes_stream() const { return asked_.method && asked_.method->takes_stream; }
  bool gives_stream() const { return asked_.method && asked_.method->gives_stream; }
  // False: it is held, and nothing is read until there is credit for it, or the call is given up.
  bool take_message();
  bool take_part(heddle::sdk::Value part);
  void begin_answer();
  // With the lock held:
  void queue_items();
  void go_on();
  void stop_reading();
  void break_off();

  Calls& calls_;
  Asked asked_;
  const std::string endpoint_;
  std::shared_ptr<Call> self_;  // until the end
  std::function<void()> ended_;
  grpc::ByteBuffer in_;
  // Of whoever reads:
  std::optional<grpc::ByteBuffer> reply_;  // the one of a unary call
  std::optional<Failure> wrong_;           // what the peer said is against the rules
  bool answered_ = false;

  std::mutex mutex_;
  // Guarded by mutex_:
  std::unique_ptr<grpc::ClientContext> context_;  // it holds gRPC's channel, and goes before `ended_` is called
  std::deque<grpc::ByteBuffer> out_;  // the first one is being written, if `writing_`
  bool writing_ = false;
  size_t at_ = 0;                     // of the items that are not queued yet
  uint64_t item_credit_ = 0, credit_ = 0, parts_ = 0;
  heddle::sdk::Value held_;           // a part that there is no credit for, of a peer that is not told of credit: gRPC holds it back as nothing is read
  bool items_ended_ = false;
  bool reading_ = false;              // from begin to the end of what the peer says; only then anything is written
  std::atomic<bool> given_up_{false};
};

}  // namespace transport_grpc
