#include "serve/config.h"
#include "serve/plugin_settings.h"
#include "serve/remotes.h"
#include "value/json_value.h"

namespace heddle {
namespace {

Value texts(const std::vector<std::string>& list) {
  std::vector<Value> out;
  for (const std::string& text : list) out.push_back(json_text(text));
  return Value::list(std::move(out));
}

// The params as they were written: what a reference gives may be a secret.
Value params_json(const WrittenType& written) { return written.text == WrittenType::kNowhere ? json_object({}) : json_or_text(written.shown.json()); }

Value listener_json(const ListenSettings& listener) {
  const ListenLimits& limits = listener.limits;
  return json_object({{"transport", json_text(listener.transport)},
                      {"endpoint", json_text(listener.endpoint)},
                      {"params", params_json(listener.written)},
                      {"limits", json_object({{"body_bytes", json_count(limits.body_bytes)},
                                              {"requests", json_count(limits.requests)},
                                              {"header_ms", json_count(limits.header_ms)},
                                              {"request_ms", json_count(limits.request_ms)},
                                              {"idle_ms", json_count(limits.idle_ms)},
                                              {"stall_ms", json_count(limits.stall_ms)}})},
                      {"insecure", Value::boolean(listener.insecure)}});
}

Value token_json(const TokenSettings& token) {
  std::vector<std::string> scopes;
  for (const Scope scope : token.scopes) scopes.emplace_back(name_of(scope));
  return json_object({{"name", json_text(token.name)}, {"token", json_text("***")}, {"scopes", texts(scopes)}});
}

Value store_json(const StoreSettings& store) { return json_object({{"type", json_text(store.type)}, {"params", params_json(store.written)}}); }

Value node_types_json(const ExecuteSettings& execute) {
  std::vector<std::string> names;
  for (const auto& type : execute.node_types) names.push_back(type.name);
  return texts(names);
}

template <class List, class Fn>
Value list_of(const List& list, Fn&& json) {
  std::vector<Value> out;
  for (const auto& one : list) out.push_back(json(one));
  return Value::list(std::move(out));
}

}  // namespace

std::vector<std::pair<std::string, Value>> settings_of(const ServeConfig& config) {
  std::vector<std::pair<std::string, Value>> out = {
      {"threads", json_count(config.threads)},
      {"listen", list_of(config.listen, listener_json)},
      {"auth.tokens", list_of(config.tokens, token_json)},
      {"auth.open", texts(config.open_routes)},
      {"store", config.store ? store_json(*config.store) : Value::null()},
      {"execute.inline", Value::boolean(config.execute.inline_manifests)},
      {"execute.node_types", node_types_json(config.execute)},
      {"pipelines", json_text(config.pipelines)},
      {"state_dir", json_text(config.state_dir)},
      {"plugin_dirs", texts(config.plugin_dirs)},
      {"jobs.remembered", json_count(config.jobs.remembered)},
      {"jobs.dead", json_count(config.jobs.dead)},
      {"jobs.payload_bytes", json_count(config.jobs.payload_bytes)},
      {"drain_ms", json_count(config.drain_ms)},
      {"remotes", remotes_json(config.remotes)},
  };
  for (auto& setting : plugin_settings_of(config.plugins)) out.push_back(std::move(setting));
  for (const LaneSetup& setup : config.lanes) {
    const Value members = lane_setup_json(setup);
    for (size_t i = 0; i < members.size(); ++i) {
      std::string_view key;
      const Value value = members.at(i, &key);
      out.emplace_back("lanes." + setup.lane.name + "." + std::string(key), value);
    }
  }
  return out;
}

}  // namespace heddle
