// One of a manifest's own tests: items into nodes, and what must leave which nodes.
#pragma once
#include <string>
#include <vector>

#include "lanes/lanes.h"
#include "manifest/manifest.h"
#include "plugin/catalog.h"
#include "plugin/outside.h"
#include "value/value.h"

namespace heddle {

struct TestVerdict {
  std::string name;
  std::vector<std::string> differences;  // for people, one line each; none: passed
  bool passed() const { return differences.empty(); }
};

// Runs test `index`. Nodes named in "expect" count as outputs, whatever the manifest says. An item that fails without an error port fails
// the test.
TestVerdict run_test(const Manifest& manifest, size_t index, const Catalog& catalog, Lanes& lanes, Outside& outside);

// What differs between the items that were expected of a node and those that came; numbers by value, maps without regard to order.
std::vector<std::string> compare_items(const std::string& node, const std::vector<Value>& expected, const std::vector<Value>& came);

}  // namespace heddle
