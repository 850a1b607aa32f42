// What gRPC knows of a caller, and how a failure is told to one.
#pragma once
#include <grpcpp/server_context.h>

#include <string>

#include "failure.h"

namespace transport_grpc {

// "127.0.0.1:51234", "[::1]:51234"
std::string address_of(const grpc::CallbackServerContext& context);
// The subject of its certificate; empty: it has shown none.
std::string identity_of(const grpc::CallbackServerContext& context);
// The trailing metadata that go with the status.
void add_fields_of(const Failure& failure, grpc::CallbackServerContext& context);

}  // namespace transport_grpc
