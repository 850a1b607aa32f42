// Inputs: what an item is to a worker: the inputs of an assignment, by name.
#pragma once
#include <heddle/sdk.h>

#include <string>
#include <utility>
#include <vector>

namespace node_sidecar {

class Inputs {
 public:
  // `named`: name → JSON Pointer into the item; empty: each member of the item is an input, and an item that is no map is the one input "item".
  explicit Inputs(heddle::sdk::ValueRef named);

  // As `inputs` of heddle_assignment. A value that is {"$ref": URL} is passed on as that reference. Throws Error where a pointer leads nowhere.
  heddle::sdk::Value of(heddle::sdk::ValueRef item) const;

 private:
  std::vector<std::pair<std::string, std::string>> named_;
};

}  // namespace node_sidecar
