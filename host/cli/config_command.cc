#include <unistd.h>

#include "cli/configuration.h"
#include "cli/console.h"
#include "cli/failure.h"
#include "cli/host_address.h"
#include "cli/text_table.h"
#include "cli/verbs.h"
#include "log.h"
#include "plugin/catalog.h"
#include "value/json_value.h"

namespace heddle {
namespace {

struct Setting {
  std::string name;
  Value value;
  std::vector<Origin> from;  // empty: a default
};

// Plugins are looked for there first: Catalog, not the configuration, takes it from the environment.
void add_environment(Setting& plugin_dirs) {
  std::vector<Value> all;
  for (const std::string& directory : plugin_path_of_environment()) all.push_back(json_text(directory));
  if (all.empty()) return;
  for (size_t i = 0; i < plugin_dirs.value.size(); ++i) all.push_back(plugin_dirs.value.at(i));
  plugin_dirs.value = Value::list(std::move(all));
  plugin_dirs.from.insert(plugin_dirs.from.begin(), Origin{"HEDDLE_PLUGIN_PATH"});
}

std::vector<Setting> settings_of(const ServeConfig& config, const HostAddress& address) {
  std::vector<Setting> out;
  for (auto& [name, value] : settings_of(config)) {
    const auto from = config.origins.find(name);
    out.push_back({name, value, from == config.origins.end() ? std::vector<Origin>() : from->second});
    if (name == "plugin_dirs") add_environment(out.back());
  }
  const auto add = [&](const char* name, Value value, const Origin& from) { out.push_back({name, std::move(value), from.name.empty() ? std::vector<Origin>() : std::vector{from}}); };
  add("client.host", json_text(address.url), address.url_from);
  add("client.token", address.token.empty() ? Value::null() : json_text("***"), address.token_from);
  add("client.ca_file", json_text(address.ca_file), address.ca_file_from);
  return out;
}

std::string words_for(const std::vector<Origin>& from) {
  std::string out;
  for (const Origin& one : from) out += (out.empty() ? "" : ", ") + to_string(one);
  return out.empty() ? "default" : out;
}

Value json_of(const Setting& setting) {
  std::vector<Value> from;
  for (const Origin& one : setting.from) from.push_back(one.line ? json_object({{"file", json_text(one.name)}, {"line", json_count(one.line)}}) : json_object({{"name", json_text(one.name)}}));
  return json_object({{"setting", json_text(setting.name)}, {"value", setting.value}, {"from", Value::list(std::move(from))}});
}

std::string as_json(const std::vector<std::string>& files, const std::vector<Setting>& settings) {
  std::vector<Value> read, rows;
  for (auto file = files.rbegin(); file != files.rend(); ++file) read.push_back(json_text(*file));
  for (const Setting& one : settings) rows.push_back(json_of(one));
  return json_object({{"files", Value::list(std::move(read))}, {"settings", Value::list(std::move(rows))}}).json() + "\n";
}

std::string as_table(const std::vector<Setting>& settings) {
  TextTable table({{"SETTING"}, {"VALUE", TextTable::Align::kLeft, true}, {"FROM"}});
  for (const Setting& one : settings) table.add({one.name, one.value.json(), words_for(one.from)});
  return table.text(table_columns());
}

}  // namespace

ExitCode config_command(const ConfigArguments& arguments, const GeneralArguments& general) {
  const std::vector<std::string> files = config_files(arguments.serve.config);
  const Configuration read = read_configuration(files, arguments.serve, general.plugin_dirs);
  if (!read.config) return refuse(read, general);
  const Result<HostAddress> address = host_address(arguments.host, files);
  if (!address) return fail_with(exit_code_of(address.error()), address.error(), general.json);
  const std::vector<Setting> settings = settings_of(*read.config, *address);
  return print(log::redacted(general.json ? as_json(files, settings) : as_table(settings))) ? ExitCode::kOk : ExitCode::kIo;
}

}  // namespace heddle
