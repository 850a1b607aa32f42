// For tests of the transport "grpc": both of its sides in one process, with the operations that heddle.v1 has methods for.
#pragma once
#include "calling.h"

namespace heddle {

inline const std::vector<Operation> kHostOperations = {
    {"pipelines.execute", "POST", "/v1/pipelines/{name}/execute", true},
    {"pipelines.list", "GET", "/v1/pipelines"},
    {"types.list", "GET", "/v1/types"},
    {"host", "GET", "/v1/host"},
    {"ready", "GET", "/ready"},
};

class GrpcServed : public Served {
 public:
  explicit GrpcServed(Receive receive, ListenLimits limits = {}, const std::string& params = "{}", std::vector<Operation> operations = kHostOperations)
      : Served(std::move(receive), limits, params, std::move(operations), {}, "grpc") {}
};

class GrpcCalling : public Calling {
 public:
  static ChannelOptions options(int port) { return {.endpoint = "127.0.0.1:" + std::to_string(port), .operations = kHostOperations}; }
  explicit GrpcCalling(int port) : Calling(options(port), "{}", "grpc") {}
  explicit GrpcCalling(ChannelOptions options) : Calling(std::move(options), "{}", "grpc") {}
};

inline Value bytes_of(std::string_view text) { return Value::bytes(text); }

inline RemoteCall execute(std::string_view json, std::string pipeline = "p") {
  return {.operation = "pipelines.execute", .parameters = {{"name", std::move(pipeline)}}, .body = bytes_of(json)};
}
inline RemoteCall execute_lines(std::string_view lines) {
  RemoteCall call = execute(lines);
  call.content_type = "application/x-ndjson";
  return call;
}

inline Value executed(int64_t output) {
  std::vector<Value> outputs, failed;
  outputs.push_back(Value::integer(output));
  return *Value::map({{"outputs", Value::list(std::move(outputs))}, {"failed", Value::list(std::move(failed))}});
}
inline Value output(int64_t n) { return *Value::map({{"output", Value::integer(n)}}); }

}  // namespace heddle
