#include <algorithm>
#include <cassert>

#include "clock.h"
#include "log.h"
#include "serve/daemon.h"
#include "serve/execution.h"
#include "serve/plugin_settings.h"
#include "value/json_value.h"

namespace heddle {
namespace {

constexpr uint64_t kMakeWayMs = 1'000;  // for the requests of a listener whose endpoint is needed at once

Error stopping() { return Error("stopping", "this host is stopping", ErrorClass::kRetryable); }

Value texts(const std::vector<std::string>& list) {
  std::vector<Value> out;
  for (const std::string& text : list) out.push_back(json_text(text));
  return Value::list(std::move(out));
}

// "lanes set: a, b", after what there is already; nothing where there is none.
void add_words(std::string& out, std::string_view what, const std::vector<std::string>& names) {
  if (names.empty()) return;
  out += (out.empty() ? "" : "; ") + std::string(what) + ": ";
  for (const std::string& name : names) out += (&name == &names[0] ? "" : ", ") + name;
}

bool same_types(const ExecuteSettings& a, const ExecuteSettings& b) {
  return std::equal(a.node_types.begin(), a.node_types.end(), b.node_types.begin(), b.node_types.end(), [](const auto& x, const auto& y) { return x.name == y.name; });
}

// The settings beside lanes and listeners that hold from now on.
std::vector<std::string> changed_settings(const ServeConfig& before, const ServeConfig& next) {
  std::vector<std::string> out;
  if (next.tokens != before.tokens) out.push_back("auth.tokens");
  if (next.open_routes != before.open_routes) out.push_back("auth.open");
  if (next.execute.inline_manifests != before.execute.inline_manifests) out.push_back("execute.inline");
  if (!same_types(next.execute, before.execute)) out.push_back("execute.node_types");
  if (next.pipelines != before.pipelines) out.push_back("pipelines");
  if (next.plugin_dirs != before.plugin_dirs) out.push_back("plugin_dirs");
  if (plugin_settings_of(next.plugins) != plugin_settings_of(before.plugins)) out.push_back("plugins");
  if (next.drain_ms != before.drain_ms) out.push_back("drain_ms");
  return out;
}
bool same_plugins(const Catalog& a, const Catalog& b) {
  const auto equal = [](const auto& x, const auto& y) { return x->path == y->path && x->name == y->name && x->version == y->version && x->pins == y->pins; };
  return std::equal(a.plugins().begin(), a.plugins().end(), b.plugins().begin(), b.plugins().end(), equal);
}

const LaneSetup* find(const std::vector<LaneSetup>& lanes, const std::string& name) {
  const auto found = std::find_if(lanes.begin(), lanes.end(), [&](const LaneSetup& s) { return s.lane.name == name; });
  return found == lanes.end() ? nullptr : &*found;
}

bool same(const LaneSetup& a, const LaneSetup& b) { return lane_setup_json(a) == lane_setup_json(b); }

bool same(const std::optional<StoreSettings>& a, const std::optional<StoreSettings>& b) {
  return a.has_value() == b.has_value() && (!a || (a->type == b->type && a->params == b->params));
}

template <class List>
bool has(const List& list, const ListenSettings& settings) {
  return std::any_of(list.begin(), list.end(), [&](const auto& listener) { return same(listener->settings(), settings); });
}

}  // namespace

struct Daemon::Turnover {
  std::vector<std::string> opened, changed, closed;  // "http on 127.0.0.1:7433"
};

Result<Value> Daemon::ask_to_reload() {
  std::future<Result<Value>> answer;
  {
    std::lock_guard lock(mutex_);
    if (deaf_) return stopping();
    answer = reloads_.emplace_back().answer.get_future();
  }
  ring();
  return answer.get();
}

// What the bell was rung for, but for the end.
void Daemon::answer_reloads() {
  std::vector<Reload> asked;
  std::vector<Listener*> closed;
  {
    std::lock_guard lock(mutex_);
    asked = std::move(reloads_);
    reloads_.clear();
    closed = std::move(closed_);
    closed_.clear();
  }
  std::erase_if(closing_, [&](const auto& listener) { return std::find(closed.begin(), closed.end(), listener.get()) != closed.end(); });
  if (asked.empty()) return;
  const auto outcome = stopping_ || !ready_ ? Result<Value>(stopping()) : reload();
  for (Reload& one : asked) one.answer.set_value(outcome);
  finish_reload();
}

void Daemon::refuse_reloads() {
  std::lock_guard lock(mutex_);
  deaf_ = true;
  for (Reload& one : reloads_) one.answer.set_value(stopping());
  reloads_.clear();
}

Result<Value> Daemon::reload() {
  supervisor_.tell("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(now_ns() / 1'000));
  auto next = read_again_();
  auto outcome = next ? apply(*next) : Result<Value>(std::move(next).error());
  if (!outcome) log::write(log::Level::kError, {}, "not reloaded, everything stays as it was: " + outcome.error().text());
  return outcome;
}

void Daemon::finish_reload() {
  for (Changing& one : changing_) change_listener(std::move(one));
  changing_.clear();
  supervisor_.tell("READY=1\nSTATUS=" + status());
}

// First what can fail and be undone, then the pipelines, which change all or not at all, then what cannot fail.
Result<Value> Daemon::apply(const ServeConfig& next) {
  auto catalog = scanned(next);
  if (same_plugins(*catalog, *catalog_)) catalog = catalog_;
  auto opened = open_new(next, *catalog);
  if (!opened) return std::move(opened).error();
  auto change = pipelines_->load(next.pipelines, catalog, *lanes_, next.lanes, endpoints_of(next), next.remotes);
  if (!change) return std::move(change).error();
  use(catalog);
  outside_->use(catalog);
  sent_->use(next.execute, catalog);
  offer_pipelines_as_jobs();
  workers_->use(pipelines_->all());
  warn_of_lost_state();
  const auto lanes = apply_lanes(config_, next);
  control_->set_access(std::make_shared<const Access>(next.tokens, next.open_routes));
  jobs_->revive();
  std::vector<std::string> notes = change->notes;
  if (next.threads != config_.threads) notes.push_back("\"threads\" counts from the next start on");
  if (!same(next.store, config_.store)) notes.push_back("\"store\" counts from the next start on");
  if (next.state_dir != config_.state_dir) notes.push_back("\"state_dir\" counts from the next start on");
  if (next.jobs.remembered != config_.jobs.remembered || next.jobs.dead != config_.jobs.dead || next.jobs.payload_bytes != config_.jobs.payload_bytes)
    notes.push_back("\"jobs\" counts from the next start on");
  const auto settings = changed_settings(config_, next);
  const Turnover listeners = replace_listeners(next, *std::move(opened));
  config_ = next;
  std::string words;
  add_words(words, "pipelines added", change->added);
  add_words(words, "pipelines changed", change->changed);
  add_words(words, "pipelines removed", change->removed);
  add_words(words, "lanes set", lanes);
  add_words(words, "listens anew", listeners.opened);
  add_words(words, "listeners to change", listeners.changed);
  add_words(words, "listens no more", listeners.closed);
  add_words(words, "settings changed", settings);
  add_words(words, "to note", notes);
  log::write(log::Level::kInfo, {}, "reloaded: " + (words.empty() ? "nothing has changed" : words));
  return json_object({{"pipelines", json_object({{"added", texts(change->added)}, {"changed", texts(change->changed)}, {"removed", texts(change->removed)},
                                                 {"unchanged", texts(change->unchanged)}})},
                      {"lanes", texts(lanes)},
                      {"listeners", json_object({{"opened", texts(listeners.opened)}, {"changed", texts(listeners.changed)}, {"closed", texts(listeners.closed)}})},
                      {"settings", texts(settings)},
                      {"notes", texts(notes)}});
}

// The listeners that can be opened beside those that there are.
Result<std::vector<std::unique_ptr<Listener>>> Daemon::open_new(const ServeConfig& next, const Catalog& catalog) {
  std::vector<std::unique_ptr<Listener>> out;
  for (const ListenSettings& settings : next.listen) {
    bool in_the_way = false;
    {
      std::lock_guard lock(mutex_);
      in_the_way = has(listeners_, settings) || std::any_of(listeners_.begin(), listeners_.end(), [&](const auto& l) { return is_in_the_way(*l, settings); });
    }
    if (in_the_way) continue;
    auto listener = Listener::open(settings, catalog, *lanes_, Control::operations(), receiver());
    if (!listener) return std::move(listener).error();
    out.push_back(*std::move(listener));
  }
  return out;
}

Daemon::Turnover Daemon::replace_listeners(const ServeConfig& next, std::vector<std::unique_ptr<Listener>> opened) {
  Turnover out;
  const auto name_of = [](const Listener& listener) { return listener.settings().transport + " on " + listener.endpoint(); };
  for (const auto& listener : opened) out.opened.push_back(name_of(*listener));
  std::vector<std::unique_ptr<Listener>> going;
  {
    std::lock_guard lock(mutex_);
    const auto stays = [&](const std::unique_ptr<Listener>& l) {
      return std::any_of(next.listen.begin(), next.listen.end(), [&](const ListenSettings& s) { return same(l->settings(), s); });
    };
    const auto first_to_go = std::stable_partition(listeners_.begin(), listeners_.end(), stays);
    std::move(first_to_go, listeners_.end(), std::back_inserter(going));
    listeners_.erase(first_to_go, listeners_.end());
    for (auto& listener : opened) listeners_.push_back(std::move(listener));
  }
  for (auto& listener : going) {
    const auto again = std::find_if(next.listen.begin(), next.listen.end(), [&](const ListenSettings& s) { return is_in_the_way(*listener, s); });
    if (again != next.listen.end()) {
      out.changed.push_back(name_of(*listener));
      changing_.push_back({std::move(listener), *again});
      continue;
    }
    Listener* const raw = listener.get();
    out.closed.push_back(name_of(*raw));
    closing_.push_back(std::move(listener));
    raw->close(now_ns() + next.drain_ms * kNsPerMs, [this, raw] {
      {
        std::lock_guard lock(mutex_);
        closed_.push_back(raw);
      }
      ring();
    });
  }
  return out;
}

void Daemon::change_listener(Changing one) {
  std::promise<void> closed;
  one.there->close(now_ns() + kMakeWayMs * kNsPerMs, [&closed] { closed.set_value(); });
  closed.get_future().wait();
  ListenSettings as_it_was = one.there->settings();
  as_it_was.endpoint = one.there->endpoint();
  one.there.reset();
  auto reopened = Listener::open(one.wanted, *catalog_, *lanes_, Control::operations(), receiver());
  if (reopened) {
    log::write(log::Level::kInfo, {}, "changed: " + one.wanted.transport + " on " + (*reopened)->endpoint());
  } else {
    log::write(log::Level::kError, {}, reopened.error().text() + ": that listener stays as it was");
    reopened = Listener::open(as_it_was, *catalog_, *lanes_, Control::operations(), receiver());
  }
  if (!reopened) return log::write(log::Level::kError, {}, "nothing listens there any more: " + reopened.error().text());
  std::lock_guard lock(mutex_);
  listeners_.push_back(*std::move(reopened));
}

// Only where the file says something else than before: what was changed while the host runs stays otherwise.
std::vector<std::string> Daemon::apply_lanes(const ServeConfig& before, const ServeConfig& next) {
  std::vector<std::string> changed;
  const auto set = [&](const LaneSetup& setup) {
    const auto lane = lanes_->add(setup.lane);
    assert(lane && "reading the configuration checks lanes");
    jobs_->set_policy(*lane, setup.policy);
    changed.push_back(setup.lane.name);
  };
  for (const LaneSetup& setup : next.lanes) {
    const LaneSetup* const old = find(before.lanes, setup.lane.name);
    if (!old || !same(*old, setup)) set(setup);
  }
  for (const LaneSetup& old : before.lanes) {
    if (find(next.lanes, old.lane.name)) continue;
    LaneSetup back = default_setup(old.lane.name);
    if (const auto declared = pipelines_->declared_lane(old.lane.name)) back.lane = *declared;
    set(back);
  }
  return changed;
}

}  // namespace heddle
