// Stream: a line to a worker over gRPC, and the connection that the lines to one worker share.
#pragma once
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <heddle/sdk/value.h>

#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "worker.h"

namespace sidecar_grpc {

using Stub = grpc::TemplatedGenericStub<Envelope, Envelope>;

// It must not go on one of gRPC's own threads.
struct Connection {
  // `options`: as in heddle_sidecar::connect. Throws heddle::sdk::Error.
  explicit Connection(heddle::sdk::ValueRef options);
  std::string endpoint;
  std::shared_ptr<grpc::Channel> channel;
  Stub stub;
};

class Stream final : public Line, public grpc::ClientBidiReactor<Envelope, Envelope> {
 public:
  static std::shared_ptr<Stream> begin(Connection& to, std::weak_ptr<Worker> worker, uint64_t number);

  void send(const Envelope& said) override;
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
  bool writing_ = false, reading_ = true;
};

}  // namespace sidecar_grpc
