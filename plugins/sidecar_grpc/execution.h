// The sidecar type "execution": workers that speak execution.v1 over gRPC.
#pragma once
#include "sidecar.h"

namespace sidecar_grpc {

// A PeerMaker.
std::shared_ptr<Peer> execution_peer(const Site& site, heddle::sdk::ValueRef options);

}  // namespace sidecar_grpc
