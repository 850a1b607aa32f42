// TransportHandle: one transport object of a plugin, from create to destroy: what it serves, and its channels to peers.
#pragma once
#include <heddle/transport.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "lanes/lanes.h"
#include "plugin/call.h"
#include "plugin/catalog.h"
#include "plugin/channel.h"
#include "plugin/host_table.h"
#include "plugin/inbox.h"
#include "plugin/library.h"
#include "plugin/operation.h"
#include "plugin/start_ops.h"
#include "result.h"
#include "value/value.h"

namespace heddle {

struct ListenLimits {
  uint64_t body_bytes = uint64_t{16} << 20;
  uint64_t requests = 64;
  uint64_t header_ms = 10'000;
  uint64_t request_ms = 60'000;
  uint64_t idle_ms = 60'000;
  uint64_t stall_ms = 30'000;
};

struct Offer {
  std::string endpoint;
  ListenLimits limits;
  std::vector<Operation> operations;
  std::string otherwise = {};  // the operation of what fits none of them; empty: the transport answers that by itself
};

class TransportHandle {
 public:
  // [setup] `owner` is whom log lines are attributed to. What the plugin, or a holder of a Request, does against the rules is given to `fault`
  // as a sentence, on any thread; by default it is logged as an error. Errors name the plugin, the type and its reason.
  static Result<std::unique_ptr<TransportHandle>> create(const CatalogEntry& entry, const std::string& owner, const Value& params, Lanes* lanes,
                                                         LaneId lane, Outlet::Fault fault = nullptr);
  // [setup] destroy. Listeners that are not closed are cut off, calls that are open are given up; requests that somebody still holds are gone. Not
  // from inside a callback.
  ~TransportHandle();
  TransportHandle(const TransportHandle&) = delete;
  TransportHandle& operator=(const TransportHandle&) = delete;

  // [start] `done` gets the outcome once, on any thread, perhaps before this returns.
  using Done = std::function<void(Result<void>)>;
  void activate(Done done);
  void deactivate(Done done);

  // [start] Serves `offer`: `receive` gets every request, on any thread, at once for as many as come; it must not block. `done` gets the
  // endpoint with the port in use. The result is to be closed if `done` got no error. Errors: "unsupported" (a client's transport), what
  // the plugin says.
  using Listening = std::function<void(Result<std::string>)>;
  heddle_id listen(const Offer& offer, Receive receive, Listening done);
  // [any] Takes no more requests, lets the running ones end until `until_ns`, cuts off the rest.
  void close(heddle_id listener, uint64_t until_ns, Done done);

  // [start] A channel to a peer, which need not be reached for that. `done` gets it once, on any thread, perhaps before this returns. Errors:
  // "unsupported" (a server's transport), what the plugin says.
  using Connected = std::function<void(Result<std::unique_ptr<Channel>>)>;
  void connect(const ChannelOptions& options, Connected done);

  const std::string& plugin_name() const { return library_->descriptor().name; }

 private:
  TransportHandle(std::string name, Outlet::Fault fault) : inbox_(std::move(name), std::move(fault)) {}
  friend class Channel;
  void probe(heddle_id channel, Done done);
  void disconnect(heddle_id channel, Done done);

  Library* library_ = nullptr;
  Inbox inbox_;
  std::unique_ptr<HostTable> host_;
  void* self_ = nullptr;
  const heddle_transport* table_ = nullptr;
  StartOps ops_{[outlet = &inbox_.outlet()](std::string_view rule) { outlet->fault("it " + std::string(rule)); }};
};

}  // namespace heddle
