#include "serve/otlp_export.h"

#include <algorithm>

#include "clock.h"
#include "log.h"
#include "manifest/utf8.h"
#include "plugin/answer_of.h"
#include "retry.h"

namespace heddle {
namespace {

constexpr const char* kTransport = "http";
constexpr const char* kOperation = "export";
constexpr uint64_t kConnectMs = 5'000;
constexpr uint64_t kMostBytes = uint64_t{1} << 20;  // of an answer
constexpr uint64_t kFirstRetryMs = 1'000;
constexpr uint64_t kLastWordMs = 1'000;             // for a collector that did not answer well before

// 429, 502, 503 and 504 are worth another try, and what never reached the collector.
bool is_passing(heddle_status status) { return status == HEDDLE_UNAVAILABLE || status == HEDDLE_EXHAUSTED || status == HEDDLE_DEADLINE; }

}  // namespace

OtlpExport::OtlpExport(OtlpSettings settings, Lanes& lanes, std::unique_ptr<OtlpSource> source)
    : settings_(std::move(settings)), errands_(std::make_unique<Errands>(lanes, *lanes.find(kOwnLane))), source_(std::move(source)) {}

Result<std::unique_ptr<OtlpExport>> OtlpExport::open(OtlpSettings settings, const Catalog& catalog, Lanes& lanes, std::unique_ptr<OtlpSource> source) {
  const CatalogEntry entry = catalog.find("transport", kTransport);
  if (!entry.type) {
    const std::string hint = catalog.hint_for("transport", kTransport);
    return Error("no-type", std::string("no plugin has the transport \"") + kTransport + "\"" + (hint.empty() ? "" : "; " + hint), ErrorClass::kConfig);
  }
  std::unique_ptr<OtlpExport> out(new OtlpExport(std::move(settings), lanes, std::move(source)));
  auto transport = TransportHandle::create(entry, "otlp", *Value::map({}), &lanes, *lanes.find("control"));
  if (!transport) return std::move(transport).error();
  out->transport_ = *std::move(transport);
  TransportHandle& handle = *out->transport_;
  if (auto active = answer_of<void>([&](auto done) { handle.activate(std::move(done)); }); !active) return std::move(active).error();
  out->active_ = true;
  const ChannelOptions options{.endpoint = out->settings_.endpoint,
                               .operations = {{kOperation, "POST", out->settings_.path}},
                               .tls = out->settings_.tls,
                               .headers = out->settings_.headers,
                               .connect_ms = std::min(kConnectMs, out->settings_.timeout_ms),
                               .most_body_bytes = kMostBytes};
  auto channel = answer_of<std::unique_ptr<Channel>>([&](auto done) { handle.connect(options, std::move(done)); });
  if (!channel) return std::move(channel).error();
  out->channel_ = *std::move(channel);
  std::lock_guard lock(out->mutex_);
  out->plan(now_ns() + out->settings_.interval_ms * kNsPerMs);
  return out;
}

OtlpExport::~OtlpExport() {
  heddle_id call = 0;
  bool is_well = true;
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
    is_well = trouble_.empty() && !under_way_;
  }
  errands_.reset();  // a request that is being sent has an id now
  if (channel_) {
    {
      std::lock_guard lock(mutex_);
      call = under_way_ ? call_ : 0;
    }
    if (call) channel_->cancel(call);
    wait_until_quiet();
    send_rest(is_well ? settings_.timeout_ms : std::min(settings_.timeout_ms, kLastWordMs));
    static_cast<void>(answer_of<void>([this](auto done) { channel_->disconnect(std::move(done)); }));
    channel_.reset();
  }
  if (!active_) return;
  auto ended = answer_of<void>([this](auto done) { transport_->deactivate(std::move(done)); });
  if (!ended) log::write(log::Level::kWarn, "otlp", "the transport did not end cleanly: " + ended.error().text());
}

void OtlpExport::wait_until_quiet() {
  std::unique_lock lock(mutex_);
  quiet_.wait(lock, [this] { return !under_way_; });
}

// At the end, with nobody else about: all there is, while the collector takes it.
void OtlpExport::send_rest(uint64_t timeout_ms) {
  const uint64_t until_ns = now_ns() + timeout_ms * kNsPerMs;
  bool goes_on = true;
  for (uint64_t now = now_ns(); goes_on && now < until_ns; now = now_ns()) {
    send(std::max<uint64_t>(1, (until_ns - now) / kNsPerMs));
    wait_until_quiet();
    std::lock_guard lock(mutex_);
    goes_on = failures_ == 0 && source_->has_more();
  }
  source_->over(false);
}

// [mutex_ held]
void OtlpExport::plan(uint64_t at_ns) {
  planned_ = errands_->at(at_ns, [this] { send(settings_.timeout_ms); });
}

void OtlpExport::hurry() {
  std::lock_guard lock(mutex_);
  if (ending_ || under_way_ || failures_ > 0 || planned_ == 0 || !errands_->take_back(planned_)) return;
  plan(now_ns());
}

void OtlpExport::send(uint64_t timeout_ms) {
  const uint64_t now = now_ns();
  {
    std::lock_guard lock(mutex_);
    under_way_ = true;
    planned_ = 0;
    call_ = 0;
    begun_ns_ = now;
  }
  Value body = source_->next();
  if (!body) {
    std::lock_guard lock(mutex_);
    under_way_ = false;
    if (!ending_) plan(now + settings_.interval_ms * kNsPerMs);
    return quiet_.notify_all();
  }
  const heddle_id call = channel_->call({.operation = kOperation, .body = std::move(body), .deadline_ns = now + timeout_ms * kNsPerMs},
                                        {.answered = [this](const RemoteAnswer& answer) { heard(answer); }});
  std::lock_guard lock(mutex_);
  if (under_way_ && begun_ns_ == now) call_ = call;
}

uint64_t OtlpExport::next_ns(const RemoteAnswer& answer) const {
  const uint64_t now = now_ns(), regular = source_->is_due() ? now : std::max(now, begun_ns_ + settings_.interval_ms * kNsPerMs);
  if (answer.is_ok() || !is_passing(answer.status)) return regular;
  if (answer.retry_after_ms) return now + answer.retry_after_ms * kNsPerMs;
  const RetryPolicy policy{.first_ns = kFirstRetryMs * kNsPerMs, .cap_ns = settings_.interval_ms * kNsPerMs, .jitter = RetryPolicy::Jitter::kEqual};
  return now + policy.wait_ns(failures_ + 1);
}

void OtlpExport::heard(const RemoteAnswer& answer) {
  std::string trouble = answer.is_ok() ? "" : answer.why.text(), before;
  if (answer.is_ok()) {
    if (const auto body = answer.json()) trouble = otlp_complaint(*body);
  }
  bool is_given_up = false;
  {
    std::lock_guard lock(mutex_);
    is_given_up = ending_ && answer.status == HEDDLE_CANCELLED;
    if (!is_given_up) before = std::exchange(trouble_, trouble);
    failures_ = answer.is_ok() ? 0 : failures_ + 1;
  }
  if (!is_given_up) tell(trouble, before);
  if (answer.is_ok() || (!is_given_up && !is_passing(answer.status))) source_->over(answer.is_ok());
  std::lock_guard lock(mutex_);
  under_way_ = false;
  if (!ending_) plan(next_ns(answer));
  quiet_.notify_all();
}

void OtlpExport::tell(const std::string& trouble, const std::string& before) const {
  const std::string collector = "the collector at " + settings_.endpoint + settings_.path;
  if (!trouble.empty() && before.empty()) log::write(log::Level::kWarn, "otlp", std::string(source_->words()) + " do not reach " + collector + ": " + printable(trouble));
  if (trouble.empty() && !before.empty()) log::write(log::Level::kInfo, "otlp", std::string(source_->words()) + " reach " + collector + " again");
}

}  // namespace heddle
