#include "execution.h"

#include <heddle/sdk/quiet.h>
#include <time.h>

#include <algorithm>
#include <utility>

#include "message.h"

namespace sidecar_rest {
namespace {

using heddle::sdk::Config;
using heddle::sdk::Error;
using heddle::sdk::Value;
using heddle::sdk::ValueRef;
using heddle::sdk::detail::services;
using heddle::sdk::detail::to_str;
using heddle::sdk::detail::to_view;

std::string text_of(ValueRef map, std::string_view key) { return std::string(map.find(key).as_text().value_or("")); }

uint64_t unix_now_ns() {
  timespec wall;
  ::clock_gettime(CLOCK_REALTIME, &wall);
  return static_cast<uint64_t>(wall.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(wall.tv_nsec);
}

Patience patience_of(const Config& config) {
  const Patience usual;
  return {.connections = config.get<uint64_t>("connections", usual.connections), .answer_ms = config.get<uint64_t>("answer_ms", usual.answer_ms)};
}

// What a worker wants of the host and of the network.
class OneOutside : public Outside {
 public:
  OneOutside(const heddle_host* host, const heddle_assignments_service* inbox, heddle_id worker, Timers& timers) : timers_(timers), host_(host), inbox_(inbox), worker_(worker) {}

  void ask(uint64_t number, Ask what) override { connections->ask(number, std::move(what)); }
  void here(const Value& facts) override { inbox_->here(host_, worker_, facts.get()); }
  void grant(uint32_t assignments) override { inbox_->grant(host_, worker_, assignments); }
  void gone(heddle_status status, const std::string& why) override { inbox_->gone(host_, worker_, status, to_str(why)); }
  void progress(heddle_id assignment, const Value& said) override { inbox_->progress(host_, assignment, said.get()); }
  void done(heddle_id assignment, heddle_status status, Value result) override { inbox_->done(host_, assignment, status, result.release()); }
  uint64_t now_ns() const override { return services.sched->now_ns(host_); }
  void after(uint64_t delay_ns, std::function<void()> then) override { timers_.after(delay_ns, std::move(then)); }

  Connections* connections = nullptr;  // set before the first ask

 private:
  Timers& timers_;
  const heddle_host* const host_;
  const heddle_assignments_service* const inbox_;
  const heddle_id worker_;
};

}  // namespace

struct Execution::Place {
  std::shared_ptr<Worker> worker;
  std::unique_ptr<Connections> connections;
  bool disconnecting = false;
};

Execution::Execution(const Config& config)
    : host_(config.host().get()), timers_(host_), inbox_(heddle::sdk::detail::service<heddle_assignments_service>(host_, HEDDLE_ASSIGNMENTS)), patience_(patience_of(config)) {
  if (!HEDDLE_HAS(inbox_, done)) throw Error(HEDDLE_UNSUPPORTED, "the host has no " HEDDLE_ASSIGNMENTS " for this object");
  if (!services.sched) throw Error(HEDDLE_UNSUPPORTED, "the host has no " HEDDLE_SCHED);
  if (const ValueRef webhook = config.find("webhook"))
    webhook_ = std::make_unique<Webhook>(WebhookParams{.listen = text_of(webhook, "listen"), .token = text_of(webhook, "token"), .is_insecure = webhook.find("insecure").as_bool().value_or(false)},
                                         config.log(), [this](const std::string& activity, const Said& said) { return completed(activity, said); });
  closer_ = heddle::sdk::quiet_thread([this] { close_all(); });
}

Execution::~Execution() {
  webhook_.reset();
  std::vector<std::pair<heddle_id, std::shared_ptr<Worker>>> left;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [id, place] : places_)
      if (place && !std::exchange(place->disconnecting, true)) left.emplace_back(id, place->worker);
  }
  for (const auto& [id, worker] : left) worker->disconnect([this, id = id] { close(id, [] {}); });
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
    changed_.notify_all();
  }
  closer_.join();
}

void Execution::connect(heddle_id id, ValueRef options) {
  const auto number = [&](std::string_view key) { return static_cast<uint64_t>(std::max<int64_t>(options.find(key).as_int().value_or(0), 0)); };
  Target target(options);
  auto place = std::make_unique<Place>();
  const auto outside = std::make_shared<OneOutside>(host_, inbox_, id, timers_);
  const ValueRef version = options.find("version");
  const auto worker = std::make_shared<Worker>(outside, WorkerOptions{.endpoint = target.endpoint,
                                                                      .min_version = text_of(version, "min"),
                                                                      .max_version = text_of(version, "max"),
                                                                      .slots = static_cast<uint32_t>(std::min<uint64_t>(number("slots"), Worker::kMostSlots)),
                                                                      .connect_ns = number("connect_ms") * 1'000'000,
                                                                      .reattach_ns = number("reattach_ms") * 1'000'000});
  place->worker = worker;
  place->connections = std::make_unique<Connections>(std::move(target), patience_, [weak = std::weak_ptr(worker)](uint64_t asked, Answer answer) {
    if (const auto one = weak.lock()) one->answered(asked, std::move(answer));
  });
  outside->connections = place->connections.get();
  {
    std::lock_guard lock(mutex_);
    if (!places_.emplace(id, std::move(place)).second) throw Error(HEDDLE_CONFLICT, "there is a worker " + std::to_string(id) + " already");
  }
  worker->connect();
}

std::shared_ptr<Worker> Execution::find(heddle_id worker) {
  std::lock_guard lock(mutex_);
  const auto found = places_.find(worker);
  if (found == places_.end() || !found->second) throw Error(HEDDLE_NOT_FOUND, "there is no worker " + std::to_string(worker));
  return found->second->worker;
}

std::vector<std::shared_ptr<Worker>> Execution::all() {
  std::vector<std::shared_ptr<Worker>> workers;
  std::lock_guard lock(mutex_);
  for (const auto& [id, place] : places_)
    if (place) workers.push_back(place->worker);
  return workers;
}

void Execution::assign(heddle_id worker, const heddle_assignment& a) {
  const auto text = [](heddle_str s) { return std::string(to_view(s)); };
  heddle::sdk::detail::guard(
      [&] {
        const auto one = find(worker);
        one->assign({.id = a.assignment,
                     .activity = text(a.activity),
                     .run = text(a.run),
                     .deadline_ns = a.deadline_ns,
                     .body = std::make_shared<const std::string>(assign_body(a, unix_now_ns(), services.sched->now_ns(host_)))});
      },
      [&](heddle_status status, std::string_view why) {
        Value result = Value::map({{"code", Value::string("unsent")}, {"class", Value::string("permanent")}, {"message", Value::string("it was not sent: " + std::string(why))}});
        inbox_->done(host_, a.assignment, status, result.release());
      });
}

void Execution::cancel(heddle_id assignment, const std::string& reason, uint64_t grace_ns) {
  for (const auto& worker : all())
    if (worker->cancel(assignment, reason, grace_ns)) return;
}

// A worker does not say who it is: its task does.
Taken Execution::completed(const std::string& activity, const Said& said) {
  Taken best = Taken::kUnknown;
  for (const auto& worker : all()) {
    const Taken taken = worker->completed(activity, said);
    if (taken == Taken::kYes || taken == Taken::kNotUnderstood) return taken;
    if (taken == Taken::kBefore || (taken == Taken::kOtherRun && best == Taken::kUnknown)) best = taken;
  }
  return best;
}

void Execution::drain(heddle_id worker) { find(worker)->drain(); }

void Execution::probe(heddle_id worker, Worker::Probed probed) { find(worker)->probe(std::move(probed)); }

void Execution::disconnect(heddle_id id, std::function<void()> done) {
  std::shared_ptr<Worker> worker;
  {
    std::lock_guard lock(mutex_);
    const auto found = places_.find(id);
    if (found == places_.end() || !found->second || std::exchange(found->second->disconnecting, true))
      throw Error(HEDDLE_NOT_FOUND, "there is no worker " + std::to_string(id) + ", or it is disconnected already");
    worker = found->second->worker;
  }
  worker->disconnect([this, id, done = std::move(done)]() mutable { close(id, std::move(done)); });
}

void Execution::close(heddle_id worker, std::function<void()> done) {
  std::lock_guard lock(mutex_);
  closing_.emplace_back(worker, std::move(done));
  changed_.notify_all();
}

// The closer's thread.
void Execution::close_all() {
  std::unique_lock lock(mutex_);
  while (!ending_ || !places_.empty()) {
    changed_.wait(lock, [this] { return !closing_.empty() || (ending_ && places_.empty()); });
    if (closing_.empty()) continue;
    auto [id, done] = std::move(closing_.front());
    closing_.pop_front();
    const auto found = places_.find(id);
    std::unique_ptr<Place> last = std::move(found->second);
    lock.unlock();
    last->connections.reset();
    last.reset();
    done();
    lock.lock();
    places_.erase(found);
  }
}

}  // namespace sidecar_rest
