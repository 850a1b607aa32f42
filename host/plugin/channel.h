// Channel: what this host asks of one peer, through a transport. What the members mean stands in heddle/transport.h.
#pragma once
#include <heddle/abi.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "plugin/operation.h"
#include "result.h"
#include "trace.h"
#include "value/value.h"

namespace heddle {

class TransportHandle;

using Texts = std::vector<std::pair<std::string, std::string>>;  // by name; no name twice
Result<Value> map_of(const Texts& texts);

struct ChannelTls {
  std::string ca = {}, certificate = {}, key = {};  // paths of PEM files; empty: none
  std::string server_name = {};
  bool operator==(const ChannelTls&) const = default;
};

// As a transport and a sidecar are given it: what is not empty.
Result<Value> value_of(const ChannelTls& tls);

struct ChannelOptions {
  std::string endpoint;  // "host:port" or a URL
  std::vector<Operation> operations;
  std::optional<ChannelTls> tls = {};
  Texts headers = {};  // secrets
  uint64_t connect_ms = 10'000;
  uint64_t most_body_bytes = uint64_t{16} << 20;
};

struct RemoteCall {
  std::string operation;
  Texts parameters = {};
  Value body = {};
  std::string content_type = "application/json";  // of the body
  std::string token = {};                         // a secret
  std::optional<TraceContext> trace = {};
  uint64_t deadline_ns = 0;  // 0: none, and nothing ends it but its peer
  Texts metadata = {};
};

// The head of a peer's answer, or why there is none.
struct RemoteAnswer {
  heddle_status status = HEDDLE_OK;
  Error why = {};               // of a failure, as the peer said it, or the transport ("unreachable", "deadline", …: see heddle/transport.h)
  uint32_t retry_after_ms = 0;  // of a failure; 0: not said
  bool unsent = false;          // of a failure: nothing has left: it may be repeated, whatever it is
  bool accepted = false;        // what was asked for was taken on, and is not done yet
  bool more = false;            // parts follow
  std::string content_type = {};
  Value body = {};  // of OK

  bool is_ok() const { return status >= 0; }
  // The body as JSON; the error says what it is instead.
  Result<Value> json() const;
};

// Who hears of a call. Everything comes on any thread, perhaps before call() has returned, one after the other; it must not block.
struct Hearing {
  std::function<void(RemoteAnswer)> answered;  // once, whatever happens
  // For operations that are answered with a stream. The parts come in order: of lines of JSON their values, of events maps, else bytes. What ends them is
  // told once, if the answer had `more`.
  std::function<void(Value)> part = {};
  std::function<void(Result<void>)> ended = {};
  uint32_t credit = 64;  // so many parts may come before the first grant
};

// Any thread; nothing here blocks. It must not outlive its transport.
class Channel {
 public:
  Channel(TransportHandle& transport, heddle_id id, std::string endpoint) : transport_(transport), id_(id), endpoint_(std::move(endpoint)) {}
  // One that was not disconnected is, and nobody waits for that.
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  const std::string& endpoint() const { return endpoint_; }

  // The call's id, for the two below. What cannot be sent at all is answered before this returns.
  heddle_id call(RemoteCall call, Hearing hearing);
  // So many more parts may come.
  void grant(heddle_id call, uint32_t parts);
  // The peer is told, as far as the protocol can. What is owed still comes: "cancelled", if it was not on its way. No part comes any more.
  void cancel(heddle_id call);

  using Done = std::function<void(Result<void>)>;
  // Whether the peer is well; the error says why not.
  void probe(Done done);
  // Gives up what is open; once. `done` is called when all of it is answered. Calls after this are refused.
  void disconnect(Done done);

 private:
  TransportHandle& transport_;
  const heddle_id id_;
  const std::string endpoint_;
  std::atomic<bool> disconnected_{false};
};

}  // namespace heddle
