#include "stream.h"

#include <utility>

namespace sidecar_grpc {
namespace {

std::string end_of(const grpc::Status& status, const std::string& endpoint) {
  if (status.ok()) return "the worker at " + endpoint + " ended the stream";
  if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED) return "who is at " + endpoint + " does not speak execution.v1";
  return "the worker at " + endpoint + ": " + words_of(status);
}

// By gRPC's own words: the status alone may be the worker's.
bool is_too_large(const grpc::Status& status) { return status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED && status.error_message().find("larger than max") != std::string::npos; }

}  // namespace

std::shared_ptr<Stream> Stream::begin(const Connection& to, std::weak_ptr<Worker> worker, uint64_t number) {
  const std::shared_ptr<Stream> stream(new Stream(std::move(worker), number, to.endpoint));
  stream->self_ = stream;
  stream->context_ = std::make_unique<grpc::ClientContext>();
  to.hurry();
  Stub(to.channel).PrepareBidiStreamingCall(stream->context_.get(), "/execution.v1.Execution/TaskStream", {}, stream.get());
  stream->AddHold();  // until nothing more is read: so long something may be sent
  stream->StartRead(&stream->in_);
  stream->StartCall();
  return stream;
}

void Stream::send(const Envelope& said) {
  std::lock_guard lock(mutex_);
  if (!reading_ || finishing_) return;
  out_.push_back(said);
  go_on();
}

void Stream::go_on() {
  if (writing_ || !reading_) return;
  if (out_.empty() && !finishing_) return;
  writing_ = true;  // after the last one, for good
  if (out_.empty()) StartWritesDone();
  else StartWrite(&out_.front());
}

void Stream::finish() {
  std::lock_guard lock(mutex_);
  finishing_ = true;
  go_on();
}

void Stream::reset() {
  std::lock_guard lock(mutex_);
  if (context_) context_->TryCancel();
}

void Stream::OnReadDone(bool ok) {
  if (ok) {
    if (const auto worker = worker_.lock()) worker->heard(number_, in_);
    in_.Clear();
    return StartRead(&in_);
  }
  std::lock_guard lock(mutex_);
  reading_ = false;
  RemoveHold();
}

void Stream::OnWriteDone(bool ok) {
  std::lock_guard lock(mutex_);
  writing_ = false;
  out_.pop_front();
  if (ok) go_on();  // else the status says why
}

void Stream::OnDone(const grpc::Status& status) {
  {
    std::lock_guard lock(mutex_);
    context_.reset();  // with what it holds of the channel
  }
  const auto last = std::move(self_);
  if (const auto worker = worker_.lock()) worker->ended(number_, end_of(status, endpoint_), is_too_large(status));
}

}  // namespace sidecar_grpc
