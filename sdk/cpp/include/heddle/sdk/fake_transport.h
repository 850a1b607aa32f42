// SPDX-License-Identifier: Apache-2.0
//
// A host for unit tests of a transport: both its sides, driven through the plugin's own entry. What a transport does on threads of its own is waited for.
//
//   FakeHost host;
//   FakeTransport transport(host, "Frames");
//   const auto served = transport.listen("127.0.0.1:0", R"([{"name":"double","answer":"value"}])");
//   const auto channel = transport.connect(served.endpoint, R"([{"name":"double","answer":"value"}])");
//   const auto call = transport.call(channel, {.operation = "double", .body = "21"});
//   transport.answer(transport.next_request().id, {.body = "42"});
//   transport.wait_over(call).answer   // "42"
//
// What it does against heddle/inbox.h is listed by host.faults().
#pragma once
#include <heddle/inbox.h>

#include <set>

#include "fake_object.h"

namespace heddle::sdk {

class FakeTransport {
 public:
  // What the transport has said of an exchange up to now.
  struct Exchange {
    heddle_id id = 0, listener = 0;
    // Of a peer's request; values as JSON, bodies as they came.
    std::string operation, peer, token, content_type, parameters, metadata, body;
    uint64_t deadline_ns = 0;
    uint32_t room = 0;  // so many parts of its answer may be sent
    // Of a call's answer.
    bool answered = false, more = false, unsent = false;
    heddle_status status = HEDDLE_OK;
    std::string answer, answer_type;
    std::vector<std::string> parts;
    bool ended = false;
    heddle_status end_status = HEDDLE_OK;
    std::string end_why;
    // The last word.
    bool over = false;
    heddle_status over_status = HEDDLE_OK;
    std::string over_why;
  };

  // Created and activated; it is deactivated and destroyed when this goes. Throws Error with its reason.
  FakeTransport(FakeHost& host, std::string_view type, std::string_view params = "{}")
      : object_(host, HEDDLE_KIND_TRANSPORT, type, params, HEDDLE_INBOX, &service(), this) {}
  ~FakeTransport() {
    object_.close();
    for (const auto& [id, exchange] : exchanges_)
      if (!exchange.over) object_.fault("it never said that exchange " + std::to_string(id) + " is over");
  }
  FakeTransport(const FakeTransport&) = delete;

  // The server's side -------------------------------------------------------------------------------------------------------------------------

  struct Listening {
    heddle_id id;
    std::string endpoint;
  };
  // `operations`: JSON, as in heddle/transport.h; `limits`: members that differ from what stands here.
  Listening listen(std::string_view endpoint, std::string_view operations, const std::map<std::string, uint64_t>& limits = {}) {
    std::map<std::string, uint64_t> all = {{"body_bytes", 1 << 20}, {"requests", 64}, {"header_ms", 60'000}, {"request_ms", 60'000}, {"idle_ms", 60'000}, {"stall_ms", 60'000}};
    for (const auto& [name, limit] : limits) all[name] = limit;
    std::string text;
    for (const auto& [name, limit] : all) text += (text.empty() ? "\"" : ",\"") + name + "\":" + std::to_string(limit);
    const fake::Owned offer = object_.value("{\"endpoint\":\"" + std::string(endpoint) + "\",\"limits\":{" + text + "},\"operations\":" + std::string(operations) + "}");
    heddle_id id;
    {
      std::lock_guard lock(mutex_);
      id = ++last_id_;
      listeners_.insert(id);
    }
    const std::string result = object_.answered(&heddle_transport::listen, id, fake::handle(offer.value));
    const fake::Owned said = object_.value(result);
    const auto at = std::ranges::find(said->keys, "endpoint");
    return {id, at == said->keys.end() ? "" : said->children[static_cast<size_t>(at - said->keys.begin())]->text};
  }
  // The next one that came, in their order.
  Exchange next_request() {
    std::unique_lock lock(mutex_);
    await(lock, [&] { return !requests_.empty(); }, "no request comes");
    const heddle_id id = requests_.front();
    requests_.pop_front();
    return exchanges_[id];
  }
  struct Said {
    heddle_status status = HEDDLE_OK;
    bool more = false;
    std::string_view body = {};  // JSON; of a failure: {"code":…,"class":…,"message":…}
    std::string_view content_type = {};
  };
  void answer(heddle_id exchange, const Said& said) {
    heddle_answer a{};
    a.struct_size = sizeof a;
    a.status = said.status;
    a.more = said.more;
    a.content_type = {said.content_type.data(), said.content_type.size()};
    a.body = fake::handle(object_.value(said.body).take());
    object_.call(&heddle_transport::answer, exchange, &a);
  }
  // Waits until there is room for it.
  void part(heddle_id exchange, std::string_view json) {
    {
      std::unique_lock lock(mutex_);
      await(lock, [&] { return exchanges_[exchange].room > 0 || exchanges_[exchange].over; }, "there is no room for a part");
      if (exchanges_[exchange].room > 0) --exchanges_[exchange].room;
    }
    object_.call(&heddle_transport::part, exchange, fake::handle(object_.value(json).take()));
  }
  void end(heddle_id exchange, heddle_status status = HEDDLE_OK, std::string_view why = {}) { object_.call(&heddle_transport::end, exchange, status, heddle_str{why.data(), why.size()}); }
  // Waits until nothing of the listener is left.
  void close(heddle_id listener, uint64_t until_ns) {
    object_.answered(&heddle_transport::close, listener, until_ns);
    gone(listener);
  }
  // Does not wait; close it before this goes.
  const FakeCall& begin_close(heddle_id listener, uint64_t until_ns) {
    return object_.begin(&heddle_transport::close, listener, until_ns);
  }

  // The client's side -------------------------------------------------------------------------------------------------------------------------

  heddle_id connect(std::string_view endpoint, std::string_view operations, uint64_t most_body_bytes = 1 << 20) {
    const fake::Owned options = object_.value("{\"endpoint\":\"" + std::string(endpoint) + "\",\"operations\":" + std::string(operations) + ",\"connect_ms\":60000,\"most_body_bytes\":" +
                                              std::to_string(most_body_bytes) + "}");
    heddle_id id;
    {
      std::lock_guard lock(mutex_);
      id = ++last_id_;
      listeners_.insert(id);
    }
    object_.answered(&heddle_transport::connect, id, fake::handle(options.value));
    return id;
  }
  struct Asked {
    std::string_view operation;
    std::string_view body = {};  // JSON
    std::string_view parameters = "{}", metadata = {};
    std::string_view token = {};
    uint64_t deadline_ns = 0;
    uint32_t credit = 64;
    bool more = false;
  };
  heddle_id call(heddle_id channel, const Asked& asked) {
    const fake::Owned parameters = object_.value(asked.parameters), metadata = object_.value(asked.metadata);
    heddle_request r{};
    r.struct_size = sizeof r;
    {
      std::lock_guard lock(mutex_);
      r.exchange = last_call_ += 2;
      Exchange& exchange = exchanges_[r.exchange];
      exchange.id = r.exchange;
      exchange.listener = channel;
      exchange.room = asked.credit;
    }
    r.more = asked.more;
    r.operation = {asked.operation.data(), asked.operation.size()};
    r.token = {asked.token.data(), asked.token.size()};
    r.content_type = {"application/json", 16};
    r.deadline_ns = asked.deadline_ns;
    r.credit = asked.credit;
    r.parameters = fake::handle(parameters.value);
    r.body = fake::handle(object_.value(asked.body).take());
    r.metadata = fake::handle(metadata.value);
    object_.call(&heddle_transport::call, channel, &r);
    return r.exchange;
  }
  void grant(heddle_id exchange, uint32_t parts) {
    {
      std::lock_guard lock(mutex_);
      exchanges_[exchange].room += parts;
    }
    object_.call(&heddle_transport::grant, exchange, parts);
  }
  void cancel(heddle_id exchange) { object_.call(&heddle_transport::cancel, exchange); }
  // "" where the peer is well, else why not.
  std::string probe(heddle_id channel) {
    std::string why;
    detail::guard([&] { object_.answered(&heddle_transport::probe, channel); }, [&](heddle_status, std::string_view said) { why = said; });
    return why;
  }
  void disconnect(heddle_id channel) {
    object_.answered(&heddle_transport::disconnect, channel);
    gone(channel);
  }

  // Of both sides: what was said of an exchange, as soon as it is answered, has so many parts, or is over.
  Exchange wait_answer(heddle_id id) {
    return wait(id, [](const Exchange& e) { return e.answered || e.over; }, "a call is not answered");
  }
  Exchange wait_parts(heddle_id id, size_t n) {
    return wait(id, [n](const Exchange& e) { return e.parts.size() >= n || e.over; }, "parts do not come");
  }
  Exchange wait_over(heddle_id id) {
    return wait(id, [](const Exchange& e) { return e.over; }, "an exchange does not come to its end");
  }

 private:
  template <class Come>
  void await(std::unique_lock<std::mutex>& lock, Come&& come, const char* otherwise) {
    if (!changed_.wait_for(lock, std::chrono::minutes(2), come)) throw Error(HEDDLE_DEADLINE, otherwise);
  }
  template <class Come>
  Exchange wait(heddle_id id, Come&& come, const char* otherwise) {
    std::unique_lock lock(mutex_);
    await(lock, [&] { return come(exchanges_[id]); }, otherwise);
    return exchanges_[id];
  }
  void gone(heddle_id listener_or_channel) {
    std::lock_guard lock(mutex_);
    listeners_.erase(listener_or_channel);
    for (auto& [id, exchange] : exchanges_) {
      if (exchange.listener != listener_or_channel || exchange.over) continue;
      exchange.over = true;
      object_.fault("nothing was left of it, but it never said that exchange " + std::to_string(id) + " is over");
    }
  }

  static FakeTransport& of(const heddle_host* h) { return *static_cast<FakeTransport*>(FakeObject<heddle_transport>::context_of(h)); }
  // heddle.inbox/1. `fn` gets the exchange, if it is open.
  template <class Fn>
  static void said(const heddle_host* h, heddle_id id, const char* what, Fn&& fn) noexcept {
    auto& self = of(h);
    std::lock_guard lock(self.mutex_);
    const auto found = self.exchanges_.find(id);
    if (found == self.exchanges_.end() || found->second.over) return self.object_.fault(std::string("it ") + what + " exchange " + std::to_string(id) + ", which is not open");
    fn(self, found->second);
    self.changed_.notify_all();
  }
  static void request(const heddle_host* h, heddle_id listener, const heddle_request* r) noexcept {
    auto& self = of(h);
    const fake::Owned body(r->body ? fake::mutable_of(r->body) : nullptr);
    std::lock_guard lock(self.mutex_);
    if (!self.listeners_.contains(listener)) self.object_.fault("it delivered a request for a listener that does not exist");
    Exchange& e = self.exchanges_[r->exchange];
    if (e.id != 0 || r->exchange % 2 != 0) self.object_.fault("it gave a request the id " + std::to_string(r->exchange) + ", which is odd or was given before");
    e = Exchange{.id = r->exchange, .listener = listener, .operation = fake::text_of(r->operation), .peer = fake::text_of(r->peer), .token = fake::text_of(r->token),
                 .content_type = fake::text_of(r->content_type), .parameters = fake::text_of(r->parameters), .metadata = fake::text_of(r->metadata),
                 .body = fake::text_of(r->body), .deadline_ns = r->deadline_ns, .room = r->credit, .answer = {}, .answer_type = {}, .parts = {}, .end_why = {}, .over_why = {}};
    self.requests_.push_back(e.id);
    self.changed_.notify_all();
  }
  static void granted(const heddle_host* h, heddle_id id, uint32_t parts) noexcept {
    said(h, id, "granted room in", [&](FakeTransport&, Exchange& e) { e.room += parts; });
  }
  static void is_over(const heddle_host* h, heddle_id id, heddle_status status, heddle_str why) noexcept {
    said(h, id, "spoke of the end of", [&](FakeTransport& self, Exchange& e) {
      if (e.id % 2 == 1 && status == HEDDLE_OK && (!e.answered || (e.more && !e.ended))) self.object_.fault("it said that a call is over well, and never answered or ended it");
      e.over = true;
      e.over_status = status;
      e.over_why = fake::text_of(why);
    });
  }
  static void lost(const heddle_host* h, heddle_id id, heddle_status, heddle_str) noexcept {
    auto& self = of(h);
    self.object_.fault("a listener or channel was lost: " + std::to_string(id));
  }
  static void answered(const heddle_host* h, heddle_id id, const heddle_answer* a) noexcept {
    const fake::Owned body(a->body ? fake::mutable_of(a->body) : nullptr);
    said(h, id, "answered", [&](FakeTransport& self, Exchange& e) {
      if (e.answered) self.object_.fault("it answered a call twice");
      e.answered = true;
      e.status = a->status;
      e.more = a->more;
      e.unsent = a->unsent;
      e.answer = fake::text_of(a->body);
      e.answer_type = fake::text_of(a->content_type);
    });
  }
  static void part_came(const heddle_host* h, heddle_id id, heddle_value* v) noexcept {
    const fake::Owned part(fake::mutable_of(v));
    said(h, id, "delivered a part of", [&](FakeTransport& self, Exchange& e) {
      if (!e.more || e.ended) self.object_.fault("it delivered a part of no stream");
      if (e.room == 0) self.object_.fault("it delivered a part without credit");
      else --e.room;
      e.parts.push_back(fake::text_of(v));
    });
  }
  static void end_came(const heddle_host* h, heddle_id id, heddle_status status, heddle_str why) noexcept {
    said(h, id, "ended", [&](FakeTransport& self, Exchange& e) {
      if (!e.more || e.ended) self.object_.fault("it ended a stream twice, or none");
      e.ended = true;
      e.end_status = status;
      e.end_why = fake::text_of(why);
    });
  }
  static const heddle_inbox_service& service() {
    static constexpr heddle_inbox_service kService = {sizeof(heddle_inbox_service), request, granted, is_over, lost, answered, part_came, end_came};
    return kService;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_:
  std::map<heddle_id, Exchange> exchanges_;
  std::deque<heddle_id> requests_;
  std::set<heddle_id> listeners_;  // and channels
  heddle_id last_id_ = 0, last_call_ = static_cast<heddle_id>(-1);
  FakeObject<heddle_transport> object_;
};

}  // namespace heddle::sdk
