#include <algorithm>

#include "cli/console.h"
#include "cli/daemon_view.h"
#include "cli/failure.h"
#include "cli/params_table.h"
#include "cli/type_facts.h"
#include "cli/type_page.h"
#include "cli/verbs.h"
#include "plugin/catalog.h"
#include "plugin/file_digest.h"
#include "plugin/note.h"
#include "plugin/note_cache.h"
#include "value/json_value.h"

namespace heddle {
namespace {

// What a daemon makes of one plugin, and what its file is.
struct Trust {
  std::string digest;              // SHA-256; empty: it cannot be read
  std::optional<Error> refusal = {};
};

Trust trust_in(const PluginDescriptor& plugin, const DaemonView& daemon) {
  auto digest = sha256_of_file(plugin.path);
  return {digest ? *std::move(digest) : std::string(), daemon.refusal(plugin)};
}

std::string rows_text(const Facts& facts) {
  std::string out;
  for (const auto& [name, text] : facts) out.append("  ").append(name).append(name.size() < 14 ? 14 - name.size() : 1, ' ').append(text).append("\n");
  return out;
}

std::string trust_text(const Trust& trust, const DaemonView& daemon) {
  Facts facts;
  if (!trust.digest.empty()) facts.emplace_back("sha256", trust.digest);
  if (trust.refusal) facts.emplace_back("daemon", "run as " + daemon.user() + " does not load it: " + trust.refusal->message);
  return rows_text(facts);
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

std::string type_text(const PluginDescriptor& plugin, const TypeDescriptor& type, const std::string& trust) {
  return type.type + (type.summary.empty() ? "" : ": " + type.summary) + "\n" + rows_text(facts_of(plugin, type)) + trust + "params\n" + params_text(type);
}

std::string plugin_listing(const PluginDescriptor& plugin) {
  std::string out = plugin_line(plugin) + "  " + plugin.path + "\n";
  if (!plugin.summary.empty()) out += "  " + plugin.summary + "\n";
  const auto name = [](const TypeDescriptor& type) { return type.kind == "node" ? type.type : type.type + " (" + type.kind + ")"; };
  size_t width = 0;
  for (const TypeDescriptor& type : plugin.types) width = std::max(width, name(type).size());
  for (const TypeDescriptor& type : plugin.types)
    out += "  " + name(type) + std::string(width + 2 - name(type).size(), ' ') + type.summary + "\n";
  return out;
}

std::vector<std::pair<std::string, Value>> plugin_members(const PluginDescriptor& plugin, const TypeDescriptor* only) {
  std::vector<Value> types;
  for (const TypeDescriptor& type : plugin.types) {
    if (!only || only == &type) types.push_back(json_or_text(type.text));
  }
  return {{"plugin", json_text(plugin.name)},
          {"version", json_text(plugin.version)},
          {"license", json_text(plugin.license)},
          {"summary", json_text(plugin.summary)},
          {"homepage", json_text(plugin.homepage)},
          {"package", json_text(plugin.package)},
          {"path", json_text(plugin.path)},
          {"abi", Value::list({json_count(plugin.abi_major), json_count(plugin.abi_minor)})},
          {"types", Value::list(std::move(types))}};
}

std::string one_as_json(const PluginDescriptor& plugin, const TypeDescriptor* only, const Trust& trust, const DaemonView& daemon) {
  auto members = plugin_members(plugin, only);
  members.emplace_back("sha256", json_text(trust.digest));
  if (!daemon.unknown()) {
    members.emplace_back("daemon_loads", Value::boolean(!trust.refusal));
    if (trust.refusal) members.emplace_back("daemon_refusal", json_text(trust.refusal->message));
  }
  return json_object(std::move(members)).json() + "\n";
}

Value refused_json(const std::vector<RefusedPlugin>& refused) {
  std::vector<Value> out;
  for (const RefusedPlugin& one : refused)
    out.push_back(json_object({{"path", json_text(one.path)}, {"code", json_text(one.why.code)}, {"message", json_text(one.why.text())}}));
  return Value::list(std::move(out));
}

std::string refused_text(const std::string& title, const std::vector<RefusedPlugin>& refused) {
  std::string out;
  for (const RefusedPlugin& one : refused) out += "  " + one.path + "\n    " + one.why.text() + "\n";
  return out.empty() ? out : "\n" + title + "\n" + out;
}

std::string everything_as_json(const Catalog& catalog, const DaemonView& daemon) {
  std::vector<Value> plugins;
  for (const auto& plugin : catalog.plugins()) plugins.push_back(json_object(plugin_members(*plugin, nullptr)));
  return json_object({{"plugins", Value::list(std::move(plugins))}, {"refused", refused_json(catalog.refused())}, {"refused_by_daemon", refused_json(daemon.refused(catalog))}}).json() + "\n";
}

std::string everything_as_text(const Catalog& catalog, const DaemonView& daemon) {
  std::string out;
  for (const auto& plugin : catalog.plugins()) out += (out.empty() ? "" : "\n") + plugin_listing(*plugin);
  if (out.empty()) out = "no plugins found\n";
  out += refused_text("refused", catalog.refused()) + refused_text("refused by a daemon that runs as " + daemon.user(), daemon.refused(catalog));
  if (daemon.unknown()) out += "\nwhat a daemon refuses is not known: " + daemon.unknown()->text() + "\n";
  return out;
}

// Pages of documentation say nothing of this machine.
std::optional<PageFormat> page_of(InspectFormat format) {
  if (format == InspectFormat::kMarkdown) return PageFormat::kMarkdown;
  return format == InspectFormat::kMan ? std::optional(PageFormat::kMan) : std::nullopt;
}

std::string everything(const Catalog& catalog, InspectFormat format, const std::vector<std::string>& plugin_dirs) {
  if (const auto page = page_of(format)) {
    std::vector<const PluginDescriptor*> plugins;
    for (const auto& plugin : catalog.plugins()) plugins.push_back(plugin.get());
    return plugins_page(*page, plugins);
  }
  const DaemonView daemon(plugin_dirs);
  return format == InspectFormat::kJson ? everything_as_json(catalog, daemon) : everything_as_text(catalog, daemon);
}

std::string one_type(const CatalogEntry& entry, InspectFormat format, const std::vector<std::string>& plugin_dirs) {
  if (const auto page = page_of(format)) return type_page(*page, *entry.plugin, *entry.type);
  const DaemonView daemon(plugin_dirs);
  const Trust trust = trust_in(*entry.plugin, daemon);
  if (format == InspectFormat::kJson) return one_as_json(*entry.plugin, entry.type, trust, daemon);
  return type_text(*entry.plugin, *entry.type, trust_text(trust, daemon));
}

std::string one_plugin(const PluginDescriptor& plugin, InspectFormat format, const std::vector<std::string>& plugin_dirs) {
  if (const auto page = page_of(format)) return plugins_page(*page, {&plugin});
  const DaemonView daemon(plugin_dirs);
  const Trust trust = trust_in(plugin, daemon);
  if (format == InspectFormat::kJson) return one_as_json(plugin, nullptr, trust, daemon);
  std::string out = plugin_listing(plugin) + trust_text(trust, daemon);
  for (const TypeDescriptor& type : plugin.types) out += "\n" + type_text(plugin, type, "");
  return out;
}

ExitCode say(const std::string& out) { return print(out) ? ExitCode::kOk : ExitCode::kIo; }

ExitCode inspect_file(const std::string& path, InspectFormat format, const GeneralArguments& general) {
  Result<PluginDescriptor> plugin = read_note(path);
  if (!plugin) return fail_with(plugin.error().code == "cannot-read" ? ExitCode::kIo : ExitCode::kFailed, plugin.error(), general.json);
  if (auto why = abi_refusal(*plugin)) return fail_with(ExitCode::kFailed, *why, general.json);
  return say(one_plugin(*plugin, format, general.plugin_dirs));
}

// A type of any kind; of nodes first, for they are what manifests name.
CatalogEntry find_type(const Catalog& catalog, const std::string& name) {
  for (const char* const kind : {"node", "transport", "sidecar", "chain", "store", "broker"})
    if (const CatalogEntry found = catalog.find(kind, name); found.type) return found;
  return {};
}

ExitCode inspect_type(const Catalog& catalog, const std::string& name, InspectFormat format, const GeneralArguments& general) {
  const CatalogEntry entry = find_type(catalog, name);
  if (entry.type) return say(one_type(entry, format, general.plugin_dirs));
  return fail_with(
      ExitCode::kUsage,
      Error("unknown-node-type", "no installed plugin has the type " + name + "; " + catalog.hint_for("node", name), ErrorClass::kConfig),
      general.json);
}

// Every file is read, whatever is known of it.
Catalog read_anew(const std::vector<std::string>& directories) {
  NoteCache cache = NoteCache::empty(NoteCache::usual_places());
  Catalog catalog = Catalog::scan(directories, nullptr, &cache);
  (void)cache.save();
  return catalog;
}

}  // namespace

ExitCode inspect_command(const InspectArguments& arguments, const GeneralArguments& general) {
  const std::string& subject = arguments.subject;
  const InspectFormat format = general.json ? InspectFormat::kJson : arguments.format;
  if (subject.find('/') != std::string::npos || subject.ends_with(".so")) return inspect_file(subject, format, general);
  const std::vector<std::string> directories = plugin_search_path(general.plugin_dirs);
  const Catalog catalog = arguments.refresh ? read_anew(directories) : Catalog::installed(directories);
  if (!subject.empty()) return inspect_type(catalog, subject, format, general);
  return say(everything(catalog, format, general.plugin_dirs));
}

}  // namespace heddle
