#include "plugin/inbox.h"

#include <algorithm>
#include <vector>

#include "lanes/lanes.h"
#include "plugin/host_table.h"
#include "plugin/plugin_text.h"

namespace heddle {
namespace {

heddle_str str(std::string_view text) { return {text.data(), text.size()}; }
// Of a token: byte for byte.
std::string exact(heddle_str s) { return s.ptr ? std::string(s.ptr, s.len) : std::string(); }

}  // namespace

Sent Exchange::answer(heddle_status status, bool more, std::string_view content_type, Value body, uint32_t retry_after_ms, bool accepted) {
  {
    std::lock_guard lock(mutex_);
    if (state_ == State::kAsked) {
      state_ = more ? State::kStreaming : State::kDone;
      if (!more) end_span();
      if (over_) return Sent::kGone;
    } else {
      more = true;  // from here on: twice
      status = 1;
    }
  }
  if (status == 1) {
    fault("a request for " + asked_.operation + " was answered twice");
    return Sent::kTwice;
  }
  heddle_answer a{};
  a.struct_size = sizeof a;
  a.status = status;
  a.more = more;
  a.content_type = str(content_type);
  a.retry_after_ms = retry_after_ms;
  a.accepted = accepted;
  a.body = body.release();
  const bool sent = outlet_->call([&](const heddle_transport& t, void* self) { t.answer(self, asked_.id, &a); });
  if (!sent) Value::adopt(a.body);
  return sent ? Sent::kSent : Sent::kGone;
}

void Exchange::record(Tracer& tracer, TraceSpan span) {
  recorded_ = span.context;
  std::lock_guard lock(mutex_);
  if (state_ == State::kDone || over_) return;
  span_ = std::move(span);
  tracer_ = &tracer;
}

// Of a server's span: what the peer did wrong is no failure of the host's.
void Exchange::note_failure(const Error& why, bool is_ours) {
  std::lock_guard lock(mutex_);
  if (!tracer_) return;
  span_.attributes.emplace_back("error.type", why.code);
  if (is_ours) span_.error = why.text();
}

// [mutex_ held] Once.
void Exchange::end_span() {
  Tracer* const tracer = std::exchange(tracer_, nullptr);
  if (!tracer) return;
  span_.end_ns = now_ns();
  tracer->add(std::move(span_));
}

Sent Exchange::part(Value v) {
  {
    std::lock_guard lock(mutex_);
    if (over_) return Sent::kGone;
    if (state_ != State::kStreaming) return Sent::kTwice;
    if (credit_ == 0) {
      wants_room_ = true;
      return Sent::kFull;
    }
    --credit_;
  }
  heddle_value* const raw = v.release();
  const bool sent = outlet_->call([&](const heddle_transport& t, void* self) { t.part(self, asked_.id, raw); });
  if (!sent) Value::adopt(raw);
  return sent ? Sent::kSent : Sent::kGone;
}

Sent Exchange::end(heddle_status status, std::string_view why) {
  {
    std::lock_guard lock(mutex_);
    if (state_ != State::kStreaming) return Sent::kTwice;
    state_ = State::kDone;
    end_span();
    on_gone_ = on_room_ = nullptr;
    if (over_) return Sent::kGone;
  }
  const bool sent = outlet_->call([&](const heddle_transport& t, void* self) { t.end(self, asked_.id, status, str(why)); });
  return sent ? Sent::kSent : Sent::kGone;
}

void Exchange::on_room(std::function<void()> fn) {
  {
    std::lock_guard lock(mutex_);
    if (credit_ == 0 || !wants_room_) {
      on_room_ = std::move(fn);
      return;
    }
    wants_room_ = false;
    on_room_ = fn;
  }
  fn();
}

void Exchange::grant(uint32_t parts) {
  std::function<void()> tell;
  {
    std::lock_guard lock(mutex_);
    credit_ += parts;
    if (!wants_room_ || !on_room_) return;
    wants_room_ = false;
    tell = on_room_;
  }
  tell();
}

void Exchange::on_gone(std::function<void()> fn) {
  {
    std::lock_guard lock(mutex_);
    if (state_ == State::kDone) return;
    if (!over_) {
      on_gone_ = std::move(fn);
      return;
    }
  }
  fn();
}

void Exchange::hear(RequestHearing hearing) {
  std::optional<Result<void>> outcome;
  {
    std::lock_guard lock(mutex_);
    if (over_ || state_ == State::kDone) return;
    outcome = std::exchange(coming_.outcome, std::nullopt);
    if (!outcome) coming_.hearing = std::make_shared<const RequestHearing>(std::move(hearing));
  }
  if (outcome) hearing.ended(*std::move(outcome));
}

void Exchange::grant_request(uint32_t parts) {
  {
    std::lock_guard lock(mutex_);
    if (over_ || state_ == State::kDone || coming_.is_over) return;
    coming_.credit += parts;
  }
  outlet_->call([&](const heddle_transport& t, void* self) {
    const heddle_transport* const table = &t;
    if (HEDDLE_HAS(table, grant)) table->grant(self, asked_.id, parts);
  });
}

void Exchange::said_part(Value v) {
  std::shared_ptr<const RequestHearing> hearing;
  const char* wrong = nullptr;
  {
    std::lock_guard lock(mutex_);
    if (state_ == State::kDone || over_) return;
    if (!asked_.more || coming_.is_over) wrong = "delivered a part of a request that was whole";
    else if (coming_.credit == 0) wrong = "delivered a part of a request without credit";
    if (!wrong) {
      --coming_.credit;
      hearing = coming_.hearing;
    }
  }
  if (!wrong) return hearing->part(std::move(v));
  fault("it " + std::string(wrong) + " (exchange " + std::to_string(asked_.id) + ")");
  said_end(Error("internal", "the transport " + std::string(wrong)));
}

void Exchange::said_end(Result<void> outcome) {
  std::shared_ptr<const RequestHearing> hearing;
  {
    std::lock_guard lock(mutex_);
    if (state_ == State::kDone || over_ || std::exchange(coming_.is_over, true)) return;
    hearing = std::move(coming_.hearing);
    if (!hearing) coming_.outcome = std::move(outcome);
  }
  if (hearing) hearing->ended(std::move(outcome));
}

void Exchange::over() {
  std::function<void()> tell;
  Coming unheard;  // with what it holds
  {
    std::lock_guard lock(mutex_);
    if (std::exchange(over_, true)) return;
    on_room_ = nullptr;
    std::swap(unheard, coming_);
    if (tracer_) span_.attributes.emplace_back("error.type", "cancelled");  // the peer has gone: no failure of ours
    end_span();
    if (state_ != State::kDone) tell = std::move(on_gone_);
    on_gone_ = nullptr;
  }
  if (tell) tell();
}

bool Exchange::is_gone() const {
  std::lock_guard lock(mutex_);
  return over_;
}
bool Exchange::is_owed() const {
  std::lock_guard lock(mutex_);
  return state_ == State::kAsked && !over_;
}
bool Exchange::is_streaming() const {
  std::lock_guard lock(mutex_);
  return state_ == State::kStreaming && !over_;
}

heddle_id Inbox::new_id() {
  std::lock_guard lock(mutex_);
  return ++last_id_;
}

heddle_id Inbox::add(Listener listener) {
  std::lock_guard lock(mutex_);
  listeners_.emplace(++last_id_, std::make_shared<Listener>(std::move(listener)));
  return last_id_;
}

void Inbox::end_exchanges(heddle_id listener) {
  std::vector<std::shared_ptr<Exchange>> left;
  {
    std::lock_guard lock(mutex_);
    for (auto at = open_.begin(); at != open_.end();) {
      const bool of_it = at->second.listener == listener;
      if (of_it) left.push_back(std::move(at->second.exchange));
      at = of_it ? open_.erase(at) : std::next(at);
    }
  }
  if (!left.empty()) outlet_->fault("it closed a listener, and never said that " + std::to_string(left.size()) + " of its exchanges are over");
  for (const auto& exchange : left) exchange->over();
}

void Inbox::remove(heddle_id listener) {
  end_exchanges(listener);
  std::lock_guard lock(mutex_);
  listeners_.erase(listener);
}

void Inbox::remove_all() {
  std::vector<heddle_id> ids;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [id, listener] : listeners_) ids.push_back(id);
  }
  for (const heddle_id id : ids) remove(id);
  calls_.remove_all();
}

void Inbox::deliver(heddle_id listener_id, const heddle_request& r) {
  Exchange::Asked asked;
  asked.id = r.exchange;
  asked.operation = plugin_text(r.operation);
  asked.peer = plugin_text(r.peer);
  asked.identity = plugin_text(r.identity);
  asked.token = exact(r.token);
  asked.content_type = plugin_text(r.content_type);
  asked.deadline_ns = r.deadline_ns;
  asked.credit = r.credit;
  asked.more = r.more;
  asked.parameters = Value::share(r.parameters);
  const heddle_request* const given = &r;
  asked.transport = transport_;
  asked.trace = read_trace(plugin_text(r.trace), HEDDLE_HAS(given, trace_state.len) ? plugin_text(r.trace_state) : std::string());
  if (HEDDLE_HAS(given, accept.len)) asked.accept = plugin_text(r.accept);
  if (HEDDLE_HAS(given, metadata)) asked.metadata = Value::share(r.metadata);
  asked.body = Value::adopt(r.body);
  const auto exchange = std::make_shared<Exchange>(std::move(asked), outlet_);
  std::shared_ptr<Listener> listener;
  bool is_new = false, full = false;
  {
    std::lock_guard lock(mutex_);
    if (const auto found = listeners_.find(listener_id); found != listeners_.end()) listener = found->second;
    full = listener && listener->open >= listener->requests;
    if (listener) is_new = open_.try_emplace(r.exchange, Open{exchange, listener_id, !full}).second;
    if (is_new && !full) ++listener->open;
  }
  if (!listener) {
    outlet_->fault("it delivered a request for the listener " + std::to_string(listener_id) + ", which does not exist");
    outlet_->call([&](const heddle_transport& t, void* self) {
      const heddle_transport* const table = &t;
      if (HEDDLE_HAS(table, cancel)) table->cancel(self, r.exchange);
    });
    return;
  }
  if (!is_new) return outlet_->fault("it delivered two requests as exchange " + std::to_string(r.exchange));
  Request request(exchange);
  const std::string& operation = exchange->asked().operation;
  if (full) {
    request.fail(HEDDLE_EXHAUSTED, Error("full", "too many requests are being answered", ErrorClass::kRetryable), 1000);
  } else if (!listener->operations.contains(operation)) {
    outlet_->fault("it delivered a request for \"" + operation + "\", which was not offered");
    request.fail(HEDDLE_NOT_FOUND, Error("not-found", "there is no operation \"" + operation + "\""));
  } else {
    listener->receive(std::move(request));
  }
}

bool Inbox::is_listener(heddle_id id) const {
  std::lock_guard lock(mutex_);
  return listeners_.contains(id);
}

std::shared_ptr<Exchange> Inbox::find(heddle_id exchange) const {
  std::lock_guard lock(mutex_);
  const auto found = open_.find(exchange);
  return found == open_.end() ? nullptr : found->second.exchange;
}

void Inbox::grant(heddle_id id, uint32_t parts) {
  const auto exchange = find(id);
  if (!exchange) return outlet_->fault("it granted room in exchange " + std::to_string(id) + ", which is not open");
  exchange->grant(parts);
}

void Inbox::part(heddle_id id, heddle_value* v) {
  Value part = Value::adopt(v);
  const auto exchange = find(id);
  if (!exchange) return outlet_->fault("it delivered a part of exchange " + std::to_string(id) + ", which is not open");
  exchange->said_part(std::move(part));
}

void Inbox::end(heddle_id id, heddle_status status, std::string_view why) {
  const auto exchange = find(id);
  if (!exchange) return outlet_->fault("it ended the request of exchange " + std::to_string(id) + ", which is not open");
  exchange->said_end(status < 0 ? Result<void>(error_of_status(status, plugin_text(why))) : Result<void>());
}

void Inbox::over(heddle_id id) {
  std::shared_ptr<Exchange> exchange;
  {
    std::lock_guard lock(mutex_);
    if (const auto found = open_.find(id); found != open_.end()) {
      exchange = std::move(found->second.exchange);
      if (const auto listener = listeners_.find(found->second.listener); found->second.counted && listener != listeners_.end()) --listener->second->open;
      open_.erase(found);
    }
  }
  if (!exchange) return outlet_->fault("it said that exchange " + std::to_string(id) + " is over, which is not open");
  exchange->over();
}

// The host's side of heddle.inbox/1.
// What many a call or item wakes is woken once.
struct InboxTable {
  static Inbox& of(const heddle_host* h) { return *static_cast<Inbox*>(HostTable::context(h, &Inbox::service())); }
  static bool is_call(heddle_id exchange) { return exchange % 2 == 1; }

  static void request(const heddle_host* h, heddle_id listener, const heddle_request* r) noexcept {
    const HeldPosts held;
    of(h).deliver(listener, *r);
  }
  static void grant(const heddle_host* h, heddle_id exchange, uint32_t parts) noexcept {
    const HeldPosts held;
    if (!is_call(exchange)) of(h).grant(exchange, parts);  // no call of ours has parts
  }
  static void over(const heddle_host* h, heddle_id exchange, heddle_status status, heddle_str why) noexcept {
    const HeldPosts held;
    if (is_call(exchange)) of(h).calls_.over(exchange, status, {why.ptr, why.len});
    else of(h).over(exchange);
  }
  static void lost(const heddle_host* h, heddle_id id, heddle_status status, heddle_str why) noexcept {
    const bool listens = of(h).is_listener(id);
    of(h).outlet_->fault((listens ? "the listener " : "the channel ") + std::to_string(id) + " was lost: " + error_of_status(status, plugin_text(why)).text());
  }
  static void answer(const heddle_host* h, heddle_id exchange, const heddle_answer* a) noexcept {
    const HeldPosts held;
    of(h).calls_.answer(exchange, *a);
  }
  static void part(const heddle_host* h, heddle_id exchange, heddle_value* v) noexcept {
    const HeldPosts held;
    if (is_call(exchange)) of(h).calls_.part(exchange, v);
    else of(h).part(exchange, v);
  }
  static void end(const heddle_host* h, heddle_id exchange, heddle_status status, heddle_str why) noexcept {
    const HeldPosts held;
    if (is_call(exchange)) of(h).calls_.end(exchange, status, {why.ptr, why.len});
    else of(h).end(exchange, status, {why.ptr, why.len});
  }
};

const heddle_inbox_service& Inbox::service() {
  static constexpr heddle_inbox_service kService = {sizeof(heddle_inbox_service), InboxTable::request, InboxTable::grant, InboxTable::over,
                                                    InboxTable::lost,             InboxTable::answer,  InboxTable::part,  InboxTable::end};
  return kService;
}

}  // namespace heddle
