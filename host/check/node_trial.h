// What the checks of nodes share: a started node to try, things to feed it, and the verdict where it does not answer.
#pragma once
#include <functional>
#include <vector>

#include "check/plugin_check.h"
#include "check/started_node.h"

namespace heddle {

using NodeTrial = std::function<Verdict(StartedNode&, Lanes&)>;
// Creates and activates a node, tries it, and takes it down. Where it cannot be started, says so.
Verdict with_started_node(const CheckSubject& subject, const NodeTrial& trial);

// Calls that were not completed; the node is left behind.
Verdict missing_calls(const CheckSubject& subject, StartedNode& node, const CallsOutcome& outcome);

// A value of every kind, and the maps that nodes are mostly fed with.
std::vector<Value> ordinary_inputs();
// What few nodes expect.
std::vector<Value> odd_inputs();

}  // namespace heddle
