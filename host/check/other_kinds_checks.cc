// What stores and transports promise beside what all kinds do.
#include <mutex>

#include "check/awaited.h"
#include "check/check_runs.h"
#include "check/plugin_object.h"
#include "clock.h"

namespace heddle {
namespace {

constexpr char kCompleteOnce[] = "complete each op once: see heddle/op.h";

// Asks, and judges the answer; empty: it is well.
template <class Ask>
std::string answer_fault(const StoreHandle& store, const char* what, uint64_t limit_ms, Ask&& ask) {
  Awaited<Result<Value>> answer;
  ask(answer.taker());
  auto got = answer.wait(limit_ms);
  if (!got) return std::string(what) + " was not answered within " + std::to_string(limit_ms) + " ms";
  if (store.faults()) return std::string(what) + ": it completed an operation twice";
  return *got ? std::string() : std::string(what) + ": " + got->error().text();
}

std::string try_store(StoreHandle& store, uint64_t limit_ms) {
  const std::string key = "check", value = "1";
  heddle_write write{};
  write.kind = HEDDLE_PUT;
  write.key = {key.data(), key.size()};
  write.value = {value.data(), value.size()};
  std::string fault;
  for (int i = 0; i < 2 && fault.empty(); ++i) {
    fault = answer_fault(store, "commit", limit_ms, [&](StoreHandle::Done done) { store.commit({&write, 1}, std::move(done)); });
    if (fault.empty()) fault = answer_fault(store, "get", limit_ms, [&](StoreHandle::Done done) { store.get(key, std::move(done)); });
    if (fault.empty()) fault = answer_fault(store, "scan", limit_ms, [&](StoreHandle::Done done) { store.scan({}, std::move(done)); });
  }
  return fault;
}

}  // namespace

Verdict check_store_answers(const CheckSubject& subject) {
  const ObjectParams with = object_params(subject);
  if (!with.params) return with.missing;
  Lanes lanes(2);
  auto object = create_object(subject, "check", with.params, lanes);
  if (!object) return cannot_start(with, subject, object.error().text());
  StoreHandle& store = *std::get<std::unique_ptr<StoreHandle>>(*object);
  if (auto active = store.activate(subject.limit_ms / 2); !active) return cannot_start(with, subject, active.error().text());
  const std::string fault = try_store(store, subject.limit_ms / 4);
  const auto stopped = store.deactivate(subject.limit_ms / 4);
  if (!fault.empty()) return failed(fault, kCompleteOnce);
  if (!stopped) return failed(stopped.error().text(), kCompleteOnce);
  return store.faults() ? failed("it broke a rule of its kind: see the log", kCompleteOnce) : passed();
}

Verdict check_listens(const CheckSubject& subject) {
  const ObjectParams with = object_params(subject);
  if (!with.params) return with.missing;
  Lanes lanes(2);
  struct Faults {
    std::mutex mutex;
    std::string first;  // guarded by mutex
  };
  const auto faults = std::make_shared<Faults>();
  auto transport = TransportHandle::create({&subject.plugin, subject.type}, "check", with.params, &lanes, *lanes.find("default"), [faults](std::string_view rule) {
    std::lock_guard lock(faults->mutex);
    if (faults->first.empty()) faults->first = rule;
  });
  if (!transport) return cannot_start(with, subject, transport.error().text());
  const uint64_t limit_ms = subject.limit_ms / 4;
  Awaited<Result<void>> active, closed, stopped;
  (*transport)->activate(active.taker());
  if (const auto outcome = active.wait(limit_ms); !outcome || !*outcome) return cannot_start(with, subject, outcome ? outcome->error().text() : "activate is not answered");
  Offer offer;
  offer.endpoint = "127.0.0.1:0";
  offer.operations = {{"check", "GET", "/check", false}};
  Awaited<Result<std::string>> listening;
  const heddle_id listener = (*transport)->listen(offer, [](auto&&...) {}, listening.taker());
  const auto endpoint = listening.wait(limit_ms);
  if (!endpoint) return failed("listen was not answered within " + std::to_string(limit_ms) + " ms", kCompleteOnce);
  if (!*endpoint && endpoint->error().code == "unsupported") return not_applicable("it does not listen");
  if (!*endpoint) return cannot_start(with, subject, "listen on 127.0.0.1, any port: " + endpoint->error().text());
  (*transport)->close(listener, now_ns() + limit_ms * kNsPerMs, closed.taker());
  if (!closed.wait(limit_ms * 2)) return failed("close was not answered", "complete close once everything of the listener is over: see heddle/transport.h");
  (*transport)->deactivate(stopped.taker());
  if (!stopped.wait(limit_ms)) return failed("deactivate was not answered", kCompleteOnce);
  transport->reset();
  std::lock_guard lock(faults->mutex);
  return faults->first.empty() ? passed() : failed(faults->first, "see heddle/inbox.h for what a transport may say, and when");
}

}  // namespace heddle
