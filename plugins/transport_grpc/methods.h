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
  Texts parameters = {};
  heddle::sdk::Value body = {};  // empty: none
  bool sent = false;             // it brings its manifest along
};

struct Method {
  const char* path;            // "/heddle.v1.Host/Execute"
  std::string_view operation;       // as the host offers it
  std::string_view sent_operation;  // the same of a request that brings its manifest along; empty: none does
  bool takes_stream = false;        // the request is a stream of items, both ways as in stream_messages.h; only write_reply below is not null
  bool gives_stream = false;        // the answer comes in parts: a message each

  // The server's side; of an answer in parts, one of them is written. They throw heddle::sdk::Error.
  Wanted (*read_request)(const grpc::ByteBuffer& message) = nullptr;
  grpc::ByteBuffer (*write_reply)(heddle::sdk::ValueRef body) = nullptr;
  // The client's side; null: it is not called for the host.
  grpc::ByteBuffer (*write_request)(const heddle_request& r) = nullptr;
  heddle::sdk::Value (*read_reply)(const grpc::ByteBuffer& message) = nullptr;
};

std::span<const Method> methods();

// The one that carries a call; null: none does.
const Method* method_for(std::string_view operation, std::string_view content_type);

// The health of grpc.health.v1, which says NOT_SERVING in an answer that is OK.
inline constexpr std::string_view kHealthOperation = "ready";
inline constexpr const char* kHealthPath = "/grpc.health.v1.Health/Check";
inline constexpr const char* kWatchPath = "/grpc.health.v1.Health/Watch";
enum class Health : uint8_t { kServing, kNotServing, kUnknownService };
grpc::ByteBuffer health_reply(Health health);
// Whether the service that a request asks for is here. Throws heddle::sdk::Error.
bool knows_health_of(const grpc::ByteBuffer& request);
grpc::ByteBuffer health_request();
bool is_serving(const grpc::ByteBuffer& reply);

}  // namespace transport_grpc
