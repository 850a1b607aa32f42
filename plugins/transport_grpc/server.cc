#include "server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/impl/codegen/server_callback_handlers.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server_builder.h>
#include <heddle/sdk/quiet.h>

#include <algorithm>

#include "clock.h"
#include "endpoint.h"
#include "exchange.h"
#include "listener.h"
#include "watch.h"
#include "words.h"

namespace transport_grpc {
namespace {

using heddle::sdk::Error;

// The methods of one service of gRPC, for bytes: as the code that protoc writes for such methods does.
class Methods final : public grpc::Service {
  using Reactor = grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>;

 public:
  Methods(std::string_view name, const Offer& offer, Listener& listener) {
    for (const Method& method : methods()) {
      const std::string_view path(method.path);
      const bool is_watch = path == kWatchPath, is_health = is_watch || path == kHealthPath;
      if (path.substr(1, path.rfind('/') - 1) != name || (!is_health && !offer.operations.contains(method.operation))) continue;
      AddMethod(new grpc::internal::RpcServiceMethod(method.path, grpc::internal::RpcMethod::BIDI_STREAMING, nullptr));
      MarkMethodRawCallback(count_++, new grpc::internal::CallbackBidiHandler<grpc::ByteBuffer, grpc::ByteBuffer>(
                                          [&listener, &method, is_watch](grpc::CallbackServerContext* context) -> Reactor* {
                                            if (is_watch) return Watch::begin(listener, *context);
                                            return Exchange::begin(listener, method, *context);
                                          }));
    }
  }
  bool empty() const { return count_ == 0; }

 private:
  int count_ = 0;
};

// The library of the reflection is on every server of the process, from the moment it is loaded.
class NoReflection final : public grpc::ServerBuilderOption {
 public:
  void UpdateArguments(grpc::ChannelArguments*) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>* plugins) override {
    const std::string name = grpc::reflection::ProtoServerReflectionPlugin().name();
    std::erase_if(*plugins, [&](const auto& plugin) { return plugin->name() == name; });
  }
};

int capped(uint64_t n) { return static_cast<int>(std::min<uint64_t>(n, INT32_MAX)); }

}  // namespace

Server::Server(const Offer& offer, const ListenerParams& params, Listener& listener) {
  constexpr int kMostHead = 32 << 10;
  constexpr int kMostOftenAskedMs = 10'000;
  constexpr int kReflectionThreads = 8;  // of the whole server: its own methods take none of these
  const Endpoint asked = parse_endpoint(offer.endpoint);
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(offer.endpoint, server_credentials(params.tls), &port);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, capped(offer.header_ms));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, capped(offer.idle_ms));
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMostHead);
  // Peers that owe us a word are asked whether they are there, and may ask us.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, capped(offer.stall_ms));
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kMostOftenAskedMs);
  // No limit holds for what is unpacked.
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder.SetMaxReceiveMessageSize(capped(offer.body_bytes));
  builder.SetMaxSendMessageSize(-1);
  for (const std::string_view name : {"heddle.v1.Host", "grpc.health.v1.Health"}) {
    auto offered = std::make_unique<Methods>(name, offer, listener);
    if (offered->empty()) continue;
    builder.RegisterService(offered.get());
    offered_.push_back(std::move(offered));
  }
  if (params.reflection) {
    builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
    builder.SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, 1);
    builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 1);
    grpc::ResourceQuota quota;
    builder.SetResourceQuota(quota.SetMaxThreads(kReflectionThreads));
  } else {
    builder.SetOption(std::make_unique<NoReflection>());
  }
  const Words words;
  const heddle::sdk::BlockSignals blocked;
  server_ = builder.BuildAndStart();
  if (!server_ || port <= 0) {
    server_.reset();
    throw Error(HEDDLE_UNAVAILABLE, "cannot listen on " + offer.endpoint + (params.tls.certificate.empty() ? "" : " with the certificate " + params.tls.certificate) + words.why());
  }
  endpoint_ = Endpoint{asked.host, std::to_string(port), false}.text();
}

Server::~Server() {
  if (server_) server_->Shutdown(gpr_inf_past(GPR_CLOCK_MONOTONIC));
}

void Server::shut_down(uint64_t until_ns) { server_->Shutdown(timespec_of(until_ns)); }

}  // namespace transport_grpc
