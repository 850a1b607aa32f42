#include "nsn_calls.h"

#include <grpcpp/impl/codegen/proto_utils.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace sidecar_grpc {
namespace {

using google::protobuf::MessageLite;

CallSaid said(CallEnd end, std::string why, bool permanent = false) { return {end, std::move(why), permanent}; }

bool says(const grpc::Status& status, const char* words) { return status.error_message().find(words) != std::string::npos; }

CallSaid failure_of(const grpc::Status& status) {
  const std::string words = words_of(status);
  switch (status.error_code()) {
    case grpc::NOT_FOUND: return said(CallEnd::kNotFound, words, true);
    case grpc::ALREADY_EXISTS: return said(CallEnd::kExists, words);
    case grpc::UNIMPLEMENTED: return said(CallEnd::kUnimplemented, "it has no such method: " + words, true);
    case grpc::DEADLINE_EXCEEDED: return said(CallEnd::kLate, "no answer in time");
    case grpc::UNAVAILABLE:
      // No connection, so nothing has left: as gRPC says it.
      if (says(status, "failed to connect") || says(status, "resolution failed")) return said(CallEnd::kUnsent, "it cannot be reached: " + words);
      return said(CallEnd::kBroken, "the connection ended: " + words);
    case grpc::CANCELLED: return said(CallEnd::kBroken, "the call was broken off: " + words);
    case grpc::RESOURCE_EXHAUSTED:
      if (says(status, "essage larger than max")) return said(CallEnd::kNotUnderstood, "the answer, or what it was asked, is over the limit of a message: " + words);
      break;
    case grpc::INTERNAL:
    case grpc::UNKNOWN:
      if (says(status, "RST_STREAM") || says(status, "Stream removed")) return said(CallEnd::kBroken, "the call was broken off: " + words);
      break;
    default: break;
  }
  const grpc::StatusCode code = status.error_code();
  return said(CallEnd::kRefused, words, code == grpc::INVALID_ARGUMENT || code == grpc::UNAUTHENTICATED || code == grpc::PERMISSION_DENIED || code == grpc::OUT_OF_RANGE);
}

}  // namespace

std::shared_ptr<UnaryCall> UnaryCall::begin(const Connection& to, Call call) {
  const std::shared_ptr<UnaryCall> one(new UnaryCall(std::move(call)));
  one->self_ = one;
  one->most_bytes_ = to.most_bytes;
  one->context_ = std::make_unique<grpc::ClientContext>();
  // Far beyond any deadline gRPC's clock would overflow.
  const auto most = std::chrono::nanoseconds(std::min<uint64_t>(one->call_.timeout_ns, uint64_t{365} * 24 * 3600 * 1'000'000'000));
  one->context_->set_deadline(std::chrono::system_clock::now() + std::chrono::duration_cast<std::chrono::system_clock::duration>(most));
  bool own = false;
  if (const grpc::Status made = grpc::SerializationTraits<MessageLite>::Serialize(*one->call_.asked, &one->out_, &own); !made.ok()) {
    one->OnDone(made);
    return one;
  }
  one->call_.asked.reset();
  to.hurry();
  grpc::GenericStub(to.channel).PrepareUnaryCall(one->context_.get(), std::string("/nsn.sidecar.Sidecar/") + one->call_.method, {}, &one->out_, &one->in_, one.get());
  one->StartCall();
  return one;
}

void UnaryCall::cut() {
  std::lock_guard lock(mutex_);
  cut_ = true;
  if (context_) context_->TryCancel();
}

CallSaid UnaryCall::said_by(const grpc::Status& status) {
  if (!status.ok()) return cut_ && status.error_code() == grpc::CANCELLED ? said(CallEnd::kCut, "it was given up") : failure_of(status);
  if (in_.Valid() && in_.Length() > most_bytes_) return said(CallEnd::kNotUnderstood, std::string("what it answers to ") + call_.method + " is larger than " + std::to_string(most_bytes_) + " bytes");
  if (!in_.Valid() || !grpc::SerializationTraits<MessageLite>::Deserialize(&in_, call_.answer.get()).ok()) {
    call_.answer->Clear();
    return said(CallEnd::kNotUnderstood, std::string("what it answers to ") + call_.method + " is no " + call_.answer->GetTypeName());
  }
  return {};
}

void UnaryCall::OnDone(const grpc::Status& status) {
  CallSaid heard;
  {
    std::lock_guard lock(mutex_);
    context_.reset();  // with what it holds of the channel
    heard = said_by(status);
  }
  const auto last = std::move(self_);
  call_.ended(heard);
}

}  // namespace sidecar_grpc
