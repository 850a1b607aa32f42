#include "transport.h"

namespace transport_http {
namespace {

using heddle::sdk::Config;
using heddle::sdk::Error;

std::string text_of(heddle::sdk::ValueRef map, std::string_view key) {
  const auto text = map.find(key).as_text();
  return text ? std::string(*text) : std::string();
}

}  // namespace

HttpTransport::HttpTransport(const Config& config) : exchanges_(config.host().get()), calls_(config.host().get()) {
  params_.connections = config.get<uint32_t>("connections", 128);
  params_.backlog = config.get<int>("backlog", 511);
  channel_params_.calls = config.get<uint32_t>("calls", 64);
  channel_params_.waiting = config.get<uint32_t>("waiting", 1024);
  channel_params_.keep_ms = config.get<uint32_t>("keep_ms", 30'000);
  const auto hosts = config.find("hosts");
  for (size_t i = 0; hosts && i < hosts.size(); ++i) params_.hosts.emplace_back(hosts.at(i).as_text().value_or(""));
  if (const auto tls = config.find("tls")) tls_ = load_tls({text_of(tls, "certificate"), text_of(tls, "key"), text_of(tls, "client_ca")});
}

std::string HttpTransport::listen(heddle_id id, heddle::sdk::ValueRef offer) {
  std::lock_guard lock(mutex_);
  if (listeners_.contains(id)) throw Error(HEDDLE_CONFLICT, "there is a listener " + std::to_string(id) + " already");
  auto listener = std::make_unique<Listener>(exchanges_, id, Offer(offer), tls_, params_);
  std::string endpoint = listener->endpoint();
  listeners_.emplace(id, std::move(listener));
  return endpoint;
}

bool HttpTransport::close(heddle_id id, uint64_t until_ns, std::function<void()> done) {
  std::lock_guard lock(mutex_);
  const auto found = listeners_.find(id);
  return found != listeners_.end() && found->second->close(until_ns, std::move(done));
}

void HttpTransport::connect(heddle_id id, heddle::sdk::ValueRef options) {
  calls_.check_host();
  auto channel = std::make_shared<Channel>(calls_, id, options, channel_params_);
  std::lock_guard lock(mutex_);
  std::erase_if(channels_, [](const auto& known) { return known.second->is_gone(); });
  if (!channels_.emplace(id, std::move(channel)).second) throw Error(HEDDLE_CONFLICT, "there is a channel " + std::to_string(id) + " already");
}

std::shared_ptr<Channel> HttpTransport::find(heddle_id channel) {
  std::lock_guard lock(mutex_);
  const auto found = channels_.find(channel);
  return found == channels_.end() ? nullptr : found->second;
}

void HttpTransport::call(heddle_id channel, const heddle_request& r) {
  if (const auto found = find(channel)) return found->call(r);
  heddle::sdk::Value::adopt(r.body);
  Asked nowhere;
  nowhere.id = r.exchange;
  calls_.fail(Call(std::move(nowhere)), trouble("cancelled", "there is no such channel"), false, true);
}

void HttpTransport::cancel(heddle_id id) {
  const auto call = calls_.find(id);
  if (!call) return;
  call->give_up();
  if (const auto channel = find(call->asked().channel)) channel->look();
}

void HttpTransport::grant(heddle_id id, uint32_t parts) {
  if (const auto call = calls_.find(id)) call->grant(parts);
}

bool HttpTransport::probe(heddle_id channel, heddle_op* op) {
  const auto found = find(channel);
  if (found) found->probe(op);
  return found != nullptr;
}

bool HttpTransport::disconnect(heddle_id channel, std::function<void()> done) {
  const auto found = find(channel);
  return found && found->disconnect(std::move(done));
}

}  // namespace transport_http
