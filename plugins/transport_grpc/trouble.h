// What a status that no host gave means: gRPC says what goes wrong on the way in words only.
#pragma once
#include "failure.h"

namespace transport_grpc {

struct Trouble {
  Failure failure;
  bool unsent = false;  // nothing of the request has left
};

// Of a call that is not OK. A peer that is heddle says its code in `trailing`; then it is that.
Trouble trouble_of(const grpc::Status& status, const Fields& trailing, const std::string& endpoint, bool given_up);

}  // namespace transport_grpc
