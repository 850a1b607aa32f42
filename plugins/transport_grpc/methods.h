// Methods: the one table of the methods of heddle.v1 and grpc.health.v1, and the operation that each stands for.
#pragma once
#include <grpcpp/support/byte_buffer.h>
#include <heddle/sdk/value.h>

#include <span>
#include <string_view>

#include "metadata.h"

namespace transport_grpc {

// A request's message, as heddle has it.
struct Wanted {
  std::string_view operation = {};
  Texts parameters = {};
  heddle::sdk::Value body = {};  // empty: none
};

struct Method {
  const char* path;            // "/heddle.v1.Host/Execute"
  std::string_view operation;  // as the host offers it; a request that brings its manifest along stands for kSentOperation
  bool is_stream = false;      // its messages are those of stream_messages.h, and the functions below are null

  // The server's side. They throw heddle::sdk::Error.
  Wanted (*read_request)(const grpc::ByteBuffer& message) = nullptr;
  grpc::ByteBuffer (*write_reply)(heddle::sdk::ValueRef body) = nullptr;
  // The client's side; null: it is not called for the host.
  grpc::ByteBuffer (*write_request)(const heddle_request& r) = nullptr;
  heddle::sdk::Value (*read_reply)(const grpc::ByteBuffer& message) = nullptr;
};

inline constexpr std::string_view kSentOperation = "manifests.execute";

std::span<const Method> methods();

// The one that carries a call; null: none does.
const Method* method_for(std::string_view operation, std::string_view content_type);

// The health of grpc.health.v1, which says NOT_SERVING in an answer that is OK.
inline constexpr std::string_view kHealthOperation = "ready";
inline constexpr const char* kHealthPath = "/grpc.health.v1.Health/Check";
grpc::ByteBuffer health_reply(bool serving);
grpc::ByteBuffer health_request();
bool is_serving(const grpc::ByteBuffer& reply);

}  // namespace transport_grpc
