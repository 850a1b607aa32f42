#include <algorithm>

#include "cli/console.h"
#include "cli/failure.h"
#include "value/json_value.h"
#include "cli/params_table.h"
#include "cli/verbs.h"
#include "plugin/catalog.h"
#include "plugin/note.h"

namespace heddle {
namespace {

std::string_view name_of(Concurrency c) {
  switch (c) {
    case Concurrency::kKeyed:
      return "keyed: one call at a time per key";
    case Concurrency::kParallel:
      return "parallel: any number of calls at a time";
    case Concurrency::kSerial:
      break;
  }
  return "serial: one call at a time";
}

std::string_view name_of(LaneClass c) {
  switch (c) {
    case LaneClass::kIo:
      return "io";
    case LaneClass::kBlocking:
      return "blocking";
    case LaneClass::kDevice:
      return "device";
    case LaneClass::kCpu:
      break;
  }
  return "cpu";
}

void add_row(std::string& out, std::string_view name, const std::string& text) {
  if (text.empty()) return;
  out.append("  ").append(name).append(name.size() < 14 ? 14 - name.size() : 1, ' ').append(text).append("\n");
}

std::string ports_text(const std::vector<PortDescriptor>& ports) {
  std::string out;
  for (const PortDescriptor& port : ports)
    out += (out.empty() ? "" : ", ") + port.name + (port.summary.empty() ? "" : " (" + port.summary + ")") + (port.failures ? " (failures)" : "");
  return out;
}

std::string outputs_text(const TypeDescriptor& type) {
  std::string out = type.outputs.empty() && type.output_ports_from.empty() ? "none: a sink" : ports_text(type.outputs);
  for (const std::string& pointer : type.output_ports_from) out += (out.empty() ? "" : ", ") + ("those that the params name at " + pointer);
  return out + "; error (every node has it)";
}

std::string params_text(const TypeDescriptor& type) {
  std::vector<ParamRow> rows = params_table(json_or_text(type.params_schema));
  if (rows.empty()) return "  none\n";
  size_t width = 0;
  for (const ParamRow& row : rows) width = std::max(width, row.name.size());
  std::string out;
  for (const ParamRow& row : rows) {
    out += "  " + row.name + std::string(width + 2 - row.name.size(), ' ') + row.type;
    if (!row.limits.empty()) out += ", " + row.limits;
    if (!row.fallback.empty()) out += row.fallback == "required" ? ", required" : ", default " + row.fallback;
    out += "\n";
    if (!row.meaning.empty()) out += std::string(width + 4, ' ') + row.meaning + "\n";
  }
  return out;
}

std::string plugin_text(const PluginDescriptor& plugin) {
  return plugin.name + " " + plugin.version + (plugin.license.empty() ? "" : ", " + plugin.license);
}

std::string type_text(const PluginDescriptor& plugin, const TypeDescriptor& type) {
  std::string out = type.type + (type.summary.empty() ? "" : ": " + type.summary) + "\n", aliases;
  for (const std::string& alias : type.aliases) aliases += (aliases.empty() ? "" : ", ") + alias;
  add_row(out, "kind", type.kind);
  add_row(out, "aliases", aliases);
  add_row(out, "plugin", plugin_text(plugin));
  add_row(out, "file", plugin.path);
  add_row(out, "package", plugin.package);
  if (type.kind == "store") add_row(out, "durable", type.durable ? "yes: a commit that was answered is not lost" : "no: gone with the store");
  if (type.kind != "node") return out + "params\n" + params_text(type);
  add_row(out, "inputs", type.inputs.empty() ? "none: a source" : ports_text(type.inputs));
  add_row(out, "outputs", outputs_text(type));
  add_row(out, "concurrency", std::string(name_of(type.concurrency)));
  add_row(out, "needs",
          std::string(name_of(type.lane)) + (type.capabilities.empty() || type.capabilities == "{}" ? "" : ", " + type.capabilities));
  add_row(out, "answers", type.max_in_flight ? "later, up to " + std::to_string(type.max_in_flight) + " calls at once" : "at once");
  add_row(out, "batch", "up to " + std::to_string(type.max_batch) + " calls");
  add_row(out, "timeout", type.timeout_ms ? std::to_string(type.timeout_ms) + " ms" : "");
  add_row(out, "state", type.stateless ? "none: nothing is kept of an item" : "may be kept from one item to the next");
  add_row(out, "idempotent", type.idempotent ? "yes: the host may try again" : "no");
  return out + "params\n" + params_text(type);
}

std::string plugin_listing(const PluginDescriptor& plugin) {
  std::string out = plugin_text(plugin) + "  " + plugin.path + "\n";
  if (!plugin.summary.empty()) out += "  " + plugin.summary + "\n";
  const auto name = [](const TypeDescriptor& type) { return type.kind == "node" ? type.type : type.type + " (" + type.kind + ")"; };
  size_t width = 0;
  for (const TypeDescriptor& type : plugin.types) width = std::max(width, name(type).size());
  for (const TypeDescriptor& type : plugin.types)
    out += "  " + name(type) + std::string(width + 2 - name(type).size(), ' ') + type.summary + "\n";
  return out;
}

Value plugin_json(const PluginDescriptor& plugin, const TypeDescriptor* only) {
  std::vector<Value> types;
  for (const TypeDescriptor& type : plugin.types) {
    if (!only || only == &type) types.push_back(json_or_text(type.text));
  }
  return json_object({{"plugin", json_text(plugin.name)},
                      {"version", json_text(plugin.version)},
                      {"license", json_text(plugin.license)},
                      {"summary", json_text(plugin.summary)},
                      {"homepage", json_text(plugin.homepage)},
                      {"package", json_text(plugin.package)},
                      {"path", json_text(plugin.path)},
                      {"abi", Value::list({json_count(plugin.abi_major), json_count(plugin.abi_minor)})},
                      {"types", Value::list(std::move(types))}});
}

std::string everything(const Catalog& catalog, bool json) {
  std::vector<Value> plugins, refused;
  std::string out, not_taken;
  for (const auto& plugin : catalog.plugins()) {
    if (json)
      plugins.push_back(plugin_json(*plugin, nullptr));
    else
      out += (out.empty() ? "" : "\n") + plugin_listing(*plugin);
  }
  for (const RefusedPlugin& one : catalog.refused()) {
    if (json)
      refused.push_back(
          json_object({{"path", json_text(one.path)}, {"code", json_text(one.why.code)}, {"message", json_text(one.why.text())}}));
    else
      not_taken += "  " + one.path + "\n    " + one.why.text() + "\n";
  }
  if (json) return json_object({{"plugins", Value::list(std::move(plugins))}, {"refused", Value::list(std::move(refused))}}).json() + "\n";
  if (out.empty()) out = "no plugins found\n";
  return not_taken.empty() ? out : out + "\nrefused\n" + not_taken;
}

ExitCode inspect_file(const std::string& path, bool json) {
  Result<PluginDescriptor> plugin = read_note(path);
  if (!plugin) return fail_with(plugin.error().code == "cannot-read" ? ExitCode::kIo : ExitCode::kFailed, plugin.error(), json);
  if (auto why = abi_refusal(*plugin)) return fail_with(ExitCode::kFailed, *why, json);
  std::string out = json ? plugin_json(*plugin, nullptr).json() + "\n" : plugin_listing(*plugin);
  if (!json) {
    for (const TypeDescriptor& type : plugin->types) out += "\n" + type_text(*plugin, type);
  }
  return print(out) ? ExitCode::kOk : ExitCode::kIo;
}

// A type of any kind; of nodes first, for they are what manifests name.
CatalogEntry find_type(const Catalog& catalog, const std::string& name) {
  for (const char* const kind : {"node", "transport", "sidecar", "chain", "store", "broker"})
    if (const CatalogEntry found = catalog.find(kind, name); found.type) return found;
  return {};
}

ExitCode inspect_type(const Catalog& catalog, const std::string& name, bool json) {
  CatalogEntry entry = find_type(catalog, name);
  if (entry.type)
    return print(json ? plugin_json(*entry.plugin, entry.type).json() + "\n" : type_text(*entry.plugin, *entry.type)) ? ExitCode::kOk
                                                                                                                      : ExitCode::kIo;
  return fail_with(
      ExitCode::kUsage,
      Error("unknown-node-type", "no installed plugin has the type " + name + "; " + catalog.hint_for("node", name), ErrorClass::kConfig),
      json);
}

}  // namespace

ExitCode inspect_command(const InspectArguments& arguments, const GeneralArguments& general) {
  const std::string& subject = arguments.subject;
  if (subject.find('/') != std::string::npos || subject.ends_with(".so")) return inspect_file(subject, general.json);
  Catalog catalog = Catalog::scan(plugin_search_path(general.plugin_dirs));
  if (!subject.empty()) return inspect_type(catalog, subject, general.json);
  return print(everything(catalog, general.json)) ? ExitCode::kOk : ExitCode::kIo;
}

}  // namespace heddle
