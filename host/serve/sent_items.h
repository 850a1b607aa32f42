// Where the items of an execution come from: they are there, or a peer sends them while it runs.
#pragma once
#include <memory>
#include <vector>

#include "pipeline/run.h"
#include "plugin/request.h"

namespace heddle {

std::shared_ptr<Feed> given_items(std::vector<Value> items);

// First these, then the parts of the request, one item each: JSON, or its text. What is no JSON is an item that fails; if the peer breaks off, the run fails. The peer is held back, so
// that what lies here is little, however large or many its items are.
std::shared_ptr<Feed> sent_items(std::vector<Value> first, RequestParts parts);

}  // namespace heddle
