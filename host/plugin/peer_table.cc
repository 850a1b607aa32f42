#include "plugin/peer_table.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "log.h"
#include "plugin/host_table.h"
#include "plugin/plugin_text.h"
#include "value/json_value.h"

namespace heddle {
namespace {

heddle_str str(std::string_view text) { return {text.data(), text.size()}; }
std::string exact(heddle_str s) { return s.ptr ? std::string(s.ptr, s.len) : std::string(); }

Texts texts_of(const heddle_value* map) {
  Texts texts;
  const Value all = Value::share(map);
  for (size_t i = 0; all && i < all.size(); ++i) {
    std::string_view name;
    const Value text = all.at(i, &name);
    texts.emplace_back(name, text.as_text().value_or(""));
  }
  return texts;
}

// FNV-1a.
uint64_t hash_of(std::string_view key) {
  uint64_t hash = 14695981039346656037u;
  for (const char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return hash;
}

// What metadata can carry: printable ASCII. Another key is told apart from others by its hash.
std::string as_idempotency_key(const std::string& key) {
  const bool fits = key.size() <= 128 && key.find_first_not_of(" ") == 0 && key.back() != ' ' && std::all_of(key.begin(), key.end(), [](char c) { return c >= ' ' && c <= '~'; });
  return fits ? key : "hash-" + std::to_string(hash_of(key));
}

// Of a call with these items; empty: not all of them have one.
std::string key_of(const Value& items, const std::string& pointer) {
  std::string out;
  for (size_t i = 0; i < items.size(); ++i) {
    const Value found = items.at(i) ? items.at(i).pointer(pointer) : Value();
    if (!found) return "";
    out += (i > 0 ? "," : "") + (found.kind() == HEDDLE_STRING ? std::string(*found.as_text()) : std::string(found.json()));
  }
  return out;
}

Value report_of(const PeerAnswer& a) {
  std::vector<Value> attempts;
  for (const auto& attempt : a.history) {
    attempts.push_back(json_object({{"number", json_count(attempt.number)},
                                    {"endpoint", json_text(attempt.address)},
                                    {"error", json_text(log::redacted(attempt.error))},
                                    {"took_ms", json_count(attempt.took_ns / kNsPerMs)}}));
  }
  std::vector<std::pair<std::string, Value>> members = {{"endpoint", json_text(a.endpoint)}, {"took_ms", json_count(a.took_ns / kNsPerMs)}, {"attempts", Value::list(std::move(attempts))}};
  if (!a.answer.is_ok()) {
    members.emplace_back("code", json_text(a.answer.why.code));
    members.emplace_back("class", json_text(name_of(a.answer.why.error_class)));
  }
  return json_object(std::move(members));
}

// The status of a stream's end, which has only an error.
heddle_status status_of(const Result<void>& end) {
  if (end) return HEDDLE_OK;
  if (end.error().code == "deadline") return HEDDLE_DEADLINE;
  switch (end.error().error_class) {
    case ErrorClass::kRetryable: return HEDDLE_UNAVAILABLE;
    case ErrorClass::kCancelled: return HEDDLE_CANCELLED;
    default: return HEDDLE_INTERNAL;
  }
}

}  // namespace

Result<heddle_id> PeerTable::open(const Value& options, const heddle_peer_hearing* hearing) {
  auto read = read_peer_options(options);
  if (!read) return std::move(read).error();
  auto group = access_.peers->open(std::move(read->group));
  if (!group) return std::move(group).error();
  std::lock_guard lock(mutex_);
  groups_.emplace(++last_, Group{.group = *std::move(group), .policy = read->calls, .hearing = hearing});
  return last_;
}

PeerRequest PeerTable::request_of(const heddle_peer_call& c) const {
  PeerRequest out;
  out.call.operation = plugin_text(c.operation);
  out.call.parameters = texts_of(c.parameters);
  out.call.body = Value::adopt(c.body);
  if (c.content_type.len) out.call.content_type = plugin_text(c.content_type);
  out.call.token = exact(c.token);
  out.call.trace = read_trace(exact(c.trace), access_.trace_state);
  out.call.deadline_ns = c.deadline_ns;
  out.tracer = access_.tracer;
  out.call.metadata = access_.metadata;
  out.idempotency_key = exact(c.idempotency_key);
  if (out.idempotency_key.empty() && !access_.idempotency_key.empty()) {
    const bool has_items = c.struct_size > offsetof(heddle_peer_call, items) && c.items;
    out.idempotency_key = key_of(has_items ? Value::share(c.items) : Value::list({out.call.body}), access_.idempotency_key);
  }
  out.repeatable = c.idempotent || access_.idempotent || !out.idempotency_key.empty();
  if (!out.idempotency_key.empty()) out.idempotency_key = as_idempotency_key(out.idempotency_key);
  out.key = hash_of(exact(c.key));
  return out;
}

heddle_id PeerTable::call(heddle_id group_id, const heddle_peer_call& c, void* ctx) {
  std::shared_ptr<PeerGroup> group;
  CallPolicy policy;
  const heddle_peer_hearing* told = nullptr;
  heddle_id id = 0;
  {
    std::lock_guard lock(mutex_);
    const auto found = groups_.find(group_id);
    if (found != groups_.end() && !found->second.closing) {
      group = found->second.group;
      policy = found->second.policy;
      told = found->second.hearing;
      ++found->second.open;
      id = ++last_;
      open_.emplace(id, Open{.group = group_id});
    }
  }
  if (!group) {
    Value::adopt(c.body);
    return 0;
  }
  keep(id, group->call(policy, request_of(c), hearing_for(id, told, c.credit, ctx)));
  return id;
}

PeerHearing PeerTable::hearing_for(heddle_id id, const heddle_peer_hearing* told, uint32_t credit, void* ctx) {
  PeerHearing h;
  h.credit = credit;
  h.answered = [this, id, told, ctx](PeerAnswer a) {
    const std::string why = a.answer.is_ok() ? "" : log::redacted(a.answer.why.text());
    const Value report = report_of(a);
    const bool more = a.answer.more && a.answer.is_ok();
    heddle_peer_answer answer{};
    answer.struct_size = sizeof answer;
    answer.status = a.answer.status;
    answer.more = more;
    answer.retry_after_ms = a.answer.retry_after_ms;
    answer.ending = str(name_of(a.ending));
    answer.why = str(why);
    answer.body = a.answer.body.release();
    answer.report = report.get();
    told->answered(ctx, id, &answer);
    if (!more) over(id);
  };
  if (!HEDDLE_HAS(told, part) || !HEDDLE_HAS(told, ended)) return h;
  h.part = [id, told, ctx](Value v) { told->part(ctx, id, v.release()); };
  h.ended = [this, id, told, ctx](Result<void> end) {
    const std::string why = end ? "" : log::redacted(end.error().text());
    told->ended(ctx, id, status_of(end), str(why));
    over(id);
  };
  return h;
}

// It may be over already, and its caller may have asked for more meanwhile: whoever hears of a call knows its id.
void PeerTable::keep(heddle_id id, const std::shared_ptr<PeerCall>& handle) {
  uint32_t granted = 0;
  bool unwanted = false;
  {
    std::lock_guard lock(mutex_);
    const auto found = open_.find(id);
    if (found == open_.end()) return;
    found->second.call = handle;
    granted = found->second.granted;
    unwanted = found->second.unwanted;
  }
  if (granted > 0) handle->grant(granted);
  if (unwanted) handle->cancel();
}

void PeerTable::grant(heddle_id id, uint32_t parts) {
  std::shared_ptr<PeerCall> call;
  {
    std::lock_guard lock(mutex_);
    const auto found = open_.find(id);
    if (found == open_.end()) return;
    call = found->second.call;
    if (!call) found->second.granted += parts;
  }
  if (call) call->grant(parts);
}

void PeerTable::cancel(heddle_id id) {
  std::shared_ptr<PeerCall> call;
  {
    std::lock_guard lock(mutex_);
    const auto found = open_.find(id);
    if (found == open_.end()) return;
    call = found->second.call;
    found->second.unwanted = true;
  }
  if (call) call->cancel();
}

void PeerTable::over(heddle_id id) {
  std::shared_ptr<PeerCall> gone;  // after the lock
  std::lock_guard lock(mutex_);
  const auto found = open_.find(id);
  gone = std::move(found->second.call);
  --groups_.find(found->second.group)->second.open;
  open_.erase(found);
  fewer_.notify_all();  // under the lock: after it, nothing of this may be left
}

void PeerTable::close(heddle_id group_id) {
  std::vector<heddle_id> left;
  {
    std::lock_guard lock(mutex_);
    const auto found = groups_.find(group_id);
    if (found == groups_.end() || std::exchange(found->second.closing, true)) return;
    for (const auto& [id, open] : open_)
      if (open.group == group_id) left.push_back(id);
  }
  for (const heddle_id id : left) cancel(id);
  Group gone;  // after the lock
  std::unique_lock lock(mutex_);
  fewer_.wait(lock, [&] { return groups_.find(group_id)->second.open == 0; });
  gone = std::move(groups_.find(group_id)->second);
  groups_.erase(group_id);
}

void PeerTable::close_all() {
  std::vector<heddle_id> all;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [id, group] : groups_) all.push_back(id);
  }
  for (const heddle_id id : all) close(id);
}

// The host's side of heddle.peers/1.
struct PeersTable {
  static PeerTable& of(const heddle_host* h) { return *static_cast<PeerTable*>(HostTable::context(h, &PeerTable::service())); }
  static heddle_id open(const heddle_host* h, const heddle_value* options, const heddle_peer_hearing* hearing, heddle_value** why) noexcept {
    const auto opened = HEDDLE_HAS(hearing, answered) ? of(h).open(Value::share(options), hearing) : Error("invalid", "nobody would hear of its calls: \"answered\" is missing");
    if (opened) return *opened;
    *why = json_text(opened.error().text()).release();
    return 0;
  }
  static heddle_id call(const heddle_host* h, heddle_id group, const heddle_peer_call* c, void* ctx) noexcept { return of(h).call(group, *c, ctx); }
  static void grant(const heddle_host* h, heddle_id call, uint32_t parts) noexcept { of(h).grant(call, parts); }
  static void cancel(const heddle_host* h, heddle_id call) noexcept { of(h).cancel(call); }
  static void close(const heddle_host* h, heddle_id group) noexcept { of(h).close(group); }
};

const heddle_peers_service& PeerTable::service() {
  static constexpr heddle_peers_service kService = {sizeof(heddle_peers_service), PeersTable::open, PeersTable::call, PeersTable::grant, PeersTable::cancel, PeersTable::close};
  return kService;
}

}  // namespace heddle
