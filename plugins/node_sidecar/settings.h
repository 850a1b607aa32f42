// Settings: what the params of a Sidecar come to.
#pragma once
#include <heddle/sdk.h>

#include <string>

#include "inputs.h"

namespace node_sidecar {

struct Settings {
  heddle::sdk::Value options;  // of heddle.sidecars/1
  std::string kind, version, workflow;
  heddle::sdk::Value params;   // of each assignment; empty: none
  Inputs inputs;
  bool with_history = false;
};

// Throws Error where the params contradict each other.
Settings read_settings(heddle::sdk::ValueRef params);

}  // namespace node_sidecar
