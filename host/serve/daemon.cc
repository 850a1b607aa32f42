#include "serve/daemon.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cstdlib>

#include "clock.h"
#include "log.h"
#include "serve/execution.h"
#include "value/json_value.h"

namespace heddle {
namespace {

constexpr uint64_t kEndMs = 5'000;  // for executions that were given up

const char* variable_of_environment(const char* name) { return std::getenv(name); }

}  // namespace

Daemon::Daemon(Settings settings)
    : read_again_(std::move(settings.read_again)), version_(std::move(settings.version)), started_ms_(wall_ms()), config_(std::move(settings.config)),
      bell_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Daemon::~Daemon() {
  if (stopper_.joinable()) stopper_.join();
  refuse_reloads();
  take_down();
  if (bell_ >= 0) ::close(bell_);
}

Result<void> Daemon::start() {
  if (signals_.fd() < 0 || bell_ < 0) return Error("io", "no descriptor is left to wait for signals with");
  use(scanned(config_));
  lanes_ = std::make_unique<Lanes>(config_.threads);
  open_span_export();
  outside_ = std::make_unique<Outside>(*lanes_, catalog_);
  outside_->chains.keep_in([this]() -> Result<ChainJournal> { return ChainJournal{.store = store_.get(), .is_durable = store_durable_}; });
  if (auto opened = open_store(); !opened) return opened;
  start_jobs();
  auto loaded = pipelines_->load(config_.pipelines, catalog_, *lanes_, config_.lanes, endpoints_of(config_), config_.remotes);
  if (!loaded) return std::move(loaded).error();
  for (const std::string& note : loaded->notes) log::write(log::Level::kWarn, {}, note);
  offer_pipelines_as_jobs();
  warn_of_lost_state();
  if (auto restored = restore_jobs(); !restored) return restored;
  workers_ = std::make_unique<ChainWorkers>(ChainWorkers::Parts{.lanes = lanes_.get(), .jobs = jobs_.get(), .outside = outside_.get(), .store = store_.get(), .state_dir = config_.state_dir});
  workers_->use(pipelines_->all());
  open_metrics_export();
  control_ = std::make_unique<Control>(Control::Host{.lanes = lanes_.get(), .jobs = jobs_.get(), .pipelines = pipelines_.get(), .catalog = [this] { return catalog(); },
                                                     .outside = outside_.get(), .workers = workers_.get(), .sent = sent_.get(),
                                                     .describe = [this] { return describe(); }, .ready = [this] { return ready(); },
                                                     .reload = [this] { return ask_to_reload(); }, .state_dir = config_.state_dir, .tracer = tracer_.get()},
                                       std::make_shared<const Access>(config_.tokens, config_.open_routes));
  if (auto opened = open_listeners(); !opened) return opened;
  ready_ = true;
  supervisor_.tell("READY=1\nSTATUS=" + status());
  return {};
}

std::shared_ptr<const Catalog> Daemon::scanned(const ServeConfig& config) const {
  auto catalog = std::make_shared<const Catalog>(Catalog::installed(plugin_search_path(config.plugin_dirs), &config.plugins));
  for (const RefusedPlugin& one : catalog->refused()) log::write(log::Level::kWarn, {}, "plugin not used: " + one.why.text());
  return catalog;
}

void Daemon::use(std::shared_ptr<const Catalog> catalog) {
  std::lock_guard lock(mutex_);
  catalog_.swap(catalog);
}

std::shared_ptr<const Catalog> Daemon::catalog() const {
  std::lock_guard lock(mutex_);
  return catalog_;
}

Result<void> Daemon::open_store() {
  if (!config_.store) return {};
  const StoreSettings& settings = *config_.store;
  const CatalogEntry entry = catalog_->find("store", settings.type);
  if (!entry.type) {
    const std::string hint = catalog_->hint_for("store", settings.type);
    return Error("no-type", "no plugin has the store \"" + settings.type + "\"" + (hint.empty() ? "" : "; " + hint), ErrorClass::kConfig);
  }
  auto store = StoreHandle::create(entry, "jobs", settings.params, lanes_.get(), *lanes_->find("control"));
  if (!store) return std::move(store).error();
  if (auto active = (*store)->activate(); !active) return Error("no-store", "the store of jobs cannot be opened", active.error().error_class).because(std::move(active).error());
  store_ = *std::move(store);
  store_durable_ = entry.type->durable;
  return {};
}

void Daemon::start_jobs() {
  pipelines_ = std::make_unique<ServedPipelines>(outside_.get());
  sent_ = std::make_unique<SentManifests>(*pipelines_, *lanes_);
  sent_->use(config_.execute, catalog_);
  jobs_ = std::make_unique<Jobs>(*lanes_, config_.jobs);
  for (const LaneSetup& setup : config_.lanes) {
    const auto lane = lanes_->add(setup.lane);
    assert(lane && "reading the configuration checks lanes");
    jobs_->set_policy(*lane, setup.policy);
  }
}

Result<void> Daemon::restore_jobs() {
  if (!store_) return {};
  auto restored = jobs_->restore(std::make_shared<JobStore>(*store_));
  if (!restored) return Error("no-store", "the jobs of the store cannot be read", restored.error().error_class).because(std::move(restored).error());
  if (restored->waiting + restored->over + restored->stranded == 0) return {};
  log::write(log::Level::kInfo, {}, std::to_string(restored->waiting) + (restored->waiting == 1 ? " job goes on, " : " jobs go on, ") + std::to_string(restored->over) + " were over");
  for (const std::string& missing : restored->missing) log::write(log::Level::kWarn, {}, "jobs of the store wait for what is not here: " + missing);
  return {};
}

void Daemon::offer_pipelines_as_jobs() {
  const auto known = jobs_->types();
  for (const ServedPipelinePtr& pipeline : pipelines_->all()) {
    const std::string type = "pipeline/" + pipeline->name;
    if (!std::binary_search(known.begin(), known.end(), type)) jobs_->add_type(type, pipeline_job(*jobs_, *pipelines_, *lanes_, config_.state_dir, pipeline->name, tracer_.get()));
  }
}

void Daemon::warn_of_lost_state() const {
  if (!config_.state_dir.empty()) return;
  for (const ServedPipelinePtr& pipeline : pipelines_->all()) {
    for (const NodeSettings& node : pipeline->manifest.nodes) {
      if (!node.keep_state) continue;
      log::write(log::Level::kWarn, {}, pipeline->file + ": node \"" + node.id + "\" keeps its state, but the configuration names no \"state_dir\": each execution begins without");
    }
  }
}

// Nothing that is wrong with them keeps the host from its work. Spans come first: what runs from the beginning is recorded, too.
void Daemon::open_span_export() {
  const auto settings = read_trace_settings(variable_of_environment, version_, warnings_);
  tell_warnings(0);
  if (!settings) return;
  auto tracer = std::make_unique<Tracer>(settings->sampler, settings->most, settings->batch);
  auto opened = heddle::open_span_export(*settings, *catalog_, *lanes_, *tracer, version_);
  if (!opened) return log::write(log::Level::kWarn, "otlp", "no spans are exported: " + opened.error().text());
  tracer_ = std::move(tracer);
  span_export_ = *std::move(opened);
}

void Daemon::open_metrics_export() {
  const size_t known = warnings_.size();
  auto settings = read_otlp_settings(variable_of_environment, version_, warnings_);
  tell_warnings(known);
  if (!settings) return;
  const auto request = [this, resource = settings->resource] {
    return otlp_metrics(metrics_of(*lanes_, *jobs_, *outside_, version_, started_ms_, tracer_.get(), workers_.get()), resource, version_, {.started_ms = started_ms_, .now_ms = wall_ms()});
  };
  auto opened = OtlpExport::open(*std::move(settings), *catalog_, *lanes_, metrics_source(request));
  if (opened) export_ = *std::move(opened);
  else log::write(log::Level::kWarn, "otlp", "no metrics are exported: " + opened.error().text());
}

void Daemon::tell_warnings(size_t from) const {
  for (size_t i = from; i < warnings_.size(); ++i) log::write(log::Level::kWarn, "otlp", warnings_[i]);
}

Receive Daemon::receiver() const {
  return [control = control_.get()](Request request) { control->receive(std::move(request)); };
}

Result<void> Daemon::open_listeners() {
  for (const ListenSettings& settings : config_.listen) {
    auto listener = Listener::open(settings, *catalog_, *lanes_, Control::operations(), receiver());
    if (!listener) return std::move(listener).error();
    std::lock_guard lock(mutex_);
    listeners_.push_back(*std::move(listener));
  }
  return {};
}

std::vector<Daemon::Endpoint> Daemon::endpoints() const {
  std::lock_guard lock(mutex_);
  std::vector<Endpoint> out;
  for (const auto& listener : listeners_) out.push_back({listener->settings().transport, listener->endpoint()});
  return out;
}

std::string Daemon::status() const {
  std::string out;
  for (const Endpoint& e : endpoints()) out += (out.empty() ? "" : ", ") + e.transport + " on " + e.endpoint;
  const size_t pipelines = pipelines_->all().size();
  return out + "; " + std::to_string(pipelines) + (pipelines == 1 ? " pipeline" : " pipelines");
}

Value Daemon::describe() const {
  std::vector<Value> listeners;
  for (const Endpoint& e : endpoints()) listeners.push_back(json_object({{"transport", json_text(e.transport)}, {"endpoint", json_text(e.endpoint)}}));
  return json_object({{"version", json_text(version_)},
                      {"pid", Value::integer(::getpid())},
                      {"started_ms", json_count(started_ms_)},
                      {"threads", json_count(lanes_->threads())},
                      {"store", store_ ? json_text(store_->plugin_name()) : Value::null()},
                      {"listeners", Value::list(std::move(listeners))}});
}

Result<void> Daemon::ready() const {
  if (stopping_) return Error("stopping", "this host is stopping", ErrorClass::kRetryable);
  if (!ready_) return Error("starting", "this host is starting", ErrorClass::kRetryable);
  return workers_->ready();
}

void Daemon::ring() {
  const uint64_t one = 1;
  static_cast<void>(!::write(bell_, &one, sizeof one));
}

bool Daemon::run() {
  pollfd waits[] = {{signals_.fd(), POLLIN, 0}, {bell_, POLLIN, 0}};
  const uint64_t every_ns = supervisor_.watchdog_every_ns();
  const int every_ms = every_ns ? static_cast<int>(std::max<uint64_t>(1, every_ns / kNsPerMs)) : -1;
  while (!stopped_) {
    ::poll(waits, 2, every_ms);
    if (every_ns) supervisor_.tell("WATCHDOG=1");
    if (const int signal = signals_.take()) {
      if (signal == SIGHUP) {
        if (stopping_) continue;
        static_cast<void>(reload());  // the log says what became of it
        finish_reload();
      } else if (!stopping_.exchange(true)) {
        supervisor_.tell("STOPPING=1\nSTATUS=finishing what runs");
        log::write(log::Level::kInfo, {}, "stopping: nothing new is taken, what runs may finish within " + std::to_string(config_.drain_ms) + " ms (once more: stop now)");
        stopper_ = std::thread([this] { shut_down(); });
      } else {
        log::write(log::Level::kWarn, {}, "stopping now: what runs is given up");
        ::_exit(128 + signal);
      }
    }
    uint64_t rings = 0;
    if (::read(bell_, &rings, sizeof rings) > 0) answer_reloads();
  }
  stopper_.join();
  refuse_reloads();
  take_down();
  return !something_left_;
}

// On a thread of its own: a second signal is still heard.
void Daemon::shut_down() {
  std::vector<std::unique_ptr<Listener>> listeners;
  {
    std::lock_guard lock(mutex_);
    listeners = std::move(listeners_);
    listeners_.clear();
  }
  control_->close_streams();
  std::vector<std::future<void>> closed;
  for (const auto& listener : listeners) {
    auto promise = std::make_shared<std::promise<void>>();
    closed.push_back(promise->get_future());
    listener->close(now_ns() + config_.drain_ms * kNsPerMs, [promise] { promise->set_value(); });
  }
  const uint64_t until = now_ns() + config_.drain_ms * kNsPerMs;
  workers_->stop(config_.drain_ms);
  const uint64_t now = now_ns();
  const Jobs::Leftover left = jobs_->shutdown(until > now ? (until - now) / kNsPerMs : 0);
  for (auto& one : closed) one.wait();
  if (left.kept > 0) log::write(log::Level::kInfo, {}, std::to_string(left.kept) + (left.kept == 1 ? " job stays" : " jobs stay") + " in the store for the next start");
  if (const size_t lost = left.waiting + left.running - left.kept; lost > 0) {
    log::write(log::Level::kWarn, {}, "when the time was over, " + std::to_string(lost) + (lost == 1 ? " job was" : " jobs were") + " not done: given up, for nothing keeps them");
  }
  listeners.clear();
  span_export_.reset();  // with a last word
  export_.reset();
  something_left_ = lanes_->abandoned() > 0 || !pipelines_->wait_until_idle(kEndMs);
  if (something_left_) log::write(log::Level::kWarn, {}, "a thread does not come back from a plugin: it is left behind");
  stopped_ = true;
  ring();
}

// In the reverse order of start.
void Daemon::take_down() {
  closing_.clear();
  listeners_.clear();
  span_export_.reset();
  export_.reset();
  Outside* const outside = outside_.get();
  if (something_left_ && lanes_) {
    // Nothing may be destroyed under a thread that may come back; the store is closed all the same.
    static_cast<void>(control_.release());
    static_cast<void>(jobs_.release());
    static_cast<void>(pipelines_.release());
    static_cast<void>(outside_.release());
    static_cast<void>(tracer_.release());
    static_cast<void>(lanes_.release());
  }
  control_.reset();
  if (workers_) workers_->stop(0);
  workers_.reset();
  if (jobs_ && !stopped_) jobs_->shutdown(0);
  jobs_.reset();
  if (outside) outside->chains.close();  // before their journal
  if (store_) {
    if (auto closed = store_->deactivate(); !closed) log::write(log::Level::kError, {}, "the store of jobs was not closed cleanly: " + closed.error().text());
  }
  store_.reset();
  sent_.reset();
  pipelines_.reset();
  outside_.reset();
  lanes_.reset();
}

}  // namespace heddle
