// UnaryCall: a Call of an NsnWorker over gRPC.
#pragma once
#include <grpcpp/client_context.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>

#include <memory>
#include <mutex>

#include "connection.h"
#include "nsn_worker.h"

namespace sidecar_grpc {

class UnaryCall final : public Ongoing, public grpc::ClientUnaryReactor {
 public:
  static std::shared_ptr<UnaryCall> begin(const Connection& to, Call call);
  void cut() override;

  // By gRPC.
  void OnDone(const grpc::Status& status) override;

 private:
  explicit UnaryCall(Call call) : call_(std::move(call)) {}
  CallSaid said_by(const grpc::Status& status);

  Call call_;
  std::shared_ptr<UnaryCall> self_;  // until the end
  uint64_t most_bytes_ = 0;
  grpc::ByteBuffer out_, in_;

  std::mutex mutex_;
  // Guarded by mutex_:
  std::unique_ptr<grpc::ClientContext> context_;  // null: it is over
  bool cut_ = false;
};

}  // namespace sidecar_grpc
