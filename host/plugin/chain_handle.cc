#include "plugin/chain_handle.h"

#include <future>
#include <utility>

#include "core_files.h"
#include "log.h"
#include "plugin/secrets.h"

namespace heddle {
namespace {

Error refused(const CatalogEntry& entry, const std::string& owner, std::string what) {
  return Error("create-failed", "chain \"" + owner + "\" (" + entry.type->type + " of plugin " + entry.plugin->name + ") " + std::move(what), ErrorClass::kConfig);
}

Error reason(heddle_status status) {
  if (auto given = HostTable::take_failure()) return *std::move(given);
  return error_of_status(status, "it gave no reason");
}

bool is_whole(const heddle_chain* t) {
  return HEDDLE_HAS(t, read) && HEDDLE_HAS(t, submit) && HEDDLE_HAS(t, events) && HEDDLE_HAS(t, transactions) && t->base.destroy;
}

}  // namespace

Result<std::unique_ptr<ChainHandle>> ChainHandle::create(const CatalogEntry& entry, const std::string& owner, const Value& params, const ChainJournal& journal, Lanes* lanes, LaneId lane,
                                                         Fault fault) {
  leave_no_core_file();  // it has the key of an account
  redact_secrets(entry.type->params_schema, params);
  auto library = Library::load(*entry.plugin);
  if (!library) return refused(entry, owner, "cannot be created").because(std::move(library).error());
  const heddle_factory* factory = (*library)->factory(HEDDLE_KIND_CHAIN);
  if (!HEDDLE_HAS(factory, create)) return refused(entry, owner, "cannot be created: the plugin has no factory for chains");
  if (!fault) fault = [owner, plugin = entry.plugin->name](std::string_view rule) { log::write(log::Level::kError, owner, "chain of plugin " + plugin + ": " + std::string(rule)); };

  std::unique_ptr<ChainHandle> chain(new ChainHandle);
  chain->owner_ = owner;
  chain->fault_ = std::move(fault);
  chain->library_ = *library;
  chain->services_ = std::make_unique<Services>(owner, lanes, lane);
  chain->ops_ = std::make_unique<StartOps>([fault = chain->fault_](std::string_view rule) { fault("it " + std::string(rule)); });
  Services& services = *chain->services_;
  if (journal.store) {
    services.journal = std::make_unique<JournalTable>(*journal.store, journal.is_durable, journal.prefix);
    services.host.add_service(HEDDLE_JOURNAL, &JournalTable::service(), services.journal.get());
  }
  services.host.add_service(HEDDLE_ENDPOINTS, &PoolTable::service(), &services.pools);
  const void* table = nullptr;
  HostTable::take_failure();
  heddle_status status;
  {
    std::lock_guard setup((*library)->setup_mutex());
    status = factory->create(services.host.get(), entry.type->type.c_str(), params.get(), &chain->self_, &table);
  }
  if (status != HEDDLE_OK) {
    Error why = reason(status);
    why.error_class = ErrorClass::kConfig;
    return refused(entry, owner, "refuses its params").because(std::move(why));
  }
  const auto* const made = static_cast<const heddle_chain*>(table);
  if (!is_whole(made)) return refused(entry, owner, "breaks the contract: its table lacks a function");
  chain->table_ = made;
  return chain;
}

ChainHandle::~ChainHandle() {
  if (is_abandoned_) {
    leave_behind(std::shared_ptr<void>(self_, [](void*) {}));  // the plugin's own
    leave_behind(std::shared_ptr<Services>(std::move(services_)));
    leave_behind(std::shared_ptr<StartOps>(std::move(ops_)));
  } else if (table_) {
    services_->host.stop_posted();
    std::lock_guard setup(library_->setup_mutex());
    table_->base.destroy(self_);
  }
  std::map<uint64_t, Done> left;
  {
    std::lock_guard lock(open_->mutex);
    left.swap(open_->all);
  }
  if (!left.empty() && !is_abandoned_) fault_("it was destroyed, and never answered " + std::to_string(left.size()) + " of the questions that it was asked");
  for (const auto& [number, done] : left) done(Error("cancelled", "the chain is gone", ErrorClass::kCancelled));
}

Result<void> ChainHandle::start(const char* name, Slot slot, uint64_t limit_ms) {
  if (!slot) return {};
  auto answered = std::make_shared<std::promise<Result<void>>>();
  auto answer = answered->get_future();
  slot(self_, ops_->open_plain([answered](Result<void> outcome) { answered->set_value(std::move(outcome)); }));
  if (answer.wait_for(std::chrono::milliseconds(limit_ms)) == std::future_status::ready) return answer.get();
  is_abandoned_ = true;
  return Error("timeout", "chain \"" + owner_ + "\" is given up", ErrorClass::kConfig).because(too_late(name, "gave no answer", limit_ms));
}

Result<void> ChainHandle::activate(uint64_t limit_ms) { return start("activate", table_->base.activate, limit_ms); }
Result<void> ChainHandle::deactivate(uint64_t limit_ms) { return start("deactivate", table_->base.deactivate, limit_ms); }

heddle_op* ChainHandle::ask(Done done) {
  uint64_t number;
  {
    std::lock_guard lock(open_->mutex);
    number = ++open_->last;
    open_->all.emplace(number, std::move(done));
  }
  return ops_->open([open = open_, number](Result<Value> outcome) {
    Done waiting;
    {
      std::lock_guard lock(open->mutex);
      if (const auto found = open->all.find(number); found != open->all.end()) waiting = std::move(open->all.extract(found).mapped());
    }
    if (waiting) waiting(std::move(outcome));
  });
}

void ChainHandle::read(const Value& question, Done done) { table_->read(self_, question.get(), ask(std::move(done))); }
void ChainHandle::submit(std::string_view key, const Value& intent, Done done) { table_->submit(self_, {key.data(), key.size()}, intent.get(), ask(std::move(done))); }
void ChainHandle::events(const Value& filter, Done done) { table_->events(self_, filter.get(), ask(std::move(done))); }
void ChainHandle::transactions(const Value& filter, Done done) { table_->transactions(self_, filter.get(), ask(std::move(done))); }

}  // namespace heddle
