#include <algorithm>

#include "pipeline/capabilities.h"
#include "serve/control_calls.h"
#include "serve/control_state.h"
#include "value/json_value.h"

namespace heddle {
namespace {

// The aliases that lead to `type`: another plugin may have taken one.
Value aliases_json(const Catalog& catalog, const TypeDescriptor& type) {
  std::vector<Value> all;
  for (const std::string& alias : type.aliases) {
    if (catalog.find(type.kind, alias).type == &type) all.push_back(json_text(alias));
  }
  return Value::list(std::move(all));
}

Value type_json(const Catalog& catalog, const PluginDescriptor& plugin, const TypeDescriptor& type) {
  return json_object({{"name", json_text(type.type)},
                      {"plugin", json_text(plugin.name)},
                      {"version", json_text(plugin.version)},
                      {"summary", json_text(type.summary)},
                      {"aliases", aliases_json(catalog, type)},
                      {"capabilities", type.capabilities.empty() ? json_object({}) : json_or_text(type.capabilities)}});
}

Value types_json(const Catalog& catalog) {
  std::vector<std::pair<const PluginDescriptor*, const TypeDescriptor*>> offered;
  for (const auto& plugin : catalog.plugins()) {
    for (const TypeDescriptor& type : plugin->types) {
      if (type.kind == "node" && catalog.find(type.kind, type.type).type == &type) offered.emplace_back(plugin.get(), &type);
    }
  }
  std::sort(offered.begin(), offered.end(), [](const auto& a, const auto& b) { return a.second->type < b.second->type; });
  std::vector<Value> all;
  for (const auto& [plugin, type] : offered) all.push_back(type_json(catalog, *plugin, *type));
  return Value::list(std::move(all));
}

}  // namespace

Result<Value> list_types(Control::State& control, const Request&) {
  return json_object({{"types", types_json(*control.host.catalog())}, {"capabilities", capabilities_json(local_capabilities())}});
}

}  // namespace heddle
