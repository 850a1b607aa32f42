// SPDX-License-Identifier: Apache-2.0
//
// Transports in C++: from a class to a heddle_transport table. What each function promises, and what an exchange is, stands in heddle/transport.h; the class has what it can do:
//
//   class Mine {
//    public:
//     explicit Mine(const Config&);      // Inbox(config.host()) is where it delivers
//     void activate();                   // [start] may be absent, as deactivate
//     void deactivate();
//     // The server's side. What throws before it has moved the op away has answered it.
//     void listen(heddle_id listener, ValueRef offer, Op& op);
//     void answer(heddle_id exchange, Answer a);
//     void close(heddle_id listener, uint64_t until_ns, Op& op);
//     // Both sides.
//     void part(heddle_id exchange, Value v);
//     void end(heddle_id exchange, heddle_status status, std::string_view why);
//     void grant(heddle_id exchange, uint32_t parts);
//     void cancel(heddle_id exchange);
//     // The client's side. A call that throws was not taken on: what it throws is its answer.
//     void connect(heddle_id channel, ValueRef options, Op& op);
//     void call(heddle_id channel, Request r);
//     void probe(heddle_id channel, Op& op);
//     void disconnect(heddle_id channel, Op& op);
//   };
//   HEDDLE_TRANSPORT(Mine, "mine", R"("summary":"…","params":{…})");
#pragma once
#include <heddle/inbox.h>
#include <heddle/transport.h>

#include "op.h"
#include "plugin.h"

namespace heddle::sdk {

// The head of a request. The texts are borrowed: of a call of the host until call() returns.
struct Request {
  heddle_id exchange = 0;
  bool more = false;
  std::string_view operation = {}, peer = {}, identity = {}, token = {}, content_type = {}, accept = {}, trace = {}, trace_state = {};
  uint64_t deadline_ns = 0;  // CLOCK_MONOTONIC; 0: none
  uint32_t credit = 0;
  ValueRef parameters = {}, metadata = {};
  Value body = {};
};

// The head of an answer; the text is borrowed as above.
struct Answer {
  heddle_status status = HEDDLE_OK;
  bool more = false, accepted = false, unsent = false;
  std::string_view content_type = {};
  uint32_t retry_after_ms = 0;
  Value body = {};
};

// A failure as an answer has it; `code` is one of those in heddle/transport.h, for what goes wrong on the way.
inline Answer failure(std::string_view code, std::string_view message) {
  struct Row {
    std::string_view code;
    heddle_status status;
    std::string_view error_class;
  };
  static constexpr Row kRows[] = {
      {"unreachable", HEDDLE_UNAVAILABLE, "retryable"}, {"untrusted", HEDDLE_DENIED, "permanent"},       {"connection-lost", HEDDLE_UNAVAILABLE, "retryable"},
      {"deadline", HEDDLE_DEADLINE, "retryable"},       {"cancelled", HEDDLE_CANCELLED, "cancelled"},    {"too-large", HEDDLE_INVALID, "permanent"},
      {"full", HEDDLE_EXHAUSTED, "retryable"},          {"not-understood", HEDDLE_UNSUPPORTED, "permanent"}, {"unsupported", HEDDLE_UNSUPPORTED, "permanent"},
      {"invalid", HEDDLE_INVALID, "permanent"},         {"not-found", HEDDLE_NOT_FOUND, "permanent"},    {"", HEDDLE_INTERNAL, "permanent"},
  };
  const Row* row = kRows;
  while (!row->code.empty() && row->code != code) ++row;
  Answer a;
  a.status = row->status;
  a.body = Value::map({{"code", Value::string(code)}, {"class", Value::string(row->error_class)}, {"message", Value::string(message)}});
  return a;
}

// Where a transport delivers what peers say: heddle/inbox.h. Any thread.
class Inbox {
 public:
  // Throws Error where the host has none for this object.
  explicit Inbox(Host host) : host_(host.get()), table_(host.service<heddle_inbox_service>(HEDDLE_INBOX)) {
    if (!HEDDLE_HAS(table_, request) || !HEDDLE_HAS(table_, grant) || !HEDDLE_HAS(table_, over) || !HEDDLE_HAS(table_, lost) || !HEDDLE_HAS(table_, answer) ||
        !HEDDLE_HAS(table_, part) || !HEDDLE_HAS(table_, end))
      throw Error(HEDDLE_UNSUPPORTED, "the host has no " HEDDLE_INBOX " for this object");
  }

  void request(heddle_id listener, Request r) const noexcept {
    heddle_request raw{};
    raw.struct_size = sizeof raw;
    raw.more = r.more;
    raw.exchange = r.exchange;
    raw.operation = detail::to_str(r.operation);
    raw.peer = detail::to_str(r.peer);
    raw.identity = detail::to_str(r.identity);
    raw.token = detail::to_str(r.token);
    raw.content_type = detail::to_str(r.content_type);
    raw.trace = detail::to_str(r.trace);
    raw.trace_state = detail::to_str(r.trace_state);
    raw.deadline_ns = r.deadline_ns;
    raw.credit = r.credit;
    raw.parameters = r.parameters.get();
    raw.body = r.body.release();
    raw.metadata = r.metadata.get();
    raw.accept = detail::to_str(r.accept);
    table_->request(host_, listener, &raw);
  }
  void answer(heddle_id exchange, Answer a) const noexcept {
    heddle_answer raw{};
    raw.struct_size = sizeof raw;
    raw.status = a.status;
    raw.more = a.more;
    raw.accepted = a.accepted;
    raw.unsent = a.unsent;
    raw.content_type = detail::to_str(a.content_type);
    raw.retry_after_ms = a.retry_after_ms;
    raw.body = a.body.release();
    table_->answer(host_, exchange, &raw);
  }
  void grant(heddle_id exchange, uint32_t parts) const noexcept { table_->grant(host_, exchange, parts); }
  void part(heddle_id exchange, Value v) const noexcept { table_->part(host_, exchange, v.release()); }
  void end(heddle_id exchange, heddle_status status, std::string_view why) const noexcept { table_->end(host_, exchange, status, detail::to_str(why)); }
  void over(heddle_id exchange, heddle_status status, std::string_view why) const noexcept { table_->over(host_, exchange, status, detail::to_str(why)); }
  void lost(heddle_id listener_or_channel, heddle_status status, std::string_view why) const noexcept {
    table_->lost(host_, listener_or_channel, status, detail::to_str(why));
  }

 private:
  const heddle_host* host_;
  const heddle_inbox_service* table_;
};

namespace detail {

template <class T>
concept Listens = requires(T& t, heddle_id id, ValueRef offer, Op& op) { t.listen(id, offer, op); };
template <class T>
concept Connects = requires(T& t, heddle_id id, ValueRef options, Op& op) { t.connect(id, options, op); };
template <class T>
concept Grants = requires(T& t, heddle_id id) { t.grant(id, 1u); };

template <class T>
struct TransportThunk {
  static_assert(Listens<T> || Connects<T>, "the transport can neither listen() nor connect(): see heddle/sdk/transport.h");

  static heddle_status create(const heddle_host* h, const heddle_value* params, void** self, const void** table_out) noexcept {
    static constexpr heddle_transport kTable = table();
    return created(h, params, self, table_out, &kTable, [&](const Config& config) { return new Mine(h, config); });
  }

 private:
  struct Mine {
    Mine(const heddle_host* h, const Config& config) : host(h), transport(config) {}
    const heddle_host* host;
    T transport;
  };
  static T& of(void* self) noexcept { return static_cast<Mine*>(self)->transport; }

  static void destroy(void* self) noexcept { delete static_cast<Mine*>(self); }
  static void activate(void* self, heddle_op* o) noexcept {
    answering(o, [&](Op& op) {
      if constexpr (HasActivate<T>) of(self).activate();
      op.complete();
    });
  }
  static void deactivate(void* self, heddle_op* o) noexcept {
    answering(o, [&](Op& op) {
      if constexpr (HasDeactivate<T>) of(self).deactivate();
      op.complete();
    });
  }

  // What cannot be done for one exchange gives it up: better than an answer with a hole.
  template <class Fn>
  static void telling(void* self, heddle_id exchange, Fn&& fn) noexcept {
    guard([&] { fn(of(self)); },
          [&](heddle_status, std::string_view why) {
            Log(static_cast<Mine*>(self)->host).error(why);
            cancel(self, exchange);
          });
  }
  static void cancel(void* self, heddle_id exchange) noexcept {
    guard([&] { of(self).cancel(exchange); }, [&](heddle_status, std::string_view why) { Log(static_cast<Mine*>(self)->host).error(why); });
  }
  static void part(void* self, heddle_id exchange, heddle_value* v) noexcept {
    telling(self, exchange, [&](T& t) { t.part(exchange, Value::adopt(v)); });
  }
  static void end(void* self, heddle_id exchange, heddle_status status, heddle_str why) noexcept {
    telling(self, exchange, [&](T& t) { t.end(exchange, status, to_view(why)); });
  }
  static void grant(void* self, heddle_id exchange, uint32_t parts) noexcept {
    telling(self, exchange, [&](T& t) { t.grant(exchange, parts); });
  }

  static void listen(void* self, heddle_id listener, const heddle_value* offer, heddle_op* o) noexcept {
    answering(o, [&](Op& op) { of(self).listen(listener, ValueRef(offer), op); });
  }
  static void answer(void* self, heddle_id exchange, const heddle_answer* a) noexcept {
    telling(self, exchange, [&](T& t) {
      t.answer(exchange, Answer{.status = a->status, .more = a->more, .accepted = a->accepted, .content_type = to_view(a->content_type), .retry_after_ms = a->retry_after_ms,
                                .body = Value::adopt(a->body)});
    });
  }
  static void close(void* self, heddle_id listener, uint64_t until_ns, heddle_op* o) noexcept {
    answering(o, [&](Op& op) { of(self).close(listener, until_ns, op); });
  }

  static void connect(void* self, heddle_id channel, const heddle_value* options, heddle_op* o) noexcept {
    answering(o, [&](Op& op) { of(self).connect(channel, ValueRef(options), op); });
  }
  static void call(void* self, heddle_id channel, const heddle_request* r) noexcept {
    Request request{.exchange = r->exchange, .more = r->more, .operation = to_view(r->operation), .token = to_view(r->token), .content_type = to_view(r->content_type), .trace = to_view(r->trace),
                    .deadline_ns = r->deadline_ns, .credit = r->credit, .parameters = ValueRef(r->parameters), .body = Value::adopt(r->body)};
    if (HEDDLE_HAS(r, trace_state.len)) request.trace_state = to_view(r->trace_state);
    if (HEDDLE_HAS(r, metadata)) request.metadata = ValueRef(r->metadata);
    if (HEDDLE_HAS(r, accept.len)) request.accept = to_view(r->accept);
    guard([&] { of(self).call(channel, std::move(request)); }, [&](heddle_status status, std::string_view why) { refuse(self, r->exchange, status, why); });
  }
  static void refuse(void* self, heddle_id exchange, heddle_status status, std::string_view why) noexcept {
    guard(
        [&] {
          const Inbox inbox{Host(static_cast<Mine*>(self)->host)};
          Answer a;
          // Where there is no memory for the reason, there is none.
          guard([&] { a = failure(status == HEDDLE_INVALID ? "invalid" : status == HEDDLE_UNSUPPORTED ? "unsupported" : "full", why); }, [](auto&&...) {});
          a.status = status;
          a.unsent = true;
          inbox.answer(exchange, std::move(a));
          inbox.over(exchange, status, why);
        },
        [&](heddle_status, std::string_view again) { Log(static_cast<Mine*>(self)->host).error(again); });
  }
  static void probe(void* self, heddle_id channel, heddle_op* o) noexcept {
    answering(o, [&](Op& op) { of(self).probe(channel, op); });
  }
  static void disconnect(void* self, heddle_id channel, heddle_op* o) noexcept {
    answering(o, [&](Op& op) { of(self).disconnect(channel, op); });
  }

  static constexpr heddle_transport table() noexcept {
    heddle_transport t{};
    t.struct_size = sizeof t;
    t.base = {&activate, &deactivate, &destroy, nullptr};
    t.part = &part;
    t.end = &end;
    t.cancel = &cancel;
    if constexpr (Grants<T>) t.grant = &grant;
    if constexpr (Listens<T>) {
      t.listen = &listen;
      t.answer = &answer;
      t.close = &close;
    }
    if constexpr (Connects<T>) {
      t.connect = &connect;
      t.call = &call;
      t.probe = &probe;
      t.disconnect = &disconnect;
    }
    return t;
  }
};

}  // namespace detail
}  // namespace heddle::sdk

// Once per transport type, in any namespace. `members`: the descriptor (heddle/transport.h) without "transport", as a string literal.
#define HEDDLE_TRANSPORT(Class, type_name, members) HEDDLE_SDK_TYPE(__COUNTER__, transport, ::heddle::sdk::detail::TransportThunk<Class>, type_name, members)
