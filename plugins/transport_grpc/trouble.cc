#include "trouble.h"

#include <algorithm>
#include <initializer_list>

namespace transport_grpc {
namespace {

bool says(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) { return text.find(word) != text.npos; });
}

}  // namespace

Trouble trouble_of(const grpc::Status& status, const Fields& trailing, const std::string& endpoint, bool given_up) {
  const std::string& words = status.error_message();
  if (trailing.find(kCodeField) != trailing.end()) return {failure_said(status, trailing)};
  if (given_up) return {failure("cancelled", "the call was given up")};
  const auto named = [&](const char* code, const std::string& what) { return Trouble{failure(code, what + " " + endpoint + ": " + words)}; };
  const auto refused = [&](const char* why) { return Trouble{failure("untrusted", "no TLS with " + endpoint + ": " + why + ": " + words), true}; };
  switch (status.error_code()) {
    case grpc::DEADLINE_EXCEEDED:
      return {failure("deadline", "the deadline passed before " + endpoint + " had answered")};
    case grpc::RESOURCE_EXHAUSTED:
      if (says(words, {"essage larger than max"})) return named("too-large", "the answer, or a part of it, or the request, is over the limit:");
      break;
    case grpc::UNAVAILABLE: {
      const bool no_connection = says(words, {"failed to connect", "DNS resolution failed", "resolution failed"});
      if (!no_connection) return named("connection-lost", "the connection ended before the answer of");
      if (says(words, {"certificate verify failed"})) return refused("its certificate has expired, or comes from an authority that is not known here (name it in \"ca\")");
      if (says(words, {"Peer name"})) return refused("its certificate is for another name (say which in \"server_name\")");
      Trouble trouble = says(words, {"andshake", "SSL"}) ? named("untrusted", "no TLS with")
                        : says(words, {"timed out"})                                    ? named("unreachable", "cannot reach")
                        : says(words, {"http1.x", "SETTINGS", "arsing"})                 ? named("not-understood", "no gRPC with")
                                                                                     : named("unreachable", "cannot reach");
      trouble.unsent = true;
      return trouble;
    }
    case grpc::UNKNOWN:
      // What gRPC says of every call on a connection whose other side has lost its HTTP/2.
      if (says(words, {"Stream removed"})) return named("connection-lost", "the connection was given up, for what came on it is not HTTP/2:");
      break;
    case grpc::UNIMPLEMENTED:
      return named("unsupported", "there is no such method at");
    default:
      break;
  }
  return {failure_said(status, trailing)};
}

}  // namespace transport_grpc
