// PeerSpans: what is recorded of one call to peers: a span of the call, and below it one of each attempt, which is what the peer that is called sees as its parent.
#pragma once
#include <map>
#include <optional>
#include <string>

#include "plugin/operation.h"
#include "plugin/peer_group.h"
#include "tracer.h"

namespace heddle {

// How a span says what is asked over which transport: of "http" method and path, of any other the name of the operation.
void add_operation(TraceSpan& span, const std::string& transport, const Operation& operation, const char* path_attribute);

// The owner keeps it from two threads at once. Every attempt that began and the call end once; what comes after that is ignored.
class PeerSpans {
 public:
  PeerSpans(const PeerSettings& settings, const PeerRequest& request);

  // The trace that goes with attempt `number`, to the endpoint with that address.
  std::optional<TraceContext> begin_attempt(uint32_t number, const std::string& address);
  // `failure`: null: it went well.
  void end_attempt(uint32_t number, const Error* failure);
  void end_call(const std::string& endpoint, std::string_view ending, const Error* failure);

 private:
  const PeerSettings& settings_;
  const PeerRequest& request_;
  Tracer* const tracer_;  // null: nothing is recorded
  TraceSpan call_;
  std::map<uint32_t, TraceSpan> attempts_;  // under way
  bool ended_ = false;
};

}  // namespace heddle
