// PluginObject: an object of a type of any kind, from create to destroy.
#pragma once
#include <memory>
#include <string>
#include <variant>

#include "check/plugin_check.h"
#include "lanes/lanes.h"
#include "plugin/broker_handle.h"
#include "plugin/chain_handle.h"
#include "plugin/node_handle.h"
#include "plugin/sidecar_handle.h"
#include "plugin/store_handle.h"
#include "plugin/transport_handle.h"
#include "result.h"
#include "value/value.h"

namespace heddle {

// Destroys when it goes.
using PluginObject = std::variant<std::unique_ptr<NodeHandle>, std::unique_ptr<StoreHandle>, std::unique_ptr<TransportHandle>, std::unique_ptr<SidecarHandle>, std::unique_ptr<ChainHandle>,
                                  std::unique_ptr<BrokerHandle>>;

// [setup] `id` names it in messages.
Result<PluginObject> create_object(const CheckSubject& subject, const std::string& id, const Value& params, Lanes& lanes);

// The params that objects of the subject are created with, or what the check comes to without them.
struct ObjectParams {
  Value params = {};
  Verdict missing = {};  // where params is empty
  bool made_up = false;  // nobody knows whether they make sense
};
ObjectParams object_params(const CheckSubject& subject);
// What it comes to that an object could not be created, or did not start: the plugin's fault, unless its params were made up.
Verdict cannot_start(const ObjectParams& with, const CheckSubject& subject, const std::string& why);

}  // namespace heddle
