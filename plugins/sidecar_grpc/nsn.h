// The sidecar type "nsn": sidecars that speak nsn.sidecar over gRPC.
#pragma once
#include "sidecar.h"

namespace sidecar_grpc {

// What the params of the type say; read once. Throws heddle::sdk::Error.
PeerMaker nsn_peers(heddle::sdk::ValueRef params);

}  // namespace sidecar_grpc
