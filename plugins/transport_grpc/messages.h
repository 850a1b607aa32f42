// How a message of protobuf comes out of a ByteBuffer and goes into one, and JSON into its fields.
#pragma once
#include <grpcpp/support/proto_buffer_reader.h>
#include <grpcpp/support/proto_buffer_writer.h>
#include <heddle/sdk/value.h>
#include <heddle/transport.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace transport_grpc {

template <class Message>
void read_message(const grpc::ByteBuffer& buffer, Message& message) {
  grpc::ByteBuffer copy(buffer);  // shares its bytes; reading wants one that may change
  grpc::ProtoBufferReader reader(&copy);
  if (!reader.status().ok() || !message.ParseFromZeroCopyStream(&reader))
    throw heddle::sdk::Error(HEDDLE_INVALID, "what came is no " + message.GetTypeName());
}

template <class Message>
Message read_message(const grpc::ByteBuffer& buffer) {
  Message message;
  read_message(buffer, message);
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

// Lives with the value.
inline std::string_view json_in(heddle::sdk::ValueRef value) {
  if (const auto bytes = value.as_bytes()) return {reinterpret_cast<const char*>(bytes->data()), bytes->size()};
  return value.json();
}
inline std::string json_of(heddle::sdk::ValueRef value) { return std::string(json_in(value)); }

// Readers of JSON in a message's fields throw heddle::sdk::Error.
inline heddle::sdk::Value parsed(std::string_view json, const char* what) {
  if (json.empty()) throw heddle::sdk::Error(HEDDLE_INVALID, std::string(what) + " is empty: it must be JSON");
  return heddle::sdk::Value::parse(json);
}

template <class Texts>
heddle::sdk::Value parsed_list(const Texts& texts, const char* what) {
  std::vector<heddle::sdk::Value> values;
  values.reserve(static_cast<size_t>(texts.size()));
  for (const std::string& text : texts) values.push_back(parsed(text, what));
  return heddle::sdk::Value::list(std::move(values));
}

// What the host's answer must have. Throws heddle::sdk::Error where it does not.
inline heddle::sdk::ValueRef list_of(heddle::sdk::ValueRef body, std::string_view key) {
  const heddle::sdk::ValueRef list = body.find(key);
  if (!list.is(HEDDLE_LIST)) throw heddle::sdk::Error(HEDDLE_INTERNAL, "the host's answer has no list \"" + std::string(key) + "\"");
  return list;
}

inline std::string text_of(heddle::sdk::ValueRef map, std::string_view key) {
  const auto text = map.find(key).as_text();
  return text ? std::string(*text) : std::string();
}

// What the host's request must have. Throws heddle::sdk::Error where it does not.
inline std::string parameter(const heddle_request& r, std::string_view name) {
  std::string text = text_of(heddle::sdk::ValueRef(r.parameters), name);
  if (text.empty()) throw heddle::sdk::Error(HEDDLE_INVALID, std::string(heddle::sdk::detail::to_view(r.operation)) + " needs the parameter \"" + std::string(name) + "\"");
  return text;
}
inline heddle::sdk::Value body_of(const heddle_request& r) {
  const heddle::sdk::ValueRef body(r.body);
  return body.is(HEDDLE_BYTES) ? heddle::sdk::Value::parse(json_in(body)) : heddle::sdk::Value::share(body);
}
inline heddle::sdk::ValueRef member(const heddle_request& r, heddle::sdk::ValueRef body, std::string_view key, heddle_kind kind) {
  const heddle::sdk::ValueRef found = body.find(key);
  if (!found.is(kind))
    throw heddle::sdk::Error(HEDDLE_INVALID, std::string(heddle::sdk::detail::to_view(r.operation)) + " needs a body with " + (kind == HEDDLE_LIST ? "a list" : "an object") + " \"" + std::string(key) + "\"");
  return found;
}

}  // namespace transport_grpc
