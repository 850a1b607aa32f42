// Network: the one thread of a chain object: what is posted to it, timers, and connections to nodes. All of the object's state lives on it.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "url.h"

namespace chain_evm {

struct Site {
  Url url;
  std::string token = {};  // sent as Authorization: Bearer; empty: none
};

struct NetworkParams {
  std::string ca = {};  // a PEM file; empty: the authorities of the system
  uint64_t connect_ms = 5'000, answer_ms = 15'000;
  size_t most_bytes = size_t{32} << 20;  // of an answer
};

struct Reply {
  int status = 0;         // of HTTP; 0: there was no whole answer, and `why` says why
  std::string body = {}, why = {};
  uint64_t retry_after_s = 0;  // as the node asks; 0: it does not
};

class Network {
 public:
  using Replied = std::function<void(Reply)>;

  // `thrown`: what escapes from something that runs here; it goes on with the next. Throws heddle::sdk::Error.
  Network(std::vector<Site> sites, NetworkParams params, std::function<void(std::string_view why)> thrown);
  ~Network();
  // What is posted or open runs no more. Not from its own thread.
  void stop();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  // [any] Runs on the thread, in order.
  void post(std::function<void()> what);

  // The rest on the thread only.
  // Once, not before; never from within.
  void after(uint64_t ms, std::function<void()> what);
  // What somebody at the site said, without its token and what may be one in its URL: gateways repeat them.
  std::string hide(size_t site, std::string_view text) const;
  // POSTs the text. On a connection that is free, or a new one. `replied`: once, never from within.
  void ask(size_t site, std::string body, Replied replied);
  // A WebSocket of a node that says when there is a block (eth_subscribe, newHeads): `heard` for everything that it says. Where it breaks off it is made again, a while later, for ever.
  void subscribe(Site site, std::function<void()> heard);

 private:
  class Loop;
  class Subscription;
  class Line;
  class HttpLine;
  std::unique_ptr<Loop> loop_;
};

}  // namespace chain_evm
