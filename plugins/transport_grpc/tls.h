// TLS of both sides, from PEM files.
#pragma once
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <heddle/sdk/value.h>

#include <memory>
#include <string>

namespace transport_grpc {

struct ServerTls {
  std::string certificate = {}, key = {}, client_ca = {};  // paths; without a certificate: no TLS
};

// Both throw heddle::sdk::Error for a file that cannot be read, or is no PEM; the message names it.
std::shared_ptr<grpc::ServerCredentials> server_credentials(const ServerTls& tls);
// `tls`: as in the options of connect; empty: the authorities of the system.
std::shared_ptr<grpc::ChannelCredentials> channel_credentials(heddle::sdk::ValueRef tls);

}  // namespace transport_grpc
