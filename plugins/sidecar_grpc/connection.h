// Connection: the gRPC channel to one worker, which all that is said to it shares.
#pragma once
#include <grpcpp/channel.h>
#include <grpcpp/support/status.h>
#include <heddle/sdk/value.h>

#include <memory>
#include <string>
#include <string_view>

namespace sidecar_grpc {

// It must not go on one of gRPC's own threads.
struct Connection {
  // `options`: as in heddle_sidecar::connect. Throws heddle::sdk::Error.
  explicit Connection(heddle::sdk::ValueRef options);
  // What waits after a failure is tried at once.
  void hurry() const;
  std::string endpoint;
  uint64_t most_bytes;  // of a message; the channel lets twice as much through, so that whoever says a little too much can be told from others on the same stream
  std::shared_ptr<grpc::Channel> channel;
};

// A STRING of a MAP; empty: absent.
std::string text_of(heddle::sdk::ValueRef map, std::string_view key);
// The option of that name; throws heddle::sdk::Error where it is none of at least `least`.
uint64_t number_of(heddle::sdk::ValueRef options, std::string_view key, int64_t least = 1);
// What a failed call says, fit to be shown.
std::string words_of(const grpc::Status& status);

}  // namespace sidecar_grpc
