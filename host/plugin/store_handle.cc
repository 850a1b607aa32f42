#include "plugin/store_handle.h"

#include <future>

#include "log.h"

namespace heddle {
namespace {

heddle_str str(std::string_view text) { return {text.data(), text.size()}; }
heddle_bytes bytes(std::string_view text) { return {text.data(), text.size()}; }

heddle_queue_lease raw(const QueueLease& lease) {
  return {sizeof(heddle_queue_lease), lease.attempt, lease.id, str(lease.queue)};
}

bool has_all(const heddle_queue* q) {
  return HEDDLE_HAS(q, enqueue) && HEDDLE_HAS(q, lease) && HEDDLE_HAS(q, extend) && HEDDLE_HAS(q, ack) && HEDDLE_HAS(q, nack);
}

}  // namespace

Result<std::unique_ptr<StoreHandle>> StoreHandle::create(const CatalogEntry& entry, const std::string& id, const Value& params, Lanes* lanes,
                                                         LaneId lane) {
  const std::string subject = "store \"" + id + "\" (" + entry.type->type + " of plugin " + entry.plugin->name + ")";
  const auto refused = [&](const char* what) { return Error("create-failed", subject + " " + what, ErrorClass::kConfig); };
  auto library = Library::load(*entry.plugin);
  if (!library) return refused("cannot be created").because(std::move(library).error());
  const heddle_factory* factory = (*library)->factory(HEDDLE_KIND_STORE);
  if (!HEDDLE_HAS(factory, create)) return refused("cannot be created: the plugin has no factory for stores");

  std::unique_ptr<StoreHandle> store(new StoreHandle);
  store->subject_ = subject;
  store->faults_->id = id;
  store->faults_->plugin = entry.plugin->name;
  store->library_ = *library;
  store->lanes_ = lanes;
  store->host_ = std::make_shared<HostTable>(id, lanes, lane);
  const void* table = nullptr;
  void* self = nullptr;
  HostTable::take_failure();
  heddle_status status;
  {
    std::lock_guard setup((*library)->setup_mutex());
    status = factory->create(store->host_->get(), entry.type->type.c_str(), params.get(), &self, &table);
  }
  if (status != HEDDLE_OK) {
    auto given = HostTable::take_failure();
    Error why = given ? *std::move(given) : error_of_status(status, "it gave no reason");
    why.error_class = ErrorClass::kConfig;
    return refused("refuses its params").because(std::move(why));
  }
  const auto* const made = static_cast<const heddle_store*>(table);
  if (!HEDDLE_HAS(made, commit) || !HEDDLE_HAS(made, get) || !HEDDLE_HAS(made, scan) || !made->base.destroy)
    return refused("breaks the contract: its table lacks commit, get, scan or destroy");
  store->table_ = made;
  store->self_ = self;
  if (made->base.get_extension) store->queue_ = static_cast<const heddle_queue*>(made->base.get_extension(self, HEDDLE_QUEUE));
  if (!has_all(store->queue_)) store->queue_ = nullptr;
  return store;
}

StoreHandle::~StoreHandle() {
  if (abandoned_) {
    leave_behind(std::shared_ptr<void>(self_, [](void*) {}));  // the plugin's own
    leave_behind(std::move(host_));
    leave_behind(std::move(asked_));
    for (auto& op : starts_) leave_behind(std::move(op));
    return;
  }
  if (!table_) return;  // a create that fails leaves nothing to destroy
  std::lock_guard setup(library_->setup_mutex());
  table_->base.destroy(self_);
}

heddle_op* StoreHandle::start_op(StartCall::Done done) {
  auto op = std::make_shared<StartOp>([done = std::move(done)](Result<Value> outcome) { done(outcome ? Result<void>() : std::move(outcome).error()); });
  op->on_fault([faults = faults_](std::string_view rule) { faults->add(rule); });
  return starts_.emplace_back(std::move(op))->handle();
}

Result<void> StoreHandle::start(const char* name, Slot slot, uint64_t limit_ms, Lanes* lanes) {
  if (!slot) return {};
  auto answered = std::make_shared<std::promise<Result<void>>>();
  auto answer = answered->get_future();
  const StartCall::Done tell = [answered](Result<void> outcome) { answered->set_value(std::move(outcome)); };
  Result<void> outcome;
  if (lanes) {
    post(*lanes, {.name = name, .limit_ms = limit_ms, .call = [this, slot](StartCall::Done done) { slot(self_, start_op(std::move(done))); },
                  .give_up = [this] { abandoned_ = true; }, .done = tell});
    outcome = answer.get();
  } else {
    slot(self_, start_op(tell));
    abandoned_ = answer.wait_for(std::chrono::milliseconds(limit_ms)) != std::future_status::ready;
    outcome = abandoned_ ? too_late(name, "gave no answer", limit_ms) : answer.get();
  }
  if (!abandoned_) return outcome;
  return Error("timeout", subject_ + " is given up", ErrorClass::kConfig).because(std::move(outcome).error());
}

Result<void> StoreHandle::activate(uint64_t limit_ms) { return start("activate", table_->base.activate, limit_ms, lanes_); }

Result<void> StoreHandle::deactivate(uint64_t limit_ms) {
  Result<void> outcome = start("deactivate", table_->base.deactivate, limit_ms, nullptr);
  std::vector<heddle_op*> missing;
  {
    std::lock_guard lock(mutex_);
    for (Asked& asked : *asked_)
      if (asked.open) missing.push_back(asked.op.handle());
  }
  for (heddle_op* const op : missing) {
    faults_->add("was deactivated without completing an operation");
    op_service().complete(op, HEDDLE_INTERNAL, nullptr, str("the plugin never answered"));
  }
  return outcome;
}

heddle_op* StoreHandle::ask(Done done) {
  Asked* asked;
  {
    std::lock_guard lock(mutex_);
    if (free_.empty()) {
      asked = &asked_->emplace_back();
      asked->op.on_fault([faults = faults_](std::string_view rule) { faults->add(rule); });
    } else {
      asked = free_.back();
      free_.pop_back();
    }
    asked->open = true;
  }
  asked->done = std::move(done);
  asked->op.reopen([this, asked](Result<Value> outcome) { answer(*asked, std::move(outcome)); });
  return asked->op.handle();
}

void StoreHandle::answer(Asked& asked, Result<Value> outcome) {
  const Done done = std::exchange(asked.done, {});
  {
    std::lock_guard lock(mutex_);
    asked.open = false;
    free_.push_back(&asked);
  }
  done(std::move(outcome));
}

void StoreHandle::Faults::add(std::string_view rule) {
  count.fetch_add(1, std::memory_order_relaxed);
  log::write(log::Level::kError, id, "plugin " + plugin + " broke the contract: it " + std::string(rule));
}

void StoreHandle::commit(std::span<const heddle_write> writes, Done done) {
  table_->commit(self_, writes.data(), static_cast<uint32_t>(writes.size()), ask(std::move(done)));
}

void StoreHandle::get(std::string_view key, Done done) {
  const heddle_bytes k = bytes(key);
  table_->get(self_, &k, ask(std::move(done)));
}

void StoreHandle::scan(const StoreRange& range, Done done) {
  const heddle_range r = {sizeof(heddle_range), range.limit, bytes(range.from), bytes(range.until), range.max_bytes};
  table_->scan(self_, &r, ask(std::move(done)));
}

void StoreHandle::enqueue(std::string_view queue, std::string_view payload, std::string_view dedupe, uint64_t run_at_ms, Done done) {
  const heddle_queue_job job = {sizeof(heddle_queue_job), bytes(payload), str(dedupe), run_at_ms};
  queue_->enqueue(self_, str(queue), &job, ask(std::move(done)));
}

void StoreHandle::lease(std::string_view queue, std::string_view owner, uint32_t limit, uint64_t lease_ms, Done done) {
  queue_->lease(self_, str(queue), str(owner), limit, lease_ms, ask(std::move(done)));
}

void StoreHandle::extend(const QueueLease& lease, uint64_t lease_ms, Done done) {
  const heddle_queue_lease l = raw(lease);
  queue_->extend(self_, &l, lease_ms, ask(std::move(done)));
}

void StoreHandle::ack(const QueueLease& lease, Done done) {
  const heddle_queue_lease l = raw(lease);
  queue_->ack(self_, &l, ask(std::move(done)));
}

void StoreHandle::nack(const QueueLease& lease, uint64_t delay_ms, Done done) {
  const heddle_queue_lease l = raw(lease);
  queue_->nack(self_, &l, delay_ms, ask(std::move(done)));
}

}  // namespace heddle
