#include "transport.h"

#include <grpc/grpc.h>
#include <heddle/sdk/quiet.h>

#include "messages.h"

namespace transport_grpc {

using heddle::sdk::Error;

Library::Library() {
  const heddle::sdk::BlockSignals blocked;
  grpc_init();
}
Library::~Library() { grpc_shutdown_blocking(); }

GrpcTransport::GrpcTransport(const heddle::sdk::Config& config) : exchanges_(config.host().get()), calls_(config.host().get()) {
  params_.reflection = config.get<bool>("reflection", true);
  if (const auto tls = config.find("tls")) params_.tls = {text_of(tls, "certificate"), text_of(tls, "key"), text_of(tls, "client_ca")};
  server_credentials(params_.tls);  // what is wrong with the files is said now
}

std::string GrpcTransport::listen(heddle_id id, heddle::sdk::ValueRef offer) {
  std::lock_guard lock(mutex_);
  if (listeners_.contains(id)) throw Error(HEDDLE_CONFLICT, "there is a listener " + std::to_string(id) + " already");
  auto listener = std::make_unique<Listener>(exchanges_, id, Offer(offer), params_);
  std::string endpoint = listener->endpoint();
  listeners_.emplace(id, std::move(listener));
  return endpoint;
}

bool GrpcTransport::close(heddle_id id, uint64_t until_ns, std::function<void()> done) {
  std::lock_guard lock(mutex_);
  const auto found = listeners_.find(id);
  return found != listeners_.end() && found->second->close(until_ns, std::move(done));
}

void GrpcTransport::connect(heddle_id id, heddle::sdk::ValueRef options) {
  calls_.check_host();
  auto channel = std::make_shared<Channel>(calls_, options);
  std::lock_guard lock(mutex_);
  std::erase_if(channels_, [](const auto& known) { return known.second->is_gone(); });
  if (!channels_.emplace(id, std::move(channel)).second) throw Error(HEDDLE_CONFLICT, "there is a channel " + std::to_string(id) + " already");
}

std::shared_ptr<Channel> GrpcTransport::find(heddle_id channel) {
  std::lock_guard lock(mutex_);
  const auto found = channels_.find(channel);
  return found == channels_.end() ? nullptr : found->second;
}

void GrpcTransport::call(heddle_id channel, const heddle_request& r) {
  if (const auto found = find(channel)) return found->call(r);
  heddle::sdk::Value::adopt(r.body);
  Asked nowhere;
  nowhere.id = r.exchange;
  calls_.fail(nowhere, failure("cancelled", "there is no such channel"), false, true);
}

bool GrpcTransport::probe(heddle_id channel, heddle_op* op) {
  const auto found = find(channel);
  if (found) found->probe(op);
  return found != nullptr;
}

bool GrpcTransport::disconnect(heddle_id channel, std::function<void()> done) {
  const auto found = find(channel);
  return found && found->disconnect(std::move(done));
}

}  // namespace transport_grpc
