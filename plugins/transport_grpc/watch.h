// Watch: a peer that wants to know whether the host is well, now and whenever that changes (grpc.health.v1). The host is asked again and again.
#pragma once
#include <grpcpp/support/server_callback.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "clock.h"
#include "metadata.h"
#include "methods.h"
#include "waiter.h"

namespace transport_grpc {

class Listener;

class Watch final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>, public Waiter, public std::enable_shared_from_this<Watch> {
 public:
  Watch(Listener& listener, grpc::CallbackServerContext& context) : listener_(listener), context_(context) {}
  // For gRPC. It keeps itself until it is over.
  static Watch* begin(Listener& listener, grpc::CallbackServerContext& context);

  void answer(const heddle_answer& a) override;
  void part(heddle_value* v) override;
  void end(heddle_status status, std::string_view why) override;
  void grant(uint32_t) override {}  // it sends no items
  void give_up() override;
  void look(uint64_t now) override;
  void close() override;

  // By gRPC.
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  void start();
  void ask();
  void release();
  // With the lock held:
  void tell(Health health);
  void go_on();
  void finish(const Failure& failure);

  Listener& listener_;
  grpc::CallbackServerContext& context_;
  std::shared_ptr<Watch> self_;  // until it is over
  Metadata metadata_;
  std::string address_, identity_;
  grpc::ByteBuffer in_;

  std::mutex mutex_;
  // Guarded by mutex_:
  bool asks_ = false;               // the host is to be asked again
  heddle_id id_ = 0;                // of what it is asked; 0: nothing
  bool asking_ = false;             // and that has not reached it yet
  bool answered_ = false;           // and it has answered
  std::optional<Health> told_;      // last
  std::optional<Health> to_tell_;   // once what is being written is
  grpc::ByteBuffer out_;
  bool writing_ = false;
  std::optional<grpc::Status> end_;  // once everything is written
  bool ended_ = false;              // gRPC was told
  bool done_ = false;               // gRPC has forgotten it
  uint64_t due_ns_ = kNever;        // by then the peer has read, or is cut off
};

}  // namespace transport_grpc
