// Operation: one thing that peers may ask of each other; what the members mean stands in heddle/transport.h.
#pragma once
#include <string>
#include <vector>

#include "result.h"
#include "value/value.h"

namespace heddle {

struct Operation {
  std::string name;    // "jobs.get"
  std::string method;  // "GET"
  std::string path;    // "/v1/jobs/{id}"
  bool stream = false;
};

// As in an offer. The error: a text that is not UTF-8.
Result<Value> value_of(const std::vector<Operation>& operations);

}  // namespace heddle
