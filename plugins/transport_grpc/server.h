// Server: gRPC's server of one endpoint, with the methods that the host's operations fill.
#pragma once
#include <grpcpp/impl/service_type.h>
#include <grpcpp/server.h>

#include <memory>
#include <string>
#include <vector>

#include "offer.h"
#include "tls.h"

namespace transport_grpc {

class Listener;

struct ListenerParams {
  ServerTls tls = {};
  bool reflection = true;
};

class Server {
 public:
  // Serves from here on. Throws heddle::sdk::Error. What is asked goes to `listener`, which outlives it.
  Server(const Offer& offer, const ListenerParams& params, Listener& listener);
  ~Server();
  // With the port in use.
  const std::string& endpoint() const { return endpoint_; }
  // Takes nothing new; returns when everything has ended or was cut off at `until_ns`.
  void shut_down(uint64_t until_ns);

 private:
  std::vector<std::unique_ptr<grpc::Service>> offered_;
  std::unique_ptr<grpc::Server> server_;
  std::string endpoint_;
};

}  // namespace transport_grpc
