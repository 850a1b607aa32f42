// Transport: what is listened at, who may be called, and the exchanges of both sides, on one thread. What comes from the host comes on any: it is written as bytes there, and posted.
#pragma once
#include <heddle/sdk/poll_thread.h>
#include <heddle/sdk/transport.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "my_plugin_call.h"
#include "my_plugin_served.h"

namespace plugin {

class Transport {
 public:
  explicit Transport(const heddle::sdk::Config& config);

  // As heddle/sdk/transport.h has them.
  void activate();
  void deactivate();
  void listen(heddle_id listener, heddle::sdk::ValueRef offer, heddle::sdk::Op& op);
  void answer(heddle_id exchange, heddle::sdk::Answer a);
  void close(heddle_id listener, uint64_t until_ns, heddle::sdk::Op& op);
  void part(heddle_id exchange, heddle::sdk::Value v);
  void end(heddle_id exchange, heddle_status status, std::string_view why);
  void grant(heddle_id exchange, uint32_t parts);
  void cancel(heddle_id exchange);
  void connect(heddle_id channel, heddle::sdk::ValueRef options, heddle::sdk::Op& op);
  void call(heddle_id channel, heddle::sdk::Request r);
  void probe(heddle_id channel, heddle::sdk::Op& op);
  void disconnect(heddle_id channel, heddle::sdk::Op& op);

 private:
  struct Listener {
    Socket socket = {};  // empty: it is being closed
    std::shared_ptr<const Offer> offer = {};
    heddle::sdk::PollThread::Id watch = 0;
    std::map<heddle_id, std::shared_ptr<Served>> served = {};
    heddle::sdk::Op closed = {};
  };
  struct Peer {
    std::shared_ptr<const Channel> channel;
    std::map<heddle_id, std::shared_ptr<Call>> calls = {};  // probes have even ids of their own
  };

  void accept(heddle_id listener);
  void rest(heddle_id listener, uint64_t for_ns);
  void forget_served(heddle_id listener, heddle_id exchange);
  void cut_off(heddle_id listener, bool all);
  void open_call(heddle_id channel, Call::Asked asked);
  void disconnect_now(heddle_id channel);
  std::shared_ptr<Served> find_served(heddle_id exchange) const;
  std::shared_ptr<Call> find_call(heddle_id exchange) const;

  const heddle::sdk::Inbox inbox_;
  const size_t most_connections_, most_calls_;
  heddle::sdk::PollThread thread_;
  // The thread's own:
  std::map<heddle_id, Listener> listeners_;
  std::map<heddle_id, Peer> peers_;
  heddle_id last_ = 0;  // even: what a peer asks, and probes
};

}  // namespace plugin
