// Inbox: where a transport delivers what peers say (heddle.inbox/1): their requests, by which the answers go back, and their answers to our calls.
//
// Exchange: one request and its answer. It outlives the transport if somebody still holds its Request: then it is over, and nothing is sent.
#pragma once
#include <heddle/inbox.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "plugin/outlet.h"
#include "plugin/remote_calls.h"
#include "plugin/request.h"
#include "trace.h"

namespace heddle {

using Receive = std::function<void(Request)>;

class Exchange {
 public:
  struct Asked {
    heddle_id id = 0;
    std::string operation, peer, identity, token, content_type, accept;
    std::string transport;  // its name: "http"
    std::optional<TraceContext> trace;
    uint64_t deadline_ns = 0;
    uint32_t credit = 0;
    bool more = false;  // parts follow
    Value parameters, metadata, body;
  };
  Exchange(Asked asked, std::shared_ptr<Outlet> outlet) : asked_(std::move(asked)), outlet_(std::move(outlet)), credit_(asked_.credit) {}
  const Asked& asked() const { return asked_; }

  Sent answer(heddle_status status, bool more, std::string_view content_type, Value body, uint32_t retry_after_ms, bool accepted = false);
  Sent part(Value v);
  Sent end(heddle_status status, std::string_view why);
  void on_room(std::function<void()> fn);
  void on_gone(std::function<void()> fn);
  bool is_gone() const;
  bool is_owed() const;  // no answer yet, and somebody waits for it
  bool is_streaming() const;
  void hear(RequestHearing hearing);
  void grant_request(uint32_t parts);
  void fault(std::string_view rule) const { outlet_->fault(rule); }

  // As in Request. By one thread, before it is answered.
  const std::optional<TraceContext>& trace() const { return recorded_ ? recorded_ : asked_.trace; }
  void record(Tracer& tracer, TraceSpan span);
  // Why it is not answered well: said before the answer is.
  void note_failure(const Error& why, bool is_ours);

  // By the inbox.
  void grant(uint32_t parts);
  void said_part(Value v);
  void said_end(Result<void> outcome);
  void over();

 private:
  enum class State : uint8_t { kAsked, kStreaming, kDone };
  // The parts of the request.
  struct Coming {
    bool is_over = false;
    uint64_t credit = 0;
    std::shared_ptr<const RequestHearing> hearing;
    std::optional<Result<void>> outcome;  // nobody was there yet to hear it
  };

  void end_span();

  const Asked asked_;
  const std::shared_ptr<Outlet> outlet_;
  std::optional<TraceContext> recorded_;  // of its span; none: it is not recorded
  mutable std::mutex mutex_;
  // Guarded by mutex_:
  State state_ = State::kAsked;
  bool over_ = false;
  bool wants_room_ = false;
  uint64_t credit_;
  std::function<void()> on_room_, on_gone_;
  Coming coming_;
  Tracer* tracer_ = nullptr;  // null: nobody records it, or the span is over
  TraceSpan span_;
};

class Inbox {
 public:
  Inbox(std::string transport, Outlet::Fault fault) : transport_(std::move(transport)), outlet_(std::make_shared<Outlet>(std::move(fault))), calls_(outlet_) {}
  Outlet& outlet() { return *outlet_; }
  RemoteCalls& calls() { return calls_; }
  heddle_id new_id();  // of a listener or a channel

  struct Listener {
    Receive receive;
    std::set<std::string, std::less<>> operations;
    size_t requests = 0;  // at most so many open ones
    size_t open = 0;      // guarded by the inbox's mutex
  };
  heddle_id add(Listener listener);
  // Its receive is not called any more; exchanges that are open and known to it are over.
  void remove(heddle_id listener);
  void remove_all();

  // Its context (HostTable::context) is an Inbox.
  static const heddle_inbox_service& service();

 private:
  friend struct InboxTable;
  struct Open {
    std::shared_ptr<Exchange> exchange;
    heddle_id listener;
    bool counted;  // among the listener's open ones: one that is refused takes nobody's place
  };
  void deliver(heddle_id listener, const heddle_request& r);
  void over(heddle_id exchange);
  void grant(heddle_id exchange, uint32_t parts);
  void part(heddle_id exchange, heddle_value* v);
  void end(heddle_id exchange, heddle_status status, std::string_view why);
  void end_exchanges(heddle_id listener);
  bool is_listener(heddle_id id) const;
  std::shared_ptr<Exchange> find(heddle_id exchange) const;

  const std::string transport_;  // its name
  const std::shared_ptr<Outlet> outlet_;
  RemoteCalls calls_;
  mutable std::mutex mutex_;
  // Guarded by mutex_:
  std::map<heddle_id, std::shared_ptr<Listener>> listeners_;
  std::unordered_map<heddle_id, Open> open_;
  heddle_id last_id_ = 0;
};

}  // namespace heddle
