// The head of a request, judged before anything else is read: which operation it asks for, or how it is refused.
#pragma once
#include <httplib.h>

#include <optional>
#include <string>

#include "failure.h"
#include "offer.h"
#include "site.h"

namespace transport_http {

struct Head {
  std::optional<Failure> refused;
  bool close = false;      // what follows on the connection cannot be told from the body of this request: it ends after the answer
  bool options = false;    // OPTIONS: `allow` is the whole answer
  std::string allow;       // of 405 and OPTIONS
  std::string operation;
  Parameters parameters;   // of path and query; see "otherwise" in heddle/transport.h
  Parameters metadata;
  bool has_body = false;
  std::string content_type, accept, token, trace, trace_state;
  uint64_t deadline_ns = 0;
};

Head judge(const httplib::Request& request, const Offer& offer, const Site& site);

}  // namespace transport_http
