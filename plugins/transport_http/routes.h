// Routes: which operation of the host a method and a path mean.
#pragma once
#include <heddle/sdk/value.h>

#include <string>
#include <string_view>
#include <vector>

#include "target.h"

namespace transport_http {

struct Route {
  std::string operation;
  std::string method;
  std::vector<std::string> segments;  // "{id}" stands for any one that is not empty
  bool stream = false;
};

// "{id}"
bool is_parameter(std::string_view segment);

// Immutable.
class Routes {
 public:
  // From the "operations" of an offer, or of a connect. Throws heddle::sdk::Error for what is no list of operations with methods and paths.
  explicit Routes(heddle::sdk::ValueRef operations);

  struct Match {
    const Route* route = nullptr;  // null: none; then `allow` is empty for an unknown path
    std::string allow;             // the methods of the path, as in the header
    Parameters parameters;         // those of the path
  };
  // HEAD is answered where GET is.
  Match find(std::string_view method, const std::vector<std::string>& segments) const;

  const Route* named(std::string_view operation) const;  // null: there is none

 private:
  std::vector<Route> routes_;  // those with fewer parameters first
};

}  // namespace transport_http
