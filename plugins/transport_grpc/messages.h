// How a message of protobuf comes out of a ByteBuffer and goes into one, and JSON into its fields.
#pragma once
#include <grpcpp/support/proto_buffer_reader.h>
#include <grpcpp/support/proto_buffer_writer.h>
#include <heddle/sdk/value.h>

#include <algorithm>
#include <string>
#include <string_view>

namespace transport_grpc {

template <class Message>
Message read_message(const grpc::ByteBuffer& buffer) {
  Message message;
  grpc::ByteBuffer copy(buffer);  // shares its bytes; reading wants one that may change
  grpc::ProtoBufferReader reader(&copy);
  if (!reader.status().ok() || !message.ParseFromZeroCopyStream(&reader))
    throw heddle::sdk::Error(HEDDLE_INVALID, "what came is no " + message.GetTypeName());
  return message;
}

template <class Message>
grpc::ByteBuffer write_message(const Message& message) {
  constexpr int kBlock = 64 << 10;
  const size_t size = message.ByteSizeLong();
  if (size > INT32_MAX) throw heddle::sdk::Error(HEDDLE_EXHAUSTED, "a " + message.GetTypeName() + " of " + std::to_string(size) + " bytes cannot be sent");
  grpc::ByteBuffer buffer;
  {
    grpc::ProtoBufferWriter writer(&buffer, static_cast<int>(std::clamp<size_t>(size, 1, kBlock)), static_cast<int>(size));
    message.SerializeToZeroCopyStream(&writer);
  }
  if (!buffer.Valid()) {  // a message of no bytes is one, too
    const grpc::Slice nothing;
    buffer = grpc::ByteBuffer(&nothing, 1);
  }
  return buffer;
}

inline std::string json_of(heddle::sdk::ValueRef value) {
  if (const auto bytes = value.as_bytes()) return std::string(reinterpret_cast<const char*>(bytes->data()), bytes->size());
  return std::string(value.json());
}

inline std::string text_of(heddle::sdk::ValueRef map, std::string_view key) {
  const auto text = map.find(key).as_text();
  return text ? std::string(*text) : std::string();
}

}  // namespace transport_grpc
