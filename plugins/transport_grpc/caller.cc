#include "caller.h"

#include <string_view>
#include <utility>

#include "metadata.h"

namespace transport_grpc {

// gRPC says "ipv4:127.0.0.1:51234", "ipv6:%5B::1%5D:51234".
std::string address_of(const grpc::CallbackServerContext& context) {
  std::string peer = context.peer();
  if (peer.starts_with("ipv4:") || peer.starts_with("ipv6:")) peer.erase(0, 5);
  for (const auto& [coded, plain] : {std::pair{"%5B", '['}, std::pair{"%5D", ']'}})
    if (const size_t at = peer.find(coded); at != peer.npos) peer.replace(at, 3, 1, plain);
  return peer;
}

std::string identity_of(const grpc::CallbackServerContext& context) {
  const auto known = context.auth_context();
  if (!known || !known->IsPeerAuthenticated()) return {};
  const auto subject = known->FindPropertyValues("x509_subject");
  return subject.empty() ? std::string() : std::string(subject[0].data(), subject[0].size());
}

void add_fields_of(const Failure& failure, grpc::CallbackServerContext& context) {
  const auto add = [&](const char* name, const std::string& text) {
    if (!text.empty() && is_printable(text)) context.AddTrailingMetadata(name, text);
  };
  add(kCodeField, failure.code);
  add(kClassField, failure.error_class);
  if (failure.retry_after_ms > 0) add(kRetryField, std::to_string(failure.retry_after_ms));
}

}  // namespace transport_grpc
