#include "plugin/sidecar_handle.h"

#include <algorithm>
#include <utility>

#include "log.h"
#include "plugin/operation.h"
#include "plugin/plugin_text.h"

namespace heddle {
namespace {

Error refused(const CatalogEntry& entry, const std::string& owner, std::string what) {
  return Error("create-failed", "sidecar \"" + owner + "\" (" + entry.type->type + " of plugin " + entry.plugin->name + ") " + std::move(what), ErrorClass::kConfig);
}

Error reason(heddle_status status) {
  if (auto given = HostTable::take_failure()) return *std::move(given);
  return error_of_status(status, "it gave no reason");
}

Value number(uint64_t n) { return Value::integer(static_cast<int64_t>(std::min<uint64_t>(n, INT64_MAX))); }

Result<Value> value_of(const WorkerPlace& place) {
  auto tls = value_of(place.tls.value_or(ChannelTls())), endpoint = Value::string(place.endpoint), version = map_of({{"min", place.min_version}, {"max", place.max_version}});
  for (const auto* made : {&tls, &endpoint, &version})
    if (!*made) return made->error();
  std::vector<std::pair<std::string, Value>> members = {{"endpoint", *endpoint},
                                                        {"version", *version},
                                                        {"slots", number(place.slots)},
                                                        {"connect_ms", number(place.connect_ms)},
                                                        {"reattach_ms", number(place.reattach_ms)},
                                                        {"most_bytes", number(place.most_bytes)}};
  if (place.tls) members.emplace_back("tls", *tls);
  return Value::map(std::move(members));
}

Result<Value> value_of(const std::vector<AssignmentInput>& inputs) {
  std::vector<Value> all;
  for (const AssignmentInput& input : inputs) {
    auto name = Value::string(input.name), type = Value::string(input.media_type), ref = Value::string(input.ref);
    if (!name || !type || !ref) return Error("invalid", "an input's name, type or reference is not UTF-8");
    std::vector<std::pair<std::string, Value>> members = {{"name", *name}};
    if (!input.media_type.empty()) members.emplace_back("media_type", *type);
    if (!input.ref.empty()) members.emplace_back("ref", *ref);
    else members.emplace_back(input.value && input.value.kind() == HEDDLE_BYTES ? "bytes" : "value", input.value ? input.value : Value::null());
    all.push_back(*Value::map(std::move(members)));
  }
  return Value::list(std::move(all));
}

heddle_str str(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

// The host's side of heddle.assignments/1.
struct AssignmentsTable {
  static SidecarHandle& of(const heddle_host* h) { return *static_cast<SidecarHandle*>(HostTable::context(h, &kTable)); }

  static std::shared_ptr<const WorkerHearing> hearing_of(SidecarHandle& self, heddle_id worker, std::string_view said) {
    {
      std::lock_guard lock(self.mutex_);
      if (const auto found = self.workers_.find(worker); found != self.workers_.end()) return found->second.hearing;
    }
    self.fault("it " + std::string(said) + " of the worker " + std::to_string(worker) + ", which does not exist");
    return nullptr;
  }

  static void here(const heddle_host* h, heddle_id worker, const heddle_value* facts) noexcept {
    const HeldPosts held;
    if (const auto hearing = hearing_of(of(h), worker, "said that it is here,")) hearing->here(Value::share(facts));
  }
  static void grant(const heddle_host* h, heddle_id worker, uint32_t assignments) noexcept {
    const HeldPosts held;
    const auto hearing = hearing_of(of(h), worker, "granted assignments");
    if (!hearing || assignments == 0) return;
    {
      std::lock_guard lock(of(h).mutex_);
      if (const auto found = of(h).workers_.find(worker); found != of(h).workers_.end()) found->second.credit += assignments;
    }
    hearing->granted(assignments);
  }
  static void gone(const heddle_host* h, heddle_id worker, heddle_status status, heddle_str why) noexcept {
    const HeldPosts held;
    const auto hearing = hearing_of(of(h), worker, "said that it is gone,");
    if (!hearing) return;
    {
      std::lock_guard lock(of(h).mutex_);
      if (const auto found = of(h).workers_.find(worker); found != of(h).workers_.end()) found->second.credit = 0;
    }
    hearing->gone(error_of_status(status < 0 ? status : HEDDLE_UNAVAILABLE, plugin_text(why)));
  }
  static void progress(const heddle_host* h, heddle_id assignment, const heddle_value* said) noexcept {
    const HeldPosts held;
    SidecarHandle& self = of(h);
    std::shared_ptr<const AssignmentHearing> hearing;
    {
      std::lock_guard lock(self.mutex_);
      if (const auto found = self.open_.find(assignment); found != self.open_.end()) hearing = found->second.hearing;
    }
    if (hearing && hearing->progress) hearing->progress(Value::share(said));
  }
  static void done(const heddle_host* h, heddle_id assignment, heddle_status status, heddle_value* result) noexcept {
    const HeldPosts held;
    SidecarHandle& self = of(h);
    Value value = Value::adopt(result);
    std::shared_ptr<const AssignmentHearing> hearing;
    {
      std::lock_guard lock(self.mutex_);
      if (const auto found = self.open_.find(assignment); found != self.open_.end()) {
        hearing = std::move(found->second.hearing);
        self.open_.erase(found);
      }
    }
    if (!hearing) return self.fault("it said that the assignment " + std::to_string(assignment) + " is done, which is not open");
    if (status < 0) hearing->done(failure_said(status, value));
    else if (!value || value.kind() != HEDDLE_MAP) hearing->done(Error("internal", "the sidecar gave no result"));
    else hearing->done(std::move(value));
  }
  static constexpr heddle_assignments_service kTable = {sizeof(heddle_assignments_service), here, grant, gone, progress, done};
};

Result<std::unique_ptr<SidecarHandle>> SidecarHandle::create(const CatalogEntry& entry, const std::string& owner, const Value& params, Lanes* lanes, LaneId lane, Fault fault) {
  auto library = Library::load(*entry.plugin);
  if (!library) return refused(entry, owner, "cannot be created").because(std::move(library).error());
  const heddle_factory* factory = (*library)->factory(HEDDLE_KIND_SIDECAR);
  if (!HEDDLE_HAS(factory, create)) return refused(entry, owner, "cannot be created: the plugin has no factory for sidecars");
  if (!fault)
    fault = [owner, plugin = entry.plugin->name](std::string_view rule) { log::write(log::Level::kError, owner, "sidecar of plugin " + plugin + ": " + std::string(rule)); };

  std::unique_ptr<SidecarHandle> sidecar(new SidecarHandle);
  sidecar->fault_ = std::move(fault);
  sidecar->library_ = *library;
  sidecar->host_ = std::make_unique<HostTable>(owner, lanes, lane);
  sidecar->host_->add_service(HEDDLE_ASSIGNMENTS, &AssignmentsTable::kTable, sidecar.get());
  const void* table = nullptr;
  HostTable::take_failure();
  heddle_status status;
  {
    std::lock_guard setup((*library)->setup_mutex());
    status = factory->create(sidecar->host_->get(), entry.type->type.c_str(), params.get(), &sidecar->self_, &table);
  }
  if (status != HEDDLE_OK) {
    Error why = reason(status);
    why.error_class = ErrorClass::kConfig;
    return refused(entry, owner, "refuses its params").because(std::move(why));
  }
  const auto* const made = static_cast<const heddle_sidecar*>(table);
  if (!HEDDLE_HAS(made, disconnect) || !made->base.destroy || !made->connect || !made->assign || !made->cancel || !made->drain || !made->probe)
    return refused(entry, owner, "breaks the contract: its table lacks a function");
  sidecar->table_ = made;
  return sidecar;
}

SidecarHandle::~SidecarHandle() {
  if (!table_) return;
  host_->stop_posted();
  std::lock_guard setup(library_->setup_mutex());
  table_->base.destroy(self_);
}

void SidecarHandle::activate(Done done) {
  if (!table_->base.activate) return done({});
  table_->base.activate(self_, ops_.open_plain(std::move(done)));
}

void SidecarHandle::deactivate(Done done) {
  if (!table_->base.deactivate) return done({});
  table_->base.deactivate(self_, ops_.open_plain(std::move(done)));
}

heddle_id SidecarHandle::connect(const WorkerPlace& place, WorkerHearing hearing, Done done) {
  const auto options = value_of(place);
  if (!options) {
    done(options.error());
    return 0;
  }
  heddle_id id;
  {
    std::lock_guard lock(mutex_);
    id = ++last_id_;
    workers_.emplace(id, Worker{.hearing = std::make_shared<const WorkerHearing>(std::move(hearing))});
  }
  table_->connect(self_, id, options->get(), ops_.open_plain([this, id, done = std::move(done)](Result<void> outcome) {
                    if (!outcome) {
                      std::lock_guard lock(mutex_);
                      workers_.erase(id);
                    }
                    done(std::move(outcome));
                  }));
  return id;
}

heddle_id SidecarHandle::assign(heddle_id worker, const AssignmentOrder& order, AssignmentHearing hearing) {
  const auto inputs = value_of(order.inputs);
  heddle_id id = 0;
  {
    std::lock_guard lock(mutex_);
    const auto found = workers_.find(worker);
    if (found == workers_.end() || found->second.credit == 0) return 0;
    if (inputs) --found->second.credit;
    id = ++last_id_;
    if (inputs) open_.emplace(id, Open{.hearing = std::make_shared<const AssignmentHearing>(std::move(hearing)), .worker = worker});
  }
  if (!inputs) {
    hearing.done(inputs.error());
    return id;
  }
  heddle_assignment a{};
  a.struct_size = sizeof a;
  a.heartbeat_ms = order.heartbeat_ms;
  a.assignment = id;
  a.activity = str(order.activity);
  a.run = str(order.run);
  a.workflow = str(order.workflow);
  a.kind = str(order.kind);
  a.version = str(order.version);
  a.inputs = inputs->get();
  a.upload_prefix = str(order.upload_prefix);
  a.checkpoint = str(order.checkpoint);
  a.deadline_ns = order.deadline_ns;
  a.params = order.params.get();
  table_->assign(self_, worker, &a);
  return id;
}

void SidecarHandle::cancel(heddle_id assignment, const std::string& reason, uint64_t grace_ns) { table_->cancel(self_, assignment, str(reason), grace_ns); }
void SidecarHandle::drain(heddle_id worker) { table_->drain(self_, worker); }
void SidecarHandle::probe(heddle_id worker, Probed probed) { table_->probe(self_, worker, ops_.open(std::move(probed))); }

void SidecarHandle::disconnect(heddle_id worker, Done done) {
  table_->disconnect(self_, worker, ops_.open_plain([this, worker, done = std::move(done)](Result<void> outcome) {
                       size_t left = 0;
                       {
                         std::lock_guard lock(mutex_);
                         workers_.erase(worker);
                         left = static_cast<size_t>(std::count_if(open_.begin(), open_.end(), [&](const auto& one) { return one.second.worker == worker; }));
                       }
                       if (left > 0) fault("it disconnected a worker, and never said that " + std::to_string(left) + " of its assignments are done");
                       done(std::move(outcome));
                     }));
}

}  // namespace heddle
