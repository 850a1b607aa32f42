#include "my_plugin_served.h"

namespace plugin {

using heddle::sdk::Error;
using heddle::sdk::PollThread;
using heddle::sdk::Request;
using heddle::sdk::Value;
using heddle::sdk::ValueRef;

namespace {
std::string refusal(std::string_view code, std::string_view why) { return written(heddle::sdk::failure(code, why)); }
}  // namespace

Offer::Offer(heddle_id id, ValueRef offer) : listener(id), otherwise(offer.find("otherwise").as_text().value_or("")) {
  const ValueRef all = offer.find("operations"), limits = offer.find("limits");
  for (size_t i = 0; i < all.size(); ++i) operations.emplace(all.at(i).find("name").as_text().value_or(""));
  const auto limit = [&](std::string_view name) { return static_cast<uint64_t>(limits.find(name).as_int().value_or(0)); };
  body_bytes = limit("body_bytes");
  header_ns = limit("header_ms") * kNsPerMs;
  request_ns = limit("request_ms") * kNsPerMs;
  stall_ns = limit("stall_ms") * kNsPerMs;
}

Served::Served(PollThread& thread, Socket socket, std::string peer, std::shared_ptr<const Offer> offer, const heddle::sdk::Inbox& inbox, heddle_id id, std::function<void()> forget)
    : Link(thread, std::move(socket)), peer_(std::move(peer)), offer_(std::move(offer)), inbox_(inbox), id_(id), forget_(std::move(forget)), begun_ns_(PollThread::now_ns()) {}

uint64_t Served::due() const {
  if (phase_ == Phase::kReading) return begun_ns_ + (has_head(in_.view()) ? offer_->request_ns : offer_->header_ns);
  if (phase_ == Phase::kLingering) return lingers_until_ns_;
  return std::min(deadline_ns_, has_unsent() ? taken_ns_ + offer_->stall_ns : kNever);
}

void Served::late() {
  static constexpr std::string_view kLate = "the deadline has passed";
  if (phase_ == Phase::kReading) return leave(refusal("deadline", "the request did not come in time"), HEDDLE_OK, {});
  if (phase_ == Phase::kLingering) return cut_off({});
  if (PollThread::now_ns() < deadline_ns_) return cut_off("the peer takes nothing of the answer");
  leave(phase_ == Phase::kAsked ? refusal("deadline", kLate) : written_end(HEDDLE_DEADLINE, kLate), HEDDLE_DEADLINE, kLate);
}

void Served::came() {
  if (phase_ == Phase::kReading) take_request();
  else in_.clear();  // a peer has nothing more to say
  if (is_closed_ && socket_) cut_off("the peer has gone");
}

void Served::take_request() {
  std::string why;
  const char* code = nullptr;
  heddle::sdk::detail::guard(
      [&] {
        auto frame = take_frame(in_, offer_->body_bytes);
        if (!frame) return;
        if (frame->kind == Kind::kProbe) return leave(written(heddle::sdk::Answer{}), HEDDLE_OK, {});
        if (frame->kind != Kind::kRequest) throw Error(HEDDLE_UNSUPPORTED, "it is to begin with a request");
        ask(*frame);
      },
      [&](heddle_status status, std::string_view said) {
        code = status == HEDDLE_INVALID ? "too-large" : "not-understood";
        why = said;
      });
  if (code) leave(refusal(code, why), HEDDLE_OK, {});
}

void Served::ask(const Frame& frame) {
  Request r = request_of(frame, PollThread::now_ns());
  Value nowhere;  // parameters of what the host does not offer
  if (!offer_->operations.contains(r.operation)) {
    if (offer_->otherwise.empty()) return leave(refusal("not-found", "there is no operation \"" + std::string(r.operation) + "\""), HEDDLE_OK, {});
    nowhere = Value::map({{"method", Value::string("")}, {"path", Value::string(r.operation)}, {"allow", Value::string("")}});
    r.parameters = nowhere;
    r.operation = offer_->otherwise;
  }
  const Value none = Value::map(std::span<Value::Entry>());
  if (!r.parameters) r.parameters = none;
  r.exchange = id_;
  r.peer = peer_;
  r.credit = kWindow;
  if (r.deadline_ns != 0) deadline_ns_ = r.deadline_ns;
  phase_ = Phase::kAsked;
  is_open_ = true;
  inbox_.request(offer_->listener, std::move(r));
}

void Served::answer(std::string bytes, bool more, std::string content_type) {
  if (phase_ != Phase::kAsked) return;
  doing([&] {
    content_type_ = std::move(content_type);
    if (!more) return leave(bytes, HEDDLE_OK, {});
    phase_ = Phase::kStreaming;
    send(bytes);
  });
}

void Served::part(const Value& v) {
  if (phase_ != Phase::kStreaming) return;
  doing([&] {
    ++unsent_parts_;
    const auto bytes = written_part(content_type_, v);
    send(bytes ? *bytes : std::string());
  });
}

void Served::end(heddle_status status, std::string_view why) {
  if (phase_ != Phase::kStreaming) return;
  doing([&] { leave(written_end(status, why), status < 0 ? status : HEDDLE_OK, why); });
}

void Served::leave(std::string_view bytes, heddle_status status, std::string_view why) {
  phase_ = Phase::kLeaving;
  deadline_ns_ = kNever;  // from here on it is the peer that takes its time
  status_ = status;
  why_ = why;
  send(bytes);
}

// To close at once could take from the peer what it has not read yet: it closes first.
void Served::left() {
  if (phase_ == Phase::kStreaming && unsent_parts_ > 0) inbox_.grant(id_, std::exchange(unsent_parts_, 0));
  if (phase_ != Phase::kLeaving) return;
  phase_ = Phase::kLingering;
  lingers_until_ns_ = PollThread::now_ns() + offer_->stall_ns;
  say_over(status_, why_);
  if (!lingers_) cut_off({});
}

void Served::say_over(heddle_status status, std::string_view why) {
  if (std::exchange(is_open_, false)) inbox_.over(id_, status, why);
}

void Served::cut_off(std::string_view why) {
  if (!socket_) return;
  phase_ = Phase::kLingering;
  close();
  say_over(HEDDLE_CANCELLED, why);
  forget_();
}

}  // namespace plugin
