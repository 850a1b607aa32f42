#include "plugin/node_handle.h"

#include <heddle/draft/sources.h>

#include "log.h"

namespace heddle {
namespace {

Error refused(const CatalogEntry& entry, const std::string& node_id, std::string what) {
  return Error("create-failed", "node \"" + node_id + "\" (" + entry.type->type + " of plugin " + entry.plugin->name + ") " + std::move(what),
               ErrorClass::kConfig);
}

// The reason a plugin gave for the failure it returned, or a sentence that says it gave none.
Error reason(heddle_status status) {
  if (auto given = HostTable::take_failure()) return *std::move(given);
  return error_of_status(status, "it gave no reason");
}

}  // namespace

Result<std::unique_ptr<NodeHandle>> NodeHandle::create(const CatalogEntry& entry, const std::string& node_id, const Value& params, Lanes* lanes,
                                                       LaneId lane, NodeAccess access) {
  auto library = Library::load(*entry.plugin);
  if (!library) return refused(entry, node_id, "cannot be created").because(std::move(library).error());
  const heddle_factory* factory = (*library)->factory(HEDDLE_KIND_NODE);
  if (!HEDDLE_HAS(factory, create)) return refused(entry, node_id, "cannot be created: the plugin has no factory for nodes");

  std::unique_ptr<NodeHandle> node(new NodeHandle);
  node->library_ = *library;
  node->subject_ = "node \"" + node_id + "\" (" + entry.type->type + " of plugin " + entry.plugin->name + ")";
  node->blame_ = "plugin " + entry.plugin->name + " broke the contract: node \"" + node_id + "\" (" + entry.type->type + ") ";
  const char* const subject = node->subject_.c_str();
  node->host_ = std::make_unique<HostTable>(node_id, lanes, lane);
  if (access.peers.peers) {
    node->peers_ = std::make_unique<PeerTable>(std::move(access.peers));
    node->host_->add_service(HEDDLE_PEERS, &PeerTable::service(), node->peers_.get());
  }
  if (access.sidecars.sidecars) {
    node->sidecars_ = std::make_unique<SidecarTable>(access.sidecars);
    node->host_->add_service(HEDDLE_SIDECARS, &SidecarTable::service(), node->sidecars_.get());
  }
  if (access.chains.chains) {
    node->chains_ = std::make_unique<ChainTable>(access.chains);
    node->host_->add_service(HEDDLE_CHAINS, &ChainTable::service(), node->chains_.get());
  }
  const void* table = nullptr;
  HostTable::take_failure();
  heddle_status status;
  {
    std::lock_guard setup((*library)->setup_mutex());
    status = last_words::inside("create", subject, [&] {
      return factory->create(node->host_->get(), entry.type->type.c_str(), params.get(), &node->self_, &table);
    });
  }
  if (status != HEDDLE_OK) {
    Error why = reason(status);
    why.error_class = ErrorClass::kConfig;
    node->abandoned_ = true;  // a create that fails leaves nothing to destroy
    return refused(entry, node_id, "refuses its params").because(std::move(why));
  }
  node->table_ = static_cast<const heddle_node*>(table);
  if (!HEDDLE_HAS(node->table_, process) || !node->table_->base.destroy) {
    node->abandoned_ = true;
    return refused(entry, node_id, "breaks the contract: its table lacks process or destroy");
  }
  if (node->table_->base.get_extension) {
    node->state_ = static_cast<const heddle_state*>(
        last_words::inside("get_extension", subject, [&] { return node->table_->base.get_extension(node->self_, HEDDLE_STATE); }));
    if (!HEDDLE_HAS(node->state_, save) || !HEDDLE_HAS(node->state_, restore)) node->state_ = nullptr;
  }
  return node;
}

NodeHandle::~NodeHandle() {
  if (abandoned_) {
    if (table_) {  // the hanging thread may still call through them
      static_cast<void>(host_.release());
      static_cast<void>(peers_.release());
      static_cast<void>(sidecars_.release());
      static_cast<void>(chains_.release());
    }
    for (auto& op : starts_) op.release();
    return;
  }
  if (peers_) peers_->close_all();
  if (sidecars_) sidecars_->close_all();
  if (chains_) chains_->close_all();
  // What it has posted may still run while it goes: destroy waits for that. The host table drops what a plugin leaves behind.
  std::lock_guard setup(library_->setup_mutex());
  last_words::inside("destroy", subject_.c_str(), [&] { table_->base.destroy(self_); });
}

std::vector<std::shared_ptr<const WorkerGroup>> NodeHandle::worker_groups() const {
  return sidecars_ ? sidecars_->groups() : std::vector<std::shared_ptr<const WorkerGroup>>();
}

heddle_op* NodeHandle::start(Done done) {
  starts_.push_back(std::make_unique<StartOp>([done = std::move(done)](Result<Value> outcome) {
    if (outcome) done({});
    else done(std::move(outcome).error());
  }));
  starts_.back()->on_fault([blame = blame_](std::string_view rule) { log::write(log::Level::kWarn, {}, blame + std::string(rule)); });
  return starts_.back()->handle();
}

void NodeHandle::activate(Done done) {
  if (!table_->base.activate) return done({});
  heddle_op* const op = start(std::move(done));
  last_words::inside("activate", subject_.c_str(), [&] { table_->base.activate(self_, op); });
}

void NodeHandle::deactivate(Done done) {
  if (!table_->base.deactivate) return done({});
  heddle_op* const op = start(std::move(done));
  last_words::inside("deactivate", subject_.c_str(), [&] { table_->base.deactivate(self_, op); });
}

Value NodeHandle::save() {
  if (!state_) return {};
  return Value::adopt(last_words::inside("save", subject_.c_str(), [&] { return state_->save(self_); }));
}

Result<void> NodeHandle::restore(const Value& saved) {
  HostTable::take_failure();
  const heddle_status status = last_words::inside("restore", subject_.c_str(), [&] { return state_->restore(self_, saved.get()); });
  if (status == HEDDLE_OK) return {};
  return reason(status);
}

Result<Value> NodeHandle::sources() {
  if (!table_->base.get_extension) return Value();
  return last_words::inside("sources", subject_.c_str(), [&]() -> Result<Value> {
    const auto* const table = static_cast<const heddle_sources*>(table_->base.get_extension(self_, HEDDLE_SOURCES));
    if (!HEDDLE_HAS(table, list)) return Value();
    HostTable::take_failure();
    heddle_value* const list = table->list(self_);
    if (!list) return reason(HEDDLE_INTERNAL);
    return Value::adopt(list);
  });
}

void NodeHandle::resume(CallBatch& batch, uint32_t index, uint32_t port) {
  last_words::inside("resume", subject_.c_str(), [&] { table_->resume(self_, batch.handle(index), port); });
}

void NodeHandle::cancel(CallBatch& batch) {
  batch.cancel();
  if (!HEDDLE_HAS(table_, cancel)) return;
  for (uint32_t i = 0; i < batch.count(); ++i) {
    if (batch.is_open(i)) last_words::inside("cancel", subject_.c_str(), [&] { table_->cancel(self_, batch.handle(i)); });
  }
}

}  // namespace heddle
