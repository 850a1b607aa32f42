#include "nsn.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "hosted.h"
#include "nsn_calls.h"
#include "nsn_worker.h"

namespace sidecar_grpc {
namespace {

using heddle::sdk::Error;
using heddle::sdk::Value;
using heddle::sdk::ValueRef;
using heddle::sdk::detail::to_view;

constexpr uint64_t kNsPerMs = 1'000'000;

// An integer from 0 to `most`; absent: `otherwise`.
uint64_t whole_of(ValueRef map, std::string_view key, uint64_t otherwise, uint64_t most) {
  const ValueRef found = map.find(key);
  if (!found) return otherwise;
  const auto n = found.as_int();
  if (!n || *n < 0 || static_cast<uint64_t>(*n) > most) throw Error(HEDDLE_INVALID, "\"" + std::string(key) + "\" must be an integer from 0 to " + std::to_string(most));
  return static_cast<uint64_t>(*n);
}
uint32_t small_of(ValueRef map, std::string_view key, uint32_t otherwise) {
  return static_cast<uint32_t>(whole_of(map, key, otherwise, std::numeric_limits<uint32_t>::max()));
}
uint64_t ns_of(ValueRef map, std::string_view key, uint64_t otherwise_ns) { return whole_of(map, key, otherwise_ns / kNsPerMs, 7 * 24 * 3600 * uint64_t{1000}) * kNsPerMs; }

std::string id_of(ValueRef map, const char* what) {
  std::string id = text_of(map, "id");
  if (id.empty()) throw Error(HEDDLE_INVALID, std::string(what) + " needs an \"id\"");
  return id;
}

void read_container(ValueRef params, NsnOptions& to) {
  const ValueRef said = params.find("container");
  if (!said) return;
  nsn::sidecar::StartContainerRequest& container = to.container.emplace();
  container.set_container_id(id_of(said, "\"container\""));
  container.set_image_cid(text_of(said, "image_cid"));
  const ValueRef gpus = said.find("gpu_ids"), env = said.find("env");
  for (size_t i = 0; i < gpus.size(); ++i) container.add_gpu_ids(std::string(gpus.at(i).as_text().value_or("")));
  for (size_t i = 0; i < env.size(); ++i) {
    std::string_view name;
    const ValueRef value = env.at(i, &name);
    (*container.mutable_env_vars())[std::string(name)] = std::string(value.as_text().value_or(""));
  }
  if (said.find("memory_bytes") || said.find("cpu_shares") || said.find("vram_limit_gb")) {
    nsn::sidecar::ResourceLimits& limits = *container.mutable_resource_limits();
    limits.set_memory_bytes(whole_of(said, "memory_bytes", 0, INT64_MAX));
    limits.set_cpu_shares(small_of(said, "cpu_shares", 0));
    limits.set_vram_limit_gb(static_cast<float>(said.find("vram_limit_gb").as_float().value_or(0)));
  }
  to.stop.set_container_id(container.container_id());
  to.stop.set_force(said.find("force").as_bool().value_or(false));
  to.stop.set_timeout_seconds(static_cast<uint32_t>(whole_of(said, "stop_seconds", 10, 600)));
}

void read_models(ValueRef params, NsnOptions& to) {
  const ValueRef models = params.find("models");
  for (size_t i = 0; i < models.size(); ++i) {
    const ValueRef said = models.at(i);
    nsn::sidecar::LoadModelRequest& model = to.models.emplace_back();
    model.set_model_id(id_of(said, "each of \"models\""));
    if (to.container) model.set_container_id(to.container->container_id());
    model.set_priority(static_cast<uint32_t>(whole_of(said, "priority", 2, 3)));
    if (const ValueRef config = said.find("config")) model.set_config(std::string(config.json()));
  }
}

// What the params say, and what of them an assignment may say otherwise.
struct Params {
  NsnOptions options = {};  // but for the endpoint
  std::string model = {};
};

Params params_of(ValueRef said) {
  Params params;
  params.options.prepare_ns = std::max(ns_of(said, "prepare_ms", params.options.prepare_ns), kNsPerMs);
  params.options.task_ns = std::max(ns_of(said, "timeout_ms", params.options.task_ns), kNsPerMs);
  params.options.lane = small_of(said, "lane", 0);
  params.model = text_of(said, "model_id");
  read_container(said, params.options);
  read_models(said, params.options);
  return params;
}

// One input by reference is all that the protocol takes; the others go with it as JSON.
void add_inputs(NsnTask& to, ValueRef inputs) {
  std::vector<Value::Entry> values;
  std::string ref_of;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const ValueRef input = inputs.at(i);
    const std::string_view name = input.find("name").as_text().value_or("");
    if (const auto ref = input.find("ref").as_text()) {
      if (!to.asked.input_cid().empty())
        throw Error(HEDDLE_INVALID, "nsn.sidecar takes one input by reference, and this has two: \"" + ref_of + "\" and \"" + std::string(name) + "\"");
      to.asked.set_input_cid(std::string(*ref));
      ref_of = name;
    } else if (const ValueRef bytes = input.find("bytes")) {
      values.push_back({name, Value::share(bytes)});
    } else if (const ValueRef value = input.find("value")) {
      values.push_back({name, Value::share(value)});
    }
  }
  to.asked.set_parameters(std::string(Value::map(std::span(values)).json()));
}

NsnTask task_of(const Params& params, const heddle_assignment& a) {
  const ValueRef said(a.params);
  NsnTask task{.id = a.assignment, .deadline_ns = a.deadline_ns};
  task.asked.set_task_id(std::string(to_view(a.activity)) + "#" + std::string(to_view(a.run)));
  task.asked.set_plugin_name(std::string(to_view(a.kind)));
  try {
    task.most_ns = ns_of(said, "timeout_ms", 0);
    task.asked.set_lane(small_of(said, "lane", params.options.lane));
    const std::string model = text_of(said, "model_id");
    task.asked.set_model_id(model.empty() ? params.model : model);
    add_inputs(task, ValueRef(a.inputs));
  } catch (const Error& e) {
    task.unfit = e.what();
  }
  return task;
}

class HostedCalls : public Hosted<CallOutside> {
 public:
  using Hosted::Hosted;
  std::shared_ptr<Ongoing> call(Call call) override { return UnaryCall::begin(site_.connection, std::move(call)); }
};

class NsnPeer : public Peer {
 public:
  NsnPeer(std::shared_ptr<const Params> params, std::shared_ptr<NsnWorker> worker) : params_(std::move(params)), worker_(std::move(worker)) {}
  void connect() override { worker_->connect(); }
  void assign(const heddle_assignment& a, uint64_t) override { worker_->assign(task_of(*params_, a)); }
  bool cancel(heddle_id assignment, const std::string& reason, uint64_t grace_ns) override { return worker_->cancel(assignment, reason, grace_ns); }
  void drain() override { worker_->drain(); }
  void probe(Said said) override { worker_->probe(std::move(said)); }
  void disconnect(std::function<void()> gone) override { worker_->disconnect(std::move(gone)); }

 private:
  const std::shared_ptr<const Params> params_;
  const std::shared_ptr<NsnWorker> worker_;
};

}  // namespace

PeerMaker nsn_peers(ValueRef params) {
  return [params = std::make_shared<const Params>(params_of(params))](const Site& site, ValueRef said) -> std::shared_ptr<Peer> {
    NsnOptions options = params->options;
    options.endpoint = site.connection.endpoint;
    options.slots = slots_of(said);
    options.connect_ns = number_of(said, "connect_ms") * kNsPerMs;
    options.reattach_ns = number_of(said, "reattach_ms", 0) * kNsPerMs;
    return std::make_shared<NsnPeer>(params, std::make_shared<NsnWorker>(std::make_shared<HostedCalls>(site), std::move(options)));
  };
}

}  // namespace sidecar_grpc
