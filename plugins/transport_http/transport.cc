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

HttpTransport::HttpTransport(const Config& config) : exchanges_(config.host().get()) {
  params_.connections = config.get<uint32_t>("connections", 128);
  params_.backlog = config.get<int>("backlog", 511);
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

}  // namespace transport_http
