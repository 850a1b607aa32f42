#include "execution.h"

#include <grpc/grpc.h>
#include <time.h>

#include <utility>

#include "quiet.h"

namespace sidecar_grpc {
namespace {

using heddle::sdk::Error;
using heddle::sdk::Value;
using heddle::sdk::ValueRef;
using heddle::sdk::detail::services;
using heddle::sdk::detail::to_str;
using heddle::sdk::detail::to_view;

std::string text_of(ValueRef map, std::string_view key) { return std::string(map.find(key).as_text().value_or("")); }

// Seconds of the wall clock at which `deadline_ns` of the monotonic one comes.
int64_t unix_of(uint64_t deadline_ns, uint64_t now_ns) {
  if (deadline_ns == 0) return 0;
  timespec wall;
  ::clock_gettime(CLOCK_REALTIME, &wall);
  const uint64_t left = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
  return wall.tv_sec + static_cast<int64_t>((left + static_cast<uint64_t>(wall.tv_nsec) + 999'999'999) / 1'000'000'000);
}

void add_input(execution::v1::TaskAssignment& to, ValueRef input) {
  execution::v1::InputDescriptor& one = *to.add_inputs();
  one.set_name(text_of(input, "name"));
  one.set_media_type(text_of(input, "media_type"));
  if (const auto ref = input.find("ref").as_text()) one.set_ref(std::string(*ref));
  else if (const auto bytes = input.find("bytes").as_bytes()) one.set_inline_bytes(bytes->data(), bytes->size());
  else if (const ValueRef value = input.find("value")) one.set_inline_json(std::string(value.json()));
}

Assignment assignment_of(const heddle_assignment& a, uint64_t now_ns) {
  const auto text = [](heddle_str s) { return std::string(to_view(s)); };
  Assignment out{.id = a.assignment, .activity = text(a.activity), .run = text(a.run), .deadline_ns = a.deadline_ns, .said = {}};
  execution::v1::TaskAssignment& said = *out.said.mutable_assign();
  said.set_activity_id(out.activity);
  said.set_run_id(out.run);
  said.set_workflow_instance_id(text(a.workflow));
  said.set_task_kind(text(a.kind));
  said.set_task_version(text(a.version));
  said.set_upload_prefix(text(a.upload_prefix));
  said.set_soft_deadline_unix(unix_of(a.deadline_ns, now_ns));
  said.set_heartbeat_interval_s(static_cast<int32_t>((a.heartbeat_ms + 999) / 1000));
  const ValueRef inputs(a.inputs);
  for (size_t i = 0; i < inputs.size(); ++i) add_input(said, inputs.at(i));
  if (a.checkpoint.len > 0) {
    execution::v1::InputDescriptor& one = *said.add_inputs();
    one.set_name("checkpoint");
    one.set_ref(text(a.checkpoint));
  }
  return out;
}

// What a worker wants of the host and of gRPC. The connection outlives its lines.
class OneOutside : public Outside {
 public:
  OneOutside(const heddle_host* host, const heddle_assignments_service* inbox, heddle_id worker, Connection& connection, Timers& timers)
      : connection_(connection), timers_(timers), host_(host), inbox_(inbox), worker_(worker) {}

  std::shared_ptr<Line> open(uint64_t line) override { return Stream::begin(connection_, lines_of, line); }
  void here(const Value& facts) override { inbox_->here(host_, worker_, facts.get()); }
  void grant(uint32_t assignments) override { inbox_->grant(host_, worker_, assignments); }
  void gone(heddle_status status, const std::string& why) override { inbox_->gone(host_, worker_, status, to_str(why)); }
  void progress(heddle_id assignment, const Value& said) override { inbox_->progress(host_, assignment, said.get()); }
  void done(heddle_id assignment, heddle_status status, Value result) override { inbox_->done(host_, assignment, status, result.release()); }
  uint64_t now_ns() const override { return services.sched->now_ns(host_); }
  void after(uint64_t delay_ns, std::function<void()> then) override { timers_.after(delay_ns, std::move(then)); }

  std::weak_ptr<Worker> lines_of;  // set before the first line

 private:
  Connection& connection_;
  Timers& timers_;
  const heddle_host* const host_;
  const heddle_assignments_service* const inbox_;
  const heddle_id worker_;
};

}  // namespace

void Timers::after(uint64_t delay_ns, std::function<void()> then) {
  std::lock_guard lock(mutex_);
  One& one = waiting_.emplace_back(One{this, std::move(then), {}});
  one.at = std::prev(waiting_.end());
  const heddle_job_fn run = [](void* ctx) noexcept {
    const std::function<void()> due = static_cast<One*>(ctx)->all->take(*static_cast<One*>(ctx));
    due();
  };
  if (services.sched->after(host_, std::max<uint64_t>(delay_ns, 1), run, &one) == 0) waiting_.pop_back();
}

std::function<void()> Timers::take(One& one) {
  std::lock_guard lock(mutex_);
  std::function<void()> then = std::move(one.then);
  waiting_.erase(one.at);
  return then;
}

struct Execution::Place {
  explicit Place(ValueRef options) : connection(options) {}
  Connection connection;
  std::shared_ptr<Worker> worker;
  bool disconnecting = false;
};

Execution::Library::Library() {
  const BlockSignals blocked;
  grpc_init();
}
Execution::Library::~Library() { grpc_shutdown_blocking(); }

Execution::Execution(const heddle::sdk::Config& config)
    : host_(config.host().get()), timers_(host_), inbox_(heddle::sdk::detail::service<heddle_assignments_service>(host_, HEDDLE_ASSIGNMENTS)) {
  if (!HEDDLE_HAS(inbox_, done)) throw Error(HEDDLE_UNSUPPORTED, "the host has no " HEDDLE_ASSIGNMENTS " for this object");
  if (!services.sched) throw Error(HEDDLE_UNSUPPORTED, "the host has no " HEDDLE_SCHED);
  const BlockSignals blocked;
  closer_ = std::thread([this] { close_all(); });
}

Execution::~Execution() {
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
  auto place = std::make_unique<Place>(options);
  const auto outside = std::make_shared<OneOutside>(host_, inbox_, id, place->connection, timers_);
  const ValueRef version = options.find("version");
  const auto worker = std::make_shared<Worker>(outside, WorkerOptions{.endpoint = place->connection.endpoint,
                                                                      .versions = {text_of(version, "min"), text_of(version, "max")},
                                                                      .slots = static_cast<uint32_t>(std::min<uint64_t>(number("slots"), Worker::kMostSlots)),
                                                                      .reattach_ns = number("reattach_ms") * 1'000'000});
  outside->lines_of = place->worker = worker;
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

void Execution::assign(heddle_id worker, const heddle_assignment& a) { find(worker)->assign(assignment_of(a, services.sched->now_ns(host_))); }

void Execution::cancel(heddle_id assignment, const std::string& reason, uint64_t grace_ns) {
  std::vector<std::shared_ptr<Worker>> all;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [id, place] : places_)
      if (place) all.push_back(place->worker);
  }
  for (const auto& worker : all)
    if (worker->cancel(assignment, reason, grace_ns)) return;
}

void Execution::drain(heddle_id worker) { find(worker)->drain(); }

Value Execution::facts(heddle_id worker) {
  std::string why;
  Value facts = find(worker)->facts(why);
  if (!facts) throw Error(HEDDLE_UNAVAILABLE, why);
  return facts;
}

void Execution::disconnect(heddle_id id, std::function<void()> done) {
  std::shared_ptr<Worker> worker;
  {
    std::lock_guard lock(mutex_);
    const auto found = places_.find(id);
    if (found == places_.end() || !found->second || std::exchange(found->second->disconnecting, true)) throw Error(HEDDLE_NOT_FOUND, "there is no worker " + std::to_string(id) + ", or it is disconnected already");
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
    last.reset();
    done();
    lock.lock();
    places_.erase(found);
  }
}

}  // namespace sidecar_grpc
