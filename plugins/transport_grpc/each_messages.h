// The messages of heddle.v1.Host/ExecuteEach, both ways. All of these throw heddle::sdk::Error for what is none of them.
#pragma once
#include <grpcpp/support/byte_buffer.h>
#include <heddle/sdk/value.h>

#include "methods.h"

namespace transport_grpc {

inline constexpr std::string_view kSentEachOperation = "manifests.each";

// Its body: {"items": […]}, and "manifest" where it was sent along.
Wanted read_each_request(const grpc::ByteBuffer& message);
grpc::ByteBuffer write_each_request(const heddle_request& r);

// A part of an answer: {"results": [{"item": 1, "outputs": […], "failed": […], "more": true}, …]}; what is empty or false is absent.
grpc::ByteBuffer write_each_part(heddle::sdk::ValueRef part);
heddle::sdk::Value read_each_part(const grpc::ByteBuffer& message);

}  // namespace transport_grpc
