// Settings: what the params of a RemotePipeline come to.
#pragma once
#include <heddle/sdk.h>

#include <optional>
#include <string>

#include "source.h"

namespace node_remote {

struct Settings {
  heddle::sdk::Value options;         // of heddle.peers/1
  Source source;
  uint64_t fetch_ms = 10'000;  // that a manifest may take to come
  std::string token;
  std::optional<std::string> hash_key;  // JSON Pointer; none: the endpoints are not chosen by it
  bool idempotent = false;
  bool fallback_last_good = false;    // what came of the last item that went well, instead of a failure; first of the two
  heddle::sdk::Value fallback_value;  // instead of a failure; empty: none
};

// Throws Error where the params contradict each other, or ask for what is unsafe.
Settings read_settings(heddle::sdk::ValueRef params);

}  // namespace node_remote
