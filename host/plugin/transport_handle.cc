#include "plugin/transport_handle.h"

#include <algorithm>
#include <cstddef>

#include "log.h"

namespace heddle {
namespace {

Error refused(const CatalogEntry& entry, const std::string& owner, std::string what) {
  return Error("create-failed", "transport \"" + owner + "\" (" + entry.type->type + " of plugin " + entry.plugin->name + ") " + std::move(what),
               ErrorClass::kConfig);
}

Error reason(heddle_status status) {
  if (auto given = HostTable::take_failure()) return *std::move(given);
  return error_of_status(status, "it gave no reason");
}

Value number(uint64_t n) { return Value::integer(static_cast<int64_t>(std::min<uint64_t>(n, INT64_MAX))); }

Result<Value> value_of(const Offer& offer) {
  auto operations = value_of(offer.operations);
  if (!operations) return operations;
  const ListenLimits& l = offer.limits;
  auto limits = Value::map({{"body_bytes", number(l.body_bytes)},
                            {"requests", number(l.requests)},
                            {"header_ms", number(l.header_ms)},
                            {"request_ms", number(l.request_ms)},
                            {"idle_ms", number(l.idle_ms)},
                            {"stall_ms", number(l.stall_ms)}});
  auto endpoint = Value::string(offer.endpoint), otherwise = Value::string(offer.otherwise);
  if (!endpoint || !otherwise) return Error("invalid", "the endpoint, or an operation's name, is not UTF-8", ErrorClass::kConfig);
  std::vector<std::pair<std::string, Value>> members = {{"endpoint", *endpoint}, {"limits", *limits}, {"operations", *operations}};
  if (!offer.otherwise.empty()) members.emplace_back("otherwise", *otherwise);
  return Value::map(std::move(members));
}

Result<Value> value_of(const ChannelOptions& options) {
  auto operations = value_of(options.operations), headers = map_of(options.headers), endpoint = Value::string(options.endpoint);
  auto tls = value_of(options.tls.value_or(ChannelTls()));
  for (const auto* made : {&operations, &headers, &endpoint, &tls})
    if (!*made) return made->error();
  std::vector<std::pair<std::string, Value>> members = {{"endpoint", *endpoint},
                                                        {"operations", *operations},
                                                        {"headers", *headers},
                                                        {"connect_ms", number(options.connect_ms)},
                                                        {"most_body_bytes", number(options.most_body_bytes)}};
  if (options.tls) members.emplace_back("tls", *tls);
  return Value::map(std::move(members));
}

}  // namespace

Result<std::unique_ptr<TransportHandle>> TransportHandle::create(const CatalogEntry& entry, const std::string& owner, const Value& params,
                                                                 Lanes* lanes, LaneId lane, Outlet::Fault fault) {
  auto library = Library::load(*entry.plugin);
  if (!library) return refused(entry, owner, "cannot be created").because(std::move(library).error());
  const heddle_factory* factory = (*library)->factory(HEDDLE_KIND_TRANSPORT);
  if (!HEDDLE_HAS(factory, create)) return refused(entry, owner, "cannot be created: the plugin has no factory for transports");
  if (!fault)
    fault = [owner, plugin = entry.plugin->name](std::string_view rule) {
      log::write(log::Level::kError, owner, "transport of plugin " + plugin + ": " + std::string(rule));
    };

  std::unique_ptr<TransportHandle> transport(new TransportHandle(entry.type->type, std::move(fault)));
  transport->library_ = *library;
  transport->host_ = std::make_unique<HostTable>(owner, lanes, lane);
  transport->host_->add_service(HEDDLE_INBOX, &Inbox::service(), &transport->inbox_);
  const void* table = nullptr;
  HostTable::take_failure();
  heddle_status status;
  {
    std::lock_guard setup((*library)->setup_mutex());
    status = factory->create(transport->host_->get(), entry.type->type.c_str(), params.get(), &transport->self_, &table);
  }
  if (status != HEDDLE_OK) {
    Error why = reason(status);
    why.error_class = ErrorClass::kConfig;
    return refused(entry, owner, "refuses its params").because(std::move(why));
  }
  const auto* const made = static_cast<const heddle_transport*>(table);
  if (!made || made->struct_size < offsetof(heddle_transport, listen) || !made->base.destroy)
    return refused(entry, owner, "breaks the contract: its table lacks destroy");
  transport->table_ = made;
  transport->inbox_.outlet().open(made, transport->self_);
  return transport;
}

TransportHandle::~TransportHandle() {
  inbox_.outlet().close();
  if (table_) {
    host_->stop_posted();
    std::lock_guard setup(library_->setup_mutex());
    table_->base.destroy(self_);
  }
  inbox_.remove_all();
}


void TransportHandle::activate(Done done) {
  if (!table_->base.activate) return done({});
  table_->base.activate(self_, ops_.open_plain(std::move(done)));
}

void TransportHandle::deactivate(Done done) {
  if (!table_->base.deactivate) return done({});
  table_->base.deactivate(self_, ops_.open_plain(std::move(done)));
}

heddle_id TransportHandle::listen(const Offer& offer, Receive receive, Listening done) {
  if (!HEDDLE_HAS(table_, listen) || !HEDDLE_HAS(table_, answer) || !HEDDLE_HAS(table_, close) || !HEDDLE_HAS(table_, part) ||
      !HEDDLE_HAS(table_, end)) {
    done(Error("unsupported", "the transport of plugin " + plugin_name() + " cannot serve", ErrorClass::kConfig));
    return 0;
  }
  const auto value = value_of(offer);
  if (!value) {
    done(value.error());
    return 0;
  }
  Inbox::Listener listener{std::move(receive), {}, offer.limits.requests};
  for (const Operation& operation : offer.operations) listener.operations.insert(operation.name);
  if (!offer.otherwise.empty()) listener.operations.insert(offer.otherwise);
  const heddle_id id = inbox_.add(std::move(listener));
  heddle_op* const op = ops_.open([this, id, done = std::move(done)](Result<Value> answered) {
    if (!answered) {
      inbox_.remove(id);
      return done(std::move(answered).error());
    }
    const Value endpoint = *answered ? answered->find("endpoint") : Value();
    done(std::string(endpoint ? endpoint.as_text().value_or("") : ""));
  });
  table_->listen(self_, id, value->get(), op);
  return id;
}

void TransportHandle::close(heddle_id listener, uint64_t until_ns, Done done) {
  heddle_op* const op = ops_.open_plain([this, listener, done = std::move(done)](Result<void> closed) {
    if (closed) inbox_.remove(listener);
    done(std::move(closed));
  });
  table_->close(self_, listener, until_ns, op);
}

void TransportHandle::connect(const ChannelOptions& options, Connected done) {
  if (!HEDDLE_HAS(table_, connect) || !HEDDLE_HAS(table_, call) || !HEDDLE_HAS(table_, probe) || !HEDDLE_HAS(table_, disconnect) ||
      !HEDDLE_HAS(table_, cancel))
    return done(Error("unsupported", "the transport of plugin " + plugin_name() + " cannot call anybody", ErrorClass::kConfig));
  const auto value = value_of(options);
  if (!value) return done(value.error());
  const heddle_id id = inbox_.new_id();
  inbox_.calls().add(id);
  heddle_op* const op = ops_.open([this, id, endpoint = options.endpoint, done = std::move(done)](Result<Value> answered) {
    if (answered) return done(std::make_unique<Channel>(*this, id, endpoint));
    inbox_.calls().remove(id);
    done(std::move(answered).error());
  });
  table_->connect(self_, id, value->get(), op);
}

void TransportHandle::probe(heddle_id channel, Done done) { table_->probe(self_, channel, ops_.open_plain(std::move(done))); }

void TransportHandle::disconnect(heddle_id channel, Done done) {
  table_->disconnect(self_, channel, ops_.open_plain([this, channel, done = std::move(done)](Result<void> outcome) {
                       inbox_.calls().remove(channel);
                       done(std::move(outcome));
                     }));
}

}  // namespace heddle
