#include "serve/config.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "log.h"
#include "manifest/param_schema.h"
#include "manifest/reading.h"
#include "manifest/substitute.h"
#include "plugin/endpoint.h"
#include "serve/plugin_settings.h"
#include "serve/remotes.h"

namespace heddle {
namespace {

// "client" is for the verbs that ask a host: they read it.
constexpr std::string_view kConfigKeys[] = {"threads", "listen", "auth", "store", "execute", "pipelines", "state_dir", "plugin_dirs", "plugins", "lanes", "jobs", "drain_ms", "remotes", "client"};
constexpr std::string_view kPolicyKeys[] = {"plugins"};
constexpr std::string_view kListenKeys[] = {"transport", "endpoint", "params", "limits", "insecure"};
constexpr std::string_view kLimitKeys[] = {"body_bytes", "requests", "header_ms", "request_ms", "idle_ms", "stall_ms"};
constexpr std::string_view kAuthKeys[] = {"tokens", "open"};
constexpr std::string_view kTokenKeys[] = {"name", "token", "scopes"};
constexpr std::string_view kStoreKeys[] = {"type", "params"};
constexpr std::string_view kExecuteKeys[] = {"inline", "node_types"};
constexpr std::string_view kJobKeys[] = {"remembered", "dead", "payload_bytes"};
constexpr const char* kDefaultEndpoint = "127.0.0.1:7433";
constexpr uint64_t kMaxKept = 100'000'000, kMaxBytes = uint64_t{1} << 32;

// One text, and what its strings were before substitution.
class ConfigReading : public Reading {
 public:
  using Reading::Reading;
  void keep_written(const Path& path, const std::string& raw) override { written_[path.pointer()] = raw; }
  const std::map<std::string, std::string>& written() const { return written_; }

 private:
  std::map<std::string, std::string> written_;  // by JSON Pointer
};

// Reads one text over what the weaker ones said.
class ConfigReader {
 public:
  ConfigReader(ConfigReading& reading, ServeConfig& config, size_t text) : reading_(reading), config_(config), text_(text) {}
  void read(JsonNode& root);

 private:
  void read_listen(Fields& top);
  void read_listener(JsonNode& value, const Path& path);
  void read_limits(JsonNode& value, const Path& path, ListenLimits& limits);
  void read_auth(JsonNode& value, const Path& path);
  void read_token(JsonNode& value, const Path& path);
  void read_store(JsonNode& value, const Path& path);
  void read_execute(JsonNode& value, const Path& path);
  void read_lanes(JsonNode& section, const Path& path);
  void read_jobs(JsonNode& value, const Path& path);
  // A list of texts that are all among `known`.
  std::vector<std::string> read_words(Fields& f, std::string_view key, std::initializer_list<std::string_view> known);
  Value read_params(Fields& f, WrittenType& written);
  // As it was before substitution.
  JsonNode as_written(const JsonNode& value, const Path& path) const;
  // Relative to the folder of the file, as ${file:…} is.
  std::string path_from_here(const std::string& path) const;
  void note_origins(const JsonNode& map, const std::string& name);

  ConfigReading& reading_;
  ServeConfig& config_;
  const size_t text_;
};

std::string ConfigReader::path_from_here(const std::string& path) const {
  return path.empty() ? path : (std::filesystem::path(reading_.file()).parent_path() / path).string();
}

JsonNode ConfigReader::as_written(const JsonNode& value, const Path& path) const {
  JsonNode out = value;
  const auto& written = reading_.written();
  if (const auto raw = written.find(path.pointer()); raw != written.end()) out.text = raw->second;
  for (size_t i = 0; i < value.items.size(); ++i) out.items[i] = as_written(value.items[i], Path(path, i));
  for (size_t i = 0; i < value.members.size(); ++i) out.members[i].value = as_written(value.members[i].value, Path(path, value.members[i].key));
  return out;
}

Value ConfigReader::read_params(Fields& f, WrittenType& written) {
  const JsonNode* const params = f.get_map("params");
  if (params) written.params = *params;
  else written.params.kind = JsonKind::kMap, written.params.span = written.span;
  written.shown = as_written(written.params, f.at("params"));
  auto value = Value::parse(params ? params->json() : "{}");
  if (!value) f.error("wrong-type", "params", value.error().message);
  return value ? *std::move(value) : Value();
}

std::vector<std::string> ConfigReader::read_words(Fields& f, std::string_view key, std::initializer_list<std::string_view> known) {
  std::vector<std::string> out;
  JsonNode* const list = f.get_list(key);
  const Path at = f.at(key);
  for (size_t i = 0; list && i < list->items.size(); ++i) {
    const JsonNode& item = list->items[i];
    std::string all;
    for (std::string_view word : known) all.append(all.empty() ? "\"" : ", \"").append(word).append("\"");
    if (item.kind != JsonKind::kString) {
      reading_.error("wrong-type", Path(at, i), item.span, "an entry of \"" + std::string(key) + "\" must be one of " + all + ", but this is " + std::string(name_of(item.kind)));
    } else if (std::find(known.begin(), known.end(), item.text) == known.end()) {
      reading_.error("unknown-choice", Path(at, i), item.span, "an entry of \"" + std::string(key) + "\" must be one of " + all + ", but this is \"" + item.text + "\"",
                     reading_.suggestion(item.text, {known.begin(), known.end()}));
    } else if (std::find(out.begin(), out.end(), item.text) == out.end()) {
      out.push_back(item.text);
    }
  }
  return out;
}

void ConfigReader::read_limits(JsonNode& value, const Path& path, ListenLimits& limits) {
  Fields f(reading_, value, path, kLimitKeys, "the limits of a listener");
  f.integer("body_bytes", 1, kMaxBytes, limits.body_bytes);
  f.integer("requests", 1, 65'536, limits.requests);
  f.integer("header_ms", 1, kMaxMilliseconds, limits.header_ms);
  f.integer("request_ms", 1, kMaxMilliseconds, limits.request_ms);
  f.integer("idle_ms", 1, kMaxMilliseconds, limits.idle_ms);
  f.integer("stall_ms", 1, kMaxMilliseconds, limits.stall_ms);
}

void ConfigReader::read_listener(JsonNode& value, const Path& path) {
  ListenSettings out;
  Fields f(reading_, value, path, kListenKeys, "a listener");
  f.text("transport", out.transport);
  out.written = {.text = text_, .pointer = path.pointer(), .span = f.span_of("transport")};
  out.params = read_params(f, out.written);
  f.boolean("insecure", out.insecure);
  if (JsonNode* const limits = f.get("limits")) read_limits(*limits, f.at("limits"), out.limits);
  out.endpoint_span = f.span_of("endpoint");
  if (f.required_text("endpoint", out.endpoint)) {
    const auto parts = split_endpoint(out.endpoint);
    if (!parts) {
      f.error("bad-endpoint", "endpoint", "\"" + out.endpoint + "\" is no endpoint", "write HOST:PORT, as in 127.0.0.1:7433 or [::1]:7433; port 0 takes a free one");
    } else if (parts->port != 0) {
      const auto same = [&](const ListenSettings& other) { return other.endpoint == out.endpoint; };
      if (std::any_of(config_.listen.begin(), config_.listen.end(), same)) f.error("duplicate", "endpoint", "two listeners have the endpoint \"" + out.endpoint + "\"");
    }
  }
  config_.listen.push_back(std::move(out));
}

void ConfigReader::read_listen(Fields& top) {
  JsonNode* const list = top.get_list("listen");
  if (!list) return;
  config_.listen.clear();
  if (list->items.empty()) {
    return top.error("out-of-range", "listen", "\"listen\" is empty: nobody could reach this host", std::string("write \"listen\": [{\"endpoint\": \"") + kDefaultEndpoint + "\"}]");
  }
  const Path at = top.at("listen");
  for (size_t i = 0; i < list->items.size(); ++i) read_listener(list->items[i], Path(at, i));
}

void ConfigReader::read_token(JsonNode& value, const Path& path) {
  TokenSettings out;
  Fields f(reading_, value, path, kTokenKeys, "a token");
  f.required_text("name", out.name);
  if (f.required_text("token", out.secret)) {
    log::redact(out.secret);
    const auto is_odd = [](char c) { return c <= ' ' || c > '~'; };
    if (std::any_of(out.secret.begin(), out.secret.end(), is_odd)) {
      f.error("bad-token", "token", "the token \"" + out.name + "\" has a character that cannot stand in an Authorization header", "letters, digits and signs of ASCII, no blanks");
    }
  }
  for (const TokenSettings& other : config_.tokens) {
    if (!out.name.empty() && other.name == out.name) f.error("duplicate", "name", "two tokens have the name \"" + out.name + "\"");
    if (!out.secret.empty() && other.secret == out.secret) f.error("duplicate", "token", "the tokens \"" + other.name + "\" and \"" + out.name + "\" are the same");
  }
  if (f.require("scopes")) {
    const auto scopes = read_words(f, "scopes", {"read", "submit", "admin"});
    for (const std::string& scope : scopes) out.scopes.push_back(scope == "read" ? Scope::kRead : scope == "submit" ? Scope::kSubmit : Scope::kAdmin);
    const JsonNode* const list = f.get("scopes");
    if (list->kind == JsonKind::kList && list->items.empty())
      f.error("out-of-range", "scopes", "the token \"" + out.name + "\" has no scope: it could do nothing", "known are \"read\", \"submit\" and \"admin\"");
  }
  config_.tokens.push_back(std::move(out));
}

void ConfigReader::read_auth(JsonNode& value, const Path& path) {
  Fields f(reading_, value, path, kAuthKeys, "\"auth\"");
  if (JsonNode* const tokens = f.get_list("tokens")) {
    const Path at = f.at("tokens");
    config_.tokens.clear();
    for (size_t i = 0; i < tokens->items.size(); ++i) read_token(tokens->items[i], Path(at, i));
  }
  if (f.get("open")) config_.open_routes = read_words(f, "open", {"health", "ready", "metrics"});
}

void ConfigReader::read_store(JsonNode& value, const Path& path) {
  StoreSettings out;
  Fields f(reading_, value, path, kStoreKeys, "the store");
  f.required_text("type", out.type);
  out.written = {.text = text_, .pointer = path.pointer(), .span = f.span_of("type")};
  out.params = read_params(f, out.written);
  config_.store = std::move(out);
}

void ConfigReader::read_execute(JsonNode& value, const Path& path) {
  ExecuteSettings& execute = config_.execute;
  Fields f(reading_, value, path, kExecuteKeys, "\"execute\"");
  f.boolean("inline", execute.inline_manifests);
  JsonNode* const types = f.get_list("node_types");
  if (!types) return;
  const Path at = f.at("node_types");
  execute.node_types.clear();
  for (size_t i = 0; i < types->items.size(); ++i) {
    const JsonNode& type = types->items[i];
    const Path entry(at, i);
    if (type.kind == JsonKind::kString) execute.node_types.push_back({type.text, {.text = text_, .pointer = entry.pointer(), .span = type.span}});
    else reading_.error("wrong-type", entry, type.span, "an entry of \"node_types\" must be a string, but this is " + std::string(name_of(type.kind)));
  }
}

void ConfigReader::read_lanes(JsonNode& section, const Path& path) {
  for (JsonNode::Member& m : section.members) {
    const Path at(path, m.key);
    if (!is_name(m.key)) {
      reading_.error("bad-name", at, m.key_span, "\"" + m.key + "\" cannot be the name of a lane", "letters, digits, \"_\" and \"-\", not beginning with a digit");
      continue;
    }
    auto lane = std::find_if(config_.lanes.begin(), config_.lanes.end(), [&](const LaneSetup& l) { return l.lane.name == m.key; });
    if (lane == config_.lanes.end()) lane = config_.lanes.insert(lane, default_setup(m.key));
    if (m.value.find("retry")) lane->policy.retry = {};
    if (m.value.find("alerts")) lane->policy.alerts = {};
    read_lane_setup(reading_, m.value, at, *lane);
  }
}

void ConfigReader::read_jobs(JsonNode& value, const Path& path) {
  Fields f(reading_, value, path, kJobKeys, "\"jobs\"");
  f.integer("remembered", 0, kMaxKept, config_.jobs.remembered);
  f.integer("dead", 0, kMaxKept, config_.jobs.dead);
  f.integer("payload_bytes", 1, kMaxBytes, config_.jobs.payload_bytes);
}

// Whether the members of what has this name are settings of their own, and so may come from several texts.
bool is_group(std::string_view name) {
  if (name.empty() || name == "auth" || name == "execute" || name == "jobs" || name == "lanes" || name == "plugins" || name == "plugins.pins") return true;
  return name.starts_with("lanes.") && name.find('.', 6) == std::string_view::npos;
}

std::string member_of(const std::string& group, std::string_view key) { return group + (group.empty() ? "" : ".") + std::string(key); }

void ConfigReader::note_origins(const JsonNode& map, const std::string& name) {
  for (const JsonNode::Member& m : map.members) {
    const std::string setting = member_of(name, m.key);
    if (is_extension(m.key)) continue;
    if (is_group(setting)) note_origins(m.value, setting);
    else config_.origins[setting] = {{reading_.file(), reading_.diagnostics().place(m.key_span.offset).line}};
  }
}

void ConfigReader::read(JsonNode& root) {
  const Path path;
  const bool policy_only = std::filesystem::path(reading_.file()).parent_path().filename() == kPolicyFolder;
  Fields f(reading_, root, path, policy_only ? Keys(kPolicyKeys) : Keys(kConfigKeys), policy_only ? "a file of plugins.d" : "the configuration");
  if (root.kind != JsonKind::kMap) return;
  f.integer("threads", 0, kMaxThreads, config_.threads);
  read_listen(f);
  if (JsonNode* const auth = f.get("auth")) read_auth(*auth, f.at("auth"));
  if (JsonNode* const store = f.get("store")) read_store(*store, f.at("store"));
  if (JsonNode* const execute = f.get("execute")) read_execute(*execute, f.at("execute"));
  if (f.text("pipelines", config_.pipelines)) config_.pipelines = path_from_here(config_.pipelines);
  if (f.text("state_dir", config_.state_dir)) config_.state_dir = path_from_here(config_.state_dir);
  if (JsonNode* const dirs = f.get_list("plugin_dirs")) {
    const Path at = f.at("plugin_dirs");
    config_.plugin_dirs.clear();
    for (size_t i = 0; i < dirs->items.size(); ++i) {
      const JsonNode& dir = dirs->items[i];
      if (dir.kind == JsonKind::kString) config_.plugin_dirs.push_back(path_from_here(dir.text));
      else reading_.error("wrong-type", Path(at, i), dir.span, "an entry of \"plugin_dirs\" must be a string, but this is " + std::string(name_of(dir.kind)));
    }
  }
  if (JsonNode* const plugins = f.get("plugins"))
    read_plugin_settings(reading_, *plugins, f.at("plugins"), [this](const std::string& directory) { return path_from_here(directory); }, config_.plugins);
  if (JsonNode* const lanes = f.get_map("lanes")) read_lanes(*lanes, f.at("lanes"));
  if (JsonNode* const jobs = f.get("jobs")) read_jobs(*jobs, f.at("jobs"));
  f.integer("drain_ms", 0, kMaxMilliseconds, config_.drain_ms);
  if (JsonNode* const remotes = f.get("remotes")) config_.remotes = read_remotes(reading_, *remotes, f.at("remotes"));
  if (!reading_.diagnostics().has_errors()) note_origins(root, "");
}

// Without tokens everybody who reaches a listener may do everything.
void refuse_open_listeners(const ServeConfig& config, std::vector<ConfigText>& texts) {
  if (!config.tokens.empty()) return;
  for (const ListenSettings& listener : config.listen) {
    const auto parts = split_endpoint(listener.endpoint);
    if (!parts || listener.insecure || is_loopback(parts->host)) continue;
    texts[listener.written.text].diagnostics.add(
        {.code = "open-listener", .pointer = listener.written.pointer + "/endpoint", .span = listener.endpoint_span,
         .message = "\"" + listener.endpoint + "\" can be reached from other machines, and no token is configured: anybody there could do everything here",
         .hint = "write \"auth\": {\"tokens\": [{\"name\": \"me\", \"token\": \"${env.HEDDLE_TOKEN}\", \"scopes\": [\"read\", \"submit\", \"admin\"]}]}, or listen on 127.0.0.1, "
                 "or say \"insecure\": true for this listener"});
  }
}

void check_type(std::string_view kind, const std::string& name, std::string_view key, const WrittenType& written, const Catalog& catalog, std::vector<ConfigText>& texts) {
  if (written.text == WrittenType::kNowhere) return;
  Diagnostics& diagnostics = texts[written.text].diagnostics;
  const CatalogEntry entry = catalog.find(kind, name);
  const std::string subject = std::string(kind) + " \"" + name + "\"", pointer = written.pointer + "/" + std::string(key);
  if (!entry.type) {
    return diagnostics.add({.code = "unknown-type", .pointer = pointer, .span = written.span, .message = "no installed plugin has the " + subject,
                            .hint = catalog.hint_for(kind, name)});
  }
  const auto schema = ParamSchema::compile(entry.type->params_schema);
  if (schema) return schema->check(written.params, written.pointer + "/params", subject, diagnostics);
  diagnostics.add({.code = "bad-schema", .pointer = pointer, .span = written.span, .message = "plugin " + entry.plugin->name + ": " + schema.error().text(), .hint = {}});
}

}  // namespace

void check_types(const ServeConfig& config, const Catalog& catalog, std::vector<ConfigText>& texts) {
  for (const ListenSettings& listener : config.listen) check_type("transport", listener.transport, "transport", listener.written, catalog, texts);
  for (const auto& [name, written] : config.execute.node_types) {
    if (catalog.find("node", name).type) continue;
    texts[written.text].diagnostics.add({.code = "unknown-type", .pointer = written.pointer, .span = written.span, .message = "no installed plugin has the node type \"" + name + "\"",
                                         .hint = catalog.hint_for("node", name)});
  }
  if (config.store) check_type("store", config.store->type, "type", config.store->written, catalog, texts);
}

std::vector<std::string> endpoints_of(const ServeConfig& config) {
  std::vector<std::string> out;
  for (const ListenSettings& listener : config.listen) out.push_back(listener.endpoint);
  return out;
}

ServeConfig default_config() {
  ServeConfig out;
  out.plugins.user = ::geteuid();
  ListenSettings listener;
  listener.endpoint = kDefaultEndpoint;
  out.listen.push_back(std::move(listener));
  return out;
}

ConfigText::ConfigText(std::string path, std::string content) : file(std::move(path)), text(std::move(content)), diagnostics(file == "-" ? "standard input" : file, text) {}

std::string to_string(const Origin& origin) { return origin.name + (origin.line ? ":" + std::to_string(origin.line) : ""); }

std::optional<ServeConfig> read_config(std::vector<ConfigText>& texts) {
  ServeConfig config = default_config();
  for (size_t i = 0; i < texts.size(); ++i) {
    ConfigText& one = texts[i];
    JsonNode root;
    if (!parse_document(one.text, root, one.diagnostics)) continue;
    std::erase_if(root.members, [](const JsonNode::Member& m) { return m.key == "client"; });  // what it refers to may be for others to read
    ConfigReading reading(one.text, one.file, one.diagnostics);
    Substitution(reading).apply(root, Path());
    ConfigReader(reading, config, i).read(root);
  }
  refuse_open_listeners(config, texts);
  if (std::any_of(texts.begin(), texts.end(), [](const ConfigText& t) { return t.diagnostics.has_errors(); })) return {};
  return config;
}

}  // namespace heddle
