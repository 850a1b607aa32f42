// Stream: a line to a worker of execution.v1 over gRPC.
#pragma once
#include <grpcpp/client_context.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "connection.h"
#include "worker.h"

namespace sidecar_grpc {

using Stub = grpc::TemplatedGenericStub<Envelope, Envelope>;

class Stream final : public Line, public grpc::ClientBidiReactor<Envelope, Envelope> {
 public:
  static std::shared_ptr<Stream> begin(const Connection& to, std::weak_ptr<Worker> worker, uint64_t number);

  void send(const Envelope& said) override;
  void finish() override;
  void reset() override;

  // By gRPC.
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;

 private:
  Stream(std::weak_ptr<Worker> worker, uint64_t number, std::string endpoint) : worker_(std::move(worker)), number_(number), endpoint_(std::move(endpoint)) {}
  void go_on();

  const std::weak_ptr<Worker> worker_;
  const uint64_t number_;
  const std::string endpoint_;
  std::shared_ptr<Stream> self_;  // until the end
  Envelope in_;

  std::mutex mutex_;
  // Guarded by mutex_:
  std::unique_ptr<grpc::ClientContext> context_;  // null: it is over
  std::deque<Envelope> out_;                      // the first one is being written, if `writing_`
  bool writing_ = false, reading_ = true, finishing_ = false;
};

}  // namespace sidecar_grpc
