// What a group of peers does about endpoints that fail, in figures; and what both parts of the bench ask a host for.
#pragma once
#include <functional>
#include <future>
#include <memory>
#include <vector>

#include "lanes/lanes.h"
#include "plugin/catalog.h"
#include "plugin/peer_call.h"
#include "plugin/peers.h"
#include "plugin/transport_handle.h"

namespace heddle {

std::shared_ptr<const Catalog> bench_catalog();
std::vector<Operation> bench_operations();
// One item for the pipeline "double".
RemoteCall bench_call();
// The same through a group; `over` is called once, with the answer and whether all of it came.
void bench_ask(PeerGroup& group, const CallPolicy& policy, std::function<void(const PeerAnswer&, bool ok)> over, bool repeatable = true);

// Prints them.
void measure_faults();

}  // namespace heddle
