// What transports promise who calls, and sidecars who assigns: tried on loopback, where nobody is, and where the transport itself listens.
#include <atomic>
#include <utility>

#include "check/awaited.h"
#include "check/check_runs.h"
#include "check/plugin_object.h"
#include "clock.h"

namespace heddle {
namespace {

constexpr char kNobody[] = "127.0.0.1:1";  // a port that nothing listens at
constexpr char kSeeTransport[] = "see call, probe and disconnect in heddle/transport.h, and answer and over in heddle/inbox.h";
constexpr char kSeeSidecar[] = "see heddle/sidecar.h for what a sidecar says, and when";

// The first rule that was broken. It may be told after nobody asks any more.
class Faults {
 public:
  std::function<void(std::string_view)> taker() const {
    return [state = state_](std::string_view rule) {
      std::lock_guard lock(state->mutex);
      if (state->first.empty()) state->first = rule;
    };
  }
  std::string first() const {
    std::lock_guard lock(state_->mutex);
    return state_->first;
  }

 private:
  struct State {
    std::mutex mutex;
    std::string first;  // guarded by mutex
  };
  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

std::string late(const char* what, uint64_t limit_ms) { return std::string(what) + " was not answered within " + std::to_string(limit_ms) + " ms"; }

const Operation kOperation = {"check", "GET", "/check", false};

// A transport that is active.
struct Calls {
  TransportHandle& transport;
  const uint64_t limit_ms;

  // What is wrong with it; empty: nothing. `answer` is what came.
  std::string call(const std::string& endpoint, RemoteAnswer& answer) const {
    Awaited<Result<std::shared_ptr<Channel>>> connected;
    Awaited<RemoteAnswer> answered;
    Awaited<Result<void>> probed, left;
    const ChannelOptions options{.endpoint = endpoint, .operations = {kOperation}, .connect_ms = limit_ms / 2};
    transport.connect(options, [taker = connected.taker()](Result<std::unique_ptr<Channel>> made) {
      if (made) taker(std::shared_ptr<Channel>(*std::move(made)));
      else taker(std::move(made).error());
    });
    const auto made = connected.wait(limit_ms);
    if (!made) return late("connect", limit_ms);
    if (!*made) {
      answer.why = made->error();
      answer.status = HEDDLE_UNSUPPORTED;
      return {};
    }
    Channel& channel = ***made;
    channel.call(RemoteCall{.operation = kOperation.name, .deadline_ns = now_ns() + limit_ms / 2 * kNsPerMs}, Hearing{.answered = answered.taker()});
    auto said = answered.wait(limit_ms);
    channel.probe(probed.taker());
    const bool is_probed = probed.wait(limit_ms).has_value();
    channel.disconnect(left.taker());
    if (!left.wait(limit_ms)) return late("disconnect", limit_ms);
    if (!said) return late("a call", limit_ms);
    answer = *std::move(said);
    return is_probed ? std::string() : late("a probe", limit_ms);
  }

  // The same, to itself. Empty, too, where it cannot carry just any operation.
  std::string call_itself() const {
    Awaited<Result<std::string>> listening;
    Awaited<Result<void>> closed;
    Offer offer;
    offer.endpoint = "127.0.0.1:0";
    offer.operations = {kOperation};
    const heddle_id listener = transport.listen(offer, [](Request request) { request.answer(Value::integer(42)); }, listening.taker());
    const auto endpoint = listening.wait(limit_ms);
    if (!endpoint || !*endpoint) return {};  // listens-and-closes has said so
    RemoteAnswer answer;
    std::string fault = call(**endpoint, answer);
    transport.close(listener, now_ns() + limit_ms * kNsPerMs, closed.taker());
    if (!closed.wait(limit_ms * 2) && fault.empty()) fault = late("close", limit_ms * 2);
    if (!fault.empty() || answer.status == HEDDLE_UNSUPPORTED || answer.status == HEDDLE_INVALID || answer.status == HEDDLE_NOT_FOUND) return fault;
    if (!answer.is_ok()) return "a call to its own listener fails: " + answer.why.text();
    const auto json = answer.json();
    return json && json->json() == "42" ? std::string() : "of the answer 42 it delivers " + (json ? std::string(json->json()) : json.error().text());
  }
};

std::string try_calls(TransportHandle& transport, uint64_t limit_ms, std::string& cannot) {
  const Calls calls{transport, limit_ms};
  RemoteAnswer answer;
  std::string fault = calls.call(kNobody, answer);
  if (fault.empty() && answer.is_ok()) fault = "a call to " + std::string(kNobody) + ", where nobody listens, is answered well";
  if (answer.why.code == "unsupported") cannot = answer.why.text();
  return fault.empty() && cannot.empty() ? calls.call_itself() : fault;
}

// What a worker has said.
struct WorkerWords {
  Awaited<bool> settled;  // granted, or gone
  Awaited<Result<Value>> done;
};

std::string try_worker(SidecarHandle& sidecar, uint64_t limit_ms, std::string& cannot) {
  const WorkerWords words;
  Awaited<Result<void>> connected, left;
  Awaited<Result<Value>> probed;
  WorkerPlace place;
  place.endpoint = kNobody;
  place.connect_ms = limit_ms / 2;
  place.reattach_ms = 0;
  WorkerHearing hearing;
  hearing.here = [](const Value&) {};
  hearing.granted = [taker = words.settled.taker()](uint32_t n) {
    if (n > 0) taker(true);
  };
  hearing.gone = [taker = words.settled.taker()](const Error&) { taker(false); };
  const heddle_id worker = sidecar.connect(place, std::move(hearing), connected.taker());
  const auto understood = connected.wait(limit_ms);
  if (!understood) return late("connect", limit_ms);
  if (!*understood) {
    cannot = understood->error().text();
    return {};
  }
  const auto granted = words.settled.wait(limit_ms);
  std::string fault = granted ? "" : "whether the worker is there was not said within " + std::to_string(limit_ms) + " ms";
  if (granted && *granted) {
    AssignmentOrder order;
    order.activity = "check";
    order.run = "1";
    order.inputs = {{.name = "item", .value = Value::integer(1)}};
    AssignmentHearing heard;
    heard.progress = [](const Value&) {};
    heard.done = words.done.taker();
    const heddle_id assignment = sidecar.assign(worker, order, std::move(heard));
    if (assignment != 0) sidecar.cancel(assignment, "the check is over", limit_ms / 4 * kNsPerMs);
    if (assignment != 0 && !words.done.wait(limit_ms)) fault = "an assignment that was cancelled is not done within " + std::to_string(limit_ms) + " ms";
  }
  sidecar.probe(worker, probed.taker());
  if (!probed.wait(limit_ms) && fault.empty()) fault = late("a probe", limit_ms);
  sidecar.drain(worker);
  sidecar.disconnect(worker, left.taker());
  return left.wait(limit_ms) || !fault.empty() ? fault : late("disconnect", limit_ms);
}

// Creates it, activates it, tries it, and ends it.
template <class Handle, class Try>
Verdict try_active(const CheckSubject& subject, const char* remedy, Try&& attempt) {
  const ObjectParams with = object_params(subject);
  if (!with.params) return with.missing;
  Lanes lanes(2);
  const Faults faults;
  auto made = Handle::create({&subject.plugin, subject.type}, "check", with.params, &lanes, *lanes.find("default"), faults.taker());
  if (!made) return cannot_start(with, subject, made.error().text());
  Awaited<Result<void>> active, stopped;
  (*made)->activate(active.taker());
  const uint64_t limit_ms = subject.limit_ms / 8;
  if (const auto begun = active.wait(limit_ms); !begun || !*begun) return cannot_start(with, subject, begun ? begun->error().text() : "activate is not answered");
  std::string cannot;
  const std::string fault = attempt(**made, limit_ms, cannot);
  if (!fault.empty()) {
    made->release();  // what does not answer may be inside of it
    return failed(fault, remedy);
  }
  (*made)->deactivate(stopped.taker());
  if (!stopped.wait(limit_ms)) {
    made->release();
    return failed(late("deactivate", limit_ms), remedy);
  }
  made->reset();
  if (!faults.first().empty()) return failed(faults.first(), remedy);
  return cannot.empty() ? passed() : not_applicable(cannot);
}

}  // namespace

Verdict check_calls(const CheckSubject& subject) { return try_active<TransportHandle>(subject, kSeeTransport, try_calls); }
Verdict check_workers(const CheckSubject& subject) { return try_active<SidecarHandle>(subject, kSeeSidecar, try_worker); }

}  // namespace heddle
