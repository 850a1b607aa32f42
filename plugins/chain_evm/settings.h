// Settings: what the params of the chain type say.
#pragma once
#include <heddle/sdk.h>
#include <heddle/sdk/secret.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fees.h"
#include "interface.h"
#include "lane.h"
#include "network.h"
#include "rpc.h"

namespace chain_evm {

struct EndpointSetting {
  Url url;
  std::optional<Url> hints;  // a WebSocket that says when there is a block
  uint32_t weight = 1;
  heddle::sdk::Secret token;
};

struct Contracts {
  std::string task_queue, control_plane, workflow_engine;  // 20 bytes each, or empty
};

// Immutable.
struct Settings {
  // Throws heddle::sdk::Error.
  explicit Settings(const heddle::sdk::Config& config);
  // The endpoints, with their tokens, which are read now: throws heddle::sdk::Error.
  std::vector<Site> sites() const;
  std::vector<std::string> origins() const;

  std::vector<EndpointSetting> endpoints;
  uint64_t chain_id = 0;  // 0: whichever the first endpoint is of
  heddle::sdk::Value key;  // empty: there is none
  Contracts contracts;
  Interface interface;
  FeeLimits fees;
  LaneParams lane;
  NetworkParams network;
  RpcParams rpc;
  heddle::sdk::Value load_balance, circuit_breaker;  // for the host
  uint64_t poll_ms, idle_ms, confirmations, most_lag, lag_ms, keep_days, gas, most_log_blocks;
  bool is_finalized = false;  // by the node's word, not by depth
  bool simulates = true;
  uint32_t tip_percentile, gas_margin_percent;
  size_t most_open;
  std::optional<uint64_t> lease_s;
};

}  // namespace chain_evm
