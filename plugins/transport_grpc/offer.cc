#include "offer.h"

#include "messages.h"

namespace transport_grpc {
namespace {

using heddle::sdk::Error;
using heddle::sdk::ValueRef;

uint64_t limit_of(ValueRef offer, std::string_view name) {
  const auto n = offer.find("limits").find(name).as_int();
  if (!n || *n < 1) throw Error(HEDDLE_INVALID, "the offer has no limit \"" + std::string(name) + "\" of at least 1");
  return static_cast<uint64_t>(*n);
}

}  // namespace

Offer::Offer(ValueRef offer)
    : endpoint(text_of(offer, "endpoint")),
      body_bytes(limit_of(offer, "body_bytes")),
      requests(limit_of(offer, "requests")),
      header_ms(limit_of(offer, "header_ms")),
      request_ms(limit_of(offer, "request_ms")),
      idle_ms(limit_of(offer, "idle_ms")),
      stall_ms(limit_of(offer, "stall_ms")) {
  const ValueRef list = offer.find("operations");
  for (size_t i = 0; i < list.size(); ++i) operations.insert(text_of(list.at(i), "name"));
}

}  // namespace transport_grpc
