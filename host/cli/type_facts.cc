#include "cli/type_facts.h"

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

std::string aliases_text(const TypeDescriptor& type) {
  std::string out;
  for (const std::string& alias : type.aliases) out += (out.empty() ? "" : ", ") + alias;
  return out;
}

void add(Facts& facts, const char* name, std::string text) {
  if (!text.empty()) facts.emplace_back(name, std::move(text));
}

std::string calls(uint32_t count) { return std::to_string(count) + (count == 1 ? " call" : " calls"); }

void add_facts_of_node(Facts& facts, const TypeDescriptor& type) {
  add(facts, "inputs", type.inputs.empty() ? "none: a source" : ports_text(type.inputs));
  add(facts, "outputs", outputs_text(type));
  add(facts, "concurrency", std::string(name_of(type.concurrency)));
  add(facts, "lane class", std::string(name_of(type.lane)));
  add(facts, "needs", type.capabilities == "{}" ? "" : type.capabilities);
  add(facts, "answers", type.max_in_flight ? "later, up to " + calls(type.max_in_flight) + " at once" : "at once");
  add(facts, "batch", "up to " + calls(type.max_batch));
  add(facts, "timeout", type.timeout_ms ? std::to_string(type.timeout_ms) + " ms" : "");
  add(facts, "state", type.stateless ? "none: nothing is kept of an item" : "may be kept from one item to the next");
  add(facts, "idempotent", type.idempotent ? "yes: the host may try again" : "no");
}

}  // namespace

std::string plugin_line(const PluginDescriptor& plugin) {
  return plugin.name + " " + plugin.version + (plugin.license.empty() ? "" : ", " + plugin.license);
}

Facts facts_of(const PluginDescriptor& plugin, const TypeDescriptor& type) {
  Facts facts;
  add(facts, "kind", type.kind);
  add(facts, "aliases", aliases_text(type));
  add(facts, "plugin", plugin_line(plugin));
  add(facts, "abi", std::to_string(plugin.abi_major) + "." + std::to_string(plugin.abi_minor));
  add(facts, "file", plugin.path);
  add(facts, "package", plugin.package);
  add(facts, "homepage", plugin.homepage);
  if (type.kind == "store") add(facts, "durable", type.durable ? "yes: a commit that was answered is not lost" : "no: gone with the store");
  if (type.kind == "node") add_facts_of_node(facts, type);
  return facts;
}

}  // namespace heddle
