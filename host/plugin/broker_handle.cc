#include "plugin/broker_handle.h"

#include <utility>

#include "core_files.h"
#include "log.h"
#include "plugin/secrets.h"

namespace heddle {
namespace {

Error refused(const CatalogEntry& entry, const std::string& owner, std::string what) {
  return Error("create-failed", "broker \"" + owner + "\" (" + entry.type->type + " of plugin " + entry.plugin->name + ") " + std::move(what), ErrorClass::kConfig);
}

Error reason(heddle_status status) {
  if (auto given = HostTable::take_failure()) return *std::move(given);
  return error_of_status(status, "it gave no reason");
}

Result<GrantedUrl> url_in(const Result<Value>& outcome) {
  if (!outcome) return outcome.error();
  const Value url = outcome->find("url"), expires = outcome->find("expires_unix");
  if (!url || url.kind() != HEDDLE_STRING || !expires || !expires.as_int()) return Error("internal", "the broker's answer has no URL, or does not say how long it is good");
  return GrantedUrl{.url = std::string(*url.as_text()), .expires_unix = *expires.as_int()};
}

}  // namespace

Result<std::unique_ptr<BrokerHandle>> BrokerHandle::create(const CatalogEntry& entry, const std::string& owner, const Value& params, Lanes* lanes, LaneId lane, Fault fault) {
  leave_no_core_file();  // it has credentials
  redact_secrets(entry.type->params_schema, params);
  auto library = Library::load(*entry.plugin);
  if (!library) return refused(entry, owner, "cannot be created").because(std::move(library).error());
  const heddle_factory* factory = (*library)->factory(HEDDLE_KIND_BROKER);
  if (!HEDDLE_HAS(factory, create)) return refused(entry, owner, "cannot be created: the plugin has no factory for brokers");
  if (!fault)
    fault = [owner, plugin = entry.plugin->name](std::string_view rule) { log::write(log::Level::kError, owner, "broker of plugin " + plugin + ": " + std::string(rule)); };

  std::unique_ptr<BrokerHandle> broker(new BrokerHandle);
  broker->fault_ = std::move(fault);
  broker->library_ = *library;
  broker->host_ = std::make_unique<HostTable>(owner, lanes, lane);
  const void* table = nullptr;
  HostTable::take_failure();
  heddle_status status;
  {
    std::lock_guard setup((*library)->setup_mutex());
    status = factory->create(broker->host_->get(), entry.type->type.c_str(), params.get(), &broker->self_, &table);
  }
  if (status != HEDDLE_OK) {
    Error why = reason(status);
    why.error_class = ErrorClass::kConfig;
    return refused(entry, owner, "refuses its params").because(std::move(why));
  }
  const auto* const made = static_cast<const heddle_broker*>(table);
  if (!HEDDLE_HAS(made, grant) || !made->base.destroy) return refused(entry, owner, "breaks the contract: its table lacks a function");
  broker->table_ = made;
  return broker;
}

BrokerHandle::~BrokerHandle() {
  if (!table_) return;
  host_->stop_posted();
  {
    std::lock_guard setup(library_->setup_mutex());
    table_->base.destroy(self_);
  }
  std::map<uint64_t, Granted> left;
  {
    std::lock_guard lock(mutex_);
    left.swap(open_);
  }
  if (!left.empty()) fault_("it was destroyed, and never answered " + std::to_string(left.size()) + " of the grants that it was asked for");
  for (const auto& [number, granted] : left) granted(Error("cancelled", "the broker is gone", ErrorClass::kCancelled));
}

BrokerHandle::Granted BrokerHandle::take(uint64_t number) {
  std::lock_guard lock(mutex_);
  const auto found = open_.find(number);
  return found == open_.end() ? nullptr : std::move(open_.extract(found).mapped());
}

void BrokerHandle::grant(GrantMethod method, const std::string& object, uint64_t lifetime_ns, Granted granted) {
  uint64_t number;
  {
    std::lock_guard lock(mutex_);
    number = ++last_;
    open_.emplace(number, std::move(granted));
  }
  heddle_grant g{};
  g.struct_size = sizeof g;
  g.method = static_cast<uint32_t>(method);
  g.object = {object.data(), object.size()};
  g.lifetime_ns = lifetime_ns;
  table_->grant(self_, &g, ops_.open([this, number](const Result<Value>& outcome) {
    if (const Granted waiting = take(number)) waiting(url_in(outcome));
  }));
}

}  // namespace heddle
