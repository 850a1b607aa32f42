#include <algorithm>
#include <cassert>

#include "clock.h"
#include "log.h"
#include "serve/daemon.h"
#include "serve/execution.h"
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

std::string words_for(const ServedPipelines::Change& change, const std::vector<std::string>& lanes, const std::vector<std::string>& opened, const std::vector<std::string>& notes) {
  std::string out;
  add_words(out, "pipelines added", change.added);
  add_words(out, "pipelines changed", change.changed);
  add_words(out, "pipelines removed", change.removed);
  add_words(out, "lanes set", lanes);
  add_words(out, "listens anew", opened);
  add_words(out, "to note", notes);
  return out.empty() ? "nothing has changed" : out;
}

bool same_plugins(const Catalog& a, const Catalog& b) {
  const auto equal = [](const auto& x, const auto& y) { return x->path == y->path && x->name == y->name && x->version == y->version; };
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
  supervisor_.tell("READY=1\nSTATUS=" + status());
  return outcome;
}

// First what can fail and be undone, then the pipelines, which change all or not at all, then what cannot fail.
Result<Value> Daemon::apply(const ServeConfig& next) {
  auto catalog = scanned(next);
  if (same_plugins(*catalog, *catalog_)) catalog = catalog_;
  auto opened = open_new(next, *catalog);
  if (!opened) return std::move(opened).error();
  auto change = pipelines_->load(next.pipelines, catalog, *lanes_, next.lanes);
  if (!change) return std::move(change).error();
  catalog_ = catalog;
  peers_->use(catalog);
  offer_pipelines_as_jobs();
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
  const auto anew = replace_listeners(next, *std::move(opened), *catalog, notes);
  config_ = next;
  log::write(log::Level::kInfo, {}, "reloaded: " + words_for(*change, lanes, anew, notes));
  return json_object({{"pipelines", json_object({{"added", texts(change->added)}, {"changed", texts(change->changed)}, {"removed", texts(change->removed)},
                                                 {"unchanged", texts(change->unchanged)}})},
                      {"lanes", texts(lanes)},
                      {"listeners", texts(anew)},
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

std::vector<std::string> Daemon::replace_listeners(const ServeConfig& next, std::vector<std::unique_ptr<Listener>> opened, const Catalog& catalog,
                                                   std::vector<std::string>& notes) {
  std::vector<std::string> anew;
  const auto say = [&](const Listener& listener) { anew.push_back(listener.settings().transport + " on " + listener.endpoint()); };
  for (const auto& listener : opened) say(*listener);
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
    const ListenSettings* again = nullptr;
    for (const ListenSettings& s : next.listen) {
      if (is_in_the_way(*listener, s)) again = &s;
    }
    if (!again) {
      Listener* const raw = listener.get();
      closing_.push_back(std::move(listener));
      raw->close(now_ns() + next.drain_ms * kNsPerMs, [this, raw] {
        {
          std::lock_guard lock(mutex_);
          closed_.push_back(raw);
        }
        ring();
      });
      continue;
    }
    std::promise<void> closed;
    listener->close(now_ns() + kMakeWayMs * kNsPerMs, [&closed] { closed.set_value(); });
    closed.get_future().wait();
    ListenSettings as_it_was = listener->settings();
    as_it_was.endpoint = listener->endpoint();
    listener.reset();
    auto reopened = Listener::open(*again, catalog, *lanes_, Control::operations(), receiver());
    if (!reopened) {
      notes.push_back(reopened.error().text() + ": that listener stays as it was");
      reopened = Listener::open(as_it_was, catalog, *lanes_, Control::operations(), receiver());
    }
    if (!reopened) {
      notes.push_back("nothing listens there any more: " + reopened.error().text());
      continue;
    }
    say(**reopened);
    std::lock_guard lock(mutex_);
    listeners_.push_back(*std::move(reopened));
  }
  return anew;
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
