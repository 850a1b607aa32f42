// Sidecar: each item is done by a worker process, and its result comes out.
#include <heddle/draft/sidecars.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "settings.h"

namespace node_sidecar {
namespace {

using namespace heddle::sdk;

heddle_str str(std::string_view text) { return {text.data(), text.size()}; }
std::string_view view(heddle_str s) { return {s.ptr, s.len}; }

// What a failure is called in error items and dead letters.
std::string_view code_of(std::string_view ending) {
  if (ending == "refused") return "SidecarRefused";
  if (ending == "lost") return "SidecarLost";
  if (ending == "timed-out") return "SidecarTimeout";
  if (ending == "no-worker") return "NoWorker";
  return "SidecarFailed";
}

class Sidecar {
 public:
  explicit Sidecar(const Config& config) : host_(config.host()), settings_(read_settings(config.params())), sidecars_(host_.service<heddle_sidecars_service>(HEDDLE_SIDECARS)) {}

  void activate() {
    if (!sidecars_) throw Error(HEDDLE_UNSUPPORTED, "this host has no workers: it has no " HEDDLE_SIDECARS);
    heddle_value* why = nullptr;
    group_ = sidecars_->open(host_.get(), settings_.options.get(), &kHearing, &why);
    const Value reason = Value::adopt(why);
    if (group_ == 0) throw Error(HEDDLE_INVALID, std::string(reason.as_text().value_or("the workers cannot be had")));
  }
  void deactivate() {
    if (group_ != 0) sidecars_->close(host_.get(), group_);
  }

  void process(std::span<Call> calls) {
    for (Call& call : calls) assign(std::move(call));
  }

  void cancel(CallId id) {
    heddle_id activity = 0;
    {
      std::lock_guard lock(mutex_);
      const auto found = open_.find(id);
      if (found == open_.end()) return;
      activity = found->second->activity;
      found->second->is_unwanted = true;
    }
    if (activity != 0) sidecars_->cancel(host_.get(), activity, str(kUnwanted));
  }

 private:
  static constexpr std::string_view kUnwanted = "the item was cancelled";

  // An item that a worker has, or waits for one.
  struct Task {
    Sidecar* node;
    Call call;
    heddle_id activity = 0;  // 0: not known yet
    bool is_unwanted = false;
  };

  void assign(Call call) {
    Value inputs;
    detail::guard(
        [&] { inputs = settings_.inputs.of(call.input()); },
        [&](heddle_status status, std::string_view why) { call.fail(status, why); });
    if (!call) return;
    heddle_assignment a{};
    a.struct_size = sizeof a;
    a.workflow = str(settings_.workflow);
    a.kind = str(settings_.kind);
    a.version = str(settings_.version);
    a.inputs = inputs.get();
    a.params = settings_.params.get();
    a.deadline_ns = call.deadline_ns();
    const CallId id = call.id();
    Task* task = nullptr;
    {
      std::lock_guard lock(mutex_);
      task = open_.emplace(id, std::make_unique<Task>(Task{this, std::move(call)})).first->second.get();
    }
    const heddle_id activity = sidecars_->assign(host_.get(), group_, &a, task);
    if (activity == 0) return take(*task, id)->call.fail(HEDDLE_UNAVAILABLE, "it is being stopped");
    bool is_unwanted = false;
    {
      std::lock_guard lock(mutex_);
      const auto found = open_.find(id);
      if (found == open_.end() || found->second.get() != task) return;  // it is answered already
      task->activity = activity;
      is_unwanted = task->is_unwanted;
    }
    if (is_unwanted) sidecars_->cancel(host_.get(), activity, str(kUnwanted));
  }

  std::unique_ptr<Task> take(const Task& task, CallId id) {
    std::lock_guard lock(mutex_);
    const auto found = open_.find(id);
    if (found == open_.end() || found->second.get() != &task) return nullptr;
    std::unique_ptr<Task> taken = std::move(found->second);
    open_.erase(found);
    return taken;
  }

  static void answered(void* ctx, heddle_id, const heddle_activity_answer* a) noexcept {
    Task& task = *static_cast<Task*>(ctx);
    Sidecar& node = *task.node;
    const std::unique_ptr<Task> own = node.take(task, task.call.id());
    const Value result = Value::adopt(a->result);
    detail::guard([&] { node.answer(own->call, *a, result); }, [&](heddle_status status, std::string_view why) {
      if (own->call) own->call.fail(status, why);
    });
  }

  static void progress(void* ctx, heddle_id, const heddle_value* said) noexcept { static_cast<Task*>(ctx)->call.progress(ValueRef(said)); }

  void answer(Call& call, const heddle_activity_answer& a, ValueRef result) const {
    const std::string_view ending = view(a.ending);
    const ValueRef report(a.report);
    if (a.status == HEDDLE_OK) {
      if (result.find("status").as_text() != "skipped") call.emit(output(result, report));
      return call.complete();
    }
    if (ending == "cancelled") return call.fail(HEDDLE_CANCELLED, "it was cancelled");
    std::vector<Value::Entry> details = {{"code", Value::string(code_of(ending))}};
    for (const char* name : {"activity", "took_ms", "runs"})
      if (const ValueRef found = report.find(name)) details.push_back({name, Value::share(found)});
    call.fail(a.status, (settings_.kind.empty() ? "it" : "\"" + settings_.kind + "\"") + " was not done: " + std::string(view(a.why)), Value::map(std::span(details)));
  }

  // What the worker says comes out as it is; where it is elsewhere, the place does.
  Value output(ValueRef result, ValueRef report) const {
    const ValueRef value = result.find("value"), ref = result.find("ref");
    Value out = ref && !value ? Value::map({{"ref", Value::share(ref)}}) : value ? Value::share(value) : Value::null();
    if (ref && value) out = Value::map({{"ref", Value::share(ref)}, {"value", std::move(out)}});
    if (!settings_.with_history) return out;
    return Value::map({{"result", std::move(out)}, {"history", Value::share(report)}});
  }

  static constexpr heddle_activity_hearing kHearing = {sizeof(heddle_activity_hearing), &answered, &progress};

  const Host host_;
  const Settings settings_;
  const heddle_sidecars_service* const sidecars_;
  heddle_id group_ = 0;
  std::mutex mutex_;
  std::unordered_map<CallId, std::unique_ptr<Task>> open_;  // guarded by mutex_
};

HEDDLE_NODE(
    Sidecar, "Sidecar",
    R"("summary":"Has each item done by a worker process, and gives its result.",)"
    R"("params":{"type":"object","properties":{)"
    R"("sidecar":{"type":"string","minLength":1,"default":"execution","description":"The protocol that the workers speak: any installed sidecar."},)"
    R"("sidecar_params":{"type":"object","description":"What the protocol takes for itself; heddle inspect shows it."},)"
    R"("endpoints":{"type":"array","minItems":1,"items":{"anyOf":[{"type":"string","minLength":1},{"type":"object","properties":{)"
    R"("address":{"type":"string","minLength":1,"description":"host:port, or a URL."},)"
    R"("weight":{"type":"integer","minimum":1,"maximum":1000,"default":1,"description":"Its share of the items, where all have room."}},"required":["address"],"additionalProperties":false}]},)"
    R"("description":"The workers, all alike: host:port, or a URL."},)"
    R"("endpoint":{"type":"string","minLength":1,"description":"The same where there is one."},)"
    R"("process":{"type":"object","properties":{)"
    R"("command":{"type":"array","minItems":1,"items":{"type":"string"},"description":"The program and its words; {port} in one is where it is to listen on loopback."},)"
    R"("count":{"type":"integer","minimum":1,"maximum":64,"default":1,"description":"So many of them, each at a port of its own."},)"
    R"("env":{"type":"object","additionalProperties":{"type":"string"},"description":"Added to the host's environment."},)"
    R"("folder":{"type":"string","description":"Where they run; the host's own folder."},)"
    R"("memory_mb":{"type":"integer","minimum":0,"maximum":16777216,"default":0,"description":"One that has more in memory is ended, and started again; 0: no limit."},)"
    R"("stop_ms":{"type":"integer","minimum":0,"maximum":3600000,"default":5000,"description":"So long one may take to end, before it is ended."})"
    R"(},"required":["command"],"additionalProperties":false,"description":"The host starts the workers itself, instead of endpoints, and again when they end; what they say goes into its log."},)"
    R"("broker":{"type":"object","properties":{)"
    R"("type":{"type":"string","minLength":1,"description":"Any installed broker: s3, http_api."},)"
    R"("params":{"type":"object","description":"What it takes; heddle inspect shows it. Secrets come from the environment or from files."},)"
    R"("uploads":{"type":"string","description":"What the names of results begin with, such as results/. Absent: workers can put nothing there."})"
    R"(},"required":["type","params"],"additionalProperties":false,"description":"Where objects are that items refer to by {\"$ref\": NAME}: workers get URLs for a limited time, and no credential."},)"
    R"("kind":{"type":"string","description":"What is to be done, as in an activity spec: text/count. Empty: the only thing that the workers do."},)"
    R"("version":{"type":"string","description":"Of the kind. Empty: any, or what the spec says."},)"
    R"("workflow":{"type":"string","description":"Of what it is a part, for the workers to see."},)"
    R"("spec":{"type":"string","minLength":1,"description":"Path of an activity spec in YAML: inputs are checked before they go to a worker, results when they come."},)"
    R"("inputs":{"type":"object","additionalProperties":{"type":"string"},"description":"Name to JSON Pointer into the item. Absent: each member of the item is an input; an item that is no object is the input item. {\"$ref\": URL} goes on as a reference."},)"
    R"("params":{"type":"object","description":"What the protocol takes for each assignment."},)"
    R"("protocol":{"type":"object","properties":{"min":{"type":"string"},"max":{"type":"string"}},"required":["min","max"],"additionalProperties":false,"description":"The versions of the protocol that will do; 1.0.0 to 1.0.0."},)"
    R"("slots":{"type":"integer","minimum":1,"maximum":10000,"default":1,"description":"How many items a worker has at a time, where it does not say."},)"
    R"("load_balance":{"enum":["least_connections","round_robin","random","p2c"],"default":"least_connections","description":"How a worker is chosen among those that have room; p2c: of two at random, the one with less to do."},)"
    R"("timeout_ms":{"type":"integer","minimum":1,"maximum":604800000,"default":300000,"description":"For an item, with all runs and waits; less if the item's deadline is nearer."},)"
    R"("attempt_timeout_ms":{"type":"integer","minimum":0,"maximum":604800000,"default":0,"description":"For one run; 0: as long as the item has."},)"
    R"("absent_ms":{"type":"integer","minimum":0,"maximum":604800000,"default":30000,"description":"If no worker has been there for so long, items fail."},)"
    R"("grace_ms":{"type":"integer","minimum":0,"maximum":3600000,"default":5000,"description":"So long a worker may take to give an item up before it is cut off."},)"
    R"("heartbeat_ms":{"type":"integer","minimum":0,"maximum":3600000,"default":0,"description":"So often a worker should give a sign of life; 0: it need not."},)"
    R"("reattach_ms":{"type":"integer","minimum":0,"maximum":3600000,"default":30000,"description":"So long items wait for a worker that was lost and may go on with them."},)"
    R"("retry":{"type":"object","properties":{)"
    R"("max_attempts":{"type":"integer","minimum":1,"maximum":100,"default":3,"description":"Runs that a worker had, with the first."},)"
    R"("initial_backoff_ms":{"type":"integer","minimum":0,"default":1000,"description":"The longest wait before the second run."},)"
    R"("max_backoff_ms":{"type":"integer","minimum":0,"default":30000,"description":"The longest wait of all."},)"
    R"("multiplier":{"type":"number","minimum":1,"maximum":100,"default":2,"description":"How much longer each wait is than the one before."},)"
    R"("jitter":{"enum":["full","equal","none"],"default":"full","description":"How much of a wait is left to chance: all, half, nothing."},)"
    R"("budget_percent":{"type":"integer","minimum":0,"maximum":100,"default":20,"description":"At most so many retries for 100 items, but 3 in 10 s in any case. What was lost with its worker does not count."})"
    R"(},"additionalProperties":false,"description":"What is done about a failure that may pass. An item of a node that is not \"idempotent\" is run again only if no worker had it."},)"
    R"("circuit_breaker":{"type":"object","properties":{)"
    R"("failure_threshold":{"type":"integer","minimum":1,"default":5,"description":"So many failures in a row open it."},)"
    R"("failure_percent":{"type":"integer","minimum":0,"maximum":100,"default":50,"description":"As do so many of the items of the window; 0: they do not."},)"
    R"("fewest_calls":{"type":"integer","minimum":1,"default":20,"description":"In the window, before percents count."},)"
    R"("window_ms":{"type":"integer","minimum":1,"maximum":3600000,"default":30000,"description":"How far back percents look."},)"
    R"("reset_timeout_ms":{"type":"integer","minimum":1,"maximum":3600000,"default":30000,"description":"Open for so long; then a few items try."},)"
    R"("half_open_calls":{"type":"integer","minimum":1,"maximum":1000,"default":3,"description":"So many of them at a time."},)"
    R"("success_threshold":{"type":"integer","minimum":1,"maximum":1000,"default":2,"description":"So many that succeed close it."})"
    R"(},"additionalProperties":false,"description":"Keeps items away from a worker that is there and does not do them. What the worker says itself of a failed item does not count."},)"
    R"("health_check":{"type":"object","properties":{)"
    R"("interval_ms":{"type":"integer","minimum":100,"maximum":60000,"default":5000,"description":"How often each worker is asked whether it is well."},)"
    R"("timeout_ms":{"type":"integer","minimum":1,"maximum":60000,"default":2000,"description":"What that may take, and what it may take to reach it."})"
    R"(},"additionalProperties":false,"description":"As long as there are items, workers are asked whether they are well."},)"
    R"("most_bytes":{"type":"integer","minimum":1024,"maximum":2147483647,"default":67108864,"description":"Of a message from or to a worker."},)"
    R"("with_history":{"type":"boolean","default":false,"description":"What comes out is {\"result\", \"history\"}: the id of the activity, and every run with its worker, its error, and how long it took."},)"
    R"("tls":{"type":"object","properties":{)"
    R"("ca":{"type":"string","description":"PEM file of the authorities that may speak for the workers; without it, those of the system."},)"
    R"("certificate":{"type":"string","description":"PEM file of our own certificate."},)"
    R"("key":{"type":"string","description":"PEM file of its key."},)"
    R"("server_name":{"type":"string","description":"The name that a worker's certificate must have, if not that of the endpoint."})"
    R"(},"additionalProperties":false,"description":"Speaks TLS. A worker on another machine needs it."},)"
    R"("insecure":{"type":"boolean","default":false,"description":"Workers on other machines may be spoken to without TLS: others can read and change what is said."})"
    R"(},"additionalProperties":false},)"
    R"("concurrency":"parallel","lane":"io","max_in_flight":1024,"timeout_ms":604800000,"create_is_pure":true,"policy":"own")");

}  // namespace
}  // namespace node_sidecar
