#include "stream_messages.h"

#include <heddle/v1/heddle.pb.h>

#include "messages.h"

namespace transport_grpc {
namespace {

using heddle::sdk::Error;
using heddle::sdk::Value;
using heddle::sdk::ValueRef;
namespace v1 = heddle::v1;

}  // namespace

StreamRequestSaid read_stream_request(const grpc::ByteBuffer& message) {
  auto said = read_message<v1::StreamRequest>(message);
  switch (said.said_case()) {
    case v1::StreamRequest::kOpen:
      if (said.open().has_manifest()) return {StreamRequestSaid::kOpen, std::move(*said.mutable_open()->mutable_manifest()), said.open().credit(), true};
      return {StreamRequestSaid::kOpen, std::move(*said.mutable_open()->mutable_pipeline()), said.open().credit()};
    case v1::StreamRequest::kItem:
      return {StreamRequestSaid::kItem, std::move(*said.mutable_item()), 0};
    case v1::StreamRequest::kCredit:
      return {StreamRequestSaid::kCredit, {}, said.credit()};
    case v1::StreamRequest::kEnd:
      return {StreamRequestSaid::kEnd, {}, 0};
    case v1::StreamRequest::SAID_NOT_SET:
      break;
  }
  return {};
}

StreamReplySaid read_stream_reply(const grpc::ByteBuffer& message) {
  const auto said = read_message<v1::StreamReply>(message);
  switch (said.said_case()) {
    case v1::StreamReply::kOutput:
      return {StreamReplySaid::kPart, Value::map({{"output", Value::parse(said.output())}}), 0};
    case v1::StreamReply::kFailed:
      return {StreamReplySaid::kPart, Value::map({{"failed", Value::parse(said.failed())}}), 0};
    case v1::StreamReply::kCredit:
      return {StreamReplySaid::kCredit, {}, said.credit()};
    case v1::StreamReply::SAID_NOT_SET:
      break;
  }
  return {};
}

grpc::ByteBuffer write_open(std::string_view pipeline, uint32_t credit) {
  v1::StreamRequest request;
  request.mutable_open()->set_pipeline(std::string(pipeline));
  request.mutable_open()->set_credit(credit);
  return write_message(request);
}

grpc::ByteBuffer write_open_with(std::string_view manifest, uint32_t credit) {
  v1::StreamRequest request;
  request.mutable_open()->set_manifest(std::string(manifest));
  request.mutable_open()->set_credit(credit);
  return write_message(request);
}

grpc::ByteBuffer write_item(std::string_view json) {
  v1::StreamRequest request;
  request.set_item(std::string(json));
  return write_message(request);
}

grpc::ByteBuffer write_request_credit(uint32_t credit) {
  v1::StreamRequest request;
  request.set_credit(credit);
  return write_message(request);
}

grpc::ByteBuffer write_end() {
  v1::StreamRequest request;
  request.mutable_end();
  return write_message(request);
}

grpc::ByteBuffer write_part(ValueRef part) {
  v1::StreamReply reply;
  if (const ValueRef output = part.find("output")) reply.set_output(json_of(output));
  else if (const ValueRef failed = part.find("failed")) reply.set_failed(json_of(failed));
  else throw Error(HEDDLE_INTERNAL, "a part of the host's answer is neither an output nor a failed item");
  return write_message(reply);
}

grpc::ByteBuffer write_reply_credit(uint32_t credit) {
  v1::StreamReply reply;
  reply.set_credit(credit);
  return write_message(reply);
}

}  // namespace transport_grpc
