#include "pipeline/remote_hosts.h"

#include <algorithm>
#include <future>
#include <utility>

#include "lanes/lanes.h"
#include "manifest/substitute.h"
#include "plugin/peer_call.h"
#include "plugin/peers.h"
#include "value/json_value.h"

namespace heddle {
namespace {

constexpr std::string_view kOperation = "types.list";

// What was put in for references here may look like one: over there it is read as it stands.
JsonNode escaped(JsonNode node) {
  if (node.kind == JsonKind::kString) node.text = escape_references(node.text);
  for (JsonNode& item : node.items) item = escaped(std::move(item));
  for (JsonNode::Member& member : node.members) member.value = escaped(std::move(member.value));
  return node;
}

Value tls_of(const ChannelTls& tls) {
  std::vector<std::pair<std::string, Value>> members;
  for (const auto& [name, value] : {std::pair("ca", &tls.ca), {"certificate", &tls.certificate}, {"key", &tls.key}, {"server_name", &tls.server_name}}) {
    if (!value->empty()) members.emplace_back(name, json_text(*value));
  }
  return json_object(std::move(members));
}

PeerSettings peers_of(const RemoteHost& host) {
  PeerSettings out{.transport = host.transport, .operations = {{.name = std::string(kOperation), .method = "GET", .path = "/v1/types", .stream = false}}, .tls = host.tls, .probe_ns = 0};
  std::vector<EndpointSpec>& pool = out.pools.emplace_back();
  for (const std::string& endpoint : host.endpoints) pool.push_back({.address = endpoint});
  return out;
}

std::string text_at(const Value& map, std::string_view key) {
  const Value found = map.find(key);
  return found ? std::string(found.as_text().value_or("")) : std::string();
}

bool is_true_at(const Value& map, std::string_view key) {
  const Value found = map.find(key);
  return found && found.as_bool().value_or(false);
}

HostCapabilities capabilities_of(const Value& said) {
  const Value cores = said.find("cores"), memory = said.find("memory_gb");
  return {.cores = static_cast<unsigned>(cores ? std::clamp<int64_t>(cores.as_int().value_or(0), 0, 1'000'000) : 0),
          .memory_gb = memory ? memory.as_float().value_or(0) : 0,
          .arch = text_at(said, "arch"),
          .has_gpu = is_true_at(said, "gpu"),
          .has_cuda = is_true_at(said, "cuda"),
          .has_rocm = is_true_at(said, "rocm")};
}

// {"types": [{"name","aliases","capabilities","inline"}], "capabilities": {…}}.
Result<HostOffer> read_offer(const RemoteHost& host, const Value& said) {
  const Value types = said.find("types"), capabilities = said.find("capabilities");
  if (types.kind() != HEDDLE_LIST || capabilities.kind() != HEDDLE_MAP) return Error("not-understood", "what it says of its types is not what a heddle host says");
  HostOffer out{.host = host, .capabilities = capabilities_of(capabilities)};
  out.capabilities.name = "it";
  for (size_t i = 0; i < types.size(); ++i) {
    const Value type = types.at(i), aliases = type.find("aliases"), needs = type.find("capabilities");
    if (!is_true_at(type, "inline")) continue;
    const std::string json = needs.kind() == HEDDLE_MAP ? needs.json() : "{}";
    out.types.emplace(text_at(type, "name"), json);
    for (size_t a = 0; aliases.kind() == HEDDLE_LIST && a < aliases.size(); ++a) out.types.emplace(aliases.at(a).as_text().value_or(""), json);
  }
  return out;
}

struct Question {
  std::shared_ptr<PeerGroup> group;
  std::shared_ptr<PeerCall> call;
  std::future<RemoteAnswer> answer;
};

Result<Question> ask(Peers& peers, const RemoteHost& host) {
  auto group = peers.open(peers_of(host));
  if (!group) return std::move(group).error();
  Question out{.group = *std::move(group), .call = nullptr, .answer = {}};
  const auto promise = std::make_shared<std::promise<RemoteAnswer>>();
  out.answer = promise->get_future();
  const CallPolicy policy{.timeout_ns = RemoteHosts::kAskMs * kNsPerMs, .retry = {.max_attempts = static_cast<uint32_t>(host.endpoints.size()), .first_ns = kNsPerMs}};
  out.call = out.group->call(policy, {.call = {.operation = std::string(kOperation), .token = host.auth_token}, .repeatable = true},
                             {.answered = [promise](PeerAnswer answer) { promise->set_value(std::move(answer.answer)); }});
  return out;
}

Result<HostOffer> hear(const RemoteHost& host, Result<Question> question) {
  if (!question) return std::move(question).error();
  const RemoteAnswer answer = question->answer.get();  // at its time limit at the latest
  if (!answer.is_ok()) return answer.why;
  const auto said = answer.json();
  if (!said) return said.error();
  return read_offer(host, *said);
}

std::vector<HostOffer> ask_all(const std::vector<RemoteHost>& hosts, const Catalog& catalog) {
  Lanes lanes(1);
  Peers peers(lanes, std::shared_ptr<const Catalog>(std::shared_ptr<void>(), &catalog));  // which outlives it
  std::vector<Result<Question>> questions;
  for (const RemoteHost& host : hosts) questions.push_back(ask(peers, host));
  std::vector<HostOffer> out;
  for (size_t i = 0; i < hosts.size(); ++i) {
    auto offer = hear(hosts[i], std::move(questions[i]));
    out.push_back(offer ? *std::move(offer) : HostOffer{.host = hosts[i], .silent = offer.error()});
  }
  return out;
}

}  // namespace

JsonNode params_to_run_on(const RemoteHost& host, const NodeSettings& settings) {
  std::vector<Value> endpoints;
  for (const std::string& endpoint : host.endpoints) endpoints.push_back(json_text(endpoint));
  Value node = json_object({{"id", json_text(settings.id)}, {"node_type", json_text(settings.node_type)}, {"params", json_or_text(escaped(settings.params).json())}});
  Value manifest = json_object({{"version", json_text("heddle/1")}, {"metadata", json_object({{"name", json_text(settings.id)}})}, {"nodes", Value::list({std::move(node)})}});
  std::vector<std::pair<std::string, Value>> out{{"transport", json_text(host.transport)},
                                                 {"endpoints", Value::list(std::move(endpoints))},
                                                 {"manifest_source", json_object({{"type", json_text("inline")}, {"manifest", std::move(manifest)}})}};
  if (!host.auth_token.empty()) out.emplace_back("auth_token", json_text(host.auth_token));
  if (host.tls) out.emplace_back("tls", tls_of(*host.tls));
  if (host.insecure) out.emplace_back("insecure", Value::boolean(true));
  if (settings.timeout_ms) out.emplace_back("timeout_ms", json_count(std::clamp<uint64_t>(*settings.timeout_ms, 1, 300'000)));
  if (settings.idempotent.value_or(false)) out.emplace_back("idempotent", Value::boolean(true));
  JsonNode read;
  Diagnostics none("", "");
  parse_document(json_object(std::move(out)).json(), read, none);  // a text of ours
  return read;
}

Result<void> RemoteHosts::find_out() {
  if (is_known_) return {};
  auto hosts = named_();
  if (!hosts) return std::move(hosts).error();
  hosts_ = *std::move(hosts);
  is_known_ = true;
  return {};
}

Result<const std::vector<HostOffer>*> RemoteHosts::all() {
  if (auto found = find_out(); !found) return std::move(found).error();
  if (!offers_) offers_ = ask_all(hosts_, catalog_);
  return &*offers_;
}

Result<const HostOffer*> RemoteHosts::at(const std::string& endpoint) {
  if (auto found = find_out(); !found) return std::move(found).error();
  const auto known = unnamed_.find(endpoint);
  if (known != unnamed_.end()) return &known->second;
  RemoteHost host{.name = endpoint, .endpoints = {endpoint}};
  for (const RemoteHost& named : hosts_) {
    if (std::find(named.endpoints.begin(), named.endpoints.end(), endpoint) == named.endpoints.end()) continue;
    host = named;
    host.endpoints = {endpoint};
    break;
  }
  return &unnamed_.emplace(endpoint, ask_all({host}, catalog_).front()).first->second;
}

}  // namespace heddle
