// Failures as gRPC tells them: the one table between status and code and a status of gRPC, in both directions.
#pragma once
#include <grpcpp/support/status.h>
#include <grpcpp/support/string_ref.h>
#include <heddle/sdk/value.h>

#include <map>
#include <string>
#include <string_view>

namespace transport_grpc {

// What the trailing metadata of a failed call say.
inline constexpr const char* kCodeField = "heddle-code";
inline constexpr const char* kClassField = "heddle-class";
inline constexpr const char* kRetryField = "heddle-retry-after-ms";

struct Failure {
  heddle_status status = HEDDLE_INTERNAL;
  std::string code = "internal";
  std::string error_class = "permanent";
  std::string message = {};
  uint32_t retry_after_ms = 0;
};

grpc::StatusCode grpc_code(heddle_status status, std::string_view code);
// Its message cut to what a peer takes.
grpc::Status status_of(const Failure& failure);

// What the transport itself says, on either side; `code`: "invalid", "full", "deadline", …, and those of a call in heddle/transport.h.
Failure failure(std::string_view code, std::string message);
// What the host answered: `body` is a MAP of "code", "class" and "message".
Failure failure_of(heddle_status status, heddle::sdk::ValueRef body, uint32_t retry_after_ms);
// What a peer answered: its status, and its trailing metadata.
using Fields = std::multimap<grpc::string_ref, grpc::string_ref>;
Failure failure_said(const grpc::Status& status, const Fields& trailing);

// A MAP of "code", "class" and "message".
heddle::sdk::Value details_of(const Failure& failure);

}  // namespace transport_grpc
