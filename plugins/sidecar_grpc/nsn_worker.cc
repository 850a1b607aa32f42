#include "nsn_worker.h"

#include <algorithm>
#include <cmath>

namespace sidecar_grpc {
namespace {

using heddle::sdk::Value;
using namespace nsn::sidecar;

Value number(double n) { return std::isfinite(n) ? Value::number(n) : Value::null(); }
Value count(uint64_t n) { return Value::integer(static_cast<int64_t>(std::min<uint64_t>(n, INT64_MAX))); }

Value value_of(const ContainerMetrics& m) {
  return Value::map({{"cpu_usage_percent", number(m.cpu_usage_percent())},
                     {"memory_used_bytes", count(m.memory_used_bytes())},
                     {"memory_limit_bytes", count(m.memory_limit_bytes())},
                     {"gpu_utilization_percent", number(m.gpu_utilization_percent())}});
}

Value value_of(const GetVramStatusResponse& said) {
  std::vector<Value> models, gpus;
  for (const ModelVram& m : said.model_allocations())
    models.push_back(Value::map({{"model_id", Value::string(m.model_id())}, {"vram_gb", number(m.vram_gb())}, {"container_id", Value::string(m.container_id())}}));
  for (const GpuStatus& g : said.gpu_statuses())
    gpus.push_back(Value::map({{"gpu_id", Value::string(g.gpu_id())},
                               {"gpu_name", Value::string(g.gpu_name())},
                               {"total_vram_gb", number(g.total_vram_gb())},
                               {"used_vram_gb", number(g.used_vram_gb())},
                               {"temperature_celsius", number(g.temperature_celsius())},
                               {"utilization_percent", number(g.utilization_percent())}}));
  return Value::map({{"total_vram_gb", number(said.total_vram_gb())},
                     {"used_vram_gb", number(said.used_vram_gb())},
                     {"available_vram_gb", number(said.available_vram_gb())},
                     {"models", Value::list(std::move(models))},
                     {"gpus", Value::list(std::move(gpus))}});
}

std::string or_no_reason(const std::string& why) { return why.empty() ? "it gave no reason" : why; }

// Empty: it is well, as far as it can be asked.
std::string ill(const CallSaid& said, const HealthCheckResponse& answer) {
  if (said.end == CallEnd::kUnimplemented) return {};
  if (said.end != CallEnd::kAnswered) return "HealthCheck: " + said.why;
  return answer.healthy() ? "" : "it says that it is not well: " + or_no_reason(answer.status());
}

// Empty: it was done.
template <class Answer>
std::string undone(const std::string& what, const CallSaid& said, const Answer& answer) {
  if (said.end != CallEnd::kAnswered) return what + ": " + said.why;
  return answer.success() ? "" : what + ": " + or_no_reason(answer.error_message());
}

bool is_loaded(const LoadModelRequest& wanted, const GetLoadedModelsResponse& all) {
  return std::any_of(all.models().begin(), all.models().end(), [&](const LoadedModel& m) {
    const bool is_there = m.state().empty() || m.state() == "hot" || m.state() == "warm";
    return is_there && m.model_id() == wanted.model_id() && (m.container_id().empty() || wanted.container_id().empty() || m.container_id() == wanted.container_id());
  });
}

HealthCheckRequest health_of(const std::string& container, bool metrics = false) {
  HealthCheckRequest asked;
  asked.set_container_id(container);
  asked.set_include_metrics(metrics);
  return asked;
}

}  // namespace

void NsnWorker::cut(uint64_t call) {
  const auto found = calls_.find(call);
  if (found == calls_.end() || std::exchange(found->second.cut, true) || !found->second.ongoing) return;
  deeds_.push_back([ongoing = found->second.ongoing](Outside&) { ongoing->cut(); });
}

// How it is reached and made ready ------------------------------------------------------------------------------------------------------------

void NsnWorker::connect() {
  {
    std::lock_guard lock(mutex_);
    reach();
  }
  carry_out();
}

void NsnWorker::reach() { ask("HealthCheck", health_of(""), options_.connect_ns, 0, &NsnWorker::on_reached); }

void NsnWorker::on_reached(heddle_id, const CallSaid& said, const HealthCheckResponse& answer) {
  if (stopping_) return;
  if (const std::string why = ill(said, answer); !why.empty()) return lose(why);
  if (!options_.container) return see_models();
  started_ = true;
  ask("StartContainer", *options_.container, options_.prepare_ns, 0, &NsnWorker::on_started);
}

void NsnWorker::on_started(heddle_id, const CallSaid& said, const StartContainerResponse& answer) {
  if (stopping_) return;
  const std::string why = undone("it does not start the container " + container(), said, answer);
  if (!why.empty() && said.end != CallEnd::kExists) {
    // One that we have started may be running still, and there is more than one way to say so.
    if (said.end == CallEnd::kAnswered && was_started_) {
      last_why_ = why;
      ask("HealthCheck", health_of(container()), options_.connect_ns, 0, &NsnWorker::on_container_seen);
      return;
    }
    if (said.end != CallEnd::kBroken && said.end != CallEnd::kLate && !was_started_) started_ = false;
    return lose(why);
  }
  was_started_ = true;
  see_models();
}

void NsnWorker::on_container_seen(heddle_id, const CallSaid& said, const HealthCheckResponse& answer) {
  if (stopping_) return;
  if (said.end == CallEnd::kAnswered && answer.healthy()) return see_models();
  lose(std::string(last_why_));
}

void NsnWorker::see_models() {
  missing_.clear();
  if (options_.models.empty()) return load_next();
  GetLoadedModelsRequest asked;
  asked.set_container_id(container());
  ask("GetLoadedModels", std::move(asked), options_.connect_ns, 0, &NsnWorker::on_models_seen);
}

void NsnWorker::on_models_seen(heddle_id, const CallSaid& said, const GetLoadedModelsResponse& answer) {
  if (stopping_) return;
  if (said.end != CallEnd::kAnswered && said.end != CallEnd::kUnimplemented) return lose("GetLoadedModels: " + said.why);
  for (size_t i = options_.models.size(); i > 0; --i)
    if (!is_loaded(options_.models[i - 1], answer)) missing_.push_back(i - 1);
  load_next();
}

void NsnWorker::load_next() {
  if (missing_.empty()) {
    ListPluginsRequest asked;
    asked.set_lane(options_.lane);
    ask("ListPlugins", std::move(asked), options_.connect_ns, 0, &NsnWorker::on_plugins);
    return;
  }
  const LoadModelRequest& wanted = options_.models[missing_.back()];
  ours_.try_emplace(wanted.model_id(), false);
  ask("LoadModel", wanted, options_.prepare_ns, 0, &NsnWorker::on_loaded);
}

void NsnWorker::on_loaded(heddle_id, const CallSaid& said, const LoadModelResponse& answer) {
  if (stopping_) return;
  const auto ours = ours_.find(options_.models[missing_.back()].model_id());
  const std::string why = undone("it does not load the model " + ours->first, said, answer);
  if (why.empty()) ours->second = true;
  else if (!ours->second && said.end != CallEnd::kBroken && said.end != CallEnd::kLate) ours_.erase(ours);
  if (!why.empty() && said.end != CallEnd::kExists) return lose(why);
  missing_.pop_back();
  load_next();
}

void NsnWorker::on_plugins(heddle_id, const CallSaid& said, const ListPluginsResponse& answer) {
  if (stopping_) return;
  if (said.end == CallEnd::kUnsent || said.end == CallEnd::kBroken) return lose("ListPlugins: " + said.why);
  tags_.reset();
  if (said.end == CallEnd::kAnswered) {
    tags_.emplace();
    for (const PluginInfo& plugin : answer.plugins()) tags_->push_back(plugin.name());
  }
  say_here();
}

void NsnWorker::say_here() {
  here_ = has_status_ = true;
  told_gone_ = false;
  again_ns_ = kAgainNs;
  std::vector<Value::Entry> facts = {{"slots", Value::integer(options_.slots)}, {"full", Value::boolean(true)}};
  if (tags_) {
    std::vector<Value> tags;
    for (const std::string& tag : *tags_) tags.push_back(Value::string(tag));
    facts.push_back({"tags", Value::list(std::move(tags))});
  }
  deeds_.push_back([facts = Value::map(std::span(facts))](Outside& o) { o.here(facts); });
  offer();
  tick();
}

// Grants what is free and not granted yet.
void NsnWorker::offer() {
  if (draining_ || stopping_ || !here_) return;
  const uint64_t taken = credit_ + given_.size();
  if (options_.slots <= taken) return;
  credit_ += options_.slots - taken;
  deeds_.push_back([n = static_cast<uint32_t>(options_.slots - taken)](Outside& o) { o.grant(n); });
}

void NsnWorker::lose(const std::string& why) {
  here_ = false;
  credit_ = 0;
  last_why_ = why;
  if (!std::exchange(told_gone_, true)) deeds_.push_back([said = who() + ": " + why](Outside& o) { o.gone(HEDDLE_UNAVAILABLE, said); });
  try_again();
}

void NsnWorker::try_again() {
  if (draining_ || stopping_ || std::exchange(waits_to_try_, true)) return;
  later(again_ns_, &NsnWorker::on_again, 0);
  again_ns_ = std::min(again_ns_ * 2, kMostAgainNs);
}

void NsnWorker::on_again(heddle_id) {
  std::lock_guard lock(mutex_);
  waits_to_try_ = false;
  if (!draining_ && !stopping_) reach();
}

// Whether it is well ---------------------------------------------------------------------------------------------------------------------------

void NsnWorker::tick() {
  if (stopping_ || (!here_ && given_.empty()) || std::exchange(ticking_, true)) return;
  later(kPollNs, &NsnWorker::on_tick, 0);
}

void NsnWorker::on_tick(heddle_id) {
  std::lock_guard lock(mutex_);
  ticking_ = false;
  if (stopping_) return;
  if (++ticks_ % kWatchPolls == 0) watch();
  poll_all();
  tick();
}

void NsnWorker::watch() {
  if (!here_ || stopping_ || std::exchange(watching_, true)) return;
  ask("HealthCheck", health_of(container()), options_.connect_ns, 0, &NsnWorker::on_watched);
}

void NsnWorker::on_watched(heddle_id, const CallSaid& said, const HealthCheckResponse& answer) {
  watching_ = false;
  if (stopping_ || !here_) return;
  if (said.end == CallEnd::kLate && !given_.empty()) return;  // it may have no thread left to answer with; a dead connection ends the tasks' calls
  if (const std::string why = ill(said, answer); !why.empty()) lose(why);
}

void NsnWorker::probe(Probed probed) {
  {
    std::lock_guard lock(mutex_);
    if (stopping_) {
      deeds_.push_back([probed = std::move(probed)](Outside&) { probed({}, "the worker is being disconnected"); });
    } else {
      const heddle_id id = ++last_probing_;
      probings_[id].probed = std::move(probed);
      ask("HealthCheck", health_of(container(), true), options_.connect_ns, id, &NsnWorker::on_probe_health);
      ask("GetVramStatus", GetVramStatusRequest(), options_.connect_ns, id, &NsnWorker::on_probe_vram);
    }
  }
  carry_out();
}

void NsnWorker::on_probe_health(heddle_id id, const CallSaid& said, const HealthCheckResponse& answer) {
  probings_.at(id).health = said;
  probings_.at(id).said = answer;
  end_probe(id);
}

void NsnWorker::on_probe_vram(heddle_id id, const CallSaid& said, const GetVramStatusResponse& answer) {
  if (said.end == CallEnd::kAnswered) probings_.at(id).vram = answer;
  end_probe(id);
}

void NsnWorker::end_probe(heddle_id id) {
  const auto found = probings_.find(id);
  if (--found->second.open > 0) return;
  const Probing probing = std::move(found->second);
  probings_.erase(found);
  if (const std::string why = ill(probing.health, probing.said); !why.empty())
    return deeds_.push_back([probed = probing.probed, said = who() + ": " + why](Outside&) { probed({}, said); });
  std::vector<Value::Entry> facts = {{"slots", Value::integer(options_.slots)}, {"in_hand", count(given_.size())}};
  if (probing.health.end == CallEnd::kAnswered) {
    facts.push_back({"status", Value::string(probing.said.status())});
    facts.push_back({"uptime_seconds", count(probing.said.uptime_seconds())});
    if (probing.said.has_metrics()) facts.push_back({"metrics", value_of(probing.said.metrics())});
  }
  if (probing.vram) facts.push_back({"vram", value_of(*probing.vram)});
  deeds_.push_back([probed = probing.probed, all = Value::map(std::span(facts))](Outside&) { probed(all, ""); });
}

// The end --------------------------------------------------------------------------------------------------------------------------------------

void NsnWorker::drain() {
  std::lock_guard lock(mutex_);
  draining_ = true;
}

void NsnWorker::disconnect(std::function<void()> gone) {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    when_gone_ = std::move(gone);
    for (const auto& [number, open] : calls_) cut(number);
    while (!given_.empty()) {
      const auto& [id, given] = *given_.begin();
      if (given.cut_off) {
        release(id);
      } else {
        ask_to_cancel(given, "the worker is being disconnected");
        fail(id, HEDDLE_CANCELLED, "cancelled", "the worker is being disconnected");
      }
    }
    leave();
  }
  carry_out();
}

// What is left of a worker that is being disconnected, one after the other: its calls, what it loaded for us, what it started for us.
void NsnWorker::leave() {
  while (stopping_ && calls_.empty() && when_gone_) {
    switch (leaving_++) {
      case 0:
        for (const auto& [model, loaded] : ours_) {
          UnloadModelRequest asked;
          asked.set_model_id(model);
          asked.set_container_id(container());
          asked.set_wait(true);
          ask("UnloadModel", std::move(asked), kUnloadNs, 0, &NsnWorker::on_unloaded);
        }
        break;
      case 1:
        if (started_) ask("StopContainer", options_.stop, options_.stop.timeout_seconds() * uint64_t{1'000'000'000} + kMarginNs, 0, &NsnWorker::on_stopped);
        break;
      default: deeds_.push_back([gone = std::exchange(when_gone_, nullptr)](Outside&) { gone(); });
    }
  }
}

}  // namespace sidecar_grpc
