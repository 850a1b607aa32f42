#include "endpoints.h"

#include <vector>

namespace node_remote {
namespace {

using namespace heddle::sdk;

std::string_view host_of(std::string_view endpoint) {
  if (const size_t scheme = endpoint.find("://"); scheme != endpoint.npos) endpoint.remove_prefix(scheme + 3);
  endpoint = endpoint.substr(0, endpoint.find('/'));
  if (endpoint.starts_with('[')) return endpoint.substr(1, endpoint.find(']') - 1);
  return endpoint.substr(0, endpoint.rfind(':'));
}

bool is_loopback_v4(std::string_view host) { return host.starts_with("127.") && host.find_first_not_of("0123456789.") == host.npos; }

std::string address_of(ValueRef endpoint) {
  const ValueRef address = endpoint.is(HEDDLE_MAP) ? endpoint.find("address") : endpoint;
  if (!address.is(HEDDLE_STRING) || address.as_text()->empty())
    throw Error(HEDDLE_INVALID, "an endpoint is a text like \"host:port\", or an object with \"address\" and \"weight\", not " + describe(endpoint));
  return std::string(*address.as_text());
}

int64_t weight_of(ValueRef endpoint) {
  const ValueRef weight = endpoint.is(HEDDLE_MAP) ? endpoint.find("weight") : ValueRef();
  return weight ? weight.as_int().value_or(1) : 1;
}

}  // namespace

bool is_on_loopback(std::string_view endpoint) {
  const std::string_view host = host_of(endpoint);
  return host == "localhost" || host == "::1" || is_loopback_v4(host);
}

bool asks_for_tls(std::string_view endpoint) { return endpoint.starts_with("https://"); }

Value read_pool(ValueRef endpoints, bool has_tls, bool insecure) {
  std::vector<Value> pool;
  for (size_t i = 0; i < endpoints.size(); ++i) {
    const std::string address = address_of(endpoints.at(i));
    if (!has_tls && !insecure && !asks_for_tls(address) && !is_on_loopback(address)) {
      throw Error(HEDDLE_INVALID, "the endpoint \"" + address + "\" is on another machine, and anybody on the way could read and change what is said: say \"tls\": {} or https://, or write \"insecure\": true");
    }
    pool.push_back(Value::map({{"address", Value::string(address)}, {"weight", Value::integer(weight_of(endpoints.at(i)))}}));
  }
  return Value::list(std::move(pool));
}

Value endpoints_of(ValueRef options) {
  const ValueRef pools = options.find("pools");
  std::vector<Value> all;
  for (size_t pool = 0; pool < pools.size(); ++pool)
    for (size_t i = 0; i < pools.at(pool).size(); ++i) all.push_back(Value::share(pools.at(pool).at(i).find("address")));
  return Value::list(std::move(all));
}

}  // namespace node_remote
