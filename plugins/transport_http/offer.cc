#include "offer.h"

namespace transport_http {
namespace {

using heddle::sdk::Error;
using heddle::sdk::ValueRef;

std::string text_of(ValueRef offer, std::string_view name) {
  const auto text = offer.find(name).as_text();
  return text ? std::string(*text) : std::string();
}

std::string endpoint_of(ValueRef offer) {
  std::string endpoint = text_of(offer, "endpoint");
  if (endpoint.empty()) throw Error(HEDDLE_INVALID, "the offer has no endpoint");
  return endpoint;
}

uint64_t limit_of(ValueRef offer, std::string_view name) {
  const auto n = offer.find("limits").find(name).as_int();
  if (!n || *n < 1) throw Error(HEDDLE_INVALID, "the offer has no limit \"" + std::string(name) + "\" of at least 1");
  return static_cast<uint64_t>(*n);
}

}  // namespace

Offer::Offer(ValueRef offer)
    : endpoint(endpoint_of(offer)),
      wire{limit_of(offer, "header_ms"), limit_of(offer, "request_ms"), limit_of(offer, "stall_ms")},
      body_bytes(limit_of(offer, "body_bytes")),
      requests(limit_of(offer, "requests")),
      idle_ms(limit_of(offer, "idle_ms")),
      routes(offer.find("operations")),
      otherwise(text_of(offer, "otherwise")) {}

}  // namespace transport_http
