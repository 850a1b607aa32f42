#include "plugin/chain_table.h"

#include <utility>
#include <vector>

#include "plugin/host_table.h"
#include "plugin/option_fields.h"
#include "plugin/plugin_text.h"
#include "value/json_value.h"

namespace heddle {
namespace {

heddle_status status_of(const Error& why) {
  if (why.code == "too-late") return HEDDLE_DEADLINE;
  switch (why.error_class) {
    case ErrorClass::kRetryable: return HEDDLE_UNAVAILABLE;
    case ErrorClass::kCancelled: return HEDDLE_CANCELLED;
    default: return HEDDLE_INVALID;
  }
}

}  // namespace

Result<heddle_id> ChainTable::open(const Value& options) {
  if (!access_.may_open) return Error("denied", "a manifest that was sent to this host uses none of its chains", ErrorClass::kConfig);
  std::string wrong, type;
  Value params;
  {
    OptionFields f(options, "", wrong);
    f.need("chain");
    type = f.text("chain");
    params = f.any("params");
  }
  if (!wrong.empty()) return Error("invalid", wrong, ErrorClass::kConfig);
  auto chain = access_.chains->open(type, params ? params : json_object({}));
  if (!chain) return std::move(chain).error();
  std::lock_guard lock(state_->mutex);
  state_->chains[++state_->last].handle = *std::move(chain);
  return state_->last;
}

heddle_id ChainTable::ask(heddle_id chain, Asked who, const Ask& ask) {
  std::shared_ptr<ChainHandle> handle;
  heddle_id id;
  {
    std::lock_guard lock(state_->mutex);
    const auto found = state_->chains.find(chain);
    if (found == state_->chains.end() || found->second.closing) return 0;
    handle = found->second.handle;
    id = ++state_->last;
    who.chain = chain;
    state_->asked.emplace(id, who);
  }
  ask(*handle, [state = state_, id](Result<Value> outcome) { answer(*state, id, std::move(outcome)); });
  return id;
}

void ChainTable::answer(State& state, heddle_id id, Result<Value> outcome) {
  Asked who;
  {
    std::lock_guard lock(state.mutex);
    const auto found = state.asked.find(id);
    if (found == state.asked.end()) return;
    who = found->second;
    state.asked.erase(found);
    ++state.chains[who.chain].telling;
  }
  if (outcome) {
    who.answered(who.ctx, HEDDLE_OK, std::move(outcome)->release(), {});
  } else {
    const std::string why = outcome.error().text();
    who.answered(who.ctx, status_of(outcome.error()), error_json(outcome.error()).release(), {why.data(), why.size()});
  }
  std::lock_guard lock(state.mutex);
  --state.chains[who.chain].telling;
  state.fewer.notify_all();
}

void ChainTable::cancel(heddle_id asked) { answer(*state_, asked, Error("cancelled", "nobody waits for it any more", ErrorClass::kCancelled)); }

void ChainTable::close(heddle_id chain) {
  std::vector<heddle_id> left;
  {
    std::lock_guard lock(state_->mutex);
    const auto found = state_->chains.find(chain);
    if (found == state_->chains.end() || std::exchange(found->second.closing, true)) return;
    for (const auto& [id, asked] : state_->asked)
      if (asked.chain == chain) left.push_back(id);
  }
  for (const heddle_id id : left) cancel(id);
  std::unique_lock lock(state_->mutex);
  state_->fewer.wait(lock, [&] { return state_->chains[chain].telling == 0; });
  state_->chains.erase(chain);
}

void ChainTable::close_all() {
  std::vector<heddle_id> all;
  {
    std::lock_guard lock(state_->mutex);
    for (const auto& [id, chain] : state_->chains) all.push_back(id);
  }
  for (const heddle_id id : all) close(id);
}

// The host's side of heddle.chains/1.
struct ChainsTable {
  static ChainTable& of(const heddle_host* h) { return *static_cast<ChainTable*>(HostTable::context(h, &ChainTable::service())); }
  static heddle_id open(const heddle_host* h, const heddle_value* options, heddle_value** why) noexcept {
    const auto opened = of(h).open(Value::share(options));
    if (opened) return *opened;
    *why = error_json(opened.error()).release();
    return 0;
  }
  static heddle_id read(const heddle_host* h, heddle_id chain, const heddle_value* question, heddle_chain_answered answered, void* ctx) noexcept {
    return of(h).ask(chain, {.answered = answered, .ctx = ctx}, [question](ChainHandle& c, ChainHandle::Done done) { c.read(Value::share(question), std::move(done)); });
  }
  static heddle_id submit(const heddle_host* h, heddle_id chain, heddle_str key, const heddle_value* intent, heddle_chain_answered answered, void* ctx) noexcept {
    return of(h).ask(chain, {.answered = answered, .ctx = ctx},
                     [intent, key = plugin_text(key)](ChainHandle& c, ChainHandle::Done done) { c.submit(key, Value::share(intent), std::move(done)); });
  }
  static heddle_id events(const heddle_host* h, heddle_id chain, const heddle_value* filter, heddle_chain_answered answered, void* ctx) noexcept {
    return of(h).ask(chain, {.answered = answered, .ctx = ctx}, [filter](ChainHandle& c, ChainHandle::Done done) { c.events(Value::share(filter), std::move(done)); });
  }
  static void cancel(const heddle_host* h, heddle_id asked) noexcept { of(h).cancel(asked); }
  static void close(const heddle_host* h, heddle_id chain) noexcept { of(h).close(chain); }
  static heddle_str idempotency_key(const heddle_host* h) noexcept {
    const std::string& pointer = of(h).access_.idempotency_key;
    return {pointer.data(), pointer.size()};
  }
};

const heddle_chains_service& ChainTable::service() {
  static constexpr heddle_chains_service kService = {sizeof(heddle_chains_service), ChainsTable::open,   ChainsTable::read,  ChainsTable::submit,
                                                     ChainsTable::events,           ChainsTable::cancel, ChainsTable::close, ChainsTable::idempotency_key};
  return kService;
}

}  // namespace heddle
