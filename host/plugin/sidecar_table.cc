#include "plugin/sidecar_table.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

#include "log.h"
#include "plugin/host_table.h"
#include "plugin/plugin_text.h"
#include "retry.h"
#include "value/json_value.h"

namespace heddle {
namespace {

constexpr size_t kMostSpecBytes = size_t{1} << 20;

heddle_str str(std::string_view text) { return {text.data(), text.size()}; }
std::string exact(heddle_str s) { return s.ptr ? std::string(s.ptr, s.len) : std::string(); }

std::string random_id() {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(draw_randomly(UINT64_MAX)));
  return text;
}

Result<ActivitySpec> read_spec(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (!file.is_open() || file.bad()) return Error("no-spec", "the activity spec " + path + " cannot be read", ErrorClass::kConfig);
  if (text.size() > kMostSpecBytes) return Error("no-spec", "the activity spec " + path + " is larger than 1 MiB", ErrorClass::kConfig);
  Diagnostics diagnostics(path, text);
  auto spec = read_activity_spec(text, path, diagnostics);
  if (spec) return *std::move(spec);
  const auto& all = diagnostics.all();
  const auto first = std::find_if(all.begin(), all.end(), [](const Diagnostic& d) { return d.severity == Severity::kError; });
  if (first == all.end()) return Error("no-spec", path + " is no activity spec", ErrorClass::kConfig);
  const auto place = diagnostics.place(first->span.offset);
  return Error("no-spec", path + ":" + std::to_string(place.line) + ":" + std::to_string(place.column) + ": " + first->message + (first->hint.empty() ? "" : "; " + first->hint), ErrorClass::kConfig);
}

Error no_such_kind(const ActivitySpec& spec, const std::string& kind) {
  std::vector<std::string> kinds;
  for (const ActivityKind& activity : spec.activities) kinds.push_back(activity.kind);
  const std::string near = nearest(kind, kinds);
  return Error("no-kind", "the activity spec has no activity \"" + kind + "\"" + (near.empty() ? "" : "; did you mean \"" + near + "\"?"), ErrorClass::kConfig);
}

std::string text_of(const Value& v) { return std::string(v && v.kind() == HEDDLE_STRING ? *v.as_text() : ""); }

std::vector<AssignmentInput> inputs_of(const heddle_value* list) {
  std::vector<AssignmentInput> inputs;
  const Value all = Value::share(list);
  for (size_t i = 0; all && i < all.size(); ++i) {
    const Value one = all.at(i);
    const Value bytes = one.find("bytes");
    inputs.push_back({.name = text_of(one.find("name")), .media_type = text_of(one.find("media_type")), .value = bytes ? bytes : one.find("value"), .ref = text_of(one.find("ref"))});
  }
  return inputs;
}

// As a spec sees them.
Result<Value> as_map(const std::vector<AssignmentInput>& inputs) {
  std::vector<std::pair<std::string, Value>> members;
  for (const AssignmentInput& input : inputs) members.emplace_back(input.name, !input.ref.empty() ? json_text(input.ref) : input.value ? input.value : Value::null());
  return Value::map(std::move(members));
}

Value report_of(const std::string& activity, const ActivityAnswer& a) {
  std::vector<Value> runs;
  for (const ActivityRun& run : a.runs) {
    std::vector<std::pair<std::string, Value>> members = {{"run", json_text(run.run)}, {"endpoint", json_text(run.address)}, {"took_ms", json_count(run.took_ns / kNsPerMs)}};
    if (!run.error.empty()) members.emplace_back("error", json_text(log::redacted(run.error)));
    runs.push_back(json_object(std::move(members)));
  }
  std::vector<std::pair<std::string, Value>> members = {{"activity", json_text(activity)}, {"took_ms", json_count(a.took_ns / kNsPerMs)}, {"runs", Value::list(std::move(runs))}};
  if (a.ending != ActivityAnswer::Ending::kDone) {
    members.emplace_back("code", json_text(a.why.code));
    members.emplace_back("class", json_text(name_of(a.why.error_class)));
  }
  return json_object(std::move(members));
}

heddle_status status_of(const ActivityAnswer& a) {
  switch (a.ending) {
    case ActivityAnswer::Ending::kDone: return HEDDLE_OK;
    case ActivityAnswer::Ending::kTimedOut: return HEDDLE_DEADLINE;
    case ActivityAnswer::Ending::kCancelled: return HEDDLE_CANCELLED;
    default: return a.why.error_class == ErrorClass::kRetryable ? HEDDLE_UNAVAILABLE : HEDDLE_INVALID;
  }
}

// The result with its "value" as what its JSON says, where it is JSON.
Value with_json(const Value& result) {
  const Value bytes = result.find("value");
  if (!bytes || bytes.kind() != HEDDLE_BYTES) return result;
  auto parsed = Value::parse(*bytes.as_bytes());
  if (!parsed) return result;
  std::vector<std::pair<std::string, Value>> members = {{"value", *std::move(parsed)}};
  for (const char* name : {"status", "ref"})
    if (const Value found = result.find(name)) members.emplace_back(name, found);
  return json_object(std::move(members));
}

}  // namespace

SidecarTable::SidecarTable(SidecarAccess access) : access_(access), begin_of_ids_(random_id() + "-") {}

Result<heddle_id> SidecarTable::open(const Value& options, const heddle_activity_hearing* hearing) {
  auto read = read_worker_options(options);
  if (!read) return std::move(read).error();
  if (read->group.process && !access_.may_start) return Error("denied", "a manifest that was sent to this host starts no processes: name workers by \"endpoints\"", ErrorClass::kConfig);
  std::optional<ActivitySpec> spec;
  if (!read->spec.empty()) {
    auto found = read_spec(read->spec);
    if (!found) return std::move(found).error();
    if (!read->kind.empty() && !found->find(read->kind)) return no_such_kind(*found, read->kind);
    spec = *std::move(found);
  }
  auto workers = access_.sidecars->open(std::move(read->group));
  if (!workers) return std::move(workers).error();
  std::lock_guard lock(mutex_);
  groups_.emplace(++last_, Group{.workers = *std::move(workers), .policy = read->activities, .spec = std::move(spec), .hearing = hearing});
  return last_;
}

heddle_id SidecarTable::assign(heddle_id group_id, const heddle_assignment& a, void* ctx) {
  ActivityRequest request;
  request.order = {.activity = {}, .run = {}, .workflow = exact(a.workflow), .kind = exact(a.kind), .version = exact(a.version), .inputs = inputs_of(a.inputs), .upload_prefix = exact(a.upload_prefix),
                   .checkpoint = exact(a.checkpoint), .params = Value::share(a.params)};
  request.deadline_ns = a.deadline_ns;
  request.repeatable = access_.repeatable;
  request.priority = access_.priority;
  request.preemptible = access_.preemptible && access_.repeatable;
  std::shared_ptr<WorkerGroup> workers;
  ActivityPolicy policy;
  std::optional<Error> refused;
  Way way{.ctx = ctx};
  {
    std::lock_guard lock(mutex_);
    const auto found = groups_.find(group_id);
    if (found == groups_.end() || found->second.closing) return 0;
    Group& group = found->second;
    workers = group.workers;
    policy = group.policy;
    way.told = group.hearing;
    way.id = ++last_;
    if (group.spec && !(way.spec = group.spec->find(request.order.kind))) refused = no_such_kind(*group.spec, request.order.kind);
    ++group.open;
    open_.emplace(way.id, Open{.group = group_id});
  }
  name(request, way.id);
  way.activity = request.order.activity;
  if (way.spec && request.order.version.empty()) request.order.version = way.spec->version;
  if (refused) answer(way, {.ending = ActivityAnswer::Ending::kRefused, .why = *std::move(refused)});
  else assign_checked(workers, policy, std::move(request), way);
  return way.id;
}

// The activity of a chain keeps its name: its worker may know it from before.
void SidecarTable::name(ActivityRequest& request, heddle_id id) const {
  AssignmentOrder& order = request.order;
  order.activity = begin_of_ids_ + std::to_string(id);
  if (!access_.origin) return;
  ActivityOrigin& origin = *access_.origin;
  request.priority = origin.priority;
  request.preemptible = origin.preemptible && access_.repeatable;
  const uint64_t before = origin.given.fetch_add(1);
  order.activity = origin.activity + (before == 0 ? "" : "-" + std::to_string(before + 1));
  request.run_prefix = origin.run + ".";
  if (order.workflow.empty()) order.workflow = origin.workflow;
  if (order.checkpoint.empty() && before == 0) order.checkpoint = origin.checkpoint;
  if (origin.deadline_ns != 0) request.deadline_ns = request.deadline_ns == 0 ? origin.deadline_ns : std::min(request.deadline_ns, origin.deadline_ns);
}

void SidecarTable::assign_checked(const std::shared_ptr<WorkerGroup>& workers, const ActivityPolicy& policy, ActivityRequest request, const Way& way) {
  if (const auto inputs = as_map(request.order.inputs); !inputs) {
    return answer(way, {.ending = ActivityAnswer::Ending::kRefused, .why = Error("bad-input", "two inputs have the same name")});
  } else if (way.spec) {
    if (auto fits = check_inputs(*way.spec, *inputs); !fits) return answer(way, {.ending = ActivityAnswer::Ending::kRefused, .why = Error("bad-input", fits.error().text())});
  }
  ActivityHearing hearing;
  hearing.answered = [this, way](ActivityAnswer a) { answer(way, std::move(a)); };
  if (HEDDLE_HAS(way.told, progress)) {
    hearing.progress = [way](const Value& said, const ActivityRun& run) {
      std::vector<std::pair<std::string, Value>> members = {{"run", json_text(run.run)}, {"endpoint", json_text(run.address)}};
      for (const char* name : {"percent", "message", "checkpoint"})
        if (const Value found = said.find(name)) members.emplace_back(name, found);
      way.told->progress(way.ctx, way.id, json_object(std::move(members)).get());
    };
  }
  const WorkerGroup::Id id = workers->assign(policy, std::move(request), std::move(hearing));
  std::optional<std::string> unwanted;
  {
    std::lock_guard lock(mutex_);
    const auto found = open_.find(way.id);
    if (found == open_.end()) return;
    found->second.id = id;
    unwanted = std::move(found->second.unwanted);
  }
  if (unwanted) workers->cancel(id, *unwanted);
}

void SidecarTable::answer(const Way& way, ActivityAnswer a) {
  Value result;
  if (a.ending == ActivityAnswer::Ending::kDone) {
    result = with_json(a.result);
    const Value value = result.find("value");
    const bool is_checked = way.spec && text_of(result.find("status")) != "skipped" && !result.find("ref");
    if (auto fits = is_checked ? check_outputs(*way.spec, value ? value : Value::null()) : Result<void>(); !fits) {
      a.ending = ActivityAnswer::Ending::kFailed;
      a.why = Error("bad-output", "what the worker made does not fit the activity spec: " + fits.error().text());
      result = {};
    }
  }
  const std::string why = a.ending == ActivityAnswer::Ending::kDone ? "" : log::redacted(a.why.text());
  const Value report = report_of(way.activity, a);
  heddle_activity_answer told{};
  told.struct_size = sizeof told;
  told.status = status_of(a);
  told.ending = str(name_of(a.ending));
  told.why = str(why);
  told.result = result.release();
  told.report = report.get();
  way.told->answered(way.ctx, way.id, &told);
  over(way.id);
}

void SidecarTable::cancel(heddle_id id, const std::string& reason) {
  std::shared_ptr<WorkerGroup> workers;
  WorkerGroup::Id activity = 0;
  {
    std::lock_guard lock(mutex_);
    const auto found = open_.find(id);
    if (found == open_.end()) return;
    activity = found->second.id;
    if (activity == 0) found->second.unwanted = reason;
    else workers = groups_.find(found->second.group)->second.workers;
  }
  if (workers) workers->cancel(activity, reason);
}

void SidecarTable::over(heddle_id id) {
  std::lock_guard lock(mutex_);
  const auto found = open_.find(id);
  --groups_.find(found->second.group)->second.open;
  open_.erase(found);
  fewer_.notify_all();  // under the lock: after it, nothing of this may be left
}

void SidecarTable::close(heddle_id group_id) {
  std::vector<heddle_id> left;
  {
    std::lock_guard lock(mutex_);
    const auto found = groups_.find(group_id);
    if (found == groups_.end() || std::exchange(found->second.closing, true)) return;
    for (const auto& [id, open] : open_)
      if (open.group == group_id) left.push_back(id);
  }
  for (const heddle_id id : left) cancel(id, "nobody waits for it any more");
  Group gone;  // after the lock
  std::unique_lock lock(mutex_);
  fewer_.wait(lock, [&] { return groups_.find(group_id)->second.open == 0; });
  gone = std::move(groups_.find(group_id)->second);
  groups_.erase(group_id);
}

std::vector<std::shared_ptr<const WorkerGroup>> SidecarTable::groups() {
  std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<const WorkerGroup>> all;
  for (const auto& [id, group] : groups_) all.push_back(group.workers);
  return all;
}

void SidecarTable::close_all() {
  std::vector<heddle_id> all;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [id, group] : groups_) all.push_back(id);
  }
  for (const heddle_id id : all) close(id);
}

// The host's side of heddle.sidecars/1.
struct SidecarsTable {
  static SidecarTable& of(const heddle_host* h) { return *static_cast<SidecarTable*>(HostTable::context(h, &SidecarTable::service())); }
  static heddle_id open(const heddle_host* h, const heddle_value* options, const heddle_activity_hearing* hearing, heddle_value** why) noexcept {
    const auto opened = HEDDLE_HAS(hearing, answered) ? of(h).open(Value::share(options), hearing) : Error("invalid", "nobody would hear of its activities: \"answered\" is missing");
    if (opened) return *opened;
    *why = json_text(opened.error().text()).release();
    return 0;
  }
  static heddle_id assign(const heddle_host* h, heddle_id group, const heddle_assignment* a, void* ctx) noexcept { return of(h).assign(group, *a, ctx); }
  static void cancel(const heddle_host* h, heddle_id activity, heddle_str reason) noexcept { of(h).cancel(activity, plugin_text(reason)); }
  static void close(const heddle_host* h, heddle_id group) noexcept { of(h).close(group); }
};

const heddle_sidecars_service& SidecarTable::service() {
  static constexpr heddle_sidecars_service kService = {sizeof(heddle_sidecars_service), SidecarsTable::open, SidecarsTable::assign, SidecarsTable::cancel, SidecarsTable::close};
  return kService;
}

}  // namespace heddle
