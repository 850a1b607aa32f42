#include "plugin/chains.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "log.h"

namespace heddle {

void Chains::close() {
  decltype(chains_) chains;
  {
    std::lock_guard lock(mutex_);
    chains.swap(chains_);
  }
  deactivate(chains);
}

void Chains::use(std::shared_ptr<const Catalog> catalog) {
  std::lock_guard lock(mutex_);
  catalog_ = std::move(catalog);
}

std::vector<Chains::Opened> Chains::all() const {
  std::lock_guard lock(mutex_);
  std::vector<Opened> all;
  for (const auto& [key, one] : chains_) all.push_back(one);
  return all;
}

Result<std::shared_ptr<ChainHandle>> Chains::open(const std::string& type, const Value& params) {
  const std::string key = type + params.json();
  std::lock_guard starting(starting_);
  {
    std::lock_guard lock(mutex_);
    const auto found = std::find_if(chains_.begin(), chains_.end(), [&](const auto& one) { return one.first == key; });
    if (found != chains_.end()) return found->second.chain;
    if (chains_.size() == kMost) return Error("too-many", "this process has " + std::to_string(kMost) + " chains already", ErrorClass::kConfig);
  }
  auto made = make(type, params);
  if (!made && made.error().code == "in-use" && drop_idle()) made = make(type, params);
  if (!made) return made;
  std::lock_guard lock(mutex_);
  chains_.emplace_back(key, Opened{.type = type, .chain = *made});
  return made;
}

// Those that nobody holds, so that their accounts can be had with other params.
bool Chains::drop_idle() {
  decltype(chains_) dropped;
  {
    std::lock_guard lock(mutex_);
    const auto is_held = [](const auto& one) { return one.second.chain.use_count() > 1; };
    const auto idle = std::stable_partition(chains_.begin(), chains_.end(), is_held);
    dropped.assign(std::make_move_iterator(idle), std::make_move_iterator(chains_.end()));
    chains_.erase(idle, chains_.end());
  }
  deactivate(dropped);
  return !dropped.empty();
}

void Chains::deactivate(const std::vector<std::pair<std::string, Opened>>& chains) {
  for (const auto& [key, one] : chains) {
    if (auto stopped = one.chain->deactivate(); !stopped) log::write(log::Level::kWarn, one.chain->owner(), "the chain did not stop as it should: " + stopped.error().text());
  }
}

Result<std::shared_ptr<ChainHandle>> Chains::make(const std::string& type, const Value& params) {
  std::shared_ptr<const Catalog> catalog;
  {
    std::lock_guard lock(mutex_);
    catalog = catalog_;
  }
  const CatalogEntry entry = catalog->find("chain", type);
  if (!entry.type) {
    const std::string hint = catalog->hint_for("chain", type);
    return Error("no-type", "no plugin has the chain \"" + type + "\"" + (hint.empty() ? "" : "; " + hint), ErrorClass::kConfig);
  }
  if (!kept_in_) {
    auto journal = journal_ ? journal_() : Result<ChainJournal>(ChainJournal());
    if (!journal) return std::move(journal).error();
    kept_in_ = *std::move(journal);
  }
  ChainJournal journal = *kept_in_;
  journal.prefix += "chain/" + type + "/";
  auto chain = ChainHandle::create(entry, type, params, journal, &lanes_, *lanes_.find("control"));
  if (!chain) return std::move(chain).error();
  if (auto active = (*chain)->activate(); !active) return std::move(active).error();
  return std::shared_ptr<ChainHandle>(*std::move(chain));
}

}  // namespace heddle
