#include "my_plugin_transport.h"

#include <poll.h>

#include <vector>

namespace plugin {

using heddle::sdk::Answer;
using heddle::sdk::Error;
using heddle::sdk::Op;
using heddle::sdk::PollThread;
using heddle::sdk::Request;
using heddle::sdk::Value;
using heddle::sdk::ValueRef;

namespace {

constexpr uint64_t kRestNs = 100 * kNsPerMs;  // so long nobody is let in where there is no room

// While a peer or a listener is cut off its list gets shorter.
template <class Map>
auto all_of(const Map& map) {
  std::vector<typename Map::mapped_type> all;
  for (const auto& [id, one] : map) all.push_back(one);
  return all;
}

}  // namespace

Transport::Transport(const heddle::sdk::Config& config)
    : inbox_(config.host()), most_connections_(config.get<size_t>("connections", 256)), most_calls_(config.get<size_t>("calls", 256)), thread_(config.log()) {}

void Transport::activate() { thread_.start("my_plugin"); }

// The host has closed and disconnected everything by now; what it has not is cut off.
void Transport::deactivate() {
  thread_.post([this] {
    while (!listeners_.empty()) {
      const heddle_id listener = listeners_.begin()->first;
      cut_off(listener, true);
      listeners_.erase(listener);
    }
    while (!peers_.empty()) disconnect_now(peers_.begin()->first);
  });
  thread_.stop();
}

// The server's side ---------------------------------------------------------------------------------------------------------------------------------

void Transport::listen(heddle_id id, ValueRef asked, Op& op) {
  std::string endpoint;
  Socket socket = listen_at(std::string(asked.find("endpoint").as_text().value_or("")), endpoint);
  auto offer = std::make_shared<const Offer>(id, asked);
  Value result = Value::map({{"endpoint", Value::string(endpoint)}});
  thread_.post([this, id, socket = std::move(socket), offer = std::move(offer), result = std::move(result), op = std::move(op)]() mutable {
    const int fd = socket.fd();
    Listener& listener = listeners_[id];
    listener.socket = std::move(socket);
    listener.offer = std::move(offer);
    listener.watch = thread_.watch(fd, POLLIN, [this, id](short) { accept(id); });
    op.complete(std::move(result));
  });
}

void Transport::accept(heddle_id id) {
  Listener& listener = listeners_.at(id);
  for (;;) {
    if (listener.served.size() >= most_connections_) return thread_.change(listener.watch, 0);  // until one of them ends
    Socket socket;
    std::string peer;
    const Accepted accepted = accept_from(listener.socket, socket, peer);
    if (accepted == Accepted::kNoRoom) rest(id, kRestNs);
    if (accepted != Accepted::kOne) return;
    const heddle_id exchange = last_ += 2;
    auto served = std::make_shared<Served>(thread_, std::move(socket), std::move(peer), listener.offer, inbox_, exchange, [this, id, exchange] { forget_served(id, exchange); });
    listener.served.emplace(exchange, served);
    served->begin();
  }
}

void Transport::rest(heddle_id id, uint64_t for_ns) {
  thread_.change(listeners_.at(id).watch, 0);
  thread_.at(PollThread::now_ns() + for_ns, [this, id] {
    if (const auto found = listeners_.find(id); found != listeners_.end()) thread_.change(found->second.watch, POLLIN);
  });
}

void Transport::forget_served(heddle_id id, heddle_id exchange) {
  const auto found = listeners_.find(id);
  if (found == listeners_.end()) return;
  Listener& listener = found->second;
  listener.served.erase(exchange);
  if (listener.socket) return thread_.change(listener.watch, POLLIN);
  if (!listener.served.empty() || !listener.closed) return;
  Op closed = std::move(listener.closed);
  listeners_.erase(found);
  closed.complete();
}

// Those that the host knows nothing of, or all.
void Transport::cut_off(heddle_id id, bool all) {
  const auto found = listeners_.find(id);
  if (found == listeners_.end()) return;
  for (const auto& served : all_of(found->second.served))
    if (all || !served->is_wanted()) served->cut_off("the listener is closed");
}

void Transport::close(heddle_id id, uint64_t until_ns, Op& op) {
  thread_.post([this, id, until_ns, op = std::move(op)]() mutable {
    const auto found = listeners_.find(id);
    if (found == listeners_.end() || !found->second.socket) return op.fail(HEDDLE_NOT_FOUND, "there is no such listener, or it is being closed");
    Listener& listener = found->second;
    thread_.forget(listener.watch);
    listener.socket.reset();
    cut_off(id, false);
    if (listener.served.empty()) {
      listeners_.erase(found);
      return op.complete();
    }
    for (const auto& [exchange, served] : listener.served) served->hurry();
    listener.closed = std::move(op);
    thread_.at(until_ns, [this, id] { cut_off(id, true); });
  });
}

std::shared_ptr<Served> Transport::find_served(heddle_id exchange) const {
  for (const auto& [id, listener] : listeners_)
    if (const auto found = listener.served.find(exchange); found != listener.served.end()) return found->second;
  return nullptr;
}

void Transport::answer(heddle_id exchange, Answer a) {
  const bool more = a.more && a.status >= 0;
  thread_.post([this, exchange, more, bytes = written(a), type = std::string(a.content_type)] {
    if (const auto served = find_served(exchange)) served->answer(bytes, more, type);
  });
}

// Both sides. No request has parts here, neither of a peer nor of the host: what the host sends in parts are answers -----------------------------------

void Transport::part(heddle_id exchange, Value v) {
  thread_.post([this, exchange, v = std::move(v)] {
    if (const auto served = find_served(exchange)) served->part(v);
  });
}

void Transport::end(heddle_id exchange, heddle_status status, std::string_view why) {
  thread_.post([this, exchange, status, why = std::string(why)] {
    if (const auto served = find_served(exchange)) served->end(status, why);
  });
}

void Transport::grant(heddle_id exchange, uint32_t parts) {
  thread_.post([this, exchange, parts] {
    if (const auto call = find_call(exchange)) call->grant(parts);
  });
}

void Transport::cancel(heddle_id exchange) {
  thread_.post([this, exchange] {
    if (const auto served = find_served(exchange)) served->cut_off("the host has given it up");
    if (const auto call = find_call(exchange)) call->give_up("given up");
  });
}

// The client's side ---------------------------------------------------------------------------------------------------------------------------------

void Transport::connect(heddle_id id, ValueRef options, Op& op) {
  thread_.post([this, id, channel = std::make_shared<const Channel>(options), op = std::move(op)]() mutable {
    peers_.insert_or_assign(id, Peer{.channel = std::move(channel)});
    op.complete();
  });
}

void Transport::call(heddle_id channel, Request r) {
  if (r.more) throw Error(HEDDLE_UNSUPPORTED, "MyType sends no request in parts");
  thread_.post([this, channel, operation = std::string(r.operation), asked = Call::Asked{.id = r.exchange, .bytes = written(r, PollThread::now_ns()),
                                                                                      .deadline_ns = r.deadline_ns ? r.deadline_ns : kNever, .credit = r.credit}]() mutable {
    const auto peer = peers_.find(channel);
    const auto refuse = [&](std::string_view code, const std::string& why) {
      Answer a = heddle::sdk::failure(code, why);
      a.unsent = true;
      const heddle_status status = a.status;
      inbox_.answer(asked.id, std::move(a));
      inbox_.over(asked.id, status, why);
    };
    if (peer == peers_.end()) return refuse("cancelled", "there is no such channel");
    const auto& known = peer->second.channel->operations;
    const auto offered = known.find(operation);
    if (offered == known.end()) return refuse("invalid", "there is no operation \"" + operation + "\"");
    if (peer->second.calls.size() >= most_calls_) return refuse("full", "there are " + std::to_string(most_calls_) + " calls already, as many as \"calls\" says");
    asked.streams = offered->second;
    open_call(channel, std::move(asked));
  });
}

void Transport::open_call(heddle_id channel, Call::Asked asked) {
  Peer& peer = peers_.at(channel);
  const heddle_id id = asked.id ? asked.id : last_ += 2;
  const auto call = std::make_shared<Call>(thread_, peer.channel, inbox_, std::move(asked), [this, channel, id] {
    if (const auto found = peers_.find(channel); found != peers_.end()) found->second.calls.erase(id);
  });
  peer.calls.emplace(id, call);
  call->dial();
}

void Transport::probe(heddle_id channel, Op& op) {
  thread_.post([this, channel, bytes = written_probe(), op = std::move(op)]() mutable {
    if (!peers_.contains(channel)) return op.fail(HEDDLE_NOT_FOUND, "there is no such channel");
    open_call(channel, Call::Asked{.probe = std::move(op), .bytes = std::move(bytes)});
  });
}

void Transport::disconnect(heddle_id channel, Op& op) {
  thread_.post([this, channel, op = std::move(op)]() mutable {
    if (!peers_.contains(channel)) return op.fail(HEDDLE_NOT_FOUND, "there is no such channel, or it is disconnected already");
    disconnect_now(channel);
    op.complete();
  });
}

void Transport::disconnect_now(heddle_id channel) {
  for (const auto& call : all_of(peers_.at(channel).calls)) call->give_up("the channel is disconnected");
  peers_.erase(channel);
}

std::shared_ptr<Call> Transport::find_call(heddle_id exchange) const {
  for (const auto& [id, peer] : peers_)
    if (const auto found = peer.calls.find(exchange); found != peer.calls.end()) return found->second;
  return nullptr;
}

}  // namespace plugin
