#include "settings.h"

#include "hex.h"

namespace chain_evm {
namespace {

using heddle::sdk::Config;
using heddle::sdk::Error;
using heddle::sdk::Secret;
using heddle::sdk::Value;
using heddle::sdk::ValueRef;
using Entries = std::vector<Value::Entry>;

std::string text_in(ValueRef map, std::string_view key) { return std::string(map.find(key).as_text().value_or("")); }

void check_plain(const Url& url, bool is_insecure) {
  if (!url.has_tls && !url.is_loopback() && !is_insecure)
    throw Error(HEDDLE_INVALID, "the endpoint " + url.origin + " is not on this machine and would be spoken to in plain text: use https, or say \"insecure\": true");
}

EndpointSetting read_endpoint(ValueRef value, bool is_insecure) {
  EndpointSetting read{.url = Url::parse(value.is(HEDDLE_STRING) ? *value.as_text() : text_in(value, "url")), .hints = {}, .weight = 1, .token = Secret("token", value.find("token"))};
  read.weight = static_cast<uint32_t>(value.find("weight").as_int().value_or(1));
  if (read.url.is_websocket) throw Error(HEDDLE_INVALID, "the endpoint " + read.url.origin + " must be http or https; a WebSocket is named by \"hints\"");
  check_plain(read.url, is_insecure);
  if (const ValueRef hints = value.find("hints")) {
    read.hints = Url::parse(hints.as_text().value_or(""));
    if (!read.hints->is_websocket) throw Error(HEDDLE_INVALID, "\"hints\" must begin with ws:// or wss://");
    check_plain(*read.hints, is_insecure);
  }
  return read;
}

Amount amount(const Config& config, std::string_view key, const Amount& otherwise) {
  const ValueRef found = config.find(key);
  if (!found) return otherwise;
  try {
    return read_amount(found);
  } catch (const Error& why) {
    throw Error(HEDDLE_INVALID, "the param \"" + std::string(key) + "\": " + why.what());
  }
}

std::string contract(ValueRef contracts, std::string_view key) {
  const ValueRef found = contracts.find(key);
  if (!found) return {};
  try {
    return parse_address(found.as_text().value_or(""));
  } catch (const Error& why) {
    throw Error(HEDDLE_INVALID, "the contract \"" + std::string(key) + "\": " + why.what());
  }
}

// A node that failed is asked again after a second: there may be no other, and what waits is not worth less for that. Whatever else is said holds.
Value with_short_break(ValueRef breaker) {
  static constexpr std::string_view kReset = "reset_timeout_ms";
  if (breaker && (!breaker.is(HEDDLE_MAP) || breaker.find(kReset))) return Value::share(breaker);
  Entries members;
  for (size_t i = 0; breaker && i < breaker.size(); ++i) {
    std::string_view key;
    const ValueRef value = breaker.at(i, &key);
    members.push_back({key, Value::share(value)});
  }
  members.push_back({kReset, Value::integer(1'000)});
  return Value::map(members);
}

}  // namespace

Settings::Settings(const Config& config)
    : chain_id(config.get<uint64_t>("chain_id", 0)),
      key(Value::share(config.find("key"))),
      interface(config.find("interface")),
      load_balance(Value::share(config.find("load_balance"))),
      circuit_breaker(with_short_break(config.find("circuit_breaker"))),
      poll_ms(config.get<uint64_t>("poll_ms", 1000)),
      idle_ms(std::max<uint64_t>(poll_ms, 15'000)),
      confirmations(12),
      most_lag(config.get<uint64_t>("most_lag_blocks", 5)),
      lag_ms(config.get<uint64_t>("lag_ms", 10'000)),
      keep_days(config.get<uint64_t>("keep_days", 30)),
      gas(config.get<uint64_t>("gas", 0)),
      most_log_blocks(config.get<uint64_t>("most_log_blocks", 2000)),
      simulates(config.get<bool>("simulate", true)),
      tip_percentile(config.get<uint32_t>("tip_percentile", 50)),
      gas_margin_percent(config.get<uint32_t>("gas_margin_percent", 20)),
      most_open(config.get<size_t>("most_open", 4096)) {
  const bool is_insecure = config.get<bool>("insecure", false);
  const ValueRef all = config.find("endpoints"), depth = config.find("confirmations"), addresses = config.find("contracts");
  for (size_t i = 0; i < all.size(); ++i) endpoints.push_back(read_endpoint(all.at(i), is_insecure));
  if (endpoints.empty()) throw Error(HEDDLE_INVALID, "the param \"endpoints\" must name one at least");
  is_finalized = depth.as_text() == "finalized";
  if (const auto blocks = depth.as_int()) confirmations = static_cast<uint64_t>(*blocks);
  contracts = {.task_queue = contract(addresses, "task_queue"), .control_plane = contract(addresses, "control_plane"), .workflow_engine = contract(addresses, "workflow_engine")};
  if (config.find("lease_s")) lease_s = config.get<uint64_t>("lease_s");
  fees = {.least_tip = amount(config, "min_tip_wei", fees.least_tip),
          .most_tip = amount(config, "max_tip_wei", fees.most_tip),
          .most_cap = amount(config, "max_fee_wei", fees.most_cap),
          .bump_permille = static_cast<uint32_t>(config.get<double>("bump_percent", 12.5) * 10 + 0.5)};
  if (fees.least_tip > fees.most_tip) throw Error(HEDDLE_INVALID, "\"min_tip_wei\" is more than \"max_tip_wei\"");
  lane.window = config.get<size_t>("window", lane.window);
  lane.bump_after_ms = config.get<uint64_t>("bump_after_ms", lane.bump_after_ms);
  lane.rebroadcast_ms = config.get<uint64_t>("rebroadcast_ms", lane.rebroadcast_ms);
  network.ca = config.get<std::string>("ca", "");
  network.connect_ms = config.get<uint64_t>("connect_ms", network.connect_ms);
  network.answer_ms = config.get<uint64_t>("answer_ms", network.answer_ms);
  network.most_bytes = config.get<size_t>("most_answer_bytes", network.most_bytes);
  rpc.most_batch = config.get<size_t>("most_batch", rpc.most_batch);
}

std::vector<Site> Settings::sites() const {
  std::vector<Site> sites;
  for (const EndpointSetting& endpoint : endpoints) sites.push_back({.url = endpoint.url, .token = endpoint.token.read()});
  return sites;
}

std::vector<std::string> Settings::origins() const {
  std::vector<std::string> origins;
  for (const EndpointSetting& endpoint : endpoints) origins.push_back(endpoint.url.origin);
  return origins;
}

}  // namespace chain_evm
